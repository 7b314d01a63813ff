// Heads on their way out: a head in the words of HTTP/1, as the rest of the worker writes it, becomes a header block (RFC 9113 8.3). What is about
// the connection of HTTP/1 (RFC 9113 8.2.2) is left out; how the body behind it is framed is kept in `framing` and `length`.

import { latin1 } from "../../shared/latin1.ts";
import { equals } from "../http1/parser.ts";
import type { HpackWriter } from "./hpack/encoder.ts";
import { STATIC } from "./hpack/static-table.ts";
import { FRAMING } from "./rows.ts";
import { WEBSOCKET_ACCEPT, WEBSOCKET_KEY } from "./websocket.ts";

const CR = 13;
const LF = 10;
const SP = 32;
const HT = 9;
const COLON = 58;
const SLASH = 47;

const CONTENT_LENGTH = latin1("content-length");
const CONNECTION = latin1("connection");
const PROXY_CONNECTION = latin1("proxy-connection");
const KEEP_ALIVE = latin1("keep-alive");
const TRANSFER_ENCODING = latin1("transfer-encoding");
const UPGRADE = latin1("upgrade");
const HOST = latin1("host");
const HTTP2_SETTINGS = latin1("http2-settings");
const AUTHORIZATION = latin1("authorization");
const SET_COOKIE = latin1("set-cookie");
const COOKIE = latin1("cookie");
const METHOD = latin1(":method");
const PROTOCOL = latin1(":protocol");
const CONNECT = latin1("CONNECT");
const GET = latin1("GET");
const POST = latin1("POST");
const HEAD = latin1("HEAD");
const ROOT = latin1("/");
const PATH = latin1(":path");

export class HeadBlock {
  readonly #bytes: Uint8Array;
  readonly #writer: HpackWriter;
  /** Of the head that was written last: FRAMING of its body and Content-Length. */
  framing: number = FRAMING.raw;
  length = 0;
  /** Status of a response. */
  status = 0;
  isHead = false;
  isConnect = false;
  isGet = false;
  isUpgrade = false;
  /** One past the empty line. */
  headEnd = 0;
  /** Host of the request whose lines are being read. */
  #hostStart = 0;
  #hostEnd = 0;
  #protocolStart = 0;
  #protocolEnd = 0;

  constructor(bytes: Uint8Array, writer: HpackWriter) {
    this.#bytes = bytes;
    this.#writer = writer;
  }

  /**
   * Writes the block of the response head at `start`. @param isUpgraded 101 answers an extended CONNECT (RFC 8441 5)
   * @returns false: it does not fit, or is no head
   */
  response(start: number, end: number, isUpgraded: boolean): boolean {
    const bytes = this.#bytes;
    this.status = (bytes[start + 9]! - 48) * 100 + (bytes[start + 10]! - 48) * 10 + bytes[start + 11]! - 48;
    this.#writer.status(isUpgraded && this.status === 101 ? 200 : this.status);
    const line = this.#endOfLine(start, end);
    return line >= 0 && this.#fields(line, end, false);
  }

  /** Writes the block of the request head at `start`. @param isHttp the scheme is http, else https */
  request(start: number, end: number, isHttp: boolean): boolean {
    const bytes = this.#bytes;
    let methodEnd = start;
    while (bytes[methodEnd] !== SP) methodEnd++;
    let targetEnd = methodEnd + 1;
    while (bytes[targetEnd] !== SP) targetEnd++;
    const line = this.#endOfLine(targetEnd, end);
    if (line < 0) return false;
    this.isHead = this.#is(start, methodEnd, HEAD);
    this.isConnect = this.#is(start, methodEnd, CONNECT);
    this.isUpgrade = this.#find(line, end);
    this.isGet = this.#is(start, methodEnd, GET);
    this.#pseudo(start, methodEnd, targetEnd, isHttp);
    return this.#fields(line, end, true);
  }

