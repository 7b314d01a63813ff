// Bytes whose place can be checked: every 4 KiB block repeats the same text, so a lost, doubled or exchanged piece shows.

/** The answer to a small GET: 46 bytes. */
export const SMALL_ANSWER = "A small answer, as an interface gives it: ok.\n";

const BLOCK_BYTES = 4096;
/** 1 MiB of pattern; any range of a stream is compared with it modulo BLOCK_BYTES. */
export const PATTERN = Buffer.alloc(
  1 << 20,
  Buffer.from(Array.from({ length: BLOCK_BYTES }, (_, i) => (i * 7 + (i >> 8)) & 255)),
);

/** Counts a stream's bytes and notices the first that is not the pattern's. */
export class PatternCheck {
  bytes = 0;
  isIntact = true;

  add(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      const offset = (this.bytes + at) % BLOCK_BYTES;
      const length = Math.min(chunk.length - at, PATTERN.length - BLOCK_BYTES);
      if (chunk.compare(PATTERN, offset, offset + length, at, at + length) !== 0) this.isIntact = false;
      at += length;
    }
    this.bytes += chunk.length;
  }
}
