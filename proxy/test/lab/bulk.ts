// Large bodies with a checkable content, written and read at the pace that the test wants.

import { createHash, type Hash } from "node:crypto";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { sleep } from "./time.ts";

const BLOCK_BYTES = 65_536;

/** The bytes of block `index`: no two blocks are equal, so that a lost, doubled or moved one shows in the digest. */
function block(index: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes, `block ${index} of a large body; `);
  return buffer;
}

/** Writes `totalBytes` as fast as the other side takes them; does not end the stream. Returns the content's digest. */
export async function writeBulk(
  stream: Writable,
  totalBytes: number,
  onProgress?: (sentBytes: number) => void,
): Promise<string> {
  const hash = createHash("sha1");
  let sent = 0;
  for (let index = 0; sent < totalBytes; index++) {
    const piece = block(index, Math.min(BLOCK_BYTES, totalBytes - sent));
    hash.update(piece);
    sent += piece.length;
    if (!stream.write(piece)) await once(stream, "drain");
    onProgress?.(sent);
  }
  return hash.digest("hex");
}

/** Reads a stream to its end without keeping it. */
export class BulkReader {
  bytes = 0;
  readonly done: Promise<{ bytes: number; digest: string }>;
  readonly #hash: Hash = createHash("sha1");

  /**
   * @param pauseEveryBytes stop reading for `pauseMs` each time that many bytes have come: a slow reader
   */
  constructor(stream: Readable, pauseEveryBytes = Number.POSITIVE_INFINITY, pauseMs = 0) {
    let next = pauseEveryBytes;
    stream.on("data", (data: Buffer) => {
      this.bytes += data.length;
      this.#hash.update(data);
      if (this.bytes < next) return;
      next += pauseEveryBytes;
      stream.pause();
      void sleep(pauseMs).then(() => stream.resume());
    });
    this.done = new Promise((resolve, reject) => {
      stream.on("end", () => resolve({ bytes: this.bytes, digest: this.#hash.digest("hex") }));
      stream.on("error", reject);
    });
  }
}

/** Samples a number until stopped and knows its largest value. */
export class Watch {
  readonly first: number;
  largest: number;
  readonly #timer: NodeJS.Timeout;

  constructor(read: () => number, everyMs = 50) {
    this.first = read();
    this.largest = this.first;
    this.#timer = setInterval(() => {
      this.largest = Math.max(this.largest, read());
    }, everyMs);
  }

  /** Ends the sampling; by how much the number rose above its first value. */
  stop(): number {
    clearInterval(this.#timer);
    return this.largest - this.first;
  }
}
