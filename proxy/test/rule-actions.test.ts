// Actions and options that are about a whole exchange, end to end: bandwidth limits, HTTP samples in mode tcp, `option forwarded`, a HEAD that
// becomes a GET, set-timeout and set-retries across backends, addresses that connection rules set. With RINGWAY_TEST_PROGRAM=haproxy the same
// expectations are put to HAProxy.

import t from "tap";
import { readMessage } from "./lab/http-message.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect, type RawSocket, startRawOrigin } from "./lab/raw-socket.ts";
import { until } from "./lab/time.ts";

t.setTimeout(60_000);

const BODY = "b".repeat(60_000);
const seen: string[] = [];
const origin = await startRawOrigin(t);
let originConnections = 0;
origin.onConnection = (connection: RawSocket) => {
  originConnections++;
  connection.socket.on("end", () => connection.end());
  connection.socket.on("data", () => {
    for (let request = readMessage(connection.received, "request"); request?.complete; ) {
      seen.push(connection.received.slice(0, connection.received.indexOf("\r\n\r\n")));
      connection.received = connection.received.slice(request.bytes);
      connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\nX-Name: response\r\n\r\n${BODY}`);
      request = readMessage(connection.received, "request");
    }
  });
};

const [web, tcp, either, implicit, picky] = await freePorts(5);
await startProgram(t, {
  config: `
global
  h1-case-adjust x-name X-NaMe
  h1-case-adjust content-length Content-Length
  h1-case-adjust host HOST
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen web
  bind 127.0.0.1:${web}
  tcp-request connection set-dst ipv4(192.0.2.1)
  tcp-request connection set-dst-port int(8080)
  tcp-request session set-src ipv4(198.51.100.7)
  filter bwlim-out slow default-limit 30k default-period 100ms
  filter bwlim-in upload default-limit 20k default-period 100ms
  filter bwlim-out fair limit 30k key hdr(x-who) table rates
  http-request set-bandwidth-limit slow if { path /slow }
  http-request set-bandwidth-limit fair if { path /fair }
  http-request set-bandwidth-limit slow limit int(1000000) period 1s if { path /quick }
  http-request set-bandwidth-limit upload if { path /upload }
  http-request set-method GET if { path /head }
  http-request set-timeout server 3s
  http-request set-retries 7
  http-response set-header x-blank "  v "
  http-response set-header x-trimmed "[%[res.fhdr(x-blank)]]"
  http-response set-header x-alias "%[hdr(x-name)]"
  http-response set-header x-ends "%[fc_dst]:%[fc_dst_port] %[dst]:%[dst_port] %[src]"
  http-response set-header x-times "%[cur_server_timeout] %[be_server_timeout]"
  use_backend forwarded if { path_beg /forwarded }
  default_backend origin
backend rates
  stick-table type string len 16 size 100 expire 1m store bytes_out_rate(100ms)
backend origin
  server o 127.0.0.1:${origin.port}
backend forwarded
  option forwarded proto host by by_port for for_port-expr str(hidden)
  server o 127.0.0.1:${origin.port}
frontend raw
  mode tcp
  bind 127.0.0.1:${tcp}
  tcp-request inspect-delay 2s
  tcp-request content reject if { path_beg /no }
  tcp-request content accept if { req.hdr(x-late) -m found }
  tcp-request content accept if WAIT_END
  use_backend none if { path /nowhere }
  default_backend raw-origin
backend raw-origin
  mode tcp
  server o 127.0.0.1:${origin.port}
backend none
  mode tcp
frontend either
  mode tcp
  bind 127.0.0.1:${either}
  tcp-request inspect-delay 2s
  tcp-request content switch-mode http if HTTP
  http-request set-header x-switched yes
  use_backend origin if HTTP
  default_backend raw-origin
listen picky
  bind 127.0.0.1:${picky}
  option h1-case-adjust-bogus-client
  option h1-case-adjust-bogus-server
  http-request return status 404 if { path /none }
  server o 127.0.0.1:${origin.port}
frontend implicit
  mode tcp
  bind 127.0.0.1:${implicit}
  default_backend origin
`,
});

async function ask(
  port: number,
  head: string,
  body = "",
): Promise<{ received: string; ms: number; client: RawSocket; header: (name: string) => string | null }> {
  const client = await connect(t, port);
  const start = performance.now();
  client.send(`${head}\r\nHost: h\r\n\r\n${body}`);
  const isHead = head.startsWith("HEAD");
  await until(`the answer to ${head}`, () =>
    isHead
      ? client.received.endsWith("\r\n\r\n")
      : readMessage(client.received, "response")?.complete === true || !client.isOpen,
  );
  const ms = performance.now() - start;
  const at = client.received.indexOf("\r\n\r\n");
  const headText = client.received.slice(0, at);
  return {
    ...{ received: client.received, ms, client },
    header: (name) => new RegExp(`^${name}: (.*?)\r?$`, "im").exec(headText)?.[1] ?? null,
  };
}

t.test("bandwidth limits slow a body down, either way, and lose nothing of it", async (t) => {
  const quick = await ask(web, "GET /quick HTTP/1.1");
  const slow = await ask(web, "GET /slow HTTP/1.1");
  t.ok(slow.received.endsWith(BODY) && quick.received.endsWith(BODY));
  // 60 000 bytes at 300 000 a second, of which the bucket holds 30 720 at the beginning.
  t.ok(slow.ms >= 70, `slow: ${slow.ms} ms`);
  const upload = await ask(web, `POST /upload HTTP/1.1\r\nContent-Length: ${BODY.length}`, BODY);
  t.match(upload.received, /^HTTP\/1\.1 200 /);
  t.ok(upload.ms >= 70, `upload: ${upload.ms} ms`);

  const [one, other] = await Promise.all(
    ["same", "same"].map((who) => ask(web, `GET /fair HTTP/1.1\r\nX-Who: ${who}`)),
  );
  t.ok(one!.received.endsWith(BODY) && other!.received.endsWith(BODY));
  // Together 120 000 bytes at 307 200 a second, of which the first 30 720 pass at once.
  const togetherMs = Math.max(one!.ms, other!.ms);
  t.ok(togetherMs >= 240, `two streams of one key: ${togetherMs} ms`);
});

t.test("hdr() in responses, addresses of connection and session, time-outs across backends", async (t) => {
  const { header, received } = await ask(web, "GET /plain HTTP/1.1");
  t.match(received, /x-blank: {3}v \r\n/i, "blanks of a value are sent");
  t.equal(header("x-trimmed"), "[v]", "and do not belong to it");
  t.equal(header("x-alias"), "response");
  t.equal(header("x-ends"), "192.0.2.1:8080 192.0.2.1:8080 198.51.100.7");
  t.equal(header("x-times"), "30000 30000", "what a frontend sets of a backend's is that frontend's own");
});

t.test("option forwarded", async (t) => {
  seen.length = 0;
  await ask(web, "GET /forwarded HTTP/1.1");
  t.match(seen[0], 'forwarded: proto=http;host="h";by="192.0.2.1:8080";for="198.51.100.7:_hidden"');
  await ask(web, "GET /forwarded HTTP/1.1\r\nForwarded: for=192.0.2.9;proto=https");
  t.match(seen[1], "forwarded: for=192.0.2.9;proto=https,proto=http;");
  await ask(web, 'GET /forwarded HTTP/1.1\r\nForwarded: for="unknown:nowhere"');
  t.match(
    seen[2],
    /forwarded: for="unknown:nowhere"\r\n(.*\r\n)*forwarded: proto=http;/,
    "what is wrong is not added to",
  );
});

t.test("the body of an answer to what was a HEAD is thrown away, and both connections live on", async (t) => {
  const before = originConnections;
  const { client, received } = await ask(web, "HEAD /head HTTP/1.1");
  t.match(received, /content-length: 60000\r\n/i);
  client.received = "";
  client.send("GET /plain HTTP/1.1\r\nHost: h\r\n\r\n");
  await until("the next answer", () => readMessage(client.received, "response")?.complete === true);
  t.ok(client.received.endsWith(BODY));
  t.ok(originConnections <= before + 1);
});

t.test("mode tcp: rules see the request, wait for it, and leave its bytes alone", async (t) => {
  const refused = await ask(tcp, "GET /no HTTP/1.1");
  t.equal(refused.received, "");
  t.equal((await ask(tcp, "GET /nowhere HTTP/1.1")).received, "");
  seen.length = 0;
  const client = await connect(t, tcp);
  client.send("GET /Path HTTP/1.1\r\nX-LATE: ");
  await client.sendSlowly(["Yes\r\nHost", ": h\r\n\r\n"], 20);
  await until("the answer", () => readMessage(client.received, "response")?.complete === true);
  t.match(seen[0], "GET /Path HTTP/1.1\r\nX-LATE: Yes\r\nHost: h");
});

t.test("connections of mode tcp become HTTP's: by a rule, and because their backend is", async (t) => {
  seen.length = 0;
  const { client } = await ask(either, "GET /one HTTP/1.1");
  client.received = "";
  client.send("GET /two HTTP/1.1\r\nHost: h\r\n\r\n");
  await until("the second answer", () => readMessage(client.received, "response")?.complete === true);
  t.match(seen[0], "x-switched: yes");
  t.match(seen[1], "x-switched: yes", "every request passes the rules");
  seen.length = 0;
  const late = await connect(t, implicit);
  await late.sendSlowly(["GET /thr", "ee HTTP/1.1\r\nHost: h\r\n\r\n"], 30);
  await until("the answer", () => readMessage(late.received, "response")?.complete === true);
  t.match(seen[0], "GET /three HTTP/1.1\r\nhost: h");
  const bad = await connect(t, implicit);
  bad.send("no HTTP\r\n\r\n");
  await until("the refusal", () => bad.received.startsWith("HTTP/1.1 400 "));
});

t.test("h1-case-adjust: only those whose proxy asks for it get other letters", async (t) => {
  seen.length = 0;
  const { received } = await ask(picky, "GET /plain HTTP/1.1");
  t.match(received, "\r\nX-NaMe: response\r\n");
  t.match(received, `\r\nContent-Length: ${BODY.length}\r\n`);
  t.ok(received.endsWith(BODY));
  t.match(seen[0], "GET /plain HTTP/1.1\r\nHOST: h");
  t.match(
    (await ask(picky, "GET /none HTTP/1.1")).received,
    "\r\nContent-Length: 0\r\n",
    "answers of the proxy's own, too",
  );
  t.match((await ask(web, "GET /plain HTTP/1.1")).received, "\r\nx-name: response\r\n");
});
