// What the headers of a head say about its framing and its connection: Content-Length, Transfer-Encoding, Connection, Host,
// Upgrade, TE (RFC 9110 7.6, RFC 9112 6). Sets Message.flags and contentLength, marks headers that must not be
// forwarded, and refuses what could be understood in two ways. Grammar is parser.ts, the bodies themselves are body.ts.

import { latin1 } from "../../shared/latin1.ts";
import { lower, sameText, settleAuthority } from "./authority.ts";
import { HEADER_INTS, MESSAGE, METHOD, type Message } from "./message.ts";
import { equals } from "./parser.ts";

const DONE = 1;
const BAD = -400;
const UNPROCESSABLE = -422;
const BAD_RESPONSE = -502;

const CHUNKED = MESSAGE.chunked;
const CONTENT_LENGTH = MESSAGE.contentLength;
const CLOSE = MESSAGE.connectionClose;
const KEEP_ALIVE = MESSAGE.connectionKeepAlive;
const UPGRADE = MESSAGE.upgrade;
const TRANSFER_ENCODING = MESSAGE.transferEncoding;
const ABSOLUTE_FORM = MESSAGE.absoluteForm;
const AUTHORITY_FORM = MESSAGE.authorityForm;

const SP = 32;
const HT = 9;
const COMMA = 44;

const NAME_TE = latin1("te");
const NAME_HOST = latin1("host");
const NAME_UPGRADE = latin1("upgrade");
const NAME_CONNECTION = latin1("connection");
const NAME_CONTENT_LENGTH = latin1("content-length");
const NAME_TRANSFER_ENCODING = latin1("transfer-encoding");
const NAME_WEBSOCKET_KEY = latin1("sec-websocket-key");
const TOKEN_CLOSE = latin1("close");
const TOKEN_KEEP_ALIVE = latin1("keep-alive");
const TOKEN_UPGRADE = latin1("upgrade");
const TOKEN_CHUNKED = latin1("chunked");
const TOKEN_TRAILERS = latin1("trailers");
const TOKEN_WEBSOCKET = latin1("websocket");
const TOKEN_H2C = latin1("h2c");

/** Marks a header line as not to be forwarded: edit.ts leaves out lines with an empty name. */
export function dropHeader(message: Message, index: number): void {
  message.headers[index * HEADER_INTS + 1] = message.headers[index * HEADER_INTS]!;
}

/** Examines a request head. PARSE.done, or the negative status of the refusal. */
export function frameRequest(bytes: Uint8Array, message: Message): number {
  const result = examine(bytes, message, true);
  if (result !== DONE) return result;
  return (message.flags & (ABSOLUTE_FORM | AUTHORITY_FORM)) === 0 ? DONE : settleAuthority(bytes, message);
}

/** Examines a response head; refusals are -502. */
export function frameResponse(bytes: Uint8Array, message: Message): number {
  return examine(bytes, message, false) === DONE ? DONE : BAD_RESPONSE;
}

// State of one examination: one head is examined at a time and to its end.
let chunkedSeen = false;
let otherCodingSeen = false;
let codingAfterChunked = false;
let websocketKey = false;
let upgradesToWebsocket = false;
let upgradeHeader = false;

function examine(bytes: Uint8Array, message: Message, isRequest: boolean): number {
  chunkedSeen = otherCodingSeen = codingAfterChunked = websocketKey = upgradesToWebsocket = upgradeHeader = false;
  const headers = message.headers;
  for (let index = 0; index < message.headerCount; index++) {
    const at = index * HEADER_INTS;
    const name = headers[at]!;
    // Only these lengths can be names that concern framing.
    switch (headers[at + 1]! - name) {
      case 2:
        if (isRequest && equals(bytes, name, NAME_TE)) keepTrailersOnly(bytes, message, index);
        break;
      case 4:
        if (isRequest && equals(bytes, name, NAME_HOST) && !noteHost(bytes, message, index)) return BAD;
        break;
      case 7:
        if (equals(bytes, name, NAME_UPGRADE)) {
          // What comes after an upgrade to HTTP/2 would pass unseen, and we speak none here: the offer is not handed on.
          if (isRequest && hasToken(bytes, headers[at + 2]!, headers[at + 3]!, TOKEN_H2C)) {
            dropHeader(message, index);
            break;
          }
          upgradeHeader = true;
          if (hasToken(bytes, headers[at + 2]!, headers[at + 3]!, TOKEN_WEBSOCKET)) upgradesToWebsocket = true;
        }
        break;
      case 10:
        if (equals(bytes, name, NAME_CONNECTION)) readConnection(bytes, message, index);
        break;
      case 14:
        if (equals(bytes, name, NAME_CONTENT_LENGTH) && !readContentLength(bytes, message, index, isRequest))
          return BAD;
        break;
      case 17:
        if (equals(bytes, name, NAME_TRANSFER_ENCODING)) {
          message.flags |= TRANSFER_ENCODING;
          readTransferEncoding(bytes, message, index);
        } else if (isRequest && equals(bytes, name, NAME_WEBSOCKET_KEY)) websocketKey = true;
        break;
    }
  }
  return conclude(bytes, message, isRequest);
}

