// Buffers of a connection that wait to be sent or are being sent, oldest first, linked through BufferPool.next. From `queue` on they
// belong to the connection, and their memory to the kernel while a send is under way: they are freed at its completion, as far as
// it got. At most one send is under way per connection; several waiting buffers go out in one sendmsg.

import type { Arena } from "../../shared/arena/arena.ts";
import type { BufferPool } from "../../shared/arena/buffer-pool.ts";
import { compact, drawFromNext } from "./buffer-queue.ts";
import type { Connections } from "./table.ts";

/** Buffers gathered into one sendmsg. */
const GATHER_MAX = 8;
/** struct msghdr: name 0, namelen 8, iov 16, iovlen 24, control 32, controllen 40, flags 48. */
const MSGHDR_BYTES = 56;
const IOV_WORD = 4;
const IOVLEN_WORD = 6;
/** Arena bytes of a row's gather list: a msghdr and its iovecs. */
export const GATHER_BYTES = MSGHDR_BYTES + GATHER_MAX * 16;

/** A buffer with no more bytes than this is copied behind the last one if they fit, instead of waiting in 16 KB of its own. */
const JOINED_BYTES_MAX = 2048;

export class SendQueue {
  readonly #connections: Connections;
  readonly #pool: BufferPool;
  readonly #arena: Arena;
  /** Arena offset of row 0's gather list. */
  readonly #gatherAt: number;

  constructor(connections: Connections, pool: BufferPool, arena: Arena) {
    this.#connections = connections;
    this.#pool = pool;
    this.#arena = arena;
    this.#gatherAt = arena.alloc(connections.capacity * GATHER_BYTES, 8);
  }

  /** The buffer is the queue's from now on, and may be free already: its bytes may have gone to the one before. */
  append(slot: number, buffer: number): void {
    const table = this.#connections;
    const pool = this.#pool;
    const length = pool.end[buffer]! - pool.start[buffer]!;
    table.sendBytes[slot]! += length;
    const tail = table.sendTail[slot]!;
    if (tail >= 0 && length <= JOINED_BYTES_MAX && pool.end[tail]! + length <= pool.offsetOf(tail) + pool.size) {
      // A send under way does not mind: the kernel was told where its bytes end, and `dropSent` leaves the others.
      this.#arena.bytes.copyWithin(pool.end[tail]!, pool.start[buffer]!, pool.end[buffer]!);
      pool.end[tail]! += length;
      pool.free(buffer);
      return;
    }
    pool.next[buffer] = -1;
    if (tail < 0) table.sendHead[slot] = buffer;
    else pool.next[tail] = buffer;
    table.sendTail[slot] = buffer;
  }

  /** Fills the row's msghdr with its first buffers; returns its arena offset. It stays untouched until the send's completion. */
  writeGather(slot: number): number {
    const pool = this.#pool;
    const { i32, baseLo, baseHi } = this.#arena;
    const at = this.#gatherAt + slot * GATHER_BYTES;
    const vector = at + MSGHDR_BYTES;
    let count = 0;
    for (let buffer = this.#connections.sendHead[slot]!; buffer >= 0 && count < GATHER_MAX; count++) {
      const word = (vector + count * 16) >> 2;
      const start = pool.start[buffer]!;
      i32[word] = (baseLo + start) | 0;
      i32[word + 1] = baseHi;
      i32[word + 2] = pool.end[buffer]! - start;
      i32[word + 3] = 0;
      buffer = pool.next[buffer]!;
    }
    const header = at >> 2;
    i32[header + IOV_WORD] = (baseLo + vector) | 0;
    i32[header + IOV_WORD + 1] = baseHi;
    i32[header + IOVLEN_WORD] = count;
    return at;
  }

  /** Frees what `bytes` sent bytes covered; a short send leaves the rest at the head. */
  dropSent(slot: number, bytes: number): void {
    const table = this.#connections;
    const pool = this.#pool;
    table.sendBytes[slot]! -= bytes;
    let left = bytes;
    let head = table.sendHead[slot]!;
    while (head >= 0) {
      const length = pool.end[head]! - pool.start[head]!;
      if (left < length) {
        pool.start[head]! += left;
        break;
      }
      left -= length;
      const next = pool.next[head]!;
      pool.free(head);
      head = next;
      if (left === 0) break;
    }
    table.sendHead[slot] = head;
    if (head < 0) table.sendTail[slot] = -1;
  }

  /** Takes the oldest buffer, which is not being sent; -1: there is none. */
  take(slot: number): number {
    const table = this.#connections;
    const pool = this.#pool;
    const buffer = table.sendHead[slot]!;
    if (buffer < 0) return -1;
    table.sendBytes[slot]! -= pool.end[buffer]! - pool.start[buffer]!;
    const next = pool.next[buffer]!;
    table.sendHead[slot] = next;
    if (next < 0) table.sendTail[slot] = -1;
    return buffer;
  }

  /** Moves bytes of the second buffer behind those of the first, neither of which is being sent. False: there is no second one, or no room. */
  joinFirst(slot: number): boolean {
    const table = this.#connections;
    const pool = this.#pool;
    const first = table.sendHead[slot]!;
    if (first < 0 || pool.next[first]! < 0) return false;
    const { bytes } = this.#arena;
    compact(pool, bytes, first);
    const length = drawFromNext(pool, bytes, first);
    if (pool.next[first]! < 0) table.sendTail[slot] = first;
    return length > 0;
  }

  freeAll(slot: number): void {
    const table = this.#connections;
    for (let buffer = table.sendHead[slot]!; buffer >= 0; ) {
      const next = this.#pool.next[buffer]!;
      this.#pool.free(buffer);
      buffer = next;
    }
    table.sendHead[slot] = table.sendTail[slot] = -1;
    table.sendBytes[slot] = 0;
  }
}
