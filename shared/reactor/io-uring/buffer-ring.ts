// The provided-buffer ring: free buffers of the pool that the kernel may pick from when a receive finds data. A receive therefore holds
// no memory while it waits, and ten thousand idle connections need no buffers at all.
//
//     we fill at `tail`                       the kernel takes at its own head
//     ──▶ ┌────┬────┬────┬────┬────┬────┐ ──▶  a completion names the buffer: it is ours until BufferPool.free
//         │ id │ id │ id │    │    │    │
//         └────┴────┴────┴────┴────┴────┘      entry 0 also holds the tail (u16), see abi/io-uring-register.ts
//
// The ring is kept at a target that is small at first, because the kernel takes first what was put in first: a ring of every free
// buffer would walk through all of the memory and never meet a warm cache line. When the ring runs dry although the pool is not, the
// target doubles. The kernel looks at the ring only while our thread is inside io_uring_enter (deferred task work), so plain
// stores are enough.

import { IO_URING_BUF_REG, IORING_REGISTER } from "../../abi/io-uring-register.ts";
import type { Arena } from "../../arena/arena.ts";
import type { BufferPool } from "../../arena/buffer-pool.ts";
import { assert } from "../../assert.ts";
import { ioUringRegister } from "../../ffi/io-uring.ts";

/** The group's id: one ring a reactor, so 0, which is what an entry's untouched `buf_group` says. */
const BUFFER_GROUP = 0;
const TARGET_INITIAL = 16;
/** Dry turns that make the ring grow, and turns without one after which they are forgotten. */
const DRY_TURNS = 4;
const CALM_TURNS = 32;

export class BufferRing {
  readonly #pool: BufferPool;
  readonly #i32: Int32Array;
  readonly #u16: Uint16Array;
  readonly #baseLo: number;
  readonly #baseHi: number;
  readonly #size: number;
  readonly #entries: number;
  /** Word index of entry 0 in `#i32`, and of the tail in `#u16`. */
  readonly #words: number;
  readonly #tailIndex: number;
  readonly #address: number;
  #target: number;
  #tail = 0;
  /** Position in the ring that each buffer was lent at last. */
  readonly #positionOf: Uint16Array;
  /** A receive found the ring empty since it was topped up last. */
  #dry = false;
  /** Turns that ran dry with fewer than CALM_TURNS others in between, and those others. */
  #dryTurns = 0;
  #calmTurns = 0;

  /** Takes the ring's memory from the arena. `entries` is a power of two. */
  constructor(arena: Arena, pool: BufferPool, entries: number) {
    assert(
      entries > 0 && entries <= 32768 && (entries & (entries - 1)) === 0,
      "BufferRing: a power of two up to 32768",
    );
    const offset = arena.alloc(entries * 16, 4096);
    this.#pool = pool;
    this.#i32 = arena.i32;
    this.#u16 = new Uint16Array(arena.i32.buffer);
    this.#baseLo = arena.baseLo;
    this.#baseHi = arena.baseHi;
    this.#size = pool.size;
    this.#entries = entries;
    this.#words = offset >> 2;
    this.#tailIndex = (offset + 14) >> 1;
    this.#address = arena.address(offset);
    this.#target = Math.min(TARGET_INITIAL, entries);
    this.#positionOf = new Uint16Array(pool.count);
  }

  /** Buffers that the ring is kept at. */
  get target(): number {
    return this.#target;
  }

  /** Tells the kernel of the ring. 0 or -errno. It is registered until the io_uring is closed. */
  register(ringFd: number): number {
    const argument = new Uint8Array(IO_URING_BUF_REG.sizeof);
    const view = new DataView(argument.buffer);
    view.setBigUint64(IO_URING_BUF_REG.ring_addr, BigInt(this.#address), true);
    view.setUint32(IO_URING_BUF_REG.ring_entries, this.#entries, true);
    view.setUint16(IO_URING_BUF_REG.bgid, BUFFER_GROUP, true);
    return ioUringRegister(ringFd, IORING_REGISTER.PBUF_RING, argument, 1);
  }

  /** Lends free buffers until the ring is at its target or the pool is empty. */
  topUp(): void {
    const pool = this.#pool;
    this.#considerGrowth();
    // What is lent cannot be taken for sending. A ring that grew while buffers were plenty must not have the last of them.
    const spare = Math.max(TARGET_INITIAL - pool.lent, pool.available - (pool.count >> 3));
    let missing = Math.min(this.#target - pool.lent, spare);
    if (missing <= 0 || pool.available === 0) return;
    const i32 = this.#i32;
    const u16 = this.#u16;
    const mask = this.#entries - 1;
    let tail = this.#tail;
    for (; missing > 0; missing--) {
      const id = pool.lendToKernel();
      if (id < 0) break;
      const at = this.#words + ((tail & mask) << 2);
      i32[at] = (this.#baseLo + pool.offsetOf(id)) | 0;
      i32[at + 1] = this.#baseHi;
      i32[at + 2] = this.#size;
      // Not the whole word: the upper half of entry 0's last word is the ring's tail.
      u16[(at << 1) + 6] = id;
      this.#positionOf[id] = tail & mask;
      tail++;
    }
    this.#tail = tail & 0xffff;
    u16[this.#tailIndex] = this.#tail;
  }

  /**
   * A ring that runs dry again and again is too small for what comes in one turn. One that runs dry once met a sender's burst, which a
   * larger ring would only take more memory for; and if the pool is empty too, a larger one would not help.
   */
  #considerGrowth(): void {
    if (!this.#dry) {
      if (this.#dryTurns > 0 && ++this.#calmTurns === CALM_TURNS) this.#dryTurns = 0;
      return;
    }
    this.#dry = false;
    this.#calmTurns = 0;
    if (++this.#dryTurns < DRY_TURNS || this.#pool.available === 0 || this.#target >= this.#entries) return;
    this.#dryTurns = 0;
    this.#target *= 2;
  }

  /**
   * The buffer that lies behind `id` in the ring: the next one that a receive into several fills. Its entry is still there, for entries
   * are written over only after their buffers have come back.
   */
  nextOf(id: number): number {
    const position = (this.#positionOf[id]! + 1) & (this.#entries - 1);
    return this.#u16[((this.#words + (position << 2)) << 1) + 6]!;
  }

  /** A receive found the ring empty: if the pool is not, the target was too small. */
  ranDry(): void {
    this.#dry = true;
  }
}
