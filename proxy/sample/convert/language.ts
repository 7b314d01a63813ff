// The converter language: the best of our languages by an Accept-Language header (RFC 9110 section 12.5.4). configuration.txt 7.3.1.
//
//   fr;q=0.5, en-GB;q=0.9, de     a range, blanks and parameters between commas; without q it is 1, with q=0 it is not wanted
//
// A range that is not in the list as it stands is looked up without its variant. Of equal ranges the first one counts. (HAProxy 3.2 reads over
// the end of a header that ends in `q=0`, and stops at the first `q=0`; ours goes on to the next range.)

import { TYPE } from "../types.ts";
import { textBytes } from "../value.ts";
import { textArgument } from "./arguments.ts";
import type { ConverterCompiler } from "./converter.ts";

const SPACE = 32;
const TAB = 9;
const COMMA = 44;
const SEMICOLON = 59;
const EQUALS = 61;
const DASH = 45;
const DOT = 46;
const ZERO = 48;
const LETTER_Q = 113;
const QUALITY_MAX = 1000;

function isBlank(c: number | undefined): boolean {
  return c === SPACE || c === TAB;
}

function skipBlanks(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isBlank(bytes[at])) at++;
  return at;
}

/** Thousandths of the parameter `q=` in [start, end), which begins behind the range; 1000 where there is none that can be read. */
function readQuality(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    if (bytes[at] !== SEMICOLON) continue;
    at = skipBlanks(bytes, at + 1, end);
    if (bytes[at] !== LETTER_Q) continue;
    at = skipBlanks(bytes, at + 1, end);
    if (at >= end || bytes[at] !== EQUALS) continue;
    return readThousandths(bytes, skipBlanks(bytes, at + 1, end), end);
  }
  return QUALITY_MAX;
}

/** Reads `0.125` or `1`; anything else is 1. */
function readThousandths(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end || bytes[start] !== ZERO) return QUALITY_MAX;
  let quality = 0;
  let weight = 100;
  if (start + 1 < end && bytes[start + 1] !== DOT) return quality;
  for (let at = start + 2; at < end && weight >= 1; at++, weight /= 10) {
    const digit = bytes[at]! - ZERO;
    if (digit < 0 || digit > 9) break;
    quality += digit * weight;
  }
  return quality;
}

/** Which of the names is bytes [start, end), -1: none. */
function indexOf(names: readonly Uint8Array[], bytes: Uint8Array, start: number, end: number): number {
  for (let index = 0; index < names.length; index++) {
    const name = names[index]!;
    if (name.length !== end - start) continue;
    let i = 0;
    while (i < name.length && bytes[start + i] === name[i]) i++;
    if (i === name.length) return index;
  }
  return -1;
}

/** The language of the range, whole or without its variant. */
function findLanguage(languages: readonly Uint8Array[], bytes: Uint8Array, start: number, end: number): number {
  const exact = indexOf(languages, bytes, start, end);
  if (exact >= 0) return exact;
  let base = start;
  while (base < end && bytes[base] !== DASH) base++;
  return base < end ? indexOf(languages, bytes, start, base) : -1;
}

const language: ConverterCompiler = (_, args) => {
  const languages = textArgument(args, 0).split(";").map(textBytes);
  const otherwise = args.length > 1 ? textBytes(textArgument(args, 1)) : null;
  return (value) => {
    const { bytes, end } = value;
    let best = -1;
    let bestQuality = 0;
    for (let start = value.start; start < end; ) {
      let itemEnd = start;
      while (itemEnd < end && bytes[itemEnd] !== COMMA) itemEnd++;
      const rangeStart = skipBlanks(bytes, start, itemEnd);
      let rangeEnd = rangeStart;
      while (rangeEnd < itemEnd && bytes[rangeEnd] !== SEMICOLON && !isBlank(bytes[rangeEnd])) rangeEnd++;
      const rest = skipBlanks(bytes, rangeEnd, itemEnd);
      const isWhole = rest === itemEnd || bytes[rest] === SEMICOLON;
      const found = isWhole && rangeEnd > rangeStart ? findLanguage(languages, bytes, rangeStart, rangeEnd) : -1;
      const quality = found < 0 ? 0 : readQuality(bytes, rest, itemEnd);
      if (quality > bestQuality) {
        best = found;
        bestQuality = quality;
      }
      start = itemEnd + 1;
    }
    const answer = best < 0 ? otherwise : languages[best]!;
    if (answer === null) return false;
    value.bytes = answer;
    value.start = 0;
    value.end = answer.length;
    value.type = TYPE.str;
    return true;
  };
};

/** By name, see converters.table.ts. */
export const LANGUAGE_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = { language };
