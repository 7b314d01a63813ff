// Persistence by cookies, end to end and side by side with HAProxy: the same requests to both, with the same configuration. What is compared
// is what the client gets (Set-Cookie, Cache-Control), what the server got (Cookie) and what the log says (server, termination flags).

import t from "tap";
import { type HttpMessage, headerValues, readMessage } from "./lab/http-message.ts";
import { findProgram, needs } from "./lab/needs.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect, type RawSocket, startRawOrigin } from "./lab/raw-socket.ts";
import { command, showStat } from "./lab/runtime-api.ts";
import { startSyslog } from "./lab/syslog.ts";
import { until } from "./lab/time.ts";

t.setTimeout(120_000);

const origin = await startRawOrigin(t);
/** Answers with the lines that the request's X-Answer asks for (`|` between them), and with the cookies it got as its body. */
origin.onConnection = (connection: RawSocket) => {
  connection.socket.on("data", () => {
    for (let request = readMessage(connection.received, "request"); request?.complete; ) {
      connection.received = connection.received.slice(request.bytes);
      const lines = headerValues(request, "x-answer").flatMap((value) => value.split("|"));
      const body = `<${headerValues(request, "cookie").join("><")}>`;
      const head = ["HTTP/1.1 200 OK", `Content-Length: ${body.length}`, ...lines.map((line) => line.trim())];
      connection.send(`${head.join("\r\n")}\r\n\r\n${body}`);
      request = readMessage(connection.received, "request");
    }
  });
};

/** Lines of each backend. `%` stands for the origin, `!` for a port where nobody listens. */
const SERVERS = "server s1 % cookie one\n  server s2 % cookie two";
const WITH_DOWN = `${SERVERS}\n  server s3 % cookie three disabled\n  server s4 ! cookie four weight 0\n  server s5 % weight 0`;
const BACKENDS: Readonly<Record<string, string>> = {
  insert: `cookie SRV insert\n  ${WITH_DOWN}`,
  indirect: `cookie SRV insert indirect\n  ${WITH_DOWN}`,
  nocache: `cookie SRV insert indirect nocache\n  ${SERVERS}`,
  postonly: `cookie SRV insert indirect postonly\n  ${SERVERS}`,
  preserve: `cookie SRV insert indirect preserve\n  ${SERVERS}`,
  decorated: `cookie SRV insert domain .a.com domain b.org httponly secure attr SameSite=Lax attr X=1\n  ${SERVERS}`,
  keyless: "cookie SRV insert\n  server s1 %",
  prefix: `cookie SID prefix\n  ${WITH_DOWN}`,
  rewrite: `cookie SRV rewrite\n  ${WITH_DOWN}`,
  passive: `cookie SRV\n  ${SERVERS}`,
  hidden: `cookie SRV indirect\n  ${SERVERS}`,
  maxidle: `cookie SRV insert indirect maxidle 1h\n  ${SERVERS}`,
  maxlife: `cookie SRV insert indirect maxlife 2h\n  ${SERVERS}`,
  both: `cookie SRV insert indirect maxidle 1h maxlife 2h\n  ${SERVERS}`,
  redispatch: `cookie SRV insert indirect\n  option redispatch\n  retries 1\n  ${WITH_DOWN}`,
  stubborn: `cookie SRV insert indirect\n  option persist\n  retries 0\n  ${WITH_DOWN}`,
  ruled: `cookie SRV insert indirect\n  force-persist if { hdr(x-force) 1 }\n  ignore-persist if { hdr(x-ignore) 1 }\n  ${WITH_DOWN}`,
  dynamic: "cookie SRV insert dynamic\n  dynamic-cookie-key secret\n  server s1 %\n  server s2 % cookie own",
};

interface Exchange {
  readonly backend: string;
  readonly cookie?: string;
  readonly method?: string;
  readonly answer?: string;
  readonly extra?: string;
}

/** A date as cookies have it, `secondsAgo` before now. */
function date(secondsAgo: number): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const quarters = Math.floor((Date.now() / 1000 - secondsAgo) / 4);
  return [4, 3, 2, 1, 0].map((i) => alphabet[Math.floor(quarters / 64 ** i) % 64]).join("");
}

const EVERYWHERE: readonly Omit<Exchange, "backend">[] = [
  {},
  { cookie: "SRV=one" },
  { cookie: "a=1; SRV=two; b=2" },
  { cookie: "SRV=two; b=2" },
  { cookie: "a=1; SRV=two" },
  { cookie: "a=1;SRV=two,b=2;  c=3" },
  { cookie: "SRV=nobody" },
  { cookie: "SRV=" },
  { cookie: "srv=one" },
  { cookie: "x; SRV=two; y" },
  { cookie: '$Version=1; SRV=one; $Path="/"; z="SRV=two;"; $Path=/z' },
  { cookie: "$Version=1; SRV=one; $Path=/" },
  { cookie: "a=1; SRV = two ; b = 2" },
  { cookie: "SRV=two; SRV=one" },
  { cookie: "SRV=one~data; q=1" },
  { cookie: "SRV=three" },
  { cookie: "SRV=four" },
  { cookie: "a=1\r\nCookie: SRV=two\r\nCookie: b=2" },
  { cookie: "SRV=one|garbage" },
  { answer: "Set-Cookie: SRV=server; path=/x" },
  { answer: "Set-Cookie: other=1|Set-Cookie: SRV=server; path=/x|Set-Cookie: more=2" },
  { cookie: "SRV=two", answer: "Set-Cookie: SRV=server; path=/x" },
  { cookie: "SRV=two", answer: "Set-Cookie: SRV = server" },
  { method: "POST" },
  { method: "POST", cookie: "SRV=two" },
];

