// How many streams a server takes at once: `maxconn`, and with `minconn` a limit that follows the backend's load. configuration.txt 5.2.
//
//   limit
//   maxconn ┤                 ┌────────
//           │              ／
//   minconn ┤───────────／
//           └───────────┴──────┴──────► streams in the backend
//                            fullconn
// A server that is starting slowly gets the share of its limit that its weight has reached. Runtime changes of maxconn are in the shared
// state; minconn and fullconn are the plan's.

import type { Plan } from "../plan/plan.ts";
import { OP_STATE, PROXY, SERVER, type SharedState } from "../shared-state/layout.ts";

const MAXCONN = SERVER.maxconn;
const SERVED = SERVER.served;
const QUEUED = SERVER.queued;
const OP = SERVER.opState;
const STARTING = OP_STATE.starting;
const EFFECTIVE_WEIGHT = SERVER.effectiveWeight;
const USER_WEIGHT = SERVER.userWeight;
const BACKEND_SESSIONS = PROXY.backendSessions;
const BACKEND_QUEUED = PROXY.queued;

export class ServerLimits {
  readonly #words: Int32Array;
  readonly #serversAt: number;
  readonly #minconn: Int32Array;
  readonly #fullconn: Int32Array;
  readonly #maxqueue: Int32Array;
  /** Word offset of each server's backend. */
  readonly #proxyAt: Int32Array;

  constructor(plan: Plan, shared: SharedState) {
    this.#words = shared.words;
    this.#serversAt = shared.serversAt;
    this.#minconn = Int32Array.from(plan.servers, ({ minconn }) => minconn);
    this.#maxqueue = Int32Array.from(plan.servers, ({ maxqueue }) => maxqueue);
    this.#fullconn = Int32Array.from(plan.servers, ({ proxy }) => plan.proxies[proxy]!.backend?.fullconn ?? 0);
    this.#proxyAt = Int32Array.from(plan.servers, ({ proxy }) => shared.proxyAt(proxy));
  }

  /** Streams that the server may serve at once now; 0: unlimited. */
  limit(server: number): number {
    const words = this.#words;
    const at = this.#serversAt + server * SERVER_WORDS;
    let limit = words[at + MAXCONN]!;
    const minconn = this.#minconn[server]!;
    if (limit === 0 || words[at + OP] === STARTING || minconn > 0)
      limit = this.#dynamicLimit(server, at, limit, minconn);
    return limit;
  }

  #dynamicLimit(server: number, at: number, maxconn: number, minconn: number): number {
    const words = this.#words;
    const max = Math.max(maxconn, minconn);
    if (max === 0) return 0;
    let limit = max;
    const fullconn = this.#fullconn[server]!;
    if (minconn > 0 && fullconn > 0) {
      const load = words[this.#proxyAt[server]! + BACKEND_SESSIONS]!;
      if (load < fullconn) limit = Math.max(minconn, Math.floor((load * max) / fullconn));
    }
    const weight = words[at + USER_WEIGHT]!;
    if (words[at + OP] === STARTING && weight > 0) {
      limit = Math.max(1, Math.floor((limit * Math.min(words[at + EFFECTIVE_WEIGHT]!, weight)) / weight));
    }
    return limit;
  }

  /** Whether a new stream could be served at once: below the limit, and nobody waits who came before, for the server or for the backend. */
  hasRoom(server: number): boolean {
    const limit = this.limit(server);
    if (limit === 0) return true;
    const words = this.#words;
    const at = this.#serversAt + server * SERVER_WORDS;
    if (words[at + QUEUED]! > 0 || words[this.#proxyAt[server]! + BACKEND_QUEUED]! > 0) return false;
    return words[at + SERVED]! < limit;
  }

  /** Whether a new stream could be served or may wait in the queue that `maxqueue` allows; leastconn's idea of room. */
  hasRoomOrQueue(server: number): boolean {
    const limit = this.limit(server);
    if (limit === 0) return true;
    const at = this.#serversAt + server * SERVER_WORDS;
    return this.#words[at + QUEUED]! + this.#words[at + SERVED]! < limit + this.#maxqueue[server]!;
  }

  /** Whether the server serves as many streams as it may, whoever waits. */
  isFull(server: number): boolean {
    const limit = this.limit(server);
    return limit > 0 && this.#words[this.#serversAt + server * SERVER_WORDS + SERVED]! >= limit;
  }

  /** Whether the server's own queue has reached `maxqueue`: the next stream should be balanced again instead of waiting here. */
  queueIsFull(server: number): boolean {
    const maxqueue = this.#maxqueue[server]!;
    return maxqueue > 0 && this.#words[this.#serversAt + server * SERVER_WORDS + QUEUED]! >= maxqueue;
  }
}

const SERVER_WORDS = SERVER.words;
