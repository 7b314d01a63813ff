// What the hashing algorithms have in common: a key is found in the stream (one file per algorithm says how), hashed as `hash-type` says,
// and the hash is looked up in a map (map-based.ts) or on a circle (consistent.ts).
//
//   Stream ── UriKey, HeaderKey … ──> bytes ── KeyHash ──> 32 bits ── MapBased, Consistent ──> server
//
// Hashes are kept as signed integers: V8 has these without allocating, unlike numbers above 2^31.

import type { BalancePlan } from "../plan/balance.ts";
import { avalanche, crc32, djb2, sdbm, wt6 } from "../sample/hash.ts";
import type { Stream } from "../stream/stream.ts";

/** Finds the key of a stream. */
export interface HashKey {
  /** The hash of the key that was found last, a signed integer of 32 bits. */
  readonly hash: number;
  /** Writes `hash`; false: the stream has no such key, round robin applies. */
  find(stream: Stream): boolean;
}

const PLUS = 43;
const MINUS = 45;
const TWO_32 = 2 ** 32;

/**
 * `hash-type … none`: the key is read as a decimal number. As seen with HAProxy 3.2: a sign may stand in front, no blank, what follows the
 * digits does not count, no digits are 0, and what 64 bits cannot hold is the largest number that they can. Its low 32 bits are the hash.
 */
function numberOf(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  const isNegative = at < end && bytes[at] === MINUS;
  if (isNegative || (at < end && bytes[at] === PLUS)) at++;
  let low = 0;
  let high = 0;
  for (; at < end; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) break;
    low = low * 10 + digit;
    high = high * 10 + Math.floor(low / TWO_32);
    low %= TWO_32;
    if (high >= 2 ** 31) return isNegative ? 0 : -1;
  }
  return isNegative ? -low | 0 : low | 0;
}

/** The function of `hash-type` with its modifier. */
export class KeyHash {
  readonly #function: BalancePlan["hashFunction"];
  readonly #avalanche: boolean;

  constructor(balance: BalancePlan) {
    this.#function = balance.hashFunction;
    this.#avalanche = balance.avalanche;
  }

  /** The hash of the bytes [start, end), signed. */
  of(bytes: Uint8Array, start: number, end: number): number {
    return this.ofNumber(this.#raw(bytes, start, end));
  }

  /** The hash of a key that is a number already. */
  ofNumber(number: number): number {
    return this.#avalanche ? avalanche(number) : number;
  }

  #raw(bytes: Uint8Array, start: number, end: number): number {
    switch (this.#function) {
      case "sdbm":
        return sdbm(bytes, start, end);
      case "djb2":
        return djb2(bytes, start, end);
      case "wt6":
        return wt6(bytes, start, end);
      case "crc32":
        return crc32(bytes, start, end);
      case "none":
        return numberOf(bytes, start, end);
    }
  }
}
