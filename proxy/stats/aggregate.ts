// The workers' counter rows added up, without stopping a worker: a sum may miss what happened during the last request.
//
// Columns that hold maxima are not added: the greatest of the workers' values counts. What `clear counters` resets is remembered
// here as a baseline that is subtracted (a counter has one writer, its worker), except maxima, which are set back in the rows:
// a worker that raises one at that very moment wins, and the value is right either way.

import { COUNTER, type SharedState } from "../shared-state/layout.ts";

/** The counters of one object: a value per column of COUNTER. */
export type CounterRow = Float64Array;

const MAXIMA: readonly number[] = [
  COUNTER.queueTimeMaxMs,
  COUNTER.connectTimeMaxMs,
  COUNTER.responseTimeMaxMs,
  COUNTER.totalTimeMaxMs,
];

/** Adds rows up, less what was cleared. One per process. */
export class Aggregate {
  readonly #shared: SharedState;
  /** One row set: what each counter stood at when it was cleared. */
  readonly #baseline: Float64Array;

  constructor(shared: SharedState) {
    this.#shared = shared;
    this.#baseline = new Float64Array(shared.counterRows * COUNTER.columns);
  }

  /** Each of these returns a fresh row. */
  frontend(proxy: number): CounterRow {
    return this.#row(this.#shared.frontendCountersAt(0, proxy));
  }

  backend(proxy: number): CounterRow {
    return this.#row(this.#shared.backendCountersAt(0, proxy));
  }

  server(server: number): CounterRow {
    return this.#row(this.#shared.serverCountersAt(0, server));
  }

  listener(listener: number): CounterRow {
    return this.#row(this.#shared.listenerCountersAt(0, listener));
  }

  /** `clear counters`: forgets the greatest times only. */
  clearMaxima(): void {
    const { counters } = this.#shared;
    for (let at = 0; at < counters.length; at += COUNTER.columns) {
      for (const column of MAXIMA) counters[at + column] = 0;
    }
  }

  /** `clear counters all`. */
  clearAll(): void {
    this.clearMaxima();
    const { counters, nbthread } = this.#shared;
    const rowSet = this.#baseline.length;
    this.#baseline.fill(0);
    for (let worker = 0; worker < nbthread; worker++) {
      for (let i = 0; i < rowSet; i++) this.#baseline[i] += counters[worker * rowSet + i];
    }
  }

  /** `clear counters server`. */
  clearServer(server: number): void {
    const { counters, nbthread } = this.#shared;
    const firstAt = this.#shared.serverCountersAt(0, server);
    this.#baseline.fill(0, firstAt, firstAt + COUNTER.columns);
    for (let worker = 0; worker < nbthread; worker++) {
      const at = this.#shared.serverCountersAt(worker, server);
      for (const column of MAXIMA) counters[at + column] = 0;
      for (let column = 0; column < COUNTER.columns; column++)
        this.#baseline[firstAt + column] += counters[at + column];
    }
  }

  /** Sums the row at this offset of worker 0 over all workers. */
  #row(firstAt: number): CounterRow {
    const { counters, nbthread } = this.#shared;
    const rowSet = this.#baseline.length;
    const row = new Float64Array(COUNTER.columns);
    for (let worker = 0; worker < nbthread; worker++) {
      const at = worker * rowSet + firstAt;
      for (let column = 0; column < row.length; column++) row[column] += counters[at + column];
    }
    for (let column = 0; column < row.length; column++) row[column] -= this.#baseline[firstAt + column];
    for (const column of MAXIMA) {
      row[column] = 0;
      for (let worker = 0; worker < nbthread; worker++) {
        row[column] = Math.max(row[column], counters[worker * rowSet + firstAt + column]);
      }
    }
    return row;
  }
}
