// A hash table of byte strings that grows and shrinks: the index behind the sets of texts.
//
// Open addressing with linear probing over the FNV-1a hash; at most half full, rebuilt when it would be fuller or when too much of it is
// what removed entries left. FNV-1a grows byte by byte, so that a search for prefixes asks once at every length that a key has:
//
//   value  / i m a g e s / x        keys "/img", "/images":  lengths 4 and 7
//   hash   · · · ·     ·            probes at 4 and at 7
//
// Keys are compared as text (one character per byte), so that they take no memory of their own. With `ignoreCase`, A-Z are folded on
// both sides. A `backwards` index hashes from the last byte to the first.

import type { PatternEntry } from "./entry.ts";

const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;
const SLOTS_MIN = 16;

/** A key and its entries: those of equal (folded) text, by rising id. */
interface Key {
  readonly text: string;
  readonly entries: PatternEntry[];
}

export class ByteIndex {
  readonly #ignoreCase: boolean;
  readonly #backwards: boolean;
  /** null: empty. A key without entries was removed and keeps its slot, so that searches go on behind it. */
  #slots: (Key | null)[] = new Array<Key | null>(SLOTS_MIN).fill(null);
  #mask = SLOTS_MIN - 1;
  /** Slots that are not empty. */
  #used = 0;
  /** Keys by their length, and the longest. */
  #lengths = new Uint32Array(64);
  #maxLength = 0;
  #size = 0;

  constructor(ignoreCase: boolean, backwards = false) {
    this.#ignoreCase = ignoreCase;
    this.#backwards = backwards;
  }

  /** Number of keys. */
  get size(): number {
    return this.#size;
  }

  get maxLength(): number {
    return this.#maxLength;
  }

