// balance roundrobin and static-rr: the servers in turns, in the order of the published sequence. The two differ only in how the control
// plane builds the sequence (sequence.ts), and in that static-rr ignores weights set at run time.

import type { ServerLimits } from "../server/limits.ts";
import { SERVER, type SharedState } from "../shared-state/layout.ts";
import type { Stream } from "../stream/stream.ts";
import type { Balance } from "./balance.ts";
import { Sequence } from "./sequence.ts";

const NO_SERVER = -1;
const ALL_FULL = -2;
const EFFECTIVE_WEIGHT = SERVER.effectiveWeight;
const SERVER_WORDS = SERVER.words;

export class RoundRobin implements Balance {
  readonly #sequence: Sequence;
  readonly #words: Int32Array;
  readonly #serversAt: number;
  readonly #servers: Int32Array;
  readonly #limits: ServerLimits;

  /** @param servers the backend's servers, indices in the plan */
  constructor(shared: SharedState, proxy: number, servers: readonly number[], limits: ServerLimits) {
    this.#sequence = new Sequence(shared, proxy);
    this.#words = shared.words;
    this.#serversAt = shared.serversAt;
    this.#servers = Int32Array.from(servers);
    this.#limits = limits;
  }

  pick(_stream: Stream, excludeServer: number): number {
    const position = this.#sequence.advance();
    const server = this.#sequence.at(position);
    if (server >= 0 && server !== excludeServer && this.#takesPart(server) && this.#limits.hasRoom(server))
      return server;
    return server < 0 ? NO_SERVER : this.#pickOther(position, excludeServer);
  }

  /** The rare way: the server whose turn it is cannot be had. The next in the sequence that can, else any that can. */
  #pickOther(position: number, excludeServer: number): number {
    const sequence = this.#sequence;
    const steps = Math.min(sequence.length, 2 * this.#servers.length);
    for (let step = 1; step < steps; step++) {
      const server = sequence.at(position + step);
      if (server >= 0 && server !== excludeServer && this.#takesPart(server) && this.#limits.hasRoom(server))
        return server;
    }
    let excludedHasRoom = false;
    let someTakePart = false;
    for (let i = 0; i < this.#servers.length; i++) {
      const server = this.#servers[(position + i) % this.#servers.length]!;
      if (!this.#takesPart(server)) continue;
      someTakePart = true;
      if (!this.#limits.hasRoom(server)) continue;
      if (server !== excludeServer) return server;
      excludedHasRoom = true;
    }
    if (excludedHasRoom) return excludeServer;
    return someTakePart ? ALL_FULL : NO_SERVER;
  }

  /** The state may have changed since the sequence was published. */
  #takesPart(server: number): boolean {
    return this.#words[this.#serversAt + server * SERVER_WORDS + EFFECTIVE_WEIGHT]! > 0;
  }
}
