// The last minutes of every proxy, a value a second, for the charts of the statistics page: it opens with curves and not with an empty frame.
//
// Rates are counters' differences between two ticks; gauges are read at the tick. One ring of numbers per proxy, laid out at start.

import type { Plan } from "../plan/plan.ts";
import { COUNTER, PROXY, type SharedState } from "../shared-state/layout.ts";
import type { Aggregate, CounterRow } from "./aggregate.ts";
import type { Latencies, LatencyHistogram } from "./latencies.ts";
import { PERCENTS } from "./percentiles.ts";

const US_PER_MS = 1000;
/** Five minutes. */
const SECONDS = 300;
/** With more proxies than this only the first ones have charts: memory stays within a few megabytes. */
const PROXIES_MAX = 256;

/** What is kept of a proxy each second; times in milliseconds. */
export const SERIES = ["requests", "errors", "bytesOut", "sessions", "queued", "p50", "p90", "p99", "p999"] as const;
export type SeriesName = (typeof SERIES)[number];

interface Ring {
  readonly proxy: number;
  readonly values: Float32Array;
  last: Totals;
  reading: LatencyHistogram;
}

interface Totals {
  readonly requests: number;
  readonly errors: number;
  readonly bytesOut: number;
}

export class History {
  readonly #plan: Plan;
  readonly #shared: SharedState;
  readonly #aggregate: Aggregate;
  readonly #latencies: Latencies;
  readonly #rings: Ring[];
  /** Ticks so far; the place of the next one is its remainder by SECONDS. */
  #ticks = 0;

  constructor(plan: Plan, shared: SharedState, aggregate: Aggregate, latencies: Latencies) {
    this.#plan = plan;
    this.#shared = shared;
    this.#aggregate = aggregate;
    this.#latencies = latencies;
    this.#rings = plan.proxies.slice(0, PROXIES_MAX).map(({ index }) => ({
      proxy: index,
      values: new Float32Array(SECONDS * SERIES.length),
      last: this.#totals(index),
      reading: this.#reading(index),
    }));
  }

  /** Once a second. */
  tick(): void {
    const at = (this.#ticks++ % SECONDS) * SERIES.length;
    for (const ring of this.#rings) {
      const now = this.#totals(ring.proxy);
      const { words } = this.#shared;
      const word = this.#shared.proxyAt(ring.proxy);
      const isFrontend = this.#plan.proxies[ring.proxy]?.frontend !== null;
      // A counter that was cleared in between begins anew.
      ring.values[at] = Math.max(0, now.requests - ring.last.requests);
      ring.values[at + 1] = Math.max(0, now.errors - ring.last.errors);
      ring.values[at + 2] = Math.max(0, now.bytesOut - ring.last.bytesOut);
      ring.values[at + 3] = words[word + (isFrontend ? PROXY.frontendSessions : PROXY.backendSessions)];
      ring.values[at + 4] = words[word + PROXY.queued];
      this.#percentiles(ring, at + 5);
      ring.last = now;
    }
  }

  /** Of the total times of this second's streams, milliseconds. */
  #percentiles(ring: Ring, at: number): void {
    const reading = this.#reading(ring.proxy);
    const second = reading.since(ring.reading);
    ring.reading = reading;
    for (const [i, [percent]] of PERCENTS.entries()) ring.values[at + i] = second.percentileUs(percent) / US_PER_MS;
  }

  #reading(proxy: number): LatencyHistogram {
    const isFrontend = this.#plan.proxies[proxy]?.frontend !== null;
    return isFrontend ? this.#latencies.frontend(proxy, "total") : this.#latencies.backend(proxy, "total");
  }

  /** The last `seconds` values of a series, the oldest first; null: the proxy has none. */
  series(proxy: number, name: SeriesName, seconds = SECONDS): number[] | null {
    const ring = this.#rings.find((candidate) => candidate.proxy === proxy);
    if (ring === undefined) return null;
    const count = Math.min(seconds, this.#ticks, SECONDS);
    const column = SERIES.indexOf(name);
    return Array.from({ length: count }, (_, i) => {
      const tick = this.#ticks - count + i;
      return ring.values[(tick % SECONDS) * SERIES.length + column];
    });
  }

  /** Ticks so far: a reader that comes again knows how many values it has missed. */
  get ticks(): number {
    return this.#ticks;
  }

  #totals(proxy: number): Totals {
    const { frontend, backend, mode } = this.#plan.proxies[proxy]!;
    const row: CounterRow = frontend !== null ? this.#aggregate.frontend(proxy) : this.#aggregate.backend(proxy);
    const failed = backend === null || frontend === null ? row : this.#aggregate.backend(proxy);
    const column = mode === "http" ? COUNTER.requests : COUNTER.sessions;
    const errors =
      row[COUNTER.responses5xx] + (mode === "http" ? 0 : failed[COUNTER.errorConnections]) + row[COUNTER.errorRequests];
    return { requests: row[column], errors, bytesOut: row[COUNTER.bytesOut] };
  }
}
