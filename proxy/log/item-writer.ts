// The forms that log-format items share: missing values, quoted text, numbers and addresses under the flags +Q, +E and +X.

import { LineWriter } from "./line-writer.ts";

/** Flags of an item: `+Q`, `+E`, `+X`, and the `+` that `option logasap` puts before what will still grow. */
export const QUOTE = 1;
export const ESCAPE = 2;
export const HEX = 4;
export const PLUS = 8;

const DASH = 45;
const DOUBLE_QUOTE = 34;
const PLUS_SIGN = 43;

export class ItemWriter extends LineWriter {
  /** What HAProxy does not know: `-`, or `""` under +Q. */
  missing(flags: number): void {
    if ((flags & QUOTE) === 0) {
      this.byte(DASH);
      return;
    }
    this.byte(DOUBLE_QUOTE);
    this.byte(DOUBLE_QUOTE);
  }

  text(text: Uint8Array, flags: number): void {
    if ((flags & QUOTE) === 0) {
      this.literal(text);
      return;
    }
    this.byte(DOUBLE_QUOTE);
    this.literal(text);
    this.byte(DOUBLE_QUOTE);
  }

  /** A number that +X turns into at least `width` hexadecimal digits. Numbers are never quoted. */
  number(value: number, width: number, flags: number): void {
    if ((flags & HEX) !== 0) this.hex(value, width);
    else this.integer(value);
  }

  /** An address of 4 or 16 bytes. */
  address(bytes: Uint8Array, at: number, length: number, flags: number): void {
    if ((flags & HEX) !== 0) {
      this.hexBytes(bytes, at, length);
      return;
    }
    if ((flags & QUOTE) !== 0) this.byte(DOUBLE_QUOTE);
    if (length === 16) this.ipv6(bytes, at);
    else this.ipv4(bytes, at);
    if ((flags & QUOTE) !== 0) this.byte(DOUBLE_QUOTE);
  }

  plus(flags: number): void {
    if ((flags & PLUS) !== 0) this.byte(PLUS_SIGN);
  }
}
