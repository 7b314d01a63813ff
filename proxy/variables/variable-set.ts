// The variables of one scope of one stream or connection: typed arrays by the variable's number in its scope, and byte areas that grow to
// the longest text they ever held and are kept for the next life. In steady state nothing is allocated.

import { TYPE } from "../sample/types.ts";
import type { SampleValue } from "../sample/value.ts";

const SINT = TYPE.sint;
const BOOL = TYPE.bool;
const IPV4 = TYPE.ipv4;
const IPV6 = TYPE.ipv6;

/** The variable does not exist; it exists and is not set (`proc` ones named in the configuration). Else its TYPE number. */
export const ABSENT = -1;
export const UNSET = -2;

/** What a variable itself counts for under `tune.vars.*`, as in HAProxy about. */
export const VARIABLE_BYTES = 64;

const NO_BYTES = new Uint8Array(0);
const AREA_MIN_BYTES = 32;

export class VariableSet {
  types: Int8Array;
  ints: Float64Array;
  #words: Int32Array;
  #addresses: Uint8Array;
  #lengths: Int32Array;
  #areas: Uint8Array[];
  /** Bytes that count under `tune.vars.*`. */
  size = 0;
  /** Anything was set since the last `clear`. */
  isUsed = false;

  constructor(count: number) {
    this.types = new Int8Array(count).fill(ABSENT);
    this.ints = new Float64Array(count);
    this.#words = new Int32Array(2 * count);
    this.#addresses = new Uint8Array(16 * count);
    this.#lengths = new Int32Array(count);
    this.#areas = new Array<Uint8Array>(count).fill(NO_BYTES);
  }

  /** Forgets all of them. */
  clear(): void {
    if (!this.isUsed) return;
    this.types.fill(ABSENT);
    this.size = 0;
    this.isUsed = false;
  }

  /** What the variable counts for. */
  sizeOf(index: number): number {
    const type = this.types[index]!;
    if (type === ABSENT) return 0;
    return VARIABLE_BYTES + (type > IPV6 ? this.#lengths[index]! : 0);
  }

  /** Gives the variable's value to `value`. False: there is none. */
  get(index: number, value: SampleValue): boolean {
    const type = this.types[index]!;
    if (type < 0) return false;
    value.type = type;
    if (type === SINT || type === BOOL) {
      value.int = this.ints[index]!;
      value.high = this.#words[2 * index]!;
      value.low = this.#words[2 * index + 1]!;
    } else if (type === IPV4 || type === IPV6) {
      for (let i = 0; i < 16; i++) value.address[i] = this.#addresses[16 * index + i]!;
    } else {
      value.int = this.ints[index]!;
      value.bytes = this.#areas[index]!;
      value.start = 0;
      value.end = this.#lengths[index]!;
    }
    return true;
  }

  /** The variable becomes what `value` is. */
  set(index: number, value: SampleValue): void {
    this.size -= this.sizeOf(index);
    this.isUsed = true;
    const { type } = value;
    this.types[index] = type;
    this.ints[index] = value.int;
    if (type === SINT || type === BOOL) {
      this.#words[2 * index] = value.high;
      this.#words[2 * index + 1] = value.low;
    } else if (type === IPV4 || type === IPV6) {
      for (let i = 0; i < 16; i++) this.#addresses[16 * index + i] = value.address[i]!;
    } else this.#store(index, value);
    this.size += this.sizeOf(index);
  }

  #store(index: number, { bytes, start, end }: SampleValue): void {
    const length = end - start;
    let area = this.#areas[index]!;
    if (area.length < length) {
      area = new Uint8Array(2 ** Math.ceil(Math.log2(Math.max(length, AREA_MIN_BYTES))));
      this.#areas[index] = area;
    }
    for (let i = 0; i < length; i++) area[i] = bytes[start + i]!;
    this.#lengths[index] = length;
  }

  unset(index: number): void {
    this.size -= this.sizeOf(index);
    this.types[index] = ABSENT;
  }
}
