// What balancing is to the request path: one object per backend that names a server for a stream. compile.ts makes it.

import type { Stream } from "../stream/stream.ts";

/** No server takes part at all: 503, or the queue of nobody. */
export const NO_SERVER = -1;
/** Servers take part, but none has room: the stream waits in the backend's queue. */
export const ALL_FULL = -2;

export interface Balance {
  /**
   * The index of the chosen server in the plan, NO_SERVER or ALL_FULL. Deterministic algorithms (hashes) name their server even when
   * it is full: the stream then waits in the server's own queue.
   * @param excludeServer a server to avoid because it just failed (redispatch), -1: none. It is chosen all the same when it is the only one.
   */
  pick(stream: Stream, excludeServer: number): number;
}

/** Whether `result` is a server. */
export function isServer(result: number): boolean {
  return result >= 0;
}
