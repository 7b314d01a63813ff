// Stick-tables exchanged with a real HAProxy, both ways: what either counts the other shows, and after a restart either learns it from the other.
// And between two generations of ringway: what the old one knows the new one has.

import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { startHttpOrigin } from "./lab/http-origin.ts";
import { findProgram, needs } from "./lab/needs.ts";
import { freePorts } from "./lab/ports.ts";
import { type Program, startProgram } from "./lab/program.ts";
import { connect } from "./lab/raw-socket.ts";
import { command } from "./lab/runtime-api.ts";
import type { Tap } from "./lab/tap.ts";
import { until } from "./lab/time.ts";

t.setTimeout(120_000);

const origin = await startHttpOrigin(t);

interface Place {
  readonly web: number;
  /** Address of the runtime API. */
  readonly stats: string;
  readonly peers: number;
}

async function place(): Promise<Place> {
  const [web, stats, peers] = await freePorts(3);
  return { web, stats: `127.0.0.1:${stats}`, peers };
}

function configuration(name: string, own: Place, other: Place): string {
  const line = (peer: string, at: Place) => `  peer ${peer} 127.0.0.1:${at.peers}`;
  return `
global
  localpeer ${name}
  stats socket ${own.stats} level admin
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
peers mine
${name === "A" ? `${line("A", own)}\n${line("B", other)}` : `${line("A", other)}\n${line("B", own)}`}
  table shared type ip size 1k expire 10m store conn_cnt,gpc(3),gpt(2),gpc_rate(2,1h)
frontend web
  bind 127.0.0.1:${own.web}
  stick-table type string len 30 size 1k expire 10m store gpc0,gpt0,http_req_cnt,http_req_rate(1h),bytes_in_cnt peers mine
  http-request track-sc0 path
  http-request track-sc1 src table mine/shared
  http-request sc-inc-gpc0(0)
  http-request sc-set-gpt0(0) 7
  http-request sc-inc-gpc(1,1)
  default_backend sticky
backend v6
  stick-table type ipv6 size 100 expire 10m store conn_cnt peers mine
backend blocks
  stick-table type binary len 6 size 100 expire 10m store gpc0 peers mine
backend sticky
  stick-table type integer size 1k expire 10m peers mine
  stick on urlp(user)
  server first 127.0.0.1:${origin.port}
  server second 127.0.0.1:${origin.port}
`;
}

const ask = async (at: Place, target: string): Promise<void> => {
  const client = await connect(t, at.web);
  client.send(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  await client.response();
};

const TABLES = ["web", "sticky", "mine/shared", "v6", "blocks"];

/** All entries, without what is each process's own. */
async function entries(at: Place): Promise<string[]> {
  const lines: string[] = [];
  for (const table of TABLES) {
    const text = await command(at.stats, `show table ${table}`);
    const own = text.split("\n").filter((line) => line.startsWith("0x"));
    lines.push(...own.map((line) => `${table} ${line.replace(/^\S+ | use=\d+| exp=\d+| shard=\d+/g, "")}`));
  }
  return lines.sort();
}

/** Waits until both show the same, and gives it. */
async function agreed(t: Tap, what: string, a: Place, b: Place, count: number): Promise<string[]> {
  let [ours, theirs]: [string[], string[]] = [[], []];
  await until(what, async () => {
    [ours, theirs] = await Promise.all([entries(a), entries(b)]);
    return ours.length === count && ours.join() === theirs.join();
  }).catch(() => {});
  t.same(ours, theirs, what);
  t.equal(ours.length, count);
  return ours;
}

t.test("with HAProxy", needs("haproxy"), async (t) => {
  const [a, b] = [await place(), await place()];
  const start = (name: "A" | "B"): Promise<Program> =>
    startProgram(t, {
      config: name === "A" ? configuration("A", a, b) : configuration("B", b, a),
      ...(name === "B" ? { command: [findProgram("haproxy")!] } : {}),
      ports: name === "A" ? [a.web, a.peers] : [b.web, b.peers],
    });
  let [ours, theirs] = await Promise.all([start("A"), start("B")]);
  await ask(a, "/ours?user=5");
  await ask(a, "/ours?user=-7");
  // Values go as they are: what both count at the same moment under the same key is not added up, by HAProxy's protocol.
  await agreed(t, "HAProxy knows what ringway counted", a, b, 1 + 1 + 2);
  await ask(b, "/theirs?user=4000000000");
  await ask(b, "/a=b%20c?user=12");
  await command(a.stats, "set table v6 key 2001:db8::1 data.conn_cnt 9");
  await command(b.stats, "set table v6 key 2001:db8::2 data.conn_cnt 4000000001");
  const first = await agreed(t, "both know what either counted", a, b, 2 + 1 + 4 + 1 + 2);
  t.match(
    first[0],
    /^mine\/shared key=127\.0\.0\.1 conn_cnt=\d gpt0=0 gpt1=0 gpc0=0 gpc1=\d gpc2=0 gpc0_rate\(3600000\)=0 gpc1_rate/,
  );
  t.ok(first.some((line) => /^sticky key=5 server_id=[12] server_key=(first|second)$/.test(line)));

  await theirs.stop();
  await ask(a, "/while-away?user=77");
  theirs = await start("B");
  await agreed(t, "HAProxy learns everything anew", a, b, 12);
  await ask(b, "/ours?user=5");
  await agreed(t, "and goes on", a, b, 12);

  await ours.stop();
  await ask(b, "/while-away-too?user=78");
  ours = await start("A");
  await agreed(t, "ringway learns everything anew", a, b, 14);
  for (let i = 0; i < 20; i++) await ask(a, `/many/${i % 4}?user=${100 + i}`);
  await agreed(t, "both go on", a, b, 14 + 4 + 20);
  for (let i = 0; i < 20; i++) await ask(b, `/many/${i % 4}?user=${200 + i}`);
  await agreed(t, "in both directions", a, b, 14 + 4 + 40);
  const text = await command(a.stats, "show peers");
  t.match(text, /id=mine disabled=0/);
  t.match(text, /id=B\(remote,active\) addr=127\.0\.0\.1:\d+ .* last_status=ESTA/);
});

t.test("a process that takes another's place has its entries", async (t) => {
  const nobody = await place();
  const a = { ...(await place()), stats: join(tmpdir(), `ringway-peers-${process.pid}.sock`) };
  t.teardown(() => rmSync(a.stats, { force: true }));
  const config = configuration("A", a, nobody);
  const ports = [a.web, a.peers];
  const old = await startProgram(t, { config, ports });
  for (const user of [1, 2, 3]) await ask(a, `/u${user}?user=${user}`);
  const before = await entries(a);
  t.equal(before.length, 7);
  const next = await startProgram(t, { config, ports, args: ["-sf", String(old.pid)] });
  t.same((await old.exited).code, 0, "the old one ends");
  await until("the new one has everything", async () => (await entries(a)).join() === before.join());
  await ask(a, "/u1?user=1");
  t.match((await entries(a))[0], /conn_cnt=4/);
  await next.stop();
});
