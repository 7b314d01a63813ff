// The timeouts of mode http (tunnel: http-tunnels.test.ts, client-fin and server-fin: tcp-mode.test.ts), each provoked alone, with HAProxy's answer and termination state in the log line. Times are asserted
// from below exactly (never too early) and from above generously (a busy machine may be late).

import t from "tap";
import { basics } from "./lab/config.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect, startRawOrigin } from "./lab/raw-socket.ts";
import { startSyslog } from "./lab/syslog.ts";
import { until } from "./lab/time.ts";

t.setTimeout(120_000);

const SHORT_MS = 400;
/** A timer may fire a little early by the resolution of the clock that it counts with. */
const EARLY_MS = 60;
const LATE_MS = 5_000;
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

const syslog = await startSyslog(t);
const origin = await startRawOrigin(t);

/** The one short timeout of each frontend; all others are long. */
const SHORT = {
  "http-request": `timeout http-request ${SHORT_MS}ms`,
  "http-keep-alive": `timeout http-keep-alive ${SHORT_MS}ms`,
  "keep-alive from http-request": `timeout http-request ${SHORT_MS}ms`,
  client: `timeout client ${SHORT_MS}ms`,
  server: `timeout server ${SHORT_MS}ms`,
  queue: `timeout queue ${SHORT_MS}ms`,
  connect: `timeout connect ${SHORT_MS}ms`,
} as const;
type Kind = keyof typeof SHORT;
const kinds = Object.keys(SHORT) as Kind[];
const ports = await freePorts(kinds.length);
const portOf = (kind: Kind): number => ports[kinds.indexOf(kind)]!;
// 192.0.2.0/24 (RFC 5737) is routed nowhere; a local address that drops SYNs would need root.
const UNREACHABLE = "192.0.2.1:80";

const sections = kinds
  .map((kind, i) => {
    const server = kind === "connect" ? UNREACHABLE : `127.0.0.1:${origin.port} ${kind === "queue" ? "maxconn 1" : ""}`;
    return `listen ${kind.replaceAll(" ", "-")}\n  bind 127.0.0.1:${ports[i]}\n  ${SHORT[kind]}\n  server s ${server}\n`;
  })
  .join("");
const program = await startProgram(t, {
  config:
    basics(`nbthread 1\nlog ${syslog.address} local0`, "log global\noption httplog\nretries 0\nhttp-reuse never") +
    sections,
});

/** Runs `wait` and checks that it took the short timeout. */
async function takes(
  t: { ok: (value: boolean, message: string) => unknown },
  wait: () => Promise<unknown>,
): Promise<void> {
  const start = performance.now();
  await wait();
  const took = performance.now() - start;
  t.ok(took > SHORT_MS - EARLY_MS, `not before ${SHORT_MS} ms (${Math.round(took)})`);
  t.ok(took < SHORT_MS + LATE_MS, `soon after ${SHORT_MS} ms (${Math.round(took)})`);
}

/** The termination state of the next log line of a frontend. */
async function logged(kind: Kind, from: number): Promise<string> {
  const line = await syslog.expect(new RegExp(` ${kind.replaceAll(" ", "-")}[ ~]`), from);
  return / (\S{4}) \d+\/\d+\/\d+\/\d+\/\d+ \d+\/\d+ /.exec(line.text)?.[1] ?? line.text;
}

t.test("http-request: a head that stays incomplete", async (t) => {
  const from = syslog.messages.length;
  const client = await connect(t, portOf("http-request"));
  client.send("GET / HTTP/1.1\r\n");
  await takes(t, () => client.closed());
  t.match(client.received, /^HTTP\/1\.1 408 /);
  t.equal(await logged("http-request", from), "cR--");
});

t.test("http-request: dripping bytes do not extend it", async (t) => {
  const client = await connect(t, portOf("http-request"));
  client.send("GET / HTTP/1.1\r\n");
  const drip = setInterval(() => client.isOpen && client.send("X: y\r\n"), 100);
  t.teardown(() => clearInterval(drip));
  await takes(t, () => client.closed());
});

