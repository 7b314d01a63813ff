// The way of a server's response head through the rules, between its arrival and its departure (back.ts). Rules may hold it: the way is a
// row of steps, and a response that was held goes on at the step that held it.
//
//   tcp-response content (backend) ─▶ http-response (backend) ─▶ http-response (frontend) ─▶ cookies ─▶ http-after-response ─▶ back.answer

import { NO_CAPTURES } from "../plan/capture.ts";
import { retryStatusBit } from "../plan/retry.ts";
import { VERDICT } from "../rules/verdict.ts";
import { STATE, STREAM, STREAM_BYTES, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";

const CONTINUE = VERDICT.continue;
const WAIT = VERDICT.wait;
const BY_PROXY = 80; // P
const IN_HEADERS = 72; // H

/** The steps that rules may hold. */
const CONTENT = 0;
const BACKEND = 1;
const STEPS = 3;

export class ResponseRules {
  readonly #ctx: WorkerContext;
  /** Per frontend: it captures headers or a cookie. */
  readonly #captures: readonly boolean[];

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
    this.#captures = ctx.plan.proxies.map(({ frontend }) => {
      const { response, cookie } = frontend?.captures ?? NO_CAPTURES;
      return cookie !== null || response.some(({ header }) => header !== null);
    });
  }

  /** A final head has come, in `buffer`. */
  begin(stream: Stream, buffer: number): void {
    const { clock, pool, rules, streams, tracking } = this.#ctx;
    const { response } = stream;
    const { status } = response;
    this.#ctx.observation.answered(stream.serverIndex, status);
    if (status >= 400 && this.#ctx.dispatch.retries(stream, retryStatusBit(status))) return;
    stream.status = status;
    stream.responseHeadMs = clock.nowMs;
    stream.responseHeadUs = clock.nowUs;
    streams.bytes[stream.slot * STREAM_BYTES.columns + STREAM_BYTES.fromServer]! += response.end - pool.start[buffer]!;
    if (tracking.count > 0) tracking.status(stream, status);
    if (stream.coding !== null) this.#ctx.compression!.select(stream);
    if (this.#captures[stream.frontend]) this.#ctx.samples.captures.response(stream, this.#ctx.bytes);
    rules.beginResponse(stream, false);
    this.#go(stream, CONTENT, 0);
  }

  /** A response that rules hold has more to be looked at, or nothing more will come. */
  resume(stream: Stream): void {
    stream.state = STATE.waiting;
    this.#ctx.rules.beginResponse(stream, true);
    this.#go(stream, stream.ruleStep, stream.ruleAt);
  }

  /** The time of a response that rules hold is over. */
  expired(stream: Stream): void {
    stream.flags |= STREAM.waitIsOver;
    this.resume(stream);
  }

  /** Takes the steps from `first` on until rules hold the response or give another; behind the last one it goes to the client. */
  #go(stream: Stream, first: number, from: number): void {
    const { back, front, persistence, rules } = this.#ctx;
    let place = from;
    for (let step = first; step < STEPS; step++) {
      const verdict = this.#take(stream, step, place);
      if (verdict === WAIT) {
        if (rules.leaveResponse(stream)) rules.waiting.hold(stream, step, true);
        else front.abort(stream, BY_PROXY, IN_HEADERS, 500);
      }
      if (verdict !== CONTINUE) return;
      place = 0;
    }
    if (persistence.response(stream) && rules.afterResponse(stream)) back.answer(stream);
  }

  #take(stream: Stream, step: number, from: number): number {
    const { rules } = this.#ctx;
    const { backend, frontend } = stream;
    if (step === CONTENT) return rules.tcpResponse(stream, backend, from);
    if (step === BACKEND) return rules.response(stream, backend, from);
    return backend === frontend ? CONTINUE : rules.response(stream, frontend, from);
  }
}
