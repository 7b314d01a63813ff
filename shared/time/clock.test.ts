// The worker clock against the clocks of Node: monotonic and wall time follow the kernel's, and reading them leaves no garbage.

import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { leastHeapGrowth } from "../tools/heap-growth.fixture.ts";
import { Clock } from "./clock.ts";

t.test("the clock follows monotonic and wall time", async (t) => {
  const clock = new Clock();
  const startMs = clock.nowMs;
  const start = performance.now();
  t.ok(startMs >= 0 && startMs < 1000, "it begins near zero");
  for (let i = 0; i < 25; i++) {
    await sleep(50);
    clock.update();
    // Date.now is read twice, so that a descheduled test cannot be mistaken for a wrong clock.
    const before = Date.now();
    clock.update();
    const wall = clock.wallSeconds() * 1000 + clock.wallMilliseconds();
    const after = Date.now();
    t.ok(wall >= before - 2 && wall <= after + 2, `wall ${wall} within ${before} … ${after}`);
  }
  const elapsed = performance.now() - start;
  t.ok(Math.abs(clock.nowMs - startMs - elapsed) < 500, `${clock.nowMs - startMs} ms against ${elapsed}`);
});

t.test("reading it allocates nothing", async (t) => {
  const clock = new Clock();
  let sum = 0;
  const read = (times: number) => {
    for (let i = 0; i < times; i++) {
      clock.update();
      sum = (sum + clock.nowMs + clock.wallMilliseconds()) | 0;
    }
  };
  const grown = leastHeapGrowth(() => read(100_000), 20_000);
  t.ok(grown <= 20_000, `heap grew by ${grown} bytes over 100 000 readings (${sum})`);
});
