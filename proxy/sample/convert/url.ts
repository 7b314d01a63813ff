// Converters of percent-encoding: url_dec and url_enc. configuration.txt 7.3.1.

import { TYPE } from "../types.ts";
import { textBytes } from "../value.ts";
import { integerArgument } from "./arguments.ts";
import type { Converter, ConverterCompiler } from "./converter.ts";
import { hexDigit } from "./hex.ts";
import { byteSet } from "./string.ts";

const PERCENT = 37;
const PLUS = 43;
const SPACE = 32;
const QUESTION_MARK = 63;
const DIGITS = textBytes("0123456789ABCDEF");
/** RFC 3986 section 2.3. */
const UNRESERVED = byteSet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~");

/** `+` is a space in a form, and behind a question mark in any case. An escape that is none makes the whole value "not found". */
const urlDecode: ConverterCompiler = (_, args) => {
  const isForm = integerArgument(args, 0, 0) !== 0;
  return (value) => {
    const scratch = value.scratch();
    const { bytes, end } = value;
    let isQuery = isForm;
    let to = 0;
    for (let at = value.start; at < end && to < scratch.length; at++) {
      let c = bytes[at]!;
      if (c === PERCENT) {
        if (at + 2 >= end) return false;
        const high = hexDigit(bytes[at + 1]!);
        const low = hexDigit(bytes[at + 2]!);
        if (high < 0 || low < 0) return false;
        c = (high << 4) | low;
        at += 2;
      } else if (c === PLUS && isQuery) c = SPACE;
      else if (c === QUESTION_MARK) isQuery = true;
      scratch[to++] = c;
    }
    value.bytes = scratch;
    value.start = 0;
    value.end = to;
    value.type = TYPE.str;
    return true;
  };
};

/** Everything but RFC 3986's unreserved characters becomes %XX. */
const urlEncode: Converter = (value) => {
  const scratch = value.scratch();
  const { bytes, end } = value;
  let to = 0;
  for (let at = value.start; at < end; at++) {
    const c = bytes[at]!;
    if (to + 3 > scratch.length) return false;
    if (UNRESERVED[c] === 1) scratch[to++] = c;
    else {
      scratch[to++] = PERCENT;
      scratch[to++] = DIGITS[c >>> 4]!;
      scratch[to++] = DIGITS[c & 15]!;
    }
  }
  value.bytes = scratch;
  value.start = 0;
  value.end = to;
  value.type = TYPE.str;
  return true;
};

/** By name, see converters.table.ts. */
export const URL_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  url_dec: urlDecode,
  url_enc: () => urlEncode,
};
