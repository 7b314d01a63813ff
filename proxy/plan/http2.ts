// HTTP/2 as a whole: `tune.h2.…` of `global`. Data of the plan (plan.ts).

export interface Http2Plan {
  /** Requests that a client may have under way on one connection. */
  readonly streamsMax: number;
  /** What a client may send of each before we have looked at it. */
  readonly windowBytes: number;
  /** Requests after which a client's connection is asked to go, 0: any number. */
  readonly totalStreamsMax: number;
  /** The same of connections to servers. */
  readonly serverStreamsMax: number;
  readonly serverWindowBytes: number;
}
