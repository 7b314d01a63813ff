// balance leastconn: the server with the fewest streams for its weight, those in its queue included. Servers that have none are equal
// whatever their weight; equals take turns, the one that was chosen longest ago first, over all workers.
//
// Two servers compare as (streams + 1) / weight, in whole numbers by cross multiplication. Every pick looks at all servers: their
// words change with every stream of every worker, so that a tree would have to be shared and locked. 16 servers are a few cache lines;
// a thousand take 5-6 µs (balance.bench.ts).

import type { ServerLimits } from "../server/limits.ts";
import { PROXY, SERVER, type SharedState } from "../shared-state/layout.ts";
import type { Stream } from "../stream/stream.ts";
import type { Balance } from "./balance.ts";

const NO_SERVER = -1;
const ALL_FULL = -2;
const EFFECTIVE_WEIGHT = SERVER.effectiveWeight;
const SERVED = SERVER.served;
const QUEUED = SERVER.queued;
const LAST_PICK = SERVER.lastPick;
const SERVER_WORDS = SERVER.words;

export class LeastConnections implements Balance {
  readonly #words: Int32Array;
  readonly #serversAt: number;
  readonly #servers: Int32Array;
  readonly #limits: ServerLimits;
  readonly #cursorAt: number;

  /** @param servers the backend's servers, indices in the plan */
  constructor(shared: SharedState, proxy: number, servers: readonly number[], limits: ServerLimits) {
    this.#words = shared.words;
    this.#serversAt = shared.serversAt;
    this.#servers = Int32Array.from(servers);
    this.#limits = limits;
    this.#cursorAt = shared.proxyAt(proxy) + PROXY.cursor;
  }

  pick(_stream: Stream, excludeServer: number): number {
    const words = this.#words;
    let best = NO_SERVER;
    let bestLoad = 0;
    let bestWeight = 1;
    let someTakePart = false;
    let excludedHasRoom = false;
    for (let i = 0; i < this.#servers.length; i++) {
      const server = this.#servers[i]!;
      const at = this.#serversAt + server * SERVER_WORDS;
      const weight = words[at + EFFECTIVE_WEIGHT]!;
      if (weight === 0) continue;
      someTakePart = true;
      const streams = words[at + SERVED]! + words[at + QUEUED]!;
      const load = streams === 0 ? 0 : streams + 1;
      if (best >= 0) {
        const difference = load * bestWeight - bestLoad * weight;
        if (difference > 0 || (difference === 0 && !this.#waitedLonger(server, best))) continue;
      }
      if (!this.#limits.hasRoomOrQueue(server)) continue;
      if (server === excludeServer) {
        excludedHasRoom = true;
        continue;
      }
      best = server;
      bestLoad = load;
      bestWeight = weight;
    }
    if (best < 0 && excludedHasRoom) best = excludeServer;
    if (best < 0) return someTakePart ? ALL_FULL : NO_SERVER;
    const tick = Atomics.add(words, this.#cursorAt, 1) + 1;
    Atomics.store(words, this.#serversAt + best * SERVER_WORDS + LAST_PICK, tick);
    return best;
  }

  /** Whether `server` was chosen before `other` was; the ticks wrap, so their difference decides. */
  #waitedLonger(server: number, other: number): boolean {
    const words = this.#words;
    const mine = words[this.#serversAt + server * SERVER_WORDS + LAST_PICK]!;
    const others = words[this.#serversAt + other * SERVER_WORDS + LAST_PICK]!;
    return ((mine - others) | 0) < 0;
  }
}
