// Idle server connections of one worker: per server a list, newest first, and the rules of `http-reuse` for who may take one.
//
//   safe        the first request of a client connection gets a connection of its own, later ones may take any idle one
//   aggressive  first requests may take those that were reused before (CONNECTION.safe)
//   always      everybody may take any
//   never       only the client that the connection was made for gets it back
//
// How many are kept: with those in use, no more than were in use at once lately. Where the rule allows no reuse (clients that send one
// request per connection, under `safe`), every request would else leave another connection behind until the descriptors are gone.
//
//   in use   ▁▃▇▅▂▁▁▁▂▃▂▁▁▁▁▁        needed: the highest of this period and the last (NEED_PERIOD_MS each)
//
// Old ones leave by timer (`pool-purge-delay`); the server's end of file or stray bytes are seen by http1/back.ts, which calls `remove`.

import { assert } from "../../shared/assert.ts";
import type { Clock } from "../../shared/time/clock.ts";
import { CONNECTION, type Connections } from "../connection/table.ts";
import type { Transport } from "../connection/transport.ts";
import type { Plan } from "../plan/plan.ts";
import { SERVER, type SharedState } from "../shared-state/layout.ts";
import type { Gauges } from "../worker/gauges.ts";
import type { ConnectionNames } from "./connection-name.ts";

const IDLE = CONNECTION.idle;
const SAFE = CONNECTION.safe;

const REUSE_NEVER = 0;
const REUSE_SAFE = 1;
const REUSE_AGGRESSIVE = 2;
const REUSE_ALWAYS = 3;
const REUSE = { never: REUSE_NEVER, safe: REUSE_SAFE, aggressive: REUSE_AGGRESSIVE, always: REUSE_ALWAYS } as const;

/** How long a peak of use justifies idle connections, at least; at most twice as long. */
const NEED_PERIOD_MS = 5000;

export class IdlePool {
  readonly #connections: Connections;
  readonly #transport: Transport;
  readonly #gauges: Gauges;
  readonly #shared: SharedState;
  readonly #head: Int32Array;
  readonly #tail: Int32Array;
  readonly #count: Int32Array;
  readonly #clock: Pick<Clock, "nowMs">;
  /** Per server: most connections in use at once in this period and in the last, and when this one began. */
  readonly #peak: Int32Array;
  readonly #lastPeak: Int32Array;
  readonly #periodSinceMs: Int32Array;
  /** Per server: reuse rule, most idle connections (-1: any number), most uses of a connection (-1: any). */
  readonly #reuse: Uint8Array;
  readonly #countMax: Int32Array;
  readonly #usesMax: Int32Array;
  /** Per server: idle connections that are kept beyond those that were needed lately (`pool-low-conn`). */
  readonly #countLow: Int32Array;
  /** SERVER.connectionGeneration that the idle connections of a server were made under. */
  readonly #generation: Int32Array;

  constructor(
    plan: Plan,
    connections: Connections,
    transport: Transport,
    gauges: Gauges,
    shared: SharedState,
    clock: Pick<Clock, "nowMs">,
  ) {
    this.#connections = connections;
    this.#transport = transport;
    this.#gauges = gauges;
    this.#shared = shared;
    this.#clock = clock;
    this.#head = new Int32Array(plan.servers.length).fill(-1);
    this.#tail = new Int32Array(plan.servers.length).fill(-1);
    this.#peak = new Int32Array(plan.servers.length);
    this.#lastPeak = new Int32Array(plan.servers.length);
    this.#periodSinceMs = new Int32Array(plan.servers.length);
    this.#count = new Int32Array(plan.servers.length);
    this.#reuse = Uint8Array.from(plan.servers, (server) => REUSE[plan.proxies[server.proxy]!.backend!.httpReuse]);
    this.#countMax = Int32Array.from(plan.servers, (server) => server.poolMaxConn);
    this.#countLow = Int32Array.from(plan.servers, ({ poolLowConn = 0 }) => poolLowConn);
    this.#usesMax = Int32Array.from(plan.servers, (server) => server.maxReuse);
    this.#generation = new Int32Array(plan.servers.length);
  }

  /** An idle connection to the server that a request of this client may use, or -1. @param names the name that it must have, null: any */
  take(server: number, client: number, isFirstRequest: boolean, names: ConnectionNames | null): number {
    if (this.#count[server] === 0) return -1;
    this.#dropOutdated(server);
    const reuse = this.#reuse[server]!;
    if (reuse === REUSE_NEVER) return this.#takeOwn(server, client, names);
    if (isFirstRequest && reuse === REUSE_SAFE) return -1;
    const onlySafe = isFirstRequest && reuse === REUSE_AGGRESSIVE;
    const table = this.#connections;
    for (let slot = this.#head[server]!; slot >= 0; slot = table.idleNext[slot]!) {
      if (onlySafe && (table.flags[slot]! & SAFE) === 0) continue;
      if (names !== null && (table.nameHigh[slot] !== names.high || table.nameLow[slot] !== names.low)) continue;
      this.remove(slot);
      return slot;
    }
    return -1;
  }

  #takeOwn(server: number, client: number, names: ConnectionNames | null): number {
    const table = this.#connections;
    for (let slot = this.#head[server]!; slot >= 0; slot = table.idleNext[slot]!) {
      if (table.peer[slot] !== client) continue;
      if (names !== null && (table.nameHigh[slot] !== names.high || table.nameLow[slot] !== names.low)) continue;
      this.remove(slot);
      return slot;
    }
    return -1;
  }

