// The match method `reg`: regular expressions over a sample's bytes, tried in the order of the list. What they may cost: ../regex.ts.
//
// This is the one match that makes a string of its input, hence garbage; the input is at most a head.

import "../regex.ts";
import type { SampleValue } from "../../sample/value.ts";
import { compilePcre, translatePcre } from "../pcre.ts";
import { insertById, type PatternEntry, type PatternSet } from "./entry.ts";

interface Expression {
  readonly id: number;
  readonly entry: PatternEntry;
  readonly regex: RegExp;
}

export class RegexSet implements PatternSet {
  readonly #ignoreCase: boolean;
  readonly #expressions: Expression[] = [];
  /** A view of the bytes met last, which makes strings without making another view. */
  #bytes: Uint8Array = new Uint8Array(0);
  #buffer: Buffer = Buffer.alloc(0);

  constructor(ignoreCase: boolean) {
    this.#ignoreCase = ignoreCase;
  }

  add(entry: PatternEntry): void {
    if (!translatePcre(entry.key, this.#ignoreCase).ok) return;
    insertById(this.#expressions, { id: entry.id, entry, regex: compilePcre(entry.key, this.#ignoreCase) });
  }

  remove(entry: PatternEntry): void {
    const at = this.#expressions.findIndex((expression) => expression.entry === entry);
    if (at >= 0) this.#expressions.splice(at, 1);
  }

  #text(value: SampleValue): string {
    const { bytes, start, end } = value;
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    return this.#buffer.toString("latin1", start, end);
  }

  has(value: SampleValue): boolean {
    return this.find(value) !== null;
  }

  find(value: SampleValue): PatternEntry | null {
    const expressions = this.#expressions;
    if (expressions.length === 0) return null;
    const text = this.#text(value);
    for (let i = 0; i < expressions.length; i++) if (expressions[i]!.regex.test(text)) return expressions[i]!.entry;
    return null;
  }

  /** The first match and its groups, for map_regm. */
  match(value: SampleValue): { readonly entry: PatternEntry; readonly groups: RegExpExecArray } | null {
    const text = this.#text(value);
    for (const { entry, regex } of this.#expressions) {
      const groups = regex.exec(text);
      if (groups !== null) return { entry, groups };
    }
    return null;
  }
}
