// Converters of strings: cases, lengths, parts cut off, parts put on. configuration.txt 7.3.1.
//
// Those that only shorten move `start` and `end`; the others write to a scratch area, since the value's own bytes may be the arena's or the
// configuration's. field, word and param, which look for the parts themselves, stand in words.ts.

import type { Stream } from "../../stream/stream.ts";
import type { SampleContext } from "../context.ts";
import type { Integer } from "../integer64.ts";
import { TYPE } from "../types.ts";
import { type SampleValue, textBytes } from "../value.ts";
import { type Arguments, integerArgument, operand, textArgument } from "./arguments.ts";
import type { Converter, ConverterCompiler } from "./converter.ts";
import { type BytesOperand, bytesOperand, isVariable, VariableOperand } from "./variable-operand.ts";

const CARRIAGE_RETURN = 13;
const LINE_FEED = 10;
const COLON = 58;
const BRACKET = 93;
const ZERO = 48;

function setScratch(value: SampleValue, scratch: Uint8Array, length: number): boolean {
  value.bytes = scratch;
  value.start = 0;
  value.end = length;
  return true;
}

/** Maps the 26 letters from one case to the other; other bytes stay, whatever the locale. */
function changeCase(first: number, last: number): Converter {
  return (value) => {
    const scratch = value.scratch();
    const { bytes, start } = value;
    const length = Math.min(value.end - start, scratch.length);
    for (let i = 0; i < length; i++) {
      const c = bytes[start + i]!;
      scratch[i] = c >= first && c <= last ? c ^ 32 : c;
    }
    return setScratch(value, scratch, length);
  };
}

const length: Converter = (value) => {
  value.int = value.end - value.start;
  value.type = TYPE.sint;
  return true;
};

/** An offset behind the end gives nothing (an empty block); a length behind it is cut. */
const bytes: ConverterCompiler = (ctx, args) => {
  if (isVariable(textArgument(args, 0)) || isVariable(textArgument(args, 1))) return variableBytes(ctx, args);
  const offset = integerArgument(args, 0, 0);
  const limit = integerArgument(args, 1, Number.POSITIVE_INFINITY);
  return (value) => {
    value.type = TYPE.bin;
    value.start = Math.min(value.start + offset, value.end);
    value.end = Math.min(value.end, value.start + limit);
    return true;
  };
};

/** The same with variables. A number that is no offset or no length, and an offset behind the end, give nothing at all. */
const variableBytes: ConverterCompiler = (ctx, args) => {
  const [offset, limit] = [0, 1].map((index) => {
    const text = textArgument(args, index);
    if (text === "") return null;
    return isVariable(text) ? new VariableOperand(ctx, text) : operand(args, index);
  });
  const number: Integer = { int: 0.5, high: 0, low: 0 };
  const read = (from: VariableOperand | Integer | null | undefined, missing: number, stream: Stream): number => {
    if (from === null || from === undefined) return missing;
    if (!(from instanceof VariableOperand)) return from.int;
    return from.readInteger(stream, number) ? number.int : -1;
  };
  return (value, stream) => {
    const start = read(offset, 0, stream);
    const length = read(limit, Number.POSITIVE_INFINITY, stream);
    if (start < 0 || length <= 0 || value.start + start > value.end) return false;
    value.type = TYPE.bin;
    value.start += start;
    value.end = Math.min(value.end, value.start + length);
    return true;
  };
};

/** 1 for every byte of a text. */
export function byteSet(text: string): Uint8Array {
  const set = new Uint8Array(256);
  for (const byte of textBytes(text)) set[byte] = 1;
  return set;
}

const ltrim: ConverterCompiler = (_, args) => {
  const set = byteSet(textArgument(args, 0));
  return (value) => {
    while (value.start < value.end && set[value.bytes[value.start]!] === 1) value.start++;
    return true;
  };
};

const rtrim: ConverterCompiler = (_, args) => {
  const set = byteSet(textArgument(args, 0));
  return (value) => {
    while (value.start < value.end && set[value.bytes[value.end - 1]!] === 1) value.end--;
    return true;
  };
};

