// The wheel against a list that looks at every row: same rows, same milliseconds, whatever is set, moved and cleared, across the clock's
// wrap, and with handlers that change the wheel under its feet.

import t from "tap";
import { leastHeapGrowth } from "../tools/heap-growth.fixture.ts";
import { TIMEOUT_MAX_MS, TimerWheel } from "./timer-wheel.ts";

/** A small reproducible generator (mulberry32): a failing seed can be run again. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

class Recorder {
  readonly rows: number[] = [];
  onExpire(row: number): void {
    this.rows.push(row);
  }
  take(): number[] {
    return this.rows.splice(0).sort((a, b) => a - b);
  }
}

t.test("rows expire at their millisecond, not before and not after", async (t) => {
  for (const origin of [0, 1000, 0x7fff_fff0, -16, -2147483648]) {
    for (const delay of [1, 2, 31, 32, 33, 63, 1023, 1024, 1025, 32768, 99_999, 1_048_576, 40_000_000]) {
      const wheel = new TimerWheel(2, origin);
      const seen = new Recorder();
      wheel.set(1, (origin + delay) | 0);
      t.ok(wheel.nextMs(origin) <= delay, "the hint never sleeps over a deadline");
      wheel.advance((origin + delay - 1) | 0, seen);
      t.same(seen.take(), [], `${delay} ms from ${origin}: one millisecond before`);
      wheel.advance((origin + delay) | 0, seen);
      t.same(seen.take(), [1], `${delay} ms from ${origin}: on time`);
      t.equal(wheel.armed, 0);
      t.equal(wheel.nextMs(origin, 77), 77, "nothing armed: the limit");
    }
  }
});

t.test("a deadline that is past or now expires at the next millisecond", async (t) => {
  const wheel = new TimerWheel(4, 500);
  const seen = new Recorder();
  wheel.set(0, 500);
  wheel.set(1, 100);
  wheel.advance(500, seen);
  t.same(seen.take(), [], "time has not moved");
  wheel.advance(501, seen);
  t.same(seen.take(), [0, 1]);
});

t.test("activity moves a deadline later without being filed again, and it holds", async (t) => {
  const wheel = new TimerWheel(1, 0);
  const seen = new Recorder();
  wheel.set(0, 100);
  for (let now = 1; now <= 5000; now++) {
    if (now % 10 === 0) wheel.touch(0, now + 100);
    wheel.advance(now, seen);
  }
  t.same(seen.take(), []);
  wheel.advance(5099, seen);
  t.same(seen.take(), []);
  wheel.advance(5100, seen);
  t.same(seen.take(), [0]);
});

t.test("a deadline moved later and then earlier again is kept", async (t) => {
  const wheel = new TimerWheel(1, 0);
  const seen = new Recorder();
  wheel.set(0, 1000);
  wheel.set(0, 50_000);
  wheel.set(0, 2000);
  wheel.advance(1999, seen);
  t.same(seen.take(), []);
  wheel.set(0, 2001);
  wheel.set(0, 2000);
  wheel.advance(2000, seen);
  t.same(seen.take(), [0]);
});

t.test("a handler may set and clear any row", async (t) => {
  const wheel = new TimerWheel(8, 0);
  const order: number[] = [];
  const handler = {
    onExpire(row: number) {
      order.push(row);
      t.notOk(wheel.isSet(row), "the row is disarmed before it is told of");
      if (row === 0 || row === 1) {
        wheel.clear(row === 0 ? 1 : 0); // the other one, due at the same time
        wheel.set(2, 10); // past: the next millisecond that is advanced to
        wheel.set(row, 40); // itself
        wheel.set(3, 25);
      }
    },
  };
  wheel.set(0, 20);
  wheel.set(1, 20);
  wheel.advance(20, handler);
  t.equal(order.length, 1, "one of the two cleared the other");
  wheel.advance(30, handler);
  t.same(order.slice(1), [2, 3]);
  wheel.advance(40, handler);
  t.equal(order[3], order[0], "and itself again");
});

t.test("a random life agrees with a naive list", async (t) => {
  const rows = 200;
  for (let seed = 1; seed <= 40; seed++) {
    const next = random(seed);
    let now = seed % 2 === 0 ? 0x7fff_ffff - 50_000 : -100_000;
    const wheel = new TimerWheel(rows, now);
    const naive = new Map<number, number>();
    const seen = new Recorder();
    const spans = [3, 40, 1100, 40_000, 3_000_000, TIMEOUT_MAX_MS];
    for (let step = 0; step < 3000; step++) {
      const row = next(rows);
      const action = next(10);
      if (action < 6) {
        const deadline = (now + next(spans[next(step % 50 === 0 ? 6 : 4)]!)) | 0;
        wheel.set(row, deadline);
        naive.set(row, (deadline - now) | 0 ? deadline : (now + 1) | 0);
      } else if (action < 7) {
        wheel.clear(row);
        naive.delete(row);
      } else {
        const hint = wheel.nextMs(now);
        for (const deadline of naive.values()) {
          const left = (deadline - now) | 0;
          if (hint > left) t.fail(`seed ${seed}: hint ${hint} sleeps over a deadline in ${left}`);
        }
        now = (now + next(spans[next(3)]!)) | 0;
        const expected = [...naive].filter(([, deadline]) => ((deadline - now) | 0) <= 0).map(([key]) => key);
        for (const key of expected) naive.delete(key);
        wheel.advance(now, seen);
        const got = seen.take();
        expected.sort((a, b) => a - b);
        if (got.join() !== expected.join()) t.same(got, expected, `seed ${seed}, step ${step}`);
      }
      if (wheel.armed !== naive.size) t.equal(wheel.armed, naive.size, `seed ${seed}, step ${step}`);
    }
    // Following the hint alone reaches every deadline in time, and ends.
    for (let turns = 0; naive.size > 0; turns++) {
      if (turns > 100_000) t.fail("the hint does not lead to the end");
      now = (now + Math.max(1, wheel.nextMs(now))) | 0;
      wheel.advance(now, seen);
      for (const row of seen.take()) {
        if (((naive.get(row)! - now) | 0) !== 0) t.equal(naive.get(row), now, `seed ${seed}: row ${row} on time`);
        naive.delete(row);
      }
    }
    t.equal(wheel.armed, 0, `seed ${seed}`);
  }
});

t.test("nothing is allocated", async (t) => {
  const wheel = new TimerWheel(10_000, 0);
  let expired = 0;
  const handler = {
    onExpire(row: number) {
      expired++;
      wheel.set(row, (expired % 5000) + 1);
    },
  };
  const live = (from: number, to: number) => {
    for (let now = from; now < to; now++) {
      for (let i = 0; i < 20; i++) wheel.set((now * 20 + i) % 10_000, now + ((i * 977) % 5000));
      wheel.advance(now, handler);
    }
  };
  let now = 0;
  const grown = leastHeapGrowth(() => {
    live(now, now + 10_000);
    now += 10_000;
  }, 20_000);
  t.ok(grown <= 20_000, `heap grew by ${grown} bytes over 200 000 settings`);
});
