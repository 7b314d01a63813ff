// What a load generator is asked for and what it tells.

/** Microseconds of the units that generators print times in. */
export const UNIT_US = { us: 1, ms: 1e3, s: 1e6, m: 6e7 } as const;

/** Requests for one path over a number of connections. */
export interface LoadJob {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  /** A new connection per request. */
  readonly close: boolean;
  readonly tls: boolean;
  /** Requests sent before the first answer is waited for. */
  readonly pipelined: number;
  /** How long, in seconds; or (autocannon only) until so many requests are answered. */
  readonly seconds: number;
  readonly requests: number | null;
}

export interface LoadResult {
  /** Requests that were answered with 2xx. */
  readonly requests: number;
  readonly seconds: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  /** Answers other than 2xx, and connections that failed. */
  readonly errors: number;
}

export interface LoadGenerator {
  readonly name: string;
  /** null: it can; else why not. */
  refuses(job: LoadJob): string | null;
  run(job: LoadJob): Promise<LoadResult>;
}
