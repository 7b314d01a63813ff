// Builds the rows of `show stat`, of the CSV and of the statistics page: one per frontend, server and backend, in the order of the
// configuration. Which columns a kind of row has, and which stay empty in TCP mode or without checks, is HAProxy's, observed with 3.2.
//
// Accuracy: ringway knows no TLS and HTTP/2 yet, so their counters are truly 0. `h1_open_streams` is not counted
// and stays empty; `need_conn_est` is what is in use now; `safe_conn_cur` is part of `idle_conn_cur`.

import { checkDescription, checkStatusName, hasCheckCode } from "../control/health/check-status.ts";
import type { HealthChecks } from "../control/health/health-checks.ts";
import type { FrontendStates } from "../control/server-state/frontend-states.ts";
import type { ServerStates } from "../control/server-state/server-states.ts";
import { rampedWeight, throttlePercent } from "../control/server-state/slow-start.ts";
import type { Plan, ProxyPlan, ServerPlan } from "../plan/plan.ts";
import { COUNTER, HEADER, OP_STATE, PROXY, SERVER, type SharedState } from "../shared-state/layout.ts";
import type { Aggregate, CounterRow } from "./aggregate.ts";
import { ROW_KIND, type RowKind } from "./columns.ts";
import type { Latencies } from "./latencies.ts";
import { listenerRow } from "./listener-rows.ts";
import { percentileValues } from "./percentiles.ts";
import type { Samples } from "./samples.ts";
import { addressText, type StatRow, type StatValues } from "./stat-row.ts";
import { isChecked, serverStatus, trackedName } from "./status.ts";

export interface StatSources {
  readonly plan: Plan;
  readonly shared: SharedState;
  readonly states: ServerStates;
  readonly frontends: FrontendStates;
  readonly checks: HealthChecks;
  readonly aggregate: Aggregate;
  readonly samples: Samples;
  readonly latencies: Latencies;
}

/** Which rows; everything by default. */
export interface StatFilter {
  readonly wants?: (kind: RowKind, proxy: ProxyPlan, server: ServerPlan | null) => boolean;
  /** `no-maint`, `up`: leave servers out, and say in a backend's status how many of how many serve. */
  readonly hide?: "maintenance" | "down";
}

export class StatRows {
  readonly #sources: StatSources;

  constructor(sources: StatSources) {
    this.#sources = sources;
  }

