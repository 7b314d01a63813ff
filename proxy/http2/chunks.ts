// Takes the chunked framing (RFC 9112 7.1) away from bytes that are our own: http1/body.ts or compression/ have made it canonical before, so there
// are no extensions and every line ends with CRLF. Finds where data stands; trailers are collected, because HTTP/2 sends them as fields.

const SIZE = 0;
const SIZE_LF = 1;
const DATA = 2;
const DATA_CR = 3;
const DATA_LF = 4;
const TRAILER_START = 5;
const TRAILER = 6;
const TRAILER_LF = 7;
const END_LF = 8;
const END = 9;

const CR = 13;

/** Where a reader stands: inside of a chunk, and before a line of trailers. */
export const CHUNK_DATA = DATA;
export const CHUNK_TRAILERS = TRAILER_START;

function hexOf(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

export class ChunkReader {
  /** Data of the chunk that `next` found: bytes[dataStart, dataEnd). */
  dataStart = 0;
  dataEnd = 0;
  /** Where `next` stopped reading, and where it stands: to be kept per stream. */
  at = 0;
  state = SIZE;
  left = 0;
  /** Lines of trailers that came in this buffer: bytes[trailerStart, trailerEnd), without the empty line. */
  trailerStart = 0;
  trailerEnd = 0;

  get isAtEnd(): boolean {
    return this.state === END;
  }

  /**
   * Reads bytes[at, end) until data is found or nothing is left.
   * @returns true: there is data, of no more than `limit` bytes; false: all is read, the message is at its end, or (`at` < `end`, not at the end)
   *   it is broken, which a canonical one is not
   */
  next(bytes: Uint8Array, end: number, limit: number): boolean {
    while (this.at < end && this.state !== END) {
      if (this.state === DATA) {
        const take = Math.min(this.left, end - this.at, limit);
        this.dataStart = this.at;
        this.dataEnd = this.at + take;
        this.at += take;
        this.left -= take;
        if (this.left === 0) this.state = DATA_CR;
        return true;
      }
      if (!this.#step(bytes[this.at]!)) return false;
      this.at++;
    }
    return false;
  }

  #step(byte: number): boolean {
    switch (this.state) {
      case SIZE: {
        const digit = hexOf(byte);
        if (digit >= 0) this.left = this.left * 16 + digit;
        else this.state = SIZE_LF;
        return digit >= 0 || byte === CR;
      }
      case SIZE_LF:
        this.state = this.left === 0 ? TRAILER_START : DATA;
        return true;
      case DATA_CR:
        this.state = DATA_LF;
        return true;
      case DATA_LF:
        this.left = 0;
        this.state = SIZE;
        return true;
      case TRAILER_START:
        if (byte === CR) this.state = END_LF;
        else {
          if (this.trailerEnd === this.trailerStart) this.trailerStart = this.at;
          this.state = TRAILER;
        }
        return true;
      case TRAILER:
        if (byte === CR) this.state = TRAILER_LF;
        return true;
      case TRAILER_LF:
        this.trailerEnd = this.at + 1;
        this.state = TRAILER_START;
        return true;
      default:
        this.state = END;
        return true;
    }
  }
}
