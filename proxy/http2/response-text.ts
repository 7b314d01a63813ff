// Fields of a response, and of trailers in either direction, that came over HTTP/2 in the words of HTTP/1 (RFC 9113 8.3.2). A response without a
// length whose body is to come becomes a chunked one.

import { latin1 } from "../../shared/latin1.ts";
import { CONTENT_LENGTH, CRLF, FieldText, TEXT } from "./field-text.ts";

const STATUS = latin1(":status");
const VERSION = latin1("HTTP/1.1 ");
const CHUNKED = latin1("transfer-encoding: chunked\r\n");
const NO_BYTES = latin1("content-length: 0\r\n");
const SWITCHING = latin1("101");
const SP = latin1(" ");
export class ResponseText extends FieldText {
  /** Of the response that was written last. */
  status = 0;

  /**
   * Writes a response head. TEXT.
   * @param isEnd no body follows @param isHead none would @param upgrade lines of the 101 that the 200 is (RFC 8441 5); null: it is none
   */
  response(at: number, limit: number, isEnd: boolean, isHead: boolean, upgrade: Uint8Array | null): number {
    this.begin(at, limit);
    const fields = this.fields;
    if (fields.count === 0 || !this.nameIs(0, STATUS) || !this.#readStatus()) return TEXT.malformed;
    const isSwitch = upgrade !== null && this.status >= 200 && this.status < 300;
    this.text(VERSION);
    if (isSwitch) this.text(SWITCHING);
    else this.value(0);
    this.text(SP);
    this.text(CRLF);
    for (let field = 1; field < fields.count; field++) {
      if (!this.#isFine(field)) return TEXT.malformed;
      if (isSwitch && this.nameIs(field, CONTENT_LENGTH)) continue;
      this.line(field);
    }
    const hasBody = !isHead && this.status >= 200 && this.status !== 204 && this.status !== 304;
    if (isSwitch) this.text(upgrade);
    else if (this.length < 0 && hasBody) this.text(isEnd ? NO_BYTES : CHUNKED);
    // RFC 9113 8.1.1: a length that no body follows would leave the client waiting for one.
    else if (this.length > 0 && hasBody && isEnd) return TEXT.malformed;
    this.text(CRLF);
    return this.result;
  }

  /** Writes the lines of trailers, with the empty one behind them. TEXT. */
  trailers(at: number, limit: number): number {
    this.begin(at, limit);
    for (let field = 0; field < this.fields.count; field++) {
      if (!this.#isFine(field)) return TEXT.malformed;
      // What would change the message's framing has no place here (RFC 9110 6.5.1).
      if (!this.nameIs(field, CONTENT_LENGTH)) this.line(field);
    }
    this.text(CRLF);
    return this.result;
  }

  #readStatus(): boolean {
    const { bytes } = this.fields;
    const start = this.fields.nameEnd(0);
    if (this.fields.valueEnd(0) - start !== 3) return false;
    this.status = 0;
    for (let at = start; at < start + 3; at++) {
      const digit = bytes[at]! - 48;
      if (digit < 0 || digit > 9) return false;
      this.status = this.status * 10 + digit;
    }
    return this.status >= 100;
  }

  #isFine(field: number): boolean {
    if (!this.nameIsFine(field) || !this.valueIsFine(field) || this.isOfConnection(field)) return false;
    return !this.nameIs(field, CONTENT_LENGTH) || this.readLength(field);
  }
}
