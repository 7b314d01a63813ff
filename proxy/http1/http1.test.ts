// Heads of HTTP/1: what is accepted, where it ends, what leaves (bodies: body.test.ts). llhttp (strict) is the second opinion: on thousands of
// mutated heads, whatever we accept it must accept too, with the same method, target and headers, but for the differences named here.

import { createRequire } from "node:module";
import t from "tap";
import { HeadWriter, isCanonical } from "./edit.ts";
import { frameRequest, frameResponse } from "./framing.ts";
import { HEADER_INTS, MESSAGE, METHOD, Message } from "./message.ts";
import { PARSE, parseRequest, parseResponse } from "./parser.ts";

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
const message = new Message(101);

/** Status that the head is answered with: 0 accepted, -1 incomplete. */
function verdict(text: string): number {
  const bytes = latin1(text);
  let result = parseRequest(bytes, 0, bytes.length, message);
  if (result === PARSE.done) result = frameRequest(bytes, message);
  return result === PARSE.done ? 0 : result === PARSE.incomplete ? -1 : -result;
}

function headersOf(bytes: Buffer): string[] {
  const lines: string[] = [];
  for (let i = 0; i < message.headerCount; i++) {
    const [name, nameEnd, value, valueEnd] = message.headers.subarray(i * HEADER_INTS, i * HEADER_INTS + 4);
    lines.push(`${bytes.toString("latin1", name, nameEnd)}=${bytes.toString("latin1", value, valueEnd)}`);
  }
  return lines;
}

const head = (...lines: string[]): string => `${["GET / HTTP/1.1", "Host: x", ...lines].join("\r\n")}\r\n\r\n`;

