// Rings and log-forward sections: lines of the proxy's own and of others, over UDP and TCP in both framings, in the format that the target wants; senders
// that make no sense cost nothing but their connection.

import { createSocket } from "node:dgram";
import t from "tap";
import { basics } from "./lab/config.ts";
import { get } from "./lab/http-origin.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect, startRawOrigin } from "./lab/raw-socket.ts";
import { command } from "./lab/runtime-api.ts";
import { startSyslog } from "./lab/syslog.ts";
import { until } from "./lab/time.ts";

t.setTimeout(60_000);

const syslog = await startSyslog(t);
const collector = await startRawOrigin(t);
const stream = await startRawOrigin(t);
/** Not freePorts: it keeps the UDP port of each number bound. */
async function freeUdpPort(): Promise<number> {
  const probe = createSocket("udp4");
  await new Promise<void>((resolve) => probe.bind(0, "127.0.0.1", resolve));
  const { port } = probe.address();
  await new Promise<void>((resolve) => probe.close(resolve));
  return port;
}

const receivers = await Promise.all([0, 1, 2, 3].map(() => startSyslog(t)));
const [web, api, tcp, plain, balanced] = await freePorts(5);
const udp = await freeUdpPort();
await startProgram(t, {
  config: `${basics(`nbthread 2\nstats socket 127.0.0.1:${api} level admin`)}
frontend web
  bind 127.0.0.1:${web}
  log ring@own local1
  option httplog
  http-request return status 200
ring own
  description "what web says"
  format rfc5424
  size 4000
  maxlen 300
  server counted 127.0.0.1:${collector.port} log-proto octet-count
log-forward all
  dgram-bind 127.0.0.1:${udp}
  bind 127.0.0.1:${tcp}
  maxconn 3
  log ${syslog.address} format local local3
  log ring@others local4
ring others
  format rfc5424
frontend balanced
  bind 127.0.0.1:${balanced}
  log backend@sticky local5 info
  log backend@hashed local5
  option httplog
  http-request return status 200
backend sticky
  mode log
  balance sticky
${[0, 1, 2].map((i) => `  server s${i} udp@${receivers[i]!.address}${i === 2 ? " backup" : ""}`).join("\n")}
backend hashed
  mode log
  balance log-hash 'field(-2,\\"),field(2,/),field(1, )'
  hash-type map-based none
  server h0 udp@${receivers[3]!.address}
  server h1 127.0.0.1:${stream.port}
log-forward unparsed
  bind 127.0.0.1:${plain}
  option dont-parse-log
  option assume-rfc6587-ntf
  log ring@asis format raw local4
ring asis
  format raw
`,
});
const show = (ring: string): Promise<string> => command(`127.0.0.1:${api}`, `show events ${ring}`);

t.test("a ring of the proxy's own lines, and its server", async (t) => {
  for (let i = 0; i < 60; i++) await get(web, `/${i}`);
  const lines = await until("the last line", async () => {
    const text = await show("own");
    return text.includes("GET /59 ") ? text.trimEnd().split("\n") : undefined;
  });
  t.match(
    lines.at(-1),
    /^<142>1 \d{4}-\d\d-\d\dT\S+ \S+ haproxy \d+ - - 127\.0\.0\.1:\d+ \[[^\]]+\] web web\/<NOSRV> .*"GET \/59 HTTP\/1\.1"$/,
  );
  t.ok(lines.join("\n").length <= 4000, "old lines leave");
  t.notMatch(lines.join("\n"), /GET \/0 /);
  await until("all lines at the server", () => (collector.connections[0]?.received ?? "").includes("GET /59 "));
  let { received } = collector.connections[0]!;
  let count = 0;
  while (received !== "") {
    const [, length, rest] = /^(\d+) ([\s\S]*)$/.exec(received)!;
    t.match(rest!.slice(0, Number(length)), /HTTP\/1\.1"$/);
    received = rest!.slice(Number(length));
    count++;
  }
  t.equal(count, 60, "each whole, none twice");
  t.match(await command(`127.0.0.1:${api}`, "show events"), / own +: type=buffer, \d+ dropped, what web says/);
});

t.test("what others say, in the words of the target", async (t) => {
  const socket = createSocket("udp4");
  t.teardown(() => socket.close());
  const say = (text: string): void => socket.send(Buffer.from(text, "latin1"), udp, "127.0.0.1");
  say("<34>Oct 11 22:14:15 mymachine su[77]: 'su root' failed\n");
  say('<165>1 2003-10-11T22:14:15.003Z host app 12 ID47 [x@1 a="b"] structured');
  say("no priority at all");
  say("<191>debug\nand <0>another line");
  const received = await until("all of them", () => (syslog.messages.length >= 4 ? syslog.messages : undefined));
  const raw = received.map((one) => one.raw.trimEnd());
  const found = (text: string): string => raw.find((one) => one.includes(text)) ?? "";
  t.match(found("su root"), /^<34>Oct 11 22:14:15 su\[77\]: 'su root' failed$/);
  t.match(found("no priority"), /^<158>\w{3} [ \d]\d \d\d:\d\d:\d\d no priority at all$/);
  const ring = (await show("others")).trimEnd().split("\n");
  t.equal(ring.length, 4, "a line feed inside makes no further line");
  t.match(ring[0], /^<34>1 \d{4}-10-11T22:14:15\.000\S+ mymachine su 77 - - 'su root' failed$/);
  t.match(ring[1], /^<165>1 2003-10-11T\S+ host app 12 ID47 \[x@1 a="b"\] structured$/);
  t.match(ring[2], /^<166>1 \S+ 127\.0\.0\.1 - - - - no priority at all$/);
});

