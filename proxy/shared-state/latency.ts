// Where the workers count how long streams took: for every frontend, backend and server a histogram of each of four times, of microseconds.
// A row is plain numbers of one worker, as the counters are; stats/latencies.ts adds the workers' up and reads percentiles.
//
// Log-linear buckets as in HdrHistogram: 1 µs wide below 32 µs, above it 16 to each doubling, so that no value is told with an error of
// more than 1/32. Every histogram ends with the exact sum of its values. Memory of rows without traffic is never touched.

/** The times of a stream, in the order in which their histograms stand. */
export const LATENCY = { queue: 0, connect: 1, response: 2, total: 3, kinds: 4 } as const;

const SUB_BITS = 4;
const LINEAR = 2 << SUB_BITS;
/** The last bucket takes everything from 2^31 µs (36 minutes) on. */
export const LATENCY_BUCKETS = ((32 - SUB_BITS) << SUB_BITS) + 1;
/** Buckets and the sum. */
const CELLS = LATENCY_BUCKETS + 1;
const ROW_CELLS = LATENCY.kinds * CELLS;

/** @param us microseconds; below 0: later than 2^31 µs */
export function latencyBucket(us: number): number {
  if (us < 0) return LATENCY_BUCKETS - 1;
  if (us < LINEAR) return us;
  const shift = 31 - SUB_BITS - Math.clz32(us);
  return (shift << SUB_BITS) + (us >>> shift);
}

/** The least value of a bucket, µs; of `LATENCY_BUCKETS` + 1: the end of all. */
export function latencyBucketStart(bucket: number): number {
  if (bucket < LINEAR) return bucket;
  const shift = (bucket >> SUB_BITS) - 1;
  return (bucket - (shift << SUB_BITS)) * 2 ** shift;
}

/** The rows of a process: of frontends, backends and servers, the same for each worker. */
export class LatencyRows {
  readonly cells: Float64Array;
  readonly nbthread: number;
  readonly #proxies: number;
  readonly #rows: number;

  constructor(buffer: SharedArrayBuffer, at: number, nbthread: number, proxies: number, servers: number) {
    this.nbthread = nbthread;
    this.#proxies = proxies;
    this.#rows = 2 * proxies + servers;
    this.cells = new Float64Array(buffer, at, nbthread * this.#rows * ROW_CELLS);
  }

  static bytes(nbthread: number, proxies: number, servers: number): number {
    return nbthread * (2 * proxies + servers) * ROW_CELLS * 8;
  }

  /** Offsets in `cells` of a worker's row. */
  frontendAt(worker: number, proxy: number): number {
    return (worker * this.#rows + proxy) * ROW_CELLS;
  }
  backendAt(worker: number, proxy: number): number {
    return (worker * this.#rows + this.#proxies + proxy) * ROW_CELLS;
  }
  serverAt(worker: number, server: number): number {
    return (worker * this.#rows + 2 * this.#proxies + server) * ROW_CELLS;
  }

  /** Offsets between the same row of one worker and the next, and of a kind's histogram in a row. */
  get workerCells(): number {
    return this.#rows * ROW_CELLS;
  }
  static histogramAt(kind: number): number {
    return kind * CELLS;
  }
}
