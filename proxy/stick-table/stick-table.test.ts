// Stick-tables: exact under four threads, entries that expire or have to go, rates as HAProxy counts them, what a dead thread leaves behind.

import { Worker } from "node:worker_threads";
import t from "tap";
import type { StickStorePlan, StickTablePlan } from "../plan/stick-table.ts";
import { addLong, addRate, rate, readLong, readRate, readUint, snapshotRate, valueAt, writeRate } from "./counters.ts";
import { DATA_TYPE_BY_NAME } from "./data-types.ts";
import { layOut } from "./layout.ts";
import { StickTable } from "./table.ts";

t.setTimeout(120_000);

const STORES: readonly StickStorePlan[] = [
  { name: "gpc0", count: 1, periodMs: 0 },
  { name: "gpc0_rate", count: 1, periodMs: 1000 },
  { name: "bytes_in_cnt", count: 1, periodMs: 0 },
];

function planOf(changes: Partial<StickTablePlan>): StickTablePlan {
  return {
    ...{ index: 0, name: "t", wireName: "t", peers: -1, keyType: "integer", keyBytes: 4, size: 100, expireMs: 0 },
    ...{ noPurge: false, receiveOnly: false, writeTo: -1, serverKey: "name", byteRateFactor: 1, stores: STORES },
    at: { file: "t.cfg", line: 1 },
    ...changes,
  };
}

const id = (name: string): number => DATA_TYPE_BY_NAME.get(name)!.id;

function bufferOf(plan: StickTablePlan): SharedArrayBuffer {
  return new SharedArrayBuffer(layOut(plan).words * 4);
}

/** Runs four threads and gives how many requests found a full table. */
async function runThreads(plan: StickTablePlan, buffer: SharedArrayBuffer, work: object): Promise<number> {
  const url = new URL("./thread.fixture.js", import.meta.url);
  const threads = [0, 1, 2, 3].map(
    (thread) =>
      new Promise<number>((resolve, reject) => {
        const worker = new Worker(url, { workerData: { plan, buffer, thread, ...work } });
        worker.once("message", resolve).once("error", reject);
      }),
  );
  return (await Promise.all(threads)).reduce((sum, refused) => sum + refused, 0);
}

/** All entries: their keys in order, and the sum of a counter. */
function census(table: StickTable): { keys: number[]; sum: number; bytes: number; events: number } {
  const keys: number[] = [];
  let [sum, bytes, events] = [0, 0, 0];
  for (let slot = 0; slot < table.layout.slots; slot++) {
    if (!table.hold(slot)) continue;
    keys.push(table.rows[table.rowAt(slot)]!);
    sum += readUint(table.rows, valueAt(table, slot, id("gpc0")));
    snapshotRate(table.rows, valueAt(table, slot, id("gpc0_rate")), 0);
    events += rate.running;
    bytes += readLong(table.rows, valueAt(table, slot, id("bytes_in_cnt")));
    table.release(slot);
  }
  return { keys: keys.sort((a, b) => a - b), sum, bytes, events };
}

const STILL = { sharedMs: 1_000_000 };

t.test("four threads: no increment is lost, no key is made twice", async (t) => {
  for (const keys of [1, 97, 5000]) {
    const plan = planOf({ size: 10_000 });
    const buffer = bufferOf(plan);
    const rounds = 60_000;
    t.equal(await runThreads(plan, buffer, { rounds, keys, random: false }), 0, "there is room for all");
    const table = new StickTable(plan, buffer, 0, STILL, 9);
    const found = census(table);
    t.same(
      found.keys,
      Array.from({ length: keys }, (_, i) => i),
      `${keys} keys, each once`,
    );
    t.equal(table.count, keys);
    t.equal(found.sum, 4 * rounds);
    t.equal(found.events, 4 * rounds, "not in rates either");
    t.equal(found.bytes, 4 * rounds * 3_000_000_000, "64-bit sums carry over");
  }
});

t.test(
  "four threads in a table that is too small: never more entries than its size, none twice, all released",
  async (t) => {
    const plan = planOf({ size: 40 });
    const buffer = bufferOf(plan);
    await runThreads(plan, buffer, { rounds: 60_000, keys: 400, random: true });
    const table = new StickTable(plan, buffer, 0, STILL, 9);
    const { keys } = census(table);
    t.equal(new Set(keys).size, keys.length, "no key twice");
    t.equal(keys.length, table.count, "the count is that of the entries");
    t.ok(table.count <= plan.size, `${table.count} entries`);
    for (let slot = 0; slot < table.layout.slots; slot++) {
      if (!table.hold(slot)) continue;
      if (table.users(slot) !== 1) t.fail(`slot ${slot} is still held`);
      table.release(slot);
    }
  },
);

/** A table on a clock that the test moves. */
function tableOf(changes: Partial<StickTablePlan>, thread = 1): { table: StickTable; clock: { sharedMs: number } } {
  const plan = planOf(changes);
  const clock = { sharedMs: 0x7fffff00 };
  return { table: new StickTable(plan, bufferOf(plan), 0, clock, thread), clock };
}

function put(table: StickTable, key: number): number {
  table.keyInteger(key);
  const slot = table.obtain();
  if (slot >= 0) {
    table.touch(slot);
    table.release(slot);
  }
  return slot;
}

function has(table: StickTable, key: number): boolean {
  table.keyInteger(key);
  const slot = table.find();
  if (slot >= 0) table.release(slot);
  return slot >= 0;
}

