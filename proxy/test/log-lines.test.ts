// The same exchanges through HAProxy and through ringway, with the same configuration: their log lines must be the same, but for what
// differs from run to run (ports, dates, process ids, how long things took) and for how they count the bytes of heads.
//
// Told apart on purpose: what HAProxy 2.6 logs otherwise than 3.2, which ringway follows, is not part of the cases.

import { createServer, type Socket } from "node:net";
import t from "tap";
import { findProgram, needs } from "./lab/needs.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram, type Teardown } from "./lab/program.ts";
import { connect } from "./lab/raw-socket.ts";
import { type Syslog, startSyslog } from "./lab/syslog.ts";
import { sleep, until } from "./lab/time.ts";

const CUSTOM =
  "%ci:%cp [%t] %f %b/%s %TR/%Tw/%Tc/%Tr/%Ta/%Tt %ST %B %CC %CS %tsc %ts %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs | %HM %HP %HU %HV %ID " +
  "%{+Q}b %{+Q}s %{+E}r %{+Q}HQ %sp %fp %{+X}ci %H é";

const PROXIES = ["http", "custom", "asap", "errors", "null", "tcp", "tcp_null"] as const;
type ProxyName = (typeof PROXIES)[number];

function configuration(log: string, ports: Record<ProxyName, number>, origin: number, dead: number): string {
  return `global
    log ${log} local0
defaults
    mode http
    log global
    timeout connect 500ms
    timeout client 600ms
    timeout server 300ms
    timeout http-request 300ms
    retries 2
    option httplog
frontend http
    bind 127.0.0.1:${ports.http}
    use_backend dead if { path /dead }
    use_backend nobody if { path /nobody }
    default_backend origin
frontend custom
    bind 127.0.0.1:${ports.custom}
    log-format "${CUSTOM}"
    use_backend dead if { path /dead }
    default_backend origin
frontend asap
    bind 127.0.0.1:${ports.asap}
    option logasap
    default_backend origin
frontend errors
    bind 127.0.0.1:${ports.errors}
    option log-separate-errors
    option dontlog-normal
    use_backend dead if { path /dead }
    default_backend origin
frontend null
    bind 127.0.0.1:${ports.null}
    option dontlognull
    default_backend origin
listen tcp
    mode tcp
    option tcplog
    bind 127.0.0.1:${ports.tcp}
    server s1 127.0.0.1:${origin}
listen tcp_null
    mode tcp
    option tcplog
    option dontlognull
    bind 127.0.0.1:${ports.tcp_null}
    server s1 127.0.0.1:${origin}
backend origin
    server s1 127.0.0.1:${origin}
backend dead
    server d1 127.0.0.1:${dead}
backend nobody
`;
}

