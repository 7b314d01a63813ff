// Sets of texts for the methods str, bin, beg, end, sub, dir and dom. Up to LINEAR_MAX patterns are compared one after the other, which
// beats hashing; more are looked up in a hash table (byte-index.ts), so that 100 000 of them cost what a few cost:
//
//   str bin    one probe                                  beg    a probe at each length that a pattern has; the longest wins
//   end        the same from the end                      sub    the same at every byte
//   dir dom    at every byte behind a delimiter, a probe at each length that ends in front of one
//
// For end, sub, dir and dom, of several patterns that match the first one of the list counts, as in HAProxy.

import { type SampleValue, textBytes } from "../../sample/value.ts";
import { ByteIndex } from "./byte-index.ts";
import { insertById, type PatternEntry, type PatternSet } from "./entry.ts";

/** Up to this many are compared one by one. */
const LINEAR_MAX = 4;

function fold(c: number): number {
  return c >= 65 && c <= 90 ? c | 32 : c;
}

/** Compares `pattern` (folded when `ignoreCase`) with the bytes at `at`. */
function equalAt(bytes: Uint8Array, at: number, pattern: Uint8Array, ignoreCase: boolean): boolean {
  const length = pattern.length;
  if (ignoreCase) {
    for (let i = 0; i < length; i++) if (fold(bytes[at + i]!) !== pattern[i]) return false;
  } else {
    for (let i = 0; i < length; i++) if (bytes[at + i] !== pattern[i]) return false;
  }
  return true;
}

interface Line {
  readonly id: number;
  readonly entry: PatternEntry;
  readonly bytes: Uint8Array;
}

/** What the sets have in common: an index of all entries, and the first few as bytes as long as there are no more. */
abstract class TextSet implements PatternSet {
  protected readonly ignoreCase: boolean;
  protected readonly index: ByteIndex;
  /** All entries while they are few; empty otherwise. */
  protected lines: Line[] = [];
  #count = 0;
  /** What there is beyond the lines; only filled when they overflow. */
  readonly #entries = new Set<PatternEntry>();

  constructor(ignoreCase: boolean, backwards: boolean) {
    this.ignoreCase = ignoreCase;
    this.index = new ByteIndex(ignoreCase, backwards);
  }

  /** What of a pattern is compared, null: it can match nothing. */
  protected textOf(key: string): string | null {
    return key;
  }

  protected get isLinear(): boolean {
    return this.#count <= LINEAR_MAX;
  }

  add(entry: PatternEntry): void {
    const text = this.textOf(entry.key);
    if (text === null) return;
    this.index.add(entry, text);
    this.#entries.add(entry);
    this.#count++;
    this.#lay(entry, text);
  }

  remove(entry: PatternEntry): void {
    const text = this.textOf(entry.key);
    if (text === null || !this.#entries.delete(entry)) return;
    this.index.remove(entry, text);
    this.#count--;
    if (this.#count > LINEAR_MAX) return;
    this.lines = [];
    for (const other of this.#entries) this.#lay(other, this.textOf(other.key)!);
  }

  #lay(entry: PatternEntry, text: string): void {
    if (!this.isLinear) {
      this.lines = [];
      return;
    }
    const bytes = textBytes(text);
    insertById(this.lines, { id: entry.id, entry, bytes: this.ignoreCase ? bytes.map(fold) : bytes });
  }

  abstract find(value: SampleValue): PatternEntry | null;
  abstract has(value: SampleValue): boolean;
}

export class ExactSet extends TextSet {
  constructor(ignoreCase: boolean) {
    super(ignoreCase, false);
  }

  find(value: SampleValue): PatternEntry | null {
    const { bytes, start, end } = value;
    if (!this.isLinear) return this.index.exact(bytes, start, end);
    const { lines, ignoreCase } = this;
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i]!;
      if (line.bytes.length === end - start && equalAt(bytes, start, line.bytes, ignoreCase)) return line.entry;
    }
    return null;
  }

  has(value: SampleValue): boolean {
    return this.find(value) !== null;
  }
}

/** Patterns of hexadecimal digits. */
export class BlockSet extends ExactSet {
  constructor() {
    super(false);
  }

  protected override textOf(key: string): string | null {
    return /^(?:[0-9a-f]{2})*$/i.test(key) ? Buffer.from(key, "hex").toString("latin1") : null;
  }
}

export class PrefixSet extends TextSet {
  constructor(ignoreCase: boolean) {
    super(ignoreCase, false);
  }

