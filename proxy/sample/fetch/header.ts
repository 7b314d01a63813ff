// Fetches of header fields, of requests and responses: hdr (values split at commas), fhdr (whole lines), their counts, and their
// values read as integers or addresses. configuration.txt 7.3.6.
//
//   X-Test: a, "b,c" ,,d      hdr:  a | "b,c" | (empty) | d       fhdr:  a, "b,c" ,,d
//
// As seen with HAProxy 3.2: every comma outside a quoted string ends a value, so that empty values count too; blanks around a value
// do not belong to it; a backslash escapes inside quotes. In an ACL all values are tried in the order of the lines; elsewhere
// occurrence `occ` is taken (1 is the first, -1 the last), the last by default.

import { readAddress, readIpv4 } from "../../../shared/ip/address.ts";
import { HEADER_INTS as INTS, type Message } from "../../http1/message.ts";
import { STREAM, type Stream } from "../../stream/stream.ts";
import type { SampleContext } from "../context.ts";
import { readInteger } from "../integer.ts";
import { TYPE } from "../types.ts";
import { type Result, textBytes } from "../value.ts";
import {
  type Fetch,
  type FetchCompiler,
  type FetchFunction,
  integerArgument,
  ofEitherSide,
  single,
  stringArgument,
} from "./fetch.ts";

const FAIL = 0;
const MISS = 1;
const PASS = 2;
const HTTP = STREAM.http | STREAM.peeked;
const HEADER_INTS = INTS;
const SPACE = 32;
const TAB = 9;
const COMMA = 44;
const QUOTE = 34;
const BACKSLASH = 92;
const COLON = 58;

type Side = "request" | "response";

/** 1 for the bytes at which the search for a value's end stops. */
const IS_SPECIAL = new Uint8Array(256);
IS_SPECIAL[COMMA] = IS_SPECIAL[QUOTE] = 1;

/** The comma (or end of line) that ends a value with quoted parts; `at` is the first quote. */
function quotedItemEnd(bytes: Uint8Array, at: number, lineEnd: number): number {
  let quoted = false;
  for (; at < lineEnd; at++) {
    const c = bytes[at];
    if (quoted) {
      if (c === BACKSLASH) at++;
      else if (c === QUOTE) quoted = false;
    } else if (c === COMMA) break;
    else if (c === QUOTE) quoted = true;
  }
  return Math.min(at, lineEnd);
}

/** Walks over the values of one header name (or of all). Each fetch has its own, which keeps the place between two values. */
export class HeaderWalk {
  readonly #bytes: Uint8Array;
  readonly #isRequest: boolean;
  readonly #name: Uint8Array;
  readonly #split: boolean;
  /** The line that the walk is in, and what is left of its value; `#at` -1: go to the next line. */
  #line = -1;
  #at = -1;
  #lineEnd = 0;
  /** The value found last. */
  start = 0;
  end = 0;

  constructor(ctx: SampleContext, side: Side, name: string, split: boolean) {
    this.#bytes = ctx.bytes;
    this.#isRequest = side === "request";
    this.#name = textBytes(name.toLowerCase());
    this.#split = split;
  }

  /** Pass when there is a head to look at. */
  ready(stream: Stream): Result {
    if ((stream.flags & HTTP) === 0) return FAIL;
    const message = this.message(stream);
    return message.end === message.start ? MISS : PASS;
  }

  message(stream: Stream): Message {
    return this.#isRequest ? stream.request : stream.response;
  }

  rewind(): void {
    this.#line = -1;
    this.#at = -1;
  }

