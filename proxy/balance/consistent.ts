// hash-type consistent: each server has many points on a circle of 2^32, 16 for each unit of its weight; a hash belongs to the nearest
// point. When a server comes or goes only its own points move.
//
//        ···s2·······s1··s1·····hash·s3·····s2···   nearest: s3; if that may not be taken, on to the right: s2 …
//
// The circle is derived from effective weights, so it follows slow start and weights set at run time; each worker rebuilds its own
// when PROXY.generation has risen, which is the one moment in which it allocates. Points depend on server ids, or on addresses (`hash-key`), only, so that
// several proxies with equal ids agree: HAProxy, too, from 2.6 to 3.5 (hash-oracle.test.ts asks it). Some releases between (3.0 to early 3.2) had
// the points elsewhere, by a bug.
//
// Streams without a key walk over all points in turns, over all workers.

import { parseIpv4, parseIpv6 } from "../../shared/ip/text.ts";
import type { BackendPlan, ServerPlan } from "../plan/plan.ts";
import { avalanche } from "../sample/hash.ts";
import { xxh32 } from "../sample/xxh.ts";
import type { ServerLimits } from "../server/limits.ts";
import { PROXY, SERVER, type SharedState } from "../shared-state/layout.ts";
import type { Stream } from "../stream/stream.ts";
import type { Balance } from "./balance.ts";
import { BoundedLoad } from "./bounded-load.ts";
import type { HashKey } from "./hash-key.ts";

const NO_SERVER = -1;
const ALL_FULL = -2;
const EFFECTIVE_WEIGHT = SERVER.effectiveWeight;
const SERVER_WORDS = SERVER.words;
const POINTS_PER_WEIGHT = 16;
/** The most points that a server may have: numbers of the next one's begin behind them. */
const POINTS_PER_SERVER = 256 * POINTS_PER_WEIGHT;

/** A backend's circle as one worker sees it. */
class Circle {
  readonly #words: Int32Array;
  readonly #serversAt: number;
  readonly #generationAt: number;
  readonly #servers: readonly ServerPlan[];
  #generation = -1;
  /** Ascending positions. */
  #points = new Uint32Array(0);
  /** The server of each point. */
  owners = new Int32Array(0);

  constructor(shared: SharedState, proxy: number, servers: readonly ServerPlan[]) {
    this.#words = shared.words;
    this.#serversAt = shared.serversAt;
    this.#generationAt = shared.proxyAt(proxy) + PROXY.generation;
    this.#servers = servers;
  }

  /** Follows the servers' weights. To be called before everything else. */
  refresh(): void {
    const generation = Atomics.load(this.#words, this.#generationAt);
    if (generation !== this.#generation) this.#rebuild(generation);
  }

  weight(server: number): number {
    return this.#words[this.#serversAt + server * SERVER_WORDS + EFFECTIVE_WEIGHT]!;
  }

  #rebuild(generation: number): void {
    this.#generation = generation;
    const points: { at: number; owner: number }[] = [];
    for (const server of this.#servers) {
      const { index } = server;
      const count = this.weight(index) * POINTS_PER_WEIGHT;
      const first = this.#placeOf(server);
      for (let i = 0; i < count; i++) points.push({ at: avalanche((first + i) | 0) >>> 0, owner: index });
    }
    points.sort((a, b) => a.at - b.at);
    this.#points = Uint32Array.from(points, ({ at }) => at);
    this.owners = Int32Array.from(points, ({ owner }) => owner);
  }

  /** The number of a server's first point. */
  #placeOf({ id, hashKey = "id", address }: ServerPlan): number {
    const bytes = hashKey === "id" ? null : addressBytes(address);
    if (bytes === null || (address.kind !== "ipv4" && address.kind !== "ipv6")) return id * POINTS_PER_SERVER;
    const seed = hashKey === "addr-port" ? avalanche(address.port) : 0;
    if (bytes.length === 16) return xxh32(bytes, 0, 16, seed);
    return avalanche((seed + (bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24))) | 0);
  }

  /** Index of the point nearest to `hash`; there must be one. */
  nearest(hash: number): number {
    const points = this.#points;
    const count = points.length;
    const position = hash >>> 0;
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (points[middle]! < position) low = middle + 1;
      else high = middle;
    }
    const after = low === count ? 0 : low;
    const before = low === 0 ? count - 1 : low - 1;
    return (points[after]! - position) >>> 0 < (position - points[before]!) >>> 0 ? after : before;
  }
}

