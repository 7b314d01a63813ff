// Converters that turn a text round: reverse (bytes), reverse_dom (labels of a name), base2 (bits). configuration.txt 7.3.1.

import { TYPE } from "../types.ts";
import type { Converter, ConverterCompiler } from "./converter.ts";
import { setRange } from "./result.ts";

const DOT = 46;
const ZERO = 48;
const STR = TYPE.str;

const reverse: Converter = (value) => {
  const scratch = value.scratch();
  const { bytes, start, end } = value;
  const length = end - start;
  if (length > scratch.length) return false;
  for (let i = 0; i < length; i++) scratch[i] = bytes[end - 1 - i]!;
  value.bytes = scratch;
  return setRange(value, 0, length, STR);
};

/** `mail.example.com` → `com.example.mail`. A dot at the end is passed over; an empty label makes it no name. */
const reverseDom: Converter = (value) => {
  const scratch = value.scratch();
  const { bytes, start } = value;
  let { end } = value;
  if (end > start && bytes[end - 1] === DOT) end--;
  if (end === start || end - start > scratch.length) return false;
  let to = 0;
  let labelEnd = end;
  for (let at = end - 1; at >= start - 1; at--) {
    if (at >= start && bytes[at] !== DOT) continue;
    if (at + 1 === labelEnd) return false;
    if (to > 0) scratch[to++] = DOT;
    for (let i = at + 1; i < labelEnd; i++) scratch[to++] = bytes[i]!;
    labelEnd = at;
  }
  value.bytes = scratch;
  return setRange(value, 0, to, STR);
};

const base2: Converter = (value) => {
  const scratch = value.scratch();
  const { bytes, start, end } = value;
  let to = 0;
  for (let at = start; at < end && to + 8 <= scratch.length; at++) {
    for (let bit = 7; bit >= 0; bit--) scratch[to++] = ZERO + ((bytes[at]! >> bit) & 1);
  }
  value.bytes = scratch;
  return setRange(value, 0, to, STR);
};

/** By name, see converters.table.ts. */
export const REVERSE_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  base2: () => base2,
  reverse: () => reverse,
  reverse_dom: () => reverseDom,
};
