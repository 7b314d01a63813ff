// The methods `int` and `len`: single numbers in a hash, ranges in the order of the list. Many ranges are cut into segments that do not
// overlap, each with the first range that covers it, and searched by bisection; that is done anew at the first lookup after a change.

import type { SampleValue } from "../../sample/value.ts";
import { insertById, type PatternEntry, type PatternSet } from "./entry.ts";

export interface Range {
  /** Inclusive; -Infinity and Infinity are allowed. */
  readonly min: number;
  readonly max: number;
}

/** Up to this many ranges are tried one by one. */
const LINEAR_MAX = 8;

/**
 * Reads an integer pattern: `5`, `1024:65535`, `1024:`, `:1023`, each optionally behind `eq`, `ge`, `gt`, `le` or `lt` and a blank
 * (configuration.txt 7.1.2). An operator with a range compares with the range's lower (ge, gt) or upper (le, lt) bound.
 * Returns null for anything else.
 */
export function parseIntegerPattern(pattern: string): Range | null {
  const match = /^(?:(eq|ge|gt|le|lt)\s+)?(?:(-?\d+)|(-?\d+)?:(-?\d+)?)$/.exec(pattern.trim());
  if (match === null) return null;
  const [, operator = "eq", exact, from, to] = match;
  const min = exact !== undefined ? Number(exact) : from !== undefined ? Number(from) : -Infinity;
  const max = exact !== undefined ? Number(exact) : to !== undefined ? Number(to) : Infinity;
  switch (operator) {
    case "ge":
      return { min, max: Infinity };
    case "gt":
      return { min: min + 1, max: Infinity };
    case "le":
      return { min: -Infinity, max };
    case "lt":
      return { min: -Infinity, max: max - 1 };
    default:
      return { min, max };
  }
}

interface RangeEntry extends Range {
  readonly id: number;
  readonly entry: PatternEntry;
}

export class IntegerSet implements PatternSet {
  /** `len`: the length of a text is compared, not a number. */
  readonly #ofLength: boolean;
  /** Number → its entries by rising id. */
  readonly #singles = new Map<number, PatternEntry[]>();
  readonly #ranges: RangeEntry[] = [];
  /** Segment i begins at #starts[i] and ends in front of the next one's; null: no range covers it. */
  #starts: Float64Array | null = null;
  #covers: (PatternEntry | null)[] = [];

  constructor(ofLength: boolean) {
    this.#ofLength = ofLength;
  }

  add(entry: PatternEntry): void {
    const range = parseIntegerPattern(entry.key);
    if (range === null || range.min > range.max) return;
    if (range.min === range.max) {
      const entries = this.#singles.get(range.min);
      if (entries === undefined) this.#singles.set(range.min, [entry]);
      else insertById(entries, entry);
    } else {
      insertById(this.#ranges, { ...range, id: entry.id, entry });
      this.#starts = null;
    }
  }

  remove(entry: PatternEntry): void {
    const range = parseIntegerPattern(entry.key);
    if (range === null) return;
    const entries = this.#singles.get(range.min);
    if (range.min === range.max && entries !== undefined) {
      const at = entries.indexOf(entry);
      if (at >= 0) entries.splice(at, 1);
      if (entries.length === 0) this.#singles.delete(range.min);
      return;
    }
    const at = this.#ranges.findIndex((each) => each.entry === entry);
    if (at < 0) return;
    this.#ranges.splice(at, 1);
    this.#starts = null;
  }

  has(value: SampleValue): boolean {
    return this.find(value) !== null;
  }

  find(value: SampleValue): PatternEntry | null {
    const number = this.#ofLength ? value.end - value.start : value.int;
    const single = this.#singles.size > 0 ? this.#singles.get(number)?.[0] : undefined;
    const ranged = this.#ranges.length <= LINEAR_MAX ? this.#findLinear(number) : this.#findSegment(number);
    if (single === undefined) return ranged;
    return ranged === null || single.id < ranged.id ? single : ranged;
  }

  #findLinear(number: number): PatternEntry | null {
    const ranges = this.#ranges;
    for (let i = 0; i < ranges.length; i++) {
      const { min, max, entry } = ranges[i]!;
      if (number >= min && number <= max) return entry;
    }
    return null;
  }

  #findSegment(number: number): PatternEntry | null {
    const starts = this.#starts ?? this.#cut();
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= number) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? null : this.#covers[low - 1]!;
  }

  /** Cuts the ranges into segments. Each range fills, in the order of the list, what those before it left: a gap is never looked at twice. */
  #cut(): Float64Array {
    const bounds = new Set<number>();
    for (const { min, max } of this.#ranges) bounds.add(min).add(max + 1);
    const starts = Float64Array.from(bounds).sort();
    const covers: (PatternEntry | null)[] = new Array<PatternEntry | null>(starts.length).fill(null);
    const position = new Map<number, number>();
    starts.forEach((start, i) => {
      position.set(start, i);
    });
    /** For a segment that is covered: one behind it that may not be (paths are shortened as they are walked). */
    const next = Int32Array.from({ length: starts.length + 1 }, (_, i) => i);
    const free = (from: number): number => {
      let at = from;
      while (next[at] !== at) at = next[at]!;
      for (let i = from; next[i] !== i; ) {
        const behind = next[i]!;
        next[i] = at;
        i = behind;
      }
      return at;
    };
    for (const { min, max, entry } of this.#ranges) {
      const end = position.get(max + 1)!;
      for (let i = free(position.get(min)!); i < end; i = free(i)) {
        covers[i] = entry;
        next[i] = i + 1;
      }
    }
    this.#starts = starts;
    this.#covers = covers;
    return starts;
  }
}
