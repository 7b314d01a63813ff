#!/usr/bin/env node
// `make bench`: ringway beside HAProxy and nginx, side by side in one run. README.md is the method.

import { mkdirSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { dirname, join } from "node:path";
import { contestants } from "./contestants/field.ts";
import { chooseCores, leaveProxyCore } from "./cores.ts";
import { readOptions, USAGE } from "./options.ts";
import { REPOSITORY } from "./programs.ts";
import { pictureOf } from "./report/picture.ts";
import { reportOf, tableOf } from "./report/report.ts";
import { runScenario, type ScenarioResult } from "./runner.ts";
import { SCENARIOS } from "./scenarios.ts";

/** Load average above which somebody else needs the cores too. */
const BUSY_LOAD = 0.7;

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    console.log(USAGE);
    return;
  }
  const startedAt = new Date();
  const loadBefore = loadavg()[0]!;
  const cores = chooseCores();
  leaveProxyCore(cores);
  const field = contestants(options);
  console.log(
    `${field.map(({ name }) => name).join(", ")}; ` +
      (cores.proxy === null ? "not pinned\n" : `proxies on core ${cores.proxy}, load and origin on ${cores.others}\n`),
  );
  if (loadBefore > BUSY_LOAD) console.log(`The machine is busy (load ${loadBefore}): expect wide spreads.\n`);
  const results: ScenarioResult[] = [];
  for (const scenario of SCENARIOS.filter(({ name }) => options.scenarios.includes(name))) {
    const result = await runScenario(scenario, field, options, cores);
    results.push(result);
    console.log(tableOf(result));
  }
  const path =
    options.output ?? join(REPOSITORY, "bench/results", `${startedAt.toISOString().replaceAll(":", "-")}.json`);
  mkdirSync(dirname(path), { recursive: true });
  const report = reportOf({ startedAt, loadBefore }, results, options, cores);
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
  const picture = `${path.replace(/\.json$/, "")}.svg`;
  writeFileSync(picture, pictureOf(report));
  console.log(
    `${Math.round((Date.now() - startedAt.getTime()) / 1000)} s; everything is in ${path}, a picture in ${picture}`,
  );
}

try {
  await main();
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exitCode = 1;
}
