// Writes one log line as bytes into a fixed piece of memory, without allocating: numbers, addresses and text that a peer chose.
//
// Accuracy: what does not fit below `limit` is left out and never overruns. Items of a few bytes are checked once before they
// begin and may pass `limit` by less than SLACK bytes; the caller reserves those and cuts the line at `limit`.
//
//   start                        at          limit        limit + SLACK
//   |127.0.0.1:4711 [23/Nov/2026:|            |            |
//
// What a peer chose is escaped on its way in (configuration.txt 8.6), so that no request can break a line or forge one.

import { writeIpv4, writeIpv6 } from "../../shared/ip/address.ts";

/** Bytes behind `limit` that a single fixed-size item may touch: the longest one is an IPv6 address in quotes. */
export const SLACK = 64;

const ZERO = 48;
const SPACE = 32;
const QUOTE = 34;
const HASH = 35;
const BACKSLASH = 92;
const BRACKET_CLOSE = 93;
const UPPER_HEX = "0123456789ABCDEF".split("").map((digit) => digit.charCodeAt(0));

/** What `text` does with a byte. */
const PLAIN = 0;
const AS_HEX = 1;
const AFTER_BACKSLASH = 2;

/** Treatment of each byte of a request line: `#XX` outside 32 … 126 and for `"` and `#`; with +E `\` and `]` get a backslash. */
const REQUEST = treatment(false, false);
const REQUEST_ESCAPED = treatment(false, true);
/** Treatment of a sample's value: only control characters are encoded, so that UTF-8 stays readable. HAProxy passes them raw. */
const SAMPLE = treatment(true, false);
const SAMPLE_ESCAPED = treatment(true, true);

function treatment(sample: boolean, escaped: boolean): Uint8Array {
  const table = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) {
    if (byte < SPACE || byte === 127) table[byte] = AS_HEX;
    if (!sample && (byte > 126 || byte === HASH || byte === QUOTE)) table[byte] = AS_HEX;
    if (!escaped) continue;
    if (byte === BACKSLASH || byte === BRACKET_CLOSE || (sample && byte === QUOTE)) table[byte] = AFTER_BACKSLASH;
  }
  return table;
}

export class LineWriter {
  /** The memory that lines are written to. */
  readonly bytes: Uint8Array;
  /** Next position. */
  at = 0;
  /** One past the last position that may be part of the line. */
  limit = 0;
  /** Position behind the last separator: another one there would only double it. */
  #separatorAt = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Starts a line of at most `limit - at` bytes at `at`; `limit + SLACK` bytes must exist. */
  start(at: number, limit: number): void {
    this.at = at;
    this.limit = limit;
    this.#separatorAt = at;
  }

  /** Ends the line: one past its last byte. */
  end(): number {
    if (this.at > this.limit) this.at = this.limit;
    return this.at;
  }

