// The rules of all proxies, compiled when the worker starts, and the moments at which they run:
//
//   connection   accept ─▶ tcp-request connection ─▶ (PROXY header, TLS) ─▶ tcp-request session            listener/accept.ts
//   request      frontend: tcp-request content, http-request, (statistics page), redirect
//                ─▶ use_backend ─▶ backend: the same                                                       frontend/routing.ts
//   response     backend: tcp-response content ─▶ http-response of backend, frontend
//                ─▶ (cookies) ─▶ http-after-response of backend, frontend ─▶ client                        http1/back.ts, reply.ts
//
// Where the frontend is the backend (a `listen`), its rules run once. Where there are none, a step costs one look at an array. The rules of
// a `defaults` section stand in front of a proxy's own, in the same function.

import { CONNECTION } from "../connection/table.ts";
import type { ProxyPlan } from "../plan/plan.ts";
import type { RuleSetKey } from "../plan/rules.ts";
import type { SampleContext } from "../sample/context.ts";
import type { Input } from "../stream/input.ts";
import { STREAM, Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import { compileAction } from "./actions.ts";
import { compileReply } from "./answer-actions.ts";
import { compileRuleSet, type RuleSet } from "./compile.ts";
import { type AddForwarded, compileForwarded } from "./forwarded.ts";
import { RequestEdits, ResponseEdits } from "./head-edits.ts";
import { restrictNames } from "./header-names.ts";
import { HttpPeek } from "./http-peek.ts";
import { finalRules } from "./locations.ts";
import { type RuleParts, rewriteFailed } from "./parts.ts";
import { RequestTarget } from "./request-target.ts";
import { Values } from "./value.ts";
import { type Action, VERDICT } from "./verdict.ts";
import { Waiting } from "./waiting.ts";

const CONTINUE = VERDICT.continue;
const WAIT = VERDICT.wait;
const DATA_IS_FINAL = STREAM.dataIsFinal;
const WAIT_IS_OVER = STREAM.waitIsOver;

export interface RulesOptions {
  readonly ctx: WorkerContext;
  readonly samples: SampleContext;
  readonly pid: number;
  /** Arena offset of a buffer's size of bytes for response heads; anything where no proxy edits responses. */
  readonly responseArea: number;
  readonly input: Input;
}

type RuleSets = readonly (RuleSet | null)[];

export class Rules {
  readonly waiting: Waiting;
  readonly peek: HttpPeek;
  readonly #ctx: WorkerContext;
  readonly #input: Input;
  readonly #requestEdits: RequestEdits;
  readonly #responseEdits: ResponseEdits;
  readonly #namePolicies: readonly ProxyPlan["headerNames"][];
  readonly #tcpConnection: RuleSets;
  readonly #tcpSession: RuleSets;
  readonly #tcpRequest: RuleSets;
  readonly #tcpResponse: RuleSets;
  readonly #request: RuleSets;
  readonly #redirect: RuleSets;
  readonly #response: RuleSets;
  readonly #afterResponse: RuleSets;
  readonly #forwarded: readonly (AddForwarded | null)[];
  /** `http-error` by proxy and status. */
  readonly #errorReplies: readonly ReadonlyMap<number, Action>[];
  /** Stands for a connection that has no stream yet: what expressions and actions of connection and session rules look at. */
  readonly #connection = new Stream(-1, 2);
  /** Any of the proxies has `http-after-response` rules. */
  readonly #hasAfterResponse: boolean;
  /** They run: an answer that one of them gives in place of the response is not edited. */
  #isAfterResponse = false;

  constructor({ ctx, samples, pid, responseArea, input }: RulesOptions) {
    const { plan, bytes, pool } = ctx;
    this.#ctx = ctx;
    this.#input = input;
    this.waiting = new Waiting(ctx);
    this.peek = new HttpPeek(ctx, input);
    const requestEdits = new RequestEdits(bytes, pool, plan.global.maxrewriteBytes);
    const responseEdits = new ResponseEdits(bytes, responseArea, pool.size);
    const { waiting } = this;
    const shared = { ctx, samples, values: new Values(ctx, samples, pid), waiting, input };
    const target = new RequestTarget(requestEdits, pool.size);
    const request: RuleParts = { ...shared, edits: requestEdits, target, phase: "request", isResponse: false };
    const response: RuleParts = { ...shared, edits: responseEdits, target: null, phase: "response", isResponse: true };
    this.#requestEdits = requestEdits;
    this.#responseEdits = responseEdits;
    const numbers = new Map(finalRules(plan).map((rule, index) => [rule, index]));
    const compile = (parts: RuleParts, key: RuleSetKey, mayMiss = false): RuleSets =>
      plan.proxies.map(({ rules }) =>
        compileRuleSet(rules[key], {
          samples,
          mayMiss,
          compileAction: (action) => compileAction(parts, action),
          numberOf: (rule) => numbers.get(rule)!,
        }),
      );
    this.#namePolicies = plan.proxies.map(({ headerNames }) => headerNames);
    this.#tcpConnection = compile({ ...request, phase: "connection" }, "tcpRequestConnection");
    this.#tcpSession = compile({ ...request, phase: "session" }, "tcpRequestSession");
    this.#tcpRequest = compile(request, "tcpRequestContent", true);
    this.#tcpResponse = compile(response, "tcpResponseContent", true);
    this.#request = compile(request, "httpRequest");
    this.#redirect = compile(request, "redirect");
    this.#response = compile(response, "httpResponse");
    this.#afterResponse = compile(response, "httpAfterResponse");
    this.#forwarded = plan.proxies.map(({ backend }) =>
      backend === null || backend.forwarded === null
        ? null
        : compileForwarded(samples, requestEdits, backend.forwarded),
    );
    this.#errorReplies = plan.proxies.map(
      ({ errorReplies }) => new Map(errorReplies.map(({ status, answer }) => [status, compileReply(request, answer)])),
    );
    this.#hasAfterResponse = this.#afterResponse.some((rules) => rules !== null);
  }

  /** `tcp-request connection`: right after accept. False: the connection is to be closed. */
  admitsConnection(slot: number, listener: number, proxy: number): boolean {
    const rules = this.#tcpConnection[proxy]!;
    return rules === null || rules(this.#connectionStream(slot, listener, proxy), 0) === CONTINUE;
  }

  /** `tcp-request session`: the connection is ready for its first stream. False: it is to be closed. */
  admitsSession(slot: number, listener: number, proxy: number): boolean {
    const rules = this.#tcpSession[proxy]!;
    return rules === null || rules(this.#connectionStream(slot, listener, proxy), 0) === CONTINUE;
  }

  #connectionStream(slot: number, listener: number, proxy: number): Stream {
    const stream = this.#connection;
    stream.client = slot;
    stream.listener = listener;
    stream.frontend = proxy;
    stream.flags = 0;
    // What a rule set for the connection before.
    stream.addresses?.reset();
    stream.addresses = null;
    stream.requestStartMs = stream.acceptMs = this.#ctx.clock.nowMs;
    const { connections, lifecycle } = this.#ctx;
    if ((connections.flags[slot]! & CONNECTION.proxied) !== 0) lifecycle.takeDestination(stream, slot);
    return stream;
  }

  hasTcpRequest(proxy: number): boolean {
    return this.#tcpRequest[proxy] !== null;
  }

  hasTcpResponse(proxy: number): boolean {
    return this.#tcpResponse[proxy] !== null;
  }

  /**
   * `tcp-request content` of a proxy, from the place `from` on (0: the beginning). Conditions that miss data wait for it as long as
   * `tcp-request inspect-delay` allows.
   * @returns a VERDICT; on `wait` the caller holds the stream
   */
  tcpRequest(stream: Stream, proxy: number, from: number): number {
    const rules = this.#tcpRequest[proxy]!;
    if (rules === null) return CONTINUE;
    if ((stream.flags & STREAM.http) !== 0 && !this.waiting.collect(stream)) return VERDICT.answered;
    this.#input.request(stream);
    this.peek.beforeContent(stream, proxy);
    const verdict = this.#inspect(rules, stream, from, this.#ctx.timeouts[proxy]!.requestInspect);
    this.peek.end(stream);
    return verdict;
  }

  /** The same for `tcp-response content`. */
  tcpResponse(stream: Stream, proxy: number, from: number): number {
    const rules = this.#tcpResponse[proxy]!;
    if (rules === null) return CONTINUE;
    if (!stream.inResponse) this.#ctx.samples.variables.turn(stream);
    this.#input.response(stream);
    return this.#inspect(rules, stream, from, this.#ctx.timeouts[proxy]!.responseInspect);
  }

  #inspect(rules: RuleSet, stream: Stream, from: number, delayMs: number): number {
    if (delayMs === 0 || this.#input.isComplete || (stream.flags & WAIT_IS_OVER) !== 0) stream.flags |= DATA_IS_FINAL;
    const { samples } = this.#ctx;
    samples.mayMiss = true;
    const verdict = rules(stream, from);
    samples.mayMiss = false;
    if (verdict === CONTINUE) this.waiting.settle(stream);
    return verdict === WAIT ? this.waiting.wait(stream, delayMs) : verdict;
  }

  /** The `http-request` rules of a proxy. @returns a VERDICT; on `wait` the caller holds the stream */
  request(stream: Stream, proxy: number, from: number): number {
    const rules = this.#request[proxy]!;
    if (rules === null) return CONTINUE;
    this.#requestEdits.strict = true;
    return rules(stream, from);
  }

  /** `option http-restrict-req-hdr-names` of a proxy, behind its `http-request` rules. False: the stream has its answer. */
  restrictNames(stream: Stream, proxy: number): boolean {
    const policy = this.#namePolicies[proxy]!;
    return policy === "preserve" || restrictNames(this.#ctx, this.#requestEdits, stream, policy);
  }

  /** `option forwarded` of a backend, behind all its rules. False: the stream has its answer. */
  addForwarded(stream: Stream, proxy: number): boolean {
    const add = this.#forwarded[proxy]!;
    if (add === null || add(stream)) return true;
    this.#requestEdits.strict = true;
    return rewriteFailed({ ctx: this.#ctx, edits: this.#requestEdits, isResponse: false }, stream) === CONTINUE;
  }

  /** The `redirect` lines of a proxy. False: the stream has its answer. */
  redirect(stream: Stream, proxy: number): boolean {
    const rules = this.#redirect[proxy]!;
    return rules === null || rules(stream, 0) === CONTINUE;
  }

  /** A response head is about to be edited; `resumed`: it has been already, and had to wait. */
  beginResponse(stream: Stream, resumed: boolean): void {
    if (!stream.inResponse) this.#ctx.samples.variables.turn(stream);
    if (resumed && stream.responseEditBuffer >= 0) this.#responseEdits.resume(stream, this.#ctx.pool);
    else this.#responseEdits.begin(this.#rewriteRoom(stream));
  }

  /** As in HAProxy, rules may write what a buffer has left beside the head and the body's first bytes, and `tune.maxrewrite` in any case. */
  #rewriteRoom({ server, response }: Stream): number {
    const { connections, plan, pool } = this.#ctx;
    const buffer = server < 0 ? -1 : connections.receiveHead[server]!;
    const used = (buffer < 0 ? response.end : pool.end[buffer]!) - response.start;
    return Math.max(plan.global.maxrewriteBytes, pool.size - used);
  }

  /** The `http-response` rules of a proxy. @returns a VERDICT; on `wait` the caller holds the stream, after `leaveResponse` */
  response(stream: Stream, proxy: number, from: number): number {
    const rules = this.#response[proxy]!;
    if (rules === null) return CONTINUE;
    this.#responseEdits.strict = true;
    return rules(stream, from);
  }

  /** The response waits, others will not: what was written for it is put by. False: there is no buffer. */
  leaveResponse(stream: Stream): boolean {
    return this.#responseEdits.leave(stream, this.#ctx.pool);
  }

  /** `http-error` of the proxy for that status, null: there is none. */
  errorReply(proxy: number, status: number): Action | null {
    return this.#errorReplies[proxy]!.get(status) ?? null;
  }

  /** Whether the head of a response of ours has to pass through `http-after-response` rules. */
  editsReply(stream: Stream): boolean {
    if (!this.#hasAfterResponse || this.#isAfterResponse) return false;
    const { backend, frontend } = stream;
    return this.#afterResponse[frontend] !== null || (backend >= 0 && this.#afterResponse[backend] !== null);
  }

  /** The `http-after-response` rules of the stream's backend and frontend, on a head that is complete otherwise. False: it is not to be sent. */
  afterResponse(stream: Stream): boolean {
    if (!this.#hasAfterResponse) return true;
    const { frontend } = stream;
    const backend = stream.backend >= 0 ? stream.backend : frontend;
    const first = this.#afterResponse[backend]!;
    const second = backend === frontend ? null : this.#afterResponse[frontend]!;
    if (first === null && second === null) return true;
    const edits = this.#responseEdits;
    edits.strict = true;
    this.#isAfterResponse = true;
    let passes = first === null || first(stream, 0) === CONTINUE;
    edits.strict = true;
    passes &&= second === null || second(stream, 0) === CONTINUE;
    this.#isAfterResponse = false;
    return passes;
  }
}
