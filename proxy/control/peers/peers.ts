// The `peers` sections of the process: hands what the workers noted in the change rings to those who want to know.

import type { Plan } from "../../plan/plan.ts";
import type { StickTables } from "../../stick-table/tables.ts";
import { ChangeLog } from "./change-log.ts";
import { PeersSection } from "./section.ts";

/** How long a change may wait until peers are told. */
const COLLECT_MS = 20;

export interface PeersOptions {
  readonly plan: Plan;
  readonly tables: StickTables;
  readonly warn: (text: string) => void;
}

export class Peers {
  readonly sections: readonly PeersSection[];
  readonly #logs: readonly ChangeLog[];
  #timer: NodeJS.Timeout | null = null;

  constructor({ plan, tables, warn }: PeersOptions) {
    const logs = tables.tables.filter(({ changes }) => changes !== null).map((table) => new ChangeLog(table));
    this.#logs = logs;
    this.sections = plan.peers.flatMap((section, index) => {
      const own = logs.filter(({ table }) => table.plan.peers === index);
      if (section.disabled || own.length === 0) return [];
      if (!section.peers.some(({ isLocal }) => isLocal)) {
        warn(`Removing incomplete section 'peers ${section.name}' (no peer named '${plan.global.localpeer}').`);
        return [];
      }
      return [new PeersSection({ plan: section, localpeer: plan.global.localpeer, logs: own, tables, warn })];
    });
  }

  start(): void {
    for (const section of this.sections) section.start();
    if (this.#logs.length > 0) this.#timer = setInterval(() => this.#collect(), COLLECT_MS).unref();
  }

  #collect(): void {
    const now = Date.now();
    let hasChanged = false;
    for (const log of this.#logs) if (log.collect(now)) hasChanged = true;
    if (hasChanged) for (const section of this.sections) section.work();
  }

  /** Another process takes our place, if there is one; nobody is told of anything any more. */
  async handOver(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await Promise.all(this.sections.map((section) => section.handOver()));
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    for (const section of this.sections) section.close();
  }
}
