// The authority in a request's target, where there is one, and the Host header beside it (RFC 9112 3.2.2, 3.2.3): both must name
// the same, because a cache or a server behind us may look at either. A port that is the scheme's own is left out, as HAProxy
// does: of the target in absolute form together with Host, and of Host beside CONNECT. A path that is empty becomes `/`. Most requests are in
// origin form and never come here.

import { latin1 } from "../../shared/latin1.ts";
import { HEADER_INTS, MESSAGE, type Message } from "./message.ts";

const DONE = 1;
const BAD = -400;

const AUTHORITY_FORM = MESSAGE.authorityForm;
const COLON = 58;
const AT = 64;
const SLASH = 47;
const BRACKET = 93;

const HTTPS = latin1("https");
const PORT_HTTP = latin1("80");
const PORT_HTTPS = latin1("443");

/** Compares target and Host, drops default ports. PARSE.done, or -400 when they name different hosts. */
export function settleAuthority(bytes: Uint8Array, message: Message): number {
  return (message.flags & AUTHORITY_FORM) !== 0 ? settleConnect(bytes, message) : settleAbsolute(bytes, message);
}

/**
 * `scheme://[user@]host[:port]/path`: a default port leaves the target, and Host with it; where the target has none, it is no difference in
 * Host, but stays.
 */
function settleAbsolute(bytes: Uint8Array, message: Message): number {
  let start = message.targetStart;
  while (bytes[start] !== COLON) start++;
  const defaultPort = sameAs(bytes, message.targetStart, start, HTTPS) ? PORT_HTTPS : PORT_HTTP;
  start += 3;
  const end = message.pathStart;
  const hostEnd = withoutPort(bytes, start, end, defaultPort);
  if (hostEnd < end) {
    // The bytes in front move up to the path: nothing else stands between method and target.
    bytes.copyWithin(message.targetStart + end - hostEnd, message.targetStart, hostEnd);
    message.targetStart += end - hostEnd;
    start += end - hostEnd;
  }
  const isSame = hostIsSame(bytes, message, start, defaultPort, hostEnd < end);
  // The blank in front of the target gives way: who writes the line puts blanks of its own.
  if (end === message.targetEnd) {
    bytes.copyWithin(message.targetStart - 1, message.targetStart, end);
    bytes[end - 1] = SLASH;
    message.targetStart--;
    message.pathStart--;
  }
  return isSame ? DONE : BAD;
}

/** Compares Host with the authority from `start` to the path. @param follows the target has lost its port, Host is to lose its own */
function hostIsSame(
  bytes: Uint8Array,
  message: Message,
  start: number,
  defaultPort: Uint8Array,
  follows: boolean,
): boolean {
  if (message.hostIndex < 0) return true;
  const end = message.pathStart;
  let from = start;
  for (let at = start; at < end; at++) if (bytes[at] === AT) from = at + 1;
  const row = message.hostIndex * HEADER_INTS;
  const host = message.headers[row + 2]!;
  const hostEnd = withoutPort(bytes, host, message.headers[row + 3]!, defaultPort);
  if (follows) message.headers[row + 3] = hostEnd;
  return sameText(bytes, from, end, host, hostEnd);
}

/** `CONNECT host:port`: Host names the same port, or none if it is 80 or 443, and is forwarded without those. */
function settleConnect(bytes: Uint8Array, message: Message): number {
  if (message.hostIndex < 0) return DONE;
  const start = message.targetStart;
  let end = message.targetEnd;
  const at = message.hostIndex * HEADER_INTS;
  const host = message.headers[at + 2]!;
  const given = message.headers[at + 3]!;
  let hostEnd = given;
  for (const port of DEFAULT_PORTS) {
    const without = withoutPort(bytes, start, end, port);
    if (without === end) continue;
    end = without;
    hostEnd = withoutPort(bytes, host, hostEnd, port);
    break;
  }
  if (!sameText(bytes, start, end, host, hostEnd)) return BAD;
  // As HAProxy: a colon without a port stays.
  if (given - hostEnd > 1) message.headers[at + 3] = hostEnd;
  return DONE;
}

const DEFAULT_PORTS: readonly Uint8Array[] = [PORT_HTTPS, PORT_HTTP];

/** The end of the host in `host[:port]` when the port is empty or `port`, else `end`. */
function withoutPort(bytes: Uint8Array, start: number, end: number, port: Uint8Array): number {
  let colon = end - 1;
  while (colon >= start && bytes[colon] !== COLON && bytes[colon] !== BRACKET) colon--;
  if (colon < start || bytes[colon] !== COLON) return end;
  return colon === end - 1 || sameAs(bytes, colon + 1, end, port) ? colon : end;
}

function sameAs(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (lower(bytes[start + i]!) !== text[i]) return false;
  return true;
}

/** Two texts in the arena, whatever their case. */
export function sameText(bytes: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): boolean {
  if (aEnd - a !== bEnd - b) return false;
  for (let i = 0; i < aEnd - a; i++) if (lower(bytes[a + i]!) !== lower(bytes[b + i]!)) return false;
  return true;
}

/** A byte, capitals of ASCII as small letters. */
export function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}