t.test("verdicts on request heads", (t) => {
  const table: readonly (readonly [string, number])[] = [
    [head(), 0],
    ["\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 0],
    ["GET / HTTP/1.0\r\n\r\n", 0],
    ["FOO-BAR /x HTTP/1.1\r\n\r\n", 0],
    ["GET http://x/y?z HTTP/1.1\r\nHost: x:80\r\n\r\n", 0],
    ["GET http://x/y HTTP/1.1\r\nHost: y\r\n\r\n", 400],
    ["OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 0],
    ["GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400],
    ["CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", 0],
    ["CONNECT h HTTP/1.1\r\n\r\n", 400],
    ["CONNECT h:443/x HTTP/1.1\r\n\r\n", 400],
    ["GET foo HTTP/1.1\r\n\r\n", 400],
    ["GET /a#b HTTP/1.1\r\n\r\n", 400],
    ["GET /\x80 HTTP/1.1\r\n\r\n", 400],
    ["GET /\0 HTTP/1.1\r\n\r\n", 400],
    ["GET / HTTP/0.9\r\n\r\n", 400],
    ["GET / HTTP/1.32\r\n\r\n", 400],
    ["GET / HTTPS/1.1\r\n\r\n", 400],
    ["GET /\r\n\r\n", 400],
    ["GE(T / HTTP/1.1\r\n\r\n", 400],
    [" GET / HTTP/1.1\r\n\r\n", 400],
    // Stricter than HAProxy on purpose: bare LF, folding, repeated Content-Length.
    ["GET / HTTP/1.1\nHost: x\n\n", 400],
    [head("A: b", "  folded"), 400],
    [head("Content-Length: 3", "Content-Length: 3"), 400],
    [head("Content-Length: 3", "Content-Length: 4"), 400],
    [head("Content-Length: 3, 3"), 400],
    [head("Content-Length:"), 400],
    [head("Content-Length: +3"), 400],
    [head("Content-Length: 0x3"), 400],
    [head("Content-Length: -1"), 400],
    [head("Content-Length: 99999999999999999999"), 400],
    [head("Content-Length: 9007199254740991"), 0],
    [head("Content-Length: 010"), 0],
    [head("Transfer-Encoding: chunked"), 0],
    [head("Transfer-Encoding: CHUNKED"), 0],
    [head("Transfer-Encoding: chunked", "Content-Length: 5"), 0],
    [head("Transfer-Encoding: chunked, chunked"), 400],
    [head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400],
    [head("Transfer-Encoding: chunked, gzip"), 400],
    [head("Transfer-Encoding: gzip, chunked"), 422],
    [head("Transfer-Encoding: gzip"), 400],
    [head("Transfer-Encoding: xchunked"), 400],
    [head("Transfer-Encoding: \x0bchunked"), 400],
    [head("Transfer-Encoding:"), 400],
    [head("Bad Name: x"), 400],
    [head("Name : x"), 400],
    [head(": x"), 400],
    [head("NoColon"), 400],
    [head("A: b\0c"), 400],
    [head("A: b\rc"), 400],
    [head("A: b\x7f"), 400],
    [head("A: \xff"), 0],
    [head("Host: y"), 400],
    [head("Host: x"), 0],
    ["GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400],
    [head("Upgrade: websocket", "Connection: Upgrade"), 400],
    [head("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: k"), 0],
    // tune.http.maxhdr is 101 and counts the request line.
    [head(...Array.from({ length: 99 }, (_, i) => `h${i}: v`)), 0],
    [head(...Array.from({ length: 100 }, (_, i) => `h${i}: v`)), 400],
    [head(`${"n".repeat(255)}: v`), 0],
    [head(`${"n".repeat(256)}: v`), 400],
    [head("Transfer-Encoding: ,chunked"), 400],
    [head("Transfer-Encoding: chunked,"), 400],
    [head("Transfer-Encoding: chunked, ,"), 400],
    ["GET http://x?q HTTP/1.1\r\nHost: x\r\n\r\n", 0],
    ["GET https://x:443/ HTTP/1.1\r\nHost: x\r\n\r\n", 0],
    ["GET http://x:443/ HTTP/1.1\r\nHost: x\r\n\r\n", 400],
    ["GET http://x:/ HTTP/1.1\r\nHost: x\r\n\r\n", 0],
    ["GET http://[::1]/ HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0],
    ["CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 0],
    ["CONNECT h:443 HTTP/1.1\r\nHost: h:80\r\n\r\n", 400],
    ["CONNECT h:443 HTTP/1.1\r\nHost: i:443\r\n\r\n", 400],
    ["CONNECT h:8080 HTTP/1.1\r\nHost: h\r\n\r\n", 400],
    ["CONNECT H:8080 HTTP/1.1\r\nHost: h:8080\r\n\r\n", 0],
  ];
  for (const [text, expected] of table) t.equal(verdict(text), expected, JSON.stringify(text.slice(0, 90)));
  t.end();
});

t.test("every prefix of a good head is incomplete, and the whole is parsed the same from anywhere", (t) => {
  const text = "\r\nPOST /a/b?c=d HTTP/1.1\r\nHOST:  www.x.org \r\nContent-Length: 12\r\nX: \r\n\r\n";
  for (let cut = 0; cut < text.length; cut++) t.equal(verdict(text.slice(0, cut)), -1, `cut at ${cut}`);
  const bytes = latin1(`#####${text}body`);
  t.equal(parseRequest(bytes, 5, bytes.length, message), PARSE.done);
  t.equal(message.end, bytes.length - 4);
  t.equal(message.method, METHOD.post);
  t.equal(bytes.toString("latin1", message.pathStart, message.pathEnd), "/a/b?c=d");
  t.equal(bytes.toString("latin1", message.queryStart, message.pathEnd), "c=d");
  t.same(headersOf(bytes), ["host=www.x.org", "content-length=12", "x="]);
  t.equal(frameRequest(bytes, message), PARSE.done);
  t.equal(message.contentLength, 12);
  t.end();
});

/** The lines of a head as it leaves. */
function forwarded(text: string): string[] {
  const bytes = latin1(text);
  parseRequest(bytes, 0, bytes.length, message);
  frameRequest(bytes, message);
  const out = Buffer.alloc(1024);
  bytes.copy(out);
  const writer = new HeadWriter(out);
  writer.begin(512, 1024);
  writer.requestLine(message);
  writer.headers(message);
  writer.endOfHead();
  return out.toString("latin1", 512, writer.at).split("\r\n").slice(0, -2);
}

t.test("what has one meaning is forwarded in one form", (t) => {
  const rewritten = (line: string): string => forwarded(head(line)).slice(2).join("|");
  t.equal(rewritten("Content-Length: 0005"), "content-length: 5");
  t.equal(rewritten("Content-Length: 00"), "content-length: 0");
  t.equal(rewritten("Transfer-Encoding: \t ChUnKeD "), "transfer-encoding: chunked");
  t.equal(
    rewritten("Upgrade: h2c\r\nConnection: upgrade"),
    "connection: upgrade",
    "HTTP/2 is not offered to the server",
  );
  const lines = (first: string, host: string): string => forwarded(`${first}\r\nHost: ${host}\r\n\r\n`).join("|");
  t.equal(lines("GET http://x:80/p HTTP/1.1", "x"), "GET http://x/p HTTP/1.1|host: x");
  t.equal(lines("GET http://x HTTP/1.1", "x:80"), "GET http://x/ HTTP/1.1|host: x:80");
  t.equal(lines("GET http://u@x:80 HTTP/1.1", "x"), "GET http://u@x/ HTTP/1.1|host: x");
  t.equal(lines("GET https://x:443/p HTTP/1.1", "x"), "GET https://x/p HTTP/1.1|host: x");
  t.equal(lines("CONNECT h:443 HTTP/1.1", "h:443"), "CONNECT h:443 HTTP/1.1|host: h");
  t.equal(lines("CONNECT [::1]:8080 HTTP/1.1", "[::1]:8080"), "CONNECT [::1]:8080 HTTP/1.1|host: [::1]:8080");
  t.end();
});

t.test("hop-by-hop headers are read and taken out", (t) => {
  const rewritten = (line: string): string => forwarded(head(line)).slice(2).join("|");
  t.equal(rewritten("Connection: close"), "");
  t.equal(rewritten("Connection: Keep-Alive, foo,close , bar"), "connection: foo, bar");
  t.ok(message.flags & MESSAGE.connectionClose);
  t.equal(rewritten("Connection: foo"), "connection: foo");
  t.equal(rewritten("TE: gzip, trailers;q=1, trailers"), "te: trailers");
  t.equal(rewritten("TE: gzip"), "");
  t.equal(rewritten("Upgrade: h2c"), "", "Upgrade that Connection does not name");
  t.equal(rewritten("Name:value"), "name: value");
  t.equal(rewritten("Name: \t value \t"), "name: value");
  t.end();
});

t.test("response heads", (t) => {
  const response = (text: string): number => {
    const bytes = latin1(text);
    const result = parseResponse(bytes, 0, bytes.length, message);
    return result === PARSE.done ? frameResponse(bytes, message) : result;
  };
  t.equal(response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n"), PARSE.done);
  t.equal(response("HTTP/1.1 200\r\n\r\n"), PARSE.done);
  t.equal(message.reasonStart, message.reasonEnd);
  for (const bad of [
    "garbage\r\n\r\n",
    "HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    "HTTP/1.1 099 OK\r\n\r\n",
    "HTTP/1.1 200 OK\nA: b\n\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
    "HTTP/1.1 200 O\0K\r\n\r\n",
  ])
    t.equal(response(bad), PARSE.badResponse, JSON.stringify(bad));
  for (const part of ["", "H", "HTTP/1.", "HTTP/1.1 200 OK\r\nA: b\r\n"])
    t.equal(response(part), PARSE.incomplete, JSON.stringify(part));
  t.equal(response("SSH-"), PARSE.badResponse, "what cannot become a status line is refused at once");
  const bytes = latin1("HTTP/1.1 200 OK\r\nA: b\r\nC: d\r\n\r\n");
  parseResponse(bytes, 0, bytes.length, message);
  t.ok(isCanonical(bytes, message));
  t.end();
});

// ---- llhttp as second opinion -------------------------------------------------------------------------------------

/** The part of WebAssembly that is used; Node's types leave it to the DOM's. */
interface WebAssemblyApi {
  readonly Module: new (image: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

interface Llhttp {
  memory: { readonly buffer: ArrayBuffer };
  llhttp_alloc(type: number): number;
  malloc(bytes: number): number;
  llhttp_execute(parser: number, at: number, bytes: number): number;
  llhttp_reset(parser: number): void;
}

/** Runs one request through llhttp; null: refused or incomplete, else method, target and headers as it saw them. */
function llhttp(): (text: Buffer) => string[] | null {
  const image: Buffer | string = createRequire(import.meta.url)("undici/lib/llhttp/llhttp-wasm.js");
  let spans: string[] = [];
  let complete = false;
  let kind = "";
  const view = (at: number, length: number): string =>
    Buffer.from(exports.memory.buffer, at, length).toString("latin1");
  const span = (name: string) => (_: number, at: number, length: number) => {
    if (kind === name) spans[spans.length - 1] += view(at, length);
    else spans.push(view(at, length));
    kind = name;
    return 0;
  };
  const nothing = () => 0;
  const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyApi };
  const module = new WebAssembly.Module(typeof image === "string" ? Buffer.from(image, "base64") : image);
  const instance = new WebAssembly.Instance(module, {
    env: {
      ...{
        wasm_on_message_begin: nothing,
        wasm_on_status: nothing,
        wasm_on_body: nothing,
        wasm_on_message_complete: nothing,
      },
      ...{ wasm_on_url: span("url"), wasm_on_header_field: span("field"), wasm_on_header_value: span("value") },
      wasm_on_headers_complete: () => {
        complete = true;
        return 2; // no body: the head is all we ask about
      },
    },
  });
  const exports = instance.exports as Llhttp;
  const parser = exports.llhttp_alloc(1);
  const at = exports.malloc(65536);
  return (text) => {
    spans = [];
    complete = false;
    kind = "";
    exports.llhttp_reset(parser);
    new Uint8Array(exports.memory.buffer).set(text, at);
    const code = exports.llhttp_execute(parser, at, text.length);
    return complete && (code === 0 || code === 22 || code === 21) ? spans : null;
  };
}

t.test("whatever we accept, llhttp in strict mode accepts and reads alike", (t) => {
  const oracle = llhttp();
  const seeds = [
    head(),
    head("Content-Length: 5"),
    head("Transfer-Encoding: chunked"),
    head("A: b", "Cookie: c=d; e=f", "Accept: */*"),
    "POST /a?b=c HTTP/1.0\r\nHost: h\r\nX-Y: z\r\n\r\n",
    head("Connection: keep-alive, Upgrade", "Upgrade: foo"),
  ];
  const alphabet = [...latin1('\r\n\t \0\x7f\xff:,;/?#aZ09-_"=()+*')];
  let state = 12345;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  let accepted = 0;
  for (let round = 0; round < 60000; round++) {
    const bytes = [...latin1(seeds[random(seeds.length)]!)];
    for (let edits = random(3); edits >= 0; edits--) {
      const at = random(bytes.length);
      const byte = alphabet[random(alphabet.length)]!;
      if (random(3) === 0) bytes.splice(at, 1);
      else if (random(2) === 0) bytes.splice(at, 0, byte);
      else bytes[at] = byte;
    }
    const ours = Buffer.from(bytes);
    const theirs = Buffer.from(bytes);
    if (verdict(ours.toString("latin1")) !== 0) continue;
    parseRequest(ours, 0, ours.length, message);
    // Differences that HAProxy shares with us: any token is a method, blanks in the request line, versions above 1.1, absolute forms.
    if (
      message.method === METHOD.other ||
      !/^[A-Z]+ [!-~]+ HTTP\/1\.[01]\r\n/.test(theirs.toString("latin1").replace(/^(\r\n)+/, ""))
    )
      continue;
    // llhttp refuses Content-Length beside Transfer-Encoding, and a chunked HTTP/1.0; HAProxy drops the length and closes.
    if ((message.flags & MESSAGE.transferEncoding) !== 0) continue;
    accepted++;
    const spans = oracle(theirs);
    if (spans === null) {
      t.fail(`llhttp refuses ${JSON.stringify(theirs.toString("latin1"))}`);
      continue;
    }
    const fields: string[] = [];
    for (let i = 1; i < spans.length; i += 2) fields.push(`${spans[i]!.toLowerCase()}=${(spans[i + 1] ?? "").trim()}`);
    if (fields.join("\n") !== headersOf(ours).join("\n"))
      t.fail(`read differently: ${JSON.stringify(theirs.toString("latin1"))}\n${fields}\n${headersOf(ours)}`);
  }
  t.ok(accepted > 5000, `${accepted} mutated heads were accepted by both`);
  t.end();
});
