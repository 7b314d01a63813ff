// Rules that wait: what a stream does between the rule that needs something and the moment when it is there.
//
//   frontend/routing.ts, http1/back.ts        rules ──wait──▶ Waiting.hold ──▶ STATE.inspecting, a timer on the client's row
//        ▲  resume                                                │
//        └──── more data, the end of the data, the timer ◀────────┘
//
// While it waits, bytes are collected as far as they can be looked at (http1/collect.ts; in mode tcp, and of responses, they stay in the
// receive queue). The rules are asked again with each of them: the ones that missed data, or the action that waits.

import { BodyCollector, COLLECTED } from "../http1/collect.ts";
import { tellToContinue } from "../http1/expectation.ts";
import { STATE, STREAM, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import { VERDICT } from "./verdict.ts";

const WAITS = STREAM.waits;
const WAIT_IS_OVER = STREAM.waitIsOver;
const DATA_IS_FINAL = STREAM.dataIsFinal;
const BY_PROXY = 80; // P
const IN_REQUEST = 82; // R
const CONTINUE = VERDICT.continue;
const WAIT = VERDICT.wait;

export class Waiting {
  readonly #ctx: WorkerContext;

  readonly #collector: BodyCollector;

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
    this.#collector = new BodyCollector(ctx);
  }

  /** Takes the body bytes of a request of mode http that have come, as far as there is room. False: they are no body, the stream has its end. */
  collect(stream: Stream): boolean {
    if (stream.requestBody.done) return true;
    if (this.#collector.collect(stream, this.#ctx.plan.global.maxrewriteBytes) !== COLLECTED.broken) return true;
    this.#ctx.front.abort(stream, BY_PROXY, IN_REQUEST, 400);
    return false;
  }

  /** An action waits, at most `timeoutMs` from its first call on (0: as long as it takes). @returns its verdict */
  wait(stream: Stream, timeoutMs: number): number {
    if ((stream.flags & WAITS) === 0) {
      stream.flags |= WAITS;
      if (timeoutMs > 0) this.#ctx.wheel.set(stream.client, this.#ctx.clock.nowMs + timeoutMs);
    }
    return WAIT;
  }

  /** As `wait`, for the body of a request: a client that waits for a word of ours gets it. */
  waitForBody(stream: Stream, timeoutMs: number): number {
    if ((stream.flags & WAITS) === 0) tellToContinue(stream, this.#ctx);
    return this.wait(stream, timeoutMs);
  }

  /** An action has what it waited for, or waits no longer. @returns its verdict */
  end(stream: Stream): number {
    if ((stream.flags & WAITS) !== 0) this.#ctx.wheel.clear(stream.client);
    stream.flags &= ~(WAITS | WAIT_IS_OVER);
    return CONTINUE;
  }

  /** The rules of `step` wait: the stream stands still until it is resumed. */
  hold(stream: Stream, step: number, isResponse: boolean): void {
    const { transport, wheel } = this.#ctx;
    stream.ruleStep = step;
    stream.state = isResponse ? STATE.inspectingResponse : STATE.inspecting;
    const slot = isResponse ? stream.server : stream.client;
    if (isResponse) wheel.clear(slot);
    // What nobody looks at is not to pile up.
    if (transport.received.holdsSeveral(slot)) transport.pause(slot);
    else transport.resume(slot);
  }

  /** The rules are through: what they left behind is put away. */
  settle(stream: Stream): void {
    if ((stream.flags & (WAITS | WAIT_IS_OVER | DATA_IS_FINAL)) === 0) return;
    this.end(stream);
    stream.flags &= ~DATA_IS_FINAL;
    if ((stream.flags & STREAM.http) !== 0) return;
    const { wheel, clock, timeouts } = this.#ctx;
    const timeoutMs = timeouts[stream.frontend]!.client;
    if (timeoutMs > 0) wheel.set(stream.client, clock.nowMs + timeoutMs);
  }
}