  /** Goes to the next value; false: there is none any more. */
  advance(message: Message): boolean {
    if (this.#at < 0 && !this.#nextLine(message)) return false;
    if (this.#split) this.#nextItem();
    else this.#wholeLine();
    return true;
  }

  /** The value of the line; blanks around it, which rules may have written, do not belong to it. */
  #wholeLine(): void {
    const bytes = this.#bytes;
    let start = this.#at;
    let end = this.#lineEnd;
    while (start < end && (bytes[start] === SPACE || bytes[start] === TAB)) start++;
    while (end > start && (bytes[end - 1] === SPACE || bytes[end - 1] === TAB)) end--;
    this.start = start;
    this.end = end;
    this.#at = -1;
  }

  #nextLine(message: Message): boolean {
    const bytes = this.#bytes;
    const headers = message.headers;
    const name = this.#name;
    const length = name.length;
    const rows = message.headerCount * HEADER_INTS;
    for (let row = (this.#line + 1) * HEADER_INTS; row < rows; row += HEADER_INTS) {
      const nameStart = headers[row]!;
      const nameLength = headers[row + 1]! - nameStart;
      if (length === 0) {
        if (nameLength === 0) continue; // dropped by framing.ts
      } else {
        if (nameLength !== length) continue;
        let i = 0;
        while (i < length && bytes[nameStart + i] === name[i]) i++;
        if (i < length) continue;
      }
      this.#line = (row / HEADER_INTS) | 0;
      this.#at = headers[row + 2]!;
      this.#lineEnd = headers[row + 3]!;
      return true;
    }
    this.#line = message.headerCount;
    return false;
  }

  /** Takes the comma-separated value at `#at`, trimmed, and goes behind its comma (or to the next line). */
  #nextItem(): void {
    const bytes = this.#bytes;
    const lineEnd = this.#lineEnd;
    let start = this.#at;
    while (start < lineEnd && (bytes[start] === SPACE || bytes[start] === TAB)) start++;
    let at = start;
    // Most values hold neither comma nor quote.
    while (at < lineEnd && IS_SPECIAL[bytes[at]!] === 0) at++;
    if (at < lineEnd && bytes[at] === QUOTE) at = quotedItemEnd(bytes, at, lineEnd);
    this.#at = at < lineEnd ? at + 1 : -1;
    let end = at;
    while (end > start && (bytes[end - 1] === SPACE || bytes[end - 1] === TAB)) end--;
    this.start = start;
    this.end = end;
  }

  /** Goes to occurrence `wanted` (1 the first, -1 the last). */
  seek(message: Message, wanted: number): boolean {
    this.rewind();
    let index = wanted;
    if (wanted < 0) {
      const count = this.count(message);
      if (count < -wanted) return false;
      index = count + wanted + 1;
      this.rewind();
    }
    for (; index > 0; index--) if (!this.advance(message)) return false;
    return true;
  }

  count(message: Message): number {
    this.rewind();
    let count = 0;
    while (this.advance(message)) count++;
    return count;
  }
}

/** What becomes of a value's bytes; false: this one is skipped. */
type Take = (ctx: SampleContext, start: number, end: number) => boolean;

function takeBytes(ctx: SampleContext, start: number, end: number): boolean {
  const value = ctx.value;
  value.type = TYPE.str;
  value.bytes = ctx.bytes;
  value.start = start;
  value.end = end;
  return true;
}

function takeInteger(ctx: SampleContext, start: number, end: number): boolean {
  ctx.value.type = TYPE.sint;
  ctx.value.int = readInteger(ctx.bytes, start, end);
  return true;
}

/** An address; IPv4 may be followed by `:port`, and IPv6 may stand in brackets (RFC 7239). */
function takeAddress(ctx: SampleContext, start: number, end: number): boolean {
  const { value, bytes } = ctx;
  if (bytes[start] === 91) {
    let close = start;
    while (close < end && bytes[close] !== 93) close++;
    if (close !== end - 1) return false;
    start++;
    end = close;
  }
  const length = readAddress(bytes, start, end, value.address);
  value.type = length === 16 ? TYPE.ipv6 : TYPE.ipv4;
  if (length !== 0) return true;
  let colon = start;
  while (colon < end && bytes[colon] !== COLON) colon++;
  if (colon === end || colon + 1 === end || end - colon > 6) return false;
  let port = 0;
  for (let i = colon + 1; i < end; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
  }
  return port < 65536 && readIpv4(bytes, start, colon, value.address, 0);
}

