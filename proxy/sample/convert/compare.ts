// Converters that compare or look for something: strcmp, secure_memcmp, has_ctl. configuration.txt 7.3.1.

import { timingSafeEqual } from "node:crypto";
import type { SampleValue } from "../value.ts";
import { type ArgumentCheck, type Arguments, textArgument } from "./arguments.ts";
import type { ConverterCompiler } from "./converter.ts";
import { setBool, setInteger } from "./result.ts";
import { bytesOperand } from "./variable-operand.ts";

/** What strncmp(3) and then the lengths say. */
const strcmp: ConverterCompiler = (ctx, args) => {
  const other = bytesOperand(ctx, textArgument(args, 0));
  return (value, stream) => {
    const right = other(stream);
    if (right === null) return false;
    const { bytes, start, end } = value;
    const length = end - start;
    const common = Math.min(length, right.length);
    let i = 0;
    while (i < common && bytes[start + i] === right[i]) i++;
    const difference = i < common ? bytes[start + i]! - right[i]! : length - right.length;
    return setInteger(value, Math.sign(difference));
  };
};

/** In time that depends on the length only, where both are equally long. */
const secureMemcmp: ConverterCompiler = (ctx, args) => {
  const other = bytesOperand(ctx, textArgument(args, 0));
  return (value, stream) => {
    const right = other(stream);
    if (right === null) return false;
    const left = value.bytes.subarray(value.start, value.end);
    return setBool(value, left.length === right.length && timingSafeEqual(left, right));
  };
};

const DEL = 127;
/** One bit for each of the characters 0 to 31, and 32 for DEL. */
const CONTROLS: Readonly<Record<string, number>> = { "": 0x1fffffdff, any: 0x1ffffffff, http: 0x2401 };

/** The mask that the argument names or is, null: it is none. */
function controlMask(args: Arguments): number | null {
  const text = textArgument(args, 0);
  const named = CONTROLS[text];
  if (named !== undefined) return named;
  if (!/^(?:0x[0-9a-f]+|\d+)$/i.test(text)) return null;
  const mask = Number(text);
  return mask <= 0x1ffffffff ? mask : null;
}

/** `has_ctl(mask)`. */
export const checkControls: ArgumentCheck = (args) =>
  controlMask(args) === null ? `invalid mask '${textArgument(args, 0)}'` : null;

function hasControl({ bytes, start, end }: SampleValue, isWanted: Uint8Array): boolean {
  for (let at = start; at < end; at++) if (isWanted[bytes[at]!] === 1) return true;
  return false;
}

const hasCtl: ConverterCompiler = (_, args) => {
  const mask = controlMask(args) ?? 0;
  const isWanted = new Uint8Array(256);
  for (let c = 0; c < 32; c++) isWanted[c] = Math.floor(mask / 2 ** c) % 2;
  isWanted[DEL] = Math.floor(mask / 2 ** 32);
  return (value) => setBool(value, hasControl(value, isWanted));
};

/** By name, see converters.table.ts. */
export const COMPARE_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  has_ctl: hasCtl,
  secure_memcmp: secureMemcmp,
  strcmp,
};
