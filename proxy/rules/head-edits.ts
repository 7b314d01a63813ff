// Edits of a parsed head without moving it: lines are dropped by marking them, new text is written into an area of its own in the
// arena, and the spans of Message point there. http1/edit.ts puts the pieces together when the head is sent.
//
//   request    head buffer  | head as received | body bytes | edits ──▶        | the room that tune.maxrewrite keeps free
//                            when body bytes fill the buffer: a second buffer, `stream.editBuffer`
//   response   an area of the worker, one head at a time
//
// Who owns what, until when: the request's area is the stream's to its end, because retries send the head again. The response's is
// the worker's: a head is forwarded in the same turn in which its rules run, and forwarding copies it. Rules that wait in between move
// it to a buffer of the stream's own first.
//
// Limit: a head and its edits must fit into one buffer (`tune.bufsize`), as in HAProxy. What does not is a failed rewrite.

import type { BufferPool } from "../../shared/arena/buffer-pool.ts";
import { dropHeader } from "../http1/framing.ts";
import { HEADER_INTS as INTS, type Message } from "../http1/message.ts";
import type { Stream } from "../stream/stream.ts";

const HEADER_INTS = INTS;
const CR = 13;
const LF = 10;
const HOST = new Uint8Array(Buffer.from("host"));

/** What actions need of the head that they edit: one implementation for requests, one for responses. */
export abstract class HeadEdits {
  readonly bytes: Uint8Array;
  /** `strict-mode`: what a failed rewrite of the present rule set means. */
  strict = true;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** The head that is edited. */
  abstract message(stream: Stream): Message;

  /** Arena offset of `length` new bytes, -1: there is no room. */
  protected abstract reserve(stream: Stream, length: number): number;

  /** Copies text [0, length) to where it stays; its offset, or -1. */
  store(stream: Stream, text: Uint8Array, length: number): number {
    const at = this.reserve(stream, length);
    if (at >= 0) for (let i = 0; i < length; i++) this.bytes[at + i] = text[i]!;
    return at;
  }

  /**
   * Appends a header line. @param prefix `name: ` in lower case
   * @returns false: no room
   */
  add(stream: Stream, prefix: Uint8Array, value: Uint8Array, valueLength: number): boolean {
    const message = this.message(stream);
    const row = message.headerCount * HEADER_INTS;
    if (row === message.headers.length) return false;
    const { bytes } = this;
    const start = this.reserve(stream, prefix.length + valueLength + 2);
    if (start < 0) return false;
    let at = start;
    for (let i = 0; i < prefix.length; i++) bytes[at++] = prefix[i]!;
    const valueStart = at;
    for (let i = 0; i < valueLength; i++) bytes[at++] = value[i]!;
    const { headers } = message;
    headers[row] = start;
    headers[row + 1] = valueStart - 2;
    headers[row + 2] = valueStart;
    headers[row + 3] = at;
    bytes[at++] = CR;
    bytes[at++] = LF;
    headers[row + 4] = at;
    if (this.isNamed(message, row, HOST)) message.hostIndex = message.headerCount;
    message.headerCount++;
    return true;
  }

  /** Takes a line out. */
  drop(message: Message, index: number): void {
    dropHeader(message, index);
    if (index === message.hostIndex) message.hostIndex = -1;
  }

  /** Takes out every line of that (lower-case) name. */
  dropNamed(message: Message, name: Uint8Array): void {
    for (let index = 0; index < message.headerCount; index++)
      if (this.isNamed(message, index * HEADER_INTS, name)) this.drop(message, index);
  }

  /** Whether the line at `row` of `Message.headers` has that name and is still there. */
  isNamed(message: Message, row: number, name: Uint8Array): boolean {
    const start = message.headers[row]!;
    if (message.headers[row + 1]! - start !== name.length) return false;
    for (let i = 0; i < name.length; i++) if (this.bytes[start + i] !== name[i]) return false;
    return true;
  }

  /** Gives the line at `row` another value. @returns false: no room */
  setValue(stream: Stream, row: number, value: Uint8Array, length: number): boolean {
    const at = this.store(stream, value, length);
    if (at < 0) return false;
    const { headers } = this.message(stream);
    headers[row + 2] = at;
    headers[row + 3] = at + length;
    return true;
  }
}

export class RequestEdits extends HeadEdits {
  readonly #pool: BufferPool;
  readonly #rewriteBytes: number;

  /** @param rewriteBytes `tune.maxrewrite`: what edits may need beside a buffer that the body has filled */
  constructor(bytes: Uint8Array, pool: BufferPool, rewriteBytes: number) {
    super(bytes);
    this.#pool = pool;
    this.#rewriteBytes = rewriteBytes;
  }

  message(stream: Stream): Message {
    return stream.request;
  }

