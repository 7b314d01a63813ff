// Termination states (configuration.txt 8.5): one scenario for each way in which a stream can end, and the four characters that its log
// line shows. The whole table was taken from HAProxy and holds for it as well (with %B in the format, HAProxy writes it at the end as we do).

import { createSocket } from "node:dgram";
import t from "tap";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect, type RawSocket, startRawOrigin } from "./lab/raw-socket.ts";
import { sleep, until } from "./lab/time.ts";

t.setTimeout(90_000);

interface Scenario {
  readonly name: string;
  /** Lines of the proxy; `/dead` is a port that refuses, `/origin` the origin. */
  readonly lines?: string;
  readonly mode?: "tcp";
  /** What the origin does when its first bytes have come. */
  readonly origin?: (connection: RawSocket) => void | Promise<void>;
  readonly client: (client: RawSocket) => void | Promise<void>;
  readonly state: string;
}

const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const get = (client: RawSocket): void => void client.send(GET);
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const PART = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello";
const CUT = (connection: RawSocket): void => {
  connection.send(PART);
  setTimeout(() => connection.destroy(), 50);
};
const BIG = `HTTP/1.1 200 OK\r\nContent-Length: 40000000\r\n\r\n${"x".repeat(20_000_000)}`;

const SCENARIOS: readonly Scenario[] = [
  { name: "all went well", origin: (connection) => void connection.send(OK), client: get, state: "----" },
  { name: "answered by a rule", lines: "http-request return status 200", client: get, state: "LR--" },
  { name: "redirected", lines: "http-request redirect location /x", client: get, state: "LR--" },
  { name: "denied", lines: "http-request deny", client: get, state: "PR--" },
  { name: "held in a tarpit", lines: "timeout tarpit 50ms\nhttp-request tarpit", client: get, state: "PT--" },
  { name: "no HTTP", client: (client) => void client.send("NO \r\n\r\n"), state: "PR--" },
  { name: "the head does not come", client: (client) => void client.send("GET / HT"), state: "cR--" },
  {
    name: "the client leaves in its head",
    client: async (client) => {
      client.send("GET / HT");
      await sleep(50);
      client.destroy();
    },
    state: "CR--",
  },
  { name: "the server refuses", lines: "retries 0\nserver s 127.0.0.1:DEAD", client: get, state: "SC--" },
  { name: "no server", lines: "server s 127.0.0.1:DEAD disabled", client: get, state: "SC--" },
  { name: "the server is silent", origin: () => {}, client: get, state: "sH--" },
  {
    name: "the server closes without an answer",
    origin: (connection) => connection.destroy(),
    client: get,
    state: "SH--",
  },
  {
    name: "no answer that is one",
    origin: (connection) => void connection.send("no\r\n\r\n"),
    client: get,
    state: "PH--",
  },
  {
    name: "the answer is denied",
    lines: "http-response deny",
    origin: (connection) => void connection.send(OK),
    client: get,
    state: "PH--",
  },
  { name: "the server closes in its body", origin: CUT, client: get, state: "SD--" },
  {
    name: "the server stops in its body",
    origin: (connection) => void connection.send(PART),
    client: get,
    state: "sD--",
  },
  {
    name: "the client leaves in the body",
    origin: async (connection) => {
      connection.send(PART);
      await sleep(100);
      connection.send("more");
      await sleep(50);
      connection.send("more");
    },
    client: async (client) => {
      client.send(GET);
      await client.expect("hello");
      client.reset();
    },
    state: "CD--",
  },
  {
    name: "the client does not read",
    origin: (connection) => void connection.send(BIG),
    client: (client) => {
      client.pause();
      client.send(GET);
    },
    state: "cD--",
  },
  {
    name: "the client leaves while the server thinks",
    lines: "option abortonclose",
    origin: () => {},
    client: async (client) => {
      client.send(GET);
      await sleep(50);
      client.destroy();
    },
    state: "CH--",
  },
  {
    name: "the client's body does not come",
    origin: () => {},
    client: (client) => void client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"),
    state: "cH--",
  },
  {
    name: "a cookie for a server that is there",
    lines: "cookie S insert indirect\nserver a 127.0.0.1:ORIGIN cookie a",
    origin: (connection) => void connection.send(OK),
    client: (client) => void client.send("GET / HTTP/1.1\r\nHost: h\r\nCookie: S=a\r\n\r\n"),
    state: "--VN",
  },
  {
    name: "tcp: the server refuses",
    mode: "tcp",
    lines: "retries 0\nserver s 127.0.0.1:DEAD",
    client: get,
    state: "SC",
  },
  { name: "tcp: rejected by a rule", mode: "tcp", lines: "tcp-request content reject", client: get, state: "PR" },
  { name: "tcp: nobody speaks", mode: "tcp", origin: () => {}, client: () => {}, state: "sD" },
  {
    name: "tcp: the server closes",
    mode: "tcp",
    origin: (connection) => {
      connection.end();
    },
    client: (client) => {
      client.send("x");
      client.end();
    },
    state: "--",
  },
];

const origin = await startRawOrigin(t);
const ports = await freePorts(SCENARIOS.length + 1);
const dead = ports.at(-1)!;
const log = createSocket("udp4");
const lines: string[] = [];
log.on("message", (data) => lines.push(data.toString("latin1").trim()));
await new Promise<void>((resolve) => log.bind(0, "127.0.0.1", resolve));
t.teardown(() => log.close());

await startProgram(t, {
  config: `global
  log 127.0.0.1:${log.address().port} format raw local0
defaults
  log global
  timeout connect 300ms
  timeout client 500ms
  timeout server 300ms
  timeout http-request 300ms
${SCENARIOS.map(({ mode = "http", lines: own = "" }, i) => {
  const text = own.replaceAll("DEAD", String(dead)).replaceAll("ORIGIN", String(origin.port));
  return `listen p${i}
  mode ${mode}
  bind 127.0.0.1:${ports[i]}
  log-format "%f ${mode === "tcp" ? "%ts" : "%tsc"} %B"
${text.replace(/^/gm, "  ")}
${/^\s*server/m.test(text) ? "" : `  server o 127.0.0.1:${origin.port}`}
`;
}).join("")}`,
});

for (const [i, { name, origin: answer, client: act, state }] of SCENARIOS.entries()) {
  t.test(`${state} ${name}`, async (t) => {
    origin.onConnection = (connection) => {
      connection.socket.once("data", () => void answer?.(connection));
    };
    const client = await connect(t, ports[i]!);
    await act(client);
    await until(`the line of ${name}`, () => lines.some((line) => line.startsWith(`p${i} `)), 5000);
    t.equal(lines.find((line) => line.startsWith(`p${i} `))!.replace(/ \d+$/, ""), `p${i} ${state}`);
    client.destroy();
  });
}