t.test("entries expire, unless somebody follows them", (t) => {
  const { table, clock } = tableOf({ expireMs: 1000 });
  put(table, 1);
  table.keyInteger(2);
  const followed = table.obtain();
  clock.sharedMs = (clock.sharedMs + 600) | 0; // and wraps
  put(table, 3);
  clock.sharedMs = (clock.sharedMs + 500) | 0;
  t.equal(has(table, 1), false);
  t.equal(has(table, 2), true);
  t.equal(has(table, 3), true);
  t.equal(table.count, 2);
  table.release(followed);
  table.sweep(0, table.layout.slots);
  t.equal(table.count, 1);
  t.equal(has(table, 3), true);
  t.end();
});

t.test("a full table forgets its oldest entry; with nopurge it takes none; what is used stays", (t) => {
  const { table, clock } = tableOf({ size: 3 });
  for (const key of [1, 2, 3, 1]) {
    clock.sharedMs = (clock.sharedMs + 10) | 0;
    put(table, key);
  }
  put(table, 4);
  t.same(
    [1, 2, 3, 4].map((key) => has(table, key)),
    [true, false, true, true],
  );
  for (const key of [1, 3, 4]) {
    table.keyInteger(key);
    table.find();
  }
  t.equal(put(table, 5), -1, "all are used");
  t.equal(table.count, 3);

  const kept = tableOf({ size: 2, noPurge: true, expireMs: 100 });
  put(kept.table, 1);
  put(kept.table, 2);
  t.equal(put(kept.table, 3), -1);
  kept.clock.sharedMs = (kept.clock.sharedMs + 100) | 0;
  t.ok(put(kept.table, 3) >= 0, "expired entries make room");
  t.end();
});

t.test("keys: texts are cut, blocks filled up, other tables' keys taken over", (t) => {
  const bytes = Uint8Array.from(Buffer.from("abcdefgh"));
  const text = tableOf({ keyType: "string", keyBytes: 5 }).table;
  text.keyText(bytes, 0, 8);
  const slot = text.obtain();
  text.keyText(bytes, 0, 5);
  t.equal(text.find(), slot);
  text.keyText(bytes, 0, 4);
  t.equal(text.find(), -1);
  const other = tableOf({ keyType: "string", keyBytes: 5 }).table;
  other.keyOf(text, slot);
  t.equal(Buffer.from(other.keyBytes.subarray(other.keyStart, other.keyStart + other.keyLength)).toString(), "abcde");
  const block = tableOf({ keyType: "binary", keyBytes: 6 }).table;
  block.keyBinary(bytes, 0, 3);
  t.same([...block.keyBytes.subarray(0, 6)], [97, 98, 99, 0, 0, 0]);
  t.end();
});

/** HAProxy's counter, as its documentation describes it. */
class Reference {
  tick = 0;
  running = 0;
  last = 0;

  add(now: number, period: number): void {
    const elapsed = now - this.tick;
    if (elapsed >= period) {
      this.last = elapsed >= 2 * period ? 0 : this.running;
      this.running = 0;
      this.tick = elapsed >= 2 * period ? now : this.tick + period;
    }
    this.running++;
  }

  read(now: number, period: number): number {
    let [last, running, remaining] = [this.last, this.running, period - (now - this.tick)];
    if (remaining < 0) {
      remaining += period;
      last = remaining >= 0 ? running : 0;
      running = 0;
    }
    return running === 0 && last <= 1 ? last : Math.floor((last * remaining + running * period) / period);
  }
}

t.test("rates are HAProxy's", (t) => {
  const { table } = tableOf({});
  table.keyInteger(1);
  const at = valueAt(table, table.obtain(), id("gpc0_rate"));
  const reference = new Reference();
  let now = 4_000_000;
  let seed = 7;
  for (let i = 0; i < 3000; i++) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    // In steps of 8 ms, which is how finely a period's beginning is kept.
    now += (seed >>> 20) % 5 === 0 ? 8 * ((seed >>> 8) % 300) : 8 * ((seed >>> 8) % 10);
    if (seed % 3 > 0) {
      addRate(table.rows, at, 1000, now, 1);
      reference.add(now, 1000);
    }
    const [ours, theirs] = [readRate(table.rows, at, 1000, now), reference.read(now, 1000)];
    if (ours !== theirs) t.equal(ours, theirs, `step ${i}`);
  }
  writeRate(table.rows, at, now, 0, 50, 0);
  t.equal(readRate(table.rows, at, 1000, now), 50);
  t.equal(readRate(table.rows, at, 1000, now + 1500), 25);
  t.equal(readRate(table.rows, at, 1000, now + 2001), 0);
  t.end();
});

t.test("64 bits", (t) => {
  const rows = new Int32Array(new SharedArrayBuffer(8));
  for (const count of [4294967295, 1, 8589934592, 5]) addLong(rows, 0, count);
  t.equal(readLong(rows, 0), 4294967295 + 1 + 8589934592 + 5);
  t.end();
});

t.test("what a dead thread was making is given back", (t) => {
  const { table } = tableOf({}, 3);
  put(table, 1);
  // As a thread leaves it that dies between claiming a slot and making it live.
  const layout = table.layout;
  const words = new Int32Array(table.rows.buffer);
  words[layout.metaAt + 5] = ((3 + 1) << 24) | (17 << 2) | 2;
  words[layout.metaAt + 6] = ((4 + 1) << 24) | (17 << 2) | 1;
  Atomics.add(words, 0, 2);
  table.forgetThread(3);
  t.equal(words[layout.metaAt + 5], 0);
  t.not(words[layout.metaAt + 6], 0, "another thread's stays");
  t.equal(table.count, 2);
  t.equal(has(table, 1), true);
  t.end();
});
