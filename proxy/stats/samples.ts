// What has to be watched over time, because counters alone do not tell it: rates per second, their maxima, and average times.
//
// Rates are HAProxy's two-slot estimate: the events of this second so far, plus the last second's in the proportion in which it still
// lies within the last 1000 ms. They need one tick a second and are exact for steady traffic.
//
//        last second      │ this second
//   ░░░░░░░████████████████│█████▌
//          └────────── 1000 ms ──┘
//
// Average times are HAProxy's sliding averages over about the last 1024 streams, here in blocks of a second: the mean of a block pulls
// the average as strongly as its streams would have one by one. Below 1024 streams the average is the plain mean.

import { COUNTER, type SharedState, WORKER } from "../shared-state/layout.ts";

const TICK_MS = 1000;
/** HAProxy's TIME_STATS_SAMPLES. */
const WINDOW_STREAMS = 1024;

/** The times that are averaged, by column. */
const TIMES = [COUNTER.queueTimeMs, COUNTER.connectTimeMs, COUNTER.responseTimeMs, COUNTER.totalTimeMs] as const;

/** Milliseconds. */
export interface AverageTimes {
  readonly queue: number;
  readonly connect: number;
  readonly response: number;
  readonly total: number;
}

interface RateCell {
  readonly read: () => number;
  atTick: number;
  previous: number;
  max: number;
}

interface TimesCell {
  readonly read: (column: number) => number;
  streams: number;
  readonly sums: number[];
  readonly averages: number[];
}