  /** Pseudo-fields, which stand before all others. */
  #pseudo(start: number, methodEnd: number, targetEnd: number, isHttp: boolean): void {
    const writer = this.#writer;
    if (this.isUpgrade) {
      writer.constant(METHOD, CONNECT);
      writer.constantName(PROTOCOL, this.#protocolStart, this.#protocolEnd);
    } else if (this.#is(start, methodEnd, GET)) writer.indexed(STATIC.methodGet);
    else if (this.#is(start, methodEnd, POST)) writer.indexed(STATIC.methodPost);
    else writer.named(STATIC.methodGet, start, methodEnd);
    const target = methodEnd + 1;
    if (this.isConnect) {
      writer.named(STATIC.authority, target, targetEnd);
      return;
    }
    writer.indexed(isHttp ? STATIC.schemeHttp : STATIC.schemeHttps);
    let path = target;
    let authority = this.#hostStart;
    let authorityEnd = this.#hostEnd;
    if (this.#bytes[target] !== SLASH && this.#bytes[target] !== 42) {
      // scheme://authority/path
      while (path < targetEnd && this.#bytes[path] !== COLON) path++;
      authority = path + 3;
      path = authority;
      while (path < targetEnd && this.#bytes[path] !== SLASH && this.#bytes[path] !== 63) path++;
      authorityEnd = path;
    }
    if (path === targetEnd) writer.constant(PATH, ROOT);
    else writer.named(STATIC.path, path, targetEnd);
    if (authorityEnd > authority) writer.named(STATIC.authority, authority, authorityEnd);
  }

  /** Looks for Host; whether the request asks for a WebSocket. */
  #find(line: number, end: number): boolean {
    const bytes = this.#bytes;
    let isUpgrade = false;
    this.#hostStart = this.#hostEnd = 0;
    for (let at = line; at < end && bytes[at] !== CR; ) {
      const nameEnd = this.#nameEnd(at, end);
      const next = this.#endOfLine(nameEnd, end);
      if (next < 0) break;
      if (this.#is(at, nameEnd, HOST)) {
        this.#hostStart = this.#valueStart(nameEnd);
        this.#hostEnd = next - 2;
      } else if (this.#is(at, nameEnd, UPGRADE)) {
        isUpgrade = true;
        this.#protocolStart = this.#valueStart(nameEnd);
        this.#protocolEnd = next - 2;
      }
      at = next;
    }
    return isUpgrade;
  }

  #nameEnd(at: number, end: number): number {
    let nameEnd = at;
    while (nameEnd < end && this.#bytes[nameEnd] !== COLON) nameEnd++;
    return nameEnd;
  }

  #valueStart(nameEnd: number): number {
    let value = nameEnd + 1;
    while (this.#bytes[value] === SP || this.#bytes[value] === HT) value++;
    return value;
  }

  #fields(line: number, end: number, isRequest: boolean): boolean {
    const bytes = this.#bytes;
    this.framing = FRAMING.raw;
    this.length = 0;
    let at = line;
    while (at < end && bytes[at] !== CR) {
      const nameEnd = this.#nameEnd(at, end);
      const next = this.#endOfLine(nameEnd, end);
      if (next < 0 || nameEnd >= next) return false;
      // Lines of our own pages and of errorfiles may have capitals.
      for (let i = at; i < nameEnd; i++) if (bytes[i]! >= 65 && bytes[i]! <= 90) bytes[i]! += 32;
      const value = Math.min(this.#valueStart(nameEnd), next - 2);
      if (!this.#isOfConnection(at, nameEnd, value, next - 2, isRequest)) this.#field(at, nameEnd, value, next - 2);
      at = next;
    }
    if (at + 2 > end) return false;
    this.headEnd = at + 2;
    return !this.#writer.failed;
  }

  #field(name: number, nameEnd: number, value: number, valueEnd: number): void {
    const isSecret =
      this.#is(name, nameEnd, COOKIE) || this.#is(name, nameEnd, SET_COOKIE) || this.#is(name, nameEnd, AUTHORIZATION);
    this.#writer.field(name, nameEnd, value, valueEnd, isSecret);
  }

  /** Fields that HTTP/2 has other means for; notes what they say of the body. */
  #isOfConnection(name: number, nameEnd: number, value: number, valueEnd: number, isRequest: boolean): boolean {
    switch (nameEnd - name) {
      case 4:
        return isRequest && this.#is(name, nameEnd, HOST);
      case 7:
        return this.#is(name, nameEnd, UPGRADE);
      case 10:
        return this.#is(name, nameEnd, CONNECTION) || this.#is(name, nameEnd, KEEP_ALIVE);
      case 14:
        if (this.#is(name, nameEnd, CONTENT_LENGTH) && this.framing !== FRAMING.chunked) {
          this.framing = FRAMING.length;
          this.length = this.#decimal(value, valueEnd);
        }
        return isRequest && this.#is(name, nameEnd, HTTP2_SETTINGS);
      case 16:
        return this.#is(name, nameEnd, PROXY_CONNECTION);
      case 17:
        if (this.#is(name, nameEnd, TRANSFER_ENCODING)) {
          this.framing = FRAMING.chunked;
          return true;
        }
        return isRequest && this.isUpgrade && this.#is(name, nameEnd, WEBSOCKET_KEY);
      case 20:
        return !isRequest && this.status === 101 && this.#is(name, nameEnd, WEBSOCKET_ACCEPT);
      default:
        return false;
    }
  }

  /** Lines of trailers in [start, end), which hold no pseudo-fields and nothing of the connection. False: they do not fit. */
  trailers(start: number, end: number): boolean {
    for (let at = start; at < end; ) {
      const nameEnd = this.#nameEnd(at, end);
      const next = this.#endOfLine(nameEnd, end);
      if (next < 0) return false;
      const value = Math.min(this.#valueStart(nameEnd), next - 2);
      if (!this.#isOfConnection(at, nameEnd, value, next - 2, false) && !this.#is(at, nameEnd, CONTENT_LENGTH))
        this.#field(at, nameEnd, value, next - 2);
      at = next;
    }
    return !this.#writer.failed;
  }

  #decimal(start: number, end: number): number {
    let value = 0;
    for (let at = start; at < end; at++) value = value * 10 + this.#bytes[at]! - 48;
    return value;
  }

  /** One past the line's LF, -1: it has no end. */
  #endOfLine(at: number, end: number): number {
    const bytes = this.#bytes;
    for (let i = at; i < end; i++) if (bytes[i] === LF) return i + 1;
    return -1;
  }

  #is(start: number, end: number, text: Uint8Array): boolean {
    return end - start === text.length && equals(this.#bytes, start, text);
  }
}
