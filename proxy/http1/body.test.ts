// Bodies of HTTP/1: where they end, and what of chunked framing leaves, whatever the pieces are that it comes in.

import t from "tap";
import { BODY, Body } from "./body.ts";

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

/** Feeds `text` in pieces of `size` bytes; what was forwarded, and how it ended. */
function chunked(
  text: string,
  size: number,
): { forwarded: string; done: boolean; failed: boolean; rest: number; received: number } {
  const body = new Body();
  body.begin(BODY.chunked, 0);
  let forwarded = "";
  let at = 0;
  while (at < text.length && !body.done && !body.failed) {
    const piece = latin1(text.slice(at, at + size));
    body.pass(piece, 0, piece.length);
    forwarded += piece.toString("latin1", 0, body.forwardTo);
    at += body.consumedTo;
    if (body.consumedTo < piece.length) break;
  }
  return { forwarded, done: body.done, failed: body.failed, rest: text.length - at, received: body.received };
}

t.test("chunked bodies, at every split", (t) => {
  const good: readonly (readonly [string, string])[] = [
    ["0\r\n\r\n", "0\r\n\r\n"],
    ["3\r\nabc\r\n0\r\n\r\n", "3\r\nabc\r\n0\r\n\r\n"],
    ["3;a=b\r\nabc\r\n1 ; x\r\nd\r\n0;q\r\n\r\n", "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"],
    ["003\r\nabc\r\n0\r\nTrailer-X: y\r\nB:\r\n\r\n", "003\r\nabc\r\n0\r\ntrailer-x: y\r\nb:\r\n\r\n"],
  ];
  for (const [text, expected] of good) {
    for (let size = 1; size <= text.length + 4; size++) {
      const result = chunked(`${text}NEXT`, size);
      t.match(
        result,
        { forwarded: expected, done: true, failed: false, rest: 4 },
        `${JSON.stringify(text)} by ${size}`,
      );
    }
  }
  const bad = [
    "g\r\n",
    "-1\r\n",
    "0x3\r\nabc\r\n",
    "_3\r\n",
    " 3\r\n",
    "3\nabc\r\n",
    "3 junk\r\nabc\r\n",
    "10000000000000\r\n",
    "3\r\nabcd\r\n",
    "3\r\nabc\n0\r\n\r\n",
    "3;\x01\r\n",
    "3\r\rabc",
    "\r\n",
    "0\r\nA b\r\n\r\n",
    "0\r\n: x\r\n\r\n",
    "0\r\nA: b\n\r\n",
    "0\r\nA: \0\r\n\r\n",
    "FFFFFFFFFFFFFFFF\r\n",
    "0\r\n\rX",
  ];
  for (const text of bad)
    for (let size = 1; size <= text.length; size++)
      t.ok(chunked(text, size).failed, `${JSON.stringify(text)} by ${size}`);
  t.ok(chunked(`3;${"x".repeat(2000)}\r\nabc\r\n`, 100).failed, "endless extensions");
  t.ok(chunked(`0\r\nA: ${"b".repeat(9000)}\r\n\r\n`, 1000).failed, "endless trailers");
  t.ok(chunked(`0\r\n${"A: b\r\n".repeat(101)}\r\n`, 1000).failed, "more trailers than headers are allowed");
  t.notOk(chunked("fffffffffffff\r\n", 20).failed, "a chunk just below 2^52");
  t.end();
});

t.test("length, none and close", (t) => {
  const body = new Body();
  const bytes = latin1("0123456789");
  body.begin(BODY.length, 4);
  body.pass(bytes, 0, 3);
  t.match(body, { done: false, consumedTo: 3, received: 3 });
  body.pass(bytes, 3, 10);
  t.match(body, { done: true, consumedTo: 4, received: 4 });
  body.begin(BODY.close, 0);
  body.pass(bytes, 0, 10);
  t.notOk(body.done);
  t.ok(body.peerClosed());
  body.begin(BODY.length, 20);
  body.pass(bytes, 0, 10);
  t.notOk(body.peerClosed(), "cut short");
  body.begin(BODY.none, 0);
  body.pass(bytes, 0, 10);
  t.match(body, { done: true, consumedTo: 0 });
  t.end();
});
