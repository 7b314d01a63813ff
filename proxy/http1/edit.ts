// Writes the head that leaves from the Message that came in: start line, kept headers in their order, additions, empty line.
// Header lines that are already `name: value CRLF` are copied in runs, so that an unchanged header block costs one copy; lines that
// rules added are runs of their own.
// The caller says what to add; what is left out was marked by `dropHeader`.

import { ByteWriter } from "../../shared/arena/byte-writer.ts";
import { latin1 } from "../../shared/latin1.ts";
import { HEADER_INTS, MESSAGE, type Message } from "./message.ts";

const VERSION11 = MESSAGE.version11;
const ABSOLUTE_FORM = MESSAGE.absoluteForm;
const HTTP2 = MESSAGE.http2;
const CR = 13;
const LF = 10;
const SP = 32;
const COLON = 58;
const SLASH = 47;

const HTTP_1 = latin1("HTTP/1.");

/** One per worker. */
export class HeadWriter extends ByteWriter {
  /** `METHOD target HTTP/1.x` with single blanks, whatever stood between them; `http://host` alone becomes `http://host/`. */
  requestLine(message: Message): void {
    this.copy(message.methodStart, message.methodEnd);
    this.byte(SP);
    // As HAProxy: who asked over HTTP/2 did not choose the absolute form, and the server gets the usual one.
    const isOrigin = (message.flags & (HTTP2 | ABSOLUTE_FORM)) === (HTTP2 | ABSOLUTE_FORM);
    this.copy(isOrigin ? message.pathStart : message.targetStart, message.targetEnd);
    if (message.pathStart === message.pathEnd && (message.flags & ABSOLUTE_FORM) !== 0) this.byte(SLASH);
    this.byte(SP);
    this.text(HTTP_1);
    this.byte((message.flags & VERSION11) !== 0 ? 49 : 48);
    this.byte(CR);
    this.byte(LF);
  }

  /** `HTTP/1.x status reason`; a missing reason is the standard one. */
  statusLine(message: Message, standardReason: Uint8Array): void {
    this.text(HTTP_1);
    this.byte((message.flags & VERSION11) !== 0 ? 49 : 48);
    this.byte(SP);
    this.statusDigits(message.shownStatus || message.status);
    this.byte(SP);
    if (message.reasonEnd > message.reasonStart) this.copy(message.reasonStart, message.reasonEnd);
    else this.text(standardReason);
    this.byte(CR);
    this.byte(LF);
  }

  /** All headers that were not dropped. */
  headers(message: Message): void {
    const bytes = this.bytes;
    const headers = message.headers;
    const count = message.headerCount * HEADER_INTS;
    let run = message.headersStart;
    let runEnd = run;
    for (let at = 0; at < count; at += HEADER_INTS) {
      const name = headers[at]!;
      const nameEnd = headers[at + 1]!;
      const value = headers[at + 2]!;
      const valueEnd = headers[at + 3]!;
      const next = headers[at + 4]!;
      // A line that rules added stands elsewhere than the one before it ended.
      if (name !== runEnd) {
        this.copy(run, runEnd);
        run = runEnd = name;
      }
      if (name !== nameEnd && value === nameEnd + 2 && bytes[nameEnd + 1] === SP && valueEnd + 2 === next) {
        runEnd = next;
        continue;
      }
      this.copy(run, runEnd);
      if (name !== nameEnd) {
        this.copy(name, nameEnd);
        this.byte(COLON);
        this.byte(SP);
        this.copy(value, valueEnd);
        this.byte(CR);
        this.byte(LF);
      }
      run = runEnd = next;
    }
    this.copy(run, runEnd);
  }

  /** A decimal number without leading zeros. */
  decimal(value: number): void {
    let divisor = 1;
    while (value / divisor >= 10) divisor *= 10;
    for (; divisor >= 1; divisor /= 10) this.byte(48 + (Math.floor(value / divisor) % 10));
  }

  endOfHead(): void {
    this.byte(CR);
    this.byte(LF);
  }
}

/** Whether a response head can leave as it came: a version of ours, nothing dropped and every line in canonical form. */
export function isCanonical(bytes: Uint8Array, message: Message): boolean {
  const start = message.start;
  if (message.shownStatus !== 0) return false;
  if (bytes[start + 5] !== 49 || bytes[start + 7]! > 49 || message.reasonStart !== start + 13) return false;
  const headers = message.headers;
  const count = message.headerCount * HEADER_INTS;
  let expected = message.headersStart;
  for (let at = 0; at < count; at += HEADER_INTS) {
    const nameEnd = headers[at + 1]!;
    if (
      headers[at]! === nameEnd ||
      headers[at]! !== expected ||
      headers[at + 2]! !== nameEnd + 2 ||
      bytes[nameEnd + 1] !== SP ||
      headers[at + 3]! + 2 !== headers[at + 4]!
    )
      return false;
    expected = headers[at + 4]!;
  }
  return true;
}
