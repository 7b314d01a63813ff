// Who gets the request: every algorithm's distribution over four workers together, weights and states changed while traffic flows.
// Routing by ACLs stands in routing.test.ts.

import { Agent, request } from "node:http";
import t from "tap";
import { sdbm } from "../sample/hash.ts";
import { basics } from "./lab/config.ts";
import { get, type HttpOrigin, startHttpOrigin } from "./lab/http-origin.ts";
import { freePorts } from "./lab/ports.ts";
import { startProgram } from "./lab/program.ts";
import { connect, startRawOrigin } from "./lab/raw-socket.ts";
import { command, showStat } from "./lab/runtime-api.ts";
import { sleep, until } from "./lab/time.ts";

t.setTimeout(240_000);

const origins: HttpOrigin[] = [];
for (const name of ["a", "b", "c"]) origins.push(await startHttpOrigin(t, { name }));
const held = [await startRawOrigin(t), await startRawOrigin(t)];
const portOf = new Map<string, number>();
const SECTIONS: Readonly<Record<string, readonly string[]>> = {
  weighted: ["balance roundrobin", "server a %a weight 3", "server b %b weight 2", "server c %c weight 1"],
  plain: ["server a %a", "server b %b", "server c %c"],
  changed: ["balance roundrobin", "server a %a weight 1", "server b %b weight 1", "server c %c weight 1"],
  static: ["balance static-rr", "server a %a weight 3", "server b %b weight 2", "server c %c weight 1"],
  random: ["balance random", "server a %a weight 3", "server b %b weight 2", "server c %c weight 1"],
  first: ["balance first", "server a %a", "server b %b", "server c %c"],
  source: ["balance source", "server a %a", "server b %b", "server c %c"],
  uri: ["balance uri", "server a %a", "server b %b", "server c %c"],
  url_param: ["balance url_param id", "server a %a", "server b %b", "server c %c"],
  hdr: ["balance hdr(x-user)", "server a %a", "server b %b", "server c %c"],
  hash: ["balance hash path,lower", "hash-type consistent crc32", "server a %a", "server b %b", "server c %c"],
  backup: ["server a %a disabled", "server b %b backup", "server c %c backup"],
  allbackups: ["option allbackups", "server a %a disabled", "server b %b backup", "server c %c backup"],
  none: ["server a %a disabled", "server b %b disabled"],
  zero: ["server a %a weight 0", "server b %b", "server c %c"],
  leastconn: ["balance leastconn", "http-reuse never", "server h1 %1", "server h2 %2"],
};
const names = Object.keys(SECTIONS);
const ports = await freePorts(names.length + 1);
names.forEach((name, i) => {
  portOf.set(name, ports[i]!);
});
const api = `127.0.0.1:${ports.at(-1)}`;
const address = (letter: string): string =>
  `127.0.0.1:${/\d/.test(letter) ? held[Number(letter) - 1]!.port : origins["abc".indexOf(letter)]!.port}`;
const program = await startProgram(t, {
  config:
    basics(`nbthread 4\nstats socket ${api} level admin`) +
    names
      .map((name) =>
        [
          `listen ${name}`,
          `  bind 127.0.0.1:${portOf.get(name)}`,
          ...SECTIONS[name]!.map((line) => `  ${line.replace(/%(.)/, (_, letter: string) => address(letter))}`),
          "",
        ].join("\n"),
      )
      .join(""),
});

/** Many requests over `clients` connections at a time; how many each origin got. */
async function spread(
  name: string,
  count: number,
  clients = 16,
  localAddress = "127.0.0.1",
): Promise<Record<string, number>> {
  // A new connection for every few requests, so that the kernel deals them out over all four workers.
  const got: Record<string, number> = {};
  let left = count;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      let agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let i = 1; left > 0; i++) {
        left--;
        const server = await one(portOf.get(name)!, agent, localAddress);
        got[server] = (got[server] ?? 0) + 1;
        if (i % 10 !== 0) continue;
        agent.destroy();
        agent = new Agent({ keepAlive: true, maxSockets: 1 });
      }
      agent.destroy();
    }),
  );
  return got;
}

function one(port: number, agent: Agent, localAddress: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ port, agent, localAddress, host: "127.0.0.1" }, (response) => {
      response.resume();
      response.on("end", () => resolve(String(response.headers["x-server"] ?? response.statusCode)));
      response.on("error", reject);
    })
      .on("error", reject)
      .end();
  });
}

t.test("roundrobin: 3:2:1 over four workers is exact", async (t) => {
  t.same(await spread("weighted", 6000), { a: 3000, b: 2000, c: 1000 });
});

t.test("roundrobin is the default and treats equals equally", async (t) => {
  t.same(await spread("plain", 900), { a: 300, b: 300, c: 300 });
});

t.test("static-rr: 3:2:1", async (t) => {
  t.same(await spread("static", 1200), { a: 600, b: 400, c: 200 });
});

