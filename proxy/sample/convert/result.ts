// Small helpers for converters that give a value of another type than they got.

import { setWords } from "../integer64.ts";
import { TYPE } from "../types.ts";
import type { SampleValue } from "../value.ts";

const BOOL = TYPE.bool;
const SINT = TYPE.sint;

export function setBool(value: SampleValue, is: boolean): true {
  value.int = is ? 1 : 0;
  value.type = BOOL;
  return true;
}

export function setInteger(value: SampleValue, int: number): true {
  value.int = int;
  value.type = SINT;
  return true;
}

/** 64 bits, two's complement. */
export function setInteger64(value: SampleValue, high: number, low: number): true {
  setWords(value, high, low);
  value.type = SINT;
  return true;
}

/** A part of the value's own bytes. */
export function setRange(value: SampleValue, start: number, end: number, type: number): true {
  value.start = start;
  value.end = end;
  value.type = type;
  return true;
}

/** Bytes that a converter made; false: they do not fit. */
export function setCopy(value: SampleValue, bytes: Uint8Array, type: number): boolean {
  const scratch = value.scratch();
  if (bytes.length > scratch.length) return false;
  scratch.set(bytes);
  value.bytes = scratch;
  return setRange(value, 0, bytes.length, type);
}
