// The epoll engine's sends, writes and connects: tried on the spot, and again when their descriptor takes more. Requests of one descriptor
// go out in their order; a send is answered when all of it has gone, or with what had gone before an error.

import { IOVEC, MSGHDR, writeMsghdr } from "../../abi/msghdr.ts";
import type { Arena } from "../../arena/arena.ts";
import type { BufferPool } from "../../arena/buffer-pool.ts";
import { AssertionError } from "../../assert.ts";
import { connectAt, sendmsgAt, writeAt } from "../../ffi/epoll.ts";
import { ppoll } from "../../ffi/poll.ts";
import { getsockoptInt, SO_ERROR, SOL_SOCKET } from "../../ffi/socket.ts";
import { FD } from "./descriptors.ts";
import { Receiving } from "./receiving.ts";
import { REQUEST } from "./requests.ts";
import { setIovec, setNonBlocking } from "./waiting.ts";

const SEND_FLAGS = 0x4000 | 0x40; // MSG_NOSIGNAL | MSG_DONTWAIT
const MSG_MORE = 0x8000;
const POLLOUT = 4;
const EINTR = 4;
const EAGAIN = 11;
const EINPROGRESS = 115;

export class Sending extends Receiving {
  /** The struct msghdr that every send goes through, and its address; as the one of Receiving. */
  readonly #headerAt: number;
  readonly #header: readonly [address: number, keepsTheBox: null];

  constructor(epoll: number, arena: Arena, pool: BufferPool) {
    super(epoll, arena, pool);
    this.#headerAt = arena.alloc(MSGHDR.sizeof + IOVEC.sizeof, 8);
    this.#header = [arena.address(this.#headerAt), null];
  }

  send(op: number, slot: number, generation: number, fd: number, offset: number, bytes: number, more: boolean): void {
    const kind = more ? REQUEST.sendMore : REQUEST.send;
    this.#tryWrite(fd, this.#wantWrite(kind, op, slot, generation, fd, offset, bytes));
  }

  sendmsg(op: number, slot: number, generation: number, fd: number, msghdr: number): void {
    this.#tryWrite(fd, this.#wantWrite(REQUEST.sendmsg, op, slot, generation, fd, msghdr, MSGHDR.sizeof));
  }

  write(op: number, slot: number, generation: number, fd: number, offset: number, bytes: number): void {
    this.#tryWrite(fd, this.#wantWrite(REQUEST.write, op, slot, generation, fd, offset, bytes));
  }

  connect(op: number, slot: number, generation: number, fd: number, offset: number, bytes: number): void {
    const row = this.#wantWrite(REQUEST.connect, op, slot, generation, fd, offset, bytes);
    setNonBlocking(fd);
    const result = connectAt(fd, this.arena.address(offset), bytes);
    // Registered only now: an unconnected socket would be reported as hung up.
    if (result === -EINPROGRESS) this.register(fd, row);
    else this.complete(row, result);
  }

  /** Goes on with what waits to be written. */
  protected writeQueue(fd: number): void {
    const { writeHead } = this.descriptors;
    while (writeHead[fd]! >= 0 && this.#write(writeHead[fd]!));
  }

  #wantWrite(
    kind: number,
    op: number,
    slot: number,
    generation: number,
    fd: number,
    offset: number,
    bytes: number,
  ): number {
    this.check(op, slot);
    if (offset < 0 || bytes <= 0 || offset + bytes > this.arena.byteLength)
      throw new AssertionError("a request's memory lies inside the arena and is not empty");
    const row = this.requests.take(kind, op, slot, generation, fd);
    this.requests.offset[row] = offset;
    this.requests.bytes[row] = bytes;
    if (fd >= 0) {
      this.descriptors.ensure(fd);
      this.descriptors.append(this.descriptors.writeHead, fd, row);
    }
    return row;
  }

  /** Tries a request that nothing waits before. */
  #tryWrite(fd: number, row: number): void {
    if (fd < 0) this.refuse(row);
    else if (this.descriptors.writeHead[fd] === row) this.#write(row);
  }

  /** True: the request is answered; false: it waits until the descriptor takes more. */
  #write(row: number): boolean {
    const { requests, descriptors } = this;
    const fd = requests.fd[row]!;
    const kind = requests.kind[row]!;
    if (kind === REQUEST.connect) {
      this.complete(row, -Math.max(0, getsockoptInt(fd, SOL_SOCKET, SO_ERROR)));
      return true;
    }
    for (;;) {
      const result = this.#writeOnce(fd, row, kind);
      if (result > 0 && kind !== REQUEST.sendmsg && kind !== REQUEST.write) {
        requests.done[row]! += result;
        if (requests.done[row]! < requests.bytes[row]!) continue;
        this.complete(row, requests.done[row]!);
        return true;
      }
      if (result === -EINTR) continue;
      if (result === -EAGAIN) {
        descriptors.flags[fd]! &= ~FD.writable;
        this.register(fd, row);
        return false;
      }
      this.complete(row, result < 0 && requests.done[row]! > 0 ? requests.done[row]! : result);
      return true;
    }
  }

  #writeOnce(fd: number, row: number, kind: number): number {
    const { requests } = this;
    const { i32 } = this.arena;
    const offset = requests.offset[row]! + requests.done[row]!;
    const bytes = requests.bytes[row]! - requests.done[row]!;
    // A pipe or terminal may be a blocking one that others use too: it is asked first.
    if (kind === REQUEST.write) return isWritable(fd) ? writeAt(fd, this.arena.address(offset), bytes) : -EAGAIN;
    const header = this.#headerAt >> 2;
    if (kind === REQUEST.sendmsg) i32.copyWithin(header, offset >> 2, (offset + MSGHDR.sizeof) >> 2);
    else {
      writeMsghdr(this.arena, this.#headerAt, this.#headerAt + MSGHDR.sizeof, 1);
      setIovec(this.arena, this.#headerAt + MSGHDR.sizeof, offset, bytes);
    }
    return sendmsgAt(fd, this.#header[0], kind === REQUEST.sendMore ? SEND_FLAGS | MSG_MORE : SEND_FLAGS);
  }
}

const pollEntry = new Int32Array(2);

function isWritable(fd: number): boolean {
  pollEntry[0] = fd;
  pollEntry[1] = POLLOUT;
  // An error is for the write to tell.
  return ppoll(pollEntry, 1, 0) !== 0;
}