t.test("option host: whose name a message bears", async (t) => {
  const strategies = ["replace", "fill", "keep", "append"] as const;
  const [stats] = await freePorts(1);
  const inlets: number[] = [];
  while (inlets.length < strategies.length) inlets.push(await freeUdpPort());
  await startProgram(t, {
    config: `
global
  stats socket ipv4@127.0.0.1:${stats} level admin
defaults
  timeout client 5s
${strategies
  .map(
    (strategy, i) => `
log-forward ${strategy}
  dgram-bind 127.0.0.1:${inlets[i]}
  option host ${strategy}
  log ring@old-${strategy} format rfc3164 local0
  log ring@new-${strategy} format rfc5424 local0
ring old-${strategy}
  format rfc3164
ring new-${strategy}
  format rfc5424
`,
  )
  .join("")}`,
  });
  const socket = createSocket("udp4");
  t.teardown(() => socket.close());
  for (const inlet of inlets) {
    for (const text of [
      "<34>Oct 11 22:14:15 mymachine su[77]: old",
      "<165>1 2003-10-11T22:14:15.003Z - app 12 ID47 - new",
    ])
      socket.send(Buffer.from(text, "latin1"), inlet, "127.0.0.1");
  }
  // Also what HAProxy 3.5 makes of them.
  const expected: Record<(typeof strategies)[number], [named: string, nameless: string, inNew: string]> = {
    replace: ["127.0.0.1", "127.0.0.1", "127.0.0.1"],
    fill: ["mymachine", "127.0.0.1", "127.0.0.1"],
    keep: ["mymachine", "localhost", "-"],
    append: ["mymachine,127.0.0.1", "127.0.0.1", "127.0.0.1"],
  };
  for (const strategy of strategies) {
    const of = (ring: string) => command(`127.0.0.1:${stats}`, `show events ${ring}`);
    const [named, nameless, inNew] = expected[strategy];
    const old = await until("both", async () => {
      const text = await of(`old-${strategy}`);
      return /old[\s\S]*new/.test(text) ? text : "";
    });
    t.match(old, new RegExp(`^<34>Oct 11 \\S+ ${named} su\\[77\\]: old$`, "m"), strategy);
    t.match(old, new RegExp(`^<165>Oct 1\\d \\S+ ${nameless} app\\[12\\]: new$`, "m"));
    t.match(await of(`new-${strategy}`), new RegExp(`^<165>1 \\S+ ${inNew} app 12 ID47 - new$`, "m"));
  }
});

t.test("streams in both framings, in pieces", async (t) => {
  const from = syslog.messages.length;
  const client = await connect(t, tcp);
  await client.sendSlowly(["<14>li", "ne one\n<14>line two\n1", "3 <14>counted\n", "x9 <14>l", "ast\n"], 5);
  await until("four messages", () => syslog.messages.length >= from + 4);
  t.same(
    syslog.messages.slice(from).map(({ text }) => text.replace(/^.*\d\d:\d\d:\d\d /, "")),
    ["line one", "line two", "counted x", "last"],
  );
  const other = await connect(t, plain);
  other.send("<14>12 as it is\n5 lines\n");
  await until("two lines", async () => (await show("asis")).split("\n").length > 2);
  t.match(await show("asis"), /^<14>12 as it is\n5 lines\n/);
});

t.test("senders that make no sense", async (t) => {
  const digits = await connect(t, tcp);
  digits.send("1234567890 x");
  await digits.closed();
  const large = await connect(t, tcp);
  large.send("99999 x");
  await large.closed();
  const endless = await connect(t, tcp);
  endless.send("x".repeat(40_000));
  await endless.closed();
  t.ok(true, "all are closed");
  const held = await Promise.all([1, 2, 3].map(() => connect(t, tcp)));
  const one = await connect(t, tcp);
  await one.closed();
  t.equal(held.length, 3, "maxconn");
});

t.test("backends of mode log: sticky, with servers that come and go, and by a hash, over UDP and TCP", async (t) => {
  const act = (line: string): Promise<string> => command(`127.0.0.1:${api}`, line);
  let asked = 0;
  /** Which of the sticky backend's servers gets the next line. */
  const next = async (): Promise<number> => {
    const mark = `/${asked++ % 2}/${asked}`;
    await get(balanced, mark);
    return until("the line", () => {
      const at = receivers.findIndex(
        ({ messages }, i) => i < 3 && messages.some(({ text }) => text.includes(`GET ${mark} `)),
      );
      return at < 0 ? undefined : at + 1;
    }).then((found) => found - 1);
  };
  t.equal(await next(), 0);
  t.equal(await next(), 0, "all to the first");
  await act("disable server sticky/s0");
  t.equal(await next(), 1, "the next takes its place");
  await act("enable server sticky/s0");
  t.equal(await next(), 1, "and keeps it");
  await act("disable server sticky/s1");
  t.equal(await next(), 0);
  await act("disable server sticky/s0");
  t.equal(await next(), 2, "the backup, when no other is there");
  await act("enable server sticky/s1");
  await act("enable server sticky/s0");
  t.equal(await next(), 1, "in the order in which they came back");

  await until("all lines at the hashed servers", () => {
    const [first, second] = [receivers[3]!.messages.length, stream.connections[0]?.received.split("\n").length ?? 0];
    return first + second - 1 === asked;
  });
  t.equal(receivers[3]!.messages.filter(({ text }) => !text.includes("GET /0/")).length, 0, "even paths here");
  const others = stream.connections[0]!.received.trimEnd().split("\n");
  t.equal(others.filter((line) => !/GET \/1\//.test(line)).length, 0, "odd ones there");
});
