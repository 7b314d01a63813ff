// Places at servers: how streams get one of a server's `maxconn` slots, wait for one, and pass it on.
//
//   acquire ──► slot held ── release ──► room ──► dispatch: head of the server's or the backend's queue ──► slot held
//      │ no room                                        ▲
//      └──► queue of the server, or of the backend ─────┘
//
// The count of slots (SERVER.served) is exact over all workers: it is raised by compare-and-exchange and never passes the limit. The
// queues are the worker's own, first come first served, linked through the streams. Who comes new does not overtake who waits
// anywhere (ServerLimits.hasRoom looks at SERVER.queued).
//
// Between workers: a worker with waiters sets its bit in the server's (backend's) `waiters` word; who releases a slot wakes the workers
// whose bits are set. A worker sets the bit before it looks for room a last time, and a releaser lowers the count before it looks at the
// bits, so at least one of them sees the other. Which of several woken workers gets the slot is left to the race; to keep a busy
// worker from winning it always, a worker whose own queue was served last lets the others go first once.
//
// `dispatch` must run at every turn of the worker's loop, after everything that may wait or release: it is the last look for room, and a
// wake-up that got lost (more than 32 workers share bits) costs one turn's wait, not a stream.

import type { Plan } from "../plan/plan.ts";
import { OP_STATE, PROXY, SERVER, type SharedState } from "../shared-state/layout.ts";
import type { Stream, Streams } from "../stream/stream.ts";
import type { Gauges } from "../worker/gauges.ts";
import { ServerLimits } from "./limits.ts";
import { WaitingQueues } from "./waiting-queues.ts";

const SERVED = SERVER.served;
const SERVED_MAX = SERVER.servedMax;
const QUEUED = SERVER.queued;
const QUEUED_MAX = SERVER.queuedMax;
const WAITERS = SERVER.waiters;
const OP_STATE_WORD = SERVER.opState;
const STOPPED = OP_STATE.stopped;
const EFFECTIVE_WEIGHT = SERVER.effectiveWeight;
const SERVER_WORDS = SERVER.words;
const PROXY_QUEUED = PROXY.queued;
const PROXY_QUEUED_MAX = PROXY.queuedMax;
const PROXY_WAITERS = PROXY.waiters;
const PROXY_WORDS = PROXY.words;

/** Receives streams whose wait is over: they are in no queue any more. Called from inside `dispatch` only. */
export interface SlotHandler {
  /** The stream holds a slot of the server now and should connect. */
  granted(stream: Stream, server: number): void;
  /** The server that the stream waited for went down: it should be given another. */
  orphaned(stream: Stream, server: number): void;
}

/** Ends another worker's wait in its reactor (WORKER.wakeFd). */
export type WakeWorker = (worker: number) => void;

/** A worker's slots and queues, all servers and backends. */
export class Slots {
  readonly limits: ServerLimits;
  readonly #words: Int32Array;
  readonly #serversAt: number;
  readonly #proxiesAt: number;
  readonly #gauges: Gauges;
  readonly #streams: Streams;
  readonly #wake: WakeWorker;
  readonly #handler: SlotHandler;
  readonly #nbthread: number;
  readonly #worker: number;
  readonly #ownBit: number;
  /** Queue s: server s; queue serverCount + p: backend p. */
  readonly #queues: WaitingQueues;
  readonly #serverCount: number;
  readonly #proxyOf: Int32Array;
  readonly #serversOf: readonly Int32Array[];
  /** Per server: 1 when its last free slot went to this worker's queue although others waited. */
  readonly #tookLast: Uint8Array;

