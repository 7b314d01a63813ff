// What the proxy adds to, takes from and leaves in the heads that it passes on: X-Forwarded-For and X-Original-To with all their
// options, hop-by-hop headers, and everything else untouched and in order.

import t from "tap";
import { basics, listen } from "./lab/config.ts";
import { type HttpMessage, header, headerValues } from "./lab/http-message.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { type ConnectOptions, connect, startRawOrigin } from "./lab/raw-socket.ts";
import { until } from "./lab/time.ts";

t.setTimeout(120_000);

const origin = await startRawOrigin(t);

/** One `listen` for each set of options. */
const SECTIONS: Readonly<Record<string, string>> = {
  plain: "",
  forwardfor: "option forwardfor",
  "forwardfor except": "option forwardfor except 127.0.0.1",
  "forwardfor except net": "option forwardfor except 127.0.0.0/8",
  "forwardfor except other": "option forwardfor except 127.0.0.2",
  "forwardfor header": "option forwardfor header X-Client",
  "forwardfor if-none": "option forwardfor if-none",
  "forwardfor all": "option forwardfor except 127.0.0.2 header X-Client if-none",
  originalto: "option originalto",
  "originalto except": "option originalto except 127.0.0.1",
  "originalto header": "option originalto header X-Dst",
  both: "option forwardfor\noption originalto",
  close: "option httpclose",
};
const names = Object.keys(SECTIONS);
const ports = await freePorts(names.length + 4);
const portOf = (name: string): number => ports[names.indexOf(name)]!;
const [ipv6Port, backendPort, exceptPort, ifNonePort] = ports.slice(-4) as [number, number, number, number];
const program = await startProgram(t, {
  config: `${basics("nbthread 1", "http-reuse never")}
${names.map((name) => listen(name.replaceAll(" ", "-"), portOf(name), `${SECTIONS[name]}\nserver s 127.0.0.1:${origin.port}`)).join("")}
listen ipv6
  bind ::1:${ipv6Port}
  option forwardfor except ::2
  option originalto
  server s 127.0.0.1:${origin.port}
frontend in
  bind 127.0.0.1:${backendPort}
  option forwardfor header X-Frontend
  default_backend out
frontend in-except
  bind 127.0.0.1:${exceptPort}
  option forwardfor except 127.0.0.1
  default_backend out
frontend in-if-none
  bind 127.0.0.1:${ifNonePort}
  option forwardfor if-none
  use_backend out if { path_beg /p }
backend out
  option forwardfor header X-Backend
  server s 127.0.0.1:${origin.port}
`,
});

/** The request as it arrives at the origin. */
async function forwarded(port: number, lines: string, options?: ConnectOptions): Promise<HttpMessage> {
  origin.connections.length = 0;
  const client = await connect(t, port, options);
  client.send(`GET /p?q HTTP/1.1\r\nHost: a\r\n${lines}\r\n`);
  await until("the origin is asked", () => origin.connections.length > 0);
  const request = await origin.connections[0]!.request();
  client.destroy();
  return request;
}

t.test("option forwardfor", async (t) => {
  const from2 = { localAddress: "127.0.0.2" };
  const xff = async (name: string, lines = "", options?: ConnectOptions, key = "x-forwarded-for"): Promise<string[]> =>
    headerValues(await forwarded(portOf(name), lines, options), key);
  t.same(await xff("plain"), [], "not without the option");
  t.same(await xff("forwardfor"), ["127.0.0.1"]);
  t.same(await xff("forwardfor", "", from2), ["127.0.0.2"]);
  t.same(
    await xff("forwardfor", "X-Forwarded-For: 1.2.3.4\r\n"),
    ["1.2.3.4", "127.0.0.1"],
    "added after the one there",
  );
  t.same(await xff("forwardfor except"), []);
  t.same(await xff("forwardfor except", "", from2), ["127.0.0.2"]);
  t.same(await xff("forwardfor except", "X-Forwarded-For: 1.2.3.4\r\n"), ["1.2.3.4"]);
  t.same(await xff("forwardfor except net", "", from2), []);
  t.same(await xff("forwardfor except other"), ["127.0.0.1"]);
  t.same(await xff("forwardfor header"), []);
  t.same(await xff("forwardfor header", "", undefined, "x-client"), ["127.0.0.1"]);
  t.same(await xff("forwardfor if-none"), ["127.0.0.1"]);
  t.same(await xff("forwardfor if-none", "x-forwarded-for: 1.2.3.4\r\n"), ["1.2.3.4"]);
  t.same(await xff("forwardfor all", "", from2, "x-client"), []);
  t.same(await xff("forwardfor all", "", undefined, "x-client"), ["127.0.0.1"]);
  t.same(await xff("forwardfor all", "X-Client: mine\r\n", undefined, "x-client"), ["mine"]);
  t.same(await xff("forwardfor all", "X-Forwarded-For: 1.2.3.4\r\n", undefined, "x-client"), ["127.0.0.1"]);
  t.same(
    await xff("forwardfor", "Connection: X-Forwarded-For\r\nX-Forwarded-For: 1.2.3.4\r\n"),
    ["1.2.3.4", "127.0.0.1"],
    "a client cannot have the header taken out by naming it in Connection",
  );
});

