// Fields of a request that came over HTTP/2 in the words of HTTP/1, as http1/parser.ts reads them: what RFC 9113 8.3.1 and HAProxy make of
// pseudo-fields, Host, cookies and fields that HTTP/2 must not have. Everything else is judged where every request is.
//
//   :method GET, :scheme https, :authority host, :path /p   ─▶   GET https://host/p HTTP/2.0 CRLF … host: host CRLF CRLF

import { latin1 } from "../../shared/latin1.ts";
import { CONTENT_LENGTH, CRLF, FieldText, TEXT } from "./field-text.ts";
import { websocketKey } from "./websocket.ts";

const COLON = 58;
const SLASH = 47;
const ASTERISK = 42;

const METHOD = latin1(":method");
const SCHEME = latin1(":scheme");
const AUTHORITY = latin1(":authority");
const PATH = latin1(":path");
const PROTOCOL = latin1(":protocol");
const CONNECT = latin1("CONNECT");
const HEAD = latin1("HEAD");
const HOST = latin1("host");
const COOKIE = latin1("cookie");
const TE = latin1("te");
const TRAILERS = latin1("trailers");
const WEBSOCKET = latin1("websocket");
const H2C = latin1("h2c");

const BLANK = latin1(" ");
const GET_ = latin1("GET ");
const VERSION = latin1(" HTTP/2.0\r\n");
const SCHEME_END = latin1("://");
const HOST_PREFIX = latin1("host: ");
const COOKIE_PREFIX = latin1("cookie: ");
const COOKIE_SEPARATOR = latin1("; ");
const UPGRADE_PREFIX = latin1("connection: upgrade\r\nupgrade: ");
const WEBSOCKET_KEY_PREFIX = latin1("sec-websocket-key: ");

const SCHEME_BYTE = new Uint8Array(256);
for (let byte = 43; byte < 123; byte++) if (/[A-Za-z0-9+.-]/.test(String.fromCharCode(byte))) SCHEME_BYTE[byte] = 1;

export class RequestText extends FieldText {
  /** Of the request that was written last. */
  isConnect = false;
  isHead = false;
  /** Extended CONNECT (RFC 8441): becomes an upgrade. */
  isUpgrade = false;
  isWebSocket = false;
  /** The scheme is one (RFC 3986 3.1), where there has to be one. */
  hasScheme = true;
  // Field numbers, -1: not there.
  #method = -1;
  #scheme = -1;
  #authority = -1;
  #path = -1;
  #protocol = -1;
  #host = -1;
  #hasCookies = false;

