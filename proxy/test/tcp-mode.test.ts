// Mode tcp: a blind relay in both directions, with half-close, back-pressure, its own timeouts, balance source and a log line.

import t from "tap";
import { BulkReader, Watch, writeBulk } from "./lab/bulk.ts";
import { basics } from "./lab/config.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect, type RawOrigin, type RawSocket, startRawOrigin } from "./lab/raw-socket.ts";
import { startSyslog } from "./lab/syslog.ts";
import { sleep, until, within } from "./lab/time.ts";

t.setTimeout(240_000);

const SHORT_MS = 400;
const EARLY_MS = 60;
const LARGE_BYTES = 100 * 1024 * 1024;
const FLAT_BYTES = 40 * 1024 * 1024;

const syslog = await startSyslog(t);
const origin = await startRawOrigin(t);
const sources: RawOrigin[] = [];
for (let i = 0; i < 4; i++) sources.push(await startRawOrigin(t));
const [plain, client, server, clientFin, serverFin, source, refused, idle] = await freePorts(8);
const [dead] = await freePorts(1);
const listen = (name: string, port: number, ...lines: string[]): string =>
  [`listen ${name}`, `  bind 127.0.0.1:${port}`, ...lines.map((line) => `  ${line}`), ""].join("\n");
const toOrigin = `server s 127.0.0.1:${origin.port}`;
const program = await startProgram(t, {
  config:
    basics(`nbthread 2\nlog ${syslog.address} local0`, "mode tcp\nlog global\noption tcplog\nretries 0") +
    listen("plain", plain, toOrigin) +
    listen("client", client, `timeout client ${SHORT_MS}ms`, toOrigin) +
    listen("server", server, `timeout server ${SHORT_MS}ms`, toOrigin) +
    listen("client-fin", clientFin, `timeout client-fin ${SHORT_MS}ms`, toOrigin) +
    listen("server-fin", serverFin, `timeout server-fin ${SHORT_MS}ms`, toOrigin) +
    listen("source", source, "balance source", ...sources.map((one, i) => `server s${i} 127.0.0.1:${one.port}`)) +
    listen("refused", refused, `server s 127.0.0.1:${dead}`) +
    listen("idle", idle, "option dontlognull", toOrigin),
});

async function pair(t: Parameters<typeof connect>[0], port: number): Promise<{ client: RawSocket; server: RawSocket }> {
  origin.connections.length = 0;
  const client = await connect(t, port);
  await until("the server is connected to", () => origin.connections.length > 0);
  return { client, server: origin.connections[0]! };
}

/** The log line of the next session of a proxy. */
async function logged(name: string, from: number): Promise<string> {
  return (await syslog.expect(new RegExp(` ${name} ${name}/`), from)).text;
}

t.test("whatever comes is passed on, in both directions, the server may speak first", async (t) => {
  const from = syslog.messages.length;
  const { client, server } = await pair(t, plain);
  server.send("220 hello\r\n");
  await client.expect("220 hello\r\n");
  const bytes = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
  client.send(`GET / HTTP/9\r\n${bytes}`);
  await server.expect(`GET / HTTP/9\r\n${bytes}`);
  server.send(bytes);
  await client.expect(bytes);
  client.end();
  await until("the end arrives", () => !server.isOpen);
  server.end();
  await client.closed();
  t.match(
    await logged("plain", from),
    /^127\.0\.0\.1:\d+ \[[^\]]+\] plain plain\/s \d+\/\d+\/\d+ 267 -- \d+\/\d+\/\d+\/\d+\/0 0\/0$/,
    "11 + 256 bytes went to the client",
  );
});

t.test("half-close", async (t) => {
  await t.test("by the client", async (t) => {
    const { client, server } = await pair(t, plain);
    client.send("question").end();
    await until("the server sees the end", () => !server.isOpen);
    t.equal(server.received, "question");
    await sleep(100);
    server.send("late ").send("answer");
    server.end();
    t.equal(await client.closed(), "late answer");
  });
  await t.test("by the server", async (t) => {
    const { client, server } = await pair(t, plain);
    server.send("greeting").end();
    t.equal(await client.closed(), "greeting");
    await sleep(100);
    client.send("last words").end();
    await until("the server gets them", () => server.received === "last words");
  });
  await t.test("a reset is passed on as an end at least", async (t) => {
    const { client, server } = await pair(t, plain);
    client.send("x");
    await server.expect("x");
    client.reset();
    await until("the server is closed", () => !server.isOpen);
  });
});

