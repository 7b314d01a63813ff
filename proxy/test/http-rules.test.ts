// Rules end to end: what a client gets from deny, return and redirect, what a server gets after header, target and address actions, and what
// the log and the statistics say of both. Where ringway is stricter than HAProxy on purpose, the case says so.

import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { readMessage } from "./lab/http-message.ts";
import { freePorts } from "./lab/ports.ts";
import { IS_HAPROXY, startProgram } from "./lab/program.ts";
import { connect, type RawSocket, startRawOrigin } from "./lab/raw-socket.ts";
import { showStat } from "./lab/runtime-api.ts";
import { startSyslog } from "./lab/syslog.ts";
import { until } from "./lab/time.ts";

t.setTimeout(120_000);

const origin = await startRawOrigin(t);
const syslog = await startSyslog(t);
/** Request heads as the origin got them, and what it answers. */
const forwarded: string[] = [];
let answer = "";
const PLAIN_ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One: 1\r\nx-two: a, b\r\n\r\nhi";
origin.onConnection = (connection: RawSocket) => {
  connection.socket.on("data", () => {
    for (let request = readMessage(connection.received, "request"); request?.complete; ) {
      forwarded.push(connection.received.slice(0, connection.received.indexOf("\r\n\r\n")));
      connection.received = connection.received.slice(request.bytes);
      connection.send(answer);
      request = readMessage(connection.received, "request");
    }
  });
};

const [answers, edits, parts, addresses, responses, listenPort, statsPort] = await freePorts(7);
const bodyFile = join(tmpdir(), `ringway-rules-${process.pid}.txt`);
const errorFile = join(tmpdir(), `ringway-rules-${process.pid}.http`);
writeFileSync(bodyFile, "path %[path]\n");
writeFileSync(errorFile, "HTTP/1.1 418 Teapot\r\nContent-Length: 3\r\nX-E: 1\r\n\r\npot");
t.teardown(() => {
  rmSync(bodyFile);
  rmSync(errorFile);
});

