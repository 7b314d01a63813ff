// What lasts: the memory of the program after very many requests, and with very many idle connections. The short form runs with every
// other test; RINGWAY_SOAK=1 (`make test-soak`) runs the promised sizes, a million requests and 10 000 connections.

import { readFileSync } from "node:fs";
import t from "tap";
import { basics, listen } from "./lab/config.ts";
import { hose, startHoseOrigin } from "./lab/hose.ts";
import { freePorts } from "./lab/ports.ts";
import { IS_HAPROXY, programUnderTest, startProgram } from "./lab/program.ts";
import { connect, type RawSocket } from "./lab/raw-socket.ts";
import { command, showInfo } from "./lab/runtime-api.ts";
import { sleep, until } from "./lab/time.ts";

t.setTimeout(600_000);

const IS_LONG = process.env.RINGWAY_SOAK === "1";
const REQUESTS = IS_LONG ? 1_000_000 : 100_000;
/** A configured maxconn promises two descriptors for each connection, and some for the program itself. */
const AFFORDABLE =
  Math.floor((Number(/open files +\d+ +(\d+)/.exec(readFileSync("/proc/self/limits", "latin1"))?.[1]) - 300) / 200) *
  100;
const IDLE_CONNECTIONS = Math.min(IS_LONG ? 10_000 : 3_000, AFFORDABLE);
const CONNECTIONS = 32;
/** Requests before the first measurement: compilers have compiled, pools are filled, caches are warm. */
const WARM_UP = 50_000;
/** Pages that come and go: V8's young generation, stacks, the kernel's lazy accounting. */
const RESIDENT_NOISE_BYTES = 8 * 1024 * 1024;
const IDLE_BYTES_MAX = 1024;
/** Collections that a thread may do of its own accord, whatever the load (timers, statistics, the runtime API). */
const COLLECTIONS_PER_MINUTE = 30;

const [node, ...rest] = programUnderTest();
/** With V8's own record of every garbage collection on stdout. */
const traced = IS_HAPROXY ? programUnderTest() : [node!, "--trace-gc", ...rest];
const [port, stats] = await freePorts(2);
const api = `127.0.0.1:${stats}`;
const originPort = await startHoseOrigin(t);
const program = await startProgram(t, {
  config:
    basics(`nbthread 2\nmaxconn ${IDLE_CONNECTIONS}\nstats socket ${api} level admin`) +
    listen("main", port, `http-reuse always\nserver s 127.0.0.1:${originPort}`),
  command: traced,
});

/**
 * Garbage collections so far, of all threads: `[123:0x5581]   45 ms: Scavenge 4.4 (5.2) -> …`. Not those that V8 does by the clock when a
 * thread has become quiet, to give memory back.
 */
const collections = (): string[] =>
  program.stdout.match(/^\[\d+:0x[0-9a-f]+\].*(Scavenge|Mark-Compact (?!\(reduce\))).*/gm) ?? [];

t.test(`${REQUESTS} requests leave the heap where it was`, async (t) => {
  t.equal(await hose(port, WARM_UP, CONNECTIONS), WARM_UP);
  await sleep(500);
  const residentBefore = program.residentBytes;
  const collectionsBefore = collections().length;
  const start = performance.now();
  t.equal(await hose(port, REQUESTS, CONNECTIONS), REQUESTS, "every request was answered, byte for byte");
  const minutes = (performance.now() - start) / 60_000;
  const perSecond = Math.round(REQUESTS / minutes / 60);
  await sleep(500);

  const grown = program.residentBytes - residentBefore;
  t.ok(grown < RESIDENT_NOISE_BYTES, `resident memory: ${Math.round(grown / 1024)} KiB more (${perSecond} requests/s)`);
  if (!IS_HAPROXY) {
    // Eight words of garbage a request would be 64 MB in a million, and a collection of the young generation each few of them.
    const threads = new Set(program.stdout.match(/^\[\d+:0x[0-9a-f]+\]/gm)).size;
    t.ok(threads >= 3, `${threads} threads report their collections`);
    const collected = collections().slice(collectionsBefore);
    t.ok(
      collected.length <= 4 + COLLECTIONS_PER_MINUTE * minutes,
      `${collected.length} garbage collections in all threads`,
      {
        collected,
      },
    );
  }
  const info = await showInfo(api);
  t.ok(Number(info.CumReq) >= REQUESTS + WARM_UP);
  t.equal(program.exit, null);
});

t.test(`${IDLE_CONNECTIONS} idle keep-alive connections`, async (t) => {
  const before = program.residentBytes;
  if (IS_LONG && IDLE_CONNECTIONS < 10_000) t.comment(`ulimit -n allows ${IDLE_CONNECTIONS} of 10000 connections`);
  const clients: RawSocket[] = [];
  while (clients.length < IDLE_CONNECTIONS) {
    const batch = await Promise.all(Array.from({ length: 100 }, () => connect(t, port)));
    for (const client of batch) client.send("GET /hose HTTP/1.1\r\nhost: a\r\n\r\n");
    await Promise.all(batch.map((client) => client.response()));
    clients.push(...batch);
  }
  await sleep(500);
  const each = (program.residentBytes - before) / IDLE_CONNECTIONS;
  t.ok(IS_HAPROXY || each < IDLE_BYTES_MAX, `${Math.round(each)} bytes of resident memory each`);
  t.equal((await showInfo(api)).CurrConns, String(IDLE_CONNECTIONS));
  t.ok(clients.every((client) => client.isOpen));
  for (const client of clients) client.destroy();
  await until("all of them are forgotten", async () => (await showInfo(api)).CurrConns === "0");
  if (!IS_HAPROXY) t.match(await command(api, "show activity"), /^conn_rows_used: \d+ \[ \d+ \d+ \]$/m);
});
