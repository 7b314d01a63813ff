// Writes bytes one behind the other into a place of a fixed length; what does not fit is not written, and said once, at the end. Heads of HTTP
// and header blocks are written with it.

export class ByteWriter {
  protected readonly bytes: Uint8Array;
  /** Where the next byte goes. */
  at = 0;
  /** What was written does not fit. */
  failed = false;
  #limit = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Writes from `at` on, to `limit` at the most. */
  begin(at: number, limit: number): void {
    this.at = at;
    this.#limit = limit;
    this.failed = false;
  }

  byte(byte: number): void {
    if (this.at >= this.#limit) this.failed = true;
    else this.bytes[this.at++] = byte;
  }

  /** All bytes of a constant. */
  text(text: Uint8Array): void {
    this.slice(text, 0, text.length);
  }

  /** The first `length` bytes of `text`. */
  part(text: Uint8Array, length: number): void {
    this.slice(text, 0, length);
  }

  /** from[start, end), a few bytes. */
  slice(from: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.at + length > this.#limit) {
      this.failed = true;
      return;
    }
    const { bytes } = this;
    for (let read = start, write = this.at; read < end; ) bytes[write++] = from[read++]!;
    this.at += length;
  }

  /** Bytes that stand elsewhere in the same memory. */
  copy(start: number, end: number): void {
    const length = end - start;
    if (this.at + length > this.#limit) {
      this.failed = true;
      return;
    }
    const { bytes } = this;
    // Calling copyWithin costs as much as copying a few dozen bytes by hand.
    if (length > 48) bytes.copyWithin(this.at, start, end);
    else for (let from = start, to = this.at; from < end; ) bytes[to++] = bytes[from++]!;
    this.at += length;
  }

  /** The three digits of a status. */
  statusDigits(status: number): void {
    this.byte(48 + ((status / 100) | 0));
    this.byte(48 + (((status / 10) | 0) % 10));
    this.byte(48 + (status % 10));
  }
}