await startProgram(t, {
  config: `
global
  log ${syslog.address} local0
  stats socket ipv4@127.0.0.1:${statsPort} level admin
defaults
  mode http
  log global
  log-format "%ci %f %b/%s %ST %ts %{+Q}r"
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend answers
  bind 127.0.0.1:${answers}
  http-request deny if { path /deny }
  http-request deny deny_status 429 if { path /deny-status }
  http-request deny status 404 if { path /deny-empty }
  http-request deny status 410 content-type text/plain string "no way" hdr x-a "b %[path]" if { path /deny-string }
  http-request return if { path /return }
  http-request return status 299 hdr x-h "v %[hdr(nope)]|" hdr x-none "%[hdr(nope)]" if { path /return-hdr }
  http-request return content-type a/b lf-string "a  %[path] %[hdr(nope)]%{+Q}[path] %HM" if { path /return-lf }
  http-request return content-type a/b lf-file ${bodyFile} if { path /return-lf-file }
  http-request return content-type a/b file ${bodyFile} if { path /return-file }
  http-request return status 499 errorfile ${errorFile} if { path /return-errorfile }
  http-request redirect location /new if { path /location }
  http-request redirect location /new%[path] code 301 if { path /location-301 }
  http-request redirect location /a?b=c keep-query if { path /keep-query }
  http-request redirect location %[hdr(nope)] ignore-empty if { path /ignore-empty }
  http-request redirect prefix http://x.y if { path /prefix }
  http-request redirect prefix http://x.y drop-query append-slash code 303 if { path /slash }
  http-request redirect prefix / code 307 set-cookie SEEN=1 if { path /same }
  http-request redirect prefix / code 308 clear-cookie SEEN= if { path /clear }
  http-request redirect scheme https if { path /scheme }
  http-request return status 200 content-type a/b string late if { path /ignore-empty }
  http-request allow if { path /allow } or { path /last }
  http-request deny
  redirect location /by-keyword if { path /allow }
  redirect prefix /%[path] if { path /last }
  default_backend origin
frontend edits
  bind 127.0.0.1:${edits}
  http-request set-header X-Set "v  %[path]%[hdr(nope)]" if { path /set }
  http-request add-header x-set 2 if { path /set }
  http-request set-header X-Empty "%[hdr(nope)]" if { path /set }
  http-request set-header x-old "<%[hdr(x-old)]>" if { path /old }
  http-request set-header Host other.com if { path /host }
  http-request add-header x-host %[hdr(host)] if { path /host }
  http-request del-header x-gone
  http-request del-header host if { path /no-host }
  http-request del-header x-beg- -m beg if { path /del }
  http-request del-header -end -m end if { path /del }
  http-request del-header sub -m sub if { path /del }
  http-request del-header ^x-[0-9]+$ -m reg if { path /del }
  http-request del-header c -m beg if { path /framing }
  http-request replace-header x-r a(.*)c <\\1> if { path /replace }
  http-request replace-value x-v a(.*)c <\\1> if { path /replace }
  http-request set-header x-encoded %[urlp(a)] if { path /encoded }
  http-request set-header x-log "%HM %HU %HP %HQ %f %b %ci" if { path /log }
  default_backend origin
frontend parts
  bind 127.0.0.1:${parts}
  http-request set-path /new%[path] if { path_beg /path }
  http-request set-pathq /new%[path]?q if { path_beg /pq }
  http-request set-query a=b if { path_beg /query }
  http-request set-query %[hdr(nope)] if { path_beg /empty-query }
  http-request set-uri /uri?x=y if { path_beg /to-uri }
  http-request set-uri http://abs.com/zz if { path_beg /abs }
  http-request replace-path /rp/(.*) /\\1/rp if { path_beg /rp }
  http-request replace-pathq /rq/([^?]*)\\?(.*) /\\2?\\1 if { path_beg /rq }
  http-request replace-uri ^/ru(.*) /new\\1 if { path_beg /ru }
  http-request set-path x%[path] if { path_beg /relative }
  http-request set-path "/a b%[path]" if { path_beg /blank }
  http-request set-header x-see "%[url] %[path] %HU"
  default_backend origin
frontend addresses
  bind 127.0.0.1:${addresses}
  http-request set-src hdr(x-src)
  http-request set-dst hdr(x-dst)
  http-request set-src-port int(70000) if { path /ports }
  http-request set-dst-port int(4000) if { path /ports }
  option forwardfor
  option originalto
  http-request set-header x-see "%ci %fi %[src] %[dst]"
  http-request set-header x-ports "%cp %fp %[src_port] %[dst_port]" if { path /ports }
  http-request del-header x-src
  http-request del-header x-dst
  default_backend origin
frontend responses
  bind 127.0.0.1:${responses}
  http-response set-header x-fe "%[status] %[res.hdr(x-one)]" unless { res.hdr(x-mode) -m found }
  http-response del-header x-one
  http-response add-header x-order fe
  default_backend edited
backend edited
  http-request set-header x-be 1
  http-request deny if { path /denied-here }
  http-request return if { path /returned-here }
  http-response deny if { res.hdr(x-mode) deny }
  http-response return status 299 content-type a/b string hey if { res.hdr(x-mode) return }
  http-response redirect location /zz if { res.hdr(x-mode) redirect }
  http-response allow if { res.hdr(x-mode) allow }
  http-response add-header x-order be
  http-response replace-value x-two b <&>
  server s 127.0.0.1:${origin.port}
listen both
  bind 127.0.0.1:${listenPort}
  http-request add-header x-both 1
  http-request deny if { path /deny }
  http-response add-header x-both 1
  server s 127.0.0.1:${origin.port}
backend origin
  server s 127.0.0.1:${origin.port}
`,
});

