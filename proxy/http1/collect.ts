// Brings the body of a request behind its head, into the same buffer, for those who want to look at it before it is sent on: rules that
// wait for it, `option http-buffer-request`, forms of the statistics page. As far as it fits: more is not collected, and stays in the
// receive queue until the body passes (pump.ts).

import { RequestEdits } from "../rules/head-edits.ts";
import { STREAM_BYTES, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";

/** What came of `collect`. */
export const COLLECTED = {
  /** The body is not complete; more may come. */
  part: 0,
  whole: 1,
  /** There is no room for the rest. */
  full: 2,
  /** The framing is broken. */
  broken: 3,
} as const;

export class BodyCollector {
  readonly #ctx: WorkerContext;
  readonly #edits: RequestEdits;

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
    this.#edits = new RequestEdits(ctx.bytes, ctx.pool, ctx.plan.global.maxrewriteBytes);
  }

  /**
   * Takes what the client has sent so far.
   * @param reserveBytes of the buffer to leave free
   * @returns COLLECTED
   */
  collect(stream: Stream, reserveBytes: number): number {
    const { bytes, connections, pool, streams, transport } = this.#ctx;
    const body = stream.requestBody;
    const head = stream.headBuffer;
    const slot = stream.client;
    const limit = pool.offsetOf(head) + pool.size - reserveBytes;
    while (!body.done && connections.receiveHead[slot]! >= 0) {
      if (stream.editAt !== 0 && !this.#edits.moveAway(stream)) return COLLECTED.full;
      const buffer = connections.receiveHead[slot]!;
      const start = pool.start[buffer]!;
      const end = Math.min(pool.end[buffer]!, start + limit - pool.end[head]!);
      if (end <= start) return COLLECTED.full;
      body.pass(bytes, start, end);
      if (body.failed) return COLLECTED.broken;
      bytes.copyWithin(pool.end[head]!, start, body.forwardTo);
      pool.end[head]! += body.forwardTo - start;
      pool.start[buffer] = body.consumedTo;
      streams.bytes[stream.slot * STREAM_BYTES.columns + STREAM_BYTES.fromClient]! += body.consumedTo - start;
      if (body.consumedTo === pool.end[buffer]) pool.free(transport.received.take(slot));
    }
    return body.done ? COLLECTED.whole : pool.end[head]! >= limit ? COLLECTED.full : COLLECTED.part;
  }
}
