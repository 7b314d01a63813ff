// What the reactor itself costs, apart from the kernel: nanoseconds per submission entry written and per completion handed over, on rings
// of plain memory; and, with the kernel, microseconds per echo over UNIX and TCP sockets, everything in one thread.
//
//   node dist/bench/micro/reactor.js
//
// Figures are the best of several rounds: the machine's noise only ever adds.

import { createArena } from "../../shared/arena/arena.ts";
import { BufferPool } from "../../shared/arena/buffer-pool.ts";
import { close, eventfd } from "../../shared/ffi/file.ts";
import { BufferRing } from "../../shared/reactor/io-uring/buffer-ring.ts";
import { IoUring } from "../../shared/reactor/io-uring/io-uring.ts";
import { type MappedRing, setUpRing } from "../../shared/reactor/io-uring/setup.ts";
import { Submissions } from "../../shared/reactor/io-uring/submissions.ts";
import { Echo } from "../../shared/reactor/test/echo.ts";

/** Rounds are short, so that some of them run undisturbed even on a busy machine. */
const ROUNDS = 2000;
const ENTRIES = 4096;

function best(measure: () => number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) least = Math.min(least, measure());
  return least;
}

function fakeRing(real: MappedRing): MappedRing {
  return {
    ...real,
    sqEntries: ENTRIES,
    cqEntries: ENTRIES,
    ring: new Int32Array(16 + ENTRIES * 4),
    sqes: new Int32Array(ENTRIES * 16),
    ...{ sqHead: 0, sqTail: 1, sqFlags: 2, cqHead: 4, cqTail: 5, cqes: 16 },
  };
}

const result = createArena(64 << 20);
if (!result.ok) throw new Error(`no arena: errno ${result.errno}`);
const { arena } = result;
const setup = setUpRing(8, 16);
if (!setup.ok) throw new Error(setup.reason);
const pool = new BufferPool(arena, 1024, 16384);

const submissionsRing = fakeRing(setup.mapped);
const { ring } = submissionsRing;
const submissions = new Submissions(submissionsRing, arena, pool.size);
const write = best(() => {
  const start = process.hrtime.bigint();
  for (let i = 0; i < ENTRIES; i++) submissions.send(3, i & 0xffff, i, 5, 4096, 1000, false);
  const elapsed = Number(process.hrtime.bigint() - start);
  // The kernel's part: it has consumed what was written.
  ring[0] = (ring[0]! + ENTRIES) | 0;
  return elapsed / ENTRIES;
});

/** As much of a handler as any has: a switch and a row. */
const rows = new Int32Array(65536);
const handler = {
  onCompletion(op: number, slot: number, generation: number, res: number): void {
    if (op === 3) rows[slot]! += res + generation;
  },
};
const completionsRing = fakeRing(setup.mapped);
const reactor = new IoUring(completionsRing, new BufferRing(arena, pool, 64), eventfd(), {
  ...{ arena, pool, handler, entries: ENTRIES },
});
for (let i = 0; i < ENTRIES; i++) {
  completionsRing.ring[16 + i * 4] = 3 | ((i & 0xffff) << 8);
  completionsRing.ring[16 + i * 4 + 1] = i;
  completionsRing.ring[16 + i * 4 + 2] = 100;
}
const turn = (completions: number) =>
  best(() => {
    const start = process.hrtime.bigint();
    completionsRing.ring[5]! += completions;
    reactor.turn(0);
    return Number(process.hrtime.bigint() - start);
  });
turn(ENTRIES);
const full = turn(ENTRIES);
const empty = turn(0);

console.log(`submission entry          ${write.toFixed(1)} ns`);
console.log(`completion                ${((full - empty) / ENTRIES).toFixed(1)} ns`);
console.log(`turn with nothing to do   ${empty.toFixed(0)} ns`);
setup.mapped.release();
close(reactor.wakeFd);

for (const kind of ["unix", "tcp"] as const) {
  for (const connections of [1, 64, 512]) {
    const echo = new Echo({
      ...{ connections, kind, messageBytes: 100, rounds: 1e9 },
      ...{ buffers: 2048, bufferBytes: 16384, entries: 1024, completionEntries: 8192 },
    });
    echo.run(2000, 20_000);
    const echoes = 50_000;
    const { enters } = echo.reactor.counters;
    const cpu = process.cpuUsage();
    const start = performance.now();
    echo.run(10_000, echoes);
    const wallUs = ((performance.now() - start) * 1000) / echoes;
    const { user, system } = process.cpuUsage(cpu);
    console.log(
      `echo ${kind.padEnd(4)} ${String(connections).padStart(3)} connections  ${wallUs.toFixed(2)} µs` +
        ` (user ${(user / echoes).toFixed(2)}, system ${(system / echoes).toFixed(2)})` +
        `, ${((4 * echoes) / (echo.reactor.counters.enters - enters)).toFixed(0)} completions per enter`,
    );
    echo.destroy();
  }
}