  find(value: SampleValue): PatternEntry | null {
    const { bytes, start, end } = value;
    if (!this.isLinear) return this.index.longestPrefix(bytes, start, end);
    const { lines, ignoreCase } = this;
    let best: Line | null = null;
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i]!;
      const { length } = line.bytes;
      if (length > end - start || (best !== null && length <= best.bytes.length)) continue;
      if (equalAt(bytes, start, line.bytes, ignoreCase)) best = line;
    }
    return best === null ? null : best.entry;
  }

  has(value: SampleValue): boolean {
    if (!this.isLinear) return this.find(value) !== null;
    const { bytes, start, end } = value;
    const { lines, ignoreCase } = this;
    for (let i = 0; i < lines.length; i++) {
      const pattern = lines[i]!.bytes;
      if (pattern.length <= end - start && equalAt(bytes, start, pattern, ignoreCase)) return true;
    }
    return false;
  }
}

export class SuffixSet extends TextSet {
  constructor(ignoreCase: boolean) {
    super(ignoreCase, true);
  }

  find(value: SampleValue): PatternEntry | null {
    const { bytes, start, end } = value;
    if (!this.isLinear) return this.index.firstSuffix(bytes, start, end);
    const { lines, ignoreCase } = this;
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i]!;
      const { length } = line.bytes;
      if (length <= end - start && equalAt(bytes, end - length, line.bytes, ignoreCase)) return line.entry;
    }
    return null;
  }

  has(value: SampleValue): boolean {
    return this.find(value) !== null;
  }
}

export class SubstringSet extends TextSet {
  constructor(ignoreCase: boolean) {
    super(ignoreCase, false);
  }

  find(value: SampleValue): PatternEntry | null {
    const { bytes, start, end } = value;
    if (this.isLinear) return this.#findLinear(bytes, start, end);
    let best: PatternEntry | null = null;
    for (let at = start; at <= end; at++) best = this.index.firstFrom(bytes, at, end, null, best);
    return best;
  }

  #findLinear(bytes: Uint8Array, start: number, end: number): PatternEntry | null {
    const { lines, ignoreCase } = this;
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i]!;
      const last = end - line.bytes.length;
      for (let at = start; at <= last; at++) if (equalAt(bytes, at, line.bytes, ignoreCase)) return line.entry;
    }
    return null;
  }

  has(value: SampleValue): boolean {
    const { bytes, start, end } = value;
    if (this.isLinear) return this.#findLinear(bytes, start, end) !== null;
    for (let at = start; at <= end; at++) if (this.index.firstFrom(bytes, at, end, null, null) !== null) return true;
    return false;
  }
}

/**
 * The methods `dir` and `dom`: a pattern matches where it stands between delimiters (or the ends of the sample).
 *
 *   dom, delimiters . : / ?      sample  www1.dc-eu.example.com      pattern  dc-eu.example   matches
 *                                                                     pattern  eu.example      does not
 * Delimiters at the pattern's ends are ignored (configuration.txt 7.1.3); a pattern of nothing else matches nothing.
 */
export class WordSet extends TextSet {
  readonly #isDelimiter = new Uint8Array(256);

  constructor(delimiters: string, ignoreCase: boolean) {
    super(ignoreCase, false);
    for (const delimiter of textBytes(delimiters)) this.#isDelimiter[delimiter] = 1;
  }

  protected override textOf(key: string): string | null {
    let start = 0;
    let end = key.length;
    while (start < end && this.#isDelimiter[key.charCodeAt(start)] === 1) start++;
    while (end > start && this.#isDelimiter[key.charCodeAt(end - 1)] === 1) end--;
    return start < end ? key.slice(start, end) : null;
  }

  find(value: SampleValue): PatternEntry | null {
    const { bytes, start, end } = value;
    if (this.isLinear) return this.#findLinear(bytes, start, end);
    const isDelimiter = this.#isDelimiter;
    let best: PatternEntry | null = null;
    for (let at = start; at < end; at++) {
      if (at > start && isDelimiter[bytes[at - 1]!] === 0) continue;
      best = this.index.firstFrom(bytes, at, end, isDelimiter, best);
    }
    return best;
  }

  #findLinear(bytes: Uint8Array, start: number, end: number): PatternEntry | null {
    const { lines, ignoreCase } = this;
    const isDelimiter = this.#isDelimiter;
    for (let w = 0; w < lines.length; w++) {
      const word = lines[w]!.bytes;
      const length = word.length;
      for (let at = start; at + length <= end; at++) {
        if (at > start && isDelimiter[bytes[at - 1]!] === 0) continue;
        if (at + length < end && isDelimiter[bytes[at + length]!] === 0) continue;
        if (equalAt(bytes, at, word, ignoreCase)) return lines[w]!.entry;
      }
    }
    return null;
  }

  has(value: SampleValue): boolean {
    return this.find(value) !== null;
  }
}
