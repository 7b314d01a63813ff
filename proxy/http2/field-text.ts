// Fields of a header block as lines of HTTP/1, and what is asked of every field (RFC 9113 8.2). What a request or a response is made of besides is
// request-text.ts's and response-text.ts's.

import { ByteWriter } from "../../shared/arena/byte-writer.ts";
import { latin1 } from "../../shared/latin1.ts";
import { equals } from "../http1/parser.ts";
import type { FieldList } from "./hpack/decoder.ts";

const SP = 32;
const HT = 9;
const CR = 13;
const LF = 10;

export const CRLF = latin1("\r\n");
const SEPARATOR = latin1(": ");
export const CONTENT_LENGTH = latin1("content-length");

/** Fields that belong to a connection of HTTP/1 (RFC 9113 8.2.2). */
const OF_CONNECTION: readonly Uint8Array[] = [
  "connection",
  "proxy-connection",
  "keep-alive",
  "upgrade",
  "transfer-encoding",
].map(latin1);

/** Bytes of names: tokens without capitals (RFC 9113 8.2.1). */
const NAME_BYTE = new Uint8Array(256);
for (let byte = 33; byte < 127; byte++)
  if (/[a-z0-9!#$%&'*+.^_`|~-]/.test(String.fromCharCode(byte))) NAME_BYTE[byte] = 1;

/** What became of a list of fields. */
export const TEXT = {
  /** It stands in the buffer. */
  done: 0,
  /** RFC 9113 8.1.1: the stream is reset with PROTOCOL_ERROR. */
  malformed: 1,
  /** It does not fit. */
  tooLarge: 2,
} as const;

export class FieldText extends ByteWriter {
  protected readonly fields: FieldList;
  /** Content-Length, -1: none. */
  length = -1;

  constructor(bytes: Uint8Array, fields: FieldList) {
    super(bytes);
    this.fields = fields;
  }

  override begin(at: number, limit: number): void {
    super.begin(at, limit);
    this.length = -1;
  }

  /** TEXT of what was written. */
  protected get result(): number {
    return this.failed || this.fields.overflowed ? TEXT.tooLarge : TEXT.done;
  }

  protected byteAt(at: number): number {
    return this.fields.bytes[at]!;
  }

  protected lengthOf(field: number): number {
    return this.fields.valueEnd(field) - this.fields.nameEnd(field);
  }

  protected nameIs(field: number, text: Uint8Array): boolean {
    return this.#is(this.fields.nameStart(field), this.fields.nameEnd(field), text);
  }

  protected valueIs(field: number, text: Uint8Array): boolean {
    return this.#is(this.fields.nameEnd(field), this.fields.valueEnd(field), text);
  }

  #is(start: number, end: number, text: Uint8Array): boolean {
    return end - start === text.length && equals(this.fields.bytes, start, text);
  }

  protected nameIsFine(field: number): boolean {
    const start = this.fields.nameStart(field);
    const end = this.fields.nameEnd(field);
    for (let at = start; at < end; at++) if (NAME_BYTE[this.byteAt(at)] === 0) return false;
    return end > start;
  }

  /** RFC 9113 8.2.1: NUL, CR and LF would break out of their line. */
  protected valueIsFine(field: number): boolean {
    for (let at = this.fields.nameEnd(field); at < this.fields.valueEnd(field); at++) {
      const byte = this.byteAt(at);
      if (byte === 0 || byte === CR || byte === LF) return false;
    }
    return true;
  }

  protected isOfConnection(field: number): boolean {
    for (const name of OF_CONNECTION) if (this.nameIs(field, name)) return true;
    return false;
  }

  /** RFC 9110 8.6: digits; once, or the same again. False: it is neither. */
  protected readLength(field: number): boolean {
    const start = this.fields.nameEnd(field);
    const end = this.fields.valueEnd(field);
    if (start === end) return false;
    let value = 0;
    for (let at = start; at < end; at++) {
      const digit = this.byteAt(at) - 48;
      if (digit < 0 || digit > 9) return false;
      value = value * 10 + digit;
      if (value > Number.MAX_SAFE_INTEGER) return false;
    }
    if (this.length >= 0 && this.length !== value) return false;
    this.length = value;
    return true;
  }

  protected line(field: number): void {
    this.slice(this.fields.bytes, this.fields.nameStart(field), this.fields.nameEnd(field));
    this.text(SEPARATOR);
    this.value(field);
    this.text(CRLF);
  }

  /** A value without the blanks around it, which no field may have. */
  protected value(field: number): void {
    const { bytes } = this.fields;
    let start = this.fields.nameEnd(field);
    let end = this.fields.valueEnd(field);
    while (start < end && (bytes[start] === SP || bytes[start] === HT)) start++;
    while (start < end && (bytes[end - 1] === SP || bytes[end - 1] === HT)) end--;
    this.slice(bytes, start, end);
  }
}
