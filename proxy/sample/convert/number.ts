// Converters of numbers: arithmetic and bits of signed 64-bit integers, and what they say as a boolean. configuration.txt 7.3.1.
//
// Nothing wraps around: sums, differences and products beyond the 64 bits become the greatest or the least integer, and a division by
// zero gives the greatest one. Operands up to 2^53, which is nearly all of them, are computed as doubles; only larger ones go through
// the words of integer64.ts.

import { fillWords, type Integer, setWords } from "../integer64.ts";
import { TYPE } from "../types.ts";
import type { SampleValue } from "../value.ts";
import { Words64 } from "../words64.ts";
import { operand, textArgument } from "./arguments.ts";
import type { Converter, ConverterCompiler } from "./converter.ts";
import { isVariable, VariableOperand } from "./variable-operand.ts";

const EXACT_MAX = Number.MAX_SAFE_INTEGER;
const HIGH_MAX = 0x7fffffff;
const HIGH_MIN = -0x80000000;
/** Products above this are beyond 2^63 whatever rounding did to them, those below are not beyond 2^64. */
const PRODUCT_LIMIT = 1.5 * 2 ** 63;
const SINT = TYPE.sint;
const BOOL = TYPE.bool;

/** The operands of the slow paths. One set for all, because no operation is interrupted. */
const a = new Words64();
const b = new Words64();
const quotient = new Words64();

function isExact(int: number): boolean {
  return int <= EXACT_MAX && int >= -EXACT_MAX;
}

function loadWords(value: SampleValue, by: Integer): void {
  fillWords(value);
  fillWords(by);
  a.set(value.high, value.low);
  b.set(by.high, by.low);
}

function saturate(value: SampleValue, isNegative: boolean): void {
  if (isNegative) setWords(value, HIGH_MIN, 0);
  else setWords(value, HIGH_MAX, -1);
}

function addWords(value: SampleValue, by: Integer): void {
  loadWords(value, by);
  const sign = a.high;
  const isSameSign = (sign ^ b.high) >= 0;
  a.add(b);
  if (isSameSign && (sign ^ a.high) < 0) saturate(value, sign < 0);
  else setWords(value, a.high, a.low);
}

function subtractWords(value: SampleValue, by: Integer): void {
  loadWords(value, by);
  const sign = a.high;
  const isSameSign = (sign ^ b.high) >= 0;
  a.subtract(b);
  if (!isSameSign && (sign ^ a.high) < 0) saturate(value, sign < 0);
  else setWords(value, a.high, a.low);
}

/** Leaves the magnitudes in `a` and `b`; true when exactly one of the two was negative. */
function loadMagnitudes(value: SampleValue, by: Integer): boolean {
  loadWords(value, by);
  const isNegative = (a.high ^ b.high) < 0;
  if (a.high < 0) a.negate();
  if (b.high < 0) b.negate();
  return isNegative;
}

/** Sets a magnitude with its sign. 2^63 exists only as a negative number. */
function setSigned(value: SampleValue, magnitude: Words64, isNegative: boolean): void {
  const isLimit = magnitude.high === HIGH_MIN && magnitude.low === 0;
  if (magnitude.high < 0 && !(isNegative && isLimit)) saturate(value, isNegative);
  else {
    if (isNegative) magnitude.negate();
    setWords(value, magnitude.high, magnitude.low);
  }
}

function multiplyWords(value: SampleValue, by: Integer): void {
  const isNegative = loadMagnitudes(value, by);
  if (a.toUnsigned() * b.toUnsigned() >= PRODUCT_LIMIT) saturate(value, isNegative);
  else setSigned(value, a.multiply(b), isNegative);
}

/** Divides `a` by `b`, bit by bit: the quotient is in `quotient`, the remainder in `a`. */
function divideMagnitudes(): void {
  let restHigh = 0;
  let restLow = 0;
  let { high, low } = a;
  quotient.set(0, 0);
  for (let bit = 0; bit < 64; bit++) {
    restHigh = (restHigh << 1) | (restLow >>> 31);
    restLow = (restLow << 1) | (high >>> 31);
    high = (high << 1) | (low >>> 31);
    low <<= 1;
    a.set(restHigh, restLow);
    quotient.set((quotient.high << 1) | (quotient.low >>> 31), quotient.low << 1);
    if (a.isBelow(b)) continue;
    a.subtract(b);
    restHigh = a.high;
    restLow = a.low;
    quotient.low |= 1;
  }
}

