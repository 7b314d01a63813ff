// A 64-bit word as two halves of 32 bits, changed in place: what 64-bit hashes and saturating arithmetic are made of. A BigInt would be
// garbage per operation. Each object is made once, when an expression is compiled or a module is loaded.
//
//   acc.add(lane).rotateLeft(31).multiply(PRIME_1)      every operation returns its own object, so that formulas read in one line

const WORD = 4294967296;

export class Words64 {
  /** Both are int32; the sign of `high` is the sign of the word where one is meant. */
  high = 0;
  low = 0;

  constructor(high = 0, low = 0) {
    this.high = high | 0;
    this.low = low | 0;
  }

  set(high: number, low: number): this {
    this.high = high | 0;
    this.low = low | 0;
    return this;
  }

  copy(other: Words64): this {
    this.high = other.high;
    this.low = other.low;
    return this;
  }

  /** Reads 8 bytes, the least significant first. */
  load(bytes: Uint8Array, at: number): this {
    this.low = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    this.high = bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24);
    return this;
  }

  add(other: Words64): this {
    const low = (this.low >>> 0) + (other.low >>> 0);
    this.high = (this.high + other.high + (low >= WORD ? 1 : 0)) | 0;
    this.low = low | 0;
    return this;
  }

  subtract(other: Words64): this {
    const low = (this.low >>> 0) - (other.low >>> 0);
    this.high = (this.high - other.high - (low < 0 ? 1 : 0)) | 0;
    this.low = low | 0;
    return this;
  }

  negate(): this {
    this.high = this.low === 0 ? -this.high | 0 : ~this.high;
    this.low = -this.low | 0;
    return this;
  }

  xor(other: Words64): this {
    this.high ^= other.high;
    this.low ^= other.low;
    return this;
  }

  /** By 1 to 63 bits, but not by 32. */
  rotateLeft(bits: number): this {
    const isFar = bits > 32;
    const high = isFar ? this.low : this.high;
    const low = isFar ? this.high : this.low;
    const by = bits & 31;
    this.high = (high << by) | (low >>> (32 - by));
    this.low = (low << by) | (high >>> (32 - by));
    return this;
  }

  /** The 8 bytes in the opposite order. */
  swapBytes(): this {
    const high = swapped(this.low);
    this.low = swapped(this.high);
    this.high = high;
    return this;
  }

  /** Exclusive or with itself shifted right by 1 to 63 bits: the last mixing step of many hashes. */
  xorShiftRight(bits: number): this {
    const { high, low } = this;
    if (bits >= 32) this.low = low ^ (high >>> (bits - 32));
    else {
      this.low = low ^ ((low >>> bits) | (high << (32 - bits)));
      this.high = high ^ (high >>> bits);
    }
    return this;
  }

  /** The lower 64 bits of the product. */
  multiply(other: Words64): this {
    const cross = Math.imul(this.high, other.low) + Math.imul(this.low, other.high);
    this.multiplyHalves(this.low, other.low);
    this.high = (this.high + cross) | 0;
    return this;
  }

  /** Becomes the full product of two unsigned halves. */
  multiplyHalves(a: number, b: number): this {
    const a0 = a & 0xffff;
    const a1 = a >>> 16;
    const b0 = b & 0xffff;
    const b1 = b >>> 16;
    const p00 = a0 * b0;
    const p01 = a0 * b1;
    const p10 = a1 * b0;
    const middle = (p00 >>> 16) + (p01 & 0xffff) + (p10 & 0xffff);
    this.low = (middle << 16) | (p00 & 0xffff);
    this.high = (a1 * b1 + (p01 >>> 16) + (p10 >>> 16) + (middle >>> 16)) | 0;
    return this;
  }

  /** The exclusive or of the upper and lower 64 bits of the unsigned product of 128. */
  multiplyFold(other: Words64): this {
    const { high, low } = this;
    upper.multiplyHalves(high, other.high);
    cross.multiplyHalves(high, other.low);
    otherCross.multiplyHalves(low, other.high);
    this.multiplyHalves(low, other.low);
    const middle = (this.high >>> 0) + (cross.low >>> 0) + (otherCross.low >>> 0);
    this.high = middle | 0;
    const carry = Math.floor(middle / WORD);
    upper.add(carryWord.set(0, carry)).add(carryWord.set(0, cross.high)).add(carryWord.set(0, otherCross.high));
    return this.xor(upper);
  }

  /** Less than the other one, both without sign. */
  isBelow(other: Words64): boolean {
    const high = this.high >>> 0;
    const otherHigh = other.high >>> 0;
    return high < otherHigh || (high === otherHigh && this.low >>> 0 < other.low >>> 0);
  }

  /** The word without sign, as a double: rounded beyond 2^53. */
  toUnsigned(): number {
    return (this.high >>> 0) * WORD + (this.low >>> 0);
  }
}

/** What one multiplication needs besides its operands. */
const upper = new Words64();
const cross = new Words64();
const otherCross = new Words64();
const carryWord = new Words64();

function swapped(half: number): number {
  return (half << 24) | ((half & 0xff00) << 8) | ((half >>> 8) & 0xff00) | (half >>> 24);
}
