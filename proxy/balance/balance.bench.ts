// How long balancing takes per pick: `node dist/proxy/balance/balance.bench.js`. One thread, no contention; the best of several rounds.

import type { BalancePlan } from "../plan/balance.ts";
import { makeContext, makePlan, makeStream, setClient } from "../sample/fixture.ts";
import { SERVER } from "../shared-state/layout.ts";
import { compileBalance } from "./compile.ts";
import { publishWeights } from "./sequence.ts";

const ROUNDS = 7;

function nanosecondsPerPick(algorithm: BalancePlan["algorithm"], servers: number, maxconn: number): number {
  const plan = makePlan([
    {
      balance: { algorithm, arguments: [], hashType: "map-based", hashFunction: "sdbm", avalanche: false },
      serverSettings: Array.from({ length: servers }, () => ({ maxconn })),
    },
  ]);
  const ctx = makeContext(plan);
  const { shared } = ctx;
  for (let server = 0; server < servers; server++) {
    shared.words[shared.serverAt(server) + SERVER.effectiveWeight] = 1;
    shared.words[shared.serverAt(server) + SERVER.maxconn] = maxconn;
    shared.words[shared.serverAt(server) + SERVER.served] = server % 10;
  }
  const weights = plan.servers.map(() => 1);
  publishWeights(plan, shared, plan.proxies[0]!, weights);
  setClient(ctx, "192.0.2.77");
  const balance = compileBalance(plan.proxies[0]!, ctx);
  const stream = makeStream(ctx, null);
  const picks = servers > 100 ? 20_000 : 300_000;
  let best = Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < picks; i++) sum += balance.pick(stream, -1);
    best = Math.min(best, Number(process.hrtime.bigint() - start) / picks);
  }
  if (sum < 0) throw new Error("no server was found");
  return best;
}

console.log("ns per pick         2 servers  10 servers  1000 servers");
for (const algorithm of ["roundrobin", "static-rr", "leastconn", "first", "random", "source"] as const) {
  for (const maxconn of [0, 100]) {
    const cells = [2, 10, 1000].map((servers) =>
      nanosecondsPerPick(algorithm, servers, maxconn).toFixed(0).padStart(11),
    );
    console.log(`${algorithm}${maxconn > 0 ? " maxconn" : ""}`.padEnd(18) + cells.join(""));
  }
}
