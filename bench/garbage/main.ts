// What the worker leaves for the garbage collector, and how long that stops it: `make bench-garbage`.
//
//   node main.js [--requests N] [--warm-up SECONDS] [--seconds N of a round]
//
// V8 itself tells of each collection (--trace-gc). README.md says how the figures come about.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Duty } from "../contestants/contestant.ts";
import { ringway } from "../contestants/haproxy.ts";
import { chooseCores, leaveProxyCore, pinned } from "../cores.ts";
import { wrk } from "../load/wrk.ts";
import { startOrigin } from "../origin/origin.ts";
import { findProgram, freePort, Server } from "../programs.ts";
import { collectionsOf, garbageOf } from "./trace.ts";

const CONNECTIONS = 64;

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "5000000" },
    "warm-up": { type: "string", default: "15" },
    seconds: { type: "string", default: "10" },
  },
});

async function main(requestsWanted: number, warmUpSeconds: number, roundSeconds: number): Promise<void> {
  if (findProgram("wrk") === null) throw new Error("wrk is not installed");
  const cores = chooseCores();
  leaveProxyCore(cores);
  const folder = mkdtempSync(join(tmpdir(), "ringway-garbage-"));
  const origin = await startOrigin(folder, cores, false);
  const port = await freePort();
  const duty: Duty = {
    ...{ port, originPort: origin.port, mode: "http", certificate: null, http2: false, logPort: null, rules: 0 },
    ...{ servers: 1, balance: "roundrobin", sticks: false, connectionsMax: 4000, folder: join(folder, "proxy") },
  };
  mkdirSync(duty.folder);
  const [node, ...words] = ringway().command(duty);
  const command = pinned(cores.proxy, [node!, "--trace-gc", ...words]);
  let trace = "";
  let proxy: Server | null = null;
  try {
    proxy = await Server.start(command, port, (text) => {
      trace += text;
    });
    const load = { port, path: "/", connections: CONNECTIONS, close: false, tls: false, pipelined: 1, requests: null };
    const generator = wrk("wrk", cores);
    await generator.run({ ...load, seconds: warmUpSeconds });
    const before = collectionsOf(trace).length;
    let requests = 0;
    let errors = 0;
    while (requests < requestsWanted) {
      const round = await generator.run({ ...load, seconds: roundSeconds });
      requests += round.requests;
      errors += round.errors;
    }
    const { worker, mainThread } = garbageOf(collectionsOf(trace), before);
    console.log(`${requests} requests, ${errors} errors`);
    for (const [name, { collections, allocatedBytes, longestMs }] of Object.entries({
      worker,
      "main thread": mainThread,
    })) {
      const each = (allocatedBytes / requests).toFixed(2);
      console.log(
        `${name}: ${collections} collections, ${(allocatedBytes / 1024).toFixed(0)} KiB allocated between the first and the last, ` +
          `${each} bytes a request, longest pause ${longestMs.toFixed(1)} ms`,
      );
    }
  } finally {
    await proxy?.stop();
    await origin.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main(Number(values.requests), Number(values["warm-up"]), Number(values.seconds));
