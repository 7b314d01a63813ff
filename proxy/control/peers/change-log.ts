// What changed in a table, in the order in which peers are told: a log of slots with rising numbers, fed by the workers' change ring
// (stick-table/changes.ts). Of an entry that changed several times only the last time counts. The numbers are the protocol's update ids.

import type { StickTable } from "../../stick-table/table.ts";

const TAKE_MAX = 20_000;
const COMPACT_MIN = 4096;

export class ChangeLog {
  readonly table: StickTable;
  /** Number of the last change; 0: there was none. */
  last = 0;
  #ids: number[] = [];
  #slots: number[] = [];
  readonly #newest = new Map<number, number>();
  #holeSince = 0;

  constructor(table: StickTable) {
    this.table = table;
  }

  /** Takes what the workers noted; true: there was something. */
  collect(now: number): boolean {
    const before = this.last;
    const { changes } = this.table;
    for (let i = 0; i < TAKE_MAX; i++) {
      const slot = changes!.take();
      if (slot < 0) break;
      this.note(slot);
    }
    // A thread that died in between leaves a place that is never filled.
    if (this.last !== before || !changes!.hasHole) this.#holeSince = 0;
    else if (this.#holeSince === 0) this.#holeSince = now;
    else if (now - this.#holeSince > 1000) changes!.skipHole();
    return this.last !== before;
  }

  note(slot: number): void {
    this.last++;
    this.#ids.push(this.last);
    this.#slots.push(slot);
    this.#newest.set(slot, this.last);
    if (this.#ids.length > COMPACT_MIN && this.#ids.length > 2 * this.#newest.size) this.#compact();
  }

  /** Drops what was overtaken, and entries that are gone. */
  #compact(): void {
    const ids: number[] = [];
    const slots: number[] = [];
    for (const [i, id] of this.#ids.entries()) {
      const slot = this.#slots[i]!;
      if (this.#newest.get(slot) !== id) continue;
      if (!this.table.hold(slot)) {
        this.#newest.delete(slot);
        continue;
      }
      this.table.release(slot);
      ids.push(id);
      slots.push(slot);
    }
    this.#ids = ids;
    this.#slots = slots;
  }

  /**
   * Calls `tell` for what changed after number `after`, oldest first, until it returns false. The entries are held during the call.
   * @returns the number up to which everything was told
   */
  since(after: number, tell: (slot: number, id: number) => boolean): number {
    let told = after;
    for (let i = this.#positionAfter(after); i < this.#ids.length; i++) {
      const id = this.#ids[i]!;
      const slot = this.#slots[i]!;
      if (this.#newest.get(slot) === id && this.table.hold(slot)) {
        const goesOn = tell(slot, id);
        this.table.release(slot);
        if (!goesOn) return told;
      }
      told = id;
    }
    return Math.max(told, this.last);
  }

  /** Index of the first change with a higher number. */
  #positionAfter(after: number): number {
    let [low, high] = [0, this.#ids.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ids[middle]! <= after) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
