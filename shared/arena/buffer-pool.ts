// Buffers of one size in the arena, named 0 … count-1. A buffer is in one of three hands:
//
//             take()                        free(id)
//   free  ───────────────▶  ours  ─────────────────────────▶  free
//   free  ──lendToKernel──▶ kernel ──returnFromKernel(id, n)─▶ ours
//   kernel ──reclaim()─────▶ free                              (only when the ring that held them is gone)
//
// The free ones form a stack: what was freed last is still in the processor's cache and goes out first. `start`, `end` and `next`
// belong to whoever holds the buffer (a queue of buffers links them); the pool only sets them to sane values when a buffer changes
// hands. Nothing here copies or clears bytes.

import { assert } from "../assert.ts";
import type { Arena } from "./arena.ts";

const FREE = 0;
const OURS = 1;
const KERNEL = 2;

export class BufferPool {
  readonly count: number;
  /** Size of each buffer in bytes. */
  readonly size: number;
  /** Absolute arena offsets of the first byte that holds data and of the byte after the last. */
  readonly start: Int32Array;
  readonly end: Int32Array;
  /** The next buffer of the queue that the holder keeps this one in, -1: none. */
  readonly next: Int32Array;
  /** Offset of buffer 0. */
  readonly #base: number;
  readonly #owner: Uint8Array;
  readonly #stack: Int32Array;
  #available: number;
  #lent = 0;

  /** Takes `count * size` bytes from the arena, page-aligned. */
  constructor(arena: Arena, count: number, size: number) {
    assert(count > 0 && count <= 0x10000, "BufferPool: the kernel names buffers with 16 bits");
    assert(size > 0 && size % 64 === 0, "BufferPool: buffers are whole cache lines");
    this.count = count;
    this.size = size;
    this.#base = arena.alloc(count * size, 4096);
    this.start = new Int32Array(count);
    this.end = new Int32Array(count);
    this.next = new Int32Array(count).fill(-1);
    this.#owner = new Uint8Array(count);
    this.#stack = Int32Array.from({ length: count }, (_, i) => count - 1 - i);
    this.#available = count;
  }

  /** Buffers that `take` could give now. */
  get available(): number {
    return this.#available;
  }

  /** Less than a quarter is free: whoever moves bytes should hold as few as it can, so that those who come next find some. */
  get isScarce(): boolean {
    return this.#available < this.count >> 2;
  }

  /** Buffers in the kernel's ring. */
  get lent(): number {
    return this.#lent;
  }

  /** Arena offset of the buffer's first byte. */
  offsetOf(id: number): number {
    return this.#base + id * this.size;
  }

  /** A free buffer, empty (`start` = `end` = its offset), or -1 when none is left. */
  take(): number {
    if (this.#available === 0) return -1;
    const id = this.#stack[--this.#available]!;
    this.#owner[id] = OURS;
    const offset = this.#base + id * this.size;
    this.start[id] = offset;
    this.end[id] = offset;
    this.next[id] = -1;
    return id;
  }

  /** Gives a buffer back. Giving one that is not ours to give (free, or the kernel's) is a bug and asserts. */
  free(id: number): void {
    assert(this.#owner[id] === OURS, "BufferPool.free: the buffer is free already, or the kernel's");
    this.#owner[id] = FREE;
    this.#stack[this.#available++] = id;
  }

  /** For the reactor: a free buffer that goes into the kernel's ring, or -1. */
  lendToKernel(): number {
    if (this.#available === 0) return -1;
    const id = this.#stack[--this.#available]!;
    this.#owner[id] = KERNEL;
    this.#lent++;
    return id;
  }

  /** For the reactor: the kernel put `bytes` bytes into the buffer and named it in a completion. */
  returnFromKernel(id: number, bytes: number): void {
    assert(this.#owner[id] === KERNEL, "BufferPool.returnFromKernel: the kernel names a buffer that it does not have");
    this.#owner[id] = OURS;
    this.#lent--;
    const offset = this.#base + id * this.size;
    this.start[id] = offset;
    this.end[id] = offset + bytes;
    this.next[id] = -1;
  }

  /** For the reactor's end: the ring is gone, so what it held is free again. Returns how many that were. */
  reclaim(): number {
    let reclaimed = 0;
    for (let id = 0; id < this.count; id++) {
      if (this.#owner[id] !== KERNEL) continue;
      this.#owner[id] = FREE;
      this.#stack[this.#available++] = id;
      reclaimed++;
    }
    this.#lent = 0;
    return reclaimed;
  }
}
