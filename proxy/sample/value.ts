// What a fetch found: one typed value, without strings or objects of its own. Each worker has one that all expressions write to and
// read from: a sample lives only until the next fetch or converter runs. Bytes are a range of some Uint8Array (the arena, a scratch
// area or a constant of the configuration), never a copy, unless a converter had to make one.
//
// Integers have 64 bits as HAProxy's have: a double that is exact to 2^53, and two words beside it for what is beyond (integer64.ts).

/** A fetch's (and a condition's) three values: configuration.txt 7.2 and HAProxy's FAIL, MISS (needs more data), PASS. */
export const RESULT = { fail: 0, miss: 1, pass: 2 } as const;
export type Result = 0 | 1 | 2;

/** 1.1.1.1 … ::: the longest text is an IPv6 address with an IPv4 tail, an int has at most 21 characters. */
const SCRATCH_MIN_BYTES = 64;

export class SampleValue {
  /** TYPE number; never TYPE.addr. */
  type = 0;
  /** str, bin and meth: bytes [start, end). */
  bytes: Uint8Array;
  start = 0;
  end = 0;
  /** bool (0 or 1), sint, and the METHOD number of a meth. Begins as a double, so that no later value changes the field's representation. */
  int = 0.5;
  /** The integer's words, where it is beyond 2^53: see integer64.ts. */
  high = 0;
  low = 0;
  /** ipv4: the first 4 bytes; ipv6: all 16. */
  readonly address = new Uint8Array(16);
  /** What was fetched may grow (mode tcp, bodies): what fails now may still come true. Only fetches that say so in their table set it. */
  mayChange = false;
  readonly #scratch: readonly [Uint8Array, Uint8Array];
  #scratchTurn = 0;

  constructor(scratchBytes: number) {
    const bytes = Math.max(scratchBytes, SCRATCH_MIN_BYTES);
    this.#scratch = [new Uint8Array(bytes), new Uint8Array(bytes)];
    this.bytes = this.#scratch[0];
  }

  /** The scratch area that `bytes` is not in: a converter reads the one and writes the other. */
  scratch(): Uint8Array {
    this.#scratchTurn ^= 1;
    if (this.#scratch[this.#scratchTurn] === this.bytes) this.#scratchTurn ^= 1;
    return this.#scratch[this.#scratchTurn]!;
  }

  /** Becomes what the other one is; bytes are shared, not copied. */
  take(other: SampleValue): void {
    this.type = other.type;
    this.bytes = other.bytes;
    this.start = other.start;
    this.end = other.end;
    this.int = other.int;
    this.high = other.high;
    this.low = other.low;
    this.address.set(other.address);
  }

  /** The value as JavaScript text (latin1), for tests, regular expressions and other places that may allocate. */
  text(): string {
    return latin1(this.bytes, this.start, this.end);
  }
}

/** Bytes as a string of the same length, one code unit a byte. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
}

/** The bytes of a pattern or argument: the configuration's text has one character per byte of the file (config/line.ts). */
export function textBytes(text: string): Uint8Array {
  const buffer = Buffer.from(text, "latin1");
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length).slice();
}
