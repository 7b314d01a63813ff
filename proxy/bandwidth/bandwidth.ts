// Bandwidth limits of streams (`filter bwlim-in`, `bwlim-out`): a bucket per limit that fills with the allowed rate and holds one period's bytes.
// A direction whose bucket is empty stands still: its source is not read, and the stream is looked at again when there is something in it.
//
//   http1/pump.ts, tcp/relay.ts ─ allowance ─▶ 0: pause ─ wait ─▶ ordered list ─ tick, every turn ─▶ the pump again
//
// Streams without a limit cost a look at a null. In mode tcp buffers pass whole, so that a bucket may go below zero and is waited for longer.

import { STATE, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";

/** A row of what a stream is limited by. */
interface Bucket {
  active: boolean;
  bytesPerMs: number;
  bytesMax: number;
  bytesMin: number;
  level: number;
  atMs: number;
}

export class StreamBandwidth {
  /** By the filter's index. */
  readonly buckets: Bucket[];
  /** Whether the stream stands in the list for a direction: bit 1 in, 2 out. */
  waiting = 0;

  constructor(count: number) {
    this.buckets = Array.from({ length: count }, () => ({
      ...{ active: false, bytesPerMs: 0, bytesMax: 0, bytesMin: 0, level: 0, atMs: 0 },
    }));
  }
}

interface Waiter {
  readonly stream: Stream;
  readonly generation: number;
  readonly isOut: boolean;
  readonly atMs: number;
}

const IN = 1;
const OUT = 2;

export class Bandwidth {
  readonly #ctx: WorkerContext;
  readonly #isOut: readonly boolean[];
  /** Ordered by time; streams with limits are few and wait for milliseconds. */
  readonly #waiters: Waiter[] = [];

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
    this.#isOut = ctx.plan.bandwidthLimits.map(({ direction }) => direction === "out");
  }

  /** Switches a limit on, with a full bucket. */
  set(stream: Stream, filter: number, bytes: number, periodMs: number): void {
    stream.bandwidth ??= new StreamBandwidth(this.#isOut.length);
    const bucket = stream.bandwidth.buckets[filter]!;
    bucket.active = bytes > 0 && periodMs > 0;
    bucket.bytesPerMs = bytes / periodMs;
    bucket.level = bucket.bytesMax = bytes;
    bucket.bytesMin = Math.max(1, Math.min(this.#ctx.plan.bandwidthLimits[filter]!.bytesMin, bytes));
    bucket.atMs = this.#ctx.clock.nowMs;
  }

  /** Bytes that may pass now, Infinity: any number; 0: the stream is looked at again later. */
  allowance(stream: Stream, isOut: boolean): number {
    const { bandwidth } = stream;
    if (bandwidth === null) return Number.POSITIVE_INFINITY;
    const { nowMs } = this.#ctx.clock;
    let least = Number.POSITIVE_INFINITY;
    let waitMs = 0;
    for (let i = 0; i < bandwidth.buckets.length; i++) {
      const bucket = bandwidth.buckets[i]!;
      if (!bucket.active || this.#isOut[i] !== isOut) continue;
      bucket.level = Math.min(bucket.bytesMax, bucket.level + ((nowMs - bucket.atMs) | 0) * bucket.bytesPerMs);
      bucket.atMs = nowMs;
      if (bucket.level < bucket.bytesMin)
        waitMs = Math.max(waitMs, (bucket.bytesMin - bucket.level) / bucket.bytesPerMs);
      least = Math.min(least, Math.floor(bucket.level));
    }
    if (waitMs === 0) return least;
    this.#wait(stream, bandwidth, isOut, Math.ceil(waitMs));
    return 0;
  }

  /** That many bytes have passed. */
  spend({ bandwidth }: Stream, isOut: boolean, bytes: number): void {
    if (bandwidth === null) return;
    for (let i = 0; i < bandwidth.buckets.length; i++)
      if (this.#isOut[i] === isOut) bandwidth.buckets[i]!.level -= bytes;
  }

  #wait(stream: Stream, bandwidth: StreamBandwidth, isOut: boolean, waitMs: number): void {
    const bit = isOut ? OUT : IN;
    if ((bandwidth.waiting & bit) !== 0) return;
    bandwidth.waiting |= bit;
    const atMs = this.#ctx.clock.nowMs + Math.min(waitMs, 2 ** 30);
    const waiters = this.#waiters;
    let at = waiters.length;
    while (at > 0 && ((waiters[at - 1]!.atMs - atMs) | 0) > 0) at--;
    waiters.splice(at, 0, { stream, generation: stream.generation, isOut, atMs });
  }

  /** The longest wait that no limit forbids. */
  limitMs(otherwise: number): number {
    const first = this.#waiters[0];
    if (first === undefined) return otherwise;
    return Math.max(0, Math.min(otherwise, (first.atMs - this.#ctx.clock.nowMs) | 0));
  }

  /** Every turn: streams whose buckets have filled go on. */
  tick(): void {
    const waiters = this.#waiters;
    if (waiters.length === 0) return;
    const { nowMs } = this.#ctx.clock;
    let due = 0;
    while (due < waiters.length && ((waiters[due]!.atMs - nowMs) | 0) <= 0) due++;
    if (due === 0) return;
    for (const { stream, generation, isOut } of waiters.splice(0, due)) {
      if (!stream.active || stream.generation !== generation || stream.bandwidth === null) continue;
      stream.bandwidth.waiting &= ~(isOut ? OUT : IN);
      this.#goOn(stream, isOut);
    }
  }

  #goOn(stream: Stream, isOut: boolean): void {
    const { back, relay } = this.#ctx;
    if (stream.state === STATE.tunnel) relay.goOn(stream, isOut);
    else if (!isOut) back.requestBytes(stream);
    else if (stream.state === STATE.responding) back.pumpResponse(stream);
  }
}
