// Hash functions that HAProxy names in its configuration: `hash-type`, and the converters and fetches that are defined by them.
// All give 32 bits as a signed integer, which V8 returns without allocating; who shows one writes `>>> 0`. sdbm, djb2 and the CRCs are the public ones; `avalanche` is the six-shift integer hash of Bob Jenkins' page
// (burtleburtle.net/bob/hash/integer.html, public domain), multiplied by a prime near 3/4 of 2^32, which is what HAProxy's converters
// were seen to give (a test holds the values).
//
// wt6 is HAProxy's own and described nowhere. Its structure, constants and rotations were found by asking HAProxy 3.2's `wt6` converter,
// which shows all 32 bits: single bytes show one half that is exclusive-ored and turned by 18 bits, and one that is added and turned by
// 6; the empty key and the 256 single bytes leave one solution for the initial halves; two and three bytes show both halves inverted and
// exchanged after each byte, and the next turns as linear functions of the two halves. Balancing is compared with HAProxy in
// balance/hash-oracle.test.ts.

/** sdbm: h = c + h * 65599. */
export function sdbm(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0;
  for (let i = start; i < end; i++) hash = (bytes[i]! + (hash << 6) + (hash << 16) - hash) | 0;
  return hash;
}

/** djb2 with multiplication: h = h * 33 + c, from 5381. */
export function djb2(bytes: Uint8Array, start: number, end: number): number {
  let hash = 5381;
  for (let i = start; i < end; i++) hash = ((hash << 5) + hash + bytes[i]!) | 0;
  return hash;
}

/** Remainders of all bytes for a polynomial, written with its lowest coefficient first. */
function crcTable(polynomial: number): Int32Array {
  return new Int32Array(256).map((_, n) => {
    let c = n;
    for (let k = 0; k < 8; k++) c = (c & 1) !== 0 ? (c >>> 1) ^ polynomial : c >>> 1;
    return c;
  });
}

const CRC32_TABLE = crcTable(0xedb88320);
const CRC32C_TABLE = crcTable(0x82f63b78);

/** CRC-32 of Ethernet, gzip and PNG. */
export function crc32(bytes: Uint8Array, start: number, end: number): number {
  let crc = -1;
  for (let i = start; i < end; i++) crc = CRC32_TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc;
}

/** CRC-32 with Castagnoli's polynomial (RFC 4960 appendix B). */
export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  let crc = -1;
  for (let i = start; i < end; i++) crc = CRC32C_TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc;
}

/** wt6: two halves that are inverted with each byte, swapped, and rotated by amounts that depend on all bytes before. */
export function wt6(bytes: Uint8Array, start: number, end: number): number {
  let first = 0xa53c965a;
  let second = 0x5ca6953a;
  let firstTurn = 18;
  let secondTurn = 6;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    const mixedFirst = ~(first ^ byte);
    const mixedSecond = ~(second + byte);
    first = (mixedSecond << secondTurn) | (mixedSecond >>> (32 - secondTurn));
    second = (mixedFirst << firstTurn) | (mixedFirst >>> (32 - firstTurn));
    const turns = ((first >>> 16) ^ second) & 0xffff;
    secondTurn = turns & 31;
    firstTurn = turns >>> 11;
  }
  return first ^ second;
}

/** Mixes 32 bits so that every input bit reaches every output bit. */
export function avalanche(hash: number): number {
  let a = hash | 0;
  a = (a + 0x7ed55d16 + (a << 12)) | 0;
  a = a ^ 0xc761c23c ^ (a >>> 19);
  a = (a + 0x165667b1 + (a << 5)) | 0;
  a = (a + 0xd3a2646c) ^ (a << 9);
  a = (a + 0xfd7046c5 + (a << 3)) | 0;
  a = a ^ 0xb55a4f09 ^ (a >>> 16);
  return Math.imul(a, 3221225473);
}
