// Every rule set end to end: tcp-request connection, session and content, tcp-response content, http-request, http-response and
// http-after-response, rules in `defaults`, waiting, variables, captures, authentication, error replies, and what the log says of each end
// (status, termination state). With RINGWAY_TEST_PROGRAM=haproxy the same expectations are put to HAProxy.

import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { readMessage } from "./lab/http-message.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect, type RawSocket, startRawOrigin } from "./lab/raw-socket.ts";
import { startSyslog } from "./lab/syslog.ts";
import { until } from "./lab/time.ts";

t.setTimeout(90_000);

const origin = await startRawOrigin(t);
const syslog = await startSyslog(t);
const forwarded: string[] = [];
/** What the origin does with a request, by its path. */
const behaviours: Record<string, (connection: RawSocket) => void> = {
  "/slow-body": (connection) => {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf!");
    setTimeout(() => connection.send("half!"), 60);
  },
  "/never": (connection) => {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf!");
  },
};
const PLAIN = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Cap: from server\r\nSet-Cookie: SID=abc; path=/\r\n\r\nhi";
origin.onConnection = (connection: RawSocket) => {
  connection.socket.on("end", () => connection.end());
  connection.socket.on("data", () => {
    for (let request = readMessage(connection.received, "request"); request?.complete; ) {
      const head = connection.received.slice(0, connection.received.indexOf("\r\n\r\n"));
      forwarded.push(head);
      connection.received = connection.received.slice(request.bytes);
      const path = head.split(" ")[1]!.split("?")[0]!;
      if (behaviours[path] === undefined) connection.send(PLAIN);
      else behaviours[path](connection);
      request = readMessage(connection.received, "request");
    }
  });
};

const [rules, admission, defaulted, content, held, buffered] = await freePorts(6);
const mapFile = join(tmpdir(), `ringway-rule-sets-${process.pid}.map`);
writeFileSync(mapFile, "/mapped first\n");
t.teardown(() => rmSync(mapFile));

