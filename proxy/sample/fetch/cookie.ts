// Fetches of cookies: req.cook from Cookie headers, res.cook from Set-Cookie headers, their counts, integers and names. configuration.txt 7.3.6.
//
//   Cookie: a=1; b="x;y", c        pairs between semicolons or commas outside of quotes: a | b | (c has no value and does not count)
//   Set-Cookie: a=1; Path=/        one pair a line, the rest is about it
//
// As seen with HAProxy 3.2: blanks around names and values do not belong to them, names are case-sensitive and those beginning with `$` passed
// over. In an ACL all cookies of the name are tried; elsewhere the last one is taken, or the first one when no name is given.

import { STREAM, type Stream } from "../../stream/stream.ts";
import type { SampleContext } from "../context.ts";
import { readInteger } from "../integer.ts";
import { TYPE } from "../types.ts";
import { type Result, textBytes } from "../value.ts";
import { type FetchCompiler, type FetchFunction, ofEitherSide, single, stringArgument } from "./fetch.ts";
import { HeaderWalk } from "./header.ts";

const FAIL = 0;
const MISS = 1;
const PASS = 2;
const HTTP = STREAM.http | STREAM.peeked;
const SPACE = 32;
const TAB = 9;
const QUOTE = 34;
const DOLLAR = 36;
const COMMA = 44;
const SEMICOLON = 59;
const EQUALS = 61;
const BACKSLASH = 92;

type Side = "request" | "response";

/** Walks over the cookies of one name, or of all. Each fetch has its own, which keeps the place between two cookies. */
class CookieWalk {
  readonly #bytes: Uint8Array;
  readonly #isRequest: boolean;
  readonly #lines: HeaderWalk;
  readonly #name: Uint8Array;
  /** What is left of the line; nothing when they are equal. */
  #at = 0;
  #lineEnd = 0;
  nameStart = 0;
  nameEnd = 0;
  start = 0;
  end = 0;

  constructor(ctx: SampleContext, side: Side, name: string) {
    this.#bytes = ctx.bytes;
    this.#isRequest = side === "request";
    this.#lines = new HeaderWalk(ctx, side, this.#isRequest ? "cookie" : "set-cookie", false);
    this.#name = textBytes(name);
  }

  /** Goes before the first cookie. */
  begin(stream: Stream): Result {
    if ((stream.flags & HTTP) === 0) return FAIL;
    const message = this.#lines.message(stream);
    if (message.end === message.start) return MISS;
    this.#lines.rewind();
    this.#at = this.#lineEnd = 0;
    return PASS;
  }