/** One request on a connection of its own, and the answer's bytes. */
async function ask(port: number, head: string, body = ""): Promise<string> {
  answer = answer === "" ? PLAIN_ANSWER : answer;
  const client = await connect(t, port);
  client.send(`${head}\r\n\r\n${body}`);
  const method = head.slice(0, head.indexOf(" "));
  const whole = (): boolean => readMessage(client.received, "response", { method })?.complete === true;
  await client.when("an answer", whole);
  client.destroy();
  return client.received;
}

const get = (path: string, ...lines: string[]): string =>
  [`GET ${path} HTTP/1.1`, ...(path.startsWith("http") ? [] : ["Host: h.com:81"]), ...lines].join("\r\n");

/** The head that the origin got for a request. */
async function seen(port: number, head: string, body = ""): Promise<string[]> {
  forwarded.length = 0;
  await ask(port, head, body);
  await until("the origin is asked", () => forwarded.length > 0);
  return forwarded[0]!.split("\r\n");
}

t.test("answers of rules, byte for byte", async (t) => {
  const page = (title: string, text: string): string => `<html><body><h1>${title}</h1>\n${text}\n</body></html>\n`;
  const denied = page("403 Forbidden", "Request forbidden by administrative rules.");
  const html = "cache-control: no-cache\r\ncontent-type: text/html";
  const tooMany = page("429 Too Many Requests", "You have sent too many requests in a given amount of time.");
  const cases: readonly (readonly [path: string, head: string, body: string])[] = [
    ["/deny", `403 Forbidden\r\ncontent-length: 93\r\n${html}`, denied],
    ["/deny-status", `429 Too Many Requests\r\ncontent-length: 117\r\n${html}`, tooMany],
    ["/deny-empty", "404 Not Found\r\ncontent-length: 0", ""],
    ["/deny-string", "410 Gone\r\nx-a: b /deny-string\r\ncontent-length: 6\r\ncontent-type: text/plain", "no way"],
    ["/return", "200 OK\r\ncontent-length: 0", ""],
    ["/return-hdr", "299 Success\r\nx-h: v |\r\ncontent-length: 0", ""],
    ["/return-lf", "200 OK\r\ncontent-length: 30\r\ncontent-type: a/b", 'a  /return-lf "/return-lf" GET'],
    ["/return-lf-file", "200 OK\r\ncontent-length: 21\r\ncontent-type: a/b", "path /return-lf-file\n"],
    ["/return-file", "200 OK\r\ncontent-length: 13\r\ncontent-type: a/b", "path %[path]\n"],
    ["/location", "302 Found\r\ncontent-length: 0\r\nlocation: /new\r\ncache-control: no-cache", ""],
    ["/location-301", "301 Moved Permanently\r\ncontent-length: 0\r\nlocation: /new/location-301", ""],
    ["/keep-query?z=1", "302 Found\r\ncontent-length: 0\r\nlocation: /a?b=c&z=1\r\ncache-control: no-cache", ""],
    ["/ignore-empty", "200 OK\r\ncontent-length: 4\r\ncontent-type: a/b", "late"],
    ["/prefix?a", "302 Found\r\ncontent-length: 0\r\nlocation: http://x.y/prefix?a\r\ncache-control: no-cache", ""],
    ["/slash?a", "303 See Other\r\ncontent-length: 0\r\nlocation: http://x.y/slash/\r\ncache-control: no-cache", ""],
    [
      "/same?q",
      "307 Temporary Redirect\r\ncontent-length: 0\r\nlocation: /same?q\r\ncache-control: no-cache\r\nset-cookie: SEEN=1; path=/;",
      "",
    ],
    [
      "/clear",
      "308 Permanent Redirect\r\ncontent-length: 0\r\nlocation: /clear\r\nset-cookie: SEEN=; path=/; Max-Age=0;",
      "",
    ],
    [
      "/scheme?x",
      "302 Found\r\ncontent-length: 0\r\nlocation: https://h.com:81/scheme?x\r\ncache-control: no-cache",
      "",
    ],
    ["/allow", "302 Found\r\ncontent-length: 0\r\nlocation: /by-keyword\r\ncache-control: no-cache", ""],
    ["/last", "302 Found\r\ncontent-length: 0\r\nlocation: /%[path]/last\r\ncache-control: no-cache", ""],
    ["/anything", `403 Forbidden\r\ncontent-length: 93\r\n${html}`, denied],
  ];
  for (const [path, head, body] of cases) {
    t.equal(await ask(answers, get(path)), `HTTP/1.1 ${head}\r\n\r\n${body}`, path);
    const withoutBody = await ask(answers, get(path).replace("GET", "HEAD"));
    const expected = path === "/return-lf" ? head.replace("30", "31") : head;
    t.equal(withoutBody, `HTTP/1.1 ${expected}\r\n\r\n`, `HEAD ${path}`);
  }
  const fromFile = readMessage(await ask(answers, get("/return-errorfile")), "response")!;
  t.match(fromFile, { status: 418, body: "pot" }, "the file says the status");
});

