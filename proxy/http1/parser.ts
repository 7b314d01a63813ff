// HTTP/1 heads: bytes in the arena → Message. One pass, in place, no copies and no allocation; header names become lower case
// in the arena, as HAProxy emits them. Only the grammar is here: what a head means for framing is in framing.ts.
//
// Verdicts are HAProxy's, and stricter in three places on purpose (RFC 9112 allows it): a bare LF ends no line, folded header
// lines and repeated Content-Length headers are refused. The parser is compared with llhttp in strict mode and with HAProxy in tests.
//
// Why not llhttp itself on the data path: it refuses methods it does not know (HAProxy forwards any token), wants the bytes
// copied into its own memory, and costs 0.5-1.8 µs a head where this costs 0.06-0.4.

import { assert } from "../../shared/assert.ts";
import { latin1 } from "../../shared/latin1.ts";
import { HEADER_INTS, MESSAGE, METHOD, type Message } from "./message.ts";

/** Results of the parse functions; a refusal is the negative status of the answer. */
export const PARSE = { incomplete: 0, done: 1, badRequest: -400, notProcessable: -422, badResponse: -502 } as const;

const INCOMPLETE = 0;
const DONE = 1;
const BAD = -400;

const CR = 13;
const LF = 10;
const SP = 32;
const HT = 9;
const COLON = 58;
const SLASH = 47;
const QUESTION_MARK = 63;
const HASH = 35;

/** Longest header name, as in HAProxy, whose messages keep the length in eight bits (CVE-2021-40346 was a longer one). */
const NAME_BYTES_MAX = 255;

