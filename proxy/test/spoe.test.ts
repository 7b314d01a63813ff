// `filter spoe` end to end: events and groups of an engine, told to an agent that this test plays byte by byte (SPOE.txt 3), its actions as
// variables, errors, time-outs and hostile frames. With RINGWAY_TEST_PROGRAM=haproxy the same expectations are put to HAProxy.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { readMessage } from "./lab/http-message.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect } from "./lab/raw-socket.ts";
import { until } from "./lab/time.ts";

t.setTimeout(60_000);

type Value = null | boolean | number | bigint | string | { readonly ipv4: string };
type Message = { readonly name: string; readonly args: Record<string, Value> };

function packed(value: number | bigint): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value));
  if (rest < 240n) return Buffer.from([Number(rest)]);
  const bytes = [240 | Number(rest & 15n)];
  for (rest = (rest - 240n) >> 4n; rest >= 128n; rest = (rest - 128n) >> 7n) bytes.push(128 | Number(rest & 127n));
  return Buffer.from([...bytes, Number(rest)]);
}
const text = (value: string): Buffer => Buffer.concat([packed(value.length), Buffer.from(value, "latin1")]);
const data = {
  text: (value: string) => Buffer.concat([Buffer.from([8]), text(value)]),
  number: (value: number | bigint) => Buffer.concat([Buffer.from([4]), packed(value)]),
  ipv4: (...bytes: number[]) => Buffer.from([6, ...bytes]),
  yes: Buffer.from([1 | 16]),
};
/** Scopes: 0 proc, 1 sess, 2 txn, 3 req, 4 res. */
const setVar = (scope: number, name: string, value: Buffer): Buffer =>
  Buffer.concat([Buffer.from([1, 3, scope]), text(name), value]);
const unsetVar = (scope: number, name: string): Buffer => Buffer.concat([Buffer.from([2, 2, scope]), text(name)]);

class Reader {
  readonly #bytes: Buffer;
  at = 0;
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }
  get isAtEnd(): boolean {
    return this.at >= this.#bytes.length;
  }
  byte(): number {
    return this.#bytes[this.at++]!;
  }
  packed(): bigint {
    let byte = this.byte();
    let value = BigInt(byte);
    if (byte < 240) return value;
    for (let shift = 4n; ; shift += 7n) {
      byte = this.byte();
      value += BigInt(byte) << shift;
      if (byte < 128) return BigInt.asIntN(64, value);
    }
  }
  text(): string {
    const length = Number(this.packed());
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at).toString("latin1");
  }
  value(): Value {
    const head = this.byte();
    switch (head & 15) {
      case 0:
        return null;
      case 1:
        return (head & 16) !== 0;
      case 6:
        return { ipv4: [this.byte(), this.byte(), this.byte(), this.byte()].join(".") };
      case 8:
      case 9:
        return this.text();
      default:
        return Number(this.packed());
    }
  }
}

function frame(type: number, streamId: number | bigint, frameId: number | bigint, payload: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from([type, 0, 0, 0, 1]), packed(streamId), packed(frameId), payload]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}

const agentHello = (size = 16380, version = "2.0"): Buffer =>
  frame(
    101,
    0,
    0,
    Buffer.concat([
      ...[text("version"), data.text(version), text("max-frame-size"), Buffer.from([3]), packed(size)],
      ...[text("capabilities"), data.text("pipelining")],
    ]),
  );

const told: Message[] = [];
const hellos: Record<string, Value>[] = [];
let connections = 0;
/** Actions for a message; "silence": no answer; bytes that are no frame: "junk". */
let behave: (message: Message) => Buffer | "silence" | "junk" = () => Buffer.alloc(0);

function serve(socket: Socket): void {
  connections++;
  let input: Buffer = Buffer.alloc(0);
  socket.on("error", () => {});
  socket.on("data", (bytes) => {
    input = Buffer.concat([input, bytes]);
    while (input.length >= 4 && input.length >= 4 + input.readUInt32BE(0)) {
      const length = input.readUInt32BE(0);
      const reader = new Reader(input.subarray(4, 4 + length));
      input = input.subarray(4 + length);
      const type = reader.byte();
      reader.at += 4;
      const [streamId, frameId] = [reader.packed(), reader.packed()];
      if (type === 1) {
        const items: Record<string, Value> = {};
        while (!reader.isAtEnd) items[reader.text()] = reader.value();
        hellos.push(items);
        socket.write(agentHello());
      } else if (type === 3) {
        let actions: Buffer | "silence" | "junk" = Buffer.alloc(0);
        while (!reader.isAtEnd) {
          const name = reader.text();
          const args: Record<string, Value> = {};
          for (let count = reader.byte(); count > 0; count--) args[reader.text()] = reader.value();
          told.push({ name, args });
          const done = behave({ name, args });
          actions = typeof done === "string" || typeof actions === "string" ? done : Buffer.concat([actions, done]);
        }
        if (actions === "junk") socket.write(Buffer.from([0, 0, 0, 3, 99, 99, 99]));
        else if (actions !== "silence") socket.write(frame(103, streamId, frameId, actions));
      }
    }
  });
}

