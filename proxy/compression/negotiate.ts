// What may be compressed, and how: Accept-Encoding against the configured algorithms, content types, and the headers that forbid it. As HAProxy
// does it (configuration.txt 4.2 "compression algo", 9.2). Bytes of parsed heads only; nothing is changed here.

import { latin1 } from "../../shared/latin1.ts";
import { lower } from "../http1/authority.ts";
import { beginsWith, findHeader } from "../http1/header-lookup.ts";
import { HEADER_INTS, type Message } from "../http1/message.ts";
import { equals } from "../http1/parser.ts";

const ACCEPT_ENCODING = latin1("accept-encoding");
const USER_AGENT = latin1("user-agent");
const CONTENT_TYPE = latin1("content-type");
const CONTENT_ENCODING = latin1("content-encoding");
const CACHE_CONTROL = latin1("cache-control");
const ETAG = latin1("etag");
const MOZILLA_4 = latin1("Mozilla/4");
const MSIE = latin1("MSIE ");
const SV1 = latin1("SV1");
const MULTIPART = latin1("multipart");
const NO_TRANSFORM = latin1("no-transform");

const COMMA = 44;
const SEMICOLON = 59;
const QUOTE = 34;
const STAR = 42;
const SIX = 54;
const Q_MAX = 1000;

const isBlank = (byte: number): boolean => byte === 32 || byte === 9;

/** Old browsers that announce what they cannot do: Mozilla/4, but for MSIE 6 with SP2 and MSIE 7 on. */
export function isOldBrowser(bytes: Uint8Array, request: Message): boolean {
  const index = findHeader(bytes, request, USER_AGENT);
  if (index < 0) return false;
  const start = request.headers[index * HEADER_INTS + 2]!;
  const length = request.headers[index * HEADER_INTS + 3]! - start;
  if (length < MOZILLA_4.length || !equals(bytes, start, MOZILLA_4)) return false;
  if (length < 31 || !equals(bytes, start + 25, MSIE)) return true;
  const version = bytes[start + 30]!;
  return version < SIX || (version === SIX && (length < 54 || !equals(bytes, start + 51, SV1)));
}

/**
 * The algorithm that the client likes best, by its index in `names` (their tokens in Accept-Encoding); among equals the client's first. -1: it accepts
 * none of them.
 */
export function bestAlgorithm(bytes: Uint8Array, request: Message, names: readonly Uint8Array[]): number {
  let best = -1;
  let bestQ = 0;
  for (
    let index = findHeader(bytes, request, ACCEPT_ENCODING);
    index >= 0;
    index = findHeader(bytes, request, ACCEPT_ENCODING, index + 1)
  ) {
    const end = request.headers[index * HEADER_INTS + 3]!;
    for (let at = request.headers[index * HEADER_INTS + 2]!; at < end; ) {
      while (at < end && (isBlank(bytes[at]!) || bytes[at] === COMMA)) at++;
      const start = at;
      while (at < end && bytes[at] !== COMMA) at++;
      const q = qualityOf(bytes, start, at);
      if (q <= bestQ) continue;
      const found = indexOfToken(bytes, start, at, names);
      if (found < 0) continue;
      best = found;
      bestQ = q;
    }
  }
  return best;
}

function indexOfToken(bytes: Uint8Array, start: number, end: number, names: readonly Uint8Array[]): number {
  let tokenEnd = start;
  while (tokenEnd < end && bytes[tokenEnd] !== SEMICOLON && !isBlank(bytes[tokenEnd]!)) tokenEnd++;
  // HAProxy looks at what was configured last first: which of two with the same token, and what `*` means.
  if (bytes[start] === STAR) return names.length - 1;
  for (let i = names.length - 1; i >= 0; i--) {
    const name = names[i]!;
    if (name.length === tokenEnd - start && beginsWith(bytes, start, tokenEnd, name)) return i;
  }
  return -1;
}

/** The weight of an element in thousandths, 1000 where none is given. */
function qualityOf(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    while (at < end && bytes[at] !== SEMICOLON) at++;
    at++;
    while (at < end && isBlank(bytes[at]!)) at++;
    if (at + 2 <= end && lower(bytes[at]!) === 113 && bytes[at + 1] === 61) return thousandths(bytes, at + 2, end);
  }
  return Q_MAX;
}

function thousandths(bytes: Uint8Array, start: number, end: number): number {
  let value = start < end && bytes[start] === 49 ? Q_MAX : 0;
  if (start + 1 >= end || bytes[start + 1] !== 46) return value;
  for (let i = 0, scale = 100; i < 3; i++, scale /= 10) {
    const digit = start + 2 + i < end ? bytes[start + 2 + i]! - 48 : -1;
    if (digit < 0 || digit > 9) break;
    value += digit * scale;
  }
  return Math.min(Q_MAX, value);
}

/** Whether the content type of a head is one of `types` (beginnings, in lower case); empty: any, even none. */
export function hasType(bytes: Uint8Array, message: Message, types: readonly Uint8Array[]): boolean {
  const index = findHeader(bytes, message, CONTENT_TYPE);
  if (index < 0) return types.length === 0;
  if (types.length === 0) return true;
  const start = message.headers[index * HEADER_INTS + 2]!;
  const end = message.headers[index * HEADER_INTS + 3]!;
  for (let i = 0; i < types.length; i++) if (beginsWith(bytes, start, end, types[i]!)) return true;
  return false;
}

export function isEncoded(bytes: Uint8Array, message: Message): boolean {
  return findHeader(bytes, message, CONTENT_ENCODING) >= 0;
}

/** Whether a response's own headers allow another form of it: not multipart, not no-transform, at most one ETag and a valid one. */
export function mayTransform(bytes: Uint8Array, response: Message): boolean {
  const { headers } = response;
  const type = findHeader(bytes, response, CONTENT_TYPE);
  if (type >= 0 && beginsWith(bytes, headers[type * HEADER_INTS + 2]!, headers[type * HEADER_INTS + 3]!, MULTIPART))
    return false;
  for (
    let index = findHeader(bytes, response, CACHE_CONTROL);
    index >= 0;
    index = findHeader(bytes, response, CACHE_CONTROL, index + 1)
  )
    if (listHas(bytes, headers[index * HEADER_INTS + 2]!, headers[index * HEADER_INTS + 3]!, NO_TRANSFORM))
      return false;
  const tag = findHeader(bytes, response, ETAG);
  if (tag < 0) return true;
  if (findHeader(bytes, response, ETAG, tag + 1) >= 0) return false;
  return isEntityTag(bytes, headers[tag * HEADER_INTS + 2]!, headers[tag * HEADER_INTS + 3]!);
}

/** Whether a comma-separated list has the element `word` (in lower case). */
export function listHas(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  for (let at = start; at < end; ) {
    while (at < end && (isBlank(bytes[at]!) || bytes[at] === COMMA)) at++;
    const from = at;
    while (at < end && bytes[at] !== COMMA) at++;
    let to = at;
    while (to > from && isBlank(bytes[to - 1]!)) to--;
    if (to - from === word.length && beginsWith(bytes, from, to, word)) return true;
  }
  return false;
}

/** RFC 9110 8.8.3: `"…"` or `W/"…"`. */
function isEntityTag(bytes: Uint8Array, start: number, end: number): boolean {
  const from = bytes[start] === 87 && bytes[start + 1] === 47 ? start + 2 : start;
  return end - from >= 2 && bytes[from] === QUOTE && bytes[end - 1] === QUOTE;
}
