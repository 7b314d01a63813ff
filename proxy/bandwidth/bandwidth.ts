// Bandwidth limits of streams (`filter bwlim-in`, `bwlim-out`): a bucket per limit that fills with the allowed rate and holds one period's bytes; or the
// rate of an entry in a stick-table, which all streams of that key share, in all workers.
// A direction whose bucket is empty stands still: its source is not read, and the stream is looked at again when there is something in it.
//
//   http1/pump.ts, tcp/relay.ts ─ allowance ─▶ 0: pause ─ wait ─▶ ordered list ─ tick, every turn ─▶ the pump again
//
// Streams without a limit cost a look at a null. In mode tcp buffers pass whole, so that a bucket may go below zero and is waited for longer.

import { addRate, readRate, valueAt } from "../stick-table/counters.ts";
import { DATA_TYPE_BY_NAME } from "../stick-table/data-types.ts";
import type { StickTable } from "../stick-table/table.ts";
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
  /** Whose rate is shared, and under which key; null: the level is the stream's own. */
  table: StickTable | null;
  key: Int32Array | null;
}

export class StreamBandwidth {
  /** By the filter's index. */
  readonly buckets: Bucket[];
  /** Whether the stream stands in the list for a direction: bit 1 in, 2 out. */
  waiting = 0;

  constructor(count: number) {
    this.buckets = Array.from({ length: count }, () => ({
      ...{ active: false, bytesPerMs: 0, bytesMax: 0, bytesMin: 0, level: 0, atMs: 0, table: null, key: null },
    }));
  }
}

interface Waiter {
  readonly stream: Stream;
  readonly generation: number;
  readonly isOut: boolean;
  readonly atMs: number;
}

const IN_RATE = DATA_TYPE_BY_NAME.get("bytes_in_rate")!.id;
const OUT_RATE = DATA_TYPE_BY_NAME.get("bytes_out_rate")!.id;
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

  /** Switches a shared limit on, for the key that is set in the table. */
  share(stream: Stream, filter: number, table: StickTable): void {
    const limit = this.#ctx.plan.bandwidthLimits[filter]!;
    stream.bandwidth ??= new StreamBandwidth(this.#isOut.length);
    const bucket = stream.bandwidth.buckets[filter]!;
    bucket.active = true;
    bucket.table = table;
    bucket.key = table.key.slice();
    bucket.bytesMax = limit.bytes;
    bucket.bytesPerMs = limit.bytes / table.layout.dataPeriodMs[this.#rateOf(filter)]!;
    bucket.bytesMin = Math.max(1, Math.min(limit.bytesMin, limit.bytes));
  }

  #rateOf(filter: number): number {
    return this.#isOut[filter] === true ? OUT_RATE : IN_RATE;
  }

  /** What the streams of the bucket's key have left; nothing is limited while the table has no room for it. `bytes` are added to what has passed. */
  #pass(filter: number, table: StickTable, key: Int32Array, bytes: number): number {
    const rate = this.#rateOf(filter);
    const { byteRateFactor } = table.plan;
    table.key.set(key);
    const slot = table.obtain();
    if (slot < 0) return Number.POSITIVE_INFINITY;
    const at = valueAt(table, slot, rate);
    const periodMs = table.layout.dataPeriodMs[rate]!;
    const { sharedMs } = this.#ctx.shared.stickTables.clock;
    if (bytes > 0) {
      addRate(table.rows, at, periodMs, sharedMs, Math.floor(bytes / byteRateFactor));
      table.touch(slot);
    }
    const passed = readRate(table.rows, at, periodMs, sharedMs) * byteRateFactor;
    table.release(slot);
    return this.#ctx.plan.bandwidthLimits[filter]!.bytes - passed;
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
      if (bucket.table !== null) bucket.level = this.#pass(i, bucket.table, bucket.key!, 0);
      else {
        bucket.level = Math.min(bucket.bytesMax, bucket.level + ((nowMs - bucket.atMs) | 0) * bucket.bytesPerMs);
        bucket.atMs = nowMs;
      }
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
    for (let i = 0; i < bandwidth.buckets.length; i++) {
      const bucket = bandwidth.buckets[i]!;
      if (!bucket.active || this.#isOut[i] !== isOut) continue;
      if (bucket.table === null) bucket.level -= bytes;
      else if (bytes > 0) this.#pass(i, bucket.table, bucket.key!, bytes);
    }
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
