// Bodies on their way through, in both directions: 100 MB with a slow reader and flat memory, streams that are passed on piece by
// piece, Expect: 100-continue, interim answers, trailers, answers that come before the request's body has been sent.

import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import t from "tap";
import { BulkReader, Watch, writeBulk } from "./lab/bulk.ts";
import { basics, listen } from "./lab/config.ts";
import { header } from "./lab/http-message.ts";
import { startHttpOrigin } from "./lab/http-origin.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect, type RawSocket, startRawOrigin } from "./lab/raw-socket.ts";
import { sleep, until, within } from "./lab/time.ts";

t.setTimeout(240_000);

const LARGE_BYTES = 100 * 1024 * 1024;
const WARM_UP_BYTES = 20 * 1024 * 1024;
/** Far above what buffers cost, far below a body that is kept in memory. */
const FLAT_BYTES = 40 * 1024 * 1024;
const LARGE_LIMIT_MS = 90_000;

const raw = await startRawOrigin(t);
let digestReceived = "";
let bytesSent = 0;
const bulk = await startHttpOrigin(t, {
  handler: (message, response) => {
    if (message.method === "PUT") {
      const reader = new BulkReader(message, 8 * 1024 * 1024, 40);
      void reader.done.then(({ digest, bytes }) => {
        digestReceived = digest;
        response.end(`${bytes} ${digest}`);
      });
      return;
    }
    const framing = message.url!.slice(1);
    if (framing === "length") response.setHeader("Content-Length", LARGE_BYTES);
    if (framing === "close") response.removeHeader("Transfer-Encoding");
    bytesSent = 0;
    void writeBulk(response, LARGE_BYTES, (bytes) => {
      bytesSent = bytes;
    }).then((digest) => {
      digestReceived = digest;
      response.end();
    });
  },
});
const [rawPort, bulkPort] = await freePorts(2);
const program = await startProgram(t, {
  config:
    basics("nbthread 1") +
    listen("raw", rawPort, `http-reuse never\nserver s 127.0.0.1:${raw.port}`) +
    listen("bulk", bulkPort, `server s 127.0.0.1:${bulk.port}`),
});

function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  return within(
    "the answer's head",
    new Promise((resolve, reject) => request.on("response", resolve).on("error", reject)),
    LARGE_LIMIT_MS,
  );
}

/** A client and the server connection that its first request opened. */
async function pair(t: Parameters<typeof connect>[0], head: string): Promise<{ client: RawSocket; server: RawSocket }> {
  raw.connections.length = 0;
  const client = await connect(t, rawPort);
  client.send(head);
  await until("the server is asked", () => raw.connections.length > 0);
  return { client, server: raw.connections[0]! };
}

/** Sends a body of `bytes` bytes; its digest, and what the server says it got. */
async function upload(framing: "length" | "chunked", bytes: number): Promise<{ digest: string; answer: string }> {
  const request = httpRequest({ port: bulkPort, method: "PUT", agent: false });
  if (framing === "length") request.setHeader("Content-Length", bytes);
  else request.setHeader("Transfer-Encoding", "chunked");
  const answered = answerOf(request);
  const digest = await writeBulk(request, bytes);
  request.end();
  let answer = "";
  for await (const text of (await answered).setEncoding("latin1")) answer += text;
  return { digest, answer };
}

t.test("100 MB", async (t) => {
  for (const framing of ["length", "chunked"] as const) {
    await t.test(`from the client, ${framing}, to a slow server`, async (t) => {
      // What a first body of some size costs once (code being compiled, buffers touched for the first time) is not growth.
      await upload(framing, WARM_UP_BYTES);
      const memory = new Watch(() => program.residentBytes);
      const { digest, answer } = await upload(framing, LARGE_BYTES);
      t.equal(answer, `${LARGE_BYTES} ${digest}`, "every byte arrived, in order");
      const rise = memory.stop();
      t.ok(rise < FLAT_BYTES, `memory is flat (+${Math.round(rise / 1024)} KiB)`);
    });
  }
  for (const framing of ["length", "chunked"] as const) {
    await t.test(`from the server, ${framing}, to a slow client`, async (t) => {
      const memory = new Watch(() => program.residentBytes);
      const download = httpRequest({ port: bulkPort, path: `/${framing}`, agent: false });
      download.end();
      const answer = await answerOf(download);
      t.equal(answer.headers["transfer-encoding"], framing === "chunked" ? "chunked" : undefined);

      // Nothing is read for a while: the server must come to a stand long before it has sent everything.
      await until("the server has begun", () => bytesSent > 0);
      let last = -1;
      await until("the server stands still", async () => {
        if (bytesSent === last) return true;
        last = bytesSent;
        await sleep(300);
        return false;
      });
      t.ok(bytesSent < LARGE_BYTES / 2, `back-pressure holds the server (${Math.round(bytesSent / 1024)} KiB sent)`);

      const got = await within("the whole body", new BulkReader(answer, 8 * 1024 * 1024, 40).done, LARGE_LIMIT_MS);
      t.same(got, { bytes: LARGE_BYTES, digest: digestReceived }, "every byte arrived, in order");
      const rise = memory.stop();
      t.ok(rise < FLAT_BYTES, `memory is flat (+${Math.round(rise / 1024)} KiB)`);
    });
  }
});

