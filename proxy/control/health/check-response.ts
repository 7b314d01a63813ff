// Reads the answer to an HTTP check as it arrives. Checks need little of HTTP (a status, a reason, a body), so this is a reader of its
// own and shares nothing with the workers' strict parser: an origin with odd headers must be found healthy or not by what the
// check expects, as in HAProxy, not by header syntax.
//
// Limits: at most `limitBytes` are kept (HAProxy: one buffer); what comes after counts as the end of the body.

/** What is known so far. */
export interface CheckResponse {
  /** The status line and the headers are complete. */
  readonly headed: boolean;
  readonly status: number;
  readonly reason: string;
  /** Header lines as received; empty until `headed`. */
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  /** Body bytes so far, decoded from chunks, one character per byte. */
  readonly body: string;
  /** No more of the body can come. */
  readonly ended: boolean;
}

const HEAD_END = "\r\n\r\n";
const STATUS_LINE = /^HTTP\/\d\.\d (\d{3})(?: ([^\r\n]*))?\r?\n/;

export class CheckResponseReader {
  readonly #limitBytes: number;
  readonly #bodyless: boolean;
  #text = "";
  #headEnd = -1;
  #closed = false;
  #lines: CheckResponse["headers"] | null = null;

  /** `method` decides whether a body can follow. */
  constructor(method: string, limitBytes: number) {
    this.#bodyless = method === "HEAD";
    this.#limitBytes = limitBytes;
  }

  /** @param text Latin-1 */
  push(text: string): void {
    this.#text += text.slice(0, this.#limitBytes - this.#text.length);
    if (this.#headEnd < 0) this.#headEnd = this.#text.indexOf(HEAD_END);
  }

  /** The server has closed its side. */
  close(): void {
    this.#closed = true;
  }

  /** What the bytes mean, or null when they are no HTTP answer (any more). */
  response(): CheckResponse | null {
    const line = STATUS_LINE.exec(this.#text);
    const full = this.#text.length >= this.#limitBytes;
    if (line === null) {
      const mayBecome =
        !this.#closed && !full && "HTTP/".startsWith(this.#text.slice(0, 5)) && !this.#text.includes("\n");
      return mayBecome ? { headed: false, status: 0, reason: "", headers: [], body: "", ended: false } : null;
    }
    const head = { status: Number(line[1]), reason: line[2] ?? "" };
    if (this.#headEnd < 0) {
      return this.#closed || full ? null : { ...head, headed: false, headers: [], body: "", ended: false };
    }
    return { ...head, headed: true, headers: this.#headers(), ...this.#body(head.status, full) };
  }

  #headers(): CheckResponse["headers"] {
    this.#lines ??= this.#text
      .slice(0, this.#headEnd)
      .split("\r\n")
      .slice(1)
      .map((line) => {
        const colon = line.indexOf(":");
        return { name: line.slice(0, Math.max(0, colon)), value: line.slice(colon + 1).trim() };
      });
    return this.#lines;
  }

  #body(status: number, full: boolean): { body: string; ended: boolean } {
    if (this.#bodyless || status === 204 || status === 304) return { body: "", ended: true };
    const fields = this.#text.slice(0, this.#headEnd).toLowerCase();
    const raw = this.#text.slice(this.#headEnd + HEAD_END.length);
    const over = this.#closed || full;
    if (/\r\ntransfer-encoding:[^\r\n]*chunked/.test(fields)) return dechunk(raw, over);
    const length = /\r\ncontent-length:[ \t]*(\d+)/.exec(fields);
    if (length === null) return { body: raw, ended: over };
    const expected = Number(length[1]);
    return { body: raw.slice(0, expected), ended: over || raw.length >= expected };
  }
}

function dechunk(raw: string, over: boolean): { body: string; ended: boolean } {
  let body = "";
  let at = 0;
  for (;;) {
    const size = /^([0-9a-fA-F]+)[^\r\n]*\r\n/.exec(raw.slice(at));
    if (size === null) return { body, ended: over };
    const length = Number.parseInt(size[1], 16);
    if (length === 0) return { body, ended: true };
    at += size[0].length;
    body += raw.slice(at, at + length);
    if (at + length + 2 > raw.length) return { body, ended: over };
    at += length + 2;
  }
}
