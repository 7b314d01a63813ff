// For the tests of the control plane's parts: plans from a few words, and the parts on them with everything recorded that they send
// away. No threads, no descriptors.

import { newExpect } from "../config/sections/check-expect.ts";
import { NO_CAPTURES } from "../plan/capture.ts";
import { type CheckPlan, CONNECT_CHECK, type ServerCheckPlan } from "../plan/check.ts";
import { GLOBAL } from "../plan/fixture.ts";
import { NO_PERSISTENCE } from "../plan/persistence.ts";
import type { BackendPlan, FrontendPlan, GlobalPlan, Plan, ProxyPlan, ServerPlan, TimeoutsPlan } from "../plan/plan.ts";
import { NO_RULES } from "../plan/rules.ts";
import { PLAIN_CONNECTION } from "../plan/server-connection.ts";
import { NO_VARIABLES } from "../plan/variables.ts";
import { SharedState } from "../shared-state/layout.ts";
import { Statistics } from "../stats/statistics.ts";
import type { ToWorker } from "../worker/task.ts";
import type { BoundStatsSocket, ProcessFacts } from "./control-plane.ts";
import { HaReports } from "./ha/ha-reports.ts";
import { HealthChecks } from "./health/health-checks.ts";
import { InvalidMessages } from "./invalid-messages.ts";
import { LiveStreams } from "./live-streams.ts";
import { PatternStore } from "./patterns/pattern-store.ts";
import { Peers } from "./peers/peers.ts";
import { ServerResolutions } from "./resolvers/server-resolutions.ts";
import type { RuntimeContext } from "./runtime-api/command.ts";
import { Announcer } from "./server-state/announcer.ts";
import { writeInitialStates } from "./server-state/boot.ts";
import { FrontendStates } from "./server-state/frontend-states.ts";
import { ServerStates } from "./server-state/server-states.ts";
import { LiveTlsFiles } from "./tls/live-files.ts";
import { OcspUpdates } from "./tls/ocsp-updates.ts";
import { ProcessVariables } from "./variables/process-variables.ts";
import { WorkerMessages } from "./worker-messages.ts";

const AT = { file: "test", line: 1 };

const NO_TIMEOUTS: TimeoutsPlan = {
  ...{
    client: 0,
    clientFin: 0,
    clientHandshake: 0,
    connect: 0,
    server: 0,
    serverFin: 0,
    httpRequest: 0,
    httpKeepAlive: 0,
    queue: 0,
  },
  ...{ tunnel: 0, check: 0, tarpit: 0, requestInspect: 0, responseInspect: 0 },
};

/** `option httpchk`. */
export const HTTP_CHECK: CheckPlan = {
  ...CONNECT_CHECK,
  kind: "httpchk",
  steps: [
    { kind: "request", method: "OPTIONS", uri: "/", version: "HTTP/1.0", headers: [], body: "", comment: "" },
    newExpect({ on: "status", pattern: "200-399" }),
  ],
};

const FRONTEND: FrontendPlan = {
  captures: NO_CAPTURES,
  ...{ listeners: [], maxconn: 0, backlog: 0, connectionMode: "keep-alive", forwardFor: null, originalTo: null },
  ...{ acceptInvalidHttpRequest: false, httpIgnoreProbes: false, socketStats: false, noLinger: false },
  ...{
    clientTcpKeepAlive: false,
    monitorUri: null,
    monitorFail: [],
    forceSwitch: [],
    stats: null,
    useBackend: [],
    defaultBackend: -1,
  },
  ...{ logFormat: null, errorLogFormat: null, logFormatSd: null, uniqueId: null, logSteps: 0, rateLimitSessions: 0 },
};

const BACKEND: BackendPlan = {
  ...{ servers: [], connectionMode: "keep-alive", httpReuse: "safe", preferLastServer: false, forwardFor: null },
  ...{
    originalTo: null,
    forwarded: null,
    unpublished: false,
    retries: 3,
    redispatch: 0,
    retryOn: 1,
    allBackups: false,
    abortOnClose: false,
    fullconn: 0,
  },
  ...{ acceptInvalidHttpResponse: false, httpPretendKeepalive: false, noLinger: false, serverTcpKeepAlive: false },
  ...{ stats: null, check: CONNECT_CHECK, logHealthChecks: false, persistence: NO_PERSISTENCE, useServer: [] },
  defaultServers: [],
  balance: {
    ...{ algorithm: "roundrobin", arguments: [], hashType: "map-based", hashFunction: "sdbm", avalanche: false },
  },
};

