// Servers that refuse, die or answer late, clients that go away: what is retried and where (retries, redispatch), what the other
// side gets, and that every slot is given back.

import t from "tap";
import { basics } from "./lab/config.ts";
import { startHttpOrigin } from "./lab/http-origin.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect, startRawOrigin } from "./lab/raw-socket.ts";
import { showStat } from "./lab/runtime-api.ts";
import { startSyslog } from "./lab/syslog.ts";
import { sleep, until } from "./lab/time.ts";

t.setTimeout(120_000);

/** Each request has a path of its own, by which its log line is found. */
let requests = 0;
let path = "";
function nextGet(): string {
  path = `/${++requests}`;
  return `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
}
/** The log line of the request that was made last. */
const lastLine = async (): Promise<string> => (await syslog.expect(new RegExp(` ${path} HTTP`))).text;
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

const syslog = await startSyslog(t);
const origin = await startRawOrigin(t);
const alive = await startHttpOrigin(t, { name: "alive" });
const [one, retry, redispatch, noRedispatch, abort, stats] = await freePorts(6);
const [dead] = await freePorts(1);
const program = await startProgram(t, {
  config: `${basics(`nbthread 1\nlog ${syslog.address} local0\nstats socket 127.0.0.1:${stats} level admin`, "log global\noption httplog\nhttp-reuse never")}
listen one
  bind 127.0.0.1:${one}
  server s 127.0.0.1:${origin.port}
listen retry
  bind 127.0.0.1:${retry}
  retries 2
  server s 127.0.0.1:${dead}
listen redispatch
  bind 127.0.0.1:${redispatch}
  retries 3
  option redispatch 1
  server bad 127.0.0.1:${dead}
  server good 127.0.0.1:${alive.port}
listen no-redispatch
  bind 127.0.0.1:${noRedispatch}
  retries 1
  no option redispatch
  server bad 127.0.0.1:${dead}
  server good 127.0.0.1:${alive.port}
listen abort
  bind 127.0.0.1:${abort}
  option abortonclose
  server s 127.0.0.1:${origin.port} maxconn 1
`,
});
const api = `127.0.0.1:${stats}`;

async function answerTo(port: number): Promise<string> {
  const client = await connect(t, port);
  client.send(nextGet());
  const answer = await client.response({}, 30_000);
  client.destroy();
  return `${answer.status} ${answer.body.trim()}`;
}

t.test("retries: a refused connection is tried again, with a second between", async (t) => {
  const start = performance.now();
  t.match(await answerTo(retry), /^503 /);
  const took = performance.now() - start;
  t.ok(took > 1900, `two retries wait a second each (${Math.round(took)} ms)`);
  const line = await lastLine();
  t.match(line, / SC-- /);
  t.match(line, /\d+\/\d+\/\d+\/\d+\/2 \d+\/\d+ "GET/, "the log line counts them");
});

t.test("redispatch: another server gets the request", async (t) => {
  for (let i = 0; i < 4; i++) t.equal(await answerTo(redispatch), "200 alive");
  const line = await syslog.expect(/ redispatch\/good .*\/\+\d \d+\/\d+ "GET/);
  t.match(line.text, / ---- /, "marked by a plus");
  const rows = await showStat(api);
  t.ok(Number(rows.get("redispatch/BACKEND")!.wredis) >= 2);
});

t.test("without redispatch the request stays with its server", async (t) => {
  const answers = [await answerTo(noRedispatch), await answerTo(noRedispatch)]
    .map((answer) => answer.slice(0, 3))
    .sort();
  t.same(answers, ["200", "503"]);
});

t.test("a server that dies", async (t) => {
  await t.test("before its answer: 502", async (t) => {
    origin.onConnection = (connection) => connection.socket.once("data", () => connection.reset());
    t.match(await answerTo(one), /^502 /);
    t.match(await lastLine(), / 502 \d+ - - SH-- /);
  });
  await t.test("in its head: 502", async (t) => {
    origin.onConnection = (connection) =>
      connection.socket.once("data", () => connection.send("HTTP/1.1 200 OK\r\nX").end());
    t.match(await answerTo(one), /^502 /);
  });
  await t.test("in its body: the answer is cut, and the client sees that", async (t) => {
    origin.onConnection = (connection) =>
      connection.socket.once("data", () => connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello").end());
    const client = await connect(t, one);
    client.send(nextGet());
    await client.closed();
    t.match(client.received, /^HTTP\/1\.1 200 OK[\s\S]*hello$/);
    t.match(await lastLine(), / 200 \d+ - - SD-- /);
  });
  await t.test("in a chunked body", async (t) => {
    origin.onConnection = (connection) =>
      connection.socket.once("data", () =>
        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n").end(),
      );
    const client = await connect(t, one);
    client.send(nextGet());
    await client.closed();
    t.notMatch(client.received, /0\r\n\r\n$/, "no last chunk is made up");
  });
});

t.test("a client that goes away", async (t) => {
  await t.test("in its head: nothing reaches the server", async (t) => {
    origin.connections.length = 0;
    origin.onConnection = null;
    const client = await connect(t, one);
    client.send("GET / HTTP/1.1\r\nHo");
    await sleep(50);
    client.reset();
    await sleep(100);
    t.equal(origin.connections.length, 0);
  });
  await t.test("in its body: the server's connection is closed", async (t) => {
    origin.connections.length = 0;
    const client = await connect(t, one);
    client.send(nextGet().replace("GET", "POST").replace("\r\n\r\n", "\r\nContent-Length: 100\r\n\r\nhello"));
    await until("the server has it", () => origin.connections[0]?.received.endsWith("hello") === true);
    client.reset();
    await until("the server's end", () => !origin.connections[0]!.isOpen);
    t.match(await lastLine(), / C[DH]-- /);
  });
  await t.test("while the answer comes: the server's connection is closed", async (t) => {
    origin.connections.length = 0;
    origin.onConnection = (connection) =>
      connection.socket.once("data", () => connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello"));
    const client = await connect(t, one);
    client.send(nextGet());
    await client.expect("hello");
    client.reset();
    await sleep(50);
    // Whoever waits for the server only learns of the reset when there is something to send.
    origin.connections[0]!.send("world");
    await until("the server's end", () => !origin.connections[0]!.isOpen);
    t.match(await lastLine(), / CD-- /);
  });
  await t.test("half: a client that only ends its direction still gets its answer", async (t) => {
    origin.connections.length = 0;
    origin.onConnection = null;
    const client = await connect(t, one);
    client.send(nextGet()).end();
    await until("the server is asked", () => origin.connections[0]?.received.endsWith("\r\n\r\n") === true);
    await sleep(50);
    origin.connections[0]!.send(OK);
    t.match(await client.closed(), /ok$/);
  });
  await t.test("from the queue (option abortonclose)", async (t) => {
    origin.connections.length = 0;
    const first = await connect(t, abort);
    first.send(nextGet());
    await until("the server is busy", () => origin.connections[0]?.received.endsWith("\r\n\r\n") === true);
    const second = await connect(t, abort);
    second.send(nextGet());
    await until("the second one is queued", async () => (await showStat(api)).get("abort/BACKEND")!.qcur === "1");
    second.end();
    await until("and leaves the queue", async () => (await showStat(api)).get("abort/BACKEND")!.qcur === "0");
    t.match(await lastLine(), / CQ-- /);
    origin.connections[0]!.send(OK);
    t.equal((await first.response()).status, 200);
    t.equal(origin.connections.length, 1, "the server never saw it");
  });
});

t.test("every slot is given back", async (t) => {
  await until("no session is counted any more", async () => {
    const rows = await showStat(api);
    return ["one", "retry", "redispatch", "no-redispatch", "abort"].every(
      (name) => rows.get(`${name}/BACKEND`)!.scur === "0" && rows.get(`${name}/BACKEND`)!.qcur === "0",
    );
  });
  t.equal(program.exit, null);
});
