// All stick-tables of the process, as one thread sees them.

import type { Plan } from "../plan/plan.ts";
import type { StickTablePlan } from "../plan/stick-table.ts";
import { layOut } from "./layout.ts";
import { ServerKeys } from "./server-keys.ts";
import { MAIN_THREAD, type SharedClock, StickTable } from "./table.ts";
import { releaseTracked } from "./tracking.ts";

/** Bytes of shared memory that the tables need. */
export function stickTableBytes(plans: readonly StickTablePlan[]): number {
  return plans.reduce((sum, plan) => sum + layOut(plan).words * 4, 0);
}

/** The monotonic clock of the system, read at every use: for the main thread, which is in no hurry. */
export const SYSTEM_CLOCK: SharedClock = {
  get sharedMs(): number {
    return Number(BigInt.asIntN(32, process.hrtime.bigint() / 1_000_000n));
  },
};

export class StickTables {
  readonly serverKeys: ServerKeys;
  readonly tables: readonly StickTable[];
  readonly clock: SharedClock;
  /** Main thread: what each worker's stick counters follow (tracking.ts). */
  readonly tracked: (Int32Array | undefined)[] = [];

  /** @param at byte offset of the first table */
  constructor(
    plan: Plan,
    buffer: SharedArrayBuffer,
    at: number,
    clock: SharedClock = SYSTEM_CLOCK,
    thread = MAIN_THREAD,
  ) {
    this.clock = clock;
    let offset = at;
    this.serverKeys = new ServerKeys(plan);
    this.tables = plan.stickTables.map((tablePlan) => {
      const table = new StickTable(tablePlan, buffer, offset, clock, thread);
      offset += table.layout.words * 4;
      return table;
    });
  }

  /** A worker is gone: what it followed is released, what it was making is given back. */
  forgetWorker(worker: number): void {
    const counters = this.tracked[worker];
    this.tracked[worker] = undefined;
    if (counters !== undefined) releaseTracked(this.tables, counters);
    for (const table of this.tables) table.forgetThread(worker);
  }
}
