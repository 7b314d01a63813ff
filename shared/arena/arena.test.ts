// The arena's addresses and states, the pool's hands, the free list. What the kernel does with them is tested with the reactor.

import t from "tap";
import { close, eventfd } from "../ffi/file.ts";
import { library } from "../ffi/library.ts";
import { ARENA_BYTES_MAX, type Arena, createArena } from "./arena.ts";
import { BufferPool } from "./buffer-pool.ts";
import { FreeList } from "./free-list.ts";

function arenaOf(bytes: number): Arena {
  const result = createArena(bytes);
  if (!result.ok) throw new Error(`errno ${result.errno}`);
  return result.arena;
}

t.test("addresses: what JavaScript writes at an offset is what C finds at the address", async (t) => {
  const arena = arenaOf(1 << 20);
  t.equal(arena.byteLength, 1 << 20);
  t.equal((arena.baseHi >>> 0) * 2 ** 32 + (arena.baseLo >>> 0), arena.base);
  const writeAt: (fd: number, address: number, bytes: number) => number = library.func(
    "intptr_t write(int fd, intptr_t address, size_t bytes)",
  );
  const readAt: (fd: number, address: number, bytes: number) => number = library.func(
    "intptr_t read(int fd, intptr_t address, size_t bytes)",
  );
  const from = arena.alloc(8);
  const to = arena.alloc(8, 4096);
  t.equal(to % 4096, 0);
  t.equal(arena.i32[to >> 2], 0, "memory is zero");
  const fd = eventfd();
  arena.bytes[from] = 42;
  t.equal(writeAt(fd, arena.address(from), 8), 8);
  t.equal(readAt(fd, arena.address(to), 8), 8);
  t.equal(arena.bytes[to], 42);
  t.equal(arena.i32[to >> 2], 42, "all views are one memory");
  close(fd);
  arena.destroy();
});

t.test("no arena crosses a 4 GiB boundary, so the upper address half is constant", async (t) => {
  // Mappings of half a boundary's distance each: without care every other one would cross.
  const arenas = Array.from({ length: 8 }, () => arenaOf(ARENA_BYTES_MAX - 4096));
  for (const arena of arenas) {
    const first = Math.floor(arena.base / 2 ** 32);
    const last = Math.floor((arena.base + arena.byteLength - 1) / 2 ** 32);
    t.equal(first, last, `0x${arena.base.toString(16)}`);
    t.equal(arena.baseHi >>> 0, first);
    // The whole of it is mapped.
    arena.bytes[0] = 1;
    arena.bytes[arena.byteLength - 1] = 1;
  }
  for (const arena of arenas) arena.destroy();
});

t.test("states: allocation ends at freeze, and nothing is touched after destroy", async (t) => {
  const arena = arenaOf(5000);
  t.equal(arena.byteLength, 8192, "whole pages");
  t.equal(arena.alloc(1), 0);
  t.equal(arena.alloc(1), 8, "aligned to 8 unless said otherwise");
  t.equal(arena.used, 9);
  t.throws(() => arena.alloc(8192), /sized for/);
  t.throws(() => arena.alloc(8, 3), /power of two/);
  arena.freeze();
  t.throws(() => arena.alloc(8), /after freeze/);
  arena.destroy();
  t.equal(arena.bytes.length, 0, "a late look sees nothing instead of crashing");
  t.throws(() => arena.destroy(), /once/);
  t.throws(() => createArena(2 ** 31), /2 GiB/);
});

t.test("a buffer is in one hand at a time", async (t) => {
  const arena = arenaOf(1 << 20);
  const pool = new BufferPool(arena, 4, 4096);
  const all = [pool.take(), pool.take(), pool.take(), pool.take()];
  t.same([...all].sort(), [0, 1, 2, 3]);
  t.equal(pool.take(), -1, "empty is a value");
  for (const id of all) {
    t.equal(pool.offsetOf(id) % 4096, 0);
    t.equal(pool.start[id], pool.offsetOf(id));
    t.equal(pool.end[id], pool.offsetOf(id));
    t.equal(pool.next[id], -1);
  }
  pool.free(all[1]!);
  pool.free(all[2]!);
  t.equal(pool.available, 2);
  t.equal(pool.take(), all[2], "the one freed last is warm");
  t.throws(() => pool.free(all[1]!), /free already/);
  t.throws(() => pool.free(4), /free already/, "no such buffer");
  t.throws(() => pool.free(-1), /free already/);

  const lent = pool.lendToKernel();
  t.equal(lent, all[1]);
  t.equal(pool.lendToKernel(), -1);
  t.equal(pool.lent, 1);
  t.throws(() => pool.free(lent), /kernel's/);
  t.throws(() => pool.returnFromKernel(all[0]!, 1), /does not have/);
  pool.returnFromKernel(lent, 100);
  t.equal(pool.end[lent]! - pool.start[lent]!, 100);
  t.equal(pool.lent, 0);
  for (const id of all) pool.free(id);
  pool.lendToKernel();
  pool.lendToKernel();
  t.equal(pool.reclaim(), 2);
  t.equal(pool.available, 4);
  t.throws(() => new BufferPool(arena, 4, 100), /cache lines/);
  arena.destroy();
});

t.test("free list", async (t) => {
  const list = new FreeList(3);
  t.same([list.take(), list.take(), list.take(), list.take()], [0, 1, 2, -1]);
  list.give(1);
  t.equal(list.available, 1);
  t.throws(() => list.give(1), /not taken/, "twice");
  t.throws(() => list.give(3), /not taken/, "no such row");
  t.throws(() => list.give(-1), /not taken/);
  t.equal(list.take(), 1);
  for (const row of [2, 1, 0]) list.give(row);
  t.equal(list.take(), 0, "the row freed last is warm");
});
