// Walks over `name=value` lists, undecoded: the query string of urlp, the form of body_param. Where a list is, and what separates its parameters,
// the fetches know.

import { TYPE } from "../types.ts";
import { type Result, type SampleValue, textBytes } from "../value.ts";

const FAIL = 0;
const PASS = 2;
const AMPERSAND = 38;
const EQUALS = 61;

export class ParameterWalk {
  readonly #value: SampleValue;
  readonly #name: Uint8Array;
  readonly #ignoreCase: boolean;
  readonly #separator: number;
  readonly #otherSeparator: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;

  /**
   * @param value where the parameters found are put
   * @param name "" is every name
   * @param separator @param otherSeparator bytes that separate parameters, beside `&`
   */
  constructor(
    value: SampleValue,
    name: string,
    ignoreCase: boolean,
    separator = AMPERSAND,
    otherSeparator = AMPERSAND,
  ) {
    this.#value = value;
    this.#name = textBytes(ignoreCase ? name.toLowerCase() : name);
    this.#ignoreCase = ignoreCase;
    this.#separator = separator;
    this.#otherSeparator = otherSeparator;
  }

  begin(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Takes the next parameter of the name into the value. One without `=` has no value and is passed over. */
  advance(): Result {
    const bytes = this.#bytes;
    while (this.#at < this.#end) {
      const start = this.#at;
      let equals = -1;
      let at = start;
      for (; at < this.#end; at++) {
        const c = bytes[at];
        if (c === AMPERSAND || c === this.#separator || c === this.#otherSeparator) break;
        if (c === EQUALS && equals < 0) equals = at;
      }
      this.#at = at + 1;
      if (equals < 0 || !this.#isNamed(start, equals)) continue;
      const value = this.#value;
      value.type = TYPE.str;
      value.bytes = bytes;
      value.start = equals + 1;
      value.end = at;
      return PASS;
    }
    return FAIL;
  }

  #isNamed(start: number, end: number): boolean {
    const name = this.#name;
    if (name.length === 0) return true;
    if (end - start !== name.length) return false;
    for (let i = 0; i < name.length; i++) {
      const c = this.#bytes[start + i]!;
      if ((this.#ignoreCase && c >= 65 && c <= 90 ? c | 32 : c) !== name[i]) return false;
    }
    return true;
  }
}