const agent = createServer(serve);
const sockets = new Set<Socket>();
agent.on("connection", (socket) => sockets.add(socket));
const [agentPort, httpPort, tcpPort, resilientPort] = await freePorts(4);
await new Promise<void>((listening) => agent.listen(agentPort, "127.0.0.1", listening));
t.teardown(() => {
  for (const socket of sockets) socket.destroy();
  agent.close();
});

const folder = mkdtempSync(join(tmpdir(), "ringway-spoe-"));
t.teardown(() => rmSync(folder, { recursive: true }));
writeFileSync(
  join(folder, "spoe.conf"),
  `
[web]
spoe-agent web-agent
  messages session request answer sometimes
  groups checks
  option var-prefix web
  option set-on-error failed
  option set-process-time took
  register-var-names unread
  timeout processing 200ms
  use-backend agents
spoe-message session
  args ip=src port=fe_id
  event on-client-session
spoe-message request
  args method=method path=path missing=req.hdr(x-none) yes=bool(true) big=int(9007199254740991) negative=int(-5)
  event on-frontend-http-request
spoe-message answer
  args status=status server=res.hdr(server)
  event on-http-response
spoe-message sometimes
  acl wanted path_beg /some
  args why=str(wanted)
  event on-frontend-http-request if wanted
spoe-message check
  args path=path
spoe-group checks
  messages check
[resilient]
spoe-agent resilient_agent
  messages first second
  option continue-on-error
  option set-on-error failed
  timeout processing 100ms
  use-backend agents
spoe-message first
  args at=str(first)
  event on-frontend-tcp-request
spoe-message second
  args at=str(second)
  event on-frontend-http-request
[raw]
spoe-agent raw_agent
  messages connected
  timeout processing 1s
  use-backend agents
spoe-message connected
  args ip=src
  event on-client-session
`,
);

const program = await startProgram(t, {
  config: `
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend web
  bind 127.0.0.1:${httpPort}
  filter spoe engine web config ${folder}/spoe.conf
  http-request send-spoe-group web checks if { path_beg /group }
  http-request deny deny_status 403 if { var(txn.web.score) -m int lt 20 }
  http-request deny deny_status 429 if { var(req.web.block) -m bool }
  http-request return status 200 hdr x-vars "%[var(sess.web.ip)] %[var(txn.web.score)] %[var(txn.web.who)] %[var(txn.web.gone,none)] %[var(txn.web.failed,none)]" if { path_beg /vars /some /group /slow /junk }
  http-after-response set-header x-answer "%[var(res.web.said)] %[var(txn.web.failed,none)]"
  default_backend origin
frontend resilient
  bind 127.0.0.1:${resilientPort}
  filter spoe engine resilient config ${folder}/spoe.conf
  http-request return status 200 hdr x-vars "%[var(txn.resilient_agent.failed,none)] %[var(txn.resilient_agent.second,none)]"
backend origin
  http-request return status 200 hdr server made-here if { path /made }
  server o 127.0.0.1:${resilientPort}
frontend raw
  mode tcp
  bind 127.0.0.1:${tcpPort}
  filter spoe engine raw config ${folder}/spoe.conf
  tcp-request content reject if { var(sess.raw_agent.bad) -m bool }
  default_backend raw-origin
backend raw-origin
  mode tcp
  server o 127.0.0.1:${resilientPort}
backend agents
  mode ${process.env.RINGWAY_TEST_SPOE_MODE ?? "spop"}
  server a 127.0.0.1:${agentPort}
`,
});

