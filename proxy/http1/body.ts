// Where a message's body ends: Content-Length, chunked, until close, none. Looks at bytes as they pass, decides how many of them
// belong to the message, and rewrites chunked framing in place so that what leaves is canonical (RFC 9112 7.1: no extensions,
// CRLF only), which never makes it longer. One Body per direction and stream, preallocated. Moving the bytes is relay.ts.

import { MESSAGE, type Message } from "./message.ts";

/** Body.kind */
export const BODY = { none: 0, length: 1, chunked: 2, close: 3 } as const;

// Chunk parser states.
const SIZE = 0;
const SIZE_MORE = 1;
const EXTENSION = 2;
const SIZE_LF = 3;
const DATA = 4;
const DATA_CR = 5;
const DATA_LF = 6;
const TRAILER_START = 7;
const TRAILER_LINE = 8;
const TRAILER_LF = 9;
const END_LF = 10;
const TRAILER_NAME = 11;
const SIZE_BLANK = 12;

const CR = 13;
const LF = 10;
/** Longest trailer section, most lines in it (a head may have no more by default) and longest chunk extension that are accepted. */
const TRAILERS_MAX_BYTES = 8192;
const TRAILER_LINES_MAX = 100;
const EXTENSION_MAX_BYTES = 1024;
/** Chunks of 2^52 bytes and more are refused, as by HAProxy: a digit may be added to less than 2^48. */
const SIZE_MAX = 2 ** 48 - 1;

const HEX = new Int8Array(256).fill(-1);
for (let i = 0; i < 10; i++) HEX[48 + i] = i;
for (let i = 0; i < 6; i++) HEX[65 + i] = HEX[97 + i] = 10 + i;

const isTokenByte = (byte: number): boolean =>
  byte > 32 &&
  byte < 127 &&
  byte !== 34 &&
  byte !== 40 &&
  byte !== 41 &&
  byte !== 44 &&
  byte !== 47 &&
  !(byte >= 58 && byte <= 64) &&
  !(byte >= 91 && byte <= 93) &&
  byte !== 123 &&
  byte !== 125;

export class Body {
  kind = 0;
  /** Nothing more belongs to the message. */
  done = true;
  /** The framing is broken; nothing behind it can be trusted. */
  failed = false;
  /** Bytes of body data seen (without framing). */
  received = 0;
  /** After `pass`: first offset behind the message's bytes, and the end of the bytes to forward (≤ it when framing was rewritten). */
  consumedTo = 0;
  forwardTo = 0;
  #state = SIZE;
  /** Bytes left of the body (length) or of the chunk (chunked). */
  remaining = 0;
  /** Chunked framing is taken away: only data is forwarded. Set after `begin…`, which takes it back. */
  strips = false;
  /** The message's bytes are taken and none of them is forwarded: an answer to a HEAD that the server got as something else. Set after `begin…`. */
  discards = false;
  #extensionBytes = 0;
  #trailerBytes = 0;
  #trailerLines = 0;

  begin(kind: number, length: number): void {
    this.kind = kind;
    this.strips = this.discards = false;
    this.remaining = length;
    this.done = kind === BODY.none || (kind === BODY.length && length === 0);
    this.failed = false;
    this.received = 0;
    this.#state = SIZE;
    this.#trailerBytes = 0;
    this.#trailerLines = 0;
    this.#extensionBytes = 0;
  }

  /** The body of a request: without length and chunks there is none (RFC 9112 6.3). */
  beginRequest(message: Message): void {
    if ((message.flags & MESSAGE.chunked) !== 0) this.begin(BODY.chunked, 0);
    else this.begin(BODY.length, message.contentLength > 0 ? message.contentLength : 0);
  }

  /** The body of a response; `none` when the request or the status says that there is none whatever the headers say. */
  beginResponse(message: Message, none: boolean): void {
    if (none) this.begin(BODY.none, 0);
    else if ((message.flags & MESSAGE.chunked) !== 0) this.begin(BODY.chunked, 0);
    else if ((message.flags & MESSAGE.contentLength) !== 0) this.begin(BODY.length, message.contentLength);
    else this.begin(BODY.close, 0);
  }

  /**
   * Passes bytes[start, end) through. Sets `consumedTo` and `forwardTo`, `done` at the message's end, `failed` at broken framing
   * (then only what came before the break is to be forwarded).
   */
  pass(bytes: Uint8Array, start: number, end: number): void {
    if (this.kind === BODY.chunked) this.#passChunked(bytes, start, end);
    else this.#passPlain(start, end);
    if (this.discards) this.forwardTo = start;
  }

