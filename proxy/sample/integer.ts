// Integers in text, as HAProxy reads them.

/**
 * Reads an optional sign and leading digits, ignoring what follows; no digits are 0. Exact to 2^53. (HAProxy's hdr_val counts any byte
 * as a digit and wraps at 2^32: 1.2.3.4 is 818284 to it. We do not follow it there.)
 */
export function readInteger(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  const sign = at < end ? bytes[at] : 0;
  if (sign === 45 || sign === 43) at++;
  let number = 0;
  for (; at < end; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) break;
    number = number * 10 + digit;
  }
  return sign === 45 ? -number : number;
}

/** Writes a non-negative integer below 2^53 in decimal; returns the offset after it. */
export function writeDecimal(target: Uint8Array, at: number, number: number): number {
  let scale = 1;
  while (scale * 10 <= number) scale *= 10;
  for (; scale >= 1; scale /= 10) target[at++] = 48 + (Math.floor(number / scale) % 10);
  return at;
}
