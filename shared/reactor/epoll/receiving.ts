// The epoll engine's accepts and receives: they wait until their descriptor is readable, and are served once a turn, so that nobody starves
// behind a fast sender. A receive that does not fill its buffer has emptied the socket: no call is made only to hear EAGAIN.

import { IOVEC, MSGHDR, writeMsghdr } from "../../abi/msghdr.ts";
import type { Arena } from "../../arena/arena.ts";
import type { BufferPool } from "../../arena/buffer-pool.ts";
import { accept4 } from "../../ffi/epoll.ts";
import { recvmsgAt } from "../../ffi/poll.ts";
import { FD } from "./descriptors.ts";
import { REQUEST } from "./requests.ts";
import { setIovec, setNonBlocking, Waiting } from "./waiting.ts";

const ACCEPT_FLAGS = 0o2000000 | 0o4000; // SOCK_CLOEXEC | SOCK_NONBLOCK
const MSG_DONTWAIT = 0x40;
/** Connections accepted from one listener in one turn. */
const ACCEPTS_MAX = 64;
/** Buffers that one receive can fill. */
const GATHER_MAX = 16;
const EINTR = 4;
const EAGAIN = 11;
const ENFILE = 23;
const EMFILE = 24;
const ECONNABORTED = 103;
const ENOBUFS = 105;

export class Receiving extends Waiting {
  /** Ops that were used for `accept`: their late completions carry descriptors that somebody must close. */
  protected readonly acceptOps = new Uint8Array(256);
  /** Arena offset of the struct msghdr, with its iovecs, that every receive goes through. */
  readonly #headerAt: number;
  /**
   * Its address. A number beyond 32 bits that goes to a foreign function is boxed anew each time, unless it is a box already: in an
   * array that holds something else besides numbers it is.
   */
  readonly #header: readonly [address: number, keepsTheBox: null];
  /** Buffers of the receive that is being made. */
  readonly #gathered = new Int32Array(GATHER_MAX);
  /** Descriptors with something to read for somebody. */
  #listed = new Int32Array(1024);
  #listedCount = 0;

  constructor(epoll: number, arena: Arena, pool: BufferPool) {
    super(epoll, arena, pool);
    this.#headerAt = arena.alloc(MSGHDR.sizeof + GATHER_MAX * IOVEC.sizeof, 8);
    this.#header = [arena.address(this.#headerAt), null];
    writeMsghdr(arena, this.#headerAt, this.#headerAt + MSGHDR.sizeof, 1);
  }

  accept(op: number, slot: number, generation: number, fd: number): void {
    this.acceptOps[op] = 1;
    this.#wantRead(REQUEST.accept, op, slot, generation, fd, 0);
  }

  recv(op: number, slot: number, generation: number, fd: number): void {
    this.#wantRead(REQUEST.receive, op, slot, generation, fd, 0);
  }

  recvOnce(op: number, slot: number, generation: number, fd: number, bytes: number): void {
    this.#wantRead(REQUEST.receiveOnce, op, slot, generation, fd, bytes);
  }

  protected get hasListed(): boolean {
    return this.#listedCount > 0;
  }

  /** Puts a descriptor among those to be read in this or the next turn. */
  protected list(fd: number): void {
    const { flags } = this.descriptors;
    if ((flags[fd]! & FD.listed) !== 0) return;
    flags[fd]! |= FD.listed;
    if (this.#listedCount === this.#listed.length) {
      const longer = new Int32Array(this.#listed.length * 2);
      longer.set(this.#listed);
      this.#listed = longer;
    }
    this.#listed[this.#listedCount++] = fd;
  }

  /** Reads once from each listed descriptor; those that may have more are listed again. */
  protected readListed(): void {
    const count = this.#listedCount;
    for (let i = 0; i < count; i++) {
      const fd = this.#listed[i]!;
      this.descriptors.flags[fd]! &= ~FD.listed;
      this.#readQueue(fd);
    }
    this.#listed.copyWithin(0, count, this.#listedCount);
    this.#listedCount -= count;
  }

  #wantRead(kind: number, op: number, slot: number, generation: number, fd: number, bytes: number): void {
    this.check(op, slot);
    const row = this.requests.take(kind, op, slot, generation, fd);
    this.requests.bytes[row] = bytes;
    if (fd < 0) {
      this.refuse(row);
      return;
    }
    this.descriptors.ensure(fd);
    this.descriptors.append(this.descriptors.readHead, fd, row);
    if (kind === REQUEST.accept) setNonBlocking(fd);
    if ((this.descriptors.flags[fd]! & FD.registered) === 0) this.register(fd, row);
    else if ((this.descriptors.flags[fd]! & FD.readable) !== 0) this.list(fd);
  }

  #readQueue(fd: number): void {
    const { descriptors, requests } = this;
    const row = descriptors.readHead[fd]!;
    if (row < 0 || (descriptors.flags[fd]! & FD.readable) === 0) return;
    const kind = requests.kind[row]!;
    if (kind === REQUEST.accept) this.#accept(fd, row);
    else if (kind === REQUEST.receiveOnce && requests.bytes[row]! > this.pool.size) this.#receiveSeveral(fd, row);
    else this.#receive(fd, row, kind === REQUEST.receive);
    if ((descriptors.flags[fd]! & FD.readable) !== 0 && descriptors.readHead[fd]! >= 0) this.list(fd);
  }

  #accept(fd: number, row: number): void {
    const { requests, completions, counters } = this;
    for (let i = 0; i < ACCEPTS_MAX; i++) {
      const accepted = accept4(fd, ACCEPT_FLAGS);
      if (accepted >= 0) {
        completions.put(requests.op[row]!, requests.slot[row]!, requests.generation[row]!, accepted, -1, true);
        continue;
      }
      if (accepted === -EAGAIN) {
        this.descriptors.flags[fd]! &= ~FD.readable;
        return;
      }
      if (accepted === -EINTR || accepted === -ECONNABORTED) continue;
      if (accepted === -EMFILE || accepted === -ENFILE) counters.descriptorsExhausted++;
      this.complete(row, accepted);
      return;
    }
  }

