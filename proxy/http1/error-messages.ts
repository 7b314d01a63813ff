// The answers that ringway itself gives: HAProxy's built-in messages by status, and `errorfile`s read into the same form.
// Bodies are HAProxy's, byte for byte (slips of the pen included), because scripts and people look for them.

import { latin1 } from "../../shared/latin1.ts";
import type { ErrorFilePlan } from "../plan/errors.ts";

/** A ready answer. Header lines are `name: value CRLF` each, in lower case, without Connection; `contentLength` is among them. */
export interface LocalMessage {
  readonly status: number;
  readonly reason: Uint8Array;
  readonly headers: Uint8Array;
  readonly body: Uint8Array;
}

/** Status, reason and text of HAProxy's default pages, its stray `>` and `.` included. */
const DEFAULTS: readonly (readonly [number, string, string])[] = [
  [200, "OK", "<html><body><h1>200 OK</h1>\nService ready.\n</body></html>\n"],
  [400, "Bad request", "Your browser sent an invalid request."],
  [401, "Unauthorized", "You need a valid user and password to access this content."],
  [403, "Forbidden", "Request forbidden by administrative rules."],
  [404, "Not Found", "The resource could not be found."],
  [405, "Method Not Allowed", "A request was made of a resource using a request method not supported by that resource"],
  [407, "Unauthorized", "You need a valid user and password to access this content."],
  [408, "Request Time-out", "Your browser didn't send a complete request in time."],
  [410, "Gone", "The resource is no longer available and will not be available again."],
  [413, "Payload Too Large", "The request entity exceeds the maximum allowed."],
  [414, "URI Too Long", "The URI provided was too long for the server to process."],
  [421, "Misdirected Request", "Request sent to a non-authoritative server."],
  [422, "Unprocessable Content", "The server cannot process the contained instructions."],
  [425, "Too Early", "Your browser sent early data."],
  [429, "Too Many Requests", "You have sent too many requests in a given amount of time."],
  [431, "Request Header Fields Too Large", ">Request Header Fields Too Large."],
  [500, "Internal Server Error", "An internal server error occurred."],
  [501, "Not Implemented", ".The server does not support the functionality required to fulfill the request."],
  [502, "Bad Gateway", "The server returned an invalid or incomplete response."],
  [503, "Service Unavailable", "No server is available to handle this request."],
  [504, "Gateway Time-out", "The server didn't respond in time."],
];

/** Reason phrases for responses that came without one. */
const REASONS = new Map<number, Uint8Array>();
for (const [status, reason] of DEFAULTS) REASONS.set(status, latin1(reason));
for (const [status, reason] of [
  [100, "Continue"],
  [101, "Switching Protocols"],
  [103, "Early Hints"],
  [201, "Created"],
  [202, "Accepted"],
  [204, "No Content"],
  [206, "Partial Content"],
  [301, "Moved Permanently"],
  [302, "Found"],
  [303, "See Other"],
  [304, "Not Modified"],
  [307, "Temporary Redirect"],
  [308, "Permanent Redirect"],
] as const)
  REASONS.set(status, latin1(reason));
const EMPTY = new Uint8Array(0);
/** What HAProxy says of a status that it has no own words for, by the hundreds. */
const REASONS_BY_CLASS: readonly Uint8Array[] = [
  ...[EMPTY, latin1("Informational"), latin1("Success"), latin1("Redirection")],
  ...[latin1("Client Error"), latin1("Server Error")],
];

/** The reason phrase of a status that came, or is sent, without one. */
export function standardReason(status: number): Uint8Array {
  return REASONS.get(status) ?? REASONS_BY_CLASS[(status / 100) | 0] ?? EMPTY;
}

function defaultMessage(status: number, reason: string, text: string): LocalMessage {
  const body = text.startsWith("<") ? text : `<html><body><h1>${status} ${reason}</h1>\n${text}\n</body></html>\n`;
  const headers = `content-length: ${body.length}\r\ncache-control: no-cache\r\ncontent-type: text/html\r\n`;
  return { status, reason: latin1(reason), headers: latin1(headers), body: latin1(body) };
}

export const DEFAULT_MESSAGES: ReadonlyMap<number, LocalMessage> = new Map(
  DEFAULTS.map(([status, reason, text]) => [status, defaultMessage(status, reason, text)]),
);

/** What the HTTP/1 layer itself answers before a stream exists: HAProxy sends these bytes as they stand. */
export const RAW_MESSAGES: ReadonlyMap<number, Uint8Array> = new Map(
  DEFAULTS.map(([status, reason, text]) => {
    const { body } = defaultMessage(status, reason, text);
    // All of them close the connection; only these two say so.
    const close = status === 400 || status === 408 ? "Connection: close\r\n" : "";
    const head = `HTTP/1.1 ${status} ${reason}\r\nContent-length: ${body.length}\r\nCache-Control: no-cache\r\n${close}Content-Type: text/html\r\n\r\n`;
    return [status, new Uint8Array(Buffer.concat([latin1(head), body]))];
  }),
);

/** A message made at run time (the control plane's answers). */
export function messageOf(
  status: number,
  headers: readonly (readonly [string, string])[],
  body: Uint8Array,
): LocalMessage {
  let lines = `content-length: ${body.length}\r\n`;
  for (const [name, value] of headers) lines += `${name.toLowerCase()}: ${value}\r\n`;
  return { status, reason: standardReason(status), headers: latin1(lines), body };
}

/**
 * Reads an `errorfile`: a raw HTTP response. Its Content-Length is made to fit its body, its Connection header gives way to
 * ours. null for an empty file (`/dev/null`): the connection is closed without a word, as HAProxy does.
 */
export function messageOfErrorFile(file: ErrorFilePlan): LocalMessage | null {
  if (file.bytes === null || file.bytes.length === 0) return null;
  const text = Buffer.from(file.bytes).toString("latin1");
  const end = /\r?\n\r?\n/.exec(text);
  const head = (end === null ? text : text.slice(0, end.index)).split(/\r?\n/);
  const body = end === null ? EMPTY : latin1(text.slice(end.index + end[0].length));
  const start = /^HTTP\/\d\.\d +(\d{3}) ?(.*)$/.exec(head[0] ?? "");
  const status = start === null ? file.status : Number(start[1]);
  let lines = "";
  for (const line of head.slice(1)) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    if (name === "connection" || name === "content-length" || name === "transfer-encoding") continue;
    lines += `${name}: ${line.slice(colon + 1).trim()}\r\n`;
  }
  lines += `content-length: ${body.length}\r\n`;
  return { status, reason: latin1(start?.[2] ?? ""), headers: latin1(lines), body };
}
