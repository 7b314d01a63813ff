// The arena: one mapping per worker that holds everything the kernel reads or writes while JavaScript goes on: receive and send
// buffers, message headers, socket addresses, time-outs, the provided-buffer ring. Everything in it is named by an int32 offset.
//
//   address            base (64 bit) = baseHi : baseLo
//   offset             0                                                            byteLength
//                      ├─ buffers ─┬─ buffer ring ─┬─ time-outs ─┬─ …            ─┤
//
// - The mapping never crosses a 4 GiB boundary, so that the upper half of every address in it is `baseHi` and the lower half is
//   `(baseLo + offset) | 0`: one addition on the hot path and no 64-bit arithmetic.
// - It never grows, and after `freeze` nothing is allocated from it any more: capacities are decided at boot.
// - Pages are zero and take no memory until they are touched (MAP_NORESERVE), so capacity is cheap and only use costs.
// - Less than 2 GiB, because offsets are kept in Int32Arrays.

import { assert } from "../assert.ts";
import { viewOfMemory } from "../ffi/library.ts";
import {
  MADV_DONTFORK,
  MAP_ANONYMOUS,
  MAP_NORESERVE,
  MAP_PRIVATE,
  madvise,
  mmap,
  munmap,
  PROT_READ,
  PROT_WRITE,
} from "../ffi/memory.ts";

const FOUR_GIB = 2 ** 32;
const PAGE_BYTES = 4096;
/** Largest arena: every offset and every end fits an int32. */
export const ARENA_BYTES_MAX = 2 ** 31 - PAGE_BYTES;

export type ArenaResult = { readonly ok: true; readonly arena: Arena } | { readonly ok: false; readonly errno: number };

/** Maps an arena of at least `bytes` bytes. Fails with the kernel's reason (ENOMEM), not by throwing. */
export function createArena(bytes: number): ArenaResult {
  assert(bytes > 0, "createArena: an arena has a size");
  assert(bytes <= ARENA_BYTES_MAX, "createArena: an arena is smaller than 2 GiB");
  const size = Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
  const base = mapWithinFourGib(size);
  if (base < 0) return { ok: false, errno: -base };
  // A child process has no use for the pages, and copy-on-write during its start would cost every page in use a fault. Only a saving,
  // so a kernel that refuses is none to complain about.
  madvise(base, size, MADV_DONTFORK);
  return { ok: true, arena: new Arena(base, size) };
}

/** Reserves twice the size when the first answer crosses a boundary, and gives back what is not needed. */
function mapWithinFourGib(size: number): number {
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  const first = mmap(0, size, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (first < 0 || Math.floor(first / FOUR_GIB) === Math.floor((first + size - 1) / FOUR_GIB)) return first;
  munmap(first, size);
  const wide = mmap(0, 2 * size, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (wide < 0) return wide;
  const boundary = Math.ceil(wide / FOUR_GIB) * FOUR_GIB;
  const base = boundary - wide >= size ? wide : boundary;
  const end = base + size;
  if (base > wide) munmap(wide, base - wide);
  if (wide + 2 * size > end) munmap(end, wide + 2 * size - end);
  return base;
}

export class Arena {
  readonly base: number;
  readonly byteLength: number;
  /** Lower and upper half of the address of offset 0, as int32. */
  readonly baseLo: number;
  readonly baseHi: number;
  /** The same memory as bytes (with Buffer's methods), and as int32 words (index = offset >> 2). */
  bytes: Buffer;
  i32: Int32Array;
  #state: "init" | "static" | "destroyed" = "init";
  #used = 0;

  constructor(base: number, byteLength: number) {
    this.base = base;
    this.byteLength = byteLength;
    this.baseLo = base | 0;
    this.baseHi = Math.floor(base / FOUR_GIB) | 0;
    const memory = viewOfMemory(base, byteLength);
    this.bytes = Buffer.from(memory);
    this.i32 = new Int32Array(memory);
  }

  /** Bytes handed out so far. */
  get used(): number {
    return this.#used;
  }

  /** Hands out `bytes` zeroed bytes for the arena's life and returns their offset. `align` is a power of two. Boot only. */
  alloc(bytes: number, align = 8): number {
    assert(this.#state === "init", "Arena.alloc: nothing is allocated after freeze");
    assert(bytes > 0 && (align & (align - 1)) === 0, "Arena.alloc: a size and an alignment that is a power of two");
    const offset = Math.ceil(this.#used / align) * align;
    assert(offset + bytes <= this.byteLength, "Arena.alloc: the arena was sized for what is allocated from it");
    this.#used = offset + bytes;
    return offset;
  }

  /** Boot is over. */
  freeze(): void {
    assert(this.#state === "init", "Arena.freeze: once");
    this.#state = "static";
  }

  /** Address of `offset`, for a call that takes one as a number. */
  address(offset: number): number {
    return this.base + offset;
  }

  /** Unmaps. The reactor that was given this arena is destroyed before, so that the kernel writes into none of it. */
  destroy(): void {
    assert(this.#state !== "destroyed", "Arena.destroy: once");
    this.#state = "destroyed";
    // The views are replaced first: touching one of an unmapped range would be a segmentation fault, not an exception.
    this.bytes = Buffer.alloc(0);
    this.i32 = new Int32Array(0);
    const result = munmap(this.base, this.byteLength);
    assert(result === 0, "Arena.destroy: munmap of our own mapping");
  }
}
