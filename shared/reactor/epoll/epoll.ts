// The epoll engine: for kernels and containers without io_uring. The same requests and completions, made of ordinary system calls:
//
//   submission:  tried on the spot (send, connect, close …); its answer waits among the completions, or it waits for its descriptor
//   turn:        epoll_wait ─▶ mark what is ready ─▶ read what is wanted and ready ─▶ write what waited ─▶ hand over completions
//
// Descriptors are registered once, edge-triggered, in both directions; a receive that does not fill its buffer has emptied the socket, so that
// no call is made only to hear EAGAIN. A descriptor is read once a turn: nobody starves behind a fast sender.

import { EPOLL, EPOLL_EVENT } from "../../abi/epoll.ts";
import type { Arena } from "../../arena/arena.ts";
import type { BufferPool } from "../../arena/buffer-pool.ts";
import { AssertionError, assert } from "../../assert.ts";
import { epollAdd, epollCreate, epollWait } from "../../ffi/epoll.ts";
import { close, eventfd, readEventfd } from "../../ffi/file.ts";
import type { CompletionHandler, Reactor } from "../reactor.ts";
import { FD } from "./descriptors.ts";
import { Sending } from "./sending.ts";

const EVENTS_MAX = 512;
const EVENT_WORDS = EPOLL_EVENT.sizeof / 4;
const DATA_WORD = EPOLL_EVENT.data / 4;
const READ_EVENTS = EPOLL.IN | EPOLL.RDHUP | EPOLL.HUP | EPOLL.ERR;
const WRITE_EVENTS = EPOLL.OUT | EPOLL.HUP | EPOLL.ERR;
const ENDED_EVENTS = EPOLL.RDHUP | EPOLL.HUP | EPOLL.ERR;
const EINTR = 4;
const ETIME = 62;
const ECANCELED = 125;
const ENOENT = 2;

export interface EpollOptions {
  readonly arena: Arena;
  readonly pool: BufferPool;
  readonly handler: CompletionHandler;
}

export type EpollResult =
  | { readonly ok: true; readonly reactor: Epoll }
  | { readonly ok: false; readonly reason: string; readonly errno: number };

/** Arena bytes that the engine takes for itself. */
export const EPOLL_ARENA_BYTES = EVENTS_MAX * EPOLL_EVENT.sizeof + 4096;

/** To be called in the thread that will use it; takes its memory from the arena. */
export function createEpoll(options: EpollOptions): EpollResult {
  const epoll = epollCreate();
  const wakeFd = epoll < 0 ? -1 : eventfd();
  if (wakeFd < 0) {
    if (epoll >= 0) close(epoll);
    return { ok: false, reason: "no descriptor is left for epoll (ulimit -n)", errno: epoll < 0 ? -epoll : -wakeFd };
  }
  return { ok: true, reactor: new Epoll(epoll, wakeFd, options) };
}