/** What the headers mean together. */
function conclude(bytes: Uint8Array, message: Message, isRequest: boolean): number {
  if ((message.flags & TRANSFER_ENCODING) !== 0) {
    if (!chunkedSeen || codingAfterChunked) return BAD;
    if (otherCodingSeen) return UNPROCESSABLE;
    message.flags |= CHUNKED;
    // RFC 9112 6.1: Transfer-Encoding overrides Content-Length, which is not forwarded, and the connection ends with this message.
    if ((message.flags & CONTENT_LENGTH) !== 0) {
      dropNamed(bytes, message, NAME_CONTENT_LENGTH);
      message.flags = (message.flags & ~CONTENT_LENGTH) | CLOSE;
      message.contentLength = -1;
    }
    if ((message.flags & MESSAGE.version11) === 0) message.flags = (message.flags & ~KEEP_ALIVE) | CLOSE;
  }
  // RFC 9110 7.8: Upgrade counts only when Connection names it; otherwise neither is forwarded.
  if ((message.flags & UPGRADE) !== 0 && !upgradeHeader) message.flags &= ~UPGRADE;
  if (upgradeHeader && (message.flags & UPGRADE) === 0) dropNamed(bytes, message, NAME_UPGRADE);
  if (isRequest && (message.flags & UPGRADE) !== 0 && upgradesToWebsocket && !websocketKey) return BAD;
  if (
    isRequest &&
    message.method === METHOD.connect &&
    (message.flags & (CONTENT_LENGTH | CHUNKED)) !== 0 &&
    message.contentLength !== 0
  )
    return BAD;
  return DONE;
}

/** Drops every header of that (lower-case) name. */
export function dropNamed(bytes: Uint8Array, message: Message, name: Uint8Array): void {
  const headers = message.headers;
  for (let index = 0; index < message.headerCount; index++) {
    const at = index * HEADER_INTS;
    if (headers[at + 1]! - headers[at]! === name.length && equals(bytes, headers[at]!, name))
      dropHeader(message, index);
  }
}

/** Content-Length and Transfer-Encoding have no place where there is no body (RFC 9110 8.6, RFC 9112 6.1). */
export function dropFraming(bytes: Uint8Array, response: Message): void {
  dropNamed(bytes, response, NAME_CONTENT_LENGTH);
  dropNamed(bytes, response, NAME_TRANSFER_ENCODING);
}

/** RFC 9112 3.2: one Host (HAProxy lets equal repetitions pass and forwards the first), no comma or slash in it. */
function noteHost(bytes: Uint8Array, message: Message, index: number): boolean {
  const headers = message.headers;
  const start = headers[index * HEADER_INTS + 2]!;
  const end = headers[index * HEADER_INTS + 3]!;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    // Delimiters that would end an authority, blanks and lists.
    if (byte <= SP || byte === COMMA || byte === 47 || byte === 63 || byte === 35 || byte === 64 || byte === 92)
      return false;
  }
  if (message.hostIndex < 0) {
    message.hostIndex = index;
    return true;
  }
  const first = headers[message.hostIndex * HEADER_INTS + 2]!;
  const firstEnd = headers[message.hostIndex * HEADER_INTS + 3]!;
  if (!sameText(bytes, first, firstEnd, start, end)) return false;
  dropHeader(message, index);
  return true;
}

/** RFC 9110 8.6: digits only, once. Repetition is refused in requests; in responses equal ones are folded as HAProxy does. */
function readContentLength(bytes: Uint8Array, message: Message, index: number, isRequest: boolean): boolean {
  const start = message.headers[index * HEADER_INTS + 2]!;
  const end = message.headers[index * HEADER_INTS + 3]!;
  if (end === start) return false;
  let value = 0;
  // Leading zeros are not forwarded: there are readers to whom they mean octal.
  let digits = start;
  while (digits < end - 1 && bytes[digits] === 48) digits++;
  message.headers[index * HEADER_INTS + 2] = digits;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return false;
    value = value * 10 + digit;
    if (value > Number.MAX_SAFE_INTEGER) return false;
  }
  if ((message.flags & CONTENT_LENGTH) !== 0) {
    if (isRequest || value !== message.contentLength) return false;
    dropHeader(message, index);
    return true;
  }
  message.flags |= CONTENT_LENGTH;
  message.contentLength = value;
  return true;
}