  /** Goes to the next cookie of the name; false: there is none any more. */
  advance(stream: Stream): boolean {
    const message = this.#lines.message(stream);
    for (;;) {
      if (this.#at >= this.#lineEnd) {
        if (!this.#lines.advance(message)) return false;
        this.#at = this.#lines.start;
        this.#lineEnd = this.#lines.end;
      }
      if (this.#readPair() && this.#isNamed()) return true;
    }
  }

  /** Reads the pair at `#at` and goes behind it; false: it is none. */
  #readPair(): boolean {
    const bytes = this.#bytes;
    const lineEnd = this.#lineEnd;
    let at = this.#at;
    while (at < lineEnd && (bytes[at] === SPACE || bytes[at] === TAB)) at++;
    this.nameStart = at;
    while (at < lineEnd && bytes[at] !== EQUALS && !this.#isSeparator(bytes[at]!)) at++;
    this.nameEnd = this.#trimmed(this.nameStart, at);
    const hasValue = at < lineEnd && bytes[at] === EQUALS;
    if (hasValue) at = this.#readValue(at + 1);
    this.#at = this.#isRequest ? at + 1 : lineEnd;
    return hasValue && bytes[this.nameStart] !== DOLLAR;
  }

  /** Takes the value that begins here and returns where its separator is. */
  #readValue(valueStart: number): number {
    const bytes = this.#bytes;
    const lineEnd = this.#lineEnd;
    let at = valueStart;
    while (at < lineEnd && (bytes[at] === SPACE || bytes[at] === TAB)) at++;
    this.start = at;
    let isQuoted = false;
    for (; at < lineEnd; at++) {
      const c = bytes[at]!;
      if (c === QUOTE) isQuoted = !isQuoted;
      else if (isQuoted && c === BACKSLASH) at++;
      else if (!isQuoted && this.#isSeparator(c)) break;
    }
    at = Math.min(at, lineEnd);
    this.end = this.#trimmed(this.start, at);
    return at;
  }

  #isSeparator(c: number): boolean {
    return c === SEMICOLON || (c === COMMA && this.#isRequest);
  }

  #trimmed(start: number, end: number): number {
    const bytes = this.#bytes;
    while (end > start && (bytes[end - 1] === SPACE || bytes[end - 1] === TAB)) end--;
    return end;
  }

  #isNamed(): boolean {
    const name = this.#name;
    if (name.length === 0) return true;
    if (this.nameEnd - this.nameStart !== name.length) return false;
    let i = 0;
    while (i < name.length && this.#bytes[this.nameStart + i] === name[i]) i++;
    return i === name.length;
  }
}

/** What becomes of a cookie that was found. */
type Take = (ctx: SampleContext, start: number, end: number) => void;

function takeBytes({ value, bytes }: SampleContext, start: number, end: number): void {
  value.type = TYPE.str;
  value.bytes = bytes;
  value.start = start;
  value.end = end;
}

function takeInteger({ value, bytes }: SampleContext, start: number, end: number): void {
  value.type = TYPE.sint;
  value.int = readInteger(bytes, start, end);
}

function cookieFetch(side: Side, take: Take): FetchCompiler {
  return (ctx, plan, iterate) => {
    const name = stringArgument(plan, 0);
    const walk = new CookieWalk(ctx, side, name);
    const next: FetchFunction = (stream) => {
      if (!walk.advance(stream)) return FAIL;
      take(ctx, walk.start, walk.end);
      return PASS;
    };
    const first: FetchFunction = (stream) => {
      const ready = walk.begin(stream);
      return ready === PASS ? next(stream) : ready;
    };
    if (iterate) return { first, next };
    if (name === "") return single(first);
    return single((stream) => {
      const ready = walk.begin(stream);
      if (ready !== PASS) return ready;
      let start = -1;
      let end = -1;
      while (walk.advance(stream)) {
        start = walk.start;
        end = walk.end;
      }
      if (start < 0) return FAIL;
      take(ctx, start, end);
      return PASS;
    });
  };
}

function countFetch(side: Side): FetchCompiler {
  return (ctx, plan) => {
    const walk = new CookieWalk(ctx, side, stringArgument(plan, 0));
    const value = ctx.value;
    return single((stream) => {
      const ready = walk.begin(stream);
      if (ready !== PASS) return ready;
      let count = 0;
      while (walk.advance(stream)) count++;
      value.int = count;
      value.type = TYPE.sint;
      return PASS;
    });
  };
}

/** All names in their order, with a delimiter between them. */
function namesFetch(side: Side): FetchCompiler {
  return (ctx, plan) => {
    const walk = new CookieWalk(ctx, side, "");
    // Of the argument HAProxy takes one byte.
    const delimiter = textBytes(stringArgument(plan, 0) || ",")[0]!;
    const value = ctx.value;
    return single((stream) => {
      const ready = walk.begin(stream);
      if (ready !== PASS) return ready;
      const scratch = value.scratch();
      let to = 0;
      while (walk.advance(stream)) {
        if (to + 1 + walk.nameEnd - walk.nameStart > scratch.length) break;
        if (to > 0) scratch[to++] = delimiter;
        for (let i = walk.nameStart; i < walk.nameEnd; i++) scratch[to++] = ctx.bytes[i]!;
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
export const COOKIE_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  cookie: ofEitherSide(cookieFetch("request", takeBytes), cookieFetch("response", takeBytes)),
  "req.cook": cookieFetch("request", takeBytes),
  "req.cook_cnt": countFetch("request"),
  "req.cook_names": namesFetch("request"),
  "req.cook_val": cookieFetch("request", takeInteger),
  "res.cook": cookieFetch("response", takeBytes),
  "res.cook_cnt": countFetch("response"),
  "res.cook_names": namesFetch("response"),
  "res.cook_val": cookieFetch("response", takeInteger),
};
