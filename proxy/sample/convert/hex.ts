// Converters between bytes and their hexadecimal or decimal notation: hex, be2hex, be2dec, hex2i. configuration.txt 7.3.1.

import { setWords } from "../integer64.ts";
import { TYPE } from "../types.ts";
import { textBytes } from "../value.ts";
import { type Arguments, integerArgument, textArgument } from "./arguments.ts";
import type { Converter, ConverterCompiler } from "./converter.ts";

const DIGITS = textBytes("0123456789ABCDEF");
const STR = TYPE.str;
/** 2^32. */
const WORD = 4294967296;
/** Digits of the largest number of 8 bytes. */
const DECIMAL_BYTES_MAX = 20;

/** Two digits per byte; in chunks of `size` bytes with a separator between them, or all in one. */
function hexWriter(separator: Uint8Array, size: number, wholeChunksOnly: boolean): Converter {
  return (value) => {
    const scratch = value.scratch();
    const { bytes, start } = value;
    const length = value.end - start;
    const end = wholeChunksOnly ? start + length - (length % size) : value.end;
    let to = 0;
    for (let at = start; at < end; at++) {
      const isFirst = size !== Number.POSITIVE_INFINITY && at > start && (at - start) % size === 0;
      if (to + 2 + separator.length > scratch.length) break;
      if (isFirst) for (let i = 0; i < separator.length; i++) scratch[to++] = separator[i]!;
      scratch[to++] = DIGITS[bytes[at]! >>> 4]!;
      scratch[to++] = DIGITS[bytes[at]! & 15]!;
    }
    value.bytes = scratch;
    value.start = 0;
    value.end = to;
    value.type = STR;
    return true;
  };
}

const be2hex: ConverterCompiler = (_, args) => {
  const size = integerArgument(args, 1, Number.POSITIVE_INFINITY);
  return hexWriter(textBytes(textArgument(args, 0)), size, integerArgument(args, 2, 0) !== 0);
};

/** Writes an unsigned number of two 32-bit halves and returns the offset behind it. */
function writeUnsigned(target: Uint8Array, start: number, highPart: number, lowPart: number): number {
  let high = highPart;
  let low = lowPart;
  let at = start;
  do {
    const nextHigh = Math.floor(high / 10);
    const rest = (high - nextHigh * 10) * WORD + low;
    high = nextHigh;
    low = Math.floor(rest / 10);
    target[at++] = 48 + (rest - low * 10);
  } while (high !== 0 || low !== 0);
  for (let i = start, j = at - 1; i < j; i++, j--) {
    const digit = target[i]!;
    target[i] = target[j]!;
    target[j] = digit;
  }
  return at;
}

/** One unsigned number per chunk of up to 8 bytes. */
function decimals(args: Arguments, littleEndian: boolean): Converter {
  const separator = textBytes(textArgument(args, 0));
  const size = integerArgument(args, 1, 1);
  const wholeChunksOnly = integerArgument(args, 2, 0) !== 0;
  return (value) => {
    const scratch = value.scratch();
    const { bytes, start, end } = value;
    let to = 0;
    for (let at = start; at < end; at += size) {
      const chunkEnd = Math.min(at + size, end);
      if (wholeChunksOnly && chunkEnd - at < size) break;
      if (to + separator.length + DECIMAL_BYTES_MAX > scratch.length) break;
      if (at > start) for (let i = 0; i < separator.length; i++) scratch[to++] = separator[i]!;
      let high = 0;
      let low = 0;
      for (let i = 0; i < chunkEnd - at; i++) {
        high = ((high << 8) | (low >>> 24)) >>> 0;
        low = ((low << 8) | bytes[littleEndian ? chunkEnd - 1 - i : at + i]!) >>> 0;
      }
      to = writeUnsigned(scratch, to, high, low);
    }
    value.bytes = scratch;
    value.start = 0;
    value.end = to;
    value.type = STR;
    return true;
  };
}

/** The value of a hexadecimal digit, -1: it is none. */
export function hexDigit(c: number): number {
  if (c >= 48 && c <= 57) return c - 48;
  const letter = c | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

/** The last 64 bits of what is written; not found when something else than digits stands there. Nothing is zero. */
const hex2i: Converter = (value) => {
  let high = 0;
  let low = 0;
  for (let at = value.start; at < value.end; at++) {
    const digit = hexDigit(value.bytes[at]!);
    if (digit < 0) return false;
    high = (high << 4) | (low >>> 28);
    low = (low << 4) | digit;
  }
  setWords(value, high, low);
  value.type = TYPE.sint;
  return true;
};

/** By name, see converters.table.ts. */
export const HEX_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  be2dec: (_, args) => decimals(args, false),
  be2hex,
  hex: () => hexWriter(textBytes(""), Number.POSITIVE_INFINITY, false),
  hex2i: () => hex2i,
  le2dec: (_, args) => decimals(args, true),
};