  protected reserve(stream: Stream, length: number): number {
    if (stream.editAt === 0) this.#begin(stream);
    if (stream.editAt + length > stream.editEnd && !this.#moveOn(stream, length)) return -1;
    const at = stream.editAt;
    stream.editAt = at + length;
    return at;
  }

  /**
   * More bytes of the body are to stand behind the head: what was written there moves to the second buffer.
   * @returns false: there is none
   */
  moveAway(stream: Stream): boolean {
    if (stream.editBuffer >= 0) return true;
    const pool = this.#pool;
    const from = pool.end[stream.headBuffer]!;
    const written = stream.editAt - from;
    const buffer = pool.take();
    if (buffer < 0) return false;
    const to = pool.start[buffer]!;
    this.bytes.copyWithin(to, from, stream.editAt);
    moveSpans(stream.request, from, stream.editAt, to - from);
    stream.editBuffer = buffer;
    stream.editAt = to + written;
    const head = pool.offsetOf(stream.headBuffer);
    stream.editEnd = to + Math.max(this.#rewriteBytes, head + pool.size - from);
    return true;
  }

  #begin(stream: Stream): void {
    const pool = this.#pool;
    const head = stream.headBuffer;
    stream.editAt = pool.end[head]!;
    stream.editEnd = pool.offsetOf(head) + pool.size;
  }

  /** Body bytes left no room behind the head: goes on in a second buffer, as far as rewrites are guaranteed to have room. */
  #moveOn(stream: Stream, length: number): boolean {
    const pool = this.#pool;
    if (stream.editBuffer >= 0) return false;
    const written = stream.editAt - pool.end[stream.headBuffer]!;
    const room = this.#rewriteBytes - written;
    if (length > room) return false;
    const buffer = pool.take();
    if (buffer < 0) return false;
    stream.editBuffer = buffer;
    stream.editAt = pool.start[buffer]!;
    stream.editEnd = stream.editAt + room;
    return true;
  }
}

/** What stood at [from, to) of the arena stands `by` bytes further on now. */
function moveSpans(message: Message, from: number, to: number, by: number): void {
  const { headers } = message;
  for (let i = 0; i < message.headerCount * HEADER_INTS; i++) {
    const at = headers[i]!;
    if (at >= from && at <= to) headers[i] = at + by;
  }
  const moved = (at: number): number => (at >= from && at <= to ? at + by : at);
  message.methodStart = moved(message.methodStart);
  message.methodEnd = moved(message.methodEnd);
  message.targetStart = moved(message.targetStart);
  message.targetEnd = moved(message.targetEnd);
  message.pathStart = moved(message.pathStart);
  message.pathEnd = moved(message.pathEnd);
  message.queryStart = moved(message.queryStart);
  message.reasonStart = moved(message.reasonStart);
  message.reasonEnd = moved(message.reasonEnd);
}

export class ResponseEdits extends HeadEdits {
  readonly #area: number;
  readonly #size: number;
  #limit = 0;
  #start = 0;
  #at = 0;

  /** @param area arena offset of `size` bytes (a buffer's) that are this object's alone */
  constructor(bytes: Uint8Array, area: number, size: number) {
    super(bytes);
    this.#area = this.#start = area;
    this.#size = size;
  }

  /**
   * Another head: what was written for the one before it is not needed any more.
   * @param limit bytes that may be written
   */
  begin(limit = this.#size): void {
    this.#start = this.#at = this.#area;
    this.#limit = limit;
    this.strict = true;
  }

  /**
   * The rules of this head wait, and other heads will come in between: what was written moves to a buffer of the stream's own.
   * @returns false: there is none
   */
  leave(stream: Stream, pool: BufferPool): boolean {
    const written = this.#at - this.#start;
    if (stream.responseEditBuffer < 0) {
      const buffer = pool.take();
      if (buffer < 0) return false;
      this.bytes.copyWithin(pool.start[buffer]!, this.#start, this.#at);
      moveSpans(stream.response, this.#start, this.#at, pool.start[buffer]! - this.#start);
      stream.responseEditBuffer = buffer;
    }
    pool.end[stream.responseEditBuffer] = pool.start[stream.responseEditBuffer]! + written;
    return true;
  }

  /** Goes on with the head of a stream that had waited. */
  resume(stream: Stream, pool: BufferPool): void {
    this.#start = pool.start[stream.responseEditBuffer]!;
    this.#at = pool.end[stream.responseEditBuffer]!;
    this.strict = true;
  }

  message(stream: Stream): Message {
    return stream.response;
  }

  protected reserve(stream: Stream, length: number): number {
    const { response } = stream;
    const at = this.#at;
    if (at - this.#start + length > Math.min(this.#limit, this.#size - (response.end - response.start))) return -1;
    this.#at = at + length;
    return at;
  }
}