/** The bytes of a server's address, null: it has none. */
function addressBytes(address: ServerPlan["address"]): Uint8Array | null {
  if (address.kind === "ipv4") return parseIpv4(address.host);
  return address.kind === "ipv6" ? parseIpv6(address.host) : null;
}

export class Consistent implements Balance {
  readonly #circle: Circle;
  readonly #key: HashKey;
  readonly #limits: ServerLimits;
  readonly #boundedLoad: BoundedLoad | null;
  readonly #affinity: BackendPlan["balance"]["preserveAffinity"];
  readonly #words: Int32Array;
  readonly #cursorAt: number;
  /** Which pick refused a server last, by its position in the backend: each is asked once per pick, however many points it has. */
  readonly #refusedBy: Int32Array;
  readonly #firstServer: number;
  #picks = 0;

  constructor(
    key: HashKey,
    shared: SharedState,
    proxy: number,
    backend: BackendPlan,
    servers: readonly ServerPlan[],
    limits: ServerLimits,
  ) {
    const { balanceFactorPercent = 0, preserveAffinity } = backend.balance;
    this.#circle = new Circle(shared, proxy, servers);
    this.#key = key;
    this.#limits = limits;
    this.#boundedLoad =
      balanceFactorPercent > 0 ? new BoundedLoad(shared, backend.servers, balanceFactorPercent) : null;
    this.#affinity = preserveAffinity;
    this.#words = shared.words;
    this.#cursorAt = shared.proxyAt(proxy) + PROXY.cursor;
    this.#refusedBy = new Int32Array(servers.length);
    this.#firstServer = backend.servers[0] ?? 0;
  }

  pick(stream: Stream, excludeServer: number): number {
    const circle = this.#circle;
    circle.refresh();
    const count = circle.owners.length;
    if (count === 0) return NO_SERVER;
    if (!this.#key.find(stream)) return this.#pickInTurn(excludeServer);
    const start = circle.nearest(this.#key.hash);
    this.#boundedLoad?.look();
    const server = circle.owners[start]!;
    return this.#mayTake(server, excludeServer) ? server : this.#pickFrom(start, excludeServer);
  }

  /** The rare way: the nearest server may not be taken. On to the right; when nobody may, it is the last one of the round, as in HAProxy. */
  #pickFrom(start: number, excludeServer: number): number {
    const { owners } = this.#circle;
    const pick = this.#nextPick();
    let refused = 0;
    for (let step = 0; step < owners.length && refused < this.#refusedBy.length; step++) {
      const server = owners[(start + step) % owners.length]!;
      const position = server - this.#firstServer;
      if (this.#refusedBy[position] === pick) continue;
      if (this.#mayTake(server, excludeServer)) return server;
      this.#refusedBy[position] = pick;
      refused++;
    }
    return this.#lastBefore(start, excludeServer);
  }

  #lastBefore(start: number, excludeServer: number): number {
    const { owners } = this.#circle;
    for (let step = 1; step <= owners.length; step++) {
      const server = owners[(start - step + owners.length) % owners.length]!;
      if (server !== excludeServer && this.#circle.weight(server) > 0) return server;
    }
    return excludeServer >= 0 && this.#circle.weight(excludeServer) > 0 ? excludeServer : NO_SERVER;
  }

  #mayTake(server: number, excludeServer: number): boolean {
    if (server === excludeServer || this.#circle.weight(server) === 0) return false;
    if (this.#boundedLoad !== null && !this.#boundedLoad.hasRoom(server)) return false;
    if (this.#affinity === "maxconn") return !this.#limits.isFull(server);
    if (this.#affinity === "maxqueue") return !this.#limits.queueIsFull(server);
    return true;
  }

  /** A number that no server was refused by yet. */
  #nextPick(): number {
    this.#picks = (this.#picks + 1) | 0;
    if (this.#picks === 0) this.#picks = 1;
    return this.#picks;
  }

  /** Round robin over the points: the server at the cursor, else the next one that has room. */
  #pickInTurn(excludeServer: number): number {
    const { owners } = this.#circle;
    const cursor = (Atomics.add(this.#words, this.#cursorAt, 1) >>> 0) % owners.length;
    let someTakePart = false;
    let excludedHasRoom = false;
    for (let step = 0; step < owners.length; step++) {
      const server = owners[(cursor + step) % owners.length]!;
      if (this.#circle.weight(server) === 0) continue;
      someTakePart = true;
      if (!this.#limits.hasRoom(server)) continue;
      if (server !== excludeServer) return server;
      excludedHasRoom = true;
    }
    if (excludedHasRoom) return excludeServer;
    return someTakePart ? ALL_FULL : NO_SERVER;
  }
}
