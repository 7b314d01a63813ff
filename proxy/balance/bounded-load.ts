// hash-balance-factor: no server may have more than its share of the backend's streams times the factor. configuration.txt.
//
//   slots of the backend = ceil((streams + 1) × factor / 100)      share of a server = slots × weight / sum of weights
//
// Shares are whole numbers: what is left of one server's share counts for the next, in the order of the configuration, so that all slots
// are given away; a server that takes part has one at least. This was fitted to what HAProxy 3.2 was seen to choose (1680 choices of
// 42 farms, all equal; hash-oracle.test.ts asks it again). Streams in queues do not count, as there.

import { SERVER, type SharedState } from "../shared-state/layout.ts";

const EFFECTIVE_WEIGHT = SERVER.effectiveWeight;
const SERVED = SERVER.served;
const SERVER_WORDS = SERVER.words;

export class BoundedLoad {
  readonly #words: Int32Array;
  readonly #serversAt: number;
  readonly #servers: Int32Array;
  readonly #factorPercent: number;
  /** The share of each server, by its position in the backend. */
  readonly #shares: Int32Array;
  readonly #first: number;

  /**
   * @param servers the backend's servers, indices in the plan, which follow one another
   * @param factorPercent over 100
   */
  constructor(shared: SharedState, servers: readonly number[], factorPercent: number) {
    this.#words = shared.words;
    this.#serversAt = shared.serversAt;
    this.#servers = Int32Array.from(servers);
    this.#factorPercent = factorPercent;
    this.#shares = new Int32Array(servers.length);
    this.#first = servers[0] ?? 0;
  }

  /** Takes the loads of this moment as a basis for `hasRoom`. */
  look(): void {
    const words = this.#words;
    const servers = this.#servers;
    let streams = 0;
    let weights = 0;
    for (let i = 0; i < servers.length; i++) {
      const at = this.#serversAt + servers[i]! * SERVER_WORDS;
      streams += words[at + SERVED]!;
      weights += words[at + EFFECTIVE_WEIGHT]!;
    }
    const slots = Math.ceil(((streams + 1) * this.#factorPercent) / 100);
    let rest = 0;
    for (let i = 0; i < servers.length; i++) {
      const weight = words[this.#serversAt + servers[i]! * SERVER_WORDS + EFFECTIVE_WEIGHT]!;
      if (weight === 0) {
        this.#shares[i] = 0;
        continue;
      }
      const share = slots * weight + rest;
      rest = share % weights;
      this.#shares[i] = Math.max(1, Math.floor(share / weights));
    }
  }

  /** Whether one more stream fits into the server's share. */
  hasRoom(server: number): boolean {
    return this.#words[this.#serversAt + server * SERVER_WORDS + SERVED]! < this.#shares[server - this.#first]!;
  }
}