  rows(filter: StatFilter = {}): StatRow[] {
    const wants = filter.wants ?? (() => true);
    const rows: StatRow[] = [];
    for (const proxy of this.#sources.plan.proxies) {
      if (proxy.disabled) continue;
      if (proxy.frontend !== null && wants("frontend", proxy, null)) rows.push(this.#frontend(proxy));
      if (proxy.frontend?.socketStats && wants("listener", proxy, null)) rows.push(...this.#listeners(proxy));
      for (const index of proxy.backend?.servers ?? []) {
        const server = this.#sources.plan.servers[index];
        if (wants("server", proxy, server) && !this.#isHidden(server, filter)) rows.push(this.#server(proxy, server));
      }
      if (proxy.backend !== null && wants("backend", proxy, null)) rows.push(this.#backend(proxy, filter));
    }
    return rows;
  }

  #isHidden(server: ServerPlan, filter: StatFilter): boolean {
    const { states } = this.#sources;
    if (filter.hide === "maintenance") return states.inMaintenance(server);
    return filter.hide === "down" && states.opState(server) === OP_STATE.stopped;
  }

  #listeners(proxy: ProxyPlan): StatRow[] {
    const { plan, shared, aggregate, frontends } = this.#sources;
    const isOpen = frontends.state(proxy) === "open" || frontends.state(proxy) === "full";
    return (proxy.frontend?.listeners ?? []).map((index, i) =>
      listenerRow(proxy, plan.listeners[index]!, i + 1, aggregate.listener(index), shared, isOpen),
    );
  }

  #frontend(proxy: ProxyPlan): StatRow {
    const { shared, samples, aggregate, frontends } = this.#sources;
    const counters = aggregate.frontend(proxy.index);
    const at = shared.proxyAt(proxy.index);
    const name = `frontend ${proxy.index}`;
    const http = proxy.mode === "http";
    const status = { open: "OPEN", paused: "PAUSED", full: "FULL", stopped: "STOP" }[frontends.state(proxy)];
    const values: StatValues = {
      ...identity("frontend", proxy, "FRONTEND", 0),
      ...traffic(counters),
      scur: shared.words[at + PROXY.frontendSessions],
      smax: shared.words[at + PROXY.frontendSessionsMax],
      slim: shared.words[at + PROXY.frontendMaxconn] || shared.words[HEADER.maxconn],
      dreq: counters[COUNTER.deniedRequests],
      ereq: counters[COUNTER.errorRequests],
      status,
      rate: samples.rate(`${name} sessions`),
      rate_lim: proxy.frontend?.rateLimitSessions ?? 0,
      rate_max: samples.rateMax(`${name} sessions`),
      req_rate: samples.rate(`${name} requests`),
      req_rate_max: samples.rateMax(`${name} requests`),
      req_tot: counters[COUNTER.requests],
      conn_rate: samples.rate(`${name} connections`),
      conn_rate_max: samples.rateMax(`${name} connections`),
      conn_tot: counters[COUNTER.connections],
      dcon: counters[COUNTER.deniedConnections],
      dses: counters[COUNTER.deniedSessions],
      ...compression(counters),
      sess_other: http ? 0 : counters[COUNTER.sessions],
      h1sess: http ? counters[COUNTER.sessions] : 0,
      h2sess: 0,
      h3sess: 0,
      req_other: 0,
      h1req: http ? counters[COUNTER.requests] : 0,
      h2req: 0,
      h3req: 0,
      ...(http ? { ...responses(counters), ...cache(counters), intercepted: counters[COUNTER.intercepted] } : {}),
      ...NO_TLS,
      ...NO_HTTP2,
      ...http1(counters, http ? shared.words[at + PROXY.frontendSessions] : 0, http),
      ...percentileValues((kind) => this.#sources.latencies.frontend(proxy.index, kind)),
    };
    return { kind: "frontend", proxy, server: null, values };
  }

  #backend(proxy: ProxyPlan, filter: StatFilter): StatRow {
    const { plan, shared, samples, states, aggregate } = this.#sources;
    const { summaries } = states;
    const counters = aggregate.backend(proxy.index);
    const at = shared.proxyAt(proxy.index);
    const word = (index: number): number => shared.words[at + index];
    const servers = proxy.backend?.servers.length ?? 0;
    const now = states.nowSeconds();
    const active = word(PROXY.activeServers);
    const backup = word(PROXY.backupServers);
    const http = proxy.mode === "http";
    const up = summaries.isUp(proxy.index) ? "UP" : "DOWN";
    const lastSession = Math.max(0, ...(proxy.backend?.servers ?? []).map((server) => this.#lastSession(server)));
    const values: StatValues = {
      ...identity("backend", proxy, "BACKEND", 0),
      ...traffic(counters),
      ...queue(word(PROXY.queued), word(PROXY.queuedMax)),
      ...outcomes(counters),
      ...this.#times(`backend ${proxy.index}`, counters),
      scur: word(PROXY.backendSessions),
      smax: word(PROXY.backendSessionsMax),
      slim: fullconn(proxy, plan, shared),
      dreq: counters[COUNTER.deniedRequests],
      status: filter.hide === undefined || up === "DOWN" ? up : `UP (${active + backup}/${servers})`,
      weight: word(PROXY.totalWeight),
      act: active,
      bck: backup,
      chkdown: summaries.downTransitions(proxy.index),
      lastchg: now - word(PROXY.lastChange),
      ...(servers === 0 ? {} : { downtime: summaries.downtimeSeconds(proxy.index, now) }),
      rate: samples.rate(`backend ${proxy.index}`),
      rate_max: samples.rateMax(`backend ${proxy.index}`),
      lastsess: lastSession === 0 ? -1 : Math.max(0, now - lastSession),
      algo: proxy.backend?.balance.algorithm ?? "",
      cookie: proxy.backend?.persistence.cookie?.name,
      uweight: word(PROXY.totalWeight),
      ...compression(counters),
      ...(http ? { ...responses(counters), ...cache(counters), req_tot: counters[COUNTER.requests] } : {}),
      agg_server_status: 0,
      agg_server_check_status: 0,
      agg_check_status: 0,
      ...NO_TLS,
      ...NO_HTTP2,
      ...http1(counters, 0, http),
      ...percentileValues((kind) => this.#sources.latencies.backend(proxy.index, kind)),
    };
    return { kind: "backend", proxy, server: null, values };
  }

  #server(proxy: ProxyPlan, server: ServerPlan): StatRow {
    const { plan, shared, samples, states, aggregate } = this.#sources;
    const counters = aggregate.server(server.index);
    const at = shared.serverAt(server.index);
    const word = (index: number): number => shared.words[at + index];
    const now = states.nowSeconds();

    const lastSession = this.#lastSession(server.index);
    const http = proxy.mode === "http";
    const values: StatValues = {
      ...identity("server", proxy, server.name, server.id),
      ...traffic(counters),
      ...queue(word(SERVER.queued), word(SERVER.queuedMax)),
      ...outcomes(counters),
      ...this.#times(`server ${server.index}`, counters),
      ...this.#check(server, now),
      ...this.#agent(server),
      scur: word(SERVER.served),
      smax: word(SERVER.servedMax),
      ...(word(SERVER.maxconn) > 0 ? { slim: word(SERVER.maxconn) } : {}),
      status: serverStatus(server, plan, shared, this.#sources.checks.agents.enabled(server)),
      ...(server.track === undefined ? {} : { tracked: trackedName(server, plan) }),
      weight: rampedWeight(server, shared, now),
      act: server.backup ? 0 : 1,
      bck: server.backup ? 1 : 0,
      lastchg: now - word(SERVER.lastChange),
      ...(server.maxqueue > 0 ? { qlimit: server.maxqueue } : {}),
      ...(word(SERVER.opState) === OP_STATE.starting ? { throttle: throttlePercent(server, shared, now) } : {}),
      rate: samples.rate(`server ${server.index}`),
      rate_max: samples.rateMax(`server ${server.index}`),
      ...(http ? { ...responses(counters), req_tot: counters[COUNTER.requests] } : {}),
      lastsess: lastSession === 0 ? -1 : Math.max(0, now - lastSession),
      addr: addressText(states.addresses.address(server)),
      ...(states.cookies.value(server) === null ? {} : { cookie: states.cookies.value(server) as string }),
      srv_icur: word(SERVER.idle),
      ...(server.poolMaxConn >= 0 ? { src_ilim: server.poolMaxConn } : {}),
      idle_conn_cur: word(SERVER.idle),
      safe_conn_cur: 0,
      priv_idle_cur: 0,
      used_conn_cur: word(SERVER.served),
      need_conn_est: word(SERVER.served),
      uweight: word(SERVER.userWeight),
      srid: 0,
      ...NO_TLS,
      ...percentileValues((kind) => this.#sources.latencies.server(server.index, kind)),
    };
    return { kind: "server", proxy, server, values };
  }

  #check(server: ServerPlan, now: number): StatValues {
    const { shared, states, checks } = this.#sources;
    const { check } = server;
    const at = shared.serverAt(server.index);
    if (check === null || shared.words[at + SERVER.checkEnabled] !== 1) return {};
    const down = states.opState(server) === OP_STATE.stopped;
    const counted: StatValues = {
      chkfail: shared.words[at + SERVER.failedChecks],
      ...(server.observe === undefined ? {} : { hanafail: shared.words[at + SERVER.observedFailures] }),
      chkdown: shared.words[at + SERVER.downTransitions],
      downtime: shared.words[at + SERVER.downtimeSeconds] + (down ? now - shared.words[at + SERVER.lastChange] : 0),
    };
    if (!isChecked(server, shared)) return counted;
    const status = shared.words[at + SERVER.checkStatus];
    const name = checkStatusName(status);
    const ended = name !== "INI" && name !== "UNK";
    return {
      ...counted,
      check_status: checks.isRunning(server) ? `* ${name}` : name,
      ...(hasCheckCode(status) ? { check_code: shared.words[at + SERVER.checkCode] } : {}),
      ...(ended ? { check_duration: shared.words[at + SERVER.checkDurationMs] } : {}),
      last_chk: checks.info(server),
      check_desc: checkDescription(status),
      check_rise: check.rise,
      check_fall: check.fall,
      check_health: shared.words[at + SERVER.checkHealth],
    };
  }

  #agent(server: ServerPlan): StatValues {
    const agent = this.#sources.checks.agents.enabled(server);
    if (agent === null) return {};
    const { outcome, health, attempt } = agent;
    const name = checkStatusName(outcome.status);
    return {
      agent_status: attempt === null ? name : `* ${name}`,
      ...(hasCheckCode(outcome.status) ? { agent_code: outcome.code } : {}),
      ...(name === "INI" ? {} : { agent_duration: outcome.durationMs }),
      last_agt: outcome.info,
      agent_desc: checkDescription(outcome.status),
      ...{ agent_rise: 1, agent_fall: 1, agent_health: health },
    };
  }

  #times(name: string, counters: CounterRow): StatValues {
    const times = this.#sources.samples.averageTimes(name);
    return {
      qtime: times.queue,
      ctime: times.connect,
      rtime: times.response,
      ttime: times.total,
      qtime_max: counters[COUNTER.queueTimeMaxMs],
      ctime_max: counters[COUNTER.connectTimeMaxMs],
      rtime_max: counters[COUNTER.responseTimeMaxMs],
      ttime_max: counters[COUNTER.totalTimeMaxMs],
    };
  }

  #lastSession(server: number): number {
    const { shared } = this.#sources;
    return shared.words[shared.serverAt(server) + SERVER.lastSession];
  }
}

// biome-ignore format: one line per protocol
const NO_TLS = { ssl_sess: 0, ssl_reused_sess: 0, ssl_failed_handshake: 0, ssl_ocsp_staple: 0, ssl_failed_ocsp_staple: 0 };
const cache = (counters: CounterRow): StatValues => ({
  cache_lookups: counters[COUNTER.cacheLookups],
  cache_hits: counters[COUNTER.cacheHits],
});
const compression = (counters: CounterRow): StatValues => ({
  comp_in: counters[COUNTER.compressedBytesIn],
  comp_out: counters[COUNTER.compressedBytesOut],
  comp_byp: 0,
  comp_rsp: counters[COUNTER.compressedResponses],
});
const NO_HTTP2 = {
  h2_headers_rcvd: 0,
  h2_data_rcvd: 0,
  h2_settings_rcvd: 0,
  h2_rst_stream_rcvd: 0,
  h2_goaway_rcvd: 0,
  h2_detected_conn_protocol_errors: 0,
  h2_detected_strm_protocol_errors: 0,
  h2_rst_stream_resp: 0,
  h2_goaway_resp: 0,
  h2_open_connections: 0,
  h2_backend_open_streams: 0,
  h2_total_connections: 0,
  h2_backend_total_streams: 0,
};

function identity(kind: RowKind, proxy: ProxyPlan, name: string, id: number): StatValues {
  return {
    pxname: proxy.name,
    svname: name,
    pid: 1,
    iid: proxy.id,
    sid: id,
    type: ROW_KIND[kind].type,
    mode: proxy.mode,
  };
}

function traffic(counters: CounterRow): StatValues {
  return {
    stot: counters[COUNTER.sessions],
    bin: counters[COUNTER.bytesIn],
    bout: counters[COUNTER.bytesOut],
    dresp: counters[COUNTER.deniedResponses],
    reqbin: counters[COUNTER.requestBytesIn],
    reqbout: counters[COUNTER.requestBytesOut],
    resbin: counters[COUNTER.responseBytesIn],
    resbout: counters[COUNTER.responseBytesOut],
    wrew: counters[COUNTER.failedRewrites],
    eint: counters[COUNTER.internalErrors],
  };
}

function queue(current: number, max: number): StatValues {
  return { qcur: current, qmax: max };
}

/** What servers and backends count and frontends do not. */
function outcomes(counters: CounterRow): StatValues {
  return {
    econ: counters[COUNTER.errorConnections],
    eresp: counters[COUNTER.errorResponses],
    wretr: counters[COUNTER.retries],
    wredis: counters[COUNTER.redispatches],
    lbtot: counters[COUNTER.balanced],
    cli_abrt: counters[COUNTER.clientAborts],
    srv_abrt: counters[COUNTER.serverAborts],
    connect: counters[COUNTER.connects],
    reuse: counters[COUNTER.reuses],
  };
}

function responses(counters: CounterRow): StatValues {
  return {
    hrsp_1xx: counters[COUNTER.responses1xx],
    hrsp_2xx: counters[COUNTER.responses2xx],
    hrsp_3xx: counters[COUNTER.responses3xx],
    hrsp_4xx: counters[COUNTER.responses4xx],
    hrsp_5xx: counters[COUNTER.responses5xx],
    hrsp_other: counters[COUNTER.responsesOther],
  };
}

function http1(counters: CounterRow, open: number, http: boolean): StatValues {
  const connections = counters[COUNTER.connections] + counters[COUNTER.connects];
  return {
    h1_open_connections: open,
    h1_total_connections: http ? connections : 0,
    h1_total_streams: http ? counters[COUNTER.requests] : 0,
    h1_bytes_in: http ? counters[COUNTER.bytesIn] : 0,
    h1_bytes_out: http ? counters[COUNTER.bytesOut] : 0,
    h1_spliced_bytes_in: 0,
    h1_spliced_bytes_out: 0,
  };
}

/** `fullconn`, or a tenth of what the frontends that lead here may hold, as HAProxy guesses it; at least 1. */
function fullconn(proxy: ProxyPlan, plan: Plan, shared: SharedState): number {
  if (proxy.backend !== null && proxy.backend.fullconn > 0) return proxy.backend.fullconn;
  let total = 0;
  for (const { frontend, index } of plan.proxies) {
    if (frontend === null) continue;
    const leadsHere =
      index === proxy.index ||
      frontend.defaultBackend === proxy.index ||
      frontend.useBackend.some((rule) => rule.backend === proxy.index);
    if (leadsHere) total += frontend.maxconn || shared.words[HEADER.maxconn];
  }
  return Math.max(1, Math.ceil(total / 10));
}