const SPECIAL: readonly Exchange[] = [
  ...[
    {},
    { cookie: "SID=one~abc; x=1" },
    { cookie: "SID=one" },
    { cookie: "SID=two~" },
    { cookie: "SID=abc" },
    { cookie: "SID=three~abc" },
    { answer: "Set-Cookie: SID=abc; path=/" },
    { cookie: "SID=two~abc", answer: "Set-Cookie: SID = abc; path=/" },
  ].map((one) => ({ backend: "prefix", ...one })),
  ...[
    "Cache-Control: max-age=10",
    "Cache-Control: private, max-age=10",
    'Cache-Control: no-cache="set-cookie", max-age=1',
    "ETag: x",
    "Last-Modified: x",
    "Expires: x",
    "Pragma: no-cache|ETag: x",
    "Cache-Control: max-age=0",
    "Cache-Control: no-storeX|ETag: x",
    "X: y",
  ].map((answer) => ({ backend: "nocache", answer })),
  { backend: "nocache", answer: "Cache-Control: public|ETag: x", method: "POST" },
  ...["maxidle", "maxlife", "both"].flatMap((backend) => [
    { backend, cookie: `SRV=one|${date(60)}` },
    { backend, cookie: `SRV=one|${date(60)}|${date(600)}` },
    { backend, cookie: `SRV=one|${date(5000)}|${date(600)}` },
    { backend, cookie: `SRV=one|${date(60)}|${date(9000)}` },
    { backend, cookie: `SRV=one|${date(-200_000)}` },
    { backend, cookie: `SRV=one|${date(-600)}|${date(-600)}` },
    { backend, cookie: `SRV=nobody|${date(5000)}` },
    { backend, cookie: "SRV=one|a-b_c|!!!!!" },
    { backend, cookie: "SRV=one|||" },
  ]),
  { backend: "indirect", cookie: `SRV=one|${date(60)}|${date(600)}` },
  ...["x-force: 1", "x-ignore: 1", "x-force: 1\r\nx-ignore: 1"].flatMap((extra) =>
    ["SRV=one", "SRV=three", "SRV=four", "SRV=nobody"].map((cookie) => ({ backend: "ruled", cookie, extra })),
  ),
  { backend: "ruled", cookie: "SRV=one", extra: "x-ignore: 1", answer: "Set-Cookie: SRV=server" },
];

const EXCHANGES: readonly Exchange[] = [
  ...Object.keys(BACKENDS).flatMap((backend) => EVERYWHERE.map((one) => ({ backend, ...one }))),
  ...SPECIAL,
];

/** What one program did with all exchanges, a line each. */
async function observe(program?: string): Promise<string[]> {
  const [port, nobody, statsPort] = await freePorts(3);
  const syslog = await startSyslog(t);
  const names = Object.keys(BACKENDS);
  const backends = names.map((name) => `backend ${name}\n  ${BACKENDS[name]}\n`).join("");
  const running = await startProgram(t, {
    ...(program === undefined ? {} : { command: [program] }),
    config: `
global
  nbthread 1
  log ${syslog.address} local0
  stats socket ipv4@127.0.0.1:${statsPort} level admin
defaults
  mode http
  log global
  log-format "%b/%s %ST %tsc %rc %HQ"
  retries 0
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend web
  bind 127.0.0.1:${port}
  http-request del-header x-nothing
${names.map((name) => `  use_backend ${name} if { path /${name} }`).join("\n")}
${backends.replaceAll("%", `127.0.0.1:${origin.port}`).replaceAll("!", `127.0.0.1:${nobody}`)}`,
  });
  const client = await connect(t, port);
  const lines: string[] = [];
  for (const [index, exchange] of EXCHANGES.entries()) {
    const { backend, method = "GET", cookie, answer, extra } = exchange;
    const head = [
      `${method} /${backend}?n=${index} HTTP/1.1`,
      "Host: x",
      ...(cookie === undefined ? [] : [`Cookie: ${cookie}`]),
      ...(answer === undefined ? [] : [`X-Answer: ${answer}`]),
      ...(extra === undefined ? [] : [extra]),
      ...(method === "POST" ? ["Content-Length: 0"] : []),
    ];
    client.send(`${head.join("\r\n")}\r\n\r\n`);
    const response = await client.response({ method });
    const log = await syslog.expect(new RegExp(` \\?n=${index}$`));
    lines.push(`${JSON.stringify({ ...exchange, cookie: dated(cookie ?? "") })} => ${shown(response)} ${log.text}`);
  }
  const rows = await showStat(`127.0.0.1:${statsPort}`);
  lines.push(
    ...["prefix/BACKEND", "prefix/s1", "keyless/s1", "dynamic/s2"].map((row) => `${row} ${rows.get(row)?.cookie}`),
  );
  await running.stop();
  return lines;
}