t.test("weights at run time", async (t) => {
  /** A change meets the rotation at any point of it, so that one round may be begun or left over. */
  const near = (got: Record<string, number>, expected: Record<string, number>): void => {
    t.same(Object.keys(got).sort(), Object.keys(expected).sort());
    for (const [name, count] of Object.entries(expected)) {
      t.ok(Math.abs(got[name]! - count) <= 3, `${name}: ${got[name]} of ${count}`);
    }
  };
  await command(api, "set server changed/a weight 4");
  await command(api, "set weight changed/b 2");
  t.match(await command(api, "get weight changed/a"), "4 (initial 1)");
  near(await spread("changed", 700), { a: 400, b: 200, c: 100 });
  await command(api, "set server changed/a weight 0");
  near(await spread("changed", 300), { b: 200, c: 100 });
  await command(api, "set server changed/a weight 100%");
  await command(api, "set server changed/b weight 100%");
  near(await spread("changed", 300), { a: 100, b: 100, c: 100 });
});

t.test("weight 0 in the configuration", async (t) => {
  t.same(await spread("zero", 200), { b: 100, c: 100 });
});

t.test("random follows the weights on the whole", async (t) => {
  const got = await spread("random", 3000);
  // Each count is binomial; six standard deviations around 1500, 1000 and 500 fail once in 500 million runs.
  // (power of two choices evens the load out, which only narrows the spread.)
  for (const [name, expected] of [
    ["a", 1500],
    ["b", 1000],
    ["c", 500],
  ] as const) {
    t.ok(Math.abs((got[name] ?? 0) - expected) < 6 * Math.sqrt(expected), `${name}: ${got[name]} of about ${expected}`);
  }
});

t.test("first fills the first server", async (t) => {
  t.same(await spread("first", 200), { a: 200 });
});

t.test("source keeps an address at its server", async (t) => {
  const seen = new Set<string>();
  for (let host = 1; host <= 12; host++) {
    const got = Object.keys(await spread("source", 8, 4, `127.0.2.${host}`));
    t.equal(got.length, 1, `127.0.2.${host}`);
    seen.add(got[0]!);
  }
  t.ok(seen.size > 1, "and different addresses find different ones");
});

t.test("uri, url_param and hdr go by the key, whichever worker is asked", async (t) => {
  const asked: Readonly<Record<string, (key: string) => Promise<{ readonly body: string }>>> = {
    uri: (key) => get(portOf.get("uri")!, `/${key}?not=this`),
    url_param: (key) => get(portOf.get("url_param")!, `/?a=b&id=/${key}`),
    hdr: (key) => get(portOf.get("hdr")!, "/", { headers: { "x-user": `/${key}` } }),
  };
  for (const [name, ask] of Object.entries(asked)) {
    for (const key of ["one", "two", "three", "four", "five", "six"]) {
      const bytes = Buffer.from(`/${key}`);
      const expected = "abc"[(sdbm(bytes, 0, bytes.length) >>> 0) % 3]!;
      const got = await Promise.all(Array.from({ length: 6 }, () => ask(key)));
      t.same(new Set(got.map(({ body }) => body.trim())), new Set([expected]), `${name} ${key}`);
    }
  }
  for (const name of ["url_param", "hdr"])
    t.same(await spread(name, 300), { a: 100, b: 100, c: 100 }, `${name}: round robin without a key`);
});

t.test("a consistent hash moves only the keys of the server that leaves", async (t) => {
  const paths = Array.from({ length: 40 }, (_, i) => `/Page/${i}`);
  const ask = async () =>
    (await Promise.all(paths.map((path) => get(portOf.get("hash")!, path)))).map(({ body }) => body.trim());
  const before = await ask();
  t.equal(new Set(before).size, 3, "all servers have keys");
  await command(api, "disable server hash/b");
  const after = await ask();
  t.notOk(after.includes("b"));
  t.same(
    after.filter((_, i) => before[i] !== "b"),
    before.filter((server) => server !== "b"),
  );
  await command(api, "enable server hash/b");
  t.same(await ask(), before);
});

t.test("backup servers", async (t) => {
  t.same(await spread("backup", 200), { b: 200 }, "the first one serves alone");
  t.same(await spread("allbackups", 200), { b: 100, c: 100 }, "option allbackups: all of them");
  await command(api, "enable server backup/a");
  t.same(await spread("backup", 200), { a: 200 }, "and none once a real one is back");
  await command(api, "disable server backup/a");
  t.same(await spread("none", 20), { "503": 20 }, "no server at all");
});

t.test("leastconn: a new request goes where fewer are in service", async (t) => {
  const busy = (): number[] => held.map((origin) => origin.connections.filter((one) => one.isOpen).length);
  const clients = [];
  for (let i = 0; i < 10; i++) {
    const client = await connect(t, portOf.get("leastconn")!);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    clients.push(client);
    await until("it is in service", () => busy().reduce((a, b) => a + b) === i + 1);
  }
  t.same(busy(), [5, 5]);
  // Four of the second server's end; the next four must all go there.
  for (const connection of held[1]!.connections.slice(0, 4))
    connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").end();
  await until("they ended", () => busy()[1] === 1);
  await sleep(50);
  for (let i = 0; i < 4; i++) {
    const client = await connect(t, portOf.get("leastconn")!);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await until("it is in service", () => busy()[1] === 2 + i);
  }
  t.same(busy(), [5, 5]);
});

t.test("the counters agree", async (t) => {
  const rows = await showStat(api);
  t.same(
    ["a", "b", "c"].map((server) => rows.get(`weighted/${server}`)!.lbtot),
    ["3000", "2000", "1000"],
    "lbtot",
  );
  t.equal(rows.get("weighted/BACKEND")!.hrsp_2xx, "6000");
  t.equal(rows.get("weighted/FRONTEND")!.req_tot, "6000");
  t.equal(program.exit, null);
});
