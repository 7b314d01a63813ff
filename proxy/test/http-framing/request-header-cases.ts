// Requests whose header lines are unusual or wrong: names, values, folding, Host, Connection, Upgrade, Expect, sizes
// (RFC 9110 §5, RFC 9112 §3.2, §5; CVE-2023-25725 is the empty name, CVE-2021-40346 the long one).

import { byteName, get, post, type RequestCase, SECOND } from "./cases.ts";

const NAMES: RequestCase[] = [
  ...[
    0x00, 0x01, 0x09, 0x0b, 0x20, 0x22, 0x28, 0x2c, 0x2f, 0x3b, 0x3d, 0x40, 0x5b, 0x7b, 0x7f, 0x80, 0x85, 0xa0, 0xff,
  ].map((code) => ({
    name: `header name with byte ${byteName(code)}`,
    send: get(`X${String.fromCharCode(code)}Y: z\r\n`),
  })),
  { name: "header name with every token character", send: get("!#$%&'*+-.^_`|~09azAZ: z\r\n") },
  { name: "header name empty", send: get(": z\r\n") },
  { name: "header name empty before a Content-Length", send: post(": z\r\nContent-Length: 5\r\n", "hello") },
  { name: "blank before the colon", send: get("X : z\r\n") },
  { name: "tab before the colon", send: get("X\t: z\r\n") },
  { name: "blank before the colon of Content-Length", send: post("Content-Length : 5\r\n", "hello") },
  { name: "blank before the colon of Transfer-Encoding", send: post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n") },
  { name: "header line without colon", send: get("XYZ\r\n") },
  { name: "header line of a colon only", send: get(":\r\n") },
  { name: "blank before the first header", send: "GET / HTTP/1.1\r\n Host: a\r\n\r\n" },
  { name: "blank before a later header", send: get("X: y\r\n Z: w\r\n") },
  { name: "tab before a later header", send: get("X: y\r\n\tZ: w\r\n") },
  { name: "a line of one blank", send: get("X: y\r\n \r\n") },
  { name: "folded value", send: get("X: a\r\n b\r\n") },
  { name: "folded value with tab", send: get("X: a\r\n\tb\r\n") },
  { name: "folded Content-Length", send: post("Content-Length:\r\n 5\r\n", "hello") },
  { name: "folded Transfer-Encoding", send: post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n") },
  { name: "folded first line", send: "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n" },
  { name: "underscore in the name", send: get("X_Forwarded_For: 1.2.3.4\r\n") },
  ...[255, 256, 300].map((bytes) => ({ name: `name of ${bytes} bytes`, send: get(`${"X".repeat(bytes)}: y\r\n`) })),
  {
    name: "name longer than a byte can count before a Content-Length",
    send: post(`Content-Length0${"a".repeat(255)}:\r\nContent-Length: 5\r\n`, "hello"),
  },
];

const VALUES: RequestCase[] = [
  ...[0x00, 0x01, 0x08, 0x09, 0x0b, 0x0c, 0x1f, 0x7f, 0x80, 0xff].map((code) => ({
    name: `header value with byte ${byteName(code)}`,
    send: get(`X: a${String.fromCharCode(code)}b\r\n`),
  })),
  { name: "header value with CR", send: get("X: a\rb\r\n") },
  { name: "header value with CR at its end", send: get("X: a\r\r\n") },
  { name: "header value with NUL in Host", send: "GET / HTTP/1.1\r\nHost: a\x00.b\r\n\r\n" },
  { name: "header value empty", send: get("X:\r\n") },
  { name: "header value of blanks", send: get("X:   \r\n") },
  { name: "header value without blank", send: get("X:y\r\n") },
  { name: "header value with blanks and tabs around", send: get("X: \t y \t \r\n") },
  { name: "header value with inner blanks", send: get("X: a  b\tc\r\n") },
  { name: "header value of 8000 bytes", send: get(`X: ${"v".repeat(8000)}\r\n`) },
  { name: "same header twice", send: get("X: 1\r\nX: 2\r\n") },
  { name: "cookies twice", send: get("Cookie: a=1\r\nCookie: b=2\r\n") },
];

const HOSTS: RequestCase[] = [
  { name: "no Host, 1.1", send: "GET / HTTP/1.1\r\n\r\n" },
  { name: "no Host, 1.0", send: "GET / HTTP/1.0\r\n\r\n" },
  { name: "Host empty", send: "GET / HTTP/1.1\r\nHost:\r\n\r\n" },
  { name: "Host twice, the same", send: "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n" },
  { name: "Host twice, different", send: "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" },
  { name: "Host twice, different case", send: "GET / HTTP/1.1\r\nHost: a\r\nhost: A\r\n\r\n" },
  { name: "Host twice, second empty", send: "GET / HTTP/1.1\r\nHost: a\r\nHost:\r\n\r\n" },
  { name: "Host with port", send: "GET / HTTP/1.1\r\nHost: a:80\r\n\r\n" },
  { name: "Host with bad port", send: "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n" },
  { name: "Host with two colons", send: "GET / HTTP/1.1\r\nHost: a:80:90\r\n\r\n" },
  { name: "Host with comma", send: "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n" },
  { name: "Host with blank inside", send: "GET / HTTP/1.1\r\nHost: a b\r\n\r\n" },
  { name: "Host with slash", send: "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n" },
  { name: "Host with #", send: "GET / HTTP/1.1\r\nHost: a#b\r\n\r\n" },
  { name: "Host with @", send: "GET / HTTP/1.1\r\nHost: user@a\r\n\r\n" },
  { name: "Host of IPv6", send: "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n" },
  { name: "Host in capitals", send: "GET / HTTP/1.1\r\nHOST: EXAMPLE.Org\r\n\r\n" },
];

const CONNECTION: RequestCase[] = [
  { name: "Connection: close", send: get("Connection: close\r\n") + SECOND },
  { name: "Connection: CLOSE", send: get("Connection: CLOSE\r\n") + SECOND },
  { name: "Connection: keep-alive", send: get("Connection: keep-alive\r\n") + SECOND },
  { name: "Connection: close, keep-alive", send: get("Connection: close, keep-alive\r\n") + SECOND },
  { name: "Connection twice", send: get("Connection: keep-alive\r\nConnection: close\r\n") + SECOND },
  { name: "Connection: closed is another word", send: get("Connection: closed\r\n") + SECOND },
  { name: "Connection names a header", send: get("Connection: x-secret\r\nX-Secret: 1\r\n") },
  {
    name: "Connection names X-Forwarded-For",
    send: get("Connection: close, X-Forwarded-For\r\nX-Forwarded-For: 1.2.3.4\r\n"),
  },
  { name: "Proxy-Connection", send: get("Proxy-Connection: keep-alive\r\n") },
  { name: "Keep-Alive", send: get("Keep-Alive: timeout=5\r\n") },
  { name: "TE: trailers", send: get("TE: trailers\r\nConnection: TE\r\n") },
  { name: "TE: trailers and gzip", send: get("TE: trailers, gzip\r\n") },
  { name: "TE: gzip", send: get("TE: gzip\r\n") },
  { name: "1.0 keep-alive", send: "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n" },
  { name: "1.0 without keep-alive", send: "GET / HTTP/1.0\r\nHost: a\r\n\r\n" },
  {
    name: "1.0 keep-alive, then another",
    send: `GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n${SECOND}`,
  },
  { name: "Upgrade without Connection", send: get("Upgrade: websocket\r\n") },
  { name: "Connection: upgrade without Upgrade", send: get("Connection: upgrade\r\n") },
  {
    name: "Upgrade refused by the origin, bytes behind it",
    send: `${get("Connection: upgrade\r\nUpgrade: foo\r\n")}${SECOND}`,
  },
  {
    name: "Upgrade of h2c",
    send: get("Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
  },
  {
    name: "Upgrade with Content-Length",
    send: post("Connection: upgrade\r\nUpgrade: foo\r\nContent-Length: 5\r\n", `hello${SECOND}`),
  },
  { name: "Upgrade: websocket without key", send: get("Connection: upgrade\r\nUpgrade: websocket\r\n") },
  {
    name: "Upgrade: websocket with key",
    send: get(
      "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
    ),
  },
  { name: "Upgrade in 1.0", send: "GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n" },
  { name: "Expect: 100-continue, body at once", send: post("Expect: 100-continue\r\nContent-Length: 5\r\n", "hello") },
  { name: "Expect: something else", send: post("Expect: cookies\r\nContent-Length: 5\r\n", "hello") },
  {
    name: "Expect: 100-continue in 1.0",
    send: "POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
  },
];

/** A head that has exactly `bytes` bytes. */
function headOf(bytes: number): string {
  const lines = `GET / HTTP/1.1\r\nHost: a\r\nX: `;
  return `${lines}${"v".repeat(bytes - lines.length - 4)}\r\n\r\n`;
}

// The room for a head is bufsize - maxrewrite, 15360 bytes. HAProxy's limit is a few bytes below, depending on the number of header
// lines (its messages carry an index), and 414 begins a few bytes below a full buffer: sizes that near are not compared.
const SIZES: RequestCase[] = [
  ...[14_000, 15_000, 15_361, 16_000, 16_600, 20_000, 40_000].map((bytes) => ({
    name: `head of ${bytes} bytes`,
    send: headOf(bytes),
  })),
  ...[50, 99, 100, 101, 102, 200, 1000].map((count) => ({
    name: `${count} header lines after Host`,
    send: get(Array.from({ length: count }, (_, i) => `x${i}: ${i}\r\n`).join("")),
  })),
  { name: "unfinished head over the buffer", send: `GET / HTTP/1.1\r\nHost: a\r\nX: ${"v".repeat(17_000)}` },
];

export const REQUEST_HEADER_CASES: readonly RequestCase[] = [...NAMES, ...VALUES, ...HOSTS, ...CONNECTION, ...SIZES];
