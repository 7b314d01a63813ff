// The converter json_query: a value out of JSON text. configuration.txt 7.3.1.
//
//   string     its characters, escapes resolved to UTF-8     true, false    a boolean
//   number     text as printf's %g writes it, or with `int` the integer before any point or exponent, when it is within ±(2^53 - 1)
//   array      as it stands                                  null, object   not found
//
// HAProxy resolves \u escapes up to U+00FF only, to one byte; ours gives UTF-8 for all of them. Allocates where a number is wanted as text.

import { readInteger64 } from "../integer64.ts";
import { TYPE } from "../types.ts";
import { latin1, type SampleValue } from "../value.ts";
import { textArgument } from "./arguments.ts";
import type { ConverterCompiler } from "./converter.ts";
import { hexDigit } from "./hex.ts";
import { findJson, jsonStringEnd, jsonValueEnd, parseJsonPath } from "./json-scan.ts";

const QUOTE = 34;
const MINUS = 45;
const ZERO = 48;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const LETTER_F = 102;
const LETTER_T = 116;
const LETTER_U = 117;
/** Significant digits of %g. */
const PRECISION = 6;
const NUMBER_BYTES_MAX = 64;

/** What a letter behind a backslash stands for, 0: nothing. */
const ESCAPES = new Uint8Array(128);
for (const [letter, character] of ['""', "\\\\", "//", "b\b", "f\f", "n\n", "r\r", "t\t"]) {
  ESCAPES[letter!.charCodeAt(0)] = character!.charCodeAt(0);
}

/** The number of four hexadecimal digits, -1: they are none. */
function readUnit(bytes: Uint8Array, start: number, end: number): number {
  if (start + 4 > end) return -1;
  let unit = 0;
  for (let i = 0; i < 4; i++) {
    const digit = hexDigit(bytes[start + i]!);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

function writeUtf8(target: Uint8Array, start: number, character: number): number {
  let at = start;
  if (character < 0x80) target[at++] = character;
  else if (character < 0x800) target[at++] = 0xc0 | (character >> 6);
  else if (character < 0x10000) {
    target[at++] = 0xe0 | (character >> 12);
    target[at++] = 0x80 | ((character >> 6) & 63);
  } else {
    target[at++] = 0xf0 | (character >> 18);
    target[at++] = 0x80 | ((character >> 12) & 63);
    target[at++] = 0x80 | ((character >> 6) & 63);
  }
  if (character >= 0x80) target[at++] = 0x80 | (character & 63);
  return at;
}

function takeString(value: SampleValue, start: number, end: number): boolean {
  const { bytes } = value;
  const scratch = value.scratch();
  let to = 0;
  for (let at = start; at < end; at++) {
    let character = bytes[at]!;
    if (to + 4 > scratch.length) return false;
    if (character !== BACKSLASH) {
      scratch[to++] = character;
      continue;
    }
    const letter = bytes[++at]!;
    if (letter === LETTER_U) {
      character = readUnit(bytes, at + 1, end);
      if (character < 0) return false;
      at += 4;
      const isHigh = character >= 0xd800 && character < 0xdc00;
      const low =
        isHigh && bytes[at + 1] === BACKSLASH && bytes[at + 2] === LETTER_U ? readUnit(bytes, at + 3, end) : -1;
      if (low >= 0xdc00 && low < 0xe000) {
        character = 0x10000 + ((character - 0xd800) << 10) + low - 0xdc00;
        at += 6;
      } else if (character >= 0xd800 && character < 0xe000) return false;
    } else {
      character = letter < 128 ? ESCAPES[letter]! : 0;
      if (character === 0) return false;
    }
    to = writeUtf8(scratch, to, character);
  }
  value.bytes = scratch;
  value.start = 0;
  value.end = to;
  value.type = TYPE.str;
  return true;
}

/** A number as %g writes it. */
function generalText(number: number): string {
  if (number === 0) return Object.is(number, -0) ? "-0" : "0";
  if (!Number.isFinite(number)) return number < 0 ? "-inf" : "inf";
  const [mantissa, exponentText] = number.toExponential(PRECISION - 1).split("e");
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < PRECISION) return String(Number(number.toPrecision(PRECISION)));
  const digits = String(Math.abs(exponent)).padStart(2, "0");
  return `${Number(mantissa)}e${exponent < 0 ? "-" : "+"}${digits}`;
}

function takeNumber(value: SampleValue, start: number, end: number): boolean {
  const text = /^-?\d+\.?\d*(?:[eE][+-]?\d+)?/.exec(
    latin1(value.bytes, start, Math.min(end, start + NUMBER_BYTES_MAX)),
  );
  if (text === null) return false;
  const written = generalText(Number.parseFloat(text[0]));
  const scratch = value.scratch();
  for (let i = 0; i < written.length; i++) scratch[i] = written.charCodeAt(i);
  value.bytes = scratch;
  value.start = 0;
  value.end = written.length;
  value.type = TYPE.str;
  return true;
}

function takeInteger(value: SampleValue, start: number, end: number): boolean {
  readInteger64(value, value.bytes, start, end);
  value.type = TYPE.sint;
  return Math.abs(value.int) <= Number.MAX_SAFE_INTEGER;
}

function isWord(bytes: Uint8Array, start: number, end: number, word: string): boolean {
  if (start + word.length > end) return false;
  for (let i = 0; i < word.length; i++) if (bytes[start + i] !== word.charCodeAt(i)) return false;
  return true;
}

function takeBoolean(value: SampleValue, isTrue: boolean): boolean {
  value.type = TYPE.bool;
  value.int = isTrue ? 1 : 0;
  return true;
}

function takeArray(value: SampleValue, start: number, end: number): boolean {
  const arrayEnd = jsonValueEnd(value.bytes, start, end);
  if (arrayEnd < 0) return false;
  value.start = start;
  value.end = arrayEnd;
  value.type = TYPE.str;
  return true;
}

const jsonQuery: ConverterCompiler = (_, args) => {
  const steps = parseJsonPath(textArgument(args, 0));
  const wantsInteger = textArgument(args, 1) === "int";
  return (value) => {
    if (steps === null) return false;
    const { bytes, end } = value;
    const at = findJson(bytes, value.start, end, steps);
    if (at < 0) return false;
    const c = bytes[at]!;
    if (c === QUOTE) {
      const stringEnd = jsonStringEnd(bytes, at, end);
      return stringEnd >= 0 && takeString(value, at + 1, stringEnd - 1);
    }
    if (c === OPEN_BRACKET) return takeArray(value, at, end);
    if (c === LETTER_T) return isWord(bytes, at, end, "true") && takeBoolean(value, true);
    if (c === LETTER_F) return isWord(bytes, at, end, "false") && takeBoolean(value, false);
    if (c !== MINUS && (c < ZERO || c > ZERO + 9)) return false;
    return wantsInteger ? takeInteger(value, at, end) : takeNumber(value, at, end);
  };
};

/** By name, see converters.table.ts. */
export const JSON_QUERY_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = { json_query: jsonQuery };
