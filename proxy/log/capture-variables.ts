// The variables of log-format that show what was captured: %hr, %hs and their CLF forms, %CC and %CS (configuration.txt 8.8).

import type { Captures } from "../stream/captures.ts";
import type { Stream } from "../stream/stream.ts";
import { ESCAPE, type ItemWriter, QUOTE } from "./item-writer.ts";
import { isRefusedRequest } from "./request-variables.ts";

const DOUBLE_QUOTE = 34;
const DASH = 45;
const BRACE_OPEN = 123;
const BRACE_CLOSE = 125;
const BAR = 124;
const SPACE = 32;

export class CaptureVariables {
  readonly writer: ItemWriter;
  readonly #captures: Captures;

  constructor(writer: ItemWriter, captures: Captures) {
    this.writer = writer;
    this.#captures = captures;
  }

  #value(stream: Stream, isResponse: boolean, index: number, flags: number): void {
    const length = this.#captures.length(stream, isResponse, index);
    if (length <= 0) return;
    const start = this.#captures.offset(stream, isResponse, index);
    this.writer.request(stream.captures!.bytes, start, start + length, (flags & ESCAPE) !== 0);
  }

  /** `{a|b|}`; nothing at all where the frontend captures none, and where there was no request to capture from. */
  #braces(stream: Stream, isResponse: boolean, count: number, flags: number): void {
    if (count === 0 || isRefusedRequest(stream)) return;
    const { writer } = this;
    if ((flags & QUOTE) !== 0) writer.byte(DOUBLE_QUOTE);
    writer.byte(BRACE_OPEN);
    for (let index = 0; index < count; index++) {
      if (index > 0) writer.byte(BAR);
      this.#value(stream, isResponse, index, flags);
    }
    writer.byte(BRACE_CLOSE);
    if ((flags & QUOTE) !== 0) writer.byte(DOUBLE_QUOTE);
  }

  /** `"a" "b" -` */
  #list(stream: Stream, isResponse: boolean, count: number, flags: number): void {
    if (isRefusedRequest(stream)) return;
    const { writer } = this;
    for (let index = 0; index < count; index++) {
      if (index > 0) writer.byte(SPACE);
      if (this.#captures.length(stream, isResponse, index) < 0) {
        writer.byte(DASH);
        continue;
      }
      writer.byte(DOUBLE_QUOTE);
      this.#value(stream, isResponse, index, flags);
      writer.byte(DOUBLE_QUOTE);
    }
  }

  #cookie(stream: Stream, isResponse: boolean, flags: number): void {
    const index = this.#captures.cookieIndex(stream.frontend, isResponse);
    if (index < 0 || this.#captures.length(stream, isResponse, index) < 0) this.writer.missing(flags);
    else {
      if ((flags & QUOTE) !== 0) this.writer.byte(DOUBLE_QUOTE);
      this.#value(stream, isResponse, index, flags);
      if ((flags & QUOTE) !== 0) this.writer.byte(DOUBLE_QUOTE);
    }
  }

  /** %hr */
  requestHeaders(stream: Stream, flags: number): void {
    this.#braces(stream, false, this.#captures.requestCount(stream.frontend), flags);
  }
  /** %hs */
  responseHeaders(stream: Stream, flags: number): void {
    this.#braces(stream, true, this.#captures.responseCount(stream.frontend), flags);
  }
  /** %hrl */
  requestHeaderList(stream: Stream, flags: number): void {
    this.#list(stream, false, this.#captures.requestCount(stream.frontend), flags);
  }
  /** %hsl */
  responseHeaderList(stream: Stream, flags: number): void {
    this.#list(stream, true, this.#captures.responseCount(stream.frontend), flags);
  }
  /** %CC */
  requestCookie(stream: Stream, flags: number): void {
    this.#cookie(stream, false, flags);
  }
  /** %CS */
  responseCookie(stream: Stream, flags: number): void {
    this.#cookie(stream, true, flags);
  }
}
