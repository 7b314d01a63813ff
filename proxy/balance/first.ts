// balance first: the first server with room, by ascending server id. configuration.txt, `balance`.

import type { ServerPlan } from "../plan/plan.ts";
import type { ServerLimits } from "../server/limits.ts";
import { SERVER, type SharedState } from "../shared-state/layout.ts";
import type { Stream } from "../stream/stream.ts";
import type { Balance } from "./balance.ts";

const NO_SERVER = -1;
const ALL_FULL = -2;
const EFFECTIVE_WEIGHT = SERVER.effectiveWeight;
const SERVER_WORDS = SERVER.words;

export class First implements Balance {
  readonly #words: Int32Array;
  readonly #serversAt: number;
  readonly #servers: Int32Array;
  readonly #limits: ServerLimits;

  constructor(shared: SharedState, servers: readonly ServerPlan[], limits: ServerLimits) {
    this.#words = shared.words;
    this.#serversAt = shared.serversAt;
    this.#servers = Int32Array.from(
      [...servers].sort((a, b) => a.id - b.id),
      ({ index }) => index,
    );
    this.#limits = limits;
  }

  pick(_stream: Stream, excludeServer: number): number {
    let someTakePart = false;
    let excludedHasRoom = false;
    for (let i = 0; i < this.#servers.length; i++) {
      const server = this.#servers[i]!;
      if (this.#words[this.#serversAt + server * SERVER_WORDS + EFFECTIVE_WEIGHT] === 0) continue;
      someTakePart = true;
      if (!this.#limits.hasRoom(server)) continue;
      if (server !== excludeServer) return server;
      excludedHasRoom = true;
    }
    if (excludedHasRoom) return excludeServer;
    return someTakePart ? ALL_FULL : NO_SERVER;
  }
}