async function ask(port: number, path: string): Promise<{ status: string; header: (name: string) => string | null }> {
  const client = await connect(t, port);
  client.send(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`);
  await until(`the answer to ${path}`, () => readMessage(client.received, "response")?.complete === true);
  const head = client.received.slice(0, client.received.indexOf("\r\n\r\n"));
  client.destroy();
  return {
    status: head.split(" ")[1]!,
    header: (name) => new RegExp(`^${name}: (.*?)\r?$`, "im").exec(head)?.[1] ?? null,
  };
}

t.test("events bring arguments to the agent, and its actions become variables", async (t) => {
  told.length = 0;
  behave = ({ name }) =>
    name === "session"
      ? Buffer.concat([setVar(1, "ip", data.ipv4(192, 0, 2, 7)), setVar(2, "never_named", data.yes)])
      : name === "request"
        ? Buffer.concat([
            ...[setVar(2, "score", data.number(50)), setVar(2, "who", data.text("agent"))],
            ...[setVar(2, "gone", data.number(1)), unsetVar(2, "gone")],
          ])
        : Buffer.alloc(0);
  const { status, header } = await ask(httpPort, "/vars?x=1");
  t.same([status, header("x-vars")], ["200", "192.0.2.7 50 agent none none"]);
  t.match(told[0], { name: "session", args: { ip: { ipv4: "127.0.0.1" } } });
  t.same(told[1], {
    name: "request",
    args: { method: "GET", path: "/vars", missing: null, yes: true, big: 9007199254740991, negative: -5 },
  });
  t.equal(told.length, 2, "messages whose condition does not hold, and groups that no rule sends, are not sent");
  t.match(hellos[0], { "supported-versions": "2.0", "max-frame-size": 16380 });
  t.match(hellos[0]!.capabilities, /pipelining/);
});

t.test("conditions, groups, decisions", async (t) => {
  told.length = 0;
  behave = () => Buffer.alloc(0);
  await ask(httpPort, "/some");
  t.same(
    told.map(({ name }) => name),
    ["session", "request", "sometimes"],
    "one frame for the messages of an event",
  );
  behave = ({ name }) => (name === "check" ? setVar(3, "block", data.yes) : Buffer.alloc(0));
  t.equal((await ask(httpPort, "/group")).status, "429");
  t.match(told.at(-1), { name: "check", args: { path: "/group" } });
  behave = ({ name }) => (name === "request" ? setVar(2, "score", data.number(-1)) : Buffer.alloc(0));
  t.equal((await ask(httpPort, "/vars")).status, "403", "a negative number");
});

t.test("on-http-response", async (t) => {
  behave = ({ name, args }) =>
    name === "answer" ? setVar(4, "said", data.text(`${args.status}-${String(args.server)}`)) : Buffer.alloc(0);
  const { status, header } = await ask(httpPort, "/origin");
  t.same([status, header("x-answer")], ["200", "200-null none"]);
});

t.test("an agent that says nothing costs its time-out, once; one that talks nonsense costs nothing", async (t) => {
  behave = ({ name }) => (name === "request" ? "silence" : Buffer.alloc(0));
  const before = told.length;
  const slow = await ask(httpPort, "/slow");
  t.same([slow.status, slow.header("x-vars")?.split(" ").at(-1)], ["200", "1"], "the variable says why");
  t.notOk(
    told.slice(before).some(({ name }) => name === "answer"),
    "the engine is off for the rest of the stream",
  );
  behave = ({ name }) => (name === "request" ? "junk" : Buffer.alloc(0));
  const junk = await ask(httpPort, "/junk");
  t.equal(junk.status, "200");
  t.not(junk.header("x-vars")?.split(" ").at(-1), "none");
  behave = ({ name }) => (name === "request" ? Buffer.from([1, 3, 2, 250]) : Buffer.alloc(0));
  t.equal((await ask(httpPort, "/vars")).status, "200", "an action that is cut off");
});

t.test("continue-on-error: the next event is sent all the same", async (t) => {
  behave = ({ name }) =>
    name === "first" ? "silence" : name === "second" ? setVar(2, "second", data.text("told")) : Buffer.alloc(0);
  t.equal((await ask(resilientPort, "/")).header("x-vars"), "1 told");
});

t.test("mode tcp: before anything is forwarded", async (t) => {
  behave = ({ name }) => (name === "connected" ? setVar(1, "bad", data.yes) : Buffer.alloc(0));
  const refused = await connect(t, tcpPort);
  await until("the connection is closed", () => !refused.isOpen);
  behave = () => Buffer.alloc(0);
  t.equal((await ask(tcpPort, "/")).status, "200");
});

t.test("agents that go away: errors, and a new connection when one is back", async (t) => {
  for (const socket of sockets) socket.destroy();
  behave = ({ name }) => (name === "request" ? setVar(2, "who", data.text("again")) : Buffer.alloc(0));
  const before = connections;
  await until("served again", async () => (await ask(httpPort, "/vars")).header("x-vars")?.includes("again") === true);
  t.ok(connections > before);
  t.equal(program.exit, null);
});