t.test("option originalto", async (t) => {
  const xot = async (name: string, key = "x-original-to", lines = ""): Promise<string[]> =>
    headerValues(await forwarded(portOf(name), lines), key);
  t.same(await xot("plain"), []);
  t.same(await xot("originalto"), ["127.0.0.1"]);
  t.same(await xot("originalto except"), []);
  t.same(await xot("originalto header", "x-dst"), ["127.0.0.1"]);
  const both = await forwarded(portOf("both"), "");
  t.same([header(both, "x-forwarded-for"), header(both, "x-original-to")], ["127.0.0.1", "127.0.0.1"]);
});

t.test("IPv6", async (t) => {
  const request = await forwarded(ipv6Port, "", { host: "::1" });
  t.equal(header(request, "x-forwarded-for"), "::1");
  t.equal(header(request, "x-original-to"), "::1");
});

t.test("frontend and backend with options of their own", async (t) => {
  const request = await forwarded(backendPort, "");
  t.same(
    request.headers.filter(([name]) => name.startsWith("x-")),
    [["x-backend", "127.0.0.1"]],
    "the backend's header name wins, and one header is added",
  );
  const backendHeader = async (port: number, lines = ""): Promise<string[]> =>
    headerValues(await forwarded(port, lines), "x-backend");
  t.same(await backendHeader(exceptPort), [], "who is excepted by either gets none");
  t.same(
    await backendHeader(ifNonePort, "X-Backend: 1.2.3.4\r\n"),
    ["1.2.3.4", "127.0.0.1"],
    "if-none of one is not enough",
  );
});

t.test("everything else passes untouched and in order", async (t) => {
  const lines = [
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64)",
    "Accept: text/html,*/*;q=0.8",
    "Accept-Encoding: gzip, br",
    "Cookie: a=b; c=d",
    "X-One: 1",
    "X-Two: a,  b",
    "X-One: 2",
    "Keep-Alive: timeout=5",
    "Proxy-Connection: keep-alive",
    "Via: 1.1 elsewhere",
    "X-Latin: caf\xe9",
  ];
  const request = await forwarded(portOf("plain"), `${lines.join("\r\n")}\r\n`);
  t.equal(request.startLine, "GET /p?q HTTP/1.1");
  t.same(
    request.headers.map(([name, value]) => `${name}: ${value}`),
    ["host: a", ...lines.map((line) => line.slice(0, line.indexOf(":")).toLowerCase() + line.slice(line.indexOf(":")))],
  );
});

t.test("Connection is the proxy's own affair", async (t) => {
  t.equal(header(await forwarded(portOf("plain"), "Connection: keep-alive\r\n"), "connection"), undefined);
  t.equal(header(await forwarded(portOf("plain"), "Connection: close\r\n"), "connection"), undefined);
  t.equal(header(await forwarded(portOf("close"), "Connection: keep-alive\r\n"), "connection"), "close");
  t.equal(header(await forwarded(portOf("close"), ""), "connection"), "close");
  t.equal(header(await forwarded(portOf("plain"), "Upgrade: h2c\r\nConnection: Upgrade\r\n"), "upgrade"), undefined);
});

t.test("answers pass untouched as well", async (t) => {
  origin.connections.length = 0;
  const client = await connect(t, portOf("plain"));
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await until("the origin is asked", () => origin.connections.length > 0);
  await origin.connections[0]!.request();
  origin.connections[0]!.send(
    'HTTP/1.1 207 Multi-Status here\r\nServer: X\r\nSet-Cookie: a=1\r\nETag: "x"\r\nSet-Cookie: b=2\r\n' +
      "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok",
  );
  const answer = await client.response();
  t.equal(answer.startLine, "HTTP/1.1 207 Multi-Status here");
  t.same(answer.headers, [
    ["server", "X"],
    ["set-cookie", "a=1"],
    ["etag", '"x"'],
    ["set-cookie", "b=2"],
    ["keep-alive", "timeout=5"],
    ["content-length", "2"],
  ]);
});

t.test("nothing of this disturbed the program", async (t) => {
  t.equal(program.exit, null);
});