const cutCrlf: Converter = (value) => {
  for (let at = value.start; at < value.end; at++) {
    const c = value.bytes[at];
    if (c === CARRIAGE_RETURN || c === LINE_FEED) value.end = at;
  }
  return true;
};

/** Copies as much as fits and returns the offset behind it. */
function append(target: Uint8Array, at: number, source: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end && at < target.length; i++) target[at++] = source[i]!;
  return at;
}

const NO_VARIABLE: BytesOperand = () => null;

function variableOrNone(ctx: SampleContext, name: string): BytesOperand {
  return name === "" ? NO_VARIABLE : bytesOperand(ctx, name);
}

/** Puts a text, a variable and another text behind the value. */
const concat: ConverterCompiler = (ctx, args) => {
  const before = textBytes(textArgument(args, 0));
  const variable = variableOrNone(ctx, textArgument(args, 1));
  const behind = textBytes(textArgument(args, 2));
  return (value, stream) => {
    const middle = variable(stream);
    const scratch = value.scratch();
    let at = append(scratch, 0, value.bytes, value.start, value.end);
    at = append(scratch, at, before, 0, before.length);
    if (middle !== null) at = append(scratch, at, middle, 0, middle.length);
    return setScratch(value, scratch, append(scratch, at, behind, 0, behind.length));
  };
};

/** Appends a variable and a text as one item, with a delimiter in front unless nothing stands there; no variable and no text, no item. */
const addItem: ConverterCompiler = (ctx, args) => {
  const delimiter = textBytes(textArgument(args, 0));
  const variable = variableOrNone(ctx, textArgument(args, 1));
  const suffix = textBytes(textArgument(args, 2));
  return (value, stream) => {
    const item = variable(stream);
    const isEmpty = (item === null || item.length === 0) && suffix.length === 0;
    const scratch = value.scratch();
    let at = append(scratch, 0, value.bytes, value.start, value.end);
    if (at > 0 && !isEmpty) at = append(scratch, at, delimiter, 0, delimiter.length);
    if (item !== null) at = append(scratch, at, item, 0, item.length);
    return setScratch(value, scratch, append(scratch, at, suffix, 0, suffix.length));
  };
};

const iif: ConverterCompiler = (_, args: Arguments) => {
  const whenTrue = textBytes(textArgument(args, 0));
  const whenFalse = textBytes(textArgument(args, 1));
  return (value) => {
    const chosen = value.int !== 0 ? whenTrue : whenFalse;
    value.type = TYPE.str;
    return setScratch(value, chosen, chosen.length);
  };
};

/** Where the port's colon stands in a Host header's value, else its end: the last one, unless a bracket stands behind it. */
function portColon(value: SampleValue): number {
  for (let at = value.end - 1; at >= value.start; at--) {
    const c = value.bytes[at];
    if (c === BRACKET) break;
    if (c === COLON) return at;
  }
  return value.end;
}

const lower = changeCase(65, 90);

const hostOnly: Converter = (value, stream) => {
  value.end = portColon(value);
  return lower(value, stream);
};

/** No port is 0. Behind the digits HAProxy reads any byte as a digit; we stop there. */
const portOnly: Converter = (value) => {
  let port = 0;
  for (let at = portColon(value) + 1; at < value.end; at++) {
    const digit = value.bytes[at]! - ZERO;
    if (digit < 0 || digit > 9) break;
    port = (port * 10 + digit) % 4294967296;
  }
  value.int = port;
  value.type = TYPE.sint;
  return true;
};

const upper = changeCase(97, 122);

/** By name, see converters.table.ts: each takes its arguments and gives the function. */
export const STRING_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  add_item: addItem,
  bytes,
  concat,
  cut_crlf: () => cutCrlf,
  host_only: () => hostOnly,
  iif,
  length: () => length,
  lower: () => lower,
  ltrim,
  port_only: () => portOnly,
  rtrim,
  upper: () => upper,
};
