// Forgets entries of stick-tables whose time is over. Whoever looks at such an entry treats it as gone already, so this only gives the room
// back, a part of each table at a time: every entry is looked at about once a second, of very large tables less often.

import type { StickTables } from "../../stick-table/tables.ts";

const EVERY_MS = 250;
const PARTS = 4;
const SLOTS_MAX = 262_144;

export class StickTableSweeper {
  readonly #tables: StickTables;
  readonly #places: number[];
  #timer: NodeJS.Timeout | null = null;

  constructor(tables: StickTables) {
    this.#tables = tables;
    this.#places = tables.tables.map(() => 0);
  }

  start(): void {
    if (this.#tables.tables.some(({ plan }) => plan.expireMs > 0)) {
      this.#timer = setInterval(() => this.#sweep(), EVERY_MS).unref();
    }
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  #sweep(): void {
    for (const [index, table] of this.#tables.tables.entries()) {
      if (table.plan.expireMs === 0 || table.count === 0) continue;
      const { slots } = table.layout;
      const from = this.#places[index]!;
      const to = Math.min(slots, from + Math.min(Math.ceil(slots / PARTS), SLOTS_MAX));
      table.sweep(from, to);
      this.#places[index] = to === slots ? 0 : to;
    }
  }
}
