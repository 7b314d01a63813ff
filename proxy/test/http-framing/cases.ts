// What a framing case is, and the small words the tables are written with. The tables themselves stand in the *-cases.ts files
// of this folder; what HAProxy 3.2 does with each case is recorded in observed.jsonl under the case's name.

/** Bytes sent by a client. latin1: one character is one byte. */
export interface RequestCase {
  readonly name: string;
  readonly send: string;
}

/** Bytes sent by an origin in answer to a well-formed request. */
export interface ResponseCase {
  readonly name: string;
  /** What the client asks with; a plain GET when left out. */
  readonly request?: string;
  readonly answer: string;
  /** What the origin does after its answer; by default it keeps the connection open. */
  readonly finally?: "end" | "reset";
}

/** A GET of HTTP/1.1 with these header lines after Host, each with its own line end. */
export function get(headerLines = "", target = "/"): string {
  return `GET ${target} HTTP/1.1\r\nHost: a\r\n${headerLines}\r\n`;
}

/** A POST of HTTP/1.1 with these header lines, and a body as it stands. */
export function post(headerLines: string, body: string): string {
  return `POST / HTTP/1.1\r\nHost: a\r\n${headerLines}\r\n${body}`;
}

/** A chunked POST whose body is given as raw chunks. */
export function chunked(chunks: string): string {
  return post("Transfer-Encoding: chunked\r\n", chunks);
}

/** A second request behind the first: shows where the program believes that the first one ended. */
export const SECOND = "GET /second HTTP/1.1\r\nHost: a\r\n\r\n";

/** An answer of HTTP/1.1 with these header lines, and a body as it stands. */
export function answer(headerLines: string, body = "", statusLine = "HTTP/1.1 200 OK"): string {
  return `${statusLine}\r\n${headerLines}\r\n${body}`;
}

/** A byte as the case names write it: printable as it is, else as \xNN. */
export function byteName(code: number): string {
  return code > 0x20 && code < 0x7f ? String.fromCharCode(code) : `\\x${code.toString(16).padStart(2, "0")}`;
}