  #receive(fd: number, row: number, goesOn: boolean): void {
    const { pool, requests, descriptors } = this;
    const buffer = pool.take();
    if (buffer < 0) {
      this.#noBuffer(row);
      return;
    }
    const offset = pool.offsetOf(buffer);
    setIovec(this.arena, this.#headerAt + MSGHDR.sizeof, offset, pool.size);
    this.arena.i32[(this.#headerAt + MSGHDR.msg_iovlen) >> 2] = 1;
    const received = recvmsgAt(fd, this.#header[0], MSG_DONTWAIT);
    if (received > 0) {
      pool.end[buffer] = offset + received;
      this.#noteRead(fd, received < pool.size);
      if (!goesOn) this.complete(row, received, buffer);
      else {
        const { op, slot, generation } = requests;
        this.completions.put(op[row]!, slot[row]!, generation[row]!, received, buffer, true);
      }
      return;
    }
    pool.free(buffer);
    if (received === -EAGAIN) descriptors.flags[fd]! &= ~FD.readable;
    else if (received !== -EINTR) this.complete(row, received);
  }

  /** One receive into as many buffers as it may fill. */
  #receiveSeveral(fd: number, row: number): void {
    const { pool, requests } = this;
    const wanted = Math.min(GATHER_MAX, Math.ceil(requests.bytes[row]! / pool.size));
    const gathered = this.#gather(wanted);
    if (gathered === 0) {
      this.#noBuffer(row);
      return;
    }
    const received = recvmsgAt(fd, this.#header[0], MSG_DONTWAIT);
    const filled = received > 0 ? Math.ceil(received / pool.size) : 0;
    for (let i = filled; i < gathered; i++) pool.free(this.#gathered[i]!);
    if (received <= 0) {
      if (received === -EAGAIN) this.descriptors.flags[fd]! &= ~FD.readable;
      else if (received !== -EINTR) this.complete(row, received);
      return;
    }
    this.#noteRead(fd, received < gathered * pool.size);
    let left = received;
    for (let i = 0; i < filled; i++, left -= pool.size) {
      const buffer = this.#gathered[i]!;
      const bytes = Math.min(left, pool.size);
      pool.end[buffer] = pool.offsetOf(buffer) + bytes;
      const { op, slot, generation } = requests;
      if (i < filled - 1) this.completions.put(op[row]!, slot[row]!, generation[row]!, bytes, buffer, true);
      else this.complete(row, bytes, buffer);
    }
  }

  /** Takes buffers and puts them into the gather list; how many there were. */
  #gather(wanted: number): number {
    const { pool } = this;
    let count = 0;
    for (; count < wanted; count++) {
      const buffer = pool.take();
      if (buffer < 0) break;
      this.#gathered[count] = buffer;
      setIovec(this.arena, this.#headerAt + MSGHDR.sizeof + count * IOVEC.sizeof, pool.offsetOf(buffer), pool.size);
    }
    this.arena.i32[(this.#headerAt + MSGHDR.msg_iovlen) >> 2] = count;
    return count;
  }

  #noBuffer(row: number): void {
    this.counters.noBuffers++;
    this.complete(row, -ENOBUFS);
  }

  /** A receive that did not fill what it had found the socket's end, unless the peer has ended: then that is still to be told. */
  #noteRead(fd: number, isDrained: boolean): void {
    const { flags } = this.descriptors;
    if (isDrained && (flags[fd]! & FD.hangup) === 0) flags[fd]! &= ~FD.readable;
  }
}