await startProgram(t, {
  config: `
global
  log ${syslog.address} local0
  set-var proc.greeting str(hello)
  set-var-fmt proc.both "%[var(proc.greeting)] there"
http-errors pages
  errorfile 404 /dev/null
userlist people
  group staff users ann
  user ann insecure-password secret
  user bob password $5$saltsalt$xSPFUN9hxgv7ORm8iFyS/0O9PLRh8pq52ceD5cedqo6 groups guests
  group guests
defaults base
  mode http
  log global
  log-format "%f %b/%s %ST %ts %{+Q}r {%hr} {%hs} %CC %CS"
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout tarpit 150ms
defaults with_rules from base
  tcp-request content set-var(txn.by) str(defaults)
  http-request set-header x-from defaults
  http-after-response set-header x-by "%[var(txn.by)]"
frontend rules from base
  bind 127.0.0.1:${rules}
  capture request header x-cap len 5
  capture response header x-cap len 20
  capture cookie SID len 10
  declare capture request len 4
  http-error status 429 content-type text/plain hdr x-path %[path] lf-string "slow down, %[path]"
  http-request capture path id 1
  http-request set-var(txn.n,ifnotexists) int(5)
  http-request set-var(txn.n,ifgt) int(3)
  http-request set-var-fmt(sess.seen) "%[var(sess.seen)]x"
  http-request return status 200 hdr x-vars "%[var(txn.n)] %[var(sess.seen)] %[var(proc.both)] %[var(txn.none,other)]" if { path /vars }
  http-request tarpit deny_status 429 if { path /tarpit }
  http-request deny deny_status 429 if { path /429 }
  http-request deny deny_status 404 errorfiles pages if { path /404 }
  http-request reject if { path /reject }
  http-request silent-drop if { path /drop }
  http-request auth realm here if { path_beg /staff } !{ http_auth_group(people) staff }
  http-request auth if { path /any } !{ http_auth(people) }
  http-request return status 200 hdr x-user "%[http_auth_user] %[http_auth_type]" if { path /staff /any }
  http-request early-hint link "<%[path]/style.css>; rel=preload" if { path /hint }
  http-request set-method POST if { path /method }
  http-request set-log-level silent if { path /silent }
  http-request set-map(${mapFile}) %[path] "set %[path]" if { path /set-map }
  http-request return status 200 hdr x-map "%[str(/set-map),map(${mapFile},none)] %[str(/mapped),map(${mapFile})]" if { path /maps }
  http-request pause 80ms if { path /pause }
  http-request wait-for-body time 150ms if { path /wait }
  http-request return status 200 hdr x-body "%[req.body]" if { path /wait }
  http-response wait-for-body time 200ms if { capture.req.uri /slow-body /never }
  http-response set-header x-captured "%[capture.req.hdr(0)] %[capture.req.hdr(1)] %[capture.res.hdr(0)] %[capture.req.method]"
  http-response set-status 299 reason "Mine" if { capture.req.uri /status }
  http-response deny if { capture.req.uri /deny-response }
  http-after-response set-header x-after "%[status]"
  http-after-response del-header x-cap
  use_backend %[path,field(3,/)] if { path_beg /to/ }
  default_backend origin
backend origin from base
  use-server second if { path /second }
  server first 127.0.0.1:${origin.port}
  server second 127.0.0.1:${origin.port} weight 0
backend other from base
  http-request return status 200 hdr x-backend other
frontend admission from base
  bind 127.0.0.1:${admission}
  tcp-request connection reject if { rand(1) ge 1 }
  tcp-request connection set-src ipv4(10.0.0.1)
  tcp-request session set-dst ipv4(10.0.0.9)
  tcp-request session set-var(sess.session) src
  tcp-request session reject if { var(sess.session) -m ip 10.0.0.2 }
  http-request return status 200 hdr x-src "%[src] %[var(sess.session)] %[dst] %[fc_rcvd_proxy]"
frontend defaulted from with_rules
  bind 127.0.0.1:${defaulted}
  http-request return status 200 hdr x-saw "%[req.hdr(x-from)] %[var(txn.by)]"
frontend content from base
  mode tcp
  log-format "%f %b/%s %ts"
  bind 127.0.0.1:${content}
  tcp-request inspect-delay 300ms
  tcp-request content reject if { req.payload(0,4) -m str EVIL }
  tcp-request content accept if { req.len ge 4 }
  tcp-request content reject
  default_backend echo
backend echo from base
  mode tcp
  server s 127.0.0.1:${origin.port}
frontend held from base
  mode tcp
  log-format "%f %b/%s %ts"
  bind 127.0.0.1:${held}
  default_backend guarded
backend guarded from base
  mode tcp
  tcp-response inspect-delay 500ms
  tcp-response content reject if { res.payload(0,15) -m sub 299 }
  tcp-response content accept
  server s 127.0.0.1:${origin.port}
frontend buffered from base
  bind 127.0.0.1:${buffered}
  timeout http-request 200ms
  option http-buffer-request
  http-request return status 200 hdr x-body "%[req.body]"
`,
});

const get = (path: string, ...headers: string[]): string =>
  [`GET ${path} HTTP/1.1`, "Host: h", ...headers, "", ""].join("\r\n");

/** What is answered to these bytes: the head's lines behind the status, in order, and the body. */
async function ask(
  port: number,
  bytes: string,
): Promise<{ status: number; headers: Map<string, string>; body: string }> {
  const client = await connect(t, port);
  client.send(bytes);
  const { status, headers, body } = await client.response();
  client.destroy();
  return { status: status!, headers: new Map(headers.map(([name, value]) => [name.toLowerCase(), value])), body };
}

/** What has come until it ends so: up to the status line of the second answer. */
async function ends(client: RawSocket, text: string): Promise<string> {
  await until(`an end ${text}`, () => client.received.endsWith(text));
  return client.received.split("\r\n").slice(0, 4).join("\r\n");
}

/** The log lines since the last call. */
let linesRead = 0;
async function logged(count = 1): Promise<string[]> {
  await until("log lines", () => syslog.messages.length >= linesRead + count);
  const lines = syslog.messages.slice(linesRead, linesRead + count).map(({ text }) => text.replace(/^.*?\]: /, ""));
  linesRead += count;
  return lines;
}

