// Log formats beyond the plain line: objects as JSON and CBOR, unique IDs, structured data, sampled targets, lines of connections that never
// were a request. Expectations were taken from HAProxy; where the test runs with one that knows a format, they hold for it as well.

import { createSocket } from "node:dgram";
import t from "tap";
import { basics } from "./lab/config.ts";
import { get } from "./lab/http-origin.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect } from "./lab/raw-socket.ts";
import { until } from "./lab/time.ts";

t.setTimeout(60_000);

const ODD = '"a\\b\u00c3\u00a9\u00e9';

interface Case {
  readonly name: string;
  readonly lines: string;
  readonly expected: string | RegExp;
}

const CASES: readonly Case[] = [
  {
    name: "named items become an object",
    lines:
      'log-format "%{+json}o %(a)ci %(b)ST text %(c)[var(txn.h)] %[int(3)] %(d)[int(5)] %(e)[bool(true)] %(f)CC %(g)[var(txn.no)] %(h)HU %(hr)hr"',
    expected:
      '{"a": "127.0.0.1", "b": 200, "c": "\\"a\\\\b\u00c3\u00a9\\u00e9", "d": 5, "e": true, "f": "", "g": "", "h": "/", "hr": null}',
  },
  {
    name: "types on request",
    lines:
      'log-format "%(x:str)[int(5)] %{+json}o %(b:sint)[str(12)] %(c:bool)[int(3)] %(d:str)ST %(z:sint)[str(a12)]"',
    expected: '{"x": "5", "b": 12, "c": true, "d": "200", "z": 0}',
  },
  {
    name: "one item by itself",
    lines: 'log-format "%{+json}[var(txn.h)] %{+json}ci %(q){+json}[int(4)] %{+cbor}[str(a)]"',
    expected: '"\\"a\\\\b\u00c3\u00a9\\u00e9" "127.0.0.1" 4 6161',
  },
  {
    name: "CBOR as digits",
    lines:
      'log-format "%{+cbor}o %(a)ci %(c)[var(txn.no)] %(d)[int(500)] %(e)[bool(true)] %(f)CC %(n)[int(-5)] %(bin)[bin(0102)] %(st)ST"',
    expected: "BF6161693132372E302E302E316163F661641901F46165F56166F6616E246362696E5F420102FF6273741 8C8FF".replace(
      " ",
      "",
    ),
  },
  {
    name: "CBOR as bytes",
    lines: 'log-format "%{+cbor,+bin}o %(a)ci %(b)[int(70000)]"',
    expected: "\u00bfaai127.0.0.1ab\u001a\u0000\u0001\u0011p\u00ff",
  },
  {
    name: "unique ids stay the same",
    lines:
      'unique-id-format %[uuid]\nunique-id-header X-ID\nhttp-request set-var(txn.id) unique-id\nlog-format "%ID %[var(txn.id)]"',
    expected: /^([0-9a-f-]{36}) \1$/,
  },
  {
    name: "option httpslog",
    lines: "option httpslog",
    expected: /LR-- \d+\/\d+\/0\/0\/0 0\/0 "GET \/ HTTP\/1\.1" 0\/-\/-\/-\/0 -\/-\/-$/,
  },
  {
    name: "option httplog json",
    lines: "option httplog json",
    expected: /^\{"client_ip": "127\.0\.0\.1", .*"http_version": "HTTP\/1\.1"\}$/,
  },
];

/** Datagrams as they come, without their line feed. */
async function startReceiver(): Promise<{ readonly port: number; next(): Promise<string> }> {
  const socket = createSocket("udp4");
  const lines: string[] = [];
  socket.on("message", (data) => lines.push(data.toString("latin1").replace(/\n$/, "")));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  t.teardown(() => socket.close());
  const next = async (): Promise<string> => {
    await until("a log line", () => lines.length > 0);
    return lines.shift()!;
  };
  return { port: socket.address().port, next };
}

const syslog = await Promise.all(CASES.map(() => startReceiver()));
const special = await Promise.all([startReceiver(), startReceiver(), startReceiver()]);
const ports = await freePorts(CASES.length + 3);
const [structured, sampled, failing] = ports.slice(-3) as [number, number, number];
const frontend = (port: number, target: string, lines: string): string => `
frontend f${port}
  bind 127.0.0.1:${port}
  log ${target} local0
  http-request set-var(txn.h) req.hdr(x)
${lines.replace(/^/gm, "  ")}
  http-request return status 200
`;
await startProgram(t, {
  config: `${basics("nbthread 2")}
${CASES.map(({ lines }, i) => frontend(ports[i]!, `127.0.0.1:${syslog[i]!.port} format raw`, lines)).join("")}
${frontend(structured, `127.0.0.1:${special[0].port} format rfc5424`, 'log-format-sd "[x@1 h=\\"%{+E}[var(txn.h)]\\"]"\nlog-format "line"')}
${frontend(sampled, `127.0.0.1:${special[1].port} format raw sample 1,3-4:5`, 'log-format "%HU"')}
frontend failing
  bind 127.0.0.1:${failing} accept-proxy
  log 127.0.0.1:${special[2].port} format raw local0
  error-log-format "failed %ci %f %B"
  log-format "%ci"
`,
});

for (const [i, { name, expected }] of CASES.entries()) {
  t.test(name, async (t) => {
    await get(ports[i]!, "/", { headers: { x: ODD } });
    const line = await syslog[i]!.next();
    if (typeof expected === "string") t.equal(line, expected);
    else t.match(line, expected);
    if (name.endsWith("json")) t.match(JSON.parse(line), { status_code: 200, captured_request_headers: null });
  });
}

t.test("structured data stands in its place", async (t) => {
  await get(structured, "/", { headers: { x: 'a"]b' } });
  t.match(await special[0].next(), /^<134>1 \S+ - \S+ \d+ - \[x@1 h="a\\"\\\]b"\] line$/);
});

t.test("of five lines the first, third and fourth are sent, whatever worker writes them", async (t) => {
  for (let i = 1; i <= 10; i++) await get(sampled, `/${i}`);
  const lines = [];
  for (let i = 0; i < 6; i++) lines.push(await special[1].next());
  t.same(lines, ["/1", "/3", "/4", "/6", "/8", "/9"]);
});

t.test("a connection that fails before its request", async (t) => {
  const client = await connect(t, failing);
  client.send("no PROXY header\r\n\r\n");
  t.match(await special[2].next(), /^failed 127\.0\.0\.1 failing 0$/);
});
