// A parsed HTTP/1 head: offsets into the arena, no strings. The parser (parser.ts) fills it, rules and logs read it,
// head edits (edit.ts) write a new head from it. Lines that rules add stand elsewhere in the arena than the received ones. One for the request and one for the response live in every Stream.

import { latin1 } from "../../shared/latin1.ts";

/** Methods by number, the first ones in the order of HAProxy's http_meth_t; anything else is METHOD.other. */
export const METHOD = {
  options: 0,
  get: 1,
  head: 2,
  post: 3,
  put: 4,
  delete: 5,
  trace: 6,
  connect: 7,
  other: 8,
} as const;
export const METHOD_NAMES = ["OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "CONNECT"] as const;

/** Bits of `Message.flags`. */
export const MESSAGE = {
  /** Transfer-Encoding: chunked is the last and only coding. */
  chunked: 1,
  contentLength: 2,
  connectionClose: 4,
  connectionKeepAlive: 8,
  /** Connection: upgrade together with an Upgrade header. */
  upgrade: 16,
  /** HTTP/1.1 (else 1.0). */
  version11: 64,
  /** The target is in absolute form (`http://host/path`). */
  absoluteForm: 128,
  /** The target is in authority form (CONNECT). */
  authorityForm: 256,
  /** A Transfer-Encoding header was there at all. */
  transferEncoding: 512,
  /** Rules changed the request line: what was received stands in `received`. */
  lineEdited: 1024,
  /** A rule made a HEAD of another method, or another of a HEAD: the server must not be asked again on the same connection. */
  headEdited: 2048,
  /** Received over HTTP/2: its target is in absolute form because the scheme and the authority came by themselves. */
  http2: 4096,
  /** The body is chunked on its way to the server without a line that says so: HTTP/2 needs no length. */
  impliedChunks: 8192,
} as const;

const HTTP_2 = latin1("HTTP/2.0");
const HTTP_11 = latin1("HTTP/1.1");
const HTTP_10 = latin1("HTTP/1.0");

/** The version that a message with these flags came with. */
export function versionText(flags: number): Uint8Array {
  if ((flags & MESSAGE.http2) !== 0) return HTTP_2;
  return (flags & MESSAGE.version11) !== 0 ? HTTP_11 : HTTP_10;
}

/** Ints per header line in `Message.headers`: name start, name end, value start, value end, offset of the next line. */
export const HEADER_INTS = 5;

/** The parts of a request line, as in Message. */
export class RequestLine {
  methodStart = 0;
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  pathStart = 0;
  pathEnd = 0;
  queryStart = 0;
}

export class Message {
  /** Arena offsets of the head: first byte of the start line, and one past the empty line. */
  start = 0;
  end = 0;
  /** Request: METHOD number; response: status. */
  method = 0;
  methodStart = 0;
  methodEnd = 0;
  /** Request target as received. */
  targetStart = 0;
  targetEnd = 0;
  /** Path with query inside the target (HAProxy's `pathq`); the path ends at `queryStart - 1` when there is a query. `pathStart === pathEnd`: none (authority form). */
  pathStart = 0;
  pathEnd = 0;
  /** One past `?`; 0: no query. */
  queryStart = 0;
  status = 0;
  /** What a rule put in place of the status, 0: nothing. */
  shownStatus = 0;
  reasonStart = 0;
  reasonEnd = 0;
  /** Offset of the first header line. */
  headersStart = 0;
  flags = 0;
  /** Bytes; -1: no Content-Length. Exact to 2^53. */
  contentLength = -1;
  headerCount = 0;
  /** Index of the Host header, -1: none. */
  hostIndex = -1;
  /** HEADER_INTS per line, absolute arena offsets. Names are lower case in the arena, as HAProxy makes them; values are trimmed of blanks. */
  readonly headers: Int32Array;
  /** Ints of `headers` that received lines may fill; behind them is room for lines that rules add. */
  readonly receivedInts: number;
  /** The request line as it was received, valid when MESSAGE.lineEdited is set: what the log shows. */
  readonly received = new RequestLine();

  /**
   * @param maxHeaders `tune.http.maxhdr`, which counts the start line too
   * @param addedHeaders lines that rules may add
   */
  constructor(maxHeaders: number, addedHeaders = 0) {
    this.receivedInts = (maxHeaders - 1) * HEADER_INTS;
    this.headers = new Int32Array(this.receivedInts + addedHeaders * HEADER_INTS);
  }

  /** Keeps the request line as it was received. Who edits it calls this first, every time. */
  keepLine(): void {
    if ((this.flags & MESSAGE.lineEdited) !== 0) return;
    this.flags |= MESSAGE.lineEdited;
    const { received } = this;
    received.methodStart = this.methodStart;
    received.methodEnd = this.methodEnd;
    received.targetStart = this.targetStart;
    received.targetEnd = this.targetEnd;
    received.pathStart = this.pathStart;
    received.pathEnd = this.pathEnd;
    received.queryStart = this.queryStart;
  }

  reset(): void {
    this.start = this.end = 0;
    this.flags = 0;
    this.contentLength = -1;
    this.headerCount = 0;
    this.hostIndex = -1;
    this.status = this.shownStatus = 0;
    this.method = METHOD.other;
    this.queryStart = this.pathStart = this.pathEnd = this.targetStart = this.targetEnd = 0;
  }
}
