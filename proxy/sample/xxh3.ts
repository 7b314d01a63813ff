// XXH3 with 64 bits, after the published specification (xxhash.com, doc/xxhash_spec.md). What is done depends on the length:
//
//   0 · 1-3 · 4-8 · 9-16     one formula each
//   17-128 · 129-240         pairs of 8 bytes, each multiplied to 128 bits and folded
//   241 and more             eight lanes over stripes of 64 bytes, scrambled after each block of 16 stripes, then folded
//
// The secret is the default one of the specification; a seed changes it where inputs are long.

import { textBytes } from "./value.ts";
import { Words64 } from "./words64.ts";
import { avalanche64, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME64_5 } from "./xxh.ts";

const SECRET_HEX =
  "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c" +
  "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364ea" +
  "c5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e";
const SECRET: Uint8Array = textBytes(Buffer.from(SECRET_HEX, "hex").toString("latin1"));
const SECRET_BYTES = SECRET.length;

const STRIPE_BYTES = 64;
const BLOCK_BYTES = 1024;
const LANES = 8;

/** Primes of the specification that only XXH3 has. */
const MIX_PRIME = new Words64(0x9fb21c65, 0x1e98df25);
const AVALANCHE_PRIME = new Words64(0x16566791, 0x9e3779f9);
const PRIME32_1 = new Words64(0, 0x9e3779b1);
const PRIME32_2 = new Words64(0, 0x85ebca77);
const PRIME32_3 = new Words64(0, 0xc2b2ae3d);

const LANES_BEGIN: readonly Words64[] = [
  PRIME32_3,
  PRIME64_1,
  PRIME64_2,
  PRIME64_3,
  PRIME64_4,
  PRIME32_2,
  PRIME64_5,
  PRIME32_1,
];
const lanes: readonly Words64[] = LANES_BEGIN.map(() => new Words64());

/** Words of the formula that is being computed. */
const left = new Words64();
const right = new Words64();
const key = new Words64();
const length64 = new Words64();

function read32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function avalanche(hash: Words64): void {
  hash.xorShiftRight(37).multiply(AVALANCHE_PRIME).xorShiftRight(32);
}

/** A hash of one seed: for long inputs the secret depends on it. */
export class Xxh3 {
  readonly #seed: Words64;
  readonly #secret: Uint8Array;

  constructor(seed: Words64) {
    this.#seed = new Words64(seed.high, seed.low);
    this.#secret = seededSecret(seed);
  }

  /** Writes the hash of bytes [start, end) to `hash`. */
  digest(bytes: Uint8Array, start: number, end: number, hash: Words64): void {
    const length = end - start;
    if (length <= 3) this.#upTo3(bytes, start, length, hash);
    else if (length <= 8) this.#upTo8(bytes, start, length, hash);
    else if (length <= 16) this.#upTo16(bytes, start, length, hash);
    else if (length <= 128) this.#upTo128(bytes, start, length, hash);
    else if (length <= 240) this.#upTo240(bytes, start, length, hash);
    else this.#long(bytes, start, length, hash);
  }

