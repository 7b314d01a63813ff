// What all requests of the epoll engine have in common: names, the queues of their descriptors, and how they are answered, cancelled and closed.
// What is read is receiving.ts's, what is written sending.ts's.

import { EPOLL } from "../../abi/epoll.ts";
import type { Arena } from "../../arena/arena.ts";
import type { BufferPool } from "../../arena/buffer-pool.ts";
import { AssertionError } from "../../assert.ts";
import { epollAdd } from "../../ffi/epoll.ts";
import { close, F_GETFL, F_SETFL, fcntl, O_NONBLOCK } from "../../ffi/file.ts";
import { shutdown } from "../../ffi/socket.ts";
import type { ReactorCounters } from "../reactor.ts";
import { Completions } from "./completions.ts";
import { Descriptors, FD } from "./descriptors.ts";
import { Requests } from "./requests.ts";

const ADDED = (EPOLL.IN | EPOLL.OUT | EPOLL.RDHUP | EPOLL.ET) >>> 0;
const EPERM = 1;
const EBADF = 9;
const EEXIST = 17;
const ECANCELED = 125;

export class Waiting {
  readonly counters: ReactorCounters = {
    ...{ enters: 0, completions: 0, cqOverflows: 0, noBuffers: 0, sqFull: 0, retries: 0, descriptorsExhausted: 0 },
  };
  protected readonly epoll: number;
  protected readonly arena: Arena;
  protected readonly pool: BufferPool;
  protected readonly requests = new Requests();
  protected readonly descriptors = new Descriptors(this.requests);
  protected readonly completions = new Completions();
  #isOpen = true;

  constructor(epoll: number, arena: Arena, pool: BufferPool) {
    this.epoll = epoll;
    this.arena = arena;
    this.pool = pool;
  }

  shutdown(op: number, slot: number, generation: number, fd: number, how: number): void {
    this.check(op, slot);
    this.completions.put(op, slot, generation, shutdown(fd, how), -1, false);
  }

  close(op: number, slot: number, generation: number, fd: number): void {
    this.check(op, slot);
    let result = 0;
    if (fd >= 0) this.descriptors.ensure(fd);
    if (fd < 0 || this.descriptors.isIdle(fd)) result = this.#close(fd);
    else this.descriptors.flags[fd]! |= FD.closing;
    this.completions.put(op, slot, generation, result, -1, false);
  }

  cancelFd(op: number, slot: number, generation: number, fd: number): void {
    this.check(op, slot);
    let count = 0;
    const { readHead, writeHead } = this.descriptors;
    for (; fd >= 0 && fd < readHead.length && !this.descriptors.isIdle(fd); count++)
      this.abort(readHead[fd]! >= 0 ? readHead[fd]! : writeHead[fd]!);
    this.completions.put(op, slot, generation, count, -1, false);
  }

  /** Ends a request before its time: what was sent so far is its result. */
  protected abort(row: number): void {
    const done = this.requests.done[row]!;
    this.complete(row, done > 0 ? done : -ECANCELED);
  }

  protected check(op: number, slot: number): void {
    if (!this.#isOpen) throw new AssertionError("Reactor: nothing is submitted after destroy");
    if (op >>> 0 >= 255 || slot >>> 24 !== 0)
      throw new AssertionError("a request is named by an op of 0 … 254 and a slot of 24 bits");
  }

  /** A number that is no descriptor's. */
  protected refuse(row: number): void {
    const { op, slot, generation } = this.requests;
    this.completions.put(op[row]!, slot[row]!, generation[row]!, -EBADF, -1, false);
    this.requests.give(row);
  }

  /** Tells the kernel of a descriptor, once; a request on one that cannot be watched is answered with the reason. */
  protected register(fd: number, row: number): void {
    const { flags } = this.descriptors;
    if ((flags[fd]! & (FD.registered | FD.always)) !== 0) return;
    const added = epollAdd(this.epoll, fd, ADDED);
    if (added === 0 || added === -EEXIST) flags[fd]! |= FD.registered;
    else if (added === -EPERM) flags[fd]! |= FD.always;
    else this.complete(row, added);
  }

  /** Answers a request for good. */
  protected complete(row: number, res: number, buffer = -1): void {
    const { requests, descriptors } = this;
    const fd = requests.fd[row]!;
    this.completions.put(requests.op[row]!, requests.slot[row]!, requests.generation[row]!, res, buffer, false);
    descriptors.remove(fd, row);
    requests.give(row);
    if ((descriptors.flags[fd]! & FD.closing) !== 0 && descriptors.isIdle(fd)) this.#close(fd);
  }

  #close(fd: number): number {
    if (fd >= 0) this.descriptors.forget(fd);
    return close(fd);
  }

  /** The end: every descriptor that waits for its requests is closed. */
  protected closeAll(): void {
    this.#isOpen = false;
    const { flags } = this.descriptors;
    for (let fd = 0; fd < flags.length; fd++) if ((flags[fd]! & FD.closing) !== 0) close(fd);
  }
}

/** Listening sockets that were inherited, and sockets of callers that did not think of it. */
export function setNonBlocking(fd: number): void {
  const flags = fcntl(fd, F_GETFL, 0);
  if (flags >= 0 && (flags & O_NONBLOCK) === 0) fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/** The struct iovec at arena offset `at` stands for `bytes` bytes at arena offset `offset`. */
export function setIovec({ i32, baseLo, baseHi }: Arena, at: number, offset: number, bytes: number): void {
  const word = at >> 2;
  i32[word] = (baseLo + offset) | 0;
  i32[word + 1] = baseHi;
  i32[word + 2] = bytes;
  i32[word + 3] = 0;
}