  /** Writes the fields from arena offset `at`, to `limit` at the most. TEXT. */
  write(at: number, limit: number): number {
    this.begin(at, limit);
    if (!this.#look() || !this.#isConsistent()) return TEXT.malformed;
    this.#requestLine();
    const count = this.fields.count;
    const hasAuthority = this.#authority >= 0;
    for (let field = 0; field < count; field++) {
      if (field === this.#host && hasAuthority) continue;
      if (this.byteAt(this.fields.nameStart(field)) === COLON || this.nameIs(field, COOKIE)) continue;
      if (this.nameIs(field, HOST) && field !== this.#host) continue;
      this.line(field);
    }
    if (hasAuthority) {
      this.text(HOST_PREFIX);
      this.value(this.#authority);
      this.text(CRLF);
    }
    if (this.isUpgrade) this.#upgrade();
    if (this.#hasCookies) this.#cookies();
    this.text(CRLF);
    return this.result;
  }

  /** Finds what has a meaning here. False: malformed. */
  #look(): boolean {
    const fields = this.fields;
    this.#method = this.#scheme = this.#authority = this.#path = this.#protocol = this.#host = -1;
    this.#hasCookies = false;
    let pseudoMayCome = true;
    for (let field = 0; field < fields.count; field++) {
      if (!this.valueIsFine(field)) return false;
      if (this.byteAt(fields.nameStart(field)) === COLON) {
        if (!pseudoMayCome || !this.#pseudo(field)) return false;
        continue;
      }
      pseudoMayCome = false;
      if (!this.nameIsFine(field) || !this.#regular(field)) return false;
    }
    return true;
  }

  #pseudo(field: number): boolean {
    if (this.nameIs(field, METHOD) && this.#method < 0) this.#method = field;
    else if (this.nameIs(field, SCHEME) && this.#scheme < 0) this.#scheme = field;
    else if (this.nameIs(field, AUTHORITY) && this.#authority < 0) this.#authority = field;
    else if (this.nameIs(field, PATH) && this.#path < 0) this.#path = field;
    else if (this.nameIs(field, PROTOCOL) && this.#protocol < 0) this.#protocol = field;
    else return false;
    return true;
  }

  #regular(field: number): boolean {
    const fields = this.fields;
    switch (fields.nameEnd(field) - fields.nameStart(field)) {
      case 2:
        return !this.nameIs(field, TE) || this.valueIs(field, TRAILERS);
      case 4:
        if (this.nameIs(field, HOST) && this.#host < 0) this.#host = field;
        return true;
      case 6:
        if (this.nameIs(field, COOKIE)) this.#hasCookies = true;
        return true;
      case 14:
        return !this.nameIs(field, CONTENT_LENGTH) || this.readLength(field);
      default:
        return !this.isOfConnection(field);
    }
  }

  /** RFC 9113 8.3.1 and 8.5, RFC 8441 4. */
  #isConsistent(): boolean {
    if (this.#method < 0 || this.lengthOf(this.#method) === 0) return false;
    const isConnect = this.valueIs(this.#method, CONNECT);
    this.isUpgrade = isConnect && this.#protocol >= 0;
    this.isConnect = isConnect && !this.isUpgrade;
    this.isHead = this.valueIs(this.#method, HEAD);
    this.isWebSocket = this.isUpgrade && this.valueIs(this.#protocol, WEBSOCKET);
    this.hasScheme = this.#scheme < 0 || this.#schemeIsFine();
    if (this.isConnect) return this.#authority >= 0 && this.#scheme < 0 && this.#path < 0;
    if (this.#protocol >= 0 && !this.isUpgrade) return false;
    if (this.#scheme < 0 || this.#path < 0 || this.lengthOf(this.#path) === 0) return false;
    // What would come after an upgrade to HTTP/2 inside of HTTP/2 would pass unseen.
    if (this.isUpgrade && (this.#authority < 0 || this.valueIs(this.#protocol, H2C))) return false;
    const first = this.byteAt(this.fields.nameEnd(this.#path));
    return first === SLASH || (first === ASTERISK && this.lengthOf(this.#path) === 1);
  }

  #schemeIsFine(): boolean {
    const start = this.fields.nameEnd(this.#scheme);
    const end = this.fields.valueEnd(this.#scheme);
    for (let at = start; at < end; at++) if (SCHEME_BYTE[this.byteAt(at)] === 0) return false;
    return end > start;
  }

  #requestLine(): void {
    if (this.isUpgrade) this.text(GET_);
    else {
      this.value(this.#method);
      this.text(BLANK);
    }
    if (this.isConnect) this.value(this.#authority);
    else {
      const isPath = this.byteAt(this.fields.nameEnd(this.#path)) === SLASH;
      if (isPath && this.#authority >= 0) {
        this.value(this.#scheme);
        this.text(SCHEME_END);
        this.value(this.#authority);
      }
      this.value(this.#path);
    }
    this.text(VERSION);
  }

  /** RFC 8441 5: what HTTP/1 says for it. */
  #upgrade(): void {
    this.text(UPGRADE_PREFIX);
    this.value(this.#protocol);
    this.text(CRLF);
    if (!this.isWebSocket) return;
    this.text(WEBSOCKET_KEY_PREFIX);
    this.text(websocketKey());
    this.text(CRLF);
  }

  /** RFC 9113 8.2.3: one line, behind all others as HAProxy has it. */
  #cookies(): void {
    let isFirst = true;
    for (let field = 0; field < this.fields.count; field++) {
      if (!this.nameIs(field, COOKIE)) continue;
      this.text(isFirst ? COOKIE_PREFIX : COOKIE_SEPARATOR);
      this.value(field);
      isFirst = false;
    }
    this.text(CRLF);
  }
}