  constructor(
    plan: Plan,
    shared: SharedState,
    worker: number,
    gauges: Gauges,
    streams: Streams,
    wake: WakeWorker,
    handler: SlotHandler,
  ) {
    this.limits = new ServerLimits(plan, shared);
    this.#words = shared.words;
    this.#serversAt = shared.serversAt;
    this.#proxiesAt = shared.proxiesAt;
    this.#gauges = gauges;
    this.#streams = streams;
    this.#wake = wake;
    this.#handler = handler;
    this.#nbthread = shared.nbthread;
    this.#worker = worker;
    this.#ownBit = 1 << (worker & 31);
    this.#serverCount = plan.servers.length;
    this.#queues = new WaitingQueues(plan.servers.length + plan.proxies.length, streams);
    this.#proxyOf = Int32Array.from(plan.servers, ({ proxy }) => proxy);
    this.#serversOf = plan.proxies.map((proxy) => Int32Array.from(proxy.backend?.servers ?? []));
    this.#tookLast = new Uint8Array(plan.servers.length);
    this.#clearOwnBits();
  }

  /** A predecessor that died may have left its bits: without waiters they would only wake us for nothing. */
  #clearOwnBits(): void {
    for (let server = 0; server < this.#serverCount; server++) {
      Atomics.and(this.#words, this.#serversAt + server * SERVER_WORDS + WAITERS, ~this.#ownBit);
    }
    for (let proxy = 0; proxy < this.#serversOf.length; proxy++) {
      Atomics.and(this.#words, this.#proxiesAt + proxy * PROXY_WORDS + PROXY_WAITERS, ~this.#ownBit);
    }
  }

  /** Takes a slot for a stream that did not wait; false: there is no room, or others wait for it. */
  acquire(server: number): boolean {
    return this.limits.hasRoom(server) && this.#take(server);
  }

  /** Takes a slot whatever the limit (health of a persistence cookie with `force-persist`, unlimited servers). */
  acquireAlways(server: number): void {
    const at = this.#serversAt + server * SERVER_WORDS;
    this.#gauges.incrementWithMax(at + SERVED, at + SERVED_MAX);
  }

  #take(server: number): boolean {
    const limit = this.limits.limit(server);
    if (limit === 0) {
      this.acquireAlways(server);
      return true;
    }
    const at = this.#serversAt + server * SERVER_WORDS;
    if (!this.#gauges.incrementBelow(at + SERVED, limit)) return false;
    const served = this.#words[at + SERVED]!;
    if (served > this.#words[at + SERVED_MAX]!) this.#words[at + SERVED_MAX] = served;
    return true;
  }

  /** Gives a slot back and wakes workers that wait for it. This worker's own waiters get theirs in the next `dispatch`. */
  release(server: number): void {
    this.#gauges.decrement(this.#serversAt + server * SERVER_WORDS + SERVED);
    const bits = this.#waiters(server) & ~this.#ownBit;
    if (bits !== 0) this.#wakeAll(bits);
  }

  /** Bits of workers that wait for this server or for any server of its backend. */
  #waiters(server: number): number {
    const proxyRow = this.#proxiesAt + this.#proxyOf[server]! * PROXY_WORDS;
    const ofServer = Atomics.load(this.#words, this.#serversAt + server * SERVER_WORDS + WAITERS);
    return ofServer | Atomics.load(this.#words, proxyRow + PROXY_WAITERS);
  }

  #wakeAll(bits: number): void {
    for (let worker = 0; worker < this.#nbthread; worker++) {
      if (worker !== this.#worker && (bits & (1 << (worker & 31))) !== 0) this.#wake(worker);
    }
  }

  /** Puts a stream at the end of a server's queue. Returns how many streams wait for the server, over all workers, before it. */
  waitForServer(stream: Stream, server: number): number {
    const at = this.#serversAt + server * SERVER_WORDS;
    this.#queues.append(server, stream);
    Atomics.or(this.#words, at + WAITERS, this.#ownBit);
    return this.#gauges.incrementWithMax(at + QUEUED, at + QUEUED_MAX) - 1;
  }

  /** Puts a stream at the end of the backend's queue, to be served by whichever of its servers has room first. Returns how many wait before it. */
  waitForBackend(stream: Stream, proxy: number): number {
    const at = this.#proxiesAt + proxy * PROXY_WORDS;
    this.#queues.append(this.#serverCount + proxy, stream);
    Atomics.or(this.#words, at + PROXY_WAITERS, this.#ownBit);
    return this.#gauges.incrementWithMax(at + PROXY_QUEUED, at + PROXY_QUEUED_MAX) - 1;
  }

  isWaiting(stream: Stream): boolean {
    return this.#queues.queueOf(stream) >= 0;
  }

  /** Takes a stream out of the queue it waits in: its time-out came, or its client went away. Nothing happens to one that does not wait. */
  leave(stream: Stream): void {
    const queue = this.#queues.queueOf(stream);
    if (queue < 0) return;
    this.#queues.remove(stream);
    const isServer = queue < this.#serverCount;
    const at = isServer
      ? this.#serversAt + queue * SERVER_WORDS
      : this.#proxiesAt + (queue - this.#serverCount) * PROXY_WORDS;
    this.#gauges.decrement(at + (isServer ? QUEUED : PROXY_QUEUED));
    if (this.#queues.isEmpty(queue)) Atomics.and(this.#words, at + (isServer ? WAITERS : PROXY_WAITERS), ~this.#ownBit);
  }

  /** Gives free slots to this worker's waiters. To be called at every turn of the loop: costs nothing while nobody waits. */
  dispatch(): void {
    const queues = this.#queues;
    for (let i = queues.activeCount - 1; i >= 0; i--) {
      const queue = queues.active(i);
      if (queue < this.#serverCount) this.#dispatchServer(queue);
      else this.#dispatchBackend(queue - this.#serverCount);
      if (i > queues.activeCount) i = queues.activeCount;
    }
  }

  #dispatchServer(server: number): void {
    if (this.#words[this.#serversAt + server * SERVER_WORDS + OP_STATE_WORD] === STOPPED) {
      this.#orphanAll(server);
      return;
    }
    // A server that is being drained still serves who waits for it, but takes nobody from the backend's queue.
    const backendQueue = this.#serverCount + this.#proxyOf[server]!;
    while (!this.#queues.isEmpty(server)) {
      if (!this.#mayTake(server) || !this.#take(server)) return;
      const queue = this.#takesPart(server) ? this.#queues.older(server, backendQueue) : server;
      this.#grant(queue, server);
    }
  }

  /** Takes out who waits now; the handler may put them anywhere, this queue included. */
  #orphanAll(server: number): void {
    const last = this.#queues.tail(server);
    for (;;) {
      const slot = this.#queues.head(server);
      if (slot < 0) return;
      const stream = this.#streams.all[slot]!;
      this.leave(stream);
      this.#handler.orphaned(stream, server);
      if (slot === last) return;
    }
  }

  #dispatchBackend(proxy: number): void {
    const queue = this.#serverCount + proxy;
    const servers = this.#serversOf[proxy]!;
    for (let i = 0; i < servers.length && !this.#queues.isEmpty(queue); i++) {
      const server = servers[i]!;
      if (!this.#takesPart(server)) continue;
      while (!this.#queues.isEmpty(queue) && this.#mayTake(server) && this.#take(server)) {
        this.#grant(this.#queues.older(queue, server), server);
      }
    }
  }

  #takesPart(server: number): boolean {
    return this.#words[this.#serversAt + server * SERVER_WORDS + EFFECTIVE_WEIGHT]! > 0;
  }

  /** Lets other workers' waiters go first when the last free slot that others waited for went to this worker's queue. */
  #mayTake(server: number): boolean {
    const limit = this.limits.limit(server);
    if (limit !== 0 && this.#words[this.#serversAt + server * SERVER_WORDS + SERVED]! >= limit) return false;
    const others = this.#waiters(server) & ~this.#ownBit;
    if (others === 0) return true;
    if (this.#tookLast[server] === 0) {
      this.#tookLast[server] = 1;
      return true;
    }
    this.#tookLast[server] = 0;
    this.#wakeAll(others);
    return false;
  }

  #grant(queue: number, server: number): void {
    const stream = this.#streams.all[this.#queues.head(queue)]!;
    this.leave(stream);
    this.#handler.granted(stream, server);
  }
}
