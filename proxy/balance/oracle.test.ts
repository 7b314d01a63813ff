// HAProxy as the judge of balancing: for random farms the same servers in the same order (roundrobin, static-rr), the same server for the
// same client (source), and for servers that hold streams an equally good choice (leastconn).
//
// Which HAProxy: $HAPROXY, otherwise `haproxy` of the system. Without one the test is skipped and says so; with CI=true that is a failure.
// leastconn's order among equals is no promise of HAProxy's (3.2 takes them in no visible order), so equally loaded ones count as the same.

import { spawnSync } from "node:child_process";
import { Agent, get } from "node:http";
import t from "tap";
import type { BalancePlan } from "../plan/balance.ts";
import { makeContext, makePlan, makeStream, setClient } from "../sample/fixture.ts";
import { SERVER } from "../shared-state/layout.ts";
import { startHttpOrigin } from "../test/lab/http-origin.ts";
import { freePort, freePorts } from "../test/lab/ports.ts";
import { startProgram } from "../test/lab/program.ts";
import type { Tap } from "../test/lab/tap.ts";
import { until } from "../test/lab/time.ts";
import { compileBalance } from "./compile.ts";
import { publishWeights } from "./sequence.ts";

const HAPROXY = process.env.HAPROXY ?? "haproxy";
const MAX_SERVERS = 6;

/** 2.6, 3.2 …; 0: there is none. */
const version = Number(
  /version (\d+\.\d+)/.exec(spawnSync(HAPROXY, ["-v"], { encoding: "latin1" }).stdout ?? "")?.[1] ?? 0,
);
const isThere = version > 0;
if (!isThere && process.env.CI === "true") throw new Error("needs haproxy, and with CI=true its absence is a failure");
const skip = isThere ? false : "needs haproxy (not installed)";

interface Farm {
  readonly balance: Partial<BalancePlan>;
  readonly weights: readonly number[];
}

/** `balance` and `hash-type` lines of a farm. */
function balanceLines({ balance }: Farm): string {
  const lines = [`balance ${balance.algorithm}`];
  const { hashFunction, hashType = "map-based" } = balance;
  if (hashFunction !== undefined) lines.push(`hash-type ${hashType} ${hashFunction}`);
  if (balance.avalanche) lines[1] += " avalanche";
  return lines.map((line) => `  ${line}\n`).join("");
}

/** One HAProxy with a backend per farm, chosen by the path's first element, and servers that say their number. */
async function startHaproxy(t: Tap, farms: readonly Farm[], origins: Origins): Promise<number> {
  const port = await freePort();
  const serverPorts = origins.ports;
  const backends = farms.map((farm, i) => {
    const servers = farm.weights.map(
      (weight, s) => `  server s${s + 1} 127.0.0.1:${serverPorts[s]} weight ${weight}\n`,
    );
    return `backend b${i}\n${balanceLines(farm)}${servers.join("")}`;
  });
  const config = `global
  nbthread 1
defaults
  mode http
  timeout client 10s
  timeout connect 10s
  timeout server 10s
frontend f
  bind 127.0.0.1:${port}
  use_backend b%[path,field(2,/)]
${origins.sections}${backends.join("")}`;
  await startProgram(t, { config, command: [HAPROXY], ports: [port] });
  return port;
}

/** Servers for a HAProxy, and what of them it is to serve itself. */
interface Origins {
  readonly ports: readonly number[];
  readonly sections: string;
}

/** Frontends of HAProxy's own that answer with their number. */
async function numbered(): Promise<Origins> {
  const ports = await freePorts(MAX_SERVERS);
  const sections = ports.map(
    (port, server) => `frontend o${server + 1}
  bind 127.0.0.1:${port}
  http-request return status 200 content-type text/plain string ${server + 1}
`,
  );
  return { ports, sections: sections.join("") };
}

function ask(port: number, path: string, options: { agent?: Agent; localAddress?: string } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path, ...options }, (response) => {
      let body = "";
      response.setEncoding("latin1").on("data", (text: string) => {
        body += text;
      });
      response.on("end", () => resolve(body));
    }).on("error", reject);
  });
}

/** Consistent hashing, whose points older HAProxys place otherwise. */
function circle(weights: readonly number[]): Farm {
  return { balance: { algorithm: "source", hashType: "consistent", hashFunction: "sdbm", avalanche: true }, weights };
}

/** Ours for one farm: chooses a server, counted from 1, for a client. */
function ours(farm: Farm) {
  const serverSettings = farm.weights.map((weight) => ({ weight }));
  const balance: BalancePlan = {
    ...{ algorithm: "roundrobin", arguments: [], hashType: "map-based", hashFunction: "sdbm", avalanche: false },
    ...farm.balance,
  };
  const plan = makePlan([{ balance, serverSettings }]);
  const ctx = makeContext(plan);
  const { shared } = ctx;
  farm.weights.forEach((weight, i) => {
    shared.words[shared.serverAt(i) + SERVER.effectiveWeight] = weight;
  });
  publishWeights(plan, shared, plan.proxies[0]!, farm.weights);
  const object = compileBalance(plan.proxies[0]!, ctx);
  const stream = makeStream(ctx, null);
  const pick = (client = "127.0.0.1"): number => {
    setClient(ctx, client);
    return object.pick(stream, -1) + 1;
  };
  const setStreams = (streams: readonly number[]): void => {
    streams.forEach((served, i) => {
      shared.words[shared.serverAt(i) + SERVER.served] = served;
    });
  };
  return { pick, setStreams };
}

