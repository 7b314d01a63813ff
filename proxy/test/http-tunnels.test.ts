// Upgrade (WebSocket) and CONNECT: tunnels after the server's acceptance, and only then. What a client sends too early stays where
// it is until the server has agreed; if the server refuses, it is the next request (and is judged as one).

import t from "tap";
import { basics, listen } from "./lab/config.ts";
import { header } from "./lab/http-message.ts";
import { freePort } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect, type RawSocket, startRawOrigin } from "./lab/raw-socket.ts";
import { sleep, until } from "./lab/time.ts";

t.setTimeout(120_000);

const UPGRADE = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
const ACCEPTED = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
const CONNECT = "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n";

const origin = await startRawOrigin(t);
const port = await freePort();
const program = await startProgram(t, {
  config:
    basics("nbthread 1") +
    listen("main", port, `timeout tunnel 1s\nhttp-reuse never\nserver s 127.0.0.1:${origin.port}`),
});

async function pair(
  t: Parameters<typeof connect>[0],
  bytes: string,
): Promise<{ client: RawSocket; server: RawSocket }> {
  origin.connections.length = 0;
  const client = await connect(t, port);
  client.send(bytes);
  await until("the server is asked", () => origin.connections.length > 0);
  return { client, server: origin.connections[0]! };
}

const WAYS = [
  { name: "Upgrade", ask: UPGRADE, accept: ACCEPTED, status: 101, method: "GET" },
  {
    name: "CONNECT",
    ask: CONNECT,
    accept: "HTTP/1.1 200 Connection established\r\n\r\n",
    status: 200,
    method: "CONNECT",
  },
] as const;

for (const { name, ask, accept, status, method } of WAYS) {
  t.test(`${name}: a tunnel once accepted`, async (t) => {
    const { client, server } = await pair(t, ask);
    const got = await server.request();
    t.match(got.startLine, method);
    if (name === "Upgrade") {
      t.match(header(got, "connection"), /^upgrade$/i);
      t.equal(header(got, "upgrade"), "echo");
    }
    server.send(accept);
    const answer = await client.response({ method });
    t.equal(answer.status, status);

    // Anything at all may pass now, also what is no HTTP, also what looks like HTTP.
    client.send("\x00\xff\r\nGET /not-a-request HTTP/1.1\r\n\r\n");
    await server.expect("\x00\xff\r\nGET /not-a-request HTTP/1.1\r\n\r\n");
    server.send("HTTP/1.1 500 not an answer\r\n\r\n");
    await client.expect("HTTP/1.1 500 not an answer\r\n\r\n");

    // Half-close in one direction leaves the other one open.
    client.end();
    await until("the end reaches the server", () => !server.isOpen);
    server.send("last words");
    await client.expect("last words");
    server.end();
    await client.closed();
  });

  t.test(`${name}: bytes sent before the acceptance`, async (t) => {
    const { client, server } = await pair(t, `${ask}early bytes`);
    await server.request();
    await sleep(150);
    t.equal(server.received, "", "do not reach the server before it has accepted");
    server.send(accept);
    await server.expect("early bytes");
    t.equal((await client.response({ method })).status, status);
  });

  t.test(`${name}: refused`, async (t) => {
    const { client, server } = await pair(t, `${ask}GET /next HTTP/1.1\r\nHost: a\r\n\r\n`);
    await server.request();
    server.send("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
    t.equal((await client.response()).status, 403);
    await until("the early bytes are a request of their own", () =>
      origin.connections.some((one) => one.received.startsWith("GET /next HTTP/1.1\r\n")),
    );
  });

  t.test(`${name}: refused, and the early bytes are no request`, async (t) => {
    const { client, server } = await pair(t, `${ask}\x01\x02 rubbish\r\n\r\n`);
    await server.request();
    server.send("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
    t.equal((await client.response()).status, 403);
    t.equal((await client.response()).status, 400);
    await client.closed();
    t.notOk(origin.connections.some((one) => one.received.includes("rubbish")));
  });
}

t.test("WebSocket: the handshake's headers pass unchanged", async (t) => {
  const { client, server } = await pair(
    t,
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat\r\n\r\n",
  );
  const got = await server.request();
  t.match(header(got, "connection"), /\bupgrade\b/i);
  t.equal(header(got, "sec-websocket-key"), "dGhlIHNhbXBsZSBub25jZQ==");
  t.equal(header(got, "sec-websocket-protocol"), "chat");
  server.send(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n\x81\x05hello",
  );
  const answer = await client.response();
  t.equal(header(answer, "sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  t.equal(header(answer, "sec-websocket-protocol"), "chat");
  await client.expect("\x81\x05hello");
});

t.test("timeout tunnel ends a silent tunnel and spares a busy one", async (t) => {
  const { client, server } = await pair(t, UPGRADE);
  await server.request();
  server.send(ACCEPTED);
  await client.response();
  for (let i = 0; i < 4; i++) {
    await sleep(400);
    client.send("tick");
  }
  t.ok(client.isOpen && server.isOpen, "1.6 s of ticks every 400 ms");
  await client.closed();
  await until("the server is closed too", () => !server.isOpen);
});

t.test("nothing of this disturbed the program", async (t) => {
  t.equal(program.exit, null);
});