t.test("variables", async (t) => {
  const client = await connect(t, rules);
  for (const seen of ["x", "xx"]) {
    const { headers } = await client.send(get("/vars")).response();
    t.equal(new Map(headers).get("x-vars"), `3 ${seen} hello there other`, "sess outlives the request, txn does not");
  }
  client.destroy();
  t.match(await logged(2), [/^rules rules\/<NOSRV> 200 LR /, /^rules rules\/<NOSRV> 200 LR /]);
});

t.test("captures, responses and rules behind them", async (t) => {
  const { status, headers } = await ask(rules, get("/captured", "X-Cap: 1234567", "Cookie: a=b; SID=0123456789"));
  t.equal(status, 200);
  t.equal(headers.get("x-captured"), "12345 /cap from server GET");
  t.equal(headers.get("x-after"), "200");
  t.notOk(headers.has("x-cap"));
  const [line] = await logged();
  t.equal(line, 'rules origin/first 200 -- "GET /captured HTTP/1.1" {{12345|/cap}} {{from server}} SID=012345 SID=abc');
  const changed = await ask(rules, get("/status"));
  t.same([changed.status, changed.headers.get("x-after")], [299, "299"]);
  t.match(await logged(), [/^rules origin\/first 299 -- /]);
  const denied = await ask(rules, get("/deny-response"));
  t.same([denied.status, denied.headers.get("x-after")], [502, "502"]);
  t.match(await logged(), [/^rules origin\/first 502 PH /]);
  t.equal((await ask(rules, get("/second"))).status, 200);
  t.match(await logged(), [/^rules origin\/second 200 -- /], "use-server");
  t.equal((await ask(rules, get("/to/other/x"))).headers.get("x-backend"), "other", "a backend by a made name");
  t.equal((await ask(rules, get("/to/nowhere/x"))).status, 200, "a name that is none: the default");
  t.match(await logged(2), [/^rules other\/<NOSRV> 200 LR /, /^rules origin\/first 200 -- /]);
  const hinted = await connect(t, rules);
  hinted.send(get("/hint"));
  t.equal(
    await ends(hinted, "hi"),
    "HTTP/1.1 103 Early Hints\r\nlink: </hint/style.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK",
  );
  hinted.destroy();
  await logged();
  forwarded.length = 0;
  await ask(rules, get("/method"));
  t.match(forwarded[0], /^POST \/method HTTP\/1.1/);
  t.match(await logged(), [/"GET \/method HTTP\/1.1"/], "the log has what came");
});