  /** Keeps a connection that has done its work; false: it is not wanted and the caller closes it. */
  put(server: number, slot: number, client: number): boolean {
    const table = this.#connections;
    const countMax = this.#countMax[server]!;
    // The stream that gives its connection back still counts as a user.
    const inUse = this.#gauges.own(this.#shared.serverAt(server) + SERVER.served);
    const needed = this.#needed(server, inUse) + this.#countLow[server]!;
    if (this.#count[server]! > 0 && this.#count[server]! + inUse > needed) return false;
    const usesMax = this.#usesMax[server]!;
    if (countMax >= 0 && this.#count[server]! >= countMax) return false;
    if (usesMax >= 0 && table.streams[slot]! > usesMax) return false;
    if (table.streams[slot]! > 1) table.flags[slot]! |= SAFE;
    if (this.#count[server] === 0) this.#generation[server] = this.#currentGeneration(server);
    else this.#dropOutdated(server);
    const next = this.#head[server]!;
    table.idleNext[slot] = next;
    table.idlePrevious[slot] = -1;
    if (next >= 0) table.idlePrevious[next] = slot;
    else this.#tail[server] = slot;
    this.#head[server] = slot;
    this.#count[server]!++;
    table.flags[slot]! |= IDLE;
    table.peer[slot] = client;
    this.#gauges.increment(this.#shared.serverAt(server) + SERVER.idle);
    return true;
  }

  /** Connections to the server that are worth holding, `inUse` of them being used now. */
  #needed(server: number, inUse: number): number {
    const nowMs = this.#clock.nowMs;
    if (((nowMs - this.#periodSinceMs[server]!) | 0) > NEED_PERIOD_MS) {
      this.#periodSinceMs[server] = nowMs;
      this.#lastPeak[server] = this.#peak[server]!;
      this.#peak[server] = 0;
    }
    if (inUse > this.#peak[server]!) this.#peak[server] = inUse;
    return Math.max(this.#peak[server]!, this.#lastPeak[server]!);
  }

  /** Takes a connection out of its list: it is being used, or closed. */
  remove(slot: number): void {
    const table = this.#connections;
    assert((table.flags[slot]! & IDLE) !== 0, "only an idle connection is in a list");
    const server = table.owner[slot]!;
    const next = table.idleNext[slot]!;
    const previous = table.idlePrevious[slot]!;
    if (previous >= 0) table.idleNext[previous] = next;
    else this.#head[server] = next;
    if (next >= 0) table.idlePrevious[next] = previous;
    else this.#tail[server] = previous;
    table.flags[slot]! &= ~IDLE;
    this.#count[server]!--;
    this.#gauges.decrement(this.#shared.serverAt(server) + SERVER.idle);
  }

  /** Under `http-reuse never` an idle connection goes with its client. */
  clientClosed(client: number): void {
    for (let server = 0; server < this.#head.length; server++) {
      if (this.#reuse[server] !== REUSE_NEVER || this.#count[server] === 0) continue;
      for (let slot = this.#takeOwn(server, client, null); slot >= 0; slot = this.#takeOwn(server, client, null))
        this.#transport.close(slot);
    }
  }

  /** Frees the oldest idle connection of the fullest server, for a connection that needs its descriptor; false: there is none. */
  evictOne(): boolean {
    let fullest = -1;
    for (let server = 0; server < this.#count.length; server++)
      if (this.#count[server]! > 0 && (fullest < 0 || this.#count[server]! > this.#count[fullest]!)) fullest = server;
    if (fullest < 0) return false;
    this.#closeOldest(fullest);
    return true;
  }

  #closeOldest(server: number): void {
    const slot = this.#tail[server]!;
    if (slot < 0) return;
    this.remove(slot);
    this.#transport.close(slot);
  }

  /** Closes all idle connections (drain). */
  closeAll(): void {
    for (let server = 0; server < this.#head.length; server++) this.#closeAllOf(server);
  }

  #closeAllOf(server: number): void {
    for (let slot = this.#head[server]!; slot >= 0; slot = this.#head[server]!) {
      this.remove(slot);
      this.#transport.close(slot);
    }
  }

  #currentGeneration(server: number): number {
    return this.#shared.words[this.#shared.serverAt(server) + SERVER.connectionGeneration]!;
  }

  /** The server's address changed or its sessions were shut: what was idle leads to the past. */
  #dropOutdated(server: number): void {
    const generation = this.#currentGeneration(server);
    if (generation === this.#generation[server]) return;
    this.#generation[server] = generation;
    this.#closeAllOf(server);
  }
}
