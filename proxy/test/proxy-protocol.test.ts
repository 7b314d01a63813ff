// The PROXY protocol in both directions and both versions, with TLVs: what a proxy in front says is believed where `accept-proxy` stands, what
// servers are told is what HAProxy understands, and what is no header never reaches HTTP.

import t from "tap";
import { crc32c } from "../sample/hash.ts";
import { basics, listen } from "./lab/config.ts";
import { get } from "./lab/http-origin.ts";
import { findProgram, needs } from "./lab/needs.ts";
import { freePorts } from "./lab/ports.ts";
import { IS_HAPROXY, startProgram } from "./lab/program.ts";
import { connect, startRawOrigin } from "./lab/raw-socket.ts";
import { startSyslog } from "./lab/syslog.ts";
import { until } from "./lab/time.ts";

t.setTimeout(120_000);

const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";
const REQUEST = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
/** 127.0.0.1:42 → 10.1.2.3:1337 */
const INET = "\x7f\x00\x00\x01\x0a\x01\x02\x03\x00\x2a\x05\x39";
const INET6 = `${"\x20\x01\x0d\xb8".padEnd(15, "\0")}\x01${"\x20\x01\x0d\xb8".padEnd(15, "\0")}\x02\x00\x2a\x05\x39`;

const word = (value: number): string => String.fromCharCode(value >> 8, value & 255);
const tlv = (type: number, value: string): string => String.fromCharCode(type) + word(value.length) + value;
/** A version 2 header. `length`: another one than is true. */
const v2 = (command: number, family: number, payload: string, length = payload.length): string =>
  SIGNATURE + String.fromCharCode(0x20 | command, family) + word(length) + payload;

/** The header with a checksum over all of it. */
function withChecksum(payload: string, isRight = true): string {
  const header = Buffer.from(v2(1, 0x11, `${payload}${tlv(3, "\0\0\0\0")}`), "latin1");
  const sum = crc32c(header, 0, header.length) >>> 0;
  header.writeUInt32BE(isRight ? sum : (sum ^ 1) >>> 0, header.length - 4);
  return header.toString("latin1");
}

const WHO =
  'http-request return status 200 content-type text/plain lf-string "%ci %cp %fi %fp [%[fc_pp_authority]] [%[fc_pp_unique_id]] [%[fc_pp_tlv(0xE1)]] %[fc_rcvd_proxy]"';

const syslog = await startSyslog(t);
const raw = await startRawOrigin(t);
const [inbound, slow, tcp, one, two, tlvs, toRaw, v1Raw, inside, ruled] = await freePorts(10);
await startProgram(t, {
  config:
    basics(`nbthread 2\nlog ${syslog.address} local0`, "log global\noption dontlognull") +
    `frontend inbound\n  bind 127.0.0.1:${inbound} accept-proxy name edge\n  ${WHO}\n` +
    `frontend ruled\n  bind 127.0.0.1:${ruled}\n  tcp-request connection expect-proxy layer4 if { src 127.0.0.1 }\n  ${WHO}\n` +
    `frontend slow\n  bind 127.0.0.1:${slow} accept-proxy\n  timeout client-hs 300ms\n  ${WHO}\n` +
    `listen tcp\n  mode tcp\n  bind 127.0.0.1:${tcp} accept-proxy\n  server s 127.0.0.1:${raw.port} send-proxy\n` +
    listen("one", one, `server s 127.0.0.1:${inbound} send-proxy`) +
    listen("two", two, `server s 127.0.0.1:${inbound} send-proxy-v2 proxy-v2-options crc32c,authority`) +
    listen(
      "tlvs",
      tlvs,
      `server s 127.0.0.1:${inbound} send-proxy-v2 set-proxy-v2-tlv-fmt(0xE1) "%[src]/%[req.hdr(x)]"`,
    ) +
    listen("to-raw", toRaw, `server s 127.0.0.1:${raw.port} send-proxy-v2 set-proxy-v2-tlv-fmt(0xE2)`) +
    listen("v1-raw", v1Raw, `http-reuse always\nserver s 127.0.0.1:${raw.port} send-proxy`) +
    `listen inside\n  bind 127.0.0.1:${inside} accept-proxy\n  server s 127.0.0.1:${inbound} send-proxy-v2 proxy-v2-options authority\n`,
});

/** What the frontend says about a connection that begins with `header`; "": it was closed without an answer. */
async function said(port: number, header: string, rest = REQUEST): Promise<string> {
  const client = await connect(t, port);
  client.send(header + rest);
  await client.closed();
  return client.received.split("\r\n\r\n")[1] ?? "";
}

