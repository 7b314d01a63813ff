// Answers of an origin, well formed, unusual and wrong: status line, headers, framing, interim answers, connection
// (RFC 9110 §15, RFC 9112 §4, §6.3). A smuggling origin is out of HAProxy's threat model, but what it gets through decides what
// a client's next answer is, so the verdicts count all the same.

import { answer, byteName, get, type ResponseCase } from "./cases.ts";

const LENGTH_2 = "Content-Length: 2\r\n";
const HEAD = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
const shown = (text: string): string =>
  [...text].map((c) => (c === " " ? "␠" : byteName(c.charCodeAt(0)))).join("") || "(empty)";

const STATUS_LINES: ResponseCase[] = [
  ...[
    "HTTP/1.1 200 OK",
    "HTTP/1.1 200 ",
    "HTTP/1.1 200",
    "HTTP/1.0 200 OK",
    "HTTP/1.1 299 Odd but fine",
    "HTTP/1.1 404 Not Found",
    "HTTP/1.1 500 Oops",
    "HTTP/1.1 599 Last",
    "HTTP/1.1 600 Beyond",
    "HTTP/1.1 999 Far beyond",
    "HTTP/1.1 099 Before",
    "HTTP/1.1 000 Zero",
    "HTTP/1.1 20 Short",
    "HTTP/1.1 2000 Long",
    "HTTP/1.1 -200 Minus",
    "HTTP/1.1 abc Letters",
    "HTTP/1.1  200 OK",
    "HTTP/1.1 200  OK",
    "HTTP/1.1 200\tOK",
    "HTTP/1.1\t200 OK",
    " HTTP/1.1 200 OK",
    "HTTP/2.0 200 OK",
    "HTTP/1.2 200 OK",
    "HTTP/0.9 200 OK",
    "http/1.1 200 OK",
    "HTTP/1.1200 OK",
    "ICY 200 OK",
    "RTSP/1.0 200 OK",
    "HTTP/1.1 200 r\xe9ason",
    "HTTP/1.1 200 a\x00b",
    "HTTP/1.1 200 a\x01b",
    "HTTP/1.1 200 a\rb",
    "HTTP/1.1",
    "hello",
  ].map((line) => ({ name: `status line ${shown(line)}`, answer: answer(LENGTH_2, "ok", line) })),
  { name: "status line ended by LF", answer: `HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok` },
  { name: "headers ended by LF", answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\n\nok" },
  { name: "empty line before the status line", answer: `\r\n${answer(LENGTH_2, "ok")}` },
  { name: "reason of 300 bytes", answer: answer(LENGTH_2, "ok", `HTTP/1.1 200 ${"r".repeat(300)}`) },
];

const HEADERS: ResponseCase[] = [
  ...[
    "X : y",
    ": y",
    "XYZ",
    " X: y",
    "X: a\r\n b",
    "X: a\x00b",
    "X: a\rb",
    "X\x00Y: z",
    "X Y: z",
    "X: a\x01b",
    "X: a\x7fb",
    "X: a\x80b",
    "X\x80Y: z",
    "X(Y: z",
    "X:",
    "x_y: z",
  ].map((line) => ({ name: `answer header ${shown(line)}`, answer: answer(`${line}\r\n${LENGTH_2}`, "ok") })),
  ...[50, 98, 99, 100, 101, 102, 150].map((count) => ({
    name: `${count} header lines and a length in the answer`,
    answer: answer(`${Array.from({ length: count }, (_, i) => `x${i}: ${i}\r\n`).join("")}${LENGTH_2}`, "ok"),
  })),
  ...[14_000, 15_000, 15_400, 16_300, 17_000, 40_000].map((bytes) => ({
    name: `answer header of ${bytes} bytes`,
    answer: answer(`X: ${"v".repeat(bytes)}\r\n${LENGTH_2}`, "ok"),
  })),
  {
    name: "answer with hop-by-hop headers",
    answer: answer(`Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTrailer: x\r\n${LENGTH_2}`, "ok"),
  },
  {
    name: "answer whose Connection names a header",
    answer: answer(`Connection: x-secret\r\nX-Secret: 1\r\n${LENGTH_2}`, "ok"),
  },
  { name: "answer with Upgrade and 200", answer: answer(`Connection: upgrade\r\nUpgrade: foo\r\n${LENGTH_2}`, "ok") },
  { name: "two Set-Cookie", answer: answer(`Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n${LENGTH_2}`, "ok") },
];

const LENGTHS: ResponseCase[] = [
  ...[
    "+2",
    "-2",
    "02",
    "2 ",
    "0x2",
    "2Z",
    "2,2",
    "2, 2",
    "2,3",
    "2,",
    "",
    "two",
    "\x002",
    "99999999999999999999999",
  ].map((value) => ({
    name: `answer with Content-Length: ${shown(value)}`,
    answer: answer(`Content-Length: ${value}\r\n`, "ok"),
  })),
  { name: "answer with two equal lengths", answer: answer(LENGTH_2 + LENGTH_2, "ok") },
  { name: "answer with two unequal lengths", answer: answer(`${LENGTH_2}Content-Length: 3\r\n`, "ok") },
  { name: "answer shorter than its length, then end", answer: answer("Content-Length: 10\r\n", "ok"), finally: "end" },
  {
    name: "answer shorter than its length, then reset",
    answer: answer("Content-Length: 10\r\n", "ok"),
    finally: "reset",
  },
  { name: "answer longer than its length", answer: answer(LENGTH_2, "okEXTRA") },
  {
    name: "answer, then a second one nobody asked for",
    answer: answer(LENGTH_2, "ok") + answer("X: poison\r\nContent-Length: 0\r\n"),
  },
  { name: "answer without length, then end", answer: answer("", "body until the end"), finally: "end" },
  { name: "answer without length, then reset", answer: answer("", "body until the end"), finally: "reset" },
  {
    name: "answer without length to 1.0",
    request: "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
    answer: answer("", "body until the end"),
    finally: "end",
  },
  {
    name: "answer of 1.0 without length, then end",
    answer: answer("", "body until the end", "HTTP/1.0 200 OK"),
    finally: "end",
  },
  { name: "answer with Content-Length: 0", answer: answer("Content-Length: 0\r\n") },
  {
    name: "answer with Connection: close and a length",
    answer: answer(`Connection: close\r\n${LENGTH_2}`, "ok"),
    finally: "end",
  },
  { name: "answer of 1.0 with a length", answer: answer(LENGTH_2, "ok", "HTTP/1.0 200 OK") },
  {
    name: "answer of 1.0 with keep-alive and a length",
    answer: answer(`Connection: keep-alive\r\n${LENGTH_2}`, "ok", "HTTP/1.0 200 OK"),
  },
];

const CODED = "Transfer-Encoding: chunked\r\n";
const CHUNKED: ResponseCase[] = [
  { name: "chunked answer", answer: answer(CODED, "2\r\nok\r\n0\r\n\r\n") },
  { name: "chunked answer with trailers", answer: answer(CODED, "2\r\nok\r\n0\r\nX-T: v\r\n\r\n") },
  { name: "chunked answer with extension", answer: answer(CODED, "2;a=b\r\nok\r\n0\r\n\r\n") },
  {
    name: "chunked answer to 1.0",
    request: "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
    answer: answer(CODED, "2\r\nok\r\n0\r\n\r\n"),
  },
  {
    name: "chunked answer to 1.0 keep-alive",
    request: "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
    answer: answer(CODED, "2\r\nok\r\n0\r\n\r\n"),
  },
  { name: "chunked answer of 1.0", answer: answer(CODED, "2\r\nok\r\n0\r\n\r\n", "HTTP/1.0 200 OK") },
  { name: "chunked answer with a length", answer: answer(`${CODED}Content-Length: 30\r\n`, "2\r\nok\r\n0\r\n\r\n") },
  { name: "chunked answer cut in a chunk", answer: answer(CODED, "5\r\nok"), finally: "end" },
  { name: "chunked answer cut after a chunk", answer: answer(CODED, "2\r\nok\r\n"), finally: "end" },
  { name: "chunked answer cut before the last empty line", answer: answer(CODED, "2\r\nok\r\n0\r\n"), finally: "end" },
  ...["0x2", "g", "+2", " 2", "2 ", "-2", "", "10000000000000002", "2\n"].map((size) => ({
    name: `chunked answer with size ${shown(size)}`,
    answer: answer(CODED, `${size}\r\nok\r\n0\r\n\r\n`),
  })),
  { name: "chunked answer, chunk ends with LF", answer: answer(CODED, "2\r\nok\n0\r\n\r\n") },
  { name: "chunked answer, size ends with LF", answer: answer(CODED, "2\nok\r\n0\r\n\r\n") },
  { name: "chunked answer, chunk too long", answer: answer(CODED, "2\r\nokay\r\n0\r\n\r\n") },
  ...["chunked, chunked", "gzip", "gzip, chunked", "chunked, gzip", "identity", "xchunked", "CHUNKED", ""].map(
    (coding) => ({
      name: `answer with Transfer-Encoding: ${shown(coding)}`,
      answer: answer(`Transfer-Encoding: ${coding}\r\n`, "2\r\nok\r\n0\r\n\r\n"),
      finally: "end" as const,
    }),
  ),
];

const BODILESS: ResponseCase[] = [
  { name: "HEAD answered with a length", request: HEAD, answer: answer(LENGTH_2) },
  { name: "HEAD answered with chunked", request: HEAD, answer: answer(CODED) },
  { name: "HEAD answered without length", request: HEAD, answer: answer("") },
  { name: "HEAD answered with a body", request: HEAD, answer: answer(LENGTH_2, "ok") },
  { name: "204", answer: answer("", "", "HTTP/1.1 204 No Content") },
  { name: "204 with Content-Length: 0", answer: answer("Content-Length: 0\r\n", "", "HTTP/1.1 204 No Content") },
  { name: "204 with a length and a body", answer: answer(LENGTH_2, "ok", "HTTP/1.1 204 No Content") },
  { name: "204 with chunked", answer: answer(CODED, "0\r\n\r\n", "HTTP/1.1 204 No Content") },
  { name: "205 with Content-Length: 0", answer: answer("Content-Length: 0\r\n", "", "HTTP/1.1 205 Reset Content") },
  { name: "304 with a length", answer: answer(LENGTH_2, "", "HTTP/1.1 304 Not Modified") },
  { name: "304 with a length and a body", answer: answer(LENGTH_2, "ok", "HTTP/1.1 304 Not Modified") },
  { name: "304 without length", answer: answer("ETag: x\r\n", "", "HTTP/1.1 304 Not Modified") },
];

const INTERIM: ResponseCase[] = [
  { name: "100, then 200", answer: answer("", "", "HTTP/1.1 100 Continue") + answer(LENGTH_2, "ok") },
  { name: "102, then 200", answer: answer("", "", "HTTP/1.1 102 Processing") + answer(LENGTH_2, "ok") },
  {
    name: "103 with Link, then 200",
    answer: answer("Link: </s.css>; rel=preload\r\n", "", "HTTP/1.1 103 Early Hints") + answer(LENGTH_2, "ok"),
  },
  {
    name: "103 twice, then 200",
    answer: answer("Link: <a>\r\n", "", "HTTP/1.1 103 Early Hints").repeat(2) + answer(LENGTH_2, "ok"),
  },
  { name: "199, then 200", answer: answer("", "", "HTTP/1.1 199 Odd") + answer(LENGTH_2, "ok") },
  {
    name: "100 with a length, then 200",
    answer: answer("Content-Length: 2\r\n", "", "HTTP/1.1 100 Continue") + answer(LENGTH_2, "ok"),
  },
  { name: "100 with chunked, then 200", answer: answer(CODED, "", "HTTP/1.1 100 Continue") + answer(LENGTH_2, "ok") },
  {
    name: "100, then 200, to a client of 1.0",
    request: "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
    answer: answer("", "", "HTTP/1.1 100 Continue") + answer(LENGTH_2, "ok"),
  },
  {
    name: "103, then 200, to a client of 1.0",
    request: "GET / HTTP/1.0\r\nHost: a\r\n\r\n",
    answer: answer("Link: <a>\r\n", "", "HTTP/1.1 103 Early Hints") + answer(LENGTH_2, "ok"),
  },
  {
    name: "100 from a server of 1.0, then 200",
    answer: answer("", "", "HTTP/1.0 100 Continue") + answer(LENGTH_2, "ok"),
  },
  {
    name: "101 nobody asked for",
    answer: answer("Connection: upgrade\r\nUpgrade: foo\r\n", "tunnel?", "HTTP/1.1 101 Switching Protocols"),
  },
  {
    name: "101 without Upgrade to an upgrade",
    request: get("Connection: upgrade\r\nUpgrade: foo\r\n"),
    answer: answer("", "tunnel?", "HTTP/1.1 101 Switching Protocols"),
  },
  {
    name: "101 to an upgrade",
    request: get("Connection: upgrade\r\nUpgrade: foo\r\n"),
    answer: answer("Connection: upgrade\r\nUpgrade: foo\r\n", "tunnel", "HTTP/1.1 101 Switching Protocols"),
  },
  {
    name: "101 to an upgrade of a 1.0 server",
    request: get("Connection: upgrade\r\nUpgrade: foo\r\n"),
    answer: answer("Connection: upgrade\r\nUpgrade: foo\r\n", "tunnel", "HTTP/1.0 101 Switching Protocols"),
  },
  {
    name: "101 with a wrong websocket key",
    request: get(
      "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
    ),
    answer: answer(
      "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: wrong\r\n",
      "tunnel",
      "HTTP/1.1 101 Switching Protocols",
    ),
  },
  {
    name: "101 with the right websocket key",
    request: get(
      "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
    ),
    answer: answer(
      "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n",
      "tunnel",
      "HTTP/1.1 101 Switching Protocols",
    ),
  },
  { name: "100 and nothing more, then end", answer: answer("", "", "HTTP/1.1 100 Continue"), finally: "end" },
  {
    name: "CONNECT answered with 200",
    request: "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    answer: answer("", "tunnel"),
  },
  {
    name: "CONNECT answered with 200 and a length",
    request: "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    answer: answer(LENGTH_2, "tunnel"),
  },
  {
    name: "CONNECT answered with 200 and chunked",
    request: "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    answer: answer(CODED, "tunnel"),
  },
  {
    name: "CONNECT answered with 407",
    request: "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    answer: answer(LENGTH_2, "no", "HTTP/1.1 407 No"),
  },
];

const NOTHING: ResponseCase[] = [
  { name: "the origin ends without an answer", answer: "", finally: "end" },
  { name: "the origin resets without an answer", answer: "", finally: "reset" },
  { name: "the origin ends in the status line", answer: "HTTP/1.1 20", finally: "end" },
  { name: "the origin ends in the headers", answer: "HTTP/1.1 200 OK\r\nContent-Le", finally: "end" },
  { name: "the origin resets in the headers", answer: "HTTP/1.1 200 OK\r\nContent-Le", finally: "reset" },
];

export const RESPONSE_CASES: readonly ResponseCase[] = [
  ...STATUS_LINES,
  ...HEADERS,
  ...LENGTHS,
  ...CHUNKED,
  ...BODILESS,
  ...INTERIM,
  ...NOTHING,
];

/** As HUGE_CHUNK_CASES of the requests. */
export const HUGE_CHUNK_RESPONSES: readonly ResponseCase[] = ["80000000", "100000002", "20000000000002"].map(
  (size) => ({
    name: `chunked answer with size ${size} and little data`,
    answer: answer(CODED, `${size}\r\nok\r\n0\r\n\r\n`),
  }),
);
