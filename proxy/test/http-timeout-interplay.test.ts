// Which side's time-out counts when: `timeout client` only while the client is expected to send or to take something, `timeout
// server` only while the server is. Every exchange here lasts longer than the short time-out of the side that is not to blame.

import t from "tap";
import { basics } from "./lab/config.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect, startRawOrigin } from "./lab/raw-socket.ts";
import { sleep, until } from "./lab/time.ts";

t.setTimeout(120_000);

const SHORT_MS = 400;
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const BULK_BYTES = 24_000_000;

const origin = await startRawOrigin(t);
const [shortClient, shortServer] = await freePorts(2);
await startProgram(t, {
  config: `${basics("nbthread 1", "http-reuse never")}
listen short-client
  bind 127.0.0.1:${shortClient}
  timeout client ${SHORT_MS}ms
  server s 127.0.0.1:${origin.port}
listen short-server
  bind 127.0.0.1:${shortServer}
  timeout server ${SHORT_MS}ms
  server s 127.0.0.1:${origin.port}
`,
});

t.beforeEach(() => {
  origin.onConnection = null;
  origin.connections.length = 0;
});

t.test("client: a server that pauses within its answer", async (t) => {
  origin.onConnection = (connection) =>
    connection.socket.once("data", () =>
      connection.sendSlowly(["HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc", "def"], SHORT_MS * 2),
    );
  const client = await connect(t, shortClient);
  client.send(GET);
  t.equal((await client.response()).body, "abcdef");
});

t.test("client: an answer that flows without a pause for longer", async (t) => {
  const pieces = Array.from({ length: 20 }, (_, i) => `${i}`.padStart(4, "0"));
  origin.onConnection = (connection) =>
    connection.socket.once("data", () =>
      connection.sendSlowly(["HTTP/1.1 200 OK\r\nContent-Length: 80\r\n\r\n", ...pieces], SHORT_MS / 5),
    );
  const client = await connect(t, shortClient);
  client.send(GET);
  t.equal((await client.response()).body, pieces.join(""));
});

t.test("client: a body that came late but whole, and a server that thinks about it", async (t) => {
  origin.onConnection = (connection) =>
    void connection.expect("world").then(() => setTimeout(() => connection.send(OK), SHORT_MS * 2));
  const client = await connect(t, shortClient);
  await client.sendSlowly(["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello", "world"], SHORT_MS / 4);
  t.equal((await client.response()).status, 200);
});

t.test("client: an upload that the server does not take", async (t) => {
  origin.onConnection = (connection) => connection.pause();
  const client = await connect(t, shortClient);
  client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${BULK_BYTES}\r\n\r\n`);
  client.send(Buffer.alloc(BULK_BYTES, "x"));
  await sleep(SHORT_MS * 2.5);
  t.ok(client.isOpen, "the client is not to blame");
  const connection = origin.connections[0]!;
  connection.resume();
  await until("the whole body", () => connection.receivedBytes >= BULK_BYTES);
  connection.send(OK);
  t.equal((await client.response()).status, 200);
});

t.test("client: it does not take its answer", async (t) => {
  origin.onConnection = (connection) =>
    connection.socket.once("data", () => {
      connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${BULK_BYTES}\r\n\r\n`);
      connection.send(Buffer.alloc(BULK_BYTES, "x"));
    });
  const client = await connect(t, shortClient);
  client.pause();
  client.send(GET);
  const connection = await origin.accept();
  await connection.closed();
  t.pass("it is to blame, and the server's connection is closed");
});

t.test("client: pipelined behind an error", async (t) => {
  let count = 0;
  origin.onConnection = (connection) =>
    connection.socket.once("data", () =>
      count++ === 0 ? connection.end() : setTimeout(() => connection.send(OK), SHORT_MS * 2),
    );
  const client = await connect(t, shortClient);
  client.send(GET + GET);
  t.equal((await client.response()).status, 502);
  t.equal((await client.response()).status, 200);
});

t.test("server: a client that does not take its answer for a while", async (t) => {
  origin.onConnection = (connection) =>
    connection.socket.once("data", () => {
      connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${BULK_BYTES}\r\n\r\n`);
      connection.send(Buffer.alloc(BULK_BYTES, "x"));
    });
  const client = await connect(t, shortServer);
  client.pause();
  client.send(GET);
  await sleep(SHORT_MS * 2.5);
  client.resume();
  await until("the whole answer", () => client.receivedBytes > BULK_BYTES);
});

t.test("server: a client that rests within its upload", async (t) => {
  origin.onConnection = (connection) => void connection.expect("world").then(() => connection.send(OK));
  const client = await connect(t, shortServer);
  await client.sendSlowly(["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello", "world"], SHORT_MS * 2);
  t.equal((await client.response()).status, 200);
});