  #passPlain(start: number, end: number): void {
    let to = end;
    if (this.kind === BODY.length) {
      if (to - start > this.remaining) to = start + this.remaining;
      this.remaining -= to - start;
      if (this.remaining === 0) this.done = true;
    } else if (this.kind === BODY.none) to = start;
    this.received += to - start;
    this.consumedTo = this.forwardTo = to;
  }

  /** The peer closed: a body that ends with the connection is complete, any other is cut short. True: complete. */
  peerClosed(): boolean {
    if (this.kind === BODY.close) this.done = true;
    return this.done;
  }

  #passChunked(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    let write = start;
    let state = this.#state;
    while (at < end) {
      if (state === DATA) {
        const take = Math.min(end - at, this.remaining);
        if (write !== at) bytes.copyWithin(write, at, at + take);
        at += take;
        write += take;
        this.remaining -= take;
        this.received += take;
        if (this.remaining > 0) break;
        state = DATA_CR;
        continue;
      }
      const byte = bytes[at]!;
      const next = this.#step(state, byte);
      if (next < 0) {
        this.failed = true;
        break;
      }
      at++;
      // Extensions and blanks are not forwarded, everything else of the framing is; names of trailers in lower case as those of headers.
      if (!this.strips && next !== EXTENSION && next !== SIZE_BLANK)
        bytes[write++] = next === TRAILER_NAME && byte <= 90 && byte >= 65 ? byte + 32 : byte;
      state = next;
      if (this.done) break;
    }
    this.#state = state;
    this.consumedTo = at;
    this.forwardTo = write;
  }

  /** The state after `byte`, -1 when it cannot stand there. */
  #step(state: number, byte: number): number {
    switch (state) {
      case SIZE:
      case SIZE_MORE: {
        const digit = HEX[byte]!;
        if (digit >= 0) {
          if (state === SIZE) this.remaining = 0;
          if (this.remaining > SIZE_MAX) return -1;
          this.remaining = this.remaining * 16 + digit;
          return SIZE_MORE;
        }
        if (state === SIZE) return -1;
        if (byte === CR) return SIZE_LF;
        this.#extensionBytes = 0;
        return this.#extensionStart(byte);
      }
      case SIZE_BLANK:
        if (byte === CR) return SIZE_LF;
        return ++this.#extensionBytes > EXTENSION_MAX_BYTES ? -1 : this.#extensionStart(byte);
      case EXTENSION:
        if (byte === CR) return SIZE_LF;
        if (byte === 127 || (byte < 32 && byte !== 9) || ++this.#extensionBytes > EXTENSION_MAX_BYTES) return -1;
        return EXTENSION;
      case SIZE_LF:
        if (byte !== LF) return -1;
        return this.remaining === 0 ? TRAILER_START : DATA;
      case DATA_CR:
        return byte === CR ? DATA_LF : -1;
      case DATA_LF:
        return byte === LF ? SIZE : -1;
      case TRAILER_START:
        if (byte === CR) return END_LF;
        if (++this.#trailerLines > TRAILER_LINES_MAX) return -1;
        return isTokenByte(byte) ? this.#trailer(TRAILER_NAME) : -1;
      case TRAILER_NAME:
        if (byte === 58) return this.#trailer(TRAILER_LINE);
        return isTokenByte(byte) ? this.#trailer(TRAILER_NAME) : -1;
      case TRAILER_LINE:
        if (byte === CR) return TRAILER_LF;
        if (byte === 127 || (byte < 32 && byte !== 9)) return -1;
        return this.#trailer(TRAILER_LINE);
      case TRAILER_LF:
        return byte === LF ? TRAILER_START : -1;
      case END_LF:
        if (byte !== LF) return -1;
        this.done = true;
        return END_LF;
      default:
        return -1;
    }
  }

  /** RFC 9112 7.1.1: BWS ";" extension. The blanks are dropped with the extension. */
  #extensionStart(byte: number): number {
    if (byte === 59) return EXTENSION;
    return byte === 32 || byte === 9 ? SIZE_BLANK : -1;
  }

  #trailer(next: number): number {
    return ++this.#trailerBytes > TRAILERS_MAX_BYTES ? -1 : next;
  }
}
