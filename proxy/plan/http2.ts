// HTTP/2 as a whole: `tune.h2.…` of `global`. Data of the plan (plan.ts).

export interface Http2Plan {
  /** Requests that a client may have under way on one connection. */
  readonly streamsMax: number;
  /** What a client may send of each before we have looked at it. */
  readonly windowBytes: number;
  /** Requests after which a client's connection is asked to go, 0: any number. */
  readonly totalStreamsMax: number;
  /** Clients are told that WebSockets may be opened by extended CONNECT (not so under `h2-workaround-bogus-websocket-clients`). */
  readonly offersWebSockets: boolean;
  /** The same of connections to servers. */
  readonly serverStreamsMax: number;
  readonly serverWindowBytes: number;
}
