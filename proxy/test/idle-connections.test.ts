// Idle connections to servers are kept for who may need them, and no more: clients that send one request per connection, which under
// `http-reuse safe` always get a connection of their own, must not leave one behind each.

import { createServer } from "node:http";
import type { Socket } from "node:net";
import t from "tap";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect } from "./lab/raw-socket.ts";
import { until } from "./lab/time.ts";

const ONE_REQUEST = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

t.test("one request per connection, one after the other and several at a time", async (t) => {
  const open = new Set<Socket>();
  let accepted = 0;
  const origin = createServer({ keepAliveTimeout: 60_000 }, (_, response) => response.end("ok"));
  origin.on("connection", (socket) => {
    accepted++;
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    origin.closeAllConnections();
    origin.close();
  });
  const address = origin.address();
  const originPort = typeof address === "object" && address !== null ? address.port : 0;
  const [port] = await freePorts(1);
  await startProgram(t, {
    config: `global
    nbthread 1
defaults
    mode http
    timeout connect 5s
    timeout client 10s
    timeout server 10s
listen web
    bind 127.0.0.1:${port}
    server s1 127.0.0.1:${originPort}
`,
  });
  const ask = async () => {
    const client = await connect(t, port!);
    client.send(ONE_REQUEST);
    t.match(await client.closed(), "HTTP/1.1 200 OK");
  };
  for (let i = 0; i < 60; i++) await ask();
  t.ok(accepted >= 60, "none was reused");
  await until("the surplus is closed", () => open.size <= 2);
  for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 8 }, ask));
  await until("as many are kept as were in use at once", () => open.size <= 9);

  const kept = await connect(t, port!);
  const before = accepted;
  for (let i = 0; i < 5; i++) {
    kept.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    t.equal((await kept.response()).status, 200);
  }
  t.ok(accepted <= before + 1, "a client that stays uses one connection for all its requests");
});
