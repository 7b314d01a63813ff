// What may be cached and for how long (RFC 9111), as HAProxy decides it (configuration.txt 6.1): looks at parsed heads, changes nothing.

import { latin1 } from "../../shared/latin1.ts";
import { findHeader, headerText, textOf } from "../http1/header-lookup.ts";
import { HEADER_INTS, type Message } from "../http1/message.ts";
import { VARY } from "./store.ts";

const AUTHORIZATION = latin1("authorization");
const CACHE_CONTROL = latin1("cache-control");
const PRAGMA = latin1("pragma");
const EXPIRES = latin1("expires");
const ETAG = latin1("etag");
const LAST_MODIFIED = latin1("last-modified");
const DATE = latin1("date");
const VARY_NAME = latin1("vary");
const ACCEPT_ENCODING = latin1("accept-encoding");
const CONTENT_ENCODING = latin1("content-encoding");
const IF_NONE_MATCH = latin1("if-none-match");
const IF_MODIFIED_SINCE = latin1("if-modified-since");

const COMMA = 44;
const QUOTE = 34;
const BACKSLASH = 92;

/** Bits of `encodings`: what a response may be encoded by and still be stored; 0 is identity. */
const ENCODINGS = [
  "identity",
  "gzip",
  "x-gzip",
  "deflate",
  "x-deflate",
  "compress",
  "x-compress",
  "br",
  "zstd",
  "exi",
  "pack200-gzip",
  "aes128gcm",
];
const IDENTITY = 1;
const ALL = -1;
/** Elements of Accept-Encoding beyond which a client is not answered from the cache. */
const ACCEPTED_MAX = 16;

/** The elements of all header lines of a name, quoted commas respected, as text without blanks around it and in lower case. */
export function elements(bytes: Uint8Array, message: Message, name: Uint8Array): string[] {
  const found: string[] = [];
  for (let index = findHeader(bytes, message, name); index >= 0; index = findHeader(bytes, message, name, index + 1)) {
    const end = message.headers[index * HEADER_INTS + 3]!;
    for (let at = message.headers[index * HEADER_INTS + 2]!; at <= end; at++) {
      const start = at;
      let isQuoted = false;
      for (; at < end && (isQuoted || bytes[at] !== COMMA); at++) {
        if (bytes[at] === QUOTE) isQuoted = !isQuoted;
        else if (isQuoted && bytes[at] === BACKSLASH) at++;
      }
      const text = textOf(bytes, start, Math.min(at, end)).trim();
      if (text !== "") found.push(text);
    }
  }
  return found;
}

/** Seconds since the epoch of an HTTP date, null: it is none. */
export function parseHttpDate(text: string): number | null {
  if (!/^[A-Za-z]{3,9},? /.test(text)) return null;
  const ms = Date.parse(/GMT$/.test(text) ? text : `${text} GMT`);
  return Number.isNaN(ms) ? null : Math.floor(ms / 1000);
}

/** What a request allows. */
export interface RequestPolicy {
  /** It may be answered from the cache. */
  readonly mayUse: boolean;
  /** Its answer may be stored. */
  readonly mayStore: boolean;
}

const REFUSES: RequestPolicy = { mayUse: false, mayStore: false };
const ALLOWS: RequestPolicy = { mayUse: true, mayStore: true };
const STORES_ONLY: RequestPolicy = { mayUse: false, mayStore: true };
const USES_ONLY: RequestPolicy = { mayUse: true, mayStore: false };

export function requestPolicy(bytes: Uint8Array, request: Message): RequestPolicy {
  if (findHeader(bytes, request, AUTHORIZATION) >= 0) return REFUSES;
  const hasControl = findHeader(bytes, request, CACHE_CONTROL) >= 0;
  if (!hasControl && findHeader(bytes, request, PRAGMA) < 0) return ALLOWS;
  if (!hasControl) return headerText(bytes, request, PRAGMA)?.toLowerCase() === "no-cache" ? STORES_ONLY : ALLOWS;
  let [mayUse, mayStore] = [true, true];
  for (const element of elements(bytes, request, CACHE_CONTROL)) {
    const word = element.toLowerCase();
    if (/^(max-age|no-cache|max-stale|min-fresh)/.test(word)) mayUse = false;
    else if (word.startsWith("no-store")) mayStore = false;
  }
  if (mayUse) return mayStore ? ALLOWS : USES_ONLY;
  return mayStore ? STORES_ONLY : REFUSES;
}

/** Whether the response may be stored: not forbidden, and with an expiry or a validator of its own. */
export function isCacheable(bytes: Uint8Array, response: Message): boolean {
  if (headerText(bytes, response, PRAGMA)?.toLowerCase() === "no-cache") return false;
  let isAllowed = true;
  let hasFreshness = false;
  let hasNullAge = false;
  for (const element of elements(bytes, response, CACHE_CONTROL)) {
    const word = element.toLowerCase();
    if (word === "public") isAllowed = true;
    else if (word === "max-age=0") hasNullAge = true;
    // Set-Cookie would have to be taken out: HAProxy does not store such a response either.
    else if (/^(private|no-cache|no-store)(=|$)/.test(word) || word === "s-maxage=0") isAllowed = false;
    else if (word.startsWith("s-maxage")) {
      hasFreshness = true;
      hasNullAge = false;
    } else if (word.startsWith("max-age")) hasFreshness = true;
  }
  if (!isAllowed || hasNullAge) return false;
  return hasFreshness || [EXPIRES, ETAG, LAST_MODIFIED].some((name) => findHeader(bytes, response, name) >= 0);
}