export class Epoll extends Sending implements Reactor {
  readonly engine = "epoll";
  readonly wakeFd: number;
  readonly #handler: CompletionHandler;
  readonly #i32: Int32Array;
  readonly #eventsWord: number;
  readonly #eventsAddress: number;
  /** Requests for time-outs: op, slot, generation and the moment in performance.now's milliseconds. */
  readonly #timeouts: {
    readonly op: number;
    readonly slot: number;
    readonly generation: number;
    readonly at: number;
  }[] = [];
  #woken = false;
  #state: "running" | "handling" | "destroyed" = "running";

  constructor(epoll: number, wakeFd: number, { arena, pool, handler }: EpollOptions) {
    super(epoll, arena, pool);
    this.wakeFd = wakeFd;
    this.#handler = handler;
    this.#i32 = arena.i32;
    const events = arena.alloc(EVENTS_MAX * EPOLL_EVENT.sizeof, 8);
    this.#eventsWord = events >> 2;
    this.#eventsAddress = arena.address(events);
    epollAdd(epoll, wakeFd, EPOLL.IN);
  }

  timeout(op: number, slot: number, generation: number, timeoutMs: number): void {
    this.check(op, slot);
    this.#timeouts.push({ op, slot, generation, at: performance.now() + timeoutMs });
  }

  cancel(op: number, slot: number, generation: number, targetOp: number): void {
    this.check(op, slot);
    const row = this.requests.find(targetOp, slot, generation);
    const timeout = row >= 0 ? -1 : this.#timeouts.findIndex(isNamed(targetOp, slot, generation));
    if (row >= 0) this.abort(row);
    else if (timeout >= 0) {
      this.#timeouts.splice(timeout, 1);
      this.completions.put(targetOp, slot, generation, -ECANCELED, -1, false);
    }
    this.completions.put(op, slot, generation, row < 0 && timeout < 0 ? -ENOENT : 0, -1, false);
  }

  turn(waitMs: number): number {
    assert(this.#state === "running", "Reactor.turn: neither from inside a completion nor after destroy");
    const events = this.#wait(waitMs);
    this.#state = "handling";
    try {
      this.#handler.onAwake?.();
      this.#mark(events);
      if (this.#timeouts.length > 0) this.#expire();
      this.readListed();
      return this.#deliver();
    } finally {
      this.#state = "running";
    }
  }

  takeWoken(): boolean {
    const woken = this.#woken;
    this.#woken = false;
    return woken;
  }

  /** How many events there are. */
  #wait(waitMs: number): number {
    let timeoutMs = this.completions.count > 0 || this.hasListed ? 0 : waitMs;
    for (const { at } of this.#timeouts)
      timeoutMs = Math.min(timeoutMs, Math.max(0, Math.ceil(at - performance.now())));
    this.counters.enters++;
    const count = epollWait(this.epoll, this.#eventsAddress, EVENTS_MAX, timeoutMs);
    if (count >= 0) return count;
    if (count !== -EINTR) throw new AssertionError(`epoll_wait failed with errno ${-count}`);
    return 0;
  }

  /** Notes what has become ready; what waited for it is done or listed. */
  #mark(events: number): void {
    const words = this.#i32;
    const { flags, readHead, writeHead } = this.descriptors;
    for (let i = 0; i < events; i++) {
      const at = this.#eventsWord + i * EVENT_WORDS;
      const bits = words[at]!;
      const fd = words[at + DATA_WORD]!;
      if (fd === this.wakeFd) {
        readEventfd(fd);
        this.#woken = true;
        continue;
      }
      let flag = flags[fd]!;
      if ((flag & FD.registered) === 0) continue;
      if ((bits & READ_EVENTS) !== 0) flag |= FD.readable;
      if ((bits & WRITE_EVENTS) !== 0) flag |= FD.writable;
      if ((bits & ENDED_EVENTS) !== 0) flag |= FD.hangup;
      flags[fd] = flag;
      if ((flag & FD.readable) !== 0 && readHead[fd]! >= 0) this.list(fd);
      if ((flag & FD.writable) !== 0 && writeHead[fd]! >= 0) this.writeQueue(fd);
    }
  }

  #expire(): void {
    const now = performance.now();
    for (let i = this.#timeouts.length - 1; i >= 0; i--) {
      const { op, slot, generation, at } = this.#timeouts[i]!;
      if (at > now) continue;
      this.#timeouts.splice(i, 1);
      this.completions.put(op, slot, generation, -ETIME, -1, false);
    }
  }

  /** Hands over what is there now; what the handler brings about comes in the next turn. */
  #deliver(): number {
    const { completions } = this;
    const handler = this.#handler;
    const count = completions.count;
    this.counters.completions += count;
    for (let i = 0; i < count; i++) {
      completions.take();
      const { op, slot, generation, res, buffer, more } = completions;
      handler.onCompletion(op, slot, generation, res, buffer, more);
    }
    return count;
  }

  destroy(): void {
    assert(this.#state === "running", "Reactor.destroy: once, and not from inside a completion");
    this.#state = "destroyed";
    this.closeAll();
    const { completions, pool } = this;
    while (completions.count > 0) {
      completions.take();
      if (completions.buffer >= 0) pool.free(completions.buffer);
      if (completions.res >= 0 && this.acceptOps[completions.op] === 1) close(completions.res);
    }
    close(this.epoll);
  }
}

function isNamed(op: number, slot: number, generation: number) {
  return (each: { readonly op: number; readonly slot: number; readonly generation: number }): boolean =>
    each.op === op && each.slot === slot && each.generation === generation;
}
