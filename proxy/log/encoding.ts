// Log-format items as JSON or CBOR (flags +json and +cbor, configuration.txt 8.2.6): a whole line as one object of its named items, or one
// item by itself.
//
//   "%{+json}o %(client)ci %(n)[int(3)]"   →   {"client": "127.0.0.1", "n": 3}         CBOR: BF 66 636C69656E74 … FF, as hexadecimal digits
//
// Aliases write text, so what an alias wrote is taken back from the line and written again, encoded; samples are encoded by their type.
// Text of a peer that is no UTF-8 becomes \u00XX in JSON: what stands in the log can always be read back.

import type { LogItemPlan } from "../plan/log.ts";
import { toStr } from "../sample/cast.ts";
import { writeInteger64 } from "../sample/integer64.ts";
import { TYPE } from "../sample/types.ts";
import { type SampleValue, textBytes } from "../sample/value.ts";
import type { ItemWriter } from "./item-writer.ts";

const QUOTE = 34;
const BACKSLASH = 92;
const DASH = 45;
const COMMA = 44;
const LOWER_HEX = textBytes("0123456789abcdef");
const UPPER_HEX = textBytes("0123456789ABCDEF");
const NULL = textBytes("null");
const TRUE = textBytes("true");
const FALSE = textBytes("false");
/** Longest item: what fits into the longest line. */
const ITEM_BYTES_MAX = 65536;

export type Encoding = "json" | "cbor";

/** Length of the UTF-8 sequence at `at`, 0: there is none. */
function sequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + length > end) return 0;
  for (let i = 1; i < length; i++) if ((bytes[at + i]! & 0xc0) !== 0x80) return 0;
  // Too long forms, surrogates, and what is beyond Unicode.
  const second = bytes[at + 1]!;
  if ((first === 0xe0 && second < 0xa0) || (first === 0xed && second > 0x9f)) return 0;
  if ((first === 0xf0 && second < 0x90) || (first === 0xf4 && second > 0x8f)) return 0;
  return length;
}

export class ItemEncoder {
  readonly #writer: ItemWriter;
  /** Of an item that was written as text. */
  readonly #text = new Uint8Array(ITEM_BYTES_MAX);
  readonly #digits = new Uint8Array(24);

  constructor(writer: ItemWriter) {
    this.#writer = writer;
  }

  /** Encodes what an alias wrote from `start` on. `-` alone is what is missing. */
  alias(start: number, encoding: Encoding, type: LogItemPlan["type"], isRaw: boolean): void {
    const writer = this.#writer;
    const length = Math.min(writer.at, writer.limit) - start;
    const text = this.#text;
    for (let i = 0; i < length; i++) text[i] = writer.bytes[start + i]!;
    writer.at = start;
    const isMissing = length === 0 || (length === 1 && text[0] === DASH);
    if (isMissing) this.missing(encoding, isRaw);
    else if (type === "raw") writer.literal(text.subarray(0, length));
    else if (type === "bool") this.#bool(text[0] !== 48, encoding, isRaw);
    else if (type === "sint") this.#integer(readNumber(text, length), encoding, isRaw);
    else this.#string(text, 0, length, encoding, isRaw);
  }

  /** Encodes a sample by the type that it has, or that the item asks for. */
  sample(value: SampleValue, encoding: Encoding, type: LogItemPlan["type"], isRaw: boolean): void {
    const isInteger = value.type === TYPE.sint || value.type === TYPE.bool;
    const wanted = type ?? (value.type === TYPE.bool ? "bool" : isInteger ? "sint" : "str");
    if (wanted === "bool") {
      this.#bool(isInteger ? value.int !== 0 : this.#number(value) !== 0, encoding, isRaw);
      return;
    }
    if (wanted === "sint" && encoding === "json" && isInteger) {
      this.#writer.literal(this.#digits.subarray(0, writeInteger64(this.#digits, 0, value)));
      return;
    }
    if (wanted === "sint") {
      this.#integer(isInteger ? value.int : this.#number(value), encoding, isRaw);
      return;
    }
    if (encoding === "cbor" && value.type === TYPE.bin && wanted === "str") {
      this.#block(value, isRaw);
      return;
    }
    if (!toStr(value)) this.missing(encoding, isRaw);
    else if (wanted === "raw") this.#writer.literal(value.bytes.subarray(value.start, value.end));
    else this.#string(value.bytes, value.start, value.end, encoding, isRaw);
  }

