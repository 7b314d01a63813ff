// Converters that find a part of a string: field, word, param. configuration.txt 7.3.1. Nothing is copied, the value's range shrinks.
//
//   f1_f2__f5    field(_):  f1 | f2 | (empty) | f5         word(_):  f1 | f2 | f5
//
// What HAProxy was seen to do where the text leaves it open: a negative count is as good as 0 (all the rest); a count beyond the end takes what
// there is; words that run to the end keep the delimiters there (`a_b__` has word(1,_,0) `a_b__`), likewise at the beginning when counted
// from the end.

import { textBytes } from "../value.ts";
import { type Arguments, integerArgument, paramDelimiter, textArgument } from "./arguments.ts";
import type { Converter, ConverterCompiler } from "./converter.ts";
import { byteSet } from "./string.ts";

const EQUALS = 61;
const AMPERSAND = 38;

interface Search {
  /** 1 for delimiters. */
  readonly delimiters: Uint8Array;
  /** 1 is the first (or, from the end, the last). */
  readonly index: number;
  /** Parts to take; Infinity: all. */
  readonly count: number;
  /** Parts without a byte do not count (`word`). */
  readonly skipsEmpty: boolean;
}

/** Takes the parts `index` to `index + count - 1` counted from the beginning. */
function fromStart({ delimiters, index, count, skipsEmpty }: Search): Converter {
  return (value) => {
    const { bytes, end } = value;
    let partStart = value.start;
    let seen = 0;
    let found = -1;
    for (let at = value.start; at <= end; at++) {
      if (at < end && delimiters[bytes[at]!] === 0) continue;
      if (at > partStart || !skipsEmpty) {
        seen++;
        if (seen === index) found = partStart;
        if (seen === index + count - 1) {
          value.end = at;
          break;
        }
      }
      partStart = at + 1;
    }
    if (found < 0) return false;
    value.start = found;
    return true;
  };
}

/** The same from the end: the parts `index + count - 1` to `index`, counted backwards. */
function fromEnd({ delimiters, index, count, skipsEmpty }: Search): Converter {
  return (value) => {
    const { bytes, start } = value;
    let partEnd = value.end;
    let seen = 0;
    let found = -1;
    for (let at = value.end - 1; at >= start - 1; at--) {
      if (at >= start && delimiters[bytes[at]!] === 0) continue;
      if (partEnd > at + 1 || !skipsEmpty) {
        seen++;
        if (seen === index) found = partEnd;
        if (seen === index + count - 1) {
          value.start = at + 1;
          break;
        }
      }
      partEnd = at;
    }
    if (found < 0) return false;
    value.end = found;
    return true;
  };
}

function search(args: Arguments, skipsEmpty: boolean): Converter {
  const index = integerArgument(args, 0, 1);
  const count = integerArgument(args, 2, 1);
  const plan: Search = {
    delimiters: byteSet(textArgument(args, 1)),
    index: Math.abs(index),
    count: count > 0 ? count : Number.POSITIVE_INFINITY,
    skipsEmpty,
  };
  return index > 0 ? fromStart(plan) : fromEnd(plan);
}

/** The value of the first parameter of a name; without `=` it is empty. */
const param: ConverterCompiler = (_, args) => {
  const name = textBytes(textArgument(args, 0));
  const delimiter = paramDelimiter(args) ?? AMPERSAND;
  return (value) => {
    const { bytes, end } = value;
    for (let start = value.start; start < end; ) {
      let equals = -1;
      let at = start;
      for (; at < end && bytes[at] !== delimiter; at++) if (equals < 0 && bytes[at] === EQUALS) equals = at;
      const nameEnd = equals < 0 ? at : equals;
      let i = 0;
      while (i < name.length && start + i < nameEnd && bytes[start + i] === name[i]) i++;
      if (i === name.length && start + i === nameEnd) {
        value.start = equals < 0 ? at : equals + 1;
        value.end = at;
        return true;
      }
      start = at + 1;
    }
    return false;
  };
};

/** By name, see converters.table.ts. */
export const WORD_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  field: (_, args) => search(args, false),
  param,
  word: (_, args) => search(args, true),
};
