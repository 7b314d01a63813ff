// The method `str` on the request's method itself: methods compare by number where ringway (and HAProxy) has one; only others compare as
// text, so `-i` matters to them alone.

import { METHOD } from "../../http1/message.ts";
import { methodNumber } from "../../sample/cast.ts";
import { type SampleValue, textBytes } from "../../sample/value.ts";
import { insertById, type PatternEntry, type PatternSet } from "./entry.ts";
import { ExactSet } from "./text-sets.ts";

function numberOf(key: string): number {
  const bytes = textBytes(key);
  return methodNumber(bytes, 0, bytes.length);
}

export class MethodSet implements PatternSet {
  /** By METHOD number. */
  readonly #known: PatternEntry[][] = Array.from({ length: METHOD.other }, () => []);
  readonly #others: ExactSet;

  constructor(ignoreCase: boolean) {
    this.#others = new ExactSet(ignoreCase);
  }

  add(entry: PatternEntry): void {
    const number = numberOf(entry.key);
    if (number === METHOD.other) this.#others.add(entry);
    else insertById(this.#known[number]!, entry);
  }

  remove(entry: PatternEntry): void {
    const number = numberOf(entry.key);
    if (number === METHOD.other) {
      this.#others.remove(entry);
      return;
    }
    const entries = this.#known[number]!;
    const at = entries.indexOf(entry);
    if (at >= 0) entries.splice(at, 1);
  }

  has(value: SampleValue): boolean {
    return value.int === METHOD.other ? this.#others.has(value) : this.#known[value.int]!.length > 0;
  }

  find(value: SampleValue): PatternEntry | null {
    return value.int === METHOD.other ? this.#others.find(value) : (this.#known[value.int]![0] ?? null);
  }
}