function shown(response: HttpMessage): string {
  const values = ["set-cookie", "cache-control"].flatMap((name) => headerValues(response, name));
  return `${response.status} ${JSON.stringify(values.map(dated))} ${response.status === 200 ? response.body : ""}`;
}

/** The dates of the last hour as such: two programs do not run in the same second. */
function dated(text: string): string {
  const fresh = new Set(Array.from({ length: 40 }, (_, i) => date((i - 2) * 4)));
  return text.replace(/\|([A-Za-z0-9+/]{5})/g, (whole, found: string) => (fresh.has(found) ? "|NOW" : whole));
}

t.test("every mode, as HAProxy does it", needs("haproxy"), async (t) => {
  const [ours, theirs] = (await Promise.all([observe(), observe(findProgram("haproxy")!)])) as [string[], string[]];
  t.equal(ours.length, theirs.length);
  const differing = ours.map((line, i) => [line, theirs[i]!] as const).filter(([a, b]) => a !== b);
  t.same(
    differing.map(([a]) => a),
    differing.map(([, b]) => b),
    "the same answers, the same requests forwarded, the same log",
  );
});

t.test("option checkcache: no cookie that a cache could give to others", async (t) => {
  const port = (await freePorts(1))[0]!;
  const program = await startProgram(t, {
    config: `
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen main
  bind 127.0.0.1:${port}
  option checkcache
  server web1 127.0.0.1:${origin.port}
`,
  });
  const cases: readonly [answer: string, status: number][] = [
    ["Set-Cookie: x=1|Cache-Control: max-age=10", 502],
    ["Set-Cookie: x=1|ETag: a", 502],
    ["Set-Cookie: x=1", 200],
    ['Set-Cookie: x=1|Cache-Control: max-age=10, no-cache="set-cookie"', 200],
    ["Set-Cookie: x=1|Cache-Control: private|ETag: a", 200],
    ["Cache-Control: max-age=10", 200],
  ];
  for (const [answer, status] of cases) {
    const client = await connect(t, port);
    client.send(`GET / HTTP/1.1\r\nHost: x\r\nX-Answer: ${answer}\r\nConnection: close\r\n\r\n`);
    const response = await client.response();
    t.equal(response.status, status, answer);
    if (status === 502) t.same(headerValues(response, "set-cookie"), []);
  }
  await until("it is said", () =>
    /Blocking cacheable cookie in response from instance main, server web1\./.test(program.stderr),
  );
});

t.test("a configuration as people write it: the client stays with its server, and moves when that goes", async (t) => {
  const [port, statsPort] = await freePorts(2);
  await startProgram(t, {
    config: `
global
  stats socket ipv4@127.0.0.1:${statsPort} level admin
defaults
  mode http
  option redispatch
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend main
  bind 127.0.0.1:${port}
  default_backend nginx
backend nginx
  balance roundrobin
  cookie WEBSRV insert indirect nocache
  server web1 127.0.0.1:${origin.port} check cookie web1
  server web3 127.0.0.1:${origin.port} check cookie web3
`,
  });
  const stats = `127.0.0.1:${statsPort}`;
  const ask = async (cookie: string): Promise<string> => {
    const client = await connect(t, port);
    client.send(
      `GET / HTTP/1.1\r\nHost: x\r\n${cookie === "" ? "" : `Cookie: ${cookie}\r\n`}Connection: close\r\n\r\n`,
    );
    const response = await client.response();
    return headerValues(response, "set-cookie").join() || `stays ${response.body}`;
  };
  const [first] = (await ask("")).split(";");
  t.match(first, /^WEBSRV=web[13]$/);
  for (let i = 0; i < 6; i++) t.equal(await ask(`${first}; own=1`), "stays <own=1>");
  const gone = first!.slice("WEBSRV=".length);
  await command(stats, `set server nginx/${gone} state drain`);
  t.equal(await ask(first!), "stays <>", "a drained server keeps its own");
  await command(stats, `set server nginx/${gone} state maint`);
  const other = gone === "web1" ? "web3" : "web1";
  await until("the client is given the other", async () => (await ask(first!)) === `WEBSRV=${other}; path=/`);
  const rows = await showStat(stats);
  t.equal(rows.get("nginx/BACKEND")?.cookie, "WEBSRV");
  t.equal(rows.get(`nginx/${gone}`)?.cookie, gone);
});