  #fold(c: number): number {
    return this.#ignoreCase && c >= 65 && c <= 90 ? c | 32 : c;
  }

  #text(key: string): string {
    return this.#ignoreCase ? key.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : key;
  }

  #hash(text: string): number {
    let hash = FNV_OFFSET;
    const length = text.length;
    if (this.#backwards) {
      for (let i = length - 1; i >= 0; i--) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
    } else {
      for (let i = 0; i < length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
    }
    return hash;
  }

  /** @param key what is indexed for this entry: its own key, or a part of it */
  add(entry: PatternEntry, key: string): void {
    const text = this.#text(key);
    const hash = this.#hash(text);
    let slot = (hash ^ (hash >>> 15)) & this.#mask;
    for (let found = this.#slots[slot]!; found !== null; found = this.#slots[slot]!) {
      if (found.text === text) {
        if (found.entries.length === 0) this.#counted(text.length, 1);
        let at = found.entries.length;
        while (at > 0 && found.entries[at - 1]!.id > entry.id) at--;
        found.entries.splice(at, 0, entry);
        return;
      }
      slot = (slot + 1) & this.#mask;
    }
    this.#slots[slot] = { text, entries: [entry] };
    this.#counted(text.length, 1);
    this.#used++;
    if (this.#used * 2 > this.#mask) this.#rebuild();
  }

  remove(entry: PatternEntry, key: string): void {
    const text = this.#text(key);
    const hash = this.#hash(text);
    let slot = (hash ^ (hash >>> 15)) & this.#mask;
    for (let found = this.#slots[slot]!; found !== null; found = this.#slots[slot]!) {
      if (found.text === text) {
        const at = found.entries.indexOf(entry);
        if (at < 0) return;
        found.entries.splice(at, 1);
        if (found.entries.length === 0) this.#counted(text.length, -1);
        return;
      }
      slot = (slot + 1) & this.#mask;
    }
  }

  #counted(length: number, by: 1 | -1): void {
    if (length >= this.#lengths.length) {
      const grown = new Uint32Array(2 * length);
      grown.set(this.#lengths);
      this.#lengths = grown;
    }
    this.#lengths[length] = this.#lengths[length]! + by;
    this.#size += by;
    if (length > this.#maxLength) this.#maxLength = length;
    while (this.#maxLength > 0 && this.#lengths[this.#maxLength] === 0) this.#maxLength--;
  }

  #rebuild(): void {
    const keys = this.#slots.filter((key): key is Key => key !== null && key.entries.length > 0);
    let slots = SLOTS_MIN;
    while (slots < keys.length * 4) slots *= 2;
    this.#slots = new Array<Key | null>(slots).fill(null);
    this.#mask = slots - 1;
    this.#used = keys.length;
    for (const key of keys) {
      const hash = this.#hash(key.text);
      let slot = (hash ^ (hash >>> 15)) & this.#mask;
      while (this.#slots[slot] !== null) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = key;
    }
  }

  /** The first entry whose key is the `length` bytes from `first` on, in order of rising addresses, given their hash. */
  #probe(hash: number, bytes: Uint8Array, first: number, length: number): PatternEntry | null {
    const slots = this.#slots;
    const mask = this.#mask;
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const key = slots[slot]!;
      if (key === null) return null;
      const text = key.text;
      if (text.length !== length) continue;
      let i = 0;
      while (i < length && text.charCodeAt(i) === this.#fold(bytes[first + i]!)) i++;
      if (i === length) return key.entries.length > 0 ? key.entries[0]! : null;
    }
  }

  /** The entry of this very text. */
  exact(bytes: Uint8Array, start: number, end: number): PatternEntry | null {
    const length = end - start;
    if (length > this.#maxLength || this.#lengths[length] === 0) return null;
    let hash = FNV_OFFSET;
    if (this.#ignoreCase) {
      for (let i = start; i < end; i++) hash = Math.imul(hash ^ this.#fold(bytes[i]!), FNV_PRIME);
    } else {
      for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, FNV_PRIME);
    }
    return this.#probe(hash, bytes, start, length);
  }

  /** The entry with the longest key that the text begins with. */
  longestPrefix(bytes: Uint8Array, start: number, end: number): PatternEntry | null {
    const max = Math.min(end - start, this.#maxLength);
    let hash = FNV_OFFSET;
    let found: PatternEntry | null = null;
    for (let length = 0; ; length++) {
      if (this.#lengths[length] !== 0) found = this.#probe(hash, bytes, start, length) ?? found;
      if (length >= max) return found;
      hash = Math.imul(hash ^ this.#fold(bytes[start + length]!), FNV_PRIME);
    }
  }

  /**
   * Of the entries whose keys begin at `start`, end at `end` or earlier, and end where `ends` holds 1 for the byte behind (or at `end`),
   * the one with the smallest id below `limit`'s. `ends` null: they may end anywhere.
   */
  firstFrom(
    bytes: Uint8Array,
    start: number,
    end: number,
    ends: Uint8Array | null,
    limit: PatternEntry | null,
  ): PatternEntry | null {
    const max = Math.min(end - start, this.#maxLength);
    let hash = FNV_OFFSET;
    let best = limit;
    for (let length = 0; ; length++) {
      if (this.#lengths[length] !== 0) {
        const behind = start + length;
        if (ends === null || behind === end || ends[bytes[behind]!] === 1) {
          const found = this.#probe(hash, bytes, start, length);
          if (found !== null && (best === null || found.id < best.id)) best = found;
        }
      }
      if (length >= max) return best;
      hash = Math.imul(hash ^ this.#fold(bytes[start + length]!), FNV_PRIME);
    }
  }

  /** The entry with the smallest id whose key the text ends with. Only for an index built backwards. */
  firstSuffix(bytes: Uint8Array, start: number, end: number): PatternEntry | null {
    const max = Math.min(end - start, this.#maxLength);
    let hash = FNV_OFFSET;
    let best: PatternEntry | null = null;
    for (let length = 0; ; length++) {
      if (this.#lengths[length] !== 0) {
        const found = this.#probe(hash, bytes, end - length, length);
        if (found !== null && (best === null || found.id < best.id)) best = found;
      }
      if (length >= max) return best;
      hash = Math.imul(hash ^ this.#fold(bytes[end - 1 - length]!), FNV_PRIME);
    }
  }
}
