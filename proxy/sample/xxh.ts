// xxHash, the variants of 32 and 64 bits, after the published specification (xxhash.com, doc/xxhash_spec.md): stripes of four lanes, each
// a running product, then the rest word by word and byte by byte, then a last mix. XXH3 stands in xxh3.ts.

import { Words64 } from "./words64.ts";

const PRIME32_1 = 0x9e3779b1;
const PRIME32_2 = 0x85ebca77;
const PRIME32_3 = 0xc2b2ae3d;
const PRIME32_4 = 0x27d4eb2f;
const PRIME32_5 = 0x165667b1;

function read32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function rotate32(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function round32(lane: number, word: number): number {
  return Math.imul(rotate32((lane + Math.imul(word, PRIME32_2)) | 0, 13), PRIME32_1);
}

/** XXH32, 0 … 2^32 - 1. */
export function xxh32(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let at = start;
  let hash: number;
  if (end - start >= 16) {
    let lane1 = (seed + PRIME32_1 + PRIME32_2) | 0;
    let lane2 = (seed + PRIME32_2) | 0;
    let lane3 = seed | 0;
    let lane4 = (seed - PRIME32_1) | 0;
    for (; at + 16 <= end; at += 16) {
      lane1 = round32(lane1, read32(bytes, at));
      lane2 = round32(lane2, read32(bytes, at + 4));
      lane3 = round32(lane3, read32(bytes, at + 8));
      lane4 = round32(lane4, read32(bytes, at + 12));
    }
    hash = (rotate32(lane1, 1) + rotate32(lane2, 7) + rotate32(lane3, 12) + rotate32(lane4, 18)) | 0;
  } else hash = (seed + PRIME32_5) | 0;
  hash = (hash + end - start) | 0;
  for (; at + 4 <= end; at += 4) {
    hash = Math.imul(rotate32((hash + Math.imul(read32(bytes, at), PRIME32_3)) | 0, 17), PRIME32_4);
  }
  for (; at < end; at++) hash = Math.imul(rotate32((hash + Math.imul(bytes[at]!, PRIME32_5)) | 0, 11), PRIME32_1);
  hash = Math.imul(hash ^ (hash >>> 15), PRIME32_2);
  hash = Math.imul(hash ^ (hash >>> 13), PRIME32_3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export const PRIME64_1 = new Words64(0x9e3779b1, 0x85ebca87);
export const PRIME64_2 = new Words64(0xc2b2ae3d, 0x27d4eb4f);
export const PRIME64_3 = new Words64(0x165667b1, 0x9e3779f9);
export const PRIME64_4 = new Words64(0x85ebca77, 0xc2b2ae63);
export const PRIME64_5 = new Words64(0x27d4eb2f, 0x165667c5);

const ZERO = new Words64();
const lanes: readonly Words64[] = [new Words64(), new Words64(), new Words64(), new Words64()];
const LANE_TURNS = [1, 7, 12, 18];
/** The word that is being mixed in. */
const word = new Words64();
const turned = new Words64();

function round64(lane: Words64, input: Words64): Words64 {
  return lane.add(input.multiply(PRIME64_2)).rotateLeft(31).multiply(PRIME64_1);
}

/** The four lanes over all stripes of 32 bytes; returns where the rest begins. */
function runLanes(bytes: Uint8Array, start: number, end: number, seed: Words64): number {
  lanes[0]!.copy(seed).add(PRIME64_1).add(PRIME64_2);
  lanes[1]!.copy(seed).add(PRIME64_2);
  lanes[2]!.copy(seed);
  lanes[3]!.copy(seed).subtract(PRIME64_1);
  let at = start;
  for (; at + 32 <= end; at += 32) for (let i = 0; i < 4; i++) round64(lanes[i]!, word.load(bytes, at + i * 8));
  return at;
}

/** The last mix: every bit reaches every bit. */
export function avalanche64(hash: Words64): Words64 {
  return hash.xorShiftRight(33).multiply(PRIME64_2).xorShiftRight(29).multiply(PRIME64_3).xorShiftRight(32);
}

/** XXH64, into `hash`. */
export function xxh64(bytes: Uint8Array, start: number, end: number, seed: Words64, hash: Words64): void {
  let at = start;
  if (end - start >= 32) {
    at = runLanes(bytes, start, end, seed);
    hash.copy(ZERO);
    for (let i = 0; i < 4; i++) hash.add(turned.copy(lanes[i]!).rotateLeft(LANE_TURNS[i]!));
    for (let i = 0; i < 4; i++) {
      hash
        .xor(round64(turned.copy(ZERO), lanes[i]!))
        .multiply(PRIME64_1)
        .add(PRIME64_4);
    }
  } else hash.copy(seed).add(PRIME64_5);
  hash.add(word.set(0, end - start));
  for (; at + 8 <= end; at += 8) {
    hash
      .xor(round64(turned.copy(ZERO), word.load(bytes, at)))
      .rotateLeft(27)
      .multiply(PRIME64_1)
      .add(PRIME64_4);
  }
  if (at + 4 <= end) {
    hash
      .xor(word.set(0, read32(bytes, at)).multiply(PRIME64_1))
      .rotateLeft(23)
      .multiply(PRIME64_2)
      .add(PRIME64_3);
    at += 4;
  }
  for (; at < end; at++) {
    hash.xor(word.set(0, bytes[at]!).multiply(PRIME64_5)).rotateLeft(11).multiply(PRIME64_1);
  }
  avalanche64(hash);
}
