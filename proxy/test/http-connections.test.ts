// How connections are kept and ended in mode http, on both sides: keep-alive and pipelining, clients of HTTP/1.0, the three
// connection modes, reuse of server connections, and what happens when either side goes away between two requests.

import t from "tap";
import { basics, listen } from "./lab/config.ts";
import { header } from "./lab/http-message.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect, type RawSocket, startRawOrigin } from "./lab/raw-socket.ts";
import { sleep, until } from "./lab/time.ts";

t.setTimeout(240_000);

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const request = (path: string, lines = ""): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
const old = (path: string, lines = ""): string => `GET ${path} HTTP/1.0\r\nHost: a\r\n${lines}\r\n`;

const origin = await startRawOrigin(t);
const MODES = ["http-keep-alive", "http-server-close", "httpclose"] as const;
const REUSES = ["never", "safe", "aggressive", "always"] as const;
const ports = await freePorts(MODES.length + REUSES.length + 1);
const portOf = new Map<string, number>([...MODES, ...REUSES, "pool-0"].map((name, i) => [name, ports[i]!]));
const program = await startProgram(t, {
  config:
    basics("nbthread 1") +
    MODES.map((mode) =>
      listen(mode, portOf.get(mode)!, `option ${mode}\nhttp-reuse never\nserver s 127.0.0.1:${origin.port}`),
    ).join("") +
    REUSES.map((reuse) =>
      listen(`reuse-${reuse}`, portOf.get(reuse)!, `http-reuse ${reuse}\nserver s 127.0.0.1:${origin.port}`),
    ).join("") +
    listen("pool-0", portOf.get("pool-0")!, `http-reuse always\nserver s 127.0.0.1:${origin.port} pool-max-conn 0`),
});

/** Forgets the origin's earlier connections and answers OK to each complete request from now on. */
function answering(answer = OK): { requests: string[]; connections: () => RawSocket[] } {
  origin.connections.length = 0;
  const requests: string[] = [];
  origin.onConnection = (connection) => {
    connection.socket.on("data", () => {
      for (let end = connection.received.indexOf("\r\n\r\n"); end >= 0; end = connection.received.indexOf("\r\n\r\n")) {
        requests.push(connection.received.slice(0, end));
        connection.received = connection.received.slice(end + 4);
        connection.send(answer);
      }
    });
    connection.socket.on("end", () => connection.end());
  };
  return { requests, connections: () => origin.connections };
}

t.test("keep-alive on both sides", async (t) => {
  const { requests, connections } = answering();
  const client = await connect(t, portOf.get("http-keep-alive")!);
  for (const path of ["/1", "/2", "/3"]) {
    client.send(request(path));
    const answer = await client.response();
    t.equal(answer.status, 200);
    t.equal(header(answer, "connection"), undefined, "no Connection header where keep-alive is the default");
  }
  t.same(
    requests.map((head) => head.split("\r\n")[0]),
    ["GET /1 HTTP/1.1", "GET /2 HTTP/1.1", "GET /3 HTTP/1.1"],
  );
  t.equal(connections().length, 1, "one connection to the server");
  t.notOk(/^connection:/im.test(requests[0]!), "and no Connection header to it");
  client.end();
  t.equal(await client.closed(), "");
  await until("the server's connection ends with its client", () => connections().every((one) => !one.isOpen));
});

