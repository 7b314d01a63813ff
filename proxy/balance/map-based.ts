// hash-type map-based: the hash modulo the length of the static map names the server. The map is the backend's published sequence, in the
// order of static-rr (sequence.ts): configured weights of the servers that take part.
//
// A stream without a key goes round robin over the same map. `hash-balance-factor` and `hash-preserve-affinity` have no effect here, as
// seen with HAProxy 3.2. When a server failed, `option redispatch` goes on to the next one in the map; HAProxy 3.2 was seen to insist on the
// server of the hash there, until its checks find it down.

import { SERVER, type SharedState } from "../shared-state/layout.ts";
import type { Stream } from "../stream/stream.ts";
import type { Balance } from "./balance.ts";
import type { HashKey } from "./hash-key.ts";
import { Sequence } from "./sequence.ts";

const NO_SERVER = -1;
const EFFECTIVE_WEIGHT = SERVER.effectiveWeight;
const SERVER_WORDS = SERVER.words;

export class MapBased implements Balance {
  readonly #key: HashKey;
  readonly #roundRobin: Balance;
  readonly #sequence: Sequence;
  readonly #words: Int32Array;
  readonly #serversAt: number;

  /** @param roundRobin for streams without a key */
  constructor(key: HashKey, roundRobin: Balance, shared: SharedState, proxy: number) {
    this.#key = key;
    this.#roundRobin = roundRobin;
    this.#sequence = new Sequence(shared, proxy);
    this.#words = shared.words;
    this.#serversAt = shared.serversAt;
  }

  pick(stream: Stream, excludeServer: number): number {
    const key = this.#key;
    if (!key.find(stream)) return this.#roundRobin.pick(stream, excludeServer);
    const length = this.#sequence.length;
    if (length === 0) return NO_SERVER;
    const position = (key.hash >>> 0) % length;
    const server = this.#sequence.at(position);
    if (server < 0) return NO_SERVER;
    if (server !== excludeServer && this.#takesPart(server)) return server;
    return this.#pickNext(position, server, excludeServer);
  }

  /** The next other server in the map that takes part, else the one that was to be avoided, if that does. */
  #pickNext(position: number, server: number, excludeServer: number): number {
    const length = this.#sequence.length;
    for (let step = 1; step < length; step++) {
      const other = this.#sequence.at(position + step);
      if (other >= 0 && other !== excludeServer && this.#takesPart(other)) return other;
    }
    return this.#takesPart(server) ? server : NO_SERVER;
  }

  #takesPart(server: number): boolean {
    return this.#words[this.#serversAt + server * SERVER_WORDS + EFFECTIVE_WEIGHT]! > 0;
  }
}
