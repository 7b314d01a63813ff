// Looks into a chunked body without consuming or changing it (http1/body.ts does both as the body passes): how much of it is there.

const HEX = new Int8Array(256).fill(-1);
for (let i = 0; i < 10; i++) HEX[48 + i] = i;
for (let i = 0; i < 6; i++) HEX[65 + i] = HEX[97 + i] = 10 + i;
const LF = 10;

/** Bytes of data in the chunks that begin at `start`, as far as they have come; -1: the last chunk is there, or what is there is no chunk. */
export function chunkedBodyBytes(bytes: Uint8Array, start: number, end: number): number {
  let total = 0;
  for (let at = start; at < end; ) {
    let size = 0;
    const first = at;
    while (at < end && HEX[bytes[at]!]! >= 0 && size < 2 ** 48) size = size * 16 + HEX[bytes[at++]!]!;
    if (at === end) return total;
    if (at === first) return -1;
    while (at < end && bytes[at] !== LF) at++;
    if (at++ >= end) return total;
    if (size === 0) return -1;
    const there = Math.min(size, end - at);
    total += there;
    at += size + 2;
  }
  return total;
}
