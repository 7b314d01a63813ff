// Clients and servers that try to make us keep what nobody takes, or that break off in the middle: memory stays bounded, and what
// was said before still arrives.

import t from "tap";
import { basics } from "./lab/config.ts";
import { freePorts } from "./lab/ports.ts";
import { IS_HAPROXY, startProgram } from "./lab/program.ts";
import { connect, startRawOrigin } from "./lab/raw-socket.ts";
import { command } from "./lab/runtime-api.ts";
import { sleep, until } from "./lab/time.ts";

t.setTimeout(120_000);

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const MEGABYTE = 1_000_000;
const BULK = Buffer.alloc(12 * MEGABYTE, "x");

const origin = await startRawOrigin(t);
const [port, stats] = await freePorts(2);
await startProgram(t, {
  config: `${basics(`nbthread 1\nmaxconn 200\nstats socket 127.0.0.1:${stats} level admin`, "http-reuse never")}
listen main
  bind 127.0.0.1:${port}
  server s 127.0.0.1:${origin.port}
`,
});
const buffersUsed = async (): Promise<number> =>
  Number(/^buffers_used: (\d+)/m.exec(await command(`127.0.0.1:${stats}`, "show activity"))?.[1]);

t.beforeEach(() => {
  origin.onConnection = null;
});

t.test("a client that floods behind its last request without taking the answer", { skip: IS_HAPROXY }, async (t) => {
  // An answer that ends with the connection, of which a part stays with us because the client does not read.
  origin.onConnection = (connection) =>
    connection.socket.once("data", () => {
      connection.send("HTTP/1.1 200 OK\r\n\r\n").send(Buffer.alloc(24 * MEGABYTE, "x"));
      setTimeout(() => connection.reset(), 300);
    });
  const client = await connect(t, port);
  client.pause();
  client.send(GET);
  await sleep(500);
  for (let i = 0; i < 20; i++) {
    client.send(Buffer.alloc(MEGABYTE, "y"));
    await sleep(10);
  }
  const used = await buffersUsed();
  // What one receive under way may still bring, in both directions; without a bound it would be thousands.
  t.ok(used < 200, `${used} buffers`);
  client.destroy();
  await until("all buffers are back", async () => (await buffersUsed()) === 0);
});

t.test("a server that says 413 and resets while the body still comes", async (t) => {
  const body = "z".repeat(20_000);
  for (let i = 0; i < 10; i++) {
    origin.onConnection = (connection) =>
      connection.socket.once("data", () => {
        connection.pause();
        connection.send(`HTTP/1.1 413 Payload Too Large\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
        setTimeout(() => connection.reset(), 30);
      });
    const client = await connect(t, port);
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${8 * MEGABYTE}\r\n\r\n`);
    client.send(Buffer.alloc(6 * MEGABYTE, "x"));
    const response = await client.response();
    t.equal(response.status, 413);
    t.equal(response.body.length, body.length);
    client.destroy();
  }
});

t.test("a thousand interim answers, then the final one", async (t) => {
  origin.onConnection = (connection) =>
    connection.socket.once("data", () =>
      connection.send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n".repeat(1000) + OK),
    );
  const client = await connect(t, port);
  client.send(GET);
  let interim = 0;
  for (;;) {
    const { status } = await client.response();
    if (status !== 103) {
      t.equal(status, 200);
      break;
    }
    interim++;
  }
  t.equal(interim, 1000);
});

t.test("interim answers, the final one and the end at once", async (t) => {
  origin.onConnection = (connection) =>
    connection.socket.once("data", () => {
      connection.send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n".repeat(100) + OK);
      connection.end();
    });
  const client = await connect(t, port);
  client.send(GET);
  for (let i = 0; i < 100; i++) t.equal((await client.response()).status, 103);
  t.equal((await client.response()).status, 200);
});

t.test("heads that come byte by byte, in both directions", async (t) => {
  origin.onConnection = (connection) =>
    void connection.expect("\r\n\r\n").then(() => connection.sendSlowly([...OK], 1));
  const client = await connect(t, port);
  await client.sendSlowly([..."GET / HTTP/1.1\r\nHost: a\r\nX: yz\r\n\r\n"], 1);
  t.equal((await client.response()).body, "ok");
});

t.test("clients that do not take their answers leave the others their memory", { skip: IS_HAPROXY }, async (t) => {
  // 1 MB waits in the kernel's buffers of each, the rest would fill ours: two thousand buffers are for 256 connections.
  origin.onConnection = (connection) =>
    connection.socket.once("data", (head) => {
      if (head.includes("GET /small")) connection.send(OK);
      else connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${BULK.length}\r\n\r\n`).send(BULK);
    });
  const stalled = await Promise.all(Array.from({ length: 90 }, () => connect(t, port)));
  for (const client of stalled) {
    client.pause();
    client.send(GET);
  }
  await sleep(1500);
  t.comment(`${await buffersUsed()} buffers`);
  for (let i = 0; i < 5; i++) {
    const client = await connect(t, port);
    client.send("GET /small HTTP/1.1\r\nHost: a\r\n\r\n");
    t.equal((await client.response({}, 3000)).status, 200);
    client.send(`POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: ${MEGABYTE}\r\n\r\n`);
    client.send(Buffer.alloc(MEGABYTE, "x"));
    client.reset();
  }
  // And those who were slow get everything when they read again.
  const one = stalled[0]!;
  one.resume();
  await until("the whole answer", () => one.receivedBytes > BULK.length);
  for (const client of stalled) client.destroy();
  await until("all buffers are back", async () => (await buffersUsed()) === 0);
});
