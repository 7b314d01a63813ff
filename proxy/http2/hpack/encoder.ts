// HPACK encoding (RFC 7541 6): fields by their index in the static table where they have one, else as literals without indexing and without
// Huffman code, as HAProxy does. So there is no table to keep in step with the peer's, and nothing of one client's secrets is in another
// field's size (CRIME). Writes into a buffer of the arena.

import { STATUS_INDEX, staticNameIndex } from "./static-table.ts";

const STATUS_NAME_INDEX = 8;
/** Literal field without indexing (RFC 7541 6.2.2), never indexed (6.2.3), and a change of the table's size (6.3). */
const LITERAL = 0x00;
const NEVER = 0x10;
const RESIZE = 0x20;
const LENGTH_MORE = 127;

export class HpackWriter {
  readonly #bytes: Uint8Array;
  at = 0;
  #limit = 0;
  /** The block does not fit. */
  failed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  begin(at: number, limit: number): void {
    this.at = at;
    this.#limit = limit;
    this.failed = false;
  }

  /** The table is of no use from here on: the peer asked for a smaller one than it has. */
  forgetTable(): void {
    this.#byte(RESIZE);
  }

  /** A field that stands in the static table with its value. */
  indexed(index: number): void {
    this.#byte(0x80 | index);
  }

  status(status: number): void {
    const index = STATUS_INDEX[status]!;
    if (index !== 0) {
      this.indexed(index);
      return;
    }
    this.#byte(LITERAL | STATUS_NAME_INDEX);
    this.#byte(3);
    this.#byte(48 + ((status / 100) | 0));
    this.#byte(48 + (((status / 10) | 0) % 10));
    this.#byte(48 + (status % 10));
  }

  /** A field whose name stands in the static table, its value in the arena. */
  named(index: number, start: number, end: number): void {
    this.#prefixed(LITERAL, 4, index);
    this.#text(start, end);
  }

  /** Name and value in the arena; the name in lower case. @param isSecret it must not be put into a table by anybody on the way */
  field(name: number, nameEnd: number, value: number, valueEnd: number, isSecret: boolean): void {
    const index = staticNameIndex(this.#bytes, name, nameEnd);
    this.#prefixed(isSecret ? NEVER : LITERAL, 4, index);
    if (index === 0) this.#text(name, nameEnd);
    this.#text(value, valueEnd);
  }

  /** A literal whose name or value is a constant. */
  constant(name: Uint8Array, value: Uint8Array): void {
    this.#byte(LITERAL);
    this.#part(name);
    this.#part(value);
  }

  /** The same with its value in the arena. */
  constantName(name: Uint8Array, start: number, end: number): void {
    this.#byte(LITERAL);
    this.#part(name);
    this.#text(start, end);
  }

  #part(text: Uint8Array): void {
    this.#prefixed(0, 7, text.length);
    if (this.at + text.length > this.#limit) {
      this.failed = true;
      return;
    }
    this.#bytes.set(text, this.at);
    this.at += text.length;
  }

  #text(start: number, end: number): void {
    const length = end - start;
    this.#prefixed(0, 7, length);
    if (this.at + length > this.#limit) {
      this.failed = true;
      return;
    }
    const bytes = this.#bytes;
    if (length > 48) bytes.copyWithin(this.at, start, end);
    else for (let from = start, to = this.at; from < end; ) bytes[to++] = bytes[from++]!;
    this.at += length;
  }

  /** RFC 7541 5.1 */
  #prefixed(first: number, prefixBits: number, value: number): void {
    const max = (1 << prefixBits) - 1;
    if (value < max) {
      this.#byte(first | value);
      return;
    }
    this.#byte(first | max);
    let left = value - max;
    for (; left > LENGTH_MORE; left >>>= 7) this.#byte((left & LENGTH_MORE) | 128);
    this.#byte(left);
  }

  #byte(byte: number): void {
    if (this.at >= this.#limit) this.failed = true;
    else this.#bytes[this.at++] = byte;
  }
}