t.test("a body without length ends with its connection", async (t) => {
  const { client, server } = await pair(t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await server.request();
  server.send("HTTP/1.1 200 OK\r\n\r\nfirst ");
  await client.expect("first ");
  server.send("second");
  server.end();
  const bytes = await client.closed();
  t.match(bytes, /^HTTP\/1\.1 200 OK\r\n[\s\S]*first second/);
});

t.test("pieces are passed on as they come", async (t) => {
  const { client, server } = await pair(t, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  await server.expect("\r\n\r\n");
  for (const piece of ["one", "second"]) {
    client.send(`${piece.length.toString(16)}\r\n${piece}\r\n`);
    await server.expect(piece);
  }
  client.send("0\r\nX-Trailer: last\r\n\r\n");
  const got = await server.request();
  t.equal(got.body, "onesecond");
  t.same(got.trailers, [["x-trailer", "last"]]);

  server.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const piece of ["alpha", "beta"]) {
    server.send(`${piece.length.toString(16)}\r\n${piece}\r\n`);
    await client.expect(piece);
  }
  server.send("0\r\nX-Sum: 1\r\n\r\n");
  const answer = await client.response();
  t.equal(answer.body, "alphabeta");
  t.same(answer.trailers, [["x-sum", "1"]]);
  t.ok(client.isOpen && server.isOpen, "both connections are kept");
});

t.test("chunks cut at every place", async (t) => {
  const body = "3;ext=1\r\nabc\r\n00a\r\n0123456789\r\n0\r\nX-T: v\r\n\r\n";
  const { client, server } = await pair(
    t,
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body[0]}`,
  );
  await client.sendSlowly([...body.slice(1)], 2);
  const got = await server.request();
  t.equal(got.body, "abc0123456789");
  server.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  await server.sendSlowly([...body], 2);
  const answer = await client.response();
  t.equal(answer.body, "abc0123456789");
  t.same(answer.trailers, [["x-t", "v"]]);
});

t.test("Expect: 100-continue", async (t) => {
  const head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
  await t.test("the server's 100 lets the client send", async (t) => {
    const { client, server } = await pair(t, head);
    await server.expect("expect: 100-continue");
    t.equal(client.received, "", "the proxy does not answer in the server's place");
    server.send("HTTP/1.1 100 Continue\r\n\r\n");
    t.equal((await client.response()).status, 100);
    client.send("hello");
    t.equal((await server.request()).body, "hello");
    server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    t.equal((await client.response()).body, "ok");
    t.ok(client.isOpen);
  });
  await t.test("a final answer instead, the body never sent", async (t) => {
    const { client, server } = await pair(t, head);
    await server.expect("\r\n\r\n");
    server.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
    t.equal((await client.response()).status, 417);
  });
});

t.test("103 Early Hints arrive before the answer", async (t) => {
  const { client, server } = await pair(t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await server.request();
  server.send("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n");
  const hints = await client.response();
  t.equal(hints.status, 103);
  t.equal(header(hints, "link"), "</style.css>; rel=preload");
  server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  t.equal((await client.response()).body, "ok");
});

t.test("an answer before the body is complete", async (t) => {
  await t.test("reaches the client, which may go on sending", async (t) => {
    const { client, server } = await pair(t, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
    await server.expect("hello");
    server.send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    t.equal((await client.response()).status, 413);
    client.send("world");
    await sleep(50);
    t.equal(client.received, "", "and gets no second answer");
  });
  await t.test("and the server then closes", async (t) => {
    const { client, server } = await pair(t, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nhello");
    await server.expect("hello");
    server.send("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
    server.end();
    const answer = await client.response();
    t.equal(answer.status, 413);
    t.equal(answer.body, "no");
  });
});

t.test("HEAD keeps the connection and takes no body", async (t) => {
  const { client, server } = await pair(t, "HEAD /1 HTTP/1.1\r\nHost: a\r\n\r\n");
  await server.request();
  server.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
  const answer = await client.response({ method: "HEAD" });
  t.equal(header(answer, "content-length"), "1000000");
  client.send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  t.equal((await server.request()).startLine, "GET /2 HTTP/1.1");
  server.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  t.equal((await client.response()).body, "ok");
});

t.test("nothing of this disturbed the program", async (t) => {
  t.equal(program.exit, null);
});