t.test("a client goes on after an answer of a rule", async (t) => {
  const client = await connect(t, answers);
  client.send(`${get("/deny")}\r\n\r\n${get("/return")}\r\n\r\n${get("/location")}\r\n\r\n`);
  t.equal((await client.response()).status, 403);
  t.equal((await client.response()).status, 200);
  t.equal((await client.response()).status, 302);
  client.send("POST /deny HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  t.equal((await client.response()).status, 403);
  t.equal((await client.send(`${get("/return")}\r\n\r\n`).response()).status, 200, "a whole body is no hindrance");
  client.destroy();
});

t.test("headers", async (t) => {
  const lines = async (head: string, body = ""): Promise<string[]> =>
    (await seen(edits, head, body)).slice(1).filter((line) => line !== "host: h.com:81");
  t.same(await lines(get("/set", "X-Set: mine")), ["x-set: v  /set", "x-set: 2", "x-empty: "]);
  t.same(await lines(get("/old", "X-Old: 1", "A: b", "X-Old: 2")), ["a: b", "x-old: <2>"], "made of what it replaces");
  t.same(await lines(get("/x", "X-Gone: 1", "A:b", "X-Gone: 2", "C:  d ")), ["a: b", "c: d"]);
  t.same(await lines(get("/host")), ["host: other.com", "x-host: other.com"]);
  t.same(await seen(edits, get("http://h.com/host")), [
    ...["GET http://other.com/host HTTP/1.1", "host: other.com", "x-host: other.com"],
  ]);
  t.same(await lines(get("/no-host")), []);
  const names = ["X-Beg-1", "X-Nd-End", "X-A-Sub-B", "X-12", "X-12a", "X-Be"].map((name) => `${name}: v`);
  t.same(await lines(get("/del", ...names)), ["x-12a: v", "x-be: v"]);
  t.same(await lines(get("/replace", "X-R: abc", "X-R: xabcx", "X-R: no", "X-V: abc, xaXcx,a  ,  ac")), [
    ...["x-r: <b>", "x-r: <b>", "x-r: no", "x-v: <b>,<X>,a  ,<>"],
  ]);
  t.same(await lines(get("/log?q=1")), ["x-log: GET /log?q=1 /log ?q=1 edits edits 127.0.0.1"]);
});

t.test("a body keeps its framing", { skip: IS_HAPROXY && "HAProxy cuts the body off" }, async (t) => {
  const head = "POST /framing HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nCookie: x";
  t.same((await seen(edits, head, "abc")).slice(1), ["host: a", "content-length: 3"]);
});

t.test("a body that fills the buffer leaves the rules their room", async (t) => {
  const body = "b".repeat(40_000);
  const head = `POST /set HTTP/1.1\r\nHost: h.com:81\r\nContent-Length: ${body.length}`;
  const [line, ...rest] = await seen(edits, head, body);
  t.equal(line, "POST /set HTTP/1.1");
  t.same(rest.slice(-3), ["x-set: v  /set", "x-set: 2", "x-empty: "]);
});

t.test("the target", async (t) => {
  const line = async (path: string): Promise<string> => {
    const [start, ...lines] = await seen(parts, get(path));
    return `${start!.split(" ")[1]} | ${lines.find((one) => one.startsWith("x-see"))!.slice(7)}`;
  };
  t.equal(await line("/path?a=b"), "/new/path?a=b | /new/path?a=b /new/path /path?a=b");
  t.equal(
    await line("http://h.com/path?a"),
    "http://h.com/new/path?a | http://h.com/new/path?a /new/path http://h.com/path?a",
  );
  t.equal(await line("/pq?z"), "/new/pq?q | /new/pq?q /new/pq /pq?z");
  t.equal(await line("/query"), "/query?a=b | /query?a=b /query /query");
  t.equal(await line("/query?x=y"), "/query?a=b | /query?a=b /query /query?x=y");
  t.equal(await line("/empty-query?x"), "/empty-query? | /empty-query? /empty-query /empty-query?x");
  t.equal(await line("/to-uri?q"), "/uri?x=y | /uri?x=y /uri /to-uri?q");
  t.equal(await line("/rp/a/b?c"), "/a/b/rp?c | /a/b/rp?c /a/b/rp /rp/a/b?c");
  t.equal(await line("/rq/a?b"), "/b?a | /b?a /b /rq/a?b");
  t.equal(await line("/ru/a?b"), "/new/a?b | /new/a?b /new/a /ru/a?b");
  const absolute = await seen(parts, get("/abs"));
  t.same(absolute.slice(0, 2), ["GET http://abs.com/zz HTTP/1.1", "host: abs.com"], "Host follows the target");
});

t.test("what is no target is not sent", { skip: IS_HAPROXY && "HAProxy sends what the rule made" }, async (t) => {
  t.match(await ask(parts, get("/relative")), /^HTTP\/1.1 500 /);
  t.equal((await seen(parts, get("/blank")))[0], "GET /a%20b/blank HTTP/1.1");
});

t.test("addresses are the stream's", async (t) => {
  const client = await connect(t, addresses);
  const request = async (path: string, ...lines: string[]): Promise<string[]> => {
    forwarded.length = 0;
    client.send(`${get(path, ...lines)}\r\n\r\n`);
    await client.response();
    return forwarded[0]!.split("\r\n").slice(2).sort();
  };
  const expected = (source: string, destination: string): string[] => [
    `x-forwarded-for: ${source}`,
    `x-original-to: ${destination}`,
    `x-see: ${source} ${destination} ${source} ${destination}`,
  ];
  t.same(await request("/", "X-Src: 10.1.2.3", "X-Dst: 10.9.8.7"), expected("10.1.2.3", "10.9.8.7"));
  t.same(await request("/"), expected("127.0.0.1", "127.0.0.1"), "the next request has the connection's own");
  t.same(await request("/", "X-Src: 2001:db8::1", "X-Dst: ::1"), expected("2001:db8::1", "::1"));
  t.same(await request("/", "X-Src: nonsense"), expected("127.0.0.1", "127.0.0.1"));
  t.ok((await request("/ports")).includes("x-ports: 4464 4000 4464 4000"), "ports are 16 bits");
  t.ok((await request("/")).includes("x-see: 127.0.0.1 127.0.0.1 127.0.0.1 127.0.0.1"));
  client.destroy();
  await syslog.expect(/^10\.1\.2\.3 addresses origin\/s 200 -- /);
  await syslog.expect(/^2001:db8::1 addresses origin\/s 200 -- /);
});

t.test("responses", async (t) => {
  const respond = async (mode: string, path = "/"): Promise<string> => {
    answer = `HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One: 1\r\nx-two: a, b\r\n${mode === "" ? "" : `x-mode: ${mode}\r\n`}\r\nhi`;
    const received = await ask(responses, get(path));
    answer = "";
    return received;
  };
  t.equal(
    await respond(""),
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-two: a,<&>\r\nx-order: be\r\nx-fe: 200 1\r\nx-order: fe\r\n\r\nhi",
    "the backend's rules, then the frontend's",
  );
  t.equal(
    await respond("allow"),
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-two: a, b\r\nx-mode: allow\r\nx-order: fe\r\n\r\nhi",
    "allow ends the rules of its proxy only",
  );
  t.match(await respond("deny"), /^HTTP\/1.1 502 Bad Gateway\r\n/);
  t.equal(await respond("return"), "HTTP/1.1 299 Success\r\ncontent-length: 3\r\ncontent-type: a/b\r\n\r\nhey");
  t.match(await respond("redirect"), /^HTTP\/1.1 302 Found\r\ncontent-length: 0\r\nlocation: \/zz\r\n/);
  t.match(await respond("", "/denied-here"), /^HTTP\/1.1 403 /);
  t.match(await respond("", "/returned-here"), /^HTTP\/1.1 200 OK\r\ncontent-length: 0/);
  await syslog.expect(/responses edited\/s 502 PH /);
  await syslog.expect(/responses edited\/s 299 LH /);
  await syslog.expect(/responses edited\/s 302 LH /);
  await syslog.expect(/responses edited\/<NOSRV> 403 PR "GET \/denied-here HTTP\/1.1"/);
  await syslog.expect(/responses edited\/<NOSRV> 200 LR "GET \/returned-here HTTP\/1.1"/);
});

t.test("a large body behind an edited response head", async (t) => {
  const body = "r".repeat(300_000);
  answer = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nX-One: 1\r\n\r\n${body}`;
  const received = readMessage(await ask(responses, get("/")), "response")!;
  answer = "";
  t.equal(received.body === body, true, "every byte of it");
  t.same(received.headers.slice(1), [
    ...[
      ["x-order", "be"],
      ["x-fe", "200 1"],
      ["x-order", "fe"],
    ],
  ]);
});

t.test("a listen runs its rules once", async (t) => {
  t.same(
    (await seen(listenPort, get("/"))).filter((line) => line.startsWith("x-both")),
    ["x-both: 1"],
  );
  t.match(await ask(listenPort, get("/")), /^HTTP\/1.1 200 OK\r\n(?!.*x-both.*x-both).*x-both: 1\r\n/s);
  await ask(listenPort, get("/deny"));
});

t.test("log lines and counters", async (t) => {
  await syslog.expect(/^127\.0\.0\.1 answers answers\/<NOSRV> 403 PR "GET \/deny HTTP\/1.1"/);
  await syslog.expect(/answers\/<NOSRV> 200 LR "GET \/return HTTP/);
  await syslog.expect(/answers\/<NOSRV> 302 LR "GET \/location HTTP/);
  await syslog.expect(/answers\/<NOSRV> 302 LR "GET \/allow HTTP/);
  await syslog.expect(/parts origin\/s 200 -- "GET \/path\?a=b HTTP\/1.1"/);
  const stat = await showStat(`127.0.0.1:${statsPort}`);
  const columns = (row: string): (string | undefined)[] =>
    ["dreq", "dresp", "intercepted", "eint", "wrew"].map((name) => stat.get(row)![name]);
  // Denied: 5 paths of the table and `/anything`, each also with HEAD, and two on the connection that went on.
  t.same(columns("answers/FRONTEND"), ["12", "0", "36", "0", "0"]);
  t.same(columns("responses/FRONTEND"), ["1", "1", "0", "0", "0"], "what a backend returns is not the frontend's");
  t.same(columns("edited/BACKEND"), ["1", "1", "", "0", "0"]);
  t.same(columns("edited/s"), ["", "1", "", "0", "0"]);
  t.same(columns("both/FRONTEND").slice(0, 1), ["1"]);
  t.same(columns("both/BACKEND").slice(0, 1), ["0"]);
  t.same(columns("parts/FRONTEND").slice(3), IS_HAPROXY ? ["0", "0"] : ["1", "1"], "the target that was none");
});