// Byte classes.
const TOKEN = 1;
const TARGET = 2;
const VALUE = 4;
/** The same, with what `option accept-unsafe-violations-in-http-request` (or -response) lets pass. */
const TARGET_LAX = 8;
const VALUE_LAX = 16;
const CLASS = new Uint8Array(256);
/** Lower case of every byte. */
const LOWER = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  const char = String.fromCharCode(byte);
  LOWER[byte] = byte >= 65 && byte <= 90 ? byte + 32 : byte;
  if (/[A-Za-z0-9!#$%&'*+.^_`|~-]/.test(char)) CLASS[byte]! |= TOKEN;
  // RFC 3986 leaves no room for `#` in a request target, nor for bytes above 126.
  if (byte > 32 && byte < 127 && char !== "#") CLASS[byte]! |= TARGET;
  // field-vchar, obs-text, SP and HT.
  if (byte === HT || (byte >= 32 && byte !== 127)) CLASS[byte]! |= VALUE;
  if (byte > 32 && byte !== 127) CLASS[byte]! |= TARGET_LAX;
  if (byte !== CR && byte !== LF) CLASS[byte]! |= VALUE_LAX;
}

// Flags of Message, in this file so that they fold into the code.
const VERSION11 = MESSAGE.version11;
const ABSOLUTE_FORM = MESSAGE.absoluteForm;
const AUTHORITY_FORM = MESSAGE.authorityForm;

/**
 * Parses a request head in bytes[start, end).
 * @param lax `option accept-unsafe-violations-in-http-request`: `#`, bytes above 126 and controls pass where HAProxy lets them, and a bare
 *   LF ends a line
 * @returns PARSE.incomplete (call again with more bytes, from the same start), PARSE.done or a negative status
 */
export function parseRequest(bytes: Uint8Array, start: number, end: number, message: Message, lax = false): number {
  message.reset();
  let at = start;
  // RFC 9112 2.2: at least one empty line before the request line is to be ignored.
  for (let skip = lineEnd(bytes, at, end, lax); skip > 0; skip = lineEnd(bytes, at, end, lax)) at += skip;
  if (at >= end || (bytes[at] === CR && at + 1 === end)) return INCOMPLETE;
  message.start = at;

  message.methodStart = at;
  while (at < end && (CLASS[bytes[at]!]! & TOKEN) !== 0) at++;
  if (at === end) return INCOMPLETE;
  if (at === message.methodStart || (bytes[at] !== SP && bytes[at] !== HT)) return BAD;
  message.methodEnd = at;
  message.method = methodOf(bytes, message.methodStart, at);
  while (at < end && (bytes[at] === SP || bytes[at] === HT)) at++;

  message.targetStart = at;
  const targetClass = lax ? TARGET_LAX : TARGET;
  while (at < end && (CLASS[bytes[at]!]! & targetClass) !== 0) at++;
  if (at === end) return INCOMPLETE;
  if (at === message.targetStart || (bytes[at] !== SP && bytes[at] !== HT)) return BAD;
  message.targetEnd = at;
  while (at < end && (bytes[at] === SP || bytes[at] === HT)) at++;

  // "HTTP/" DIGIT "." DIGIT and the end of the line
  if (at + 9 > end) return at < end && bytes[at] !== 72 ? BAD : INCOMPLETE;
  if (
    bytes[at] !== 72 ||
    bytes[at + 1] !== 84 ||
    bytes[at + 2] !== 84 ||
    bytes[at + 3] !== 80 ||
    bytes[at + 4] !== SLASH
  )
    return BAD;
  const major = bytes[at + 5]! - 48;
  const minor = bytes[at + 7]! - 48;
  if (bytes[at + 6] !== 46 || major < 1 || major > 9 || minor < 0 || minor > 9) return BAD;
  const ending = lineEnd(bytes, at + 8, end, lax);
  if (ending <= 0) return ending === 0 ? INCOMPLETE : BAD;
  if (major > 1 || minor > 0) message.flags |= VERSION11;
  const target = splitTarget(bytes, message);
  if (target !== DONE) return target;
  return parseHeaders(bytes, at + 8 + ending, end, message, lax);
}

/** Parses a response head. Refusals are PARSE.badResponse. */
export function parseResponse(bytes: Uint8Array, start: number, end: number, message: Message, lax = false): number {
  message.reset();
  message.start = start;
  let at = start;
  if (at + 13 > end) {
    // Refuse early what cannot become a status line.
    for (let i = at; i < end && i < at + 5; i++) if (bytes[i] !== "HTTP/".charCodeAt(i - at)) return PARSE.badResponse;
    return INCOMPLETE;
  }
  if (
    bytes[at] !== 72 ||
    bytes[at + 1] !== 84 ||
    bytes[at + 2] !== 84 ||
    bytes[at + 3] !== 80 ||
    bytes[at + 4] !== SLASH
  )
    return PARSE.badResponse;
  const major = bytes[at + 5]! - 48;
  const minor = bytes[at + 7]! - 48;
  if (bytes[at + 6] !== 46 || major < 1 || major > 9 || minor < 0 || minor > 9 || bytes[at + 8] !== SP)
    return PARSE.badResponse;
  if (major > 1 || minor > 0) message.flags |= VERSION11;
  const hundreds = bytes[at + 9]! - 48;
  const tens = bytes[at + 10]! - 48;
  const ones = bytes[at + 11]! - 48;
  if (hundreds < 1 || hundreds > 9 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return PARSE.badResponse;
  message.status = hundreds * 100 + tens * 10 + ones;
  at += 12;
  if (bytes[at] === SP) at++;
  else if (bytes[at] !== CR && bytes[at] !== LF) return PARSE.badResponse;
  while (at < end && (bytes[at] === SP || bytes[at] === HT)) at++;
  message.reasonStart = at;
  while (at < end && (CLASS[bytes[at]!]! & VALUE) !== 0) at++;
  const ending = lineEnd(bytes, at, end, lax);
  if (ending <= 0) return ending === 0 ? INCOMPLETE : PARSE.badResponse;
  message.reasonEnd = at;
  const result = parseHeaders(bytes, at + ending, end, message, lax);
  return result < 0 ? PARSE.badResponse : result;
}

/** Header lines from `at` to the empty line. */
function parseHeaders(bytes: Uint8Array, at: number, end: number, message: Message, lax: boolean): number {
  const headers = message.headers;
  const limit = message.receivedInts;
  const valueClass = lax ? VALUE_LAX : VALUE;
  let filled = 0;
  message.headersStart = at;
  for (;;) {
    if (at >= end) return INCOMPLETE;
    let byte = bytes[at]!;
    if (byte === CR || byte === LF) {
      const ending = lineEnd(bytes, at, end, lax);
      if (ending <= 0) return ending === 0 ? INCOMPLETE : BAD;
      message.headerCount = filled / HEADER_INTS;
      message.end = at + ending;
      return DONE;
    }
    if (filled === limit) return BAD;
    const nameStart = at;
    while ((CLASS[byte]! & TOKEN) !== 0) {
      if (byte <= 90) bytes[at] = LOWER[byte]!;
      if (++at === end) return INCOMPLETE;
      byte = bytes[at]!;
    }
    // An empty name, a space before the colon and a folded line all end here.
    if (byte !== COLON || at === nameStart || at - nameStart > NAME_BYTES_MAX) return BAD;
    const nameEnd = at++;
    while (at < end && (bytes[at] === SP || bytes[at] === HT)) at++;
    const valueStart = at;
    while (at < end && (CLASS[bytes[at]!]! & valueClass) !== 0) at++;
    const ending = lineEnd(bytes, at, end, lax);
    if (ending <= 0) return ending === 0 ? INCOMPLETE : BAD;
    let valueEnd = at;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HT)) valueEnd--;
    at += ending;
    headers[filled] = nameStart;
    headers[filled + 1] = nameEnd;
    headers[filled + 2] = valueStart;
    headers[filled + 3] = valueEnd;
    headers[filled + 4] = at;
    filled += HEADER_INTS;
  }
}

