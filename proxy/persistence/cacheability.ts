// Whether a shared cache could keep a response, as HAProxy judges it for `cookie … nocache` and `option checkcache` (RFC 9111 section 3 with its own strictness):
// method, status, Cache-Control and Pragma, and something to judge its age or identity by.

import { HEADER_INTS as INTS, METHOD, type Message } from "../http1/message.ts";
import { textBytes } from "../sample/value.ts";
import type { Stream } from "../stream/stream.ts";

const HEADER_INTS = INTS;
const QUOTE = 34;
const COMMA = 44;
const BACKSLASH = 92;

const CACHEABLE_STATUS: ReadonlySet<number> = new Set([200, 203, 204, 206, 300, 301, 404, 405, 410, 414, 501]);
const CACHE_CONTROL = textBytes("cache-control");
const SET_COOKIE = textBytes("set-cookie");
const PRAGMA = textBytes("pragma");
const NO_CACHE = textBytes("no-cache");
const PUBLIC = textBytes("public");
const MAX_AGE_0 = textBytes("max-age=0");
const SHARED_MAX_AGE_0 = textBytes("s-maxage=0");
const SHARED_MAX_AGE = textBytes("s-maxage");
const MAX_AGE = textBytes("max-age");
/** Alone or with an argument, these forbid it. */
const FORBIDDING = ["private", "no-cache", "no-store"].map(textBytes);
/** The one argument that only concerns the cookie. */
const NO_CACHE_COOKIE = textBytes('no-cache="set-cookie"');
/** What there must be one of when no age is given. */
const FRESHNESS = ["expires", "etag", "last-modified"].map(textBytes);

export function isCacheable(bytes: Uint8Array, { request, response }: Stream): boolean {
  const { method } = request;
  let may =
    (method === METHOD.get || method === METHOD.head || method === METHOD.options || method === METHOD.trace) &&
    CACHEABLE_STATUS.has(response.status);
  let hasNullAge = false;
  let hasFreshness = false;
  for (let index = 0; index < response.headerCount; index++) {
    const row = index * HEADER_INTS;
    if (
      isNamed(bytes, response, row, PRAGMA) &&
      isWhole(bytes, response.headers[row + 2]!, response.headers[row + 3]!, NO_CACHE)
    )
      return false;
    if (!isNamed(bytes, response, row, CACHE_CONTROL)) continue;
    const lineEnd = response.headers[row + 3]!;
    for (let at = response.headers[row + 2]!; at < lineEnd; ) {
      const end = elementEnd(bytes, at, lineEnd);
      const start = skipBlanks(bytes, at, end);
      const stop = trimBlanks(bytes, start, end);
      if (isWhole(bytes, start, stop, PUBLIC)) may = true;
      else if (isWhole(bytes, start, stop, MAX_AGE_0)) hasNullAge = true;
      else if (!isWhole(bytes, start, stop, NO_CACHE_COOKIE)) {
        if (forbids(bytes, start, stop) || isWhole(bytes, start, stop, SHARED_MAX_AGE_0)) may = false;
        else if (begins(bytes, start, stop, SHARED_MAX_AGE)) {
          hasFreshness = true;
          hasNullAge = false;
        } else if (begins(bytes, start, stop, MAX_AGE)) hasFreshness = true;
      }
      at = end + 1;
    }
  }
  return may && !hasNullAge && (hasFreshness || hasAny(bytes, response));
}

/** Whether a cache could give one client's cookie to others: `option checkcache`. */
export function exposesCookie(bytes: Uint8Array, stream: Stream): boolean {
  const { response } = stream;
  let hasCookie = false;
  for (let index = 0; index < response.headerCount; index++) {
    const row = index * HEADER_INTS;
    if (isNamed(bytes, response, row, SET_COOKIE)) hasCookie = true;
    if (!isNamed(bytes, response, row, CACHE_CONTROL)) continue;
    const lineEnd = response.headers[row + 3]!;
    for (let at = response.headers[row + 2]!; at < lineEnd; ) {
      const end = elementEnd(bytes, at, lineEnd);
      const start = skipBlanks(bytes, at, end);
      if (isWhole(bytes, start, trimBlanks(bytes, start, end), NO_CACHE_COOKIE)) return false;
      at = end + 1;
    }
  }
  return hasCookie && isCacheable(bytes, stream);
}

function forbids(bytes: Uint8Array, start: number, end: number): boolean {
  for (const word of FORBIDDING) {
    if (begins(bytes, start, end, word) && (end - start === word.length || bytes[start + word.length] === 61))
      return true;
  }
  return false;
}

function hasAny(bytes: Uint8Array, response: Message): boolean {
  for (let index = 0; index < response.headerCount; index++)
    for (const name of FRESHNESS) if (isNamed(bytes, response, index * HEADER_INTS, name)) return true;
  return false;
}

function isNamed(bytes: Uint8Array, { headers }: Message, row: number, name: Uint8Array): boolean {
  return headers[row + 1]! - headers[row]! === name.length && begins(bytes, headers[row]!, headers[row + 1]!, name);
}

/** Where the list's element that begins at `at` ends: at a comma outside of quotes. */
function elementEnd(bytes: Uint8Array, at: number, end: number): number {
  let isQuoted = false;
  for (; at < end; at++) {
    if (isQuoted && bytes[at] === BACKSLASH) at++;
    else if (bytes[at] === QUOTE) isQuoted = !isQuoted;
    else if (!isQuoted && bytes[at] === COMMA) break;
  }
  return Math.min(at, end);
}

function skipBlanks(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && (bytes[at] === 32 || bytes[at] === 9)) at++;
  return at;
}

function trimBlanks(bytes: Uint8Array, start: number, end: number): number {
  while (end > start && (bytes[end - 1] === 32 || bytes[end - 1] === 9)) end--;
  return end;
}

/** Without regard to case; `text` is lower case. */
function isWhole(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  return end - start === text.length && begins(bytes, start, end, text);
}

function begins(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (end - start < text.length) return false;
  for (let i = 0; i < text.length; i++) {
    const byte = bytes[start + i]!;
    if ((byte >= 65 && byte <= 90 ? byte | 32 : byte) !== text[i]) return false;
  }
  return true;
}
