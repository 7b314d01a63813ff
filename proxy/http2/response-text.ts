// Fields of a response, and of trailers in either direction, that came over HTTP/2 in the words of HTTP/1 (RFC 9113 8.3.2). A response without a
// length whose body is to come becomes a chunked one.

import { latin1 } from "../../shared/latin1.ts";
import type { FieldList } from "./hpack/decoder.ts";
import { NAME_BYTE, TEXT } from "./request-text.ts";

const COLON = 58;
const STATUS = latin1(":status");
const CONTENT_LENGTH = latin1("content-length");
const VERSION = latin1("HTTP/1.1 ");
const CRLF = latin1("\r\n");
const SEPARATOR = latin1(": ");
const CHUNKED = latin1("transfer-encoding: chunked\r\n");
const NO_BYTES = latin1("content-length: 0\r\n");
const SWITCHING = latin1("101");
const SP = latin1(" ");
const OF_CONNECTION: readonly Uint8Array[] = [
  "connection",
  "proxy-connection",
  "keep-alive",
  "upgrade",
  "transfer-encoding",
].map(latin1);

export class ResponseText {
  readonly #bytes: Uint8Array;
  readonly #fields: FieldList;
  at = 0;
  #limit = 0;
  #isFull = false;
  /** Of the response that was written last. */
  status = 0;
  /** Content-Length, -1: none. */
  length = -1;

  constructor(bytes: Uint8Array, fields: FieldList) {
    this.#bytes = bytes;
    this.#fields = fields;
  }

  /**
   * Writes a response head. TEXT.
   * @param isEnd no body follows @param isHead none would @param upgrade lines of the 101 that the 200 is (RFC 8441 5); null: it is none
   */
  response(at: number, limit: number, isEnd: boolean, isHead: boolean, upgrade: Uint8Array | null): number {
    this.#begin(at, limit);
    const fields = this.#fields;
    if (fields.count === 0 || !this.#nameIs(0, STATUS) || !this.#readStatus()) return TEXT.malformed;
    const isSwitch = upgrade !== null && this.status >= 200 && this.status < 300;
    this.#text(VERSION);
    if (isSwitch) this.#text(SWITCHING);
    else this.#value(0);
    this.#text(SP);
    this.#text(CRLF);
    for (let field = 1; field < fields.count; field++) {
      if (!this.#isFine(field)) return TEXT.malformed;
      if (isSwitch && this.#nameIs(field, CONTENT_LENGTH)) continue;
      this.#line(field);
    }
    if (isSwitch) {
      this.#text(upgrade);
    } else if (this.length < 0 && !isHead && this.status >= 200 && this.status !== 204 && this.status !== 304)
      this.#text(isEnd ? NO_BYTES : CHUNKED);
    this.#text(CRLF);
    return this.#isFull || fields.overflowed ? TEXT.tooLarge : TEXT.done;
  }

  /** Writes the lines of trailers, with the empty one behind them. TEXT. */
  trailers(at: number, limit: number): number {
    this.#begin(at, limit);
    for (let field = 0; field < this.#fields.count; field++) {
      if (!this.#isFine(field)) return TEXT.malformed;
      // What would change the message's framing has no place here (RFC 9110 6.5.1).
      if (!this.#nameIs(field, CONTENT_LENGTH)) this.#line(field);
    }
    this.#text(CRLF);
    return this.#isFull || this.#fields.overflowed ? TEXT.tooLarge : TEXT.done;
  }

  #begin(at: number, limit: number): void {
    this.at = at;
    this.#limit = limit;
    this.#isFull = false;
    this.length = -1;
  }

  #readStatus(): boolean {
    const { bytes } = this.#fields;
    const start = this.#fields.nameEnd(0);
    if (this.#fields.valueEnd(0) - start !== 3) return false;
    this.status = 0;
    for (let at = start; at < start + 3; at++) {
      const digit = bytes[at]! - 48;
      if (digit < 0 || digit > 9) return false;
      this.status = this.status * 10 + digit;
    }
    return this.status >= 100;
  }

  #isFine(field: number): boolean {
    const { bytes } = this.#fields;
    const start = this.#fields.nameStart(field);
    const nameEnd = this.#fields.nameEnd(field);
    if (start === nameEnd || bytes[start] === COLON) return false;
    for (let at = start; at < nameEnd; at++) if (NAME_BYTE[bytes[at]!] === 0) return false;
    for (let at = nameEnd; at < this.#fields.valueEnd(field); at++)
      if (bytes[at] === 0 || bytes[at] === 10 || bytes[at] === 13) return false;
    for (const name of OF_CONNECTION) if (this.#nameIs(field, name)) return false;
    return !this.#nameIs(field, CONTENT_LENGTH) || this.#contentLength(field);
  }

  #contentLength(field: number): boolean {
    const { bytes } = this.#fields;
    const start = this.#fields.nameEnd(field);
    const end = this.#fields.valueEnd(field);
    let value = 0;
    for (let at = start; at < end; at++) {
      const digit = bytes[at]! - 48;
      if (digit < 0 || digit > 9) return false;
      value = value * 10 + digit;
    }
    if (start === end || value > Number.MAX_SAFE_INTEGER || (this.length >= 0 && this.length !== value)) return false;
    this.length = value;
    return true;
  }

  #nameIs(field: number, text: Uint8Array): boolean {
    const start = this.#fields.nameStart(field);
    if (this.#fields.nameEnd(field) - start !== text.length) return false;
    const { bytes } = this.#fields;
    for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text[i]) return false;
    return true;
  }

  #line(field: number): void {
    this.#part(this.#fields.bytes, this.#fields.nameStart(field), this.#fields.nameEnd(field));
    this.#text(SEPARATOR);
    this.#value(field);
    this.#text(CRLF);
  }

  #value(field: number): void {
    this.#part(this.#fields.bytes, this.#fields.nameEnd(field), this.#fields.valueEnd(field));
  }

  #text(text: Uint8Array): void {
    this.#part(text, 0, text.length);
  }

  #part(from: Uint8Array, start: number, end: number): void {
    if (this.at + end - start > this.#limit) {
      this.#isFull = true;
      return;
    }
    const bytes = this.#bytes;
    let to = this.at;
    for (let at = start; at < end; at++) bytes[to++] = from[at]!;
    this.at = to;
  }
}
