// Bytes of the peers protocol: writing and reading what its messages are made of.
//
// Integers of up to 64 bits are packed into 1 to 10 bytes: below 240 in one, else the first byte is 240 and the low four bits, and each that
// follows takes seven bits more, the highest bit saying that another one follows (doc/peers.txt, "Encoding").

const FIRST_MIN = 240;
const TWO_32 = 4294967296;
/** Bytes of the longest packed integer. */
export const PACKED_BYTES_MAX = 10;

export class ByteWriter {
  readonly #bytes: Buffer;
  at = 0;

  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  reset(): void {
    this.at = 0;
  }

  byte(value: number): void {
    this.#bytes[this.at++] = value;
  }

  /** 32 bits in network order. */
  word(value: number): void {
    this.at = this.#bytes.writeUInt32BE(value >>> 0, this.at);
  }

  bytes(from: Uint8Array, start = 0, end = from.length): void {
    for (let i = start; i < end; i++) this.#bytes[this.at++] = from[i]!;
  }

  /** A non-negative integer below 2^53. */
  packed(value: number): void {
    if (value < FIRST_MIN) {
      this.byte(value);
      return;
    }
    this.byte(FIRST_MIN | (value & 15));
    let rest = Math.floor((value - FIRST_MIN) / 16);
    while (rest >= 128) {
      this.byte(128 | (rest & 127));
      rest = Math.floor((rest - 128) / 128);
    }
    this.byte(rest);
  }

  /** A signed integer of 32 bits, which goes as 64 bits in two's complement. */
  packedSigned(value: number): void {
    if (value >= 0) {
      this.packed(value);
      return;
    }
    const whole = BigInt.asUintN(64, BigInt(value));
    this.byte(FIRST_MIN | Number(whole & 15n));
    let rest = (whole - 240n) >> 4n;
    while (rest >= 128n) {
      this.byte(128 | Number(rest & 127n));
      rest = (rest - 128n) >> 7n;
    }
    this.byte(Number(rest));
  }

  /** A copy of what was written. */
  take(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.at));
  }
}

/** Reads from a message. What reaches behind its end is `failed`, and 0. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly end: number;
  at: number;
  failed = false;
  /** The lowest 32 bits of the last packed integer, which `packed` gives only to 2^53 exactly. */
  low = 0;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.at = start;
    this.end = end;
  }

  byte(): number {
    if (this.at < this.end) return this.#bytes[this.at++]!;
    this.failed = true;
    return 0;
  }

  word(): number {
    if (this.end - this.at < 4) {
      this.failed = true;
      return 0;
    }
    const b = this.#bytes;
    const at = this.at;
    this.at += 4;
    return ((b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!) >>> 0;
  }

  /** Steps over `length` bytes and gives where they begin. */
  skip(length: number): number {
    const start = this.at;
    if (length > this.end - this.at) this.failed = true;
    else this.at += length;
    return start;
  }

  /** The lowest 32 bits of a packed integer. */
  packedWord(): number {
    this.packed();
    return this.low;
  }

  packed(): number {
    let byte = this.byte();
    let value = byte;
    this.low = byte;
    if (byte < FIRST_MIN) return value;
    let factor = 16;
    for (let shift = 4; ; shift += 7) {
      if (shift > 4 + 7 * 9) this.failed = true;
      byte = this.byte();
      value += byte * factor;
      this.#addLow(byte, shift);
      factor *= 128;
      if (byte < 128 || this.failed) return value;
    }
  }

  #addLow(byte: number, shift: number): void {
    if (shift < 32) this.low = (this.low + ((byte * 2 ** shift) % TWO_32)) | 0;
  }
}