function headerFetch(side: Side, split: boolean, take: Take): FetchCompiler {
  return (ctx, plan, iterate): Fetch => {
    const walk = new HeaderWalk(ctx, side, stringArgument(plan, 0), split);
    const occurrence = integerArgument(plan, 1, 0);
    if (!iterate || occurrence !== 0) {
      const wanted = occurrence === 0 ? -1 : occurrence;
      return single((stream) => {
        const ready = walk.ready(stream);
        if (ready !== PASS) return ready;
        return walk.seek(walk.message(stream), wanted) && take(ctx, walk.start, walk.end) ? PASS : FAIL;
      });
    }
    const next: FetchFunction = (stream) => {
      const message = walk.message(stream);
      while (walk.advance(message)) if (take(ctx, walk.start, walk.end)) return PASS;
      return FAIL;
    };
    const first: FetchFunction = (stream) => {
      const ready = walk.ready(stream);
      if (ready !== PASS) return ready;
      walk.rewind();
      return next(stream);
    };
    return { first, next };
  };
}

function countFetch(side: Side, split: boolean): FetchCompiler {
  return (ctx, plan) => {
    const walk = new HeaderWalk(ctx, side, stringArgument(plan, 0), split);
    const value = ctx.value;
    return single((stream) => {
      const ready = walk.ready(stream);
      if (ready !== PASS) return ready;
      value.int = walk.count(walk.message(stream));
      value.type = TYPE.sint;
      return PASS;
    });
  };
}

/** The names of all lines in their order, with a delimiter between them. */
function namesFetch(side: Side): FetchCompiler {
  return (ctx, plan) => {
    const { bytes, value } = ctx;
    const walk = new HeaderWalk(ctx, side, "", false);
    // Of the argument HAProxy takes one byte.
    const delimiter = textBytes(stringArgument(plan, 0) || ",")[0]!;
    return single((stream) => {
      const ready = walk.ready(stream);
      if (ready !== PASS) return ready;
      const { headers, headerCount } = walk.message(stream);
      const scratch = value.scratch();
      let to = 0;
      for (let row = 0; row < headerCount * HEADER_INTS; row += HEADER_INTS) {
        const start = headers[row]!;
        const end = headers[row + 1]!;
        // Lines without a name were dropped by framing.ts.
        if (start === end) continue;
        if (to + 1 + end - start > scratch.length) break;
        if (to > 0) scratch[to++] = delimiter;
        for (let i = start; i < end; i++) scratch[to++] = bytes[i]!;
      }
      value.type = TYPE.str;
      value.bytes = scratch;
      value.start = 0;
      value.end = to;
      return PASS;
    });
  };
}

/** By canonical name, see fetches.table.ts. */
export const HEADER_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  hdr: ofEitherSide(headerFetch("request", true, takeBytes), headerFetch("response", true, takeBytes)),
  "req.fhdr": headerFetch("request", false, takeBytes),
  "req.fhdr_cnt": countFetch("request", false),
  "req.hdr": headerFetch("request", true, takeBytes),
  "req.hdr_cnt": countFetch("request", true),
  "req.hdr_ip": headerFetch("request", true, takeAddress),
  "req.hdr_names": namesFetch("request"),
  "req.hdr_val": headerFetch("request", true, takeInteger),
  "res.fhdr": headerFetch("response", false, takeBytes),
  "res.fhdr_cnt": countFetch("response", false),
  "res.hdr": headerFetch("response", true, takeBytes),
  "res.hdr_cnt": countFetch("response", true),
  "res.hdr_ip": headerFetch("response", true, takeAddress),
  "res.hdr_names": namesFetch("response"),
  "res.hdr_val": headerFetch("response", true, takeInteger),
};