/** Bytes of the line end at `at`: CRLF 2, in lax parsing LF 1; 0: it may still become one; -1: there is none. */
function lineEnd(bytes: Uint8Array, at: number, end: number, lax: boolean): number {
  if (at >= end) return 0;
  if (bytes[at] === CR) return at + 1 >= end ? 0 : bytes[at + 1] === LF ? 2 : -1;
  return lax && bytes[at] === LF ? 1 : -1;
}

function methodOf(bytes: Uint8Array, start: number, end: number): number {
  switch (end - start) {
    case 3:
      if (bytes[start] === 71 && bytes[start + 1] === 69 && bytes[start + 2] === 84) return METHOD.get;
      return equals(bytes, start, PUT) ? METHOD.put : METHOD.other;
    case 4:
      if (equals(bytes, start, POST)) return METHOD.post;
      return equals(bytes, start, HEAD) ? METHOD.head : METHOD.other;
    case 5:
      return equals(bytes, start, TRACE) ? METHOD.trace : METHOD.other;
    case 6:
      return equals(bytes, start, DELETE) ? METHOD.delete : METHOD.other;
    case 7:
      if (equals(bytes, start, OPTIONS)) return METHOD.options;
      return equals(bytes, start, CONNECT) ? METHOD.connect : METHOD.other;
    default:
      return METHOD.other;
  }
}

const PUT = latin1("PUT");
const POST = latin1("POST");
const HEAD = latin1("HEAD");
const TRACE = latin1("TRACE");
const DELETE = latin1("DELETE");
const OPTIONS = latin1("OPTIONS");
const CONNECT = latin1("CONNECT");

/** Whether the bytes at `at` are those of `text`; the caller has compared the lengths. */
export function equals(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false;
  return true;
}

/** Finds path and query in the target (RFC 9112 3.2) and refuses the forms that the method does not allow. */
export function splitTarget(bytes: Uint8Array, message: Message): number {
  const start = message.targetStart;
  const end = message.targetEnd;
  assert(end > start, "a target has at least one byte");
  if (message.method === METHOD.connect) {
    message.flags |= AUTHORITY_FORM;
    message.pathStart = message.pathEnd = end;
    return authorityFormIsValid(bytes, start, end) ? DONE : BAD;
  }
  let path = start;
  if (bytes[start] === 42 && end - start === 1) {
    if (message.method !== METHOD.options) return BAD;
  } else if (bytes[start] !== SLASH) {
    path = pathOfAbsoluteForm(bytes, start, end);
    if (path < 0) return BAD;
    message.flags |= ABSOLUTE_FORM;
  }
  message.pathStart = path;
  message.pathEnd = end;
  for (let at = path; at < end; at++) {
    if (bytes[at] === 63) {
      message.queryStart = at + 1;
      break;
    }
  }
  return DONE;
}

/** Offset of the path in `scheme://authority[/path][?query]` (of the query, where no path stands before it), -1 when the target is not of that form. */
function pathOfAbsoluteForm(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isSchemeByte(bytes[at]!)) at++;
  if (at === start || at + 3 > end || bytes[at] !== COLON || bytes[at + 1] !== SLASH || bytes[at + 2] !== SLASH)
    return -1;
  at += 3;
  const authority = at;
  while (at < end && bytes[at] !== SLASH && bytes[at] !== QUESTION_MARK && bytes[at] !== HASH) at++;
  return at === authority ? -1 : at;
}

function isSchemeByte(byte: number): boolean {
  const lower = LOWER[byte]!;
  return (lower >= 97 && lower <= 122) || (byte >= 48 && byte <= 57) || byte === 43 || byte === 45 || byte === 46;
}

/** RFC 9112 3.2.3: CONNECT names host and port, nothing else. */
function authorityFormIsValid(bytes: Uint8Array, start: number, end: number): boolean {
  let colon = -1;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === COLON) colon = at;
    if (byte === SLASH || byte === 63 || byte === 64 || byte === 44) return false;
  }
  if (colon <= start || colon === end - 1 || end - colon > 6) return false;
  for (let at = colon + 1; at < end; at++) if (bytes[at]! < 48 || bytes[at]! > 57) return false;
  return true;
}
