// Percentiles of the times that streams took (queue, connect, response, total), per frontend, backend and server: the workers' histograms
// (shared-state/latency.ts) added up on reading, without stopping a worker. What each holds is every stream since the start or since
// `clear counters all`; the difference of two readings is what happened between them.

import { LATENCY, LATENCY_BUCKETS, LatencyRows, latencyBucketStart } from "../shared-state/latency.ts";
import type { SharedState } from "../shared-state/layout.ts";

export type LatencyKind = "queue" | "connect" | "response" | "total";
export const LATENCY_KINDS: readonly LatencyKind[] = ["queue", "connect", "response", "total"];

/** One time of one object, as it stood when it was read. */
export class LatencyHistogram {
  readonly #buckets: Float64Array;
  /** Streams that came as far, and the sum of their times in microseconds. */
  readonly count: number;
  readonly sumUs: number;

  constructor(buckets: Float64Array, sumUs: number) {
    this.#buckets = buckets;
    this.count = buckets.reduce((sum, count) => sum + count, 0);
    this.sumUs = sumUs;
  }

  /** The time that this share of the streams did not exceed, µs, told as the middle of its bucket; 0 when there are none. @param percent 0 … 100 */
  percentileUs(percent: number): number {
    const rank = Math.max(1, Math.ceil((percent / 100) * this.count));
    let seen = 0;
    for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
      seen += this.#buckets[bucket]!;
      if (this.count > 0 && seen >= rank) return middleUs(bucket);
    }
    return 0;
  }

  get meanUs(): number {
    return this.count === 0 ? 0 : this.sumUs / this.count;
  }

  /** The greatest, µs, as its bucket tells it. */
  get maxUs(): number {
    return this.percentileUs(100);
  }

  /** Streams that took at most this long, µs: a bucket of Prometheus's `le`. Exact where `us` is the end of one of ours, else a whole bucket less. */
  countAtMost(us: number): number {
    let count = 0;
    for (let bucket = 0; bucket < LATENCY_BUCKETS && latencyBucketStart(bucket + 1) - 1 <= us; bucket++)
      count += this.#buckets[bucket]!;
    return count;
  }

  /** What came since an earlier reading of the same object. One that was cleared in between counts from its clearing on. */
  since(earlier: LatencyHistogram): LatencyHistogram {
    if (earlier.count > this.count) return this;
    const buckets = this.#buckets.map((count, bucket) => Math.max(0, count - earlier.#buckets[bucket]!));
    return new LatencyHistogram(buckets, Math.max(0, this.sumUs - earlier.sumUs));
  }

  /** Both together, such as all frontends'. */
  plus(other: LatencyHistogram): LatencyHistogram {
    return new LatencyHistogram(
      this.#buckets.map((count, bucket) => count + other.#buckets[bucket]!),
      this.sumUs + other.sumUs,
    );
  }
}

function middleUs(bucket: number): number {
  return Math.floor((latencyBucketStart(bucket) + latencyBucketStart(bucket + 1) - 1) / 2);
}

/** Reads the histograms of a process. */
export class Latencies {
  readonly #rows: LatencyRows;
  /** What all workers' rows together stood at when they were cleared, row by row; null: never cleared. */
  #baseline: Float64Array | null = null;

  constructor(shared: SharedState) {
    this.#rows = shared.latencies;
  }

  frontend(proxy: number, kind: LatencyKind): LatencyHistogram {
    return this.#read(this.#rows.frontendAt(0, proxy), kind);
  }
  backend(proxy: number, kind: LatencyKind): LatencyHistogram {
    return this.#read(this.#rows.backendAt(0, proxy), kind);
  }
  server(server: number, kind: LatencyKind): LatencyHistogram {
    return this.#read(this.#rows.serverAt(0, server), kind);
  }

  /** `clear counters all`. */
  clear(): void {
    const { nbthread } = this.#rows;
    this.#baseline ??= new Float64Array(this.#rows.workerCells);
    for (let at = 0; at < this.#baseline.length; at++) {
      this.#baseline[at] = 0;
      for (let worker = 0; worker < nbthread; worker++) this.#baseline[at] += this.#cell(worker, at);
    }
  }

  /** `clear counters server`. */
  clearServer(server: number): void {
    this.#baseline ??= new Float64Array(this.#rows.workerCells);
    const from = this.#rows.serverAt(0, server);
    const to = from + LatencyRows.histogramAt(LATENCY.kinds);
    for (let at = from; at < to; at++) {
      this.#baseline[at] = 0;
      for (let worker = 0; worker < this.#rows.nbthread; worker++) this.#baseline[at] += this.#cell(worker, at);
    }
  }

  #cell(worker: number, at: number): number {
    return this.#rows.cells[worker * this.#rows.workerCells + at]!;
  }

  #read(row: number, kind: LatencyKind): LatencyHistogram {
    const from = row + LatencyRows.histogramAt(LATENCY[kind]);
    const buckets = new Float64Array(LATENCY_BUCKETS);
    let sumUs = 0;
    for (let worker = 0; worker < this.#rows.nbthread; worker++) {
      for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++) buckets[bucket] += this.#cell(worker, from + bucket);
      sumUs += this.#cell(worker, from + LATENCY_BUCKETS);
    }
    if (this.#baseline !== null) {
      for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++) buckets[bucket] -= this.#baseline[from + bucket]!;
      sumUs -= this.#baseline[from + LATENCY_BUCKETS]!;
    }
    return new LatencyHistogram(buckets, sumUs);
  }
}
