// Variables of scope proc: one for all threads, in the SharedArrayBuffer (shared-state/layout.ts has their place). Each has a lock of its own,
// held for the copying of a value, and room for the longest text.
//
//   0 lock · 4 type · 8 length · 12 high · 16 low · 24 integer (f64) · 32 address · 64 text (tune.bufsize)
//
// A thread that dies while it holds a lock (some nanoseconds) leaves it behind: who waits too long takes it.

import { TYPE } from "../sample/types.ts";
import type { SampleValue } from "../sample/value.ts";
import { UNSET, VARIABLE_BYTES } from "./variable-set.ts";

const IPV4 = TYPE.ipv4;
const IPV6 = TYPE.ipv6;
const LOCK = 0;
const VARIABLE_TYPE = 1;
const LENGTH = 2;
const HIGH = 3;
const LOW = 4;
const INT = 3;
const ADDRESS = 32;
const TEXT = 64;
/** Looks at a lock before it counts as left behind. */
const SPINS_MAX = 1 << 22;
/** Words before the variables: bytes of all of them together. */
const HEADER_BYTES = 8;
/** Variables that only the runtime API names. */
export const SPARE_VARIABLES = 32;

/** Bytes of `count` variables with texts of `textBytes`. */
export function procVariablesBytes(count: number, textBytes: number): number {
  return HEADER_BYTES + count * strideOf(textBytes);
}

function strideOf(textBytes: number): number {
  return TEXT + Math.ceil(textBytes / 8) * 8;
}

export class ProcVariables {
  readonly #words: Int32Array;
  readonly #floats: Float64Array;
  readonly #bytes: Uint8Array;
  readonly #stride: number;
  readonly #textBytes: number;
  readonly #limitBytes: number;
  readonly #counts: Int32Array;
  /** What a text was copied to: the value of a `get`, until the next one. */
  readonly #copy: Uint8Array;

  /** @param limitBytes `tune.vars.proc-max-size`, 0: none */
  constructor(buffer: SharedArrayBuffer, at: number, count: number, textBytes: number, limitBytes: number) {
    const bytes = procVariablesBytes(count, textBytes) - HEADER_BYTES;
    this.#counts = new Int32Array(buffer, at, HEADER_BYTES / 4);
    this.#words = new Int32Array(buffer, at + HEADER_BYTES, bytes / 4);
    this.#floats = new Float64Array(buffer, at + HEADER_BYTES, bytes / 8);
    this.#bytes = new Uint8Array(buffer, at + HEADER_BYTES, bytes);
    this.#stride = strideOf(textBytes);
    this.#textBytes = textBytes;
    this.#limitBytes = limitBytes;
    this.#copy = new Uint8Array(textBytes);
  }

  /** The type as it stands: 0 in fresh memory is "not set". */
  typeOf(index: number): number {
    return Atomics.load(this.#words, (index * this.#stride) / 4 + VARIABLE_TYPE) + UNSET;
  }

  #lock(word: number): void {
    for (let i = 0; i < SPINS_MAX; i++) if (Atomics.compareExchange(this.#words, word + LOCK, 0, 1) === 0) return;
  }

  #unlock(word: number): void {
    Atomics.store(this.#words, word + LOCK, 0);
  }

  /** Gives the variable's value to `value`. False: it is not set. */
  get(index: number, value: SampleValue): boolean {
    const at = index * this.#stride;
    const word = at / 4;
    if (this.#words[word + VARIABLE_TYPE] === 0) return false;
    this.#lock(word);
    const type = this.#words[word + VARIABLE_TYPE]! + UNSET;
    if (type >= 0) this.#read(at, word, type, value);
    this.#unlock(word);
    return type >= 0;
  }

  #read(at: number, word: number, type: number, value: SampleValue): void {
    value.type = type;
    value.int = this.#floats[at / 8 + INT]!;
    value.high = this.#words[word + HIGH]!;
    value.low = this.#words[word + LOW]!;
    if (type === IPV4 || type === IPV6) {
      for (let i = 0; i < 16; i++) value.address[i] = this.#bytes[at + ADDRESS + i]!;
    } else if (type > IPV6) {
      const length = this.#words[word + LENGTH]!;
      for (let i = 0; i < length; i++) this.#copy[i] = this.#bytes[at + TEXT + i]!;
      value.bytes = this.#copy;
      value.start = 0;
      value.end = length;
    }
  }

  /** The variable becomes what `value` is. False: it is longer than a buffer, or there is no room for it under the limit. */
  set(index: number, value: SampleValue): boolean {
    const { type, bytes, start, end } = value;
    const length = type > IPV6 ? end - start : 0;
    if (length > this.#textBytes) return false;
    const at = index * this.#stride;
    const word = at / 4;
    this.#lock(word);
    const grows = VARIABLE_BYTES + length - this.#sizeAt(word);
    const total = Atomics.add(this.#counts, 0, grows) + grows;
    const fits = this.#limitBytes === 0 || total <= this.#limitBytes;
    if (fits) {
      this.#words[word + VARIABLE_TYPE] = type - UNSET;
      this.#words[word + LENGTH] = length;
      this.#words[word + HIGH] = value.high;
      this.#words[word + LOW] = value.low;
      this.#floats[at / 8 + INT] = value.int;
      if (type === IPV4 || type === IPV6) {
        for (let i = 0; i < 16; i++) this.#bytes[at + ADDRESS + i] = value.address[i]!;
      }
      for (let i = 0; i < length; i++) this.#bytes[at + TEXT + i] = bytes[start + i]!;
    } else Atomics.sub(this.#counts, 0, grows);
    this.#unlock(word);
    return fits;
  }

  #sizeAt(word: number): number {
    return this.#words[word + VARIABLE_TYPE] === 0 ? 0 : VARIABLE_BYTES + this.#words[word + LENGTH]!;
  }

  unset(index: number): void {
    const word = (index * this.#stride) / 4;
    this.#lock(word);
    Atomics.sub(this.#counts, 0, this.#sizeAt(word));
    this.#words[word + VARIABLE_TYPE] = 0;
    this.#unlock(word);
  }
}