export class Samples {
  readonly #shared: SharedState;
  readonly #nowMs: () => number;
  readonly #rates = new Map<string, RateCell>();
  readonly #times = new Map<string, TimesCell>();
  readonly #ticked: (() => void)[] = [];
  #tickedMs: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(shared: SharedState, nowMs: () => number = () => performance.now()) {
    this.#shared = shared;
    this.#nowMs = nowMs;
    this.#tickedMs = nowMs();
    for (let proxy = 0; proxy < shared.proxyCount; proxy++) this.#addProxy(proxy);
    for (let server = 0; server < shared.serverCount; server++) {
      const rowAt = (worker: number): number => shared.serverCountersAt(worker, server);
      this.#addRate(`server ${server}`, rowAt, COUNTER.sessions);
      this.#addTimes(`server ${server}`, rowAt);
    }
    this.#addProcess();
  }

  start(): void {
    this.#timer = setInterval(() => this.tick(), TICK_MS);
    this.#timer.unref();
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** Runs with every tick, for others who sample. */
  onTick(callback: () => void): void {
    this.#ticked.push(callback);
  }

  /** Ends a second. Public for tests; otherwise the timer's. */
  tick(): void {
    const nowMs = this.#nowMs();
    const seconds = Math.max(1, Math.round((nowMs - this.#tickedMs) / TICK_MS));
    this.#tickedMs = nowMs;
    for (const cell of this.#rates.values()) {
      const total = cell.read();
      cell.previous = (total - cell.atTick) / seconds;
      cell.atTick = total;
      cell.max = Math.max(cell.max, Math.round(cell.previous));
    }
    for (const cell of this.#times.values()) average(cell);
    for (const callback of this.#ticked) callback();
  }

  /** Events per second of `frontend N sessions|requests|connections`, `backend N`, `server N`, `process connections|sessions|bytes`. */
  rate(name: string): number {
    const cell = this.#rateCell(name);
    const elapsed = Math.min(1, (this.#nowMs() - this.#tickedMs) / TICK_MS);
    const rate = Math.round(cell.read() - cell.atTick + cell.previous * (1 - elapsed));
    cell.max = Math.max(cell.max, rate);
    return rate;
  }

  /** The greatest rate so far. */
  rateMax(name: string): number {
    this.rate(name);
    return this.#rateCell(name).max;
  }

  /** Average times of `backend N` or `server N`. */
  averageTimes(name: string): AverageTimes {
    const cell = this.#times.get(name);
    if (cell === undefined) throw new Error(`nobody samples the times of ${name}`);
    average(cell);
    const [queue, connect, response, total] = cell.averages.map((value) => Math.round(value));
    return { queue, connect, response, total };
  }

  /** `clear counters`. */
  clearMaxima(): void {
    for (const cell of this.#rates.values()) cell.max = 0;
  }

  /** `clear counters server`. */
  clearServer(server: number): void {
    this.#rateCell(`server ${server}`).max = 0;
  }

  #rateCell(name: string): RateCell {
    const cell = this.#rates.get(name);
    if (cell === undefined) throw new Error(`nobody samples the rate of ${name}`);
    return cell;
  }

  #addProxy(proxy: number): void {
    const shared = this.#shared;
    const frontendAt = (worker: number): number => shared.frontendCountersAt(worker, proxy);
    const backendAt = (worker: number): number => shared.backendCountersAt(worker, proxy);
    this.#addRate(`frontend ${proxy} sessions`, frontendAt, COUNTER.sessions);
    this.#addRate(`frontend ${proxy} requests`, frontendAt, COUNTER.requests);
    this.#addRate(`frontend ${proxy} connections`, frontendAt, COUNTER.connections);
    this.#addRate(`backend ${proxy}`, backendAt, COUNTER.sessions);
    this.#addTimes(`backend ${proxy}`, backendAt);
  }

  #addProcess(): void {
    const shared = this.#shared;
    const overFrontends = (column: number) => (): number => {
      let sum = 0;
      for (let proxy = 0; proxy < shared.proxyCount; proxy++) {
        sum += this.#total((worker) => shared.frontendCountersAt(worker, proxy), column);
      }
      return sum;
    };
    this.#rates.set("process connections", cellOf(overFrontends(COUNTER.connections)));
    this.#rates.set("process sessions", cellOf(overFrontends(COUNTER.sessions)));
    this.#rates.set("process bytes", cellOf(overFrontends(COUNTER.bytesOut)));
    const overWorkers = (word: number) => (): number => {
      let sum = 0;
      for (let worker = 0; worker < shared.nbthread; worker++) sum += shared.words[shared.workerAt(worker) + word]!;
      return sum;
    };
    this.#rates.set("tls handshakes", cellOf(overWorkers(WORKER.tlsHandshakes)));
    this.#rates.set("tls keys", cellOf(overWorkers(WORKER.tlsKeys)));
    this.#rates.set("tls server keys", cellOf(overWorkers(WORKER.tlsServerKeys)));
  }

  #addRate(name: string, rowAt: (worker: number) => number, column: number): void {
    this.#rates.set(
      name,
      cellOf(() => this.#total(rowAt, column)),
    );
  }

  #addTimes(name: string, rowAt: (worker: number) => number): void {
    const read = (column: number): number => this.#total(rowAt, column);
    const sums = TIMES.map(read);
    this.#times.set(name, { read, streams: read(COUNTER.timedStreams), sums, averages: TIMES.map(() => 0) });
  }

  #total(rowAt: (worker: number) => number, column: number): number {
    let sum = 0;
    for (let worker = 0; worker < this.#shared.nbthread; worker++) sum += this.#shared.counters[rowAt(worker) + column];
    return sum;
  }
}

function cellOf(read: () => number): RateCell {
  return { read, atTick: read(), previous: 0, max: 0 };
}

/** Takes in the streams that ended since the last time. */
function average(cell: TimesCell): void {
  const streams = cell.read(COUNTER.timedStreams);
  const added = streams - cell.streams;
  if (added <= 0) return;
  cell.streams = streams;
  const keep = streams <= WINDOW_STREAMS ? 1 - added / streams : (1 - 1 / WINDOW_STREAMS) ** added;
  TIMES.forEach((column, i) => {
    const sum = cell.read(column);
    cell.averages[i] = cell.averages[i] * keep + ((sum - cell.sums[i]) / added) * (1 - keep);
    cell.sums[i] = sum;
  });
}