  #number(value: SampleValue): number {
    if (!toStr(value)) return 0;
    return readNumber(value.bytes.subarray(value.start, value.end), value.end - value.start);
  }

  missing(encoding: Encoding, isRaw: boolean): void {
    if (encoding === "cbor") this.#byte(0xf6, isRaw);
    else {
      this.#writer.byte(QUOTE);
      this.#writer.byte(QUOTE);
    }
  }

  /** A list that is not there: JSON's null. */
  nothing(encoding: Encoding, isRaw: boolean): void {
    if (encoding === "json") this.#writer.literal(NULL);
    else this.missing(encoding, isRaw);
  }

  /** Begins an object. */
  open(encoding: Encoding, isRaw: boolean): void {
    if (encoding === "json") this.#writer.byte(123);
    else this.#byte(0xbf, isRaw);
  }

  key(name: Uint8Array, isFirst: boolean, encoding: Encoding, isRaw: boolean): void {
    const writer = this.#writer;
    if (encoding === "json" && !isFirst) {
      writer.byte(COMMA);
      writer.byte(32);
    }
    this.#string(name, 0, name.length, encoding, isRaw);
    if (encoding !== "json") return;
    writer.byte(58);
    writer.byte(32);
  }

  close(encoding: Encoding, isRaw: boolean): void {
    if (encoding === "json") this.#writer.byte(125);
    else this.#byte(0xff, isRaw);
  }

  #bool(is: boolean, encoding: Encoding, isRaw: boolean): void {
    if (encoding === "json") this.#writer.literal(is ? TRUE : FALSE);
    else this.#byte(is ? 0xf5 : 0xf4, isRaw);
  }

  #integer(number: number, encoding: Encoding, isRaw: boolean): void {
    if (encoding === "json") this.#writer.integer(number);
    else if (number < 0) this.#head(1, -1 - number, isRaw);
    else this.#head(0, number, isRaw);
  }

  #string(bytes: Uint8Array, start: number, end: number, encoding: Encoding, isRaw: boolean): void {
    if (encoding === "json") {
      this.#jsonString(bytes, start, end);
      return;
    }
    this.#head(3, end - start, isRaw);
    for (let i = start; i < end; i++) this.#byte(bytes[i]!, isRaw);
  }

  /** Bytes: a string of no known length, of one piece, as HAProxy writes them. */
  #block({ bytes, start, end }: SampleValue, isRaw: boolean): void {
    this.#byte(0x5f, isRaw);
    this.#head(2, end - start, isRaw);
    for (let i = start; i < end; i++) this.#byte(bytes[i]!, isRaw);
    this.#byte(0xff, isRaw);
  }

  #jsonString(bytes: Uint8Array, start: number, end: number): void {
    const writer = this.#writer;
    writer.byte(QUOTE);
    for (let at = start; at < end; ) {
      const c = bytes[at]!;
      const length = sequenceLength(bytes, at, end);
      if (c === QUOTE || c === BACKSLASH) {
        writer.byte(BACKSLASH);
        writer.byte(c);
      } else if (c < 32 || c === 127 || length === 0) {
        writer.byte(BACKSLASH);
        writer.byte(117);
        writer.byte(48);
        writer.byte(48);
        writer.byte(LOWER_HEX[c >> 4]!);
        writer.byte(LOWER_HEX[c & 15]!);
      } else for (let i = 0; i < length; i++) writer.byte(bytes[at + i]!);
      at += Math.max(length, 1);
    }
    writer.byte(QUOTE);
  }

  /** CBOR's head of a major type: the number in as few bytes as there are (RFC 8949 §3). */
  #head(major: number, number: number, isRaw: boolean): void {
    const bits = major << 5;
    if (number < 24) {
      this.#byte(bits | number, isRaw);
      return;
    }
    const bytes = number < 0x100 ? 1 : number < 0x10000 ? 2 : number < 0x100000000 ? 4 : 8;
    this.#byte(bits | (bytes === 1 ? 24 : bytes === 2 ? 25 : bytes === 4 ? 26 : 27), isRaw);
    for (let shift = bytes - 1; shift >= 0; shift--) this.#byte(Math.floor(number / 256 ** shift) % 256, isRaw);
  }

  #byte(byte: number, isRaw: boolean): void {
    const writer = this.#writer;
    if (isRaw) writer.byte(byte);
    else {
      writer.byte(UPPER_HEX[byte >> 4]!);
      writer.byte(UPPER_HEX[byte & 15]!);
    }
  }
}

/** Leading digits, with a sign; 0 where there are none. */
function readNumber(text: Uint8Array, length: number): number {
  let at = text[0] === DASH || text[0] === 43 ? 1 : 0;
  let number = 0;
  for (; at < length; at++) {
    const digit = text[at]! - 48;
    if (digit < 0 || digit > 9) break;
    number = number * 10 + digit;
  }
  return text[0] === DASH ? -number + 0 : number;
}