  /** A blank of the format. Blanks that meet (because the item between them is empty) merge, and none leads, as in HAProxy. */
  separator(): void {
    if (this.at === this.#separatorAt || this.at >= this.limit) return;
    this.bytes[this.at++] = SPACE;
    this.#separatorAt = this.at;
  }

  byte(value: number): void {
    if (this.at < this.limit) this.bytes[this.at++] = value;
  }

  /** Bytes that we chose (names, literals): copied as they are, cut at the limit. */
  literal(text: Uint8Array): void {
    const { bytes } = this;
    const count = Math.min(text.length, this.limit - this.at);
    let { at } = this;
    for (let i = 0; i < count; i++) bytes[at++] = text[i]!;
    this.at = at;
  }

  /** A decimal number; integers are exact to 2^53. */
  integer(value: number): void {
    if (this.at >= this.limit) return;
    let rest = value;
    if (rest < 0) {
      this.bytes[this.at++] = 45;
      rest = -rest;
    }
    if (rest < 10) {
      this.bytes[this.at++] = ZERO + rest;
      return;
    }
    const end = this.at + decimalDigits(rest);
    this.at = end;
    let at = end - 1;
    while (rest > 0x7fffffff) {
      const quotient = Math.floor(rest / 10);
      this.bytes[at--] = ZERO + (rest - quotient * 10);
      rest = quotient;
    }
    let small = rest | 0;
    while (small >= 10) {
      const quotient = (small / 10) | 0;
      this.bytes[at--] = ZERO + (small - quotient * 10);
      small = quotient;
    }
    this.bytes[at] = ZERO + small;
  }

  /** Three digits with leading zeros, for milliseconds 0 … 999. */
  threeDigits(value: number): void {
    if (this.at >= this.limit) return;
    const { bytes, at } = this;
    bytes[at] = ZERO + ((value / 100) | 0);
    bytes[at + 1] = ZERO + (((value / 10) | 0) % 10);
    bytes[at + 2] = ZERO + (value % 10);
    this.at = at + 3;
  }

  /** Upper-case hexadecimal with at least `width` digits (flag +X), for 0 … 2^32 - 1. */
  hex(value: number, width: number): void {
    if (this.at >= this.limit) return;
    const bits = value >>> 0;
    let digits = width;
    while (digits < 8 && bits >>> (digits * 4) !== 0) digits++;
    for (let shift = (digits - 1) * 4; shift >= 0; shift -= 4)
      this.bytes[this.at++] = UPPER_HEX[(bits >>> shift) & 15]!;
  }

  /** A dotted IPv4 address from 4 bytes of `from`. */
  ipv4(from: Uint8Array, offset: number): void {
    if (this.at < this.limit) this.at = writeIpv4(this.bytes, this.at, from, offset);
  }

  /** An IPv6 address from 16 bytes of `from`, as inet_ntop(3) writes it. */
  ipv6(from: Uint8Array, offset: number): void {
    if (this.at < this.limit) this.at = writeIpv6(this.bytes, this.at, from, offset);
  }

  /** Bytes as upper-case hexadecimal pairs: an address under +X. */
  hexBytes(from: Uint8Array, offset: number, count: number): void {
    if (this.at >= this.limit) return;
    for (let i = 0; i < count; i++) {
      const value = from[offset + i]!;
      this.bytes[this.at++] = UPPER_HEX[value >> 4]!;
      this.bytes[this.at++] = UPPER_HEX[value & 15]!;
    }
  }

  /** Part of a request line, `start` to `end` of `from`, encoded as configuration.txt 8.6 wants it. */
  request(from: Uint8Array, start: number, end: number, escaped: boolean): void {
    this.#encoded(from, start, end, escaped ? REQUEST_ESCAPED : REQUEST);
  }

  /** A sample's value, `start` to `end` of `from`. */
  sample(from: Uint8Array, start: number, end: number, escaped: boolean): void {
    this.#encoded(from, start, end, escaped ? SAMPLE_ESCAPED : SAMPLE);
  }

  #encoded(from: Uint8Array, start: number, end: number, table: Uint8Array): void {
    const { bytes, limit } = this;
    let { at } = this;
    for (let i = start; i < end && at < limit; i++) {
      const value = from[i]!;
      const how = table[value];
      if (how === PLAIN) {
        bytes[at++] = value;
      } else if (how === AS_HEX) {
        bytes[at++] = HASH;
        bytes[at++] = UPPER_HEX[value >> 4]!;
        bytes[at++] = UPPER_HEX[value & 15]!;
      } else {
        bytes[at++] = BACKSLASH;
        bytes[at++] = value;
      }
    }
    this.at = at;
  }
}

function decimalDigits(value: number): number {
  if (value < 100) return 2;
  if (value < 1000) return 3;
  if (value < 10000) return 4;
  if (value < 100000) return 5;
  let digits = 6;
  for (let bound = 1e6; value >= bound && digits < 16; bound *= 10) digits++;
  return digits;
}
