// Converters between bytes and base64 (RFC 4648 section 4: base64, b64dec) or base64url without padding (section 5: ub64enc, ub64dec).
//
// Decoding is strict about the alphabet, and b64dec takes whole groups of four only. As HAProxy does, it lets each group have its own padding
// (`Zg==Zg==`), and bits that a group has too many are ignored. HAProxy's ub64dec makes bytes of `=` signs, too: ours says "not found",
// since the base64url of tokens has none.

import { TYPE } from "../types.ts";
import { textBytes } from "../value.ts";
import type { Converter, ConverterCompiler } from "./converter.ts";

const EQUALS = 61;
const INVALID = 255;

const COMMON = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const STANDARD = textBytes(`${COMMON}+/`);
const URL_SAFE = textBytes(`${COMMON}-_`);

function valuesOf(alphabet: Uint8Array): Uint8Array {
  const values = new Uint8Array(256).fill(INVALID);
  alphabet.forEach((byte, i) => {
    values[byte] = i;
  });
  return values;
}

function encoder(alphabet: Uint8Array, isPadded: boolean): Converter {
  return (value) => {
    const scratch = value.scratch();
    const { bytes, end } = value;
    if (Math.ceil((end - value.start) / 3) * 4 > scratch.length) return false;
    let to = 0;
    for (let at = value.start; at < end; at += 3) {
      const left = end - at;
      const group = (bytes[at]! << 16) | (left > 1 ? bytes[at + 1]! << 8 : 0) | (left > 2 ? bytes[at + 2]! : 0);
      scratch[to++] = alphabet[group >>> 18]!;
      scratch[to++] = alphabet[(group >>> 12) & 63]!;
      if (left > 1) scratch[to++] = alphabet[(group >>> 6) & 63]!;
      else if (isPadded) scratch[to++] = EQUALS;
      if (left > 2) scratch[to++] = alphabet[group & 63]!;
      else if (isPadded) scratch[to++] = EQUALS;
    }
    value.bytes = scratch;
    value.start = 0;
    value.end = to;
    value.type = TYPE.str;
    return true;
  };
}

/** Writes the first `count` of the three bytes of a group of 24 bits. */
function writeGroup(target: Uint8Array, at: number, group: number, count: number): number {
  for (let i = 0; i < count; i++) target[at + i] = group >>> (16 - i * 8);
  return at + count;
}

function decoder(values: Uint8Array, isPadded: boolean): Converter {
  return (value) => {
    const scratch = value.scratch();
    const { bytes, end } = value;
    let to = 0;
    let group = 0;
    let count = 0;
    let padding = 0;
    for (let at = value.start; at < end && to + 3 <= scratch.length; at++) {
      const bits = values[bytes[at]!]!;
      if (bits !== INVALID && padding === 0) group = (group << 6) | bits;
      else if (isPadded && bytes[at] === EQUALS && padding < 3) {
        group <<= 6;
        padding++;
      } else return false;
      if (++count < 4) continue;
      to = writeGroup(scratch, to, group, Math.max(3 - padding, 0));
      group = count = padding = 0;
    }
    if (count !== 0) {
      if (isPadded || count === 1) return false;
      to = writeGroup(scratch, to, group << (24 - count * 6), count - 1);
    }
    value.bytes = scratch;
    value.start = 0;
    value.end = to;
    value.type = TYPE.bin;
    return true;
  };
}

/** By name, see converters.table.ts. */
export const BASE64_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  b64dec: () => decoder(valuesOf(STANDARD), true),
  base64: () => encoder(STANDARD, true),
  ub64dec: () => decoder(valuesOf(URL_SAFE), false),
  ub64enc: () => encoder(URL_SAFE, false),
};