t.test("pipelining keeps the order and serves one after the other", async (t) => {
  origin.connections.length = 0;
  origin.onConnection = null;
  const client = await connect(t, portOf.get("http-keep-alive")!);
  client.send(request("/1") + request("/2") + request("/3"));
  await until("a connection", () => origin.connections.length > 0);
  const server = origin.connections[0]!;
  for (const path of ["/1", "/2", "/3"]) {
    const got = await server.request();
    t.equal(got.startLine, `GET ${path} HTTP/1.1`);
    await sleep(30);
    t.equal(server.received, "", "the next request waits for this one's answer");
    server.send(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${path}`);
    t.equal((await client.response()).body, path);
  }
});

t.test("a head that comes byte by byte", async (t) => {
  const { requests } = answering();
  const client = await connect(t, portOf.get("http-keep-alive")!);
  await client.sendSlowly([..."GET /slow HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n"], 3);
  t.equal((await client.response()).status, 200);
  t.match(requests[0], /^GET \/slow HTTP\/1\.1\r\nhost: a\r\nx: y/);
});

t.test("clients of HTTP/1.0", async (t) => {
  await t.test("without keep-alive are closed after the answer", async (t) => {
    answering();
    const client = await connect(t, portOf.get("http-keep-alive")!);
    client.send(old("/"));
    const answer = await client.response();
    t.equal(answer.startLine, "HTTP/1.1 200 OK");
    t.equal(header(answer, "connection"), "close");
    t.equal(await client.closed(), "");
  });
  await t.test("with keep-alive are kept and told so", async (t) => {
    answering();
    const client = await connect(t, portOf.get("http-keep-alive")!);
    for (const path of ["/1", "/2"]) {
      client.send(old(path, "Connection: keep-alive\r\n"));
      const answer = await client.response();
      t.equal(header(answer, "connection"), "keep-alive");
    }
    t.ok(client.isOpen);
  });
});

t.test("connection modes", async (t) => {
  await t.test("http-server-close keeps the client and closes the server", async (t) => {
    const { requests, connections } = answering();
    const client = await connect(t, portOf.get("http-server-close")!);
    for (const path of ["/1", "/2"]) {
      client.send(request(path));
      t.equal(header(await client.response(), "connection"), undefined);
    }
    t.equal(connections().length, 2, "a connection to the server for each request");
    t.match(requests[0], /^connection: close$/m, "which is told so");
    t.ok(client.isOpen);
    await until("both are closed", () => connections().every((one) => !one.isOpen));
  });
  await t.test("httpclose closes both", async (t) => {
    const { requests } = answering();
    const client = await connect(t, portOf.get("httpclose")!);
    client.send(request("/1") + request("/2"));
    t.equal(header(await client.response(), "connection"), "close");
    t.equal(await client.closed(), "", "the second request is not answered");
    t.equal(requests.length, 1);
    t.match(requests[0], /^connection: close$/m);
  });
  await t.test("httpclose with a client of 1.0 that wants keep-alive", async (t) => {
    answering();
    const client = await connect(t, portOf.get("httpclose")!);
    client.send(old("/", "Connection: keep-alive\r\n"));
    const answer = await client.response();
    t.not(header(answer, "connection"), "keep-alive");
    await client.closed();
  });
});

t.test("a server that closes", async (t) => {
  await t.test("with Connection: close does not cost the client its connection", async (t) => {
    const { connections } = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    const client = await connect(t, portOf.get("http-keep-alive")!);
    for (const path of ["/1", "/2"]) {
      client.send(request(path));
      const answer = await client.response();
      t.equal(answer.body, "ok");
      t.equal(header(answer, "connection"), undefined);
    }
    t.equal(connections().length, 2);
  });
  await t.test("without a word between two requests is replaced", async (t) => {
    const { connections } = answering();
    const client = await connect(t, portOf.get("safe")!);
    client.send(request("/1"));
    t.equal((await client.response()).status, 200);
    for (const connection of connections()) connection.end();
    await sleep(100);
    client.send(request("/2"));
    t.equal((await client.response()).status, 200);
    t.equal(connections().length, 2);
  });
});

t.test("http-reuse", async (t) => {
  /** How many server connections `clients` clients need, one after the other, with `each` requests each. */
  async function serverConnections(reuse: string, clients: number, each: number): Promise<number> {
    const { connections } = answering();
    for (let i = 0; i < clients; i++) {
      const client = await connect(t, portOf.get(reuse)!);
      for (let j = 0; j < each; j++) {
        client.send(request(`/${i}/${j}`));
        await client.response();
      }
      client.end();
      await client.closed();
    }
    // Idle connections are kept for other clients; what is left belongs to the next count only through `origin`.
    return connections().length;
  }
  t.equal(await serverConnections("never", 3, 2), 3, "never: a client's own");
  t.equal(await serverConnections("pool-0", 3, 1), 3, "pool-max-conn 0: none is kept");
  t.equal(await serverConnections("always", 4, 1), 1, "always: the first is used by all");
  t.equal(await serverConnections("aggressive", 4, 2), 1, "aggressive: a proven one is used for first requests too");
  t.equal(await serverConnections("safe", 3, 1), 3, "safe: a client's first request never uses an idle one");

  await t.test("safe: later requests share", async (t) => {
    const { connections } = answering();
    const first = await connect(t, portOf.get("safe")!);
    first.send(request("/first"));
    await first.response();
    first.end();
    await first.closed();
    const second = await connect(t, portOf.get("safe")!);
    second.send(request("/second/1"));
    await second.response();
    second.send(request("/second/2"));
    await second.response();
    t.ok(connections().length <= 2, `${connections().length} connections`);
  });
});

t.test("nothing of this disturbed the program", async (t) => {
  t.equal(program.exit, null);
  t.equal(program.stderr.replace(/^\[(NOTICE|WARNING)\].*\n/gm, ""), "");
});