// Position of the token that `nextToken` found.
let tokenStart = 0;
let tokenEnd = 0;

/** Finds the next element of a comma-separated list in [at, end); false at its end. Empty elements are passed over. */
function nextToken(bytes: Uint8Array, at: number, end: number): boolean {
  while (at < end && (bytes[at] === COMMA || bytes[at] === SP || bytes[at] === HT)) at++;
  if (at >= end) return false;
  tokenStart = at;
  while (at < end && bytes[at] !== COMMA) at++;
  tokenEnd = at;
  while (tokenEnd > tokenStart && (bytes[tokenEnd - 1] === SP || bytes[tokenEnd - 1] === HT)) tokenEnd--;
  return true;
}

function tokenIs(bytes: Uint8Array, text: Uint8Array): boolean {
  if (tokenEnd - tokenStart !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (lower(bytes[tokenStart + i]!) !== text[i]) return false;
  return true;
}

function hasToken(bytes: Uint8Array, start: number, end: number, token: Uint8Array): boolean {
  for (let at = start; nextToken(bytes, at, end); at = tokenEnd) if (tokenIs(bytes, token)) return true;
  return false;
}

/**
 * RFC 9112 6.1. A list with an empty element counts as another coding: recipients differ in what they make of it. Whatever its
 * case, `chunked` is forwarded in small letters, so that the next reader cannot take it for something else.
 */
function readTransferEncoding(bytes: Uint8Array, message: Message, index: number): void {
  const at = index * HEADER_INTS;
  const start = message.headers[at + 2]!;
  const end = message.headers[at + 3]!;
  let read = start;
  for (;;) {
    while (read < end && (bytes[read] === SP || bytes[read] === HT)) read++;
    if (chunkedSeen) codingAfterChunked = true;
    if (read === end || bytes[read] === COMMA || !nextToken(bytes, read, end)) {
      otherCodingSeen = true;
      return;
    }
    if (tokenIs(bytes, TOKEN_CHUNKED)) chunkedSeen = true;
    else otherCodingSeen = true;
    read = tokenEnd;
    while (read < end && bytes[read] !== COMMA) read++;
    if (read === end) break;
    read++;
  }
  if (otherCodingSeen) return;
  bytes.set(TOKEN_CHUNKED, start);
  message.headers[at + 3] = start + TOKEN_CHUNKED.length;
}

/** Reads close, keep-alive and upgrade, and takes the first two out of the value in place: they are between us and this peer. */
function readConnection(bytes: Uint8Array, message: Message, index: number): void {
  const at = index * HEADER_INTS;
  const start = message.headers[at + 2]!;
  const end = message.headers[at + 3]!;
  let write = start;
  let removed = false;
  for (let read = start; nextToken(bytes, read, end); ) {
    read = tokenEnd;
    if (tokenIs(bytes, TOKEN_CLOSE)) {
      message.flags |= CLOSE;
      removed = true;
    } else if (tokenIs(bytes, TOKEN_KEEP_ALIVE)) {
      message.flags |= KEEP_ALIVE;
      removed = true;
    } else {
      if (tokenIs(bytes, TOKEN_UPGRADE)) message.flags |= UPGRADE;
      if (removed) {
        if (write > start) {
          bytes[write++] = COMMA;
          bytes[write++] = SP;
        }
        bytes.copyWithin(write, tokenStart, tokenEnd);
        write += tokenEnd - tokenStart;
      } else write = tokenEnd;
    }
  }
  if (write === start) dropHeader(message, index);
  else if (removed) message.headers[at + 3] = write;
}

/** RFC 9110 10.1.4: TE is hop-by-hop; `trailers` is the only thing in it that we can promise on. */
function keepTrailersOnly(bytes: Uint8Array, message: Message, index: number): void {
  const at = index * HEADER_INTS;
  const start = message.headers[at + 2]!;
  if (!hasToken(bytes, start, message.headers[at + 3]!, TOKEN_TRAILERS)) {
    dropHeader(message, index);
    return;
  }
  bytes.set(TOKEN_TRAILERS, start);
  message.headers[at + 3] = start + TOKEN_TRAILERS.length;
}
