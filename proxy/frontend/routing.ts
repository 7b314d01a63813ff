// Where a request goes: monitor-uri, the frontend's rules and statistics page, use_backend in its order, default_backend, and then the same
// in the backend (configuration.txt 4.2). What the rules do is rules/'s business; here is when they run. Rules may have to wait: the way is
// a row of steps, and a stream that was held goes on at the step that held it.
// Conditions were compiled when the worker started.

import { latin1 } from "../../shared/latin1.ts";
import { type Condition, compileCondition } from "../acl/condition.ts";
import { CONNECTION } from "../connection/table.ts";
import { equals } from "../http1/parser.ts";
import { NO_CAPTURES } from "../plan/capture.ts";
import type { FrontendPlan, ProxyPlan } from "../plan/plan.ts";
import type { StatsPagePlan } from "../plan/stats-page.ts";
import type { Value, Values } from "../rules/value.ts";
import { VERDICT } from "../rules/verdict.ts";
import type { SampleContext } from "../sample/context.ts";
import { latin1 as textOf } from "../sample/value.ts";
import { OP_STATE, PROXY, SERVER } from "../shared-state/layout.ts";
import { STATE, STREAM, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import { STATS_REFUSED, StatsAccess } from "./stats-access.ts";

const PASS = 2;
const BY_SERVER = 83; // S
const IN_CONNECT = 67; // C
const BY_CLIENT = 67; // C
const BY_LOCAL = 76; // L
const IN_REQUEST = 82; // R
const BY_CLIENT_TIMEOUT = 99; // c
const SLASH = 47;
const CONTINUE = VERDICT.continue;
const ANSWERED = VERDICT.answered;
const WAIT = VERDICT.wait;

/** The steps of a request, in their order. Those with rules may hold it; it then goes on at the same step. */
const FRONTEND_CONTENT = 0;
const FRONTEND_BODY = 1;
const FRONTEND_HTTP = 2;
const FRONTEND_PAGE = 3;
const SWITCH = 4;
const BACKEND_CONTENT = 5;
const BACKEND_BODY = 6;
const BACKEND_HTTP = 7;
const BACKEND_PAGE = 8;
const DISPATCH = BACKEND_PAGE + 1;

/** What routing needs of one proxy, compiled. */
interface Route {
  /** The frontend captures headers or a cookie. */
  readonly captures: boolean;
  readonly monitorUri: Uint8Array | null;
  readonly monitorFail: readonly Condition[];
  readonly forceSwitch: readonly Condition[];
  readonly frontendStats: Uint8Array | null;
  readonly backendStats: Uint8Array | null;
  readonly statsAccess: StatsAccess | null;
  /** null: always. */
  readonly conditions: readonly (Condition | null)[];
  /** Indices, or what gives a name. */
  readonly backends: readonly (number | Value)[];
  readonly servers: readonly { readonly condition: Condition; readonly server: number | Value }[];
  readonly defaultBackend: number;
}

const statsUri = (stats: StatsPagePlan | null | undefined): Uint8Array | null => (stats ? latin1(stats.uri) : null);

export class Routing {
  readonly #ctx: WorkerContext;
  readonly #routes: readonly Route[];

  /** By proxy, a bit for each step at which it has something to do: as the frontend, and as the backend. */
  readonly #frontendSteps: Int32Array;
  readonly #backendSteps: Int32Array;
  readonly #backendNames: ReadonlyMap<string, number>;
  /** Per backend. */
  readonly #serverNames: readonly ReadonlyMap<string, number>[];

  constructor(ctx: WorkerContext, samples: SampleContext, values: Values) {
    this.#ctx = ctx;
    const { proxies, servers } = ctx.plan;
    this.#routes = proxies.map((proxy) => compileRoute(ctx, proxy, samples, values));
    this.#frontendSteps = Int32Array.from(proxies, (proxy, i) => {
      const { monitorUri, captures, frontendStats } = this.#routes[i]!;
      const before = monitorUri !== null || captures || proxy.bufferRequest;
      return stepsOf(proxy, frontendStats, before, FRONTEND_CONTENT);
    });
    this.#backendSteps = Int32Array.from(proxies, (proxy, i) =>
      stepsOf(proxy, this.#routes[i]!.backendStats, proxy.bufferRequest, BACKEND_CONTENT),
    ).map((steps, i) => ((proxies[i]!.backend?.forwarded ?? null) === null ? steps : steps | (1 << BACKEND_PAGE)));
    this.#backendNames = new Map(
      proxies.filter(({ backend }) => backend !== null).map(({ name, index }) => [name, index]),
    );
    this.#serverNames = proxies.map(
      ({ backend }) => new Map((backend?.servers ?? []).map((index) => [servers[index]!.name, index])),
    );
  }

  /** Sends a complete HTTP request, or a new TCP connection, on its way. */
  route(stream: Stream): void {
    this.#go(stream, FRONTEND_CONTENT, 0);
  }

  /** A stream that waits has more to look at, or its connection said that nothing more will come. */
  resume(stream: Stream): void {
    stream.state = STATE.idle;
    this.#go(stream, stream.ruleStep, stream.ruleAt);
  }

  /** The time of a stream that waits is over. */
  expired(stream: Stream): void {
    stream.flags |= STREAM.waitIsOver;
    this.resume(stream);
  }

  /** Takes the steps from `first` on, until one holds the stream or it has its end. `from`: where the rules of the first step go on. */
  #go(stream: Stream, first: number, from: number): void {
    const isHttp = (stream.flags & STREAM.http) !== 0;
    let place = from;
    for (let step = first; step < DISPATCH; step++) {
      // Most proxies have something to do at few of the steps.
      if (step !== SWITCH) {
        const steps = step < SWITCH ? this.#frontendSteps[stream.frontend]! : this.#backendSteps[stream.backend]!;
        if ((steps & (1 << step)) === 0) continue;
      }
      const verdict = this.#take(stream, step, place, isHttp);
      if (verdict === WAIT) this.#ctx.rules.waiting.hold(stream, step, false);
      if (verdict !== CONTINUE) return;
      place = 0;
    }
    if (isHttp && !stream.requestBody.done && this.#isCut(stream)) {
      this.#ctx.front.abort(stream, BY_CLIENT, IN_REQUEST, 400);
      return;
    }
    if (stream.cache !== null && stream.cache.entry >= 0 && this.#ctx.cache!.serve(stream)) return;
    if (this.#routes[stream.backend]!.servers.length > 0) this.#useServer(stream);
    this.#ctx.persistence.request(stream);
    this.#ctx.dispatch.dispatch(stream);
  }

  /** The client closed in the middle of its request, and all that came of it has been looked at. */
  #isCut({ client }: Stream): boolean {
    const { connections } = this.#ctx;
    return (connections.flags[client]! & CONNECTION.readClosed) !== 0 && connections.receiveHead[client]! < 0;
  }

  /** One step. A `listen` that the stream entered as a frontend is through with its rules when it is the backend. */
  #take(stream: Stream, step: number, from: number, isHttp: boolean): number {
    const { rules } = this.#ctx;
    const { frontend, backend } = stream;
    switch (step) {
      case FRONTEND_CONTENT:
        return rules.tcpRequest(stream, frontend, from);
      case FRONTEND_BODY:
        return isHttp ? this.#monitorOrBuffer(stream) : CONTINUE;
      case FRONTEND_HTTP:
        return isHttp ? rules.request(stream, frontend, from) : CONTINUE;
      case FRONTEND_PAGE:
        return isHttp && (!rules.restrictNames(stream, frontend) || this.#frontendAnswers(stream))
          ? ANSWERED
          : CONTINUE;
      case SWITCH:
        return this.#switch(stream, isHttp);
      case BACKEND_CONTENT:
        return backend === frontend ? CONTINUE : rules.tcpRequest(stream, backend, from);
      case BACKEND_BODY:
        return isHttp && backend !== frontend ? this.#buffer(stream, backend) : CONTINUE;
      case BACKEND_HTTP:
        return isHttp && backend !== frontend ? rules.request(stream, backend, from) : CONTINUE;
      default:
        return isHttp && this.#backendAnswers(stream, backend) ? ANSWERED : CONTINUE;
    }
  }

  /** Chooses the backend and enters it. */
  #switch(stream: Stream, isHttp: boolean): number {
    const { front, lifecycle, persistence, replies } = this.#ctx;
    const { peek } = this.#ctx.rules;
    if (!isHttp) peek.beforeSwitch(stream);
    const backend = this.#backendOf(stream, this.#routes[stream.frontend]!);
    if (!isHttp) peek.end(stream);
    if (backend < 0) {
      lifecycle.endReason(stream, BY_SERVER, IN_CONNECT);
      if (isHttp) replies.error(stream, 503);
      else front.abort(stream, BY_SERVER, IN_CONNECT, 0);
      return ANSWERED;
    }
    if (!isHttp && this.#ctx.plan.proxies[backend]!.mode === "http") {
      this.#ctx.relay.upgrade(stream);
      return ANSWERED;
    }
    lifecycle.enterBackend(stream, backend);
    persistence.enter(stream);
    return CONTINUE;
  }

  /** The backend's statistics page and redirections. */
  #backendAnswers(stream: Stream, backend: number): boolean {
    const { rules, replies } = this.#ctx;
    if (backend !== stream.frontend && !rules.restrictNames(stream, backend)) return true;
    const stats = this.#routes[backend]!.backendStats;
    if (stats !== null && this.#isUnder(stream, stats)) {
      const access = this.#routes[backend]!.statsAccess!.decide(stream);
      if (access !== STATS_REFUSED) replies.stats(stream, backend, access);
      return true;
    }
    if (backend !== stream.frontend && !rules.redirect(stream, backend)) return true;
    return !rules.addForwarded(stream, backend);
  }

  /** What comes before all rules of HTTP: `monitor-uri`, and `option http-buffer-request`. */
  #monitorOrBuffer(stream: Stream): number {
    const { samples } = this.#ctx;
    const route = this.#routes[stream.frontend]!;
    if (route.captures && (stream.flags & STREAM.waits) === 0) samples.captures.request(stream, this.#ctx.bytes);
    if (route.monitorUri !== null && this.#isMonitored(stream, route.monitorUri)) {
      const failed = route.monitorFail.some((condition) => condition(stream) === PASS);
      // HAProxy neither logs nor counts what monitors ask.
      stream.flags |= STREAM.logged;
      this.#ctx.lifecycle.endReason(stream, BY_LOCAL, IN_REQUEST);
      this.#ctx.replies.error(stream, failed ? 503 : 200);
      return ANSWERED;
    }
    return this.#buffer(stream, stream.frontend);
  }

  /** `option http-buffer-request`: the body comes before the rules, as far as a buffer holds it, within `timeout http-request`. */
  #buffer(stream: Stream, proxy: number): number {
    const { front, rules, plan, samples, timeouts } = this.#ctx;
    if (stream.requestBody.done || !plan.proxies[proxy]!.bufferRequest) return CONTINUE;
    if (!rules.waiting.collect(stream)) return ANSWERED;
    samples.input!.request(stream);
    if (samples.input!.isComplete) return rules.waiting.end(stream);
    if ((stream.flags & STREAM.waitIsOver) !== 0) {
      rules.waiting.end(stream);
      front.abort(stream, BY_CLIENT_TIMEOUT, IN_REQUEST, 408);
      return ANSWERED;
    }
    return rules.waiting.waitForBody(stream, timeouts[proxy]!.httpRequest || timeouts[proxy]!.client);
  }

  /** The frontend's statistics page and redirections. */
  #frontendAnswers(stream: Stream): boolean {
    const route = this.#routes[stream.frontend]!;
    if (route.frontendStats !== null && this.#isUnder(stream, route.frontendStats)) {
      const access = route.statsAccess!.decide(stream);
      if (access !== STATS_REFUSED) this.#ctx.replies.stats(stream, stream.frontend, access);
      return true;
    }
    return !this.#ctx.rules.redirect(stream, stream.frontend);
  }

  #backendOf(stream: Stream, route: Route): number {
    const { conditions } = route;
    for (let i = 0; i < conditions.length; i++) {
      const condition = conditions[i]!;
      if (condition !== null && condition(stream) !== PASS) continue;
      const chosen = route.backends[i]!;
      const backend = typeof chosen === "number" ? chosen : this.#named(this.#backendNames, chosen, stream);
      // A name that is none ends the search, as in HAProxy.
      if (backend === undefined) break;
      if (this.#isEligible(stream, backend, route)) return backend;
    }
    return route.defaultBackend;
  }

  /** Disabled and unpublished backends are passed over, unless `force-be-switch` says otherwise. */
  #isEligible(stream: Stream, backend: number, route: Route): boolean {
    const { plan, shared } = this.#ctx;
    const isOpen = !plan.proxies[backend]!.disabled && shared.words[shared.proxyAt(backend) + PROXY.unpublished] !== 1;
    return isOpen || route.forceSwitch.some((condition) => condition(stream) === PASS);
  }

  #named(names: ReadonlyMap<string, number>, value: Value, stream: Stream): number | undefined {
    return value.evaluate(stream) ? names.get(textOf(value.bytes, 0, value.length)) : undefined;
  }

  /** `use-server`: as if the client's cookie had named it. */
  #useServer(stream: Stream): void {
    const { shared } = this.#ctx;
    const rules = this.#routes[stream.backend]!.servers;
    for (let i = 0; i < rules.length; i++) {
      const { condition, server: wanted } = rules[i]!;
      if (condition(stream) !== PASS) continue;
      const server =
        typeof wanted === "number" ? wanted : this.#named(this.#serverNames[stream.backend]!, wanted, stream);
      if (server === undefined) continue;
      const isUp = shared.words[shared.serverAt(server) + SERVER.opState]! >= OP_STATE.running;
      if (!isUp && (stream.flags & STREAM.forcePersist) === 0) continue;
      stream.persistentServer = server;
      stream.flags |= STREAM.persistent;
      return;
    }
  }

  /** A monitor-uri that begins with a slash is compared with the path, whatever form the target has; any other with the whole target. */
  #isMonitored(stream: Stream, uri: Uint8Array): boolean {
    const { request } = stream;
    const start = uri[0] === SLASH ? request.pathStart : request.targetStart;
    const end = uri[0] === SLASH ? request.pathEnd : request.targetEnd;
    return end - start === uri.length && equals(this.#ctx.bytes, start, uri);
  }

  /** `stats uri` is a prefix of the path, as in HAProxy. */
  #isUnder(stream: Stream, uri: Uint8Array): boolean {
    const { pathStart, pathEnd } = stream.request;
    return pathEnd - pathStart >= uri.length && equals(this.#ctx.bytes, pathStart, uri);
  }
}

