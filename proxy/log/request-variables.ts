// The variables of log-format that show what the client asked for. They are the only ones whose bytes a stranger chose, so
// everything goes through ItemWriter.request, which encodes what could break a line (configuration.txt 8.6).
//
// Limits: of a request line, up to `tune.http.logurilen` bytes before encoding are logged.
// The head must still stand in the arena when the line is written.

import { type Message, type RequestLine, versionText } from "../http1/message.ts";
import type { Stream } from "../stream/stream.ts";
import { ESCAPE, type ItemWriter, QUOTE } from "./item-writer.ts";
import { textBytes } from "./names.ts";

// Hot constants, as in stream/stream.ts and http1/message.ts: imported bindings are slower.
const HTTP = 1;
const BAD_REQUEST = 65536;
const LINE_EDITED = 1024;

const DOUBLE_QUOTE = 34;
const SLASH = 47;
const SPACE = 32;

const BADREQ = textBytes("<BADREQ>");

export class RequestVariables {
  readonly writer: ItemWriter;
  readonly #arena: Uint8Array;
  readonly #lineMaxBytes: number;

  /**
   * @param arena the memory that Message offsets refer to
   * @param lineMaxBytes of a request line, before encoding
   */
  constructor(writer: ItemWriter, arena: Uint8Array, lineMaxBytes: number) {
    this.writer = writer;
    this.#lineMaxBytes = lineMaxBytes;
    this.#arena = arena;
  }

  /** %r */
  requestLine(stream: Stream, flags: number): void {
    if (!hasRequest(stream)) {
      this.writer.text(BADREQ, flags);
      return;
    }
    const { writer } = this;
    const arena = this.#arena;
    const request = receivedLine(stream.request);
    const lineEnd = request.methodStart + this.#lineMaxBytes;
    const escaped = (flags & ESCAPE) !== 0;
    if ((flags & QUOTE) !== 0) writer.byte(DOUBLE_QUOTE);
    writer.request(arena, request.methodStart, request.methodEnd, escaped);
    writer.byte(SPACE);
    writer.request(arena, request.targetStart, Math.min(request.targetEnd, lineEnd), escaped);
    if (request.targetEnd < lineEnd) {
      writer.byte(SPACE);
      const version = versionText(stream.request.flags);
      const room = lineEnd - request.targetEnd - 1;
      for (let i = 0; i < version.length && i < room; i++) writer.byte(version[i]!);
    }
    if ((flags & QUOTE) !== 0) writer.byte(DOUBLE_QUOTE);
  }
  /** %HM */
  method(stream: Stream, flags: number): void {
    if (!hasRequest(stream)) this.writer.text(BADREQ, flags);
    else {
      const { methodStart, methodEnd } = receivedLine(stream.request);
      this.#requestPart(stream, methodStart, methodEnd, flags);
    }
  }
  /** %HU */
  uri(stream: Stream, flags: number): void {
    if (!hasRequest(stream)) this.writer.text(BADREQ, flags);
    else {
      const { targetStart, targetEnd } = receivedLine(stream.request);
      this.#requestPart(stream, targetStart, targetEnd, flags);
    }
  }
  /** %HP */
  uriWithoutQuery(stream: Stream, flags: number): void {
    if (!hasRequest(stream)) {
      this.writer.text(BADREQ, flags);
      return;
    }
    const request = receivedLine(stream.request);
    const end = request.queryStart === 0 ? request.targetEnd : request.queryStart - 1;
    this.#requestPart(stream, request.targetStart, end, flags);
  }
  /** %HPO */
  path(stream: Stream, flags: number): void {
    if (!hasRequest(stream)) {
      this.writer.text(BADREQ, flags);
      return;
    }
    const request = receivedLine(stream.request);
    const end = request.queryStart === 0 ? request.pathEnd : request.queryStart - 1;
    const isPath = request.pathStart < end && this.#arena[request.pathStart] === SLASH; // `*` is none
    this.#requestPart(stream, request.pathStart, isPath ? end : request.pathStart, flags);
  }
  /** %HQ: with its question mark. */
  query(stream: Stream, flags: number): void {
    if (!hasRequest(stream)) {
      this.writer.text(BADREQ, flags);
      return;
    }
    const request = receivedLine(stream.request);
    const start = request.queryStart === 0 ? request.targetEnd : request.queryStart - 1;
    this.#requestPart(stream, start, request.targetEnd, flags);
  }
  /** %HV */
  version(stream: Stream, flags: number): void {
    if (!hasRequest(stream)) this.writer.text(BADREQ, flags);
    else this.writer.text(versionText(stream.request.flags), flags);
  }

  #requestPart(stream: Stream, from: number, to: number, flags: number): void {
    const lineEnd = receivedLine(stream.request).methodStart + this.#lineMaxBytes;
    if ((flags & QUOTE) !== 0) this.writer.byte(DOUBLE_QUOTE);
    this.writer.request(this.#arena, from, Math.min(to, lineEnd), (flags & ESCAPE) !== 0);
    if ((flags & QUOTE) !== 0) this.writer.byte(DOUBLE_QUOTE);
  }
}

/** The request line as the client sent it, whatever rules made of it. */
function receivedLine(request: Message): Message | RequestLine {
  return (request.flags & LINE_EDITED) !== 0 ? request.received : request;
}

/** An HTTP request was understood. Without one, HAProxy shows <BADREQ>; so it does in mode tcp. */
function hasRequest(stream: Stream): boolean {
  return stream.requestDoneMs !== -1 && (stream.flags & (HTTP | BAD_REQUEST)) === HTTP;
}

/** A client spoke HTTP so badly (or so slowly, or not at all) that HAProxy refuses before a stream exists, and logs little. */
export function isRefusedRequest(stream: Stream): boolean {
  return (stream.flags & HTTP) !== 0 && !hasRequest(stream);
}