const CHECK: ServerCheckPlan = {
  ...{ sendProxy: 0, interMs: 2000, fastinterMs: 0, downinterMs: 0, rise: 2, fall: 3, port: 0, address: null },
  ...{ tls: null, stepTls: null, sni: "", own: null },
};

/** `check` set to true: HAProxy's defaults. */
export type ServerChanges = Partial<Omit<ServerPlan, "check">> & { check?: Partial<ServerCheckPlan> | true };

export interface ProxyChanges extends Partial<Omit<ProxyPlan, "frontend" | "backend">> {
  readonly name: string;
  readonly frontend?: Partial<FrontendPlan>;
  readonly backend?: Partial<Omit<BackendPlan, "servers">>;
  readonly servers?: readonly ServerChanges[];
}

/** Ids are counted as HAProxy does without stats sockets of its own: proxies from 2, servers from 1 in each backend. */
export function planOf(proxies: readonly ProxyChanges[], global: Partial<GlobalPlan> = {}): Plan {
  const servers: ServerPlan[] = [];
  const plans = proxies.map((changes, index): ProxyPlan => {
    const { frontend, backend, servers: own, ...rest } = changes;
    const kind =
      frontend === undefined ? "backend" : backend === undefined && own === undefined ? "frontend" : "listen";
    const first = servers.length;
    for (const [i, server] of (own ?? []).entries()) servers.push(serverOf(server, first + i, index, i + 1));
    const indices = (own ?? []).map((_, i) => first + i);
    const isBackend = kind !== "frontend";
    return {
      ...{
        index,
        kind,
        id: index + 2,
        mode: "http",
        disabled: false,
        description: null,
        at: AT,
        timeouts: NO_TIMEOUTS,
      },
      ...{
        log: [],
        logTag: null,
        errorFiles: [],
        errorReplies: [],
        rules: NO_RULES,
        headerNames: "preserve",
        bufferRequest: false,
        useProxyHeader: false,
        compression: null,
      },
      logOptions: { dontLogNull: false, dontLogNormal: false, asap: false, separateErrors: false },
      frontend: frontend === undefined ? null : { ...FRONTEND, ...frontend },
      backend: isBackend ? { ...BACKEND, ...backend, servers: indices } : null,
      ...rest,
    };
  });
  return {
    global: { ...GLOBAL, ...global },
    proxies: plans,
    servers,
    listeners: [],
    stickTables: [],
    caches: [],
    logHub: { backends: [], rings: [], forwards: [] },
    peers: [],
    resolvers: [],
    patternLists: [],
    logProfiles: [],
    variables: NO_VARIABLES,
    userlists: [],
    spoe: [],
    bandwidthLimits: [],
    caseAdjust: { names: [], clients: [], servers: [] },
  };
}

function serverOf({ check, ...changes }: ServerChanges, index: number, proxy: number, id: number): ServerPlan {
  return {
    ...{ index, proxy, name: `s${id}`, id, address: { kind: "ipv4", host: "127.0.0.1", port: 8000 + id } },
    ...{ portOffset: null, fqdn: null, weight: 1, backup: false, disabled: false, maxconn: 0, minconn: 0, maxqueue: 0 },
    ...{
      cookie: null,
      connection: PLAIN_CONNECTION,
      nonStick: false,
      onMarkedDown: "none",
      onMarkedUp: "none",
      poolMaxConn: -1,
      maxReuse: -1,
    },
    ...{ poolPurgeDelayMs: 5000, slowstartMs: 0, at: AT },
    agent: null,
    check: check === undefined ? null : check === true ? CHECK : { ...CHECK, ...check },
    ...changes,
  };
}

/** A sentence and the severity it was sent with. */
export interface Said {
  readonly proxy: string;
  readonly severity: number;
  readonly text: string;
}