  #upTo3(bytes: Uint8Array, start: number, length: number, hash: Words64): void {
    if (length === 0) {
      hash.load(SECRET, 56).xor(key.load(SECRET, 64)).xor(this.#seed);
    } else {
      const first = bytes[start]!;
      const middle = bytes[start + (length >> 1)]!;
      const last = bytes[start + length - 1]!;
      hash.set(0, read32(SECRET, 0) ^ read32(SECRET, 4)).add(this.#seed);
      hash.xor(key.set(0, (first << 16) | (middle << 24) | last | (length << 8)));
    }
    avalanche64(hash);
  }

  #upTo8(bytes: Uint8Array, start: number, length: number, hash: Words64): void {
    // The lower half of the seed, its bytes reversed, goes into the upper half.
    key.copy(this.#seed).swapBytes();
    const seedHigh = this.#seed.high ^ key.high;
    key.set(seedHigh, this.#seed.low);
    hash.load(SECRET, 8).xor(left.load(SECRET, 16)).subtract(key);
    hash.xor(left.set(read32(bytes, start), read32(bytes, start + length - 4)));
    left.copy(hash).rotateLeft(49);
    right.copy(hash).rotateLeft(24);
    hash.xor(left).xor(right).multiply(MIX_PRIME);
    // h ^= (h >> 35) + length
    left.set(0, hash.high >>> 3).add(length64.set(0, length));
    hash.xor(left).multiply(MIX_PRIME).xorShiftRight(28);
  }

  #upTo16(bytes: Uint8Array, start: number, length: number, hash: Words64): void {
    left.load(SECRET, 24).xor(key.load(SECRET, 32)).add(this.#seed).xor(key.load(bytes, start));
    right
      .load(SECRET, 40)
      .xor(key.load(SECRET, 48))
      .subtract(this.#seed)
      .xor(key.load(bytes, start + length - 8));
    hash.copy(left).swapBytes().add(right).add(length64.set(0, length)).add(left.multiplyFold(right));
    avalanche(hash);
  }

  /** Adds the folded product of 16 bytes of input and of the secret. */
  #mix(bytes: Uint8Array, at: number, secretAt: number, hash: Words64): void {
    left.load(SECRET, secretAt).add(this.#seed).xor(key.load(bytes, at));
    right
      .load(SECRET, secretAt + 8)
      .subtract(this.#seed)
      .xor(key.load(bytes, at + 8));
    hash.add(left.multiplyFold(right));
  }

  #upTo128(bytes: Uint8Array, start: number, length: number, hash: Words64): void {
    hash.set(0, length).multiply(PRIME64_1);
    // Pairs from both ends towards the middle, as many as there are bytes for.
    for (let pair = (length - 1) >> 5; pair >= 0; pair--) {
      this.#mix(bytes, start + pair * 16, pair * 32, hash);
      this.#mix(bytes, start + length - (pair + 1) * 16, pair * 32 + 16, hash);
    }
    avalanche(hash);
  }

  #upTo240(bytes: Uint8Array, start: number, length: number, hash: Words64): void {
    const rounds = length >> 4;
    hash.set(0, length).multiply(PRIME64_1);
    for (let i = 0; i < 8; i++) this.#mix(bytes, start + i * 16, i * 16, hash);
    avalanche(hash);
    for (let i = 8; i < rounds; i++) this.#mix(bytes, start + i * 16, (i - 8) * 16 + 3, hash);
    this.#mix(bytes, start + length - 16, 136 - 17, hash);
    avalanche(hash);
  }

  #accumulate(bytes: Uint8Array, at: number, secretAt: number): void {
    for (let i = 0; i < LANES; i++) {
      left.load(bytes, at + i * 8);
      key.load(this.#secret, secretAt + i * 8).xor(left);
      lanes[i ^ 1]!.add(left);
      lanes[i]!.add(right.multiplyHalves(key.low, key.high));
    }
  }

  #long(bytes: Uint8Array, start: number, length: number, hash: Words64): void {
    for (let i = 0; i < LANES; i++) lanes[i]!.copy(LANES_BEGIN[i]!);
    const blocks = Math.floor((length - 1) / BLOCK_BYTES);
    const stripes = Math.floor((length - 1) / STRIPE_BYTES);
    const stripesPerBlock = BLOCK_BYTES / STRIPE_BYTES;
    for (let stripe = 0; stripe < stripes; stripe++) {
      const inBlock = stripe % stripesPerBlock;
      this.#accumulate(bytes, start + stripe * STRIPE_BYTES, inBlock * 8);
      if (inBlock === stripesPerBlock - 1 && stripe < blocks * stripesPerBlock) this.#scramble();
    }
    this.#accumulate(bytes, start + length - STRIPE_BYTES, SECRET_BYTES - STRIPE_BYTES - 7);
    hash.set(0, length).multiply(PRIME64_1);
    for (let i = 0; i < LANES; i += 2) {
      left.load(this.#secret, 11 + i * 8).xor(lanes[i]!);
      right.load(this.#secret, 19 + i * 8).xor(lanes[i + 1]!);
      hash.add(left.multiplyFold(right));
    }
    avalanche(hash);
  }

  #scramble(): void {
    for (let i = 0; i < LANES; i++) {
      const lane = lanes[i]!;
      lane
        .xorShiftRight(47)
        .xor(key.load(this.#secret, SECRET_BYTES - STRIPE_BYTES + i * 8))
        .multiply(PRIME32_1);
    }
  }
}

/** The secret of long inputs: seed added to and subtracted from its words in turn. */
function seededSecret(seed: Words64): Uint8Array {
  const secret = SECRET.slice();
  for (let at = 0; at < SECRET_BYTES; at += 16) {
    left.load(SECRET, at).add(seed);
    right.load(SECRET, at + 8).subtract(seed);
    for (let i = 0; i < 4; i++) {
      secret[at + i] = left.low >>> (i * 8);
      secret[at + 4 + i] = left.high >>> (i * 8);
      secret[at + 8 + i] = right.low >>> (i * 8);
      secret[at + 12 + i] = right.high >>> (i * 8);
    }
  }
  return secret;
}
