// Where ringway's verdict is another than HAProxy 3.2's, and why that is right: it refuses what may be read in two ways, or tells
// the client what HAProxy keeps to itself. Everything else in the tables has to be as observed.

import type { Verdict } from "./exchange.ts";

export interface Difference {
  readonly reason: string;
  readonly cases: readonly string[];
  /** The verdict instead of HAProxy's, or made from HAProxy's. */
  readonly verdict: Verdict | ((observed: Verdict) => Verdict);
}

const REFUSED: Verdict = ["400, closed"];
const BAD_GATEWAY: Verdict = [
  "HTTP/1.1 502 Bad Gateway | cache-control: no-cache | content-length: 107 | content-type: text/html | page of 502, " +
    "kept, server's connection closed",
  "asked",
];

export const DIFFERENCES: readonly Difference[] = [
  {
    reason:
      "RFC 9112 §2.2 lets a recipient accept a bare LF as a line end; who does not, cannot be played off against one who does",
    cases: [
      "bare LF everywhere",
      "bare LF after the request line",
      "bare LF after a header",
      "bare LF as the last line",
      "LF LF at the end of the last header",
      "a bare LF before the request",
      "last chunk ends with CRLF LF",
      "trailer ended by LF",
    ],
    verdict: REFUSED,
  },
  {
    reason:
      "RFC 9112 §5.2: a folded line may be refused; unfolding it makes one value of what the next reader may see as two lines",
    cases: [
      "blank before a later header",
      "tab before a later header",
      "a line of one blank",
      "folded value",
      "folded value with tab",
      "folded Content-Length",
      "folded Transfer-Encoding",
      "trailer folded",
    ],
    verdict: REFUSED,
  },
  {
    reason: "RFC 9110 §5.5: control characters in values are invalid",
    cases: [
      "header value with byte \\x01",
      "header value with byte \\x08",
      "header value with byte \\x0b",
      "header value with byte \\x0c",
      "header value with byte \\x1f",
      "header value with byte \\x7f",
      "chunk size 5;\\x00",
      "chunk size 5;\\x7f",
    ],
    verdict: REFUSED,
  },
  {
    reason: "RFC 9110 §8.6: a repeated Content-Length may be refused, equal or not",
    cases: ["two equal lengths", "lengths 5 and 05", "list of equal lengths", "list of equal lengths without blank"],
    verdict: REFUSED,
  },
  {
    reason: "lengths from 2^53 on cannot be counted exactly here",
    cases: [
      "Content-Length: 9007199254740993",
      "Content-Length: 9223372036854775807",
      "Content-Length: 9223372036854775808",
      "Content-Length: 18446744073709551615",
    ],
    verdict: REFUSED,
  },
  {
    reason: "a comma makes two hosts of one for whoever folds lists; HAProxy refuses it since 3.3",
    cases: ["absolute form, comma in host", "Host with comma"],
    verdict: REFUSED,
  },
  {
    reason: "an HTTP/0.9 with headers is nobody's protocol",
    cases: ["version HTTP/0.9"],
    verdict: REFUSED,
  },
  {
    reason: "RFC 9110 §9.3.6: a CONNECT has no body; HAProxy answers 502 and spins over it",
    cases: ["CONNECT with Content-Length"],
    verdict: REFUSED,
  },
  {
    reason: "extensions that nobody needs are bounded at 1 KB, trailers at 8 KB: they cost work and bring nothing",
    cases: ["chunk extension of 5000 bytes", "chunk extension of 20000 bytes", "trailer of 16000 bytes"],
    verdict: REFUSED,
  },
  {
    reason: "RFC 9110 §7.8: an Upgrade that Connection does not name is not forwarded",
    cases: ["Upgrade without Connection"],
    verdict: ["200, kept", "request: GET / HTTP/1.1 | host: a"],
  },
  {
    reason:
      "a client that ends in the middle of its body is told so; HAProxy writes the 400 into its log but not to the client",
    cases: [
      "Content-Length too long for what comes",
      "Content-Length: 2147483648",
      "Content-Length: 4294967295",
      "Content-Length: 4294967296",
      "Content-Length: 4294967301",
      "Content-Length: 9007199254740991",
      "no data after the chunk",
      "last chunk, then no empty line",
      "chunk size 80000000 with little data",
      "chunk size ffffffff with little data",
      "chunk size 100000000 with little data",
      "chunk size 100000005 with little data",
      "chunk size fffffffff with little data",
      "chunk size fffffffffffff with little data",
    ],
    verdict: (observed) => ["nothing, kept, at our end: 400", ...observed.slice(1)],
  },
  {
    reason:
      "RFC 9112 §4: a status has three digits from 100 on, single blanks around it, no control characters behind it, and HTTP/ before it",
    cases: [
      "status line HTTP/1.1␠099␠Before",
      "status line HTTP/1.1␠000␠Zero",
      "status line HTTP/1.1␠20␠Short",
      "status line HTTP/1.1␠2000␠Long",
      "status line HTTP/1.1␠␠200␠OK",
      "status line HTTP/1.1␠200\\x09OK",
      "status line HTTP/1.1\\x09200␠OK",
      "status line HTTP/0.9␠200␠OK",
      "status line RTSP/1.0␠200␠OK",
      "status line HTTP/1.1␠200␠a\\x00b",
      "status line HTTP/1.1␠200␠a\\x01b",
    ],
    verdict: BAD_GATEWAY,
  },
  {
    reason: "the same line ends, folds, values and lengths as in requests are refused from servers",
    cases: [
      "status line ended by LF",
      "headers ended by LF",
      "empty line before the status line",
      "answer header X:␠a\\x0d\\x0a␠b",
      "answer header X:␠a\\x01b",
      "answer header X:␠a\\x7fb",
      "answer with Content-Length: 2,2",
      "answer with Content-Length: 2,␠2",
    ],
    verdict: BAD_GATEWAY,
  },
  {
    reason: "RFC 9112 §6.1: HTTP/1.0 knows no chunks, so the connection ends with them whatever the client asked for",
    cases: ["chunked answer to 1.0 keep-alive"],
    verdict: (observed) => [
      observed[0]!.replace("connection: keep-alive", "connection: close").replace(/kept/g, "closed"),
      ...observed.slice(1),
    ],
  },
  {
    reason: "RFC 9110 §15.2: interim answers are not for clients of HTTP/1.0",
    cases: ["100, then 200, to a client of 1.0", "103, then 200, to a client of 1.0"],
    verdict: (observed) => [observed[0]!.replace(/^.* \+ /, ""), ...observed.slice(1)],
  },
  {
    reason: "the final answer is of 1.1 and says nothing of closing, so the server's connection may be kept",
    cases: ["100 from a server of 1.0, then 200"],
    verdict: (observed) => [observed[0]!.replace("connection closed", "connection kept"), ...observed.slice(1)],
  },
  {
    reason: "RFC 3986 §3.2: a query ends the authority, too; HAProxy after 3.2 takes it",
    cases: ["absolute form with query and no path"],
    verdict: ["200, kept", "request: GET http://a?q=1 HTTP/1.1 | host: a"],
  },
];