t.test("timeouts", async (t) => {
  for (const [name, port, state] of [
    ["client", client, "cD"],
    ["server", server, "sD"],
  ] as const) {
    await t.test(`${name}: a silent session`, async (t) => {
      const from = syslog.messages.length;
      const start = performance.now();
      const ends = await pair(t, port);
      // The side that was silent is ended, and that end is passed on; the session is over once the other side ends too.
      ends.server.socket.on("end", () => ends.server.end());
      ends.client.socket.on("end", () => ends.client.end());
      await ends.client.closed();
      t.ok(performance.now() - start > SHORT_MS - EARLY_MS);
      await until("both ends are closed", () => !ends.server.isOpen);
      t.match(await logged(name, from), ` ${state} `);
    });
    await t.test(`${name}: a session with traffic in one direction lives on`, async (t) => {
      const ends = await pair(t, port);
      const talker = name === "client" ? ends.client : ends.server;
      for (let i = 0; i < 5; i++) {
        await sleep(SHORT_MS / 2);
        talker.send("tick");
      }
      t.ok(ends.client.isOpen && ends.server.isOpen);
    });
  }
  await t.test("client-fin: the server has ended, the client does not", async (t) => {
    const ends = await pair(t, clientFin);
    const start = performance.now();
    ends.server.end();
    await until("the program gives up", () => !ends.server.isOpen);
    t.ok(performance.now() - start > SHORT_MS - EARLY_MS);
  });
  await t.test("server-fin: the client has ended, the server does not", async (t) => {
    const ends = await pair(t, serverFin);
    const start = performance.now();
    ends.client.end();
    await ends.client.closed();
    t.ok(performance.now() - start > SHORT_MS - EARLY_MS);
  });
});

t.test("100 MB in both directions at once, to slow readers, with flat memory", async (t) => {
  const memory = new Watch(() => program.residentBytes);
  const ends = await pair(t, plain);
  // Both sockets are read by BulkReaders from here on; what RawSocket gathers is thrown away.
  for (const socket of [ends.client.socket, ends.server.socket]) socket.removeAllListeners("data");
  const atServer = new BulkReader(ends.server.socket, 8 * 1024 * 1024, 40);
  const atClient = new BulkReader(ends.client.socket, 8 * 1024 * 1024, 40);
  const [up, down] = await within(
    "everything is written",
    Promise.all([writeBulk(ends.client.socket, LARGE_BYTES), writeBulk(ends.server.socket, LARGE_BYTES)]),
    90_000,
  );
  ends.client.end();
  ends.server.end();
  t.same(await atServer.done, { bytes: LARGE_BYTES, digest: up });
  t.same(await atClient.done, { bytes: LARGE_BYTES, digest: down });
  const rise = memory.stop();
  t.ok(rise < FLAT_BYTES, `memory is flat (+${Math.round(rise / 1024)} KiB)`);
});

t.test("balance source: a client's address always finds the same server", async (t) => {
  const found = new Map<string, Set<number>>();
  for (let round = 0; round < 2; round++) {
    for (let host = 1; host <= 40; host++) {
      const localAddress = `127.0.1.${host}`;
      const one = await connect(t, source, { localAddress });
      one.send(localAddress);
      const at = await until("one server has it", () => {
        const index = sources.findIndex((origin) =>
          origin.connections.some(({ received }) => received === localAddress),
        );
        return index < 0 ? null : { index };
      });
      one.destroy();
      for (const origin of sources) origin.connections.length = 0;
      found.set(localAddress, (found.get(localAddress) ?? new Set()).add(at.index));
    }
  }
  t.ok(
    [...found.values()].every((servers) => servers.size === 1),
    "each address one server",
  );
  t.equal(new Set([...found.values()].flatMap((servers) => [...servers])).size, sources.length, "all servers are used");
});

t.test("a server that refuses: the client is closed", async (t) => {
  const from = syslog.messages.length;
  const one = await connect(t, refused);
  t.equal(await one.closed(), "");
  t.match(await logged("refused", from), " SC ");
});

t.test("option dontlognull keeps empty sessions out of the log", async (t) => {
  const from = syslog.messages.length;
  const empty = await pair(t, idle);
  empty.server.socket.on("end", () => empty.server.end());
  empty.client.end();
  await empty.client.closed();
  const { client, server } = await pair(t, idle);
  client.send("x");
  await server.expect("x");
  client.end();
  server.end();
  await client.closed();
  t.match(await logged("idle", from), " idle idle/s ");
  t.equal(syslog.messages.slice(from).filter(({ text }) => text.includes(" idle idle/")).length, 1);
});

t.test("nothing of this disturbed the program", async (t) => {
  t.equal(program.exit, null);
});
