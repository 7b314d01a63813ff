// Counts how long a finished stream took in the histograms of its frontend, backend and server (shared-state/latency.ts): this worker's
// own cells, plainly. Times of parts that the stream never reached are not counted.

import { LATENCY, LATENCY_BUCKETS, LatencyRows, latencyBucket } from "../shared-state/latency.ts";
import type { WorkerContext } from "../worker/context.ts";
import type { Stream } from "./stream.ts";

/** Differences of the clock's microseconds hold below this. */
const EXACT_MS_MAX = 2_000_000;
const QUEUE = LatencyRows.histogramAt(LATENCY.queue);
const CONNECT = LatencyRows.histogramAt(LATENCY.connect);
const RESPONSE = LatencyRows.histogramAt(LATENCY.response);
const TOTAL = LatencyRows.histogramAt(LATENCY.total);

export class LatencyCounter {
  readonly #cells: Float64Array;
  readonly #clock: WorkerContext["clock"];
  readonly #frontendAt: Int32Array;
  readonly #backendAt: Int32Array;
  readonly #serverAt: Int32Array;

  constructor({ shared, worker, plan, clock }: WorkerContext) {
    const rows = shared.latencies;
    this.#cells = rows.cells;
    this.#clock = clock;
    this.#frontendAt = Int32Array.from(plan.proxies, (_, i) => rows.frontendAt(worker, i));
    this.#backendAt = Int32Array.from(plan.proxies, (_, i) => rows.backendAt(worker, i));
    this.#serverAt = Int32Array.from(plan.servers, (_, i) => rows.serverAt(worker, i));
  }

  /** The stream ends. */
  count(stream: Stream): void {
    const { nowMs, nowUs } = this.#clock;
    const frontend = this.#frontendAt[stream.frontend]!;
    const backend = stream.backend < 0 ? -1 : this.#backendAt[stream.backend]!;
    const server = stream.serverIndex < 0 ? -1 : this.#serverAt[stream.serverIndex]!;
    const totalMs = (nowMs - stream.requestStartMs) | 0;
    this.#add(frontend, backend, server, TOTAL, totalMs > EXACT_MS_MAX ? -1 : (nowUs - stream.startUs) | 0);
    if (stream.queueDoneMs === -1) return;
    const queued = (stream.queueDoneUs - stream.queueStartUs) | 0;
    this.#add(frontend, backend, server, QUEUE, queued);
    if (stream.connectDoneMs === -1) return;
    const connected = (stream.connectDoneUs - stream.queueDoneUs) | 0;
    this.#add(frontend, backend, server, CONNECT, connected);
    if (stream.responseHeadMs === -1) return;
    const responded = (stream.responseHeadUs - stream.connectDoneUs) | 0;
    this.#add(frontend, backend, server, RESPONSE, responded);
  }

  #add(frontend: number, backend: number, server: number, histogram: number, us: number): void {
    const cells = this.#cells;
    const bucket = histogram + latencyBucket(us);
    const sum = histogram + LATENCY_BUCKETS;
    const time = us < 0 ? 2 ** 31 : us;
    cells[frontend + bucket]!++;
    cells[frontend + sum]! += time;
    if (backend < 0) return;
    cells[backend + bucket]!++;
    cells[backend + sum]! += time;
    if (server < 0) return;
    cells[server + bucket]!++;
    cells[server + sum]! += time;
  }
}
