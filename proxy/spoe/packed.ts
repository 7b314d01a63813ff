// Integers and typed data of the SPOP protocol (SPOE.txt, 3.1), written into and read from byte arrays. Integers are those of the peers protocol.

import { TYPE } from "../sample/types.ts";
import type { SampleValue } from "../sample/value.ts";

/** The types of typed data; the upper four bits of their byte are flags, of which a boolean has one. */
export const DATA = {
  ...{ null: 0, bool: 1, int32: 2, uint32: 3, int64: 4, uint64: 5, ipv4: 6, ipv6: 7, string: 8, binary: 9 },
} as const;
export const FLAG_TRUE = 16;
const TYPE_MASK = 15;
const FIRST_MIN = 240;
const WORD = 2 ** 32;
/** Bytes of the longest packed integer. */
export const PACKED_BYTES_MAX = 10;

/** Writes a non-negative integer below 2^53 at `at` and gives the place behind it. */
export function writePacked(bytes: Uint8Array, at: number, value: number): number {
  if (value < FIRST_MIN) {
    bytes[at] = value;
    return at + 1;
  }
  bytes[at++] = FIRST_MIN | (value % 16);
  let rest = Math.floor((value - FIRST_MIN) / 16);
  while (rest >= 128) {
    bytes[at++] = 128 | (rest % 128);
    rest = Math.floor((rest - 128) / 128);
  }
  bytes[at] = rest;
  return at + 1;
}

/** The same for 64 bits in two's complement. */
function writePackedBig(bytes: Uint8Array, at: number, value: bigint): number {
  bytes[at++] = FIRST_MIN | Number(value & 15n);
  let rest = (value - 240n) >> 4n;
  while (rest >= 128n) {
    bytes[at++] = 128 | Number(rest & 127n);
    rest = (rest - 128n) >> 7n;
  }
  bytes[at] = Number(rest);
  return at + 1;
}

/** Writes a string with its length. */
export function writeText(bytes: Uint8Array, at: number, text: Uint8Array, start = 0, end = text.length): number {
  let to = writePacked(bytes, at, end - start);
  for (let i = start; i < end; i++) bytes[to++] = text[i]!;
  return to;
}

/** Bytes that `writeValue` may need. */
export function valueBytesMax(value: SampleValue): number {
  return 1 + PACKED_BYTES_MAX + (value.type >= TYPE.str ? value.end - value.start : 16);
}

/** Writes a sample as typed data. */
export function writeValue(bytes: Uint8Array, at: number, value: SampleValue): number {
  switch (value.type) {
    case TYPE.bool:
      bytes[at] = DATA.bool | (value.int !== 0 ? FLAG_TRUE : 0);
      return at + 1;
    case TYPE.sint:
      bytes[at] = DATA.int64;
      if (value.int >= 0 && value.int <= Number.MAX_SAFE_INTEGER) return writePacked(bytes, at + 1, value.int);
      return writePackedBig(bytes, at + 1, wholeOf(value));
    case TYPE.ipv4:
    case TYPE.ipv6: {
      const length = value.type === TYPE.ipv4 ? 4 : 16;
      bytes[at++] = value.type === TYPE.ipv4 ? DATA.ipv4 : DATA.ipv6;
      for (let i = 0; i < length; i++) bytes[at++] = value.address[i]!;
      return at;
    }
    default:
      bytes[at] = value.type === TYPE.bin ? DATA.binary : DATA.string;
      return writeText(bytes, at + 1, value.bytes, value.start, value.end);
  }
}

function wholeOf({ int, high, low }: SampleValue): bigint {
  if (Number.isSafeInteger(int)) return BigInt.asUintN(64, BigInt(int));
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/** Reads what a peer sent. What reaches behind the end is `failed`, and 0. */
export class PackedReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;
  failed = false;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  byte(): number {
    if (this.at < this.end) return this.bytes[this.at++]!;
    this.failed = true;
    return 0;
  }

  /** An integer; beyond 2^53 only about. */
  packed(): number {
    let byte = this.byte();
    let value = byte;
    if (byte < FIRST_MIN) return value;
    let factor = 16;
    for (let count = 1; ; count++) {
      byte = this.byte();
      value += byte * factor;
      factor *= 128;
      if (count >= PACKED_BYTES_MAX) this.failed = true;
      if (byte < 128 || this.failed) return value;
    }
  }

  /** The start of a text; it ends at `at` then. */
  text(): number {
    const length = this.packed();
    const start = this.at;
    if (length > this.end - start) this.failed = true;
    else this.at += length;
    return start;
  }

  /** Reads typed data into `value`. @returns false: it is NULL, or what cannot be read */
  value(value: SampleValue): boolean {
    const head = this.byte();
    const type = head & TYPE_MASK;
    switch (type) {
      case DATA.bool:
        value.type = TYPE.bool;
        value.int = (head & FLAG_TRUE) !== 0 ? 1 : 0;
        return !this.failed;
      case DATA.int32:
      case DATA.uint32:
      case DATA.int64:
      case DATA.uint64:
        this.#integer(value);
        return !this.failed;
      case DATA.ipv4:
      case DATA.ipv6: {
        const length = type === DATA.ipv4 ? 4 : 16;
        value.type = type === DATA.ipv4 ? TYPE.ipv4 : TYPE.ipv6;
        for (let i = 0; i < length; i++) value.address[i] = this.byte();
        return !this.failed;
      }
      case DATA.string:
      case DATA.binary:
        value.type = type === DATA.string ? TYPE.str : TYPE.bin;
        value.bytes = this.bytes;
        value.start = this.text();
        value.end = this.at;
        return !this.failed;
      default:
        if (type !== DATA.null) this.failed = true;
        return false;
    }
  }

  /** 64 bits, the sign among them. */
  #integer(value: SampleValue): void {
    const from = this.at;
    const about = this.packed();
    value.type = TYPE.sint;
    if (about <= Number.MAX_SAFE_INTEGER) {
      value.int = about;
      value.high = Math.floor(about / WORD) | 0;
      value.low = about | 0;
      return;
    }
    let whole = BigInt(this.bytes[from]!);
    let factor = 16n;
    for (let at = from + 1; at < this.at; at++) {
      whole += BigInt(this.bytes[at]!) * factor;
      factor *= 128n;
    }
    whole = BigInt.asIntN(64, whole);
    value.int = Number(whole);
    value.high = Number(BigInt.asIntN(32, whole >> 32n));
    value.low = Number(BigInt.asIntN(32, whole));
  }
}
