// Gives a request another target: put together from pieces, checked as a client's would be, written where the stream's edits stand, and
// pointed to by the spans of Message. The line as it was received is kept for the log.
//
// Stricter than HAProxy, which sends whatever a rule makes: a byte that cannot stand in a request line becomes %XX, and what is
// then no request target (a path that does not begin with a slash) is a failed rewrite. A value that a client chose must not end
// the line or turn into a host.
//
// A request in absolute form says its host twice, in the target and in the Host header, and both must say the same (RFC 9112
// 3.2.2): a rule that changes the one changes the other, as in HAProxy.

import { HEADER_INTS as INTS, MESSAGE, Message } from "../http1/message.ts";
import { splitTarget } from "../http1/parser.ts";
import { textBytes } from "../sample/value.ts";
import type { Stream } from "../stream/stream.ts";
import type { HeadEdits } from "./head-edits.ts";

const HEADER_INTS = INTS;
const ABSOLUTE_FORM = MESSAGE.absoluteForm;
const FORMS = MESSAGE.absoluteForm | MESSAGE.authorityForm;
const DONE = 1;
const COLON = 58;
const PERCENT = 37;
const UPPER_HEX = textBytes("0123456789ABCDEF");
const HOST = textBytes("host");
const HOST_PREFIX = textBytes("host: ");

export class RequestTarget {
  readonly #edits: HeadEdits;
  /** The new target, and behind its end room for one encoded byte. */
  readonly #text: Uint8Array;
  readonly #limit: number;
  #length = 0;
  /** What the new target is parsed into before it is believed. */
  readonly #parsed = new Message(1);

  /** @param sizeBytes a buffer's size: no head is longer */
  constructor(edits: HeadEdits, sizeBytes: number) {
    this.#edits = edits;
    this.#text = new Uint8Array(sizeBytes + 3);
    this.#limit = sizeBytes;
  }

  begin(): void {
    this.#length = 0;
  }

  /** Appends bytes [start, end) of `from`. */
  append(from: Uint8Array, start: number, end: number): void {
    const text = this.#text;
    let at = this.#length;
    for (let i = start; i < end && at < this.#limit; i++) {
      const byte = from[i]!;
      if (byte > 32 && byte !== 127) text[at++] = byte;
      else {
        text[at++] = PERCENT;
        text[at++] = UPPER_HEX[byte >> 4]!;
        text[at++] = UPPER_HEX[byte & 15]!;
      }
    }
    this.#length = at;
  }

  /** Makes it the stream's target. @returns false: there is no room, or it is none; the old one stays */
  commit(stream: Stream): boolean {
    const length = this.#length;
    if (length === 0 || length >= this.#limit) return false;
    const at = this.#edits.store(stream, this.#text, length);
    if (at < 0) return false;
    const message = stream.request;
    const parsed = this.#parsed;
    parsed.reset();
    parsed.method = message.method;
    parsed.targetStart = at;
    parsed.targetEnd = at + length;
    if (splitTarget(this.#edits.bytes, parsed) !== DONE) return false;
    message.keepLine();
    message.targetStart = at;
    message.targetEnd = at + length;
    message.pathStart = parsed.pathStart;
    message.pathEnd = parsed.pathEnd;
    message.queryStart = parsed.queryStart;
    message.flags = (message.flags & ~FORMS) | (parsed.flags & FORMS);
    return true;
  }

  /** The Host header was changed: a target in absolute form gets its value. @returns false: no room */
  followHost(stream: Stream): boolean {
    const message = stream.request;
    if ((message.flags & ABSOLUTE_FORM) === 0 || message.hostIndex < 0) return true;
    const { bytes } = this.#edits;
    const row = message.hostIndex * HEADER_INTS;
    this.begin();
    this.append(bytes, message.targetStart, this.#authority(message));
    this.append(bytes, message.headers[row + 2]!, message.headers[row + 3]!);
    this.append(bytes, message.pathStart, message.targetEnd);
    return this.commit(stream);
  }

  /** The whole target was changed: a Host header gets the authority of one in absolute form. @returns false: no room */
  followTarget(stream: Stream): boolean {
    const message = stream.request;
    if ((message.flags & ABSOLUTE_FORM) === 0 || message.hostIndex < 0) return true;
    const edits = this.#edits;
    const start = this.#authority(message);
    this.begin();
    this.append(edits.bytes, start, message.pathStart);
    edits.dropNamed(message, HOST);
    return edits.add(stream, HOST_PREFIX, this.#text, this.#length);
  }

  /** Offset of the authority in a target of absolute form. */
  #authority(message: Message): number {
    let at = message.targetStart;
    while (this.#edits.bytes[at] !== COLON) at++;
    return at + 3;
  }
}
