// A thread that works on a stick-table with others, for stick-table.test.ts.

import { parentPort, workerData } from "node:worker_threads";
import type { StickTablePlan } from "../plan/stick-table.ts";
import { addLong, addRate, addUint, valueAt } from "./counters.ts";
import { DATA_TYPE_BY_NAME } from "./data-types.ts";
import { StickTable } from "./table.ts";
import { SYSTEM_CLOCK } from "./tables.ts";

const { plan, buffer, thread, rounds, keys, random } = workerData as {
  plan: StickTablePlan;
  buffer: SharedArrayBuffer;
  thread: number;
  rounds: number;
  keys: number;
  random: boolean;
};
const PERIOD_MS = 3_600_000;
/** As on a machine that has been up for long: the first event of an entry begins a period. */
const UP_FOR_MS = 3 * PERIOD_MS;
const table = new StickTable(plan, buffer, 0, SYSTEM_CLOCK, thread);
const [count, rate, bytes] = ["gpc0", "gpc0_rate", "bytes_in_cnt"].map((name) => DATA_TYPE_BY_NAME.get(name)!.id) as [
  number,
  number,
  number,
];
let refused = 0;
for (let i = 0; i < rounds; i++) {
  // All threads begin with the same new keys at the same time: that is where they could make them twice.
  const key = random ? (Math.random() * keys) | 0 : i % keys;
  table.keyInteger(key);
  const slot = table.obtain();
  if (slot < 0) {
    refused++;
    continue;
  }
  if (table.rows[table.rowAt(slot)] !== key) throw new Error("the entry has another key");
  addUint(table.rows, valueAt(table, slot, count), 1);
  addRate(table.rows, valueAt(table, slot, rate), PERIOD_MS, (SYSTEM_CLOCK.sharedMs + UP_FOR_MS) | 0, 1);
  addLong(table.rows, valueAt(table, slot, bytes), 3_000_000_000);
  table.release(slot);
}
parentPort!.postMessage(refused);