let seed = 5;
const random = (n: number): number => {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
  return (seed >>> 8) % n;
};
const randomWeights = (max: number): number[] =>
  Array.from({ length: 2 + random(MAX_SERVERS - 1) }, () => 1 + random(max));

const count = (order: string, server: number): number => order.split("").filter((one) => one === String(server)).length;

t.test("roundrobin and static-rr: the same order", { skip }, async (t) => {
  const weightSets = Array.from({ length: 20 }, () => randomWeights(12)).concat([
    [3, 2, 1],
    [256, 1],
    [1, 1, 1, 1],
  ]);
  const farms = weightSets.flatMap((weights): Farm[] => [
    { balance: { algorithm: "roundrobin" }, weights },
    { balance: { algorithm: "static-rr" }, weights },
  ]);
  const port = await startHaproxy(t, farms, await numbered());
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => agent.destroy());
  let inexact = 0;
  for (const [i, farm] of farms.entries()) {
    const round = farm.weights.reduce((sum, weight) => sum + weight, 0);
    const turns = Math.min(round, 120);
    let theirs = "";
    for (let turn = 0; turn < turns; turn++) theirs += (await ask(port, `/${i}`, { agent })).trim();
    // HAProxy's own rounds are not always exact; where they are not, there is nothing to be equal to.
    if (turns === round && farm.weights.some((weight, s) => count(theirs, s + 1) !== weight)) {
      inexact++;
      continue;
    }
    const { pick } = ours(farm);
    const order = Array.from({ length: turns }, () => pick()).join("");
    t.equal(order, theirs, `${farm.balance.algorithm} ${farm.weights}`);
  }
  t.ok(inexact < farms.length / 5, `${inexact} of ${farms.length} rounds of HAProxy's were inexact`);
});

t.test("source: the same server for the same client", { skip }, async (t) => {
  const farms = [[1, 1], [1, 1, 1], [3, 2, 1], [7, 3], randomWeights(20)].flatMap((weights): Farm[] => [
    { balance: { algorithm: "source" }, weights },
    { balance: { algorithm: "source", hashFunction: "sdbm", avalanche: true }, weights },
    { balance: { algorithm: "source", hashFunction: "djb2" }, weights },
    ...(version >= 3 ? [circle(weights)] : []),
  ]);
  const port = await startHaproxy(t, farms, await numbered());
  const clients = Array.from({ length: 16 }, () => `127.${random(256)}.${random(256)}.${1 + random(250)}`);
  for (const [i, farm] of farms.entries()) {
    const { pick } = ours(farm);
    const theirs = [];
    for (const client of clients) theirs.push(Number(await ask(port, `/${i}`, { localAddress: client })));
    t.same(clients.map(pick), theirs, `${JSON.stringify(farm.balance)} ${farm.weights}`);
  }
});

t.test("leastconn: a choice that is least loaded for us, too", { skip }, async (t) => {
  // Origins that never answer: whoever they are given to stays with them.
  const origins = await Promise.all(
    Array.from({ length: MAX_SERVERS }, () => startHttpOrigin(t, { handler: () => {} })),
  );
  const farms = [[1, 1, 1], [1, 4], [3, 2, 1], [2, 5, 10, 1], randomWeights(20)].map(
    (weights): Farm => ({ balance: { algorithm: "leastconn" }, weights }),
  );
  const port = await startHaproxy(t, farms, { ports: origins.map((origin) => origin.port), sections: "" });
  for (const [i, { weights, balance }] of farms.entries()) {
    const { pick, setStreams } = ours({ weights, balance });
    const streams = weights.map(() => 0);
    const load = (server: number) => (streams[server] === 0 ? 0 : (streams[server]! + 1) / weights[server]!);
    const different: string[] = [];
    for (let turn = 0; turn < 30; turn++) {
      const before = origins.map((origin) => origin.requests.length);
      const request = get({ host: "127.0.0.1", port, path: `/${i}`, agent: false }).on("error", () => {});
      t.teardown(() => request.destroy());
      const arrived = () => origins.findIndex((origin, s) => origin.requests.length > before[s]!);
      await until("the request is with an origin", () => arrived() >= 0);
      setStreams(streams);
      const mine = pick() - 1;
      const theirs = arrived();
      if (Math.abs(load(mine) - load(theirs)) > 1e-9) different.push(`${mine + 1} for ${theirs + 1} at ${streams}`);
      streams[theirs]!++;
    }
    t.same(different, [], `weights ${weights}, in the end ${streams}`);
  }
});
