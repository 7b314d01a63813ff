// One pattern of a list: a key and, in maps, its value. What a set does with it stands in the other files of this folder.

import type { SampleValue } from "../../sample/value.ts";

export class PatternEntry {
  /** Its place in the list: where order counts, the smaller one wins. Given by the control plane; PROVISIONAL and above: not yet. */
  readonly id: number;
  readonly key: string;
  /** null: the list has keys only. */
  value: string | null;
  /** The next one of the same key, by rising id. */
  twin: PatternEntry | null = null;

  constructor(id: number, key: string, value: string | null) {
    this.id = id;
    this.key = key;
    this.value = value;
  }
}

/** Ids from here on are a worker's own, until the control plane has said where the entry stands. */
export const PROVISIONAL = 2 ** 48;

/** The patterns of one list, laid out for one match method. */
export interface PatternSet {
  /** The entry must be one that the method accepts (`patternProblem`); another is passed over. */
  add(entry: PatternEntry): void;
  remove(entry: PatternEntry): void;
  /** The entry that HAProxy would take for this value, null: none matches. The value has the type of MATCH_INPUT. */
  find(value: SampleValue): PatternEntry | null;
  /** Whether any entry matches, which may be cheaper. */
  has(value: SampleValue): boolean;
}

/** Puts an entry into a list sorted by id. */
export function insertById<T extends { readonly id: number }>(list: T[], entry: T): void {
  let at = list.length;
  while (at > 0 && list[at - 1]!.id > entry.id) at--;
  list.splice(at, 0, entry);
}