/** The bits of the four steps from `first` on. */
function stepsOf(proxy: ProxyPlan, stats: Uint8Array | null, before: boolean, first: number): number {
  const { rules, headerNames } = proxy;
  const page = stats !== null || headerNames !== "preserve" || rules.redirect.length > 0;
  return (
    ((rules.tcpRequestContent.length > 0 ? 1 : 0) |
      (before ? 2 : 0) |
      (rules.httpRequest.length > 0 ? 4 : 0) |
      (page ? 8 : 0)) <<
    first
  );
}

function compileRoute(ctx: WorkerContext, proxy: ProxyPlan, samples: SampleContext, values: Values): Route {
  const stats = proxy.frontend?.stats ?? proxy.backend?.stats ?? null;
  const frontend: FrontendPlan | null = proxy.frontend;
  const { request, cookie } = frontend?.captures ?? NO_CAPTURES;
  return {
    captures: cookie !== null || request.some(({ header }) => header !== null),
    monitorUri: frontend?.monitorUri ? latin1(frontend.monitorUri) : null,
    monitorFail: (frontend?.monitorFail ?? []).map((condition) => compileCondition(condition, samples, "final")),
    forceSwitch: (frontend?.forceSwitch ?? []).map((condition) => compileCondition(condition, samples, "final")),
    frontendStats: statsUri(frontend?.stats),
    backendStats: statsUri(proxy.backend?.stats),
    statsAccess: stats === null ? null : new StatsAccess(ctx, stats, samples),
    conditions: (frontend?.useBackend ?? []).map((rule) =>
      rule.condition === null ? null : compileCondition(rule.condition, samples, "final"),
    ),
    backends: (frontend?.useBackend ?? []).map(({ backend }) =>
      typeof backend === "number" ? backend : values.compile(backend),
    ),
    servers: (proxy.backend?.useServer ?? []).map(({ server, condition }) => ({
      condition: compileCondition(condition, samples, "final"),
      server: typeof server === "number" ? server : values.compile(server),
    })),
    defaultBackend: frontend?.defaultBackend ?? -1,
  };
}
