// Received buffers of a connection, oldest first, linked through BufferPool.next. They belong to the connection until taken.

import type { BufferPool } from "../../shared/arena/buffer-pool.ts";
import { compact, drawFromNext } from "./buffer-queue.ts";
import type { Connections } from "./table.ts";

const LF = 10;

export class ReceiveQueue {
  readonly #connections: Connections;
  readonly #pool: BufferPool;
  readonly #bytes: Uint8Array;

  constructor(connections: Connections, pool: BufferPool, bytes: Uint8Array) {
    this.#connections = connections;
    this.#pool = pool;
    this.#bytes = bytes;
  }

  append(slot: number, buffer: number): void {
    const table = this.#connections;
    this.#pool.next[buffer] = -1;
    const tail = table.receiveTail[slot]!;
    if (tail < 0) table.receiveHead[slot] = buffer;
    else this.#pool.next[tail] = buffer;
    table.receiveTail[slot] = buffer;
  }

  /** Puts a buffer before all others: bytes of it are not used up. */
  putBack(slot: number, buffer: number): void {
    const table = this.#connections;
    this.#pool.next[buffer] = table.receiveHead[slot]!;
    if (table.receiveHead[slot]! < 0) table.receiveTail[slot] = buffer;
    table.receiveHead[slot] = buffer;
  }

  /** Takes the oldest buffer; -1: none. */
  take(slot: number): number {
    const table = this.#connections;
    const buffer = table.receiveHead[slot]!;
    if (buffer >= 0) {
      const next = this.#pool.next[buffer]!;
      table.receiveHead[slot] = next;
      if (next < 0) table.receiveTail[slot] = -1;
      table.headSeenBytes[slot] = 0;
    }
    return buffer;
  }

  /** More than one buffer waits: time for back-pressure. */
  holdsSeveral(slot: number): boolean {
    return this.#connections.receiveHead[slot]! !== this.#connections.receiveTail[slot]!;
  }

  /** The oldest buffer with the bytes of later ones moved behind its own as far as they fit: a head is parsed in one piece. */
  joined(slot: number): number {
    const table = this.#connections;
    const pool = this.#pool;
    const first = table.receiveHead[slot]!;
    if (pool.next[first]! >= 0) {
      compact(pool, this.#bytes, first);
      this.gather(slot);
    }
    return first;
  }

  /** Moves bytes of later buffers behind those of the oldest, as far as they fit. What stands in the oldest keeps its place. */
  gather(slot: number): void {
    const table = this.#connections;
    const pool = this.#pool;
    const first = table.receiveHead[slot]!;
    if (first < 0) return;
    const limit = pool.offsetOf(first) + pool.size;
    while (pool.next[first]! >= 0 && pool.end[first]! < limit) drawFromNext(pool, this.#bytes, first);
    if (pool.next[first]! < 0) table.receiveTail[slot] = first;
  }

  /**
   * Whether the first buffer (see `joined`) may hold a complete head now: always at the first look, and from then on when a line ended
   * since. A head is parsed from its start every time, which one that comes byte by byte would make a quadratic work of.
   */
  headMayEnd(slot: number): boolean {
    const table = this.#connections;
    const first = table.receiveHead[slot]!;
    const start = this.#pool.start[first]!;
    const end = this.#pool.end[first]!;
    const seen = table.headSeenBytes[slot]!;
    table.headSeenBytes[slot] = end - start;
    if (seen === 0 || end - start === this.#pool.size) return true;
    for (let at = start + seen; at < end; at++) if (this.#bytes[at] === LF) return true;
    return false;
  }

  freeAll(slot: number): void {
    for (let buffer = this.take(slot); buffer >= 0; buffer = this.take(slot)) this.#pool.free(buffer);
  }
}