/** An origin that does what the request's path says. */
async function startOrigin(t: Teardown): Promise<number> {
  const server = createServer((socket: Socket) => {
    let head = "";
    socket.on("error", () => {});
    socket.on("data", (data) => {
      head += data.toString("latin1");
      const path = /^\S+ (?:http:\/\/[^/]*)?\/?([a-z0-9]*).*\r\n\r\n/s.exec(head)?.[1];
      if (path === undefined) return;
      head = "";
      if (path === "silent") return;
      if (path === "hangup") socket.end();
      else if (path === "bad") socket.end("this is not HTTP\r\n\r\n");
      else if (path === "cut") socket.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
      else if (path === "stall") socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
      else socket.write(`HTTP/1.1 ${/^\d+$/.test(path) ? path : "200"} Said\r\nContent-Length: 2\r\n\r\nok`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

interface Exchange {
  readonly proxy: ProxyName;
  readonly send: string;
  /** What the client does once it has sent: waits for the other end, ends its direction, or resets after 100 ms. */
  readonly after?: "wait" | "end" | "reset";
}

const get = (path: string, version = "1.1") =>
  `GET ${path} HTTP/${version}\r\nHost: a.example\r\nConnection: close\r\n\r\n`;

const EXCHANGES: readonly Exchange[] = [
  ...["/", "/404?x=1", "/503", "/dead", "/nobody", "/hangup", "/bad", "/cut", "/silent"].map((path) => {
    return { proxy: "http", send: get(path) } as const;
  }),
  { proxy: "http", send: get("/", "1.0") },
  { proxy: "http", send: "HEAD /index.html HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" },
  { proxy: "http", send: "POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc" },
  { proxy: "http", send: "BREW /pot?milk=\\]{|}'<>~\" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" },
  { proxy: "http", send: "NONSENSE\r\n\r\n" },
  { proxy: "http", send: "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n" },
  { proxy: "http", send: "GET /never-ends HTTP/1.1\r\nHos" },
  { proxy: "http", send: "GET /ends HTTP/1.1\r\nHos", after: "end" },
  { proxy: "http", send: "", after: "end" },
  { proxy: "http", send: "" },
  { proxy: "custom", send: get("/a/b?c=d&e") },
  { proxy: "custom", send: get("/dead") },
  { proxy: "custom", send: "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" },
  { proxy: "custom", send: "GET http://a.example/absolute?q HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n" },
  { proxy: "asap", send: get("/") },
  { proxy: "asap", send: get("/silent") },
  { proxy: "errors", send: get("/") },
  { proxy: "errors", send: get("/404") },
  { proxy: "errors", send: get("/500") },
  { proxy: "errors", send: get("/dead") },
  { proxy: "null", send: "", after: "end" },
  { proxy: "null", send: get("/") },
  { proxy: "null", send: "x", after: "end" },
  { proxy: "tcp", send: get("/200") },
  { proxy: "tcp", send: get("/hangup") },
  { proxy: "tcp", send: get("/silent") },
  { proxy: "tcp_null", send: "", after: "end" },
];

/** A line without what no two runs share. Times that were not reached (-1) and `+` signs stay. */
function normal(raw: string, isTcp: boolean): string {
  return raw
    .replace(/^<(\d+)>\w{3} [ \d]\d \d\d:\d\d:\d\d \w+\[\d+\]: /, "<$1>")
    .replace(/^(<\d+>[\d.]+):\d+ /, "$1:PORT ")
    .replaceAll(/\[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d\.\d{3}\]/g, "[DATE]")
    .replace(/ ((?:\+?-?\d+\/)+\+?-?\d+) /, (_, times: string) => ` ${times.replaceAll(/(?<!-)\b\d+/g, "MS")} `)
    .replace(isTcp ? /(MS )([1-9]\d*) / : /(MS -?\d+ \+?)[1-9]\d* /, "$1BYTES ");
}

interface Subject {
  readonly syslog: Syslog;
  readonly ports: Record<ProxyName, number>;
}

async function startSubject(t: Teardown, origin: number, dead: number, command?: readonly string[]): Promise<Subject> {
  const syslog = await startSyslog(t);
  const free = await freePorts(PROXIES.length);
  const ports = Object.fromEntries(PROXIES.map((name, i) => [name, free[i]!])) as Record<ProxyName, number>;
  const config = configuration(syslog.address, ports, origin, dead);
  await startProgram(t, command === undefined ? { config } : { config, command: [...command, "-db"] });
  return { syslog, ports };
}

/** Plays the exchange and gives the lines that came of it. */
async function linesOf(t: Teardown, subject: Subject, exchange: Exchange): Promise<string[]> {
  const { messages } = subject.syslog;
  const before = messages.length;
  const client = await connect(t, subject.ports[exchange.proxy]);
  client.send(exchange.send);
  if (exchange.after === "end") client.end();
  if (exchange.after === "reset") {
    await sleep(100);
    client.reset();
  } else {
    await client.closed();
    client.destroy();
  }
  await sleep(50); // so that neither counts the connection of the exchange before
  if (exchange.proxy !== "errors" && !exchange.proxy.endsWith("null")) {
    await until(`a line about ${JSON.stringify(exchange)}`, () => messages.length > before);
  }
  return messages.slice(before).map(({ raw }) => normal(raw, exchange.proxy.startsWith("tcp")));
}

t.test("lines like HAProxy's", needs("haproxy"), async (t) => {
  const origin = await startOrigin(t);
  const [dead] = await freePorts(1);
  const haproxy = await startSubject(t, origin, dead!, [findProgram("haproxy")!]);
  const ringway = await startSubject(t, origin, dead!);
  for (const exchange of EXCHANGES) {
    const [expected, found] = await Promise.all([linesOf(t, haproxy, exchange), linesOf(t, ringway, exchange)]);
    const port = (line: string) =>
      line.replaceAll(String(haproxy.ports.custom), "FP").replaceAll(String(ringway.ports.custom), "FP");
    t.strictSame(
      found.map(port),
      expected.map(port),
      `${exchange.proxy}: ${JSON.stringify(exchange.send)}, ${exchange.after ?? "wait"}`,
    );
  }
});