function add(value: SampleValue, by: Integer): void {
  const sum = value.int + by.int;
  if (isExact(value.int) && isExact(by.int) && isExact(sum)) value.int = sum;
  else addWords(value, by);
}

function subtract(value: SampleValue, by: Integer): void {
  const difference = value.int - by.int;
  if (isExact(value.int) && isExact(by.int) && isExact(difference)) value.int = difference;
  else subtractWords(value, by);
}

function multiply(value: SampleValue, by: Integer): void {
  const product = value.int * by.int;
  if (isExact(product) && isExact(value.int) && isExact(by.int))
    value.int = product + 0; // no -0
  else multiplyWords(value, by);
}

function divide(value: SampleValue, by: Integer): void {
  if (by.int === 0) saturate(value, false);
  else if (isExact(value.int) && isExact(by.int)) value.int = Math.trunc(value.int / by.int) + 0;
  else {
    const isNegative = loadMagnitudes(value, by);
    divideMagnitudes();
    setSigned(value, quotient, isNegative);
  }
}

/** The remainder has the sign of what is divided; modulo zero gives zero. */
function modulo(value: SampleValue, by: Integer): void {
  if (by.int === 0) value.int = 0;
  else if (isExact(value.int) && isExact(by.int)) value.int = (value.int % by.int) + 0;
  else {
    const isNegative = value.int < 0;
    loadMagnitudes(value, by);
    divideMagnitudes();
    setSigned(value, a, isNegative);
  }
}

function and(value: SampleValue, by: Integer): void {
  loadWords(value, by);
  setWords(value, a.high & b.high, a.low & b.low);
}

function or(value: SampleValue, by: Integer): void {
  loadWords(value, by);
  setWords(value, a.high | b.high, a.low | b.low);
}

function xor(value: SampleValue, by: Integer): void {
  loadWords(value, by);
  setWords(value, a.high ^ b.high, a.low ^ b.low);
}

function withOperand(operation: (value: SampleValue, by: Integer) => void): ConverterCompiler {
  return (ctx, args) => {
    const name = textArgument(args, 0);
    if (isVariable(name)) {
      const variable = new VariableOperand(ctx, name);
      const by: Integer = { int: 0.5, high: 0, low: 0 };
      return (value, stream) => {
        if (!variable.readInteger(stream, by)) return false;
        operation(value, by);
        value.type = SINT;
        return true;
      };
    }
    const by = operand(args, 0);
    return (value) => {
      operation(value, by);
      value.type = SINT;
      return true;
    };
  };
}

const cpl: Converter = (value) => {
  fillWords(value);
  setWords(value, ~value.high, ~value.low);
  value.type = SINT;
  return true;
};

const ZERO: Integer = { int: 0, high: 0, low: 0 };

const neg: Converter = (value) => {
  if (isExact(value.int)) value.int = 0 - value.int;
  else {
    loadWords(value, ZERO);
    setWords(value, b.subtract(a).high, b.low);
    // The least integer has no opposite.
    if (a.high === HIGH_MIN && a.low === 0) saturate(value, false);
  }
  value.type = SINT;
  return true;
};

function boolean(test: (value: SampleValue) => boolean): ConverterCompiler {
  return () => (value) => {
    value.int = test(value) ? 1 : 0;
    value.type = BOOL;
    return true;
  };
}

function isOdd(value: SampleValue): boolean {
  fillWords(value);
  return (value.low & 1) !== 0;
}

/** The 32 lower bits in network order. */
const htonl: Converter = (value) => {
  fillWords(value);
  const scratch = value.scratch();
  for (let i = 0; i < 4; i++) scratch[i] = value.low >>> (24 - i * 8);
  value.bytes = scratch;
  value.start = 0;
  value.end = 4;
  value.type = TYPE.bin;
  return true;
};

/** By name, see converters.table.ts. */
export const NUMBER_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  add: withOperand(add),
  and: withOperand(and),
  bool: boolean((value) => value.int !== 0),
  cpl: () => cpl,
  div: withOperand(divide),
  even: boolean((value) => !isOdd(value)),
  htonl: () => htonl,
  mod: withOperand(modulo),
  mul: withOperand(multiply),
  neg: () => neg,
  not: boolean((value) => value.int === 0),
  odd: boolean(isOdd),
  or: withOperand(or),
  sub: withOperand(subtract),
  xor: withOperand(xor),
};
