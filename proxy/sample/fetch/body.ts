// Fetches of message bodies and of whole heads: req.body, req.body_len, req.body_size, req.body_param, req.hdrs, req.hdrs_bin, and the same of
// responses. configuration.txt 7.3.6.
//
// Of a body there is what has come, at most a buffer; `option http-buffer-request` and `wait-for-body` see to it that enough has. A
// chunked body is put together without its framing, in a scratch area.

import { HEADER_INTS, MESSAGE, type Message } from "../../http1/message.ts";
import { STREAM, type Stream } from "../../stream/stream.ts";
import type { SampleContext } from "../context.ts";
import { TYPE } from "../types.ts";
import type { Result } from "../value.ts";
import { type Fetch, type FetchCompiler, type FetchFunction, single, stringArgument } from "./fetch.ts";
import { ParameterWalk } from "./parameter-walk.ts";

const FAIL = 0;
const MISS = 1;
const PASS = 2;
const HTTP = STREAM.http;
const CR = 13;
const LF = 10;
const COLON = 58;
const SPACE = 32;

type Side = "request" | "response";

function messageOf(stream: Stream, side: Side): Message {
  return side === "request" ? stream.request : stream.response;
}

/** Pass when the head is there. */
function ready(stream: Stream, side: Side): Result {
  if ((stream.flags & HTTP) === 0) return FAIL;
  const message = messageOf(stream, side);
  return message.end === message.start ? MISS : PASS;
}

function hexDigit(c: number): number {
  if (c >= 48 && c <= 57) return c - 48;
  const letter = c | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

/** Copies the data of the chunks in [start, end) to `target`, as much as fits; returns their number of bytes. */
function unchunk(bytes: Uint8Array, start: number, end: number, target: Uint8Array): number {
  let length = 0;
  for (let at = start; at < end; ) {
    let size = 0;
    for (let digit = hexDigit(bytes[at]!); digit >= 0 && at < end; digit = hexDigit(bytes[++at]!))
      size = size * 16 + digit;
    while (at < end && bytes[at] !== LF) at++;
    at++;
    if (size === 0) break;
    const last = Math.min(at + size, end);
    for (; at < last && length < target.length; at++) target[length++] = bytes[at]!;
    at = last + 2;
  }
  return length;
}

/** Makes what has come of the body the value. */
function setBody(ctx: SampleContext, stream: Stream, side: Side): Result {
  const isReady = ready(stream, side);
  const { input, value } = ctx;
  if (isReady !== PASS || input === null) return isReady === PASS ? FAIL : isReady;
  if (side === "request") input.request(stream);
  else input.response(stream);
  value.type = TYPE.bin;
  value.mayChange = !input.isComplete;
  if ((messageOf(stream, side).flags & MESSAGE.chunked) === 0) {
    value.bytes = ctx.bytes;
    value.start = input.start;
    value.end = Math.max(input.end, input.start);
    return PASS;
  }
  const scratch = value.scratch();
  value.end = unchunk(ctx.bytes, input.start, input.end, scratch);
  value.bytes = scratch;
  value.start = 0;
  return PASS;
}

function body(side: Side): FetchCompiler {
  return (ctx) => single((stream) => setBody(ctx, stream, side));
}

function bodyLength(side: Side): FetchCompiler {
  return (ctx) => {
    const { value } = ctx;
    return single((stream) => {
      const result = setBody(ctx, stream, side);
      if (result !== PASS) return result;
      value.int = value.end - value.start;
      value.type = TYPE.sint;
      return PASS;
    });
  };
}

/** The advertised length; of a chunked body what has come. */
function bodySize(side: Side): FetchCompiler {
  const length = bodyLength(side);
  return (ctx, plan, iterate) => {
    const { value } = ctx;
    const known = length(ctx, plan, iterate).first;
    return single((stream) => {
      const isReady = ready(stream, side);
      if (isReady !== PASS) return isReady;
      const { contentLength } = messageOf(stream, side);
      if (contentLength < 0) return known(stream);
      value.type = TYPE.sint;
      value.int = contentLength;
      return PASS;
    });
  };
}

const bodyParam: FetchCompiler = (ctx, plan, iterate): Fetch => {
  const walk = new ParameterWalk(ctx.value, stringArgument(plan, 0), stringArgument(plan, 1) === "i");
  const next: FetchFunction = () => walk.advance();
  const first: FetchFunction = (stream) => {
    const result = setBody(ctx, stream, "request");
    if (result !== PASS) return result;
    walk.begin(ctx.value.bytes, ctx.value.start, ctx.value.end);
    return walk.advance();
  };
  return iterate ? { first, next } : single(first);
};

/** Writes heads to a scratch area; what does not fit is not found. */
class HeadText {
  #target: Uint8Array = new Uint8Array(0);
  length = 0;

  begin(target: Uint8Array): void {
    this.#target = target;
    this.length = 0;
  }

  byte(c: number): void {
    if (this.length < this.#target.length) this.#target[this.length] = c;
    this.length++;
  }

  copy(bytes: Uint8Array, start: number, end: number): void {
    for (let i = start; i < end; i++) this.byte(bytes[i]!);
  }

  /** An integer as SPOE and the peers protocol write it. */
  varint(number: number): void {
    if (number < 240) {
      this.byte(number);
      return;
    }
    this.byte((number & 15) | 240);
    let rest = Math.floor((number - 240) / 16);
    for (; rest >= 128; rest = Math.floor((rest - 128) / 128)) this.byte((rest & 127) | 128);
    this.byte(rest);
  }
}

/** The header lines and the empty line, as text; or as names and values behind their lengths, two empty ones at the end. */
function heads(side: Side, binary: boolean): FetchCompiler {
  return (ctx) => {
    const { bytes, value } = ctx;
    const text = new HeadText();
    return single((stream) => {
      const isReady = ready(stream, side);
      if (isReady !== PASS) return isReady;
      const { headers, headerCount } = messageOf(stream, side);
      const scratch = value.scratch();
      text.begin(scratch);
      for (let row = 0; row < headerCount * HEADER_INTS; row += HEADER_INTS) {
        const [nameStart, nameEnd] = [headers[row]!, headers[row + 1]!];
        if (nameStart === nameEnd) continue;
        if (binary) text.varint(nameEnd - nameStart);
        text.copy(bytes, nameStart, nameEnd);
        if (binary) text.varint(headers[row + 3]! - headers[row + 2]!);
        else {
          text.byte(COLON);
          text.byte(SPACE);
        }
        text.copy(bytes, headers[row + 2]!, headers[row + 3]!);
        if (binary) continue;
        text.byte(CR);
        text.byte(LF);
      }
      text.byte(binary ? 0 : CR);
      text.byte(binary ? 0 : LF);
      if (text.length > scratch.length) return FAIL;
      value.type = binary ? TYPE.bin : TYPE.str;
      value.bytes = scratch;
      value.start = 0;
      value.end = text.length;
      return PASS;
    });
  };
}

/** By canonical name, see fetches.table.ts. */
export const BODY_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  "req.body": body("request"),
  "req.body_len": bodyLength("request"),
  "req.body_param": bodyParam,
  "req.body_size": bodySize("request"),
  "req.hdrs": heads("request", false),
  "req.hdrs_bin": heads("request", true),
  "res.body": body("response"),
  "res.body_len": bodyLength("response"),
  "res.body_size": bodySize("response"),
  "res.hdrs": heads("response", false),
  "res.hdrs_bin": heads("response", true),
};