/** The control plane's parts on a plan. Time stands still unless `nowMs` is moved. */
export class ControlFixture {
  readonly plan: Plan;
  readonly shared: SharedState;
  readonly announcer: Announcer;
  readonly states: ServerStates;
  readonly frontends: FrontendStates;
  readonly checks: HealthChecks;
  readonly statistics: Statistics;
  readonly patterns: PatternStore;
  readonly variables: ProcessVariables;
  readonly peers: Peers;
  readonly resolutions: ServerResolutions;
  readonly ha = new HaReports();
  readonly streams: LiveStreams;
  readonly invalid: InvalidMessages;
  readonly tlsFiles: LiveTlsFiles;
  readonly ocspUpdates: OcspUpdates;
  readonly control: RuntimeContext["control"];
  readonly said: Said[] = [];
  readonly stderr: string[] = [];
  readonly messages: ToWorker[] = [];
  readonly published = new Map<string, readonly number[]>();
  nowMs = 1_000_000_000;

  constructor(plan: Plan, statsSockets: readonly BoundStatsSocket[] = []) {
    this.plan = plan;
    this.shared = new SharedState(plan);
    const processLog = {
      alert: (text: string): number => this.stderr.push(`[ALERT] ${text}`),
      warning: (text: string): number => this.stderr.push(`[WARNING] ${text}`),
    };
    const sender = {
      send: (proxy: ProxyPlan | null, severity: number, text: string): void => {
        this.said.push({ proxy: proxy?.name ?? "", severity, text });
      },
    };
    this.announcer = new Announcer(sender, {
      alert: (text) => void processLog.alert(text),
      warning: (text) => void processLog.warning(text),
    });
    const { announcer } = this;
    const broadcast = (message: ToWorker): void => void this.messages.push(message);
    writeInitialStates(plan, this.shared, 4000, Math.floor(this.nowMs / 1000));
    const { shared } = this;
    this.states = new ServerStates({
      ...{ plan, shared, announcer, broadcast },
      publishWeights: (proxy, weights) => this.published.set(proxy.name, weights),
      publishPauseFactor: 0,
      nowMs: () => this.nowMs,
    });
    this.frontends = new FrontendStates(shared, announcer, broadcast);
    this.checks = new HealthChecks({ plan, states: this.states, announcer });
    const facts: ProcessFacts = {
      ...{ pid: process.pid, startedAtMs: Date.now(), version: "3.2.0-test", releaseDate: "2026/01/01", maxconn: 4000 },
      ...{ descriptorsMax: 10_000, configurationFiles: ["test.cfg"] },
    };
    const { states, frontends, checks } = this;
    this.statistics = new Statistics({ ...{ plan, shared, facts, states, frontends, checks }, warnings: () => 0 });
    const workers = {
      ...{ count: plan.global.nbthread, engines: ["none"], post: () => {}, broadcast, answer: () => {} },
      messages: new WorkerMessages(),
    };
    this.patterns = new PatternStore(plan, shared, workers);
    this.variables = new ProcessVariables(plan, shared);
    this.resolutions = new ServerResolutions(plan, states, announcer);
    this.peers = new Peers({ plan, tables: shared.stickTables, warn: () => {} });
    this.streams = new LiveStreams(workers);
    this.invalid = new InvalidMessages(workers.messages);
    this.tlsFiles = new LiveTlsFiles(plan, shared, workers);
    this.ocspUpdates = new OcspUpdates({ plan: plan.global.tls.ocspUpdates, tlsFiles: this.tlsFiles, say: () => {} });
    this.control = {
      ...{ plan, rings: new Map(), shared, process: facts, workers, statsSockets, syslog: sender },
      ...{ startupLog: () => "", listeningFds: () => new Map() },
    };
  }

  /** The sentences since the last time, with their severities. */
  takeSaid(): string[] {
    return this.said.splice(0).map(({ severity, text }) => `${severity} ${text}`);
  }

  /** Columns of a row of show stat, joined by commas. */
  stat(
    proxy: string,
    server: string,
    columns: readonly (keyof ReturnType<Statistics["rows"]>[number]["values"])[],
  ): string {
    const row = this.statistics.rows().find(({ values }) => values.pxname === proxy && values.svname === server);
    if (row === undefined) throw new Error(`no row ${proxy}/${server}`);
    return columns.map((column) => row.values[column] ?? "").join(",");
  }

  close(): void {
    this.states.close();
    this.checks.close();
    this.statistics.close();
  }
}