t.test("http-request does not count while a body is sent", async (t) => {
  origin.onConnection = null;
  origin.connections.length = 0;
  const client = await connect(t, portOf("http-request"));
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
  await client.sendSlowly(["", "wo", "rl"], SHORT_MS / 1.5);
  client.send("d");
  await until("the whole body", () => origin.connections[0]?.received.endsWith("helloworld") === true);
  origin.connections[0]!.send(OK);
  t.equal((await client.response()).status, 200);
});

for (const kind of ["http-keep-alive", "keep-alive from http-request"] as const) {
  t.test(`${kind}: an idle connection after its first request`, async (t) => {
    origin.onConnection = (connection) => connection.socket.once("data", () => connection.send(OK));
    const client = await connect(t, portOf(kind));
    client.send(GET);
    t.equal((await client.response()).status, 200);
    await takes(t, () => client.closed());
    t.equal(client.received, "", "closed without an answer");
  });
}

t.test("client: a body that stops", async (t) => {
  const from = syslog.messages.length;
  origin.onConnection = null;
  const client = await connect(t, portOf("client"));
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
  await takes(t, () => client.closed());
  t.match(client.received, /^HTTP\/1\.1 400 /);
  t.equal(await logged("client", from), "cH--");
});

t.test("server: no answer", async (t) => {
  const from = syslog.messages.length;
  origin.onConnection = null;
  const client = await connect(t, portOf("server"));
  client.send(GET);
  await takes(t, () => client.expect("</html>\n"));
  t.match(client.received, /^HTTP\/1\.1 504 /);
  t.equal(await logged("server", from), "sH--");
});

t.test("server: an answer that stops", async (t) => {
  const from = syslog.messages.length;
  origin.onConnection = (connection) =>
    connection.socket.once("data", () => connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"));
  const client = await connect(t, portOf("server"));
  await takes(t, () => client.send(GET).closed());
  t.match(client.received, /hello$/, "cut off, and no second answer");
  // HAProxy's manual and its other versions say sD--; 3.2.0 writes CD--.
  t.match(await logged("server", from), /^(sD|CD)--$/);
});

t.test("server: slow but steady answers are not cut", async (t) => {
  origin.onConnection = (connection) =>
    connection.socket.once("data", () => {
      void connection.sendSlowly(
        ["HTTP/1.1 200 OK\r\n", "Content-Length: 6\r\n\r\n", "a", "b", "c", "d", "e", "f"],
        SHORT_MS / 2,
      );
    });
  const client = await connect(t, portOf("server"));
  client.send(GET);
  t.equal((await client.response()).body, "abcdef");
});

t.test("queue: a server that is full", async (t) => {
  const from = syslog.messages.length;
  origin.onConnection = null;
  const first = await connect(t, portOf("queue"));
  first.send(GET);
  await until("the server is busy", () => origin.connections.at(-1)?.received !== "");
  const second = await connect(t, portOf("queue"));
  second.send(GET);
  await takes(t, () => second.expect("</html>\n"));
  t.match(second.received, /^HTTP\/1\.1 503 /);
  t.equal(await logged("queue", from), "sQ--");
});

t.test("connect: a server that does not answer the SYN", async (t) => {
  const from = syslog.messages.length;
  const client = await connect(t, portOf("connect"));
  const start = performance.now();
  client.send(GET);
  await client.expect("</html>\n");
  t.match(client.received, /^HTTP\/1\.1 503 /);
  const state = await logged("connect", from);
  if (state === "SC--") t.comment("the network refuses 192.0.2.1 at once; the timeout itself was not provoked");
  else {
    t.equal(state, "sC--");
    t.ok(performance.now() - start > SHORT_MS - EARLY_MS);
  }
});

t.test("nothing of this disturbed the program", async (t) => {
  t.equal(program.exit, null);
});