t.test("what a header says is the client", async (t) => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["version 1", "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n", "192.0.2.1 4711 192.0.2.2 80 [] [] [] 1"],
    ["version 1, IPv6", "PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n", "2001:db8::1 1 2001:db8::2 2 [] [] [] 1"],
    ["version 2", v2(1, 0x11, INET), "127.0.0.1 42 10.1.2.3 1337 [] [] [] 1"],
    ["version 2, IPv6", v2(1, 0x21, INET6), "2001:db8::1 42 2001:db8::2 1337 [] [] [] 1"],
    [
      "TLVs",
      v2(1, 0x11, INET + tlv(2, "example.com") + tlv(5, "id") + tlv(0xe1, "first") + tlv(4, "")),
      "127.0.0.1 42 10.1.2.3 1337 [example.com] [id] [first] 1",
    ],
    ["a checksum", withChecksum(INET + tlv(2, "a")), "127.0.0.1 42 10.1.2.3 1337 [a] [] [] 1"],
  ];
  for (const [name, header, expected] of cases) t.equal(await said(inbound, header), expected, name);
  t.match(
    await said(inbound, "PROXY UNKNOWN\r\n"),
    /^127\.0\.0\.1 \d+ 127\.0\.0\.1 \d+ /,
    "UNKNOWN: the connection's own",
  );
  t.match(await said(inbound, v2(0, 0, "")), /^127\.0\.0\.1 \d+ 127\.0\.0\.1 \d+ /, "LOCAL: the connection's own");
  t.match(
    await said(inbound, v2(1, 0x31, "x".repeat(216))),
    /^127\.0\.0\.1 \d+ /,
    "a UNIX client: the connection's own",
  );
});