t.test("ends", async (t) => {
  const before = Date.now();
  const tarpit = await ask(rules, get("/tarpit"));
  t.ok(Date.now() - before >= 140, "after timeout tarpit");
  t.equal(tarpit.status, 429);
  const made = await ask(rules, get("/429"));
  t.same([made.status, made.body, made.headers.get("x-path")], [429, "slow down, /429", "/429"]);
  t.match(await logged(2), [/^rules rules\/<NOSRV> 429 PT /, /^rules rules\/<NOSRV> 429 PR /]);
  for (const path of ["/reject", "/404"]) {
    const client = await connect(t, rules);
    client.send(get(path));
    await client.closed();
    t.equal(client.received, "", `${path}: not a word`);
  }
  t.match(await logged(2), [/^rules rules\/<NOSRV> \S+ PR /, /^rules rules\/<NOSRV> 404 PR /]);
  const dropped = await connect(t, rules);
  dropped.send(get("/drop"));
  t.match(await logged(), [/^rules rules\/<NOSRV> \S+ PR /]);
  t.equal(dropped.received, "");
  dropped.destroy();
  await ask(rules, get("/silent"));
  await ask(rules, get("/maps"));
  t.match(await logged(), [/"GET \/maps /], "no line of the silent one");
});

t.test("authentication", async (t) => {
  const basic = (text: string): string => `Authorization: Basic ${Buffer.from(text).toString("base64")}`;
  const asked = await ask(rules, get("/staff"));
  t.same([asked.status, asked.headers.get("www-authenticate")], [401, 'Basic realm="here"']);
  t.equal((await ask(rules, get("/any"))).headers.get("www-authenticate"), 'Basic realm="rules"');
  t.equal((await ask(rules, get("/staff", basic("ann:secret")))).headers.get("x-user"), "ann Basic");
  const refused = [
    basic("ann:wrong"),
    basic("ann:secret2"),
    basic("bob:secret"),
    basic("nobody:x"),
    basic("ann"),
    "Authorization: Basic !",
  ];
  for (const header of refused) t.equal((await ask(rules, get("/staff", header))).status, 401, header);
  t.equal((await ask(rules, get("/any", basic("bob:wrong")))).status, 401);
  t.match((await logged(10)).slice(0, 3), [/ 401 LR /, / 401 LR /, / 200 LR /]);
});

t.test("maps that rules change", async (t) => {
  const client = await connect(t, rules);
  const maps = async (): Promise<string | undefined> =>
    new Map((await client.send(get("/maps")).response()).headers).get("x-map");
  t.equal(await maps(), "none first");
  await client.send(get("/set-map")).response();
  t.equal(await maps(), "set /set-map first");
  client.destroy();
  await logged(3);
});

t.test("waiting", async (t) => {
  const before = Date.now();
  await ask(rules, get("/pause"));
  t.ok(Date.now() - before >= 70);
  const client = await connect(t, rules);
  client.send("POST /wait HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc");
  setTimeout(() => client.send("def"), 50);
  const whole = await client.response();
  t.same([whole.status, new Map(whole.headers).get("x-body")], [200, "abcdef"]);
  client.destroy();
  t.equal((await ask(rules, "POST /wait HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc")).status, 408);
  t.match(await logged(3), [/ 200 -- /, / 200 LR /, / 408 cR /]);
  t.equal((await ask(rules, get("/slow-body"))).body, "half!half!");
  t.equal((await ask(rules, get("/never"))).status, 504);
  t.match(await logged(2), [/^rules origin\/first 200 -- /, /^rules origin\/first 504 sH /]);
  const chunks = await connect(t, buffered);
  chunks.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r");
  setTimeout(() => chunks.send("\n2\r\nde\r\n0\r\n\r\n"), 50);
  t.equal(new Map((await chunks.response()).headers).get("x-body"), "abcde", "http-buffer-request");
  chunks.destroy();
  t.equal((await ask(buffered, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc")).status, 408);
  t.match(await logged(2), [/^buffered buffered\/<NOSRV> 200 LR /, /^buffered buffered\/<NOSRV> 408 cR /]);
});

t.test("connections and sessions, and rules of a defaults section", async (t) => {
  t.equal((await ask(admission, get("/"))).headers.get("x-src"), "10.0.0.1 10.0.0.1 10.0.0.9 0");
  const { headers } = await ask(defaulted, get("/"));
  t.same([headers.get("x-saw"), headers.get("x-by")], ["defaults defaults", "defaults"]);
  await logged(2);
});

t.test("content of mode tcp", async (t) => {
  const client = await connect(t, content);
  client.send("GE");
  setTimeout(() => client.send("T /tcp HTTP/1.1\r\nHost: h\r\n\r\n"), 50);
  t.equal((await client.response()).status, 200, "rules wait for enough bytes");
  client.destroy();
  t.match(await logged(), [/^content echo\/s /]);
  for (const bytes of ["EVIL", "GE"]) {
    const refused = await connect(t, content);
    refused.send(bytes);
    await refused.closed();
    t.equal(refused.received, "");
  }
  t.match(await logged(2), [/^content content\/<NOSRV> PR$/, /^content content\/<NOSRV> PR$/]);
  const open = await connect(t, held);
  t.equal((await open.send(get("/tcp")).response()).status, 200, "what the server says passes its rules");
  open.destroy();
  await logged();
  behaviours["/evil"] = (connection) => connection.send("HTTP/1.1 299 Evil\r\nContent-Length: 0\r\n\r\n");
  const guarded = await connect(t, held);
  guarded.send(get("/evil"));
  await guarded.closed();
  t.equal(guarded.received, "", "not a byte of what is rejected");
  t.match(await logged(), [/^held guarded\/s P[DH]$/]);
});
