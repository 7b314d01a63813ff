// HPACK encoding (RFC 7541 6): fields by their index in the static table where they have one, else as literals without indexing and without
// Huffman code, as HAProxy does. So there is no table to keep in step with the peer's, and nothing of one client's secrets is in another
// field's size (CRIME). Writes into a buffer of the arena.

import { ByteWriter } from "../../../shared/arena/byte-writer.ts";
import { STATIC, STATUS_INDEX, staticNameIndex } from "./static-table.ts";

/** Literal field without indexing (RFC 7541 6.2.2), never indexed (6.2.3), and a change of the table's size (6.3). */
const LITERAL = 0x00;
const NEVER = 0x10;
const RESIZE = 0x20;
const LENGTH_MORE = 127;

export class HpackWriter extends ByteWriter {
  /** The table is of no use from here on: the peer asked for a smaller one than it has. */
  forgetTable(): void {
    this.byte(RESIZE);
  }

  /** A field that stands in the static table with its value. */
  indexed(index: number): void {
    this.byte(0x80 | index);
  }

  status(status: number): void {
    const index = STATUS_INDEX[status]!;
    if (index !== 0) {
      this.indexed(index);
      return;
    }
    this.byte(LITERAL | STATIC.status);
    this.byte(3);
    this.statusDigits(status);
  }

  /** A field whose name stands in the static table, its value in the arena. */
  named(index: number, start: number, end: number): void {
    this.#prefixed(LITERAL, 4, index);
    this.#span(start, end);
  }

  /** Name and value in the arena; the name in lower case. @param isSecret it must not be put into a table by anybody on the way */
  field(name: number, nameEnd: number, value: number, valueEnd: number, isSecret: boolean): void {
    const index = staticNameIndex(this.bytes, name, nameEnd);
    this.#prefixed(isSecret ? NEVER : LITERAL, 4, index);
    if (index === 0) this.#span(name, nameEnd);
    this.#span(value, valueEnd);
  }

  /** A literal whose name or value is a constant. */
  constant(name: Uint8Array, value: Uint8Array): void {
    this.byte(LITERAL);
    this.#constant(name);
    this.#constant(value);
  }

  /** The same with its value in the arena. */
  constantName(name: Uint8Array, start: number, end: number): void {
    this.byte(LITERAL);
    this.#constant(name);
    this.#span(start, end);
  }

  #constant(text: Uint8Array): void {
    this.#prefixed(0, 7, text.length);
    this.text(text);
  }

  #span(start: number, end: number): void {
    this.#prefixed(0, 7, end - start);
    this.copy(start, end);
  }

  /** RFC 7541 5.1 */
  #prefixed(first: number, prefixBits: number, value: number): void {
    const max = (1 << prefixBits) - 1;
    if (value < max) {
      this.byte(first | value);
      return;
    }
    this.byte(first | max);
    let left = value - max;
    for (; left > LENGTH_MORE; left >>>= 7) this.byte((left & LENGTH_MORE) | 128);
    this.byte(left);
  }
}
