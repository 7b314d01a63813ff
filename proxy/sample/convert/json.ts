// The converter json: text as it may stand in a JSON string. configuration.txt 7.3.1.
//
// The input code says how bytes become characters: `ascii`, one by one; `utf8`, as UTF-8 with an error making the value "not found"; behind
// it `s` leaves out what is wrong, `p` takes overlong sequences. A character above U+FFFF is wrong too, since `\u` has four digits.
//
//   byte      0xxxxxxx  110xxxxx  1110xxxx  11110xxx  111110xx  1111110x
//   length        1         2         3         4         5         6        (the last two: only what RFC 2279 had; always overlong or wrong)

import { TYPE } from "../types.ts";
import { textBytes } from "../value.ts";
import { textArgument } from "./arguments.ts";
import type { Converter, ConverterCompiler } from "./converter.ts";

const DIGITS = textBytes("0123456789abcdef");
const BACKSLASH = 92;
const LETTER_U = 117;
/** The longest escape is \uXXXX. */
const ESCAPE_BYTES_MAX = 6;
const CHARACTER_MAX = 0xffff;
const WRONG = -1;

/** The letter behind the backslash of short escapes, 0 where there is none. */
const SHORT_ESCAPES = new Uint8Array(128);
for (const [character, letter] of ['""', "\\\\", "//", "\bb", "\ff", "\nn", "\rr", "\tt"]) {
  SHORT_ESCAPES[character!.charCodeAt(0)] = letter!.charCodeAt(0);
}

/** Where the sequence that was read last ends. */
let sequenceEnd = 0;

/** Smallest character that needs a sequence of the length; anything below is overlong. */
const SMALLEST: readonly number[] = [0, 0, 0x80, 0x800, 0x10000, 0x200000, 0x4000000];

function sequenceLength(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc0 || first > 0xfd) return 0;
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 3;
  if (first < 0xf8) return 4;
  return first < 0xfc ? 5 : 6;
}

/** Reads a character of UTF-8; WRONG: none stands there. What was wrong ends at the first byte that does not continue it. */
function readCharacter(bytes: Uint8Array, at: number, end: number, allowsOverlong: boolean): number {
  const first = bytes[at]!;
  const length = sequenceLength(first);
  sequenceEnd = at + 1;
  if (length === 0) return WRONG;
  if (length === 1) return first;
  let character = first & (0x7f >> length);
  for (let i = 1; i < length; i++) {
    if (at + i >= end || (bytes[at + i]! & 0xc0) !== 0x80) return WRONG;
    character = character * 64 + (bytes[at + i]! & 0x3f);
    sequenceEnd = at + i + 1;
  }
  if (character < SMALLEST[length]! && !allowsOverlong) return WRONG;
  const isProhibited = (character >= 0xd800 && character <= 0xdfff) || character === 0xfffe || character === 0xffff;
  return isProhibited || character > CHARACTER_MAX ? WRONG : character;
}

function writeCharacter(target: Uint8Array, start: number, character: number): number {
  let at = start;
  const short = character < 128 ? SHORT_ESCAPES[character]! : 0;
  if (short !== 0) {
    target[at++] = BACKSLASH;
    target[at++] = short;
  } else if (character >= 32 && character < 127) target[at++] = character;
  else {
    target[at++] = BACKSLASH;
    target[at++] = LETTER_U;
    for (let shift = 12; shift >= 0; shift -= 4) target[at++] = DIGITS[(character >>> shift) & 15]!;
  }
  return at;
}

const json: ConverterCompiler = (_, args): Converter => {
  const code = textArgument(args, 0);
  const isUtf8 = code.startsWith("utf8");
  const isSilent = code.endsWith("s");
  const isPermissive = code.includes("p");
  return (value) => {
    const scratch = value.scratch();
    const { bytes, end } = value;
    let to = 0;
    for (let at = value.start; at < end; at = sequenceEnd) {
      sequenceEnd = at + 1;
      const character = isUtf8 ? readCharacter(bytes, at, end, isPermissive) : bytes[at]!;
      if (character === WRONG) {
        if (!isSilent) return false;
        continue;
      }
      if (to + ESCAPE_BYTES_MAX > scratch.length) return false;
      to = writeCharacter(scratch, to, character);
    }
    value.bytes = scratch;
    value.start = 0;
    value.end = to;
    value.type = TYPE.str;
    return true;
  };
};

/** By name, see converters.table.ts. */
export const JSON_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = { json };