/** How long the response says it is fresh, and how long it is kept, in seconds; -1: what it says makes no sense. */
export function freshness(
  bytes: Uint8Array,
  response: Message,
  maxAgeSeconds: number,
  nowSeconds: number,
): { readonly told: number; readonly kept: number } {
  let shared = -1;
  let age = -1;
  for (const element of elements(bytes, response, CACHE_CONTROL)) {
    const match = /^(s-maxage|max-age)=(.*)$/i.exec(element);
    if (match === null) continue;
    const seconds = /^"?(\d+)/.exec(match[2]!)?.[1];
    if (seconds === undefined) return { told: -1, kept: -1 };
    if (match[1]!.toLowerCase() === "s-maxage") shared = Number(seconds);
    else age = Number(seconds);
  }
  const told = shared > 0 ? shared : age > 0 ? age : -1;
  if (told >= 0) return { told, kept: Math.min(told, maxAgeSeconds) };
  const expires = shared < 0 && age < 0 ? headerText(bytes, response, EXPIRES) : null;
  if (expires === null) return { told: 0, kept: maxAgeSeconds };
  const at = parseHttpDate(expires);
  const left = at === null ? 0 : Math.max(0, at - nowSeconds);
  return { told: left, kept: Math.min(left, maxAgeSeconds) };
}

/** When the representation was last modified, as far as the response says it. */
export function lastModified(bytes: Uint8Array, response: Message, nowSeconds: number): number {
  for (const name of [LAST_MODIFIED, DATE]) {
    const text = headerText(bytes, response, name);
    const at = text === null ? null : parseHttpDate(text);
    if (at !== null) return at;
  }
  return nowSeconds;
}

/** Bits of VARY for the response's Vary; -1: it varies by what is not looked at. */
export function varyOf(bytes: Uint8Array, response: Message): number {
  let vary = 0;
  for (const element of elements(bytes, response, VARY_NAME)) {
    const name = element.toLowerCase();
    if (name === "accept-encoding") vary |= VARY.encoding;
    else if (name === "referer") vary |= VARY.referer;
    else if (name === "origin") vary |= VARY.origin;
    else return -1;
  }
  return vary;
}

export function hasVary(bytes: Uint8Array, response: Message): boolean {
  return findHeader(bytes, response, VARY_NAME) >= 0;
}

/** The response's encoding as a bit, 0: one that nobody knows. */
export function encodingOf(bytes: Uint8Array, response: Message): number {
  let bits = 0;
  for (const element of elements(bytes, response, CONTENT_ENCODING)) {
    const at = ENCODINGS.indexOf(element.toLowerCase());
    if (at < 0) return 0;
    bits |= 1 << at;
  }
  return bits === 0 ? IDENTITY : bits;
}

/** Encodings that the request accepts (RFC 9110 12.5.3), 0: it names too many to be believed. */
export function acceptedEncodings(bytes: Uint8Array, request: Message): number {
  if (findHeader(bytes, request, ACCEPT_ENCODING) < 0) return ALL;
  const list = elements(bytes, request, ACCEPT_ENCODING);
  if (list.length >= ACCEPTED_MAX) return 0;
  let accepted = IDENTITY;
  let rejected = 0;
  let hasStar = false;
  for (const element of list) {
    const [name = "", ...parameters] = element
      .toLowerCase()
      .split(";")
      .map((part) => part.trim());
    const isRejected = parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
    const at = ENCODINGS.indexOf(name);
    if (name === "*") {
      if (!isRejected) hasStar = true;
      else if (!list.some((one) => /^identity(;|$)/i.test(one))) rejected |= IDENTITY;
    } else if (at >= 0 && isRejected) rejected |= 1 << at;
    else if (at >= 0) accepted |= 1 << at;
  }
  return (hasStar ? ALL : accepted) & ~rejected;
}

/** Whether the client has this object already (RFC 9110 13.1.2, 13.1.3). `etag`: null: the object has none. */
export function isNotModified(bytes: Uint8Array, request: Message, etag: string | null, modified: number): boolean {
  if (findHeader(bytes, request, IF_NONE_MATCH) >= 0) {
    for (const element of elements(bytes, request, IF_NONE_MATCH)) {
      if (element === "*") return true;
      if (etag !== null && weak(element) === weak(etag)) return true;
    }
    return false;
  }
  const since = headerText(bytes, request, IF_MODIFIED_SINCE);
  const at = since === null ? null : parseHttpDate(since);
  return at !== null && modified <= at;
}

/** RFC 9110 8.8.3.2: weak comparison. */
const weak = (tag: string): string => (tag.startsWith("W/") ? tag.slice(2) : tag);
