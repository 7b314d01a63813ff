// Integers beyond 2^53: the sint of the sample language has 64 bits, a JavaScript number counts exactly to 2^53 only.
//
//   value.int    the integer as a double: all that is needed to 2^53, rounded beyond
//   value.high   the upper and the lower 32 bits of the very same integer, two's complement.
//   value.low    They are looked at only when `int` is beyond 2^53, and only if they round to it: what they say of an older value counts as nothing.
//
// So whoever knows only of `int` stays right to 2^53 and off by less than one part in 2^53 beyond. No BigInt: it would be garbage per request.

const WORD = 4294967296;
const EXACT_MAX = Number.MAX_SAFE_INTEGER;
const INT64_LIMIT = 2 ** 63;
const HIGH_MAX = 0x7fffffff;
const HIGH_MIN = -0x80000000;
/** A decimal number of this many digits is exact as a double. */
const EXACT_DIGITS = 15;

/** What carries an integer: SampleValue, and the operands of arithmetic. */
export interface Integer {
  int: number;
  high: number;
  low: number;
}

/** Sets the integer by its two words. */
export function setWords(integer: Integer, high: number, low: number): void {
  integer.high = high | 0;
  integer.low = low | 0;
  integer.int = integer.high * WORD + (integer.low >>> 0);
}

/** Makes `high` and `low` say what `int` says. Beyond the 64 bits it is the greatest or the least integer. */
export function fillWords(integer: Integer): void {
  const int = integer.int;
  if ((int > EXACT_MAX || int < -EXACT_MAX) && integer.high * WORD + (integer.low >>> 0) === int) return;
  if (int >= INT64_LIMIT) {
    integer.high = HIGH_MAX;
    integer.low = -1;
  } else if (int < -INT64_LIMIT) {
    integer.high = HIGH_MIN;
    integer.low = 0;
  } else {
    const high = Math.floor(int / WORD);
    integer.high = high | 0;
    integer.low = (int - high * WORD) | 0;
  }
}

/** Reads an optional sign and leading digits, ignoring what follows; no digits are 0, too many the greatest or least integer. */
export function readInteger64(integer: Integer, bytes: Uint8Array, start: number, end: number): void {
  let at = start;
  const sign = at < end ? bytes[at] : 0;
  if (sign === 45 || sign === 43) at++;
  const isNegative = sign === 45;
  let number = 0;
  const exactEnd = Math.min(end, at + EXACT_DIGITS);
  for (; at < exactEnd; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) break;
    number = number * 10 + digit;
  }
  integer.int = isNegative && number !== 0 ? -number : number;
  if (at < exactEnd || at >= end) return;
  readLongInteger(integer, bytes, at, end, number, isNegative);
}

/** Goes on reading behind the digits that fit into a double. */
function readLongInteger(
  integer: Integer,
  bytes: Uint8Array,
  start: number,
  end: number,
  begin: number,
  isNegative: boolean,
): void {
  let high = Math.floor(begin / WORD);
  let low = begin - high * WORD;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) break;
    low = low * 10 + digit;
    const carry = Math.floor(low / WORD);
    low -= carry * WORD;
    high = high * 10 + carry;
    if (high > HIGH_MAX) {
      setWords(integer, isNegative ? HIGH_MIN : HIGH_MAX, isNegative ? 0 : -1);
      return;
    }
  }
  if (isNegative) setWords(integer, low === 0 ? -high : ~high, -low);
  else setWords(integer, high, low);
}

/** Writes the integer in decimal (at most 20 bytes) and returns the offset behind it. */
export function writeInteger64(target: Uint8Array, start: number, integer: Integer): number {
  fillWords(integer);
  let { high, low } = integer;
  let at = start;
  if (high < 0) {
    target[at++] = 45;
    high = low === 0 ? -high : ~high;
    low = -low;
  }
  high >>>= 0;
  low >>>= 0;
  const first = at;
  do {
    const nextHigh = Math.floor(high / 10);
    const rest = (high - nextHigh * 10) * WORD + low;
    high = nextHigh;
    low = Math.floor(rest / 10);
    target[at++] = 48 + (rest - low * 10);
  } while (high !== 0 || low !== 0);
  for (let i = first, j = at - 1; i < j; i++, j--) {
    const digit = target[i]!;
    target[i] = target[j]!;
    target[j] = digit;
  }
  return at;
}
