// balance random(draws): draws servers at random, by weight, and takes the least loaded of them; two draws by default (the power of two
// choices). A draw is a random position of the published sequence, in which every server stands as often as its weight says.
//
// Load is streams for the weight, as in leastconn. A drawn server without room, or over its share with hash-balance-factor, is passed over;
// when all draws were, any with room is taken. The generator is xorshift32, seeded per worker: fair, not secret.

import type { ServerLimits } from "../server/limits.ts";
import { SERVER, type SharedState } from "../shared-state/layout.ts";
import type { Stream } from "../stream/stream.ts";
import type { Balance } from "./balance.ts";
import type { BoundedLoad } from "./bounded-load.ts";
import { Sequence } from "./sequence.ts";

const NO_SERVER = -1;
const ALL_FULL = -2;
const EFFECTIVE_WEIGHT = SERVER.effectiveWeight;
const SERVED = SERVER.served;
const QUEUED = SERVER.queued;
const SERVER_WORDS = SERVER.words;

export class Random implements Balance {
  readonly #sequence: Sequence;
  readonly #words: Int32Array;
  readonly #serversAt: number;
  readonly #servers: Int32Array;
  readonly #limits: ServerLimits;
  readonly #boundedLoad: BoundedLoad | null;
  readonly #draws: number;
  #state: number;

  /** @param seed any integer; 0 is replaced, because xorshift would stay there */
  constructor(
    shared: SharedState,
    proxy: number,
    servers: readonly number[],
    limits: ServerLimits,
    boundedLoad: BoundedLoad | null,
    draws: number,
    seed: number,
  ) {
    this.#sequence = new Sequence(shared, proxy);
    this.#words = shared.words;
    this.#serversAt = shared.serversAt;
    this.#servers = Int32Array.from(servers);
    this.#limits = limits;
    this.#boundedLoad = boundedLoad;
    this.#draws = draws;
    this.#state = seed | 0 || 1;
  }

  pick(_stream: Stream, excludeServer: number): number {
    if (this.#sequence.length === 0) return NO_SERVER;
    this.#boundedLoad?.look();
    let best = NO_SERVER;
    for (let draw = 0; draw < this.#draws; draw++) {
      const server = this.#sequence.at(this.#next());
      if (server < 0) return NO_SERVER;
      if (server === excludeServer || server === best || !this.#canServe(server)) continue;
      if (best < 0 || this.#isLessLoaded(server, best)) best = server;
    }
    return best >= 0 ? best : this.#pickAny(excludeServer);
  }

  #pickAny(excludeServer: number): number {
    const start = this.#next();
    let someTakePart = false;
    let lastResort = NO_SERVER;
    for (let i = 0; i < this.#servers.length; i++) {
      const server = this.#servers[(start + i) % this.#servers.length]!;
      if (this.#weight(server) === 0) continue;
      someTakePart = true;
      if (!this.#limits.hasRoom(server)) continue;
      if (server !== excludeServer && this.#canServe(server)) return server;
      if (lastResort < 0 || lastResort === excludeServer) lastResort = server;
    }
    if (lastResort >= 0) return lastResort;
    return someTakePart ? ALL_FULL : NO_SERVER;
  }

  #canServe(server: number): boolean {
    if (this.#weight(server) === 0 || !this.#limits.hasRoom(server)) return false;
    return this.#boundedLoad === null || this.#boundedLoad.hasRoom(server);
  }

  #weight(server: number): number {
    return this.#words[this.#serversAt + server * SERVER_WORDS + EFFECTIVE_WEIGHT]!;
  }

  #streams(server: number): number {
    const at = this.#serversAt + server * SERVER_WORDS;
    return this.#words[at + SERVED]! + this.#words[at + QUEUED]!;
  }

  #isLessLoaded(server: number, other: number): boolean {
    return this.#streams(server) * this.#weight(other) < this.#streams(other) * this.#weight(server);
  }

  /** The next random number, 32 bits unsigned. */
  #next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }
}