t.test("a header may come in pieces, and with or without the request", async (t) => {
  const pieces = [...v2(1, 0x11, INET + tlv(2, "slow"))];
  if (IS_HAPROXY) return; // HAProxy wants it in one segment
  const client = await connect(t, inbound);
  for (const piece of pieces) {
    client.send(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  client.send(REQUEST);
  await client.closed();
  t.match(client.received, /127\.0\.0\.1 42 10\.1\.2\.3 1337 \[slow\]/);
});

t.test("what is no header never becomes a request, and the log says why", async (t) => {
  const long = (length: number): string => "a".repeat(length);
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ["a plain request", "", /does not look like a PROXY protocol header/],
    ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03aaaaaaaaaaaaaaaaaaaaaa", /does not look like/],
    ["half a signature, then something else", "\r\n\r\n\0\r\nQUIX\n______", /does not look like/],
    ["a version 3", `${SIGNATURE}\x31\x11\x00\x0c${INET}`, /does not look like/],
    ["an unknown command", v2(5, 0x11, INET), /an invalid PROXY/],
    ["too short for its family", v2(1, 0x11, INET.slice(0, 11)), /an invalid PROXY/],
    ["a TLV that reaches beyond the header", v2(1, 0x11, `${INET}\x02\x00\x0aabc`), /an invalid PROXY/],
    ["a TLV without a length", v2(1, 0x11, `${INET}\x02\x00`), /an invalid PROXY/],
    ["a host name that is too long", v2(1, 0x11, INET + tlv(2, long(256))), /an invalid PROXY/],
    ["a unique id that is too long", v2(1, 0x11, INET + tlv(5, long(129))), /an invalid PROXY/],
    ["a TLV that is too long", v2(1, 0x11, INET + tlv(0xe0, long(1025))), /PROXY|unknown connection error/],
    ["a wrong checksum", withChecksum(INET, false), /an invalid PROXY/],
    ["another protocol", "PROXY SCTP 1.1.1.1 2.2.2.2 1 2\r\n", /an unhandled protocol/],
    ["IPv6 called IPv4", "PROXY TCP4 ::1 ::1 1 2\r\n", /an invalid PROXY/],
    ["IPv4 called IPv6", "PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n", /an invalid PROXY/],
    ["a port that is none", "PROXY TCP4 1.1.1.1 2.2.2.2 1 x\r\n", /an invalid PROXY/],
    ["no CR", "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n", /an invalid PROXY/],
  ];
  for (const [name, header, expected] of cases) {
    const from = syslog.messages.length;
    t.equal(await said(inbound, header), "", name);
    const { text } = await syslog.expect(/PROXY|unknown/, from);
    t.match(text, expected, name);
    t.match(text, /^127\.0\.0\.1:\d+ \[\d\d\/\w{3}\/\d{4}:[\d:.]+\] inbound\/edge: /, "as HAProxy introduces it");
  }
  if (IS_HAPROXY) return;
  for (const [name, header] of [
    ["a port of 17 bits", "PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n"],
    ["a line without an end", `PROXY TCP4 ${long(120)}`],
  ] as const) {
    const from = syslog.messages.length;
    t.equal(await said(inbound, header), "", name);
    await syslog.expect(/an invalid PROXY/, from);
  }
});

t.test("who says nothing is closed in time, and quietly", async (t) => {
  const from = syslog.messages.length;
  const silent = await connect(t, slow);
  const partial = await connect(t, slow);
  partial.send("PROXY TCP4 ");
  await silent.closed();
  await partial.closed();
  const gone = await connect(t, slow);
  gone.end();
  await gone.closed();
  const { text } = await syslog.expect(/PROXY/, from);
  t.match(text, IS_HAPROXY ? /Truncated/ : /Timeout while waiting for PROXY protocol header/);
  t.equal(syslog.messages.slice(from).length, 1, "option dontlognull spares connections without a byte");
});

t.test("a rule decides which connections begin with a header", async (t) => {
  t.match(await said(ruled, "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n"), /^192\.0\.2\.1 4711 /);
  const other = await get(ruled, "/", { localAddress: "127.0.0.5" });
  t.match(other.body, /^127\.0\.0\.5 .* 0$/);
});

t.test("mode tcp: the header is taken off, another one is put on", async (t) => {
  raw.connections.length = 0;
  const client = await connect(t, tcp);
  client.send("PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\nhello");
  await until("the server is connected to", () => raw.connections.length > 0);
  await raw.connections[0]!.expect("PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\nhello");
  client.end();
});

t.test("servers are told who the client is", async (t) => {
  t.match(
    (await get(one, "/", { localAddress: "127.0.0.9" })).body,
    new RegExp(`^127\\.0\\.0\\.9 \\d+ 127\\.0\\.0\\.1 ${one} `),
  );
  t.match(
    (await get(two, "/", { localAddress: "127.0.0.8" })).body,
    new RegExp(`^127\\.0\\.0\\.8 \\d+ 127\\.0\\.0\\.1 ${two} `),
  );
  t.match((await get(tlvs, "/", { headers: { x: "y" } })).body, /\[127\.0\.0\.1\/y\] 1$/);
  t.equal(
    await said(inside, v2(1, 0x11, INET + tlv(2, "passed.on"))),
    "127.0.0.1 42 10.1.2.3 1337 [passed.on] [] [] 1",
    "a host name goes through",
  );
  raw.connections.length = 0;
  const client = await connect(t, toRaw);
  client.send(REQUEST);
  await until("the server is connected to", () => (raw.connections[0]?.received.length ?? 0) > 31);
  const { received } = raw.connections[0]!;
  t.equal(received.slice(0, 16), `${SIGNATURE}\x21\x11\x00\x0f`);
  t.equal(received.slice(16, 24), "\x7f\x00\x00\x01\x7f\x00\x00\x01");
  t.equal(received.slice(24, 28), word(client.socket.localPort!) + word(toRaw));
  t.equal(received.slice(28, 31), "\xe2\x00\x00");
  t.match(received.slice(31), /^GET \/ HTTP\/1\.1\r\n/);
});

t.test("a connection that announced one client is never given to another", async (t) => {
  raw.connections.length = 0;
  const answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
  const first = await connect(t, v1Raw);
  const second = await connect(t, v1Raw, { localAddress: "127.0.0.7" });
  const request = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
  for (const [client, expected] of [
    [first, 1],
    [second, 2],
    [first, 2],
  ] as const) {
    const before = client.receivedBytes;
    const had = raw.connections.map(({ receivedBytes }) => receivedBytes);
    client.send(request);
    await until("the request", () => raw.connections.some(({ receivedBytes }, i) => receivedBytes > (had[i] ?? 0)));
    raw.connections.find(({ receivedBytes }, i) => receivedBytes > (had[i] ?? 0))!.send(answer);
    await until("the answer", () => client.receivedBytes > before);
    t.equal(raw.connections.length, expected);
  }
});

t.test("HAProxy on the other side", needs("haproxy"), async (t) => {
  const [front, back, through] = await freePorts(3);
  const reply =
    'http-request return status 200 content-type text/plain lf-string "%ci %cp %[dst] %[dst_port] %[fc_pp_unique_id]"';
  await startProgram(t, {
    command: [findProgram("haproxy")!, "-db"],
    config:
      `${basics()}frontend back\n bind 127.0.0.1:${back} accept-proxy\n ${reply}\n` +
      listen(
        "front",
        front,
        `unique-id-format from-%[src]\nserver s 127.0.0.1:${inbound} send-proxy-v2 proxy-v2-options crc32c,unique-id`,
      ),
  });
  await startProgram(t, {
    config: basics() + listen("through", through, `server s 127.0.0.1:${back} send-proxy-v2 proxy-v2-options crc32c`),
  });
  t.match(
    (await get(through, "/", { localAddress: "127.0.0.6" })).body,
    new RegExp(`^127\\.0\\.0\\.6 \\d+ 127\\.0\\.0\\.1 ${through} `),
  );
  t.match((await get(front, "/")).body, /\[from-127\.0\.0\.1\] \[\] 1$/);
});
