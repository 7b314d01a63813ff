// The benchmark in small: a few hundred requests per proxy, to see that every kind of scenario runs and that its report has what it
// promises. Numbers are not judged here.

import t from "tap";
import { needs } from "../proxy/test/lab/needs.ts";
import type { Contestant } from "./contestants/contestant.ts";
import { contestants } from "./contestants/field.ts";
import { chooseCores } from "./cores.ts";
import { readH2load } from "./load/h2load.ts";
import { readSTime } from "./load/handshakes.ts";
import { readReport } from "./load/wrk.ts";
import { cpuBetween, cpuTime } from "./measure/cpu.ts";
import { median, spreadOf } from "./measure/statistics.ts";
import { type Options, readOptions } from "./options.ts";
import { PATTERN, PatternCheck } from "./origin/pattern.ts";
import { COLUMNS } from "./report/columns.ts";
import { pictureOf } from "./report/picture.ts";
import { reportOf, tableOf } from "./report/report.ts";
import { runScenario } from "./runner.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";

const SMALL: Options = {
  ...readOptions(["--requests", "300", "--rounds", "1", "--warm-up", "0"]),
  only: ["ringway", "haproxy", "node"],
};
t.setTimeout(300_000);

const SMALL_BYTES = 8 << 20;
const FEW_CONNECTIONS = 50;

/** Every proxy has a scenario; all of them in each would take long. */
function field(scenario: string): Contestant[] {
  const extra = scenario === "keep-alive" ? "node" : scenario === "tcp" ? "ringway epoll" : "";
  return contestants(SMALL).filter(
    ({ name }) => name === "ringway" || name.startsWith("haproxy") || (extra !== "" && name.startsWith(extra)),
  );
}

/** The scenario in its smallest form. */
function small(scenario: Scenario): Scenario {
  if (scenario.kind === "transfer") return { ...scenario, bytes: SMALL_BYTES };
  const connections = Math.min(scenario.connections, FEW_CONNECTIONS);
  return scenario.kind === "load"
    ? { ...scenario, connections, idle: Math.min(scenario.idle, FEW_CONNECTIONS) }
    : { ...scenario, connections };
}

for (const name of [
  "keep-alive",
  "httplog",
  "tls",
  "http2",
  "idle-active",
  "tcp",
  "100m-down",
  "100m-up",
  "idle",
  "idle-tls",
]) {
  t.test(`scenario ${name}`, name === "http2" ? needs("h2load") : {}, async (t) => {
    const cores = chooseCores();
    const scenario = small(SCENARIOS.find((known) => known.name === name)!);
    const result = await runScenario(scenario, field(name), SMALL, cores);
    t.strictSame(result.leftOut, [], "every proxy takes part");
    t.ok(result.entries.some(({ proxy }) => proxy === "ringway"));
    const report = reportOf({ startedAt: new Date(), loadBefore: 0 }, [result], SMALL, cores);
    t.match(report, { machine: { processor: String, cores: Number, kernel: String, node: process.version } });
    const table = tableOf(result);
    const picture = pictureOf(report);
    t.match(picture, /^<svg [\s\S]*<\/svg>\n$/);
    if (result.entries.some(({ proxy }) => proxy.startsWith("haproxy")))
      for (const { proxy } of result.entries) t.match(picture, `<title>${proxy}: `, "a bar");
    for (const row of report.scenarios[0]!.rows) {
      t.equal(row.errors, 0, `${row.proxy}: no failed request`);
      t.ok(row.requests > 0);
      for (const { metric, heading } of COLUMNS[scenario.kind]) {
        t.ok(Number.isFinite(row.metrics[metric]?.median), `${row.proxy} has ${metric}`);
        t.match(table, heading);
      }
      t.match(table, row.proxy);
    }
  });
}

t.test("what wrk prints", async (t) => {
  const report = `Running 2s test @ http://127.0.0.1:1/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.86ms  812.00us  22.13ms   91.21%
    Req/Sec    34.50k     2.34k   38.10k    70.00%
  Latency Distribution
     50%  940.00us
     75%    1.99ms
     90%    2.30ms
     99%    1.01s 
     99.9% 2500000.00us
  68862 requests in 2.01s, 11.10MB read
  Socket errors: connect 1, read 2, write 0, timeout 3
  Non-2xx or 3xx responses: 4
Requests/sec:  34256.11
`.replaceAll(/ +$/gm, "");
  t.strictSame(readReport(report), {
    requests: 68858,
    seconds: 2.01,
    p50Us: 940,
    p99Us: 1_010_000,
    p999Us: 2_500_000,
    errors: 10,
  });
  t.throws(() => readReport("unable to connect"), /unable to connect/);
});

t.test("what h2load and openssl print", async (t) => {
  const report = `finished in 2.50s, 4.00 req/s, 1.00KB/s
requests: 10 total, 12 started, 10 done, 9 succeeded, 1 failed, 0 errored, 0 timeout
status codes: 9 2xx, 0 3xx, 0 4xx, 1 5xx
`;
  const times = [5, 1, 4, 2, 3, 9, 8, 7, 6, 10];
  const log = times.map((time, i) => `${1000 + i}\t200\t${time}\n`).join("");
  const read = readH2load(report, log);
  t.strictSame(read, { requests: 9, seconds: 2.5, p50Us: 6, p99Us: 10, p999Us: 10, errors: 1 });
  t.throws(() => readH2load("could not connect", ""), /could not connect/);

  const words = "2363 connections in 1.61s; 1467.70 connections/user sec, bytes read 0\n";
  const made = readSTime(`${words}2363 connections in 6 real seconds, 112 bytes read per connection\n`);
  t.match(made, { requests: 2363, seconds: 6, errors: 0 });
  t.equal(
    readSTime(`${words}2363 connections in 6 real seconds, 0 bytes read per connection\n`).errors,
    2363,
    "nothing came back",
  );
  t.throws(() => readSTime("connect: refused"), /refused/);
});

t.test("statistics, CPU time, pattern, flags", async (t) => {
  t.equal(median([3, 1, 2]), 2);
  t.equal(median([4, 1, 2, 3]), 2.5);
  t.strictSame(spreadOf([3, 1, 2]), { median: 2, min: 1, max: 3, rounds: 3 });

  const before = cpuTime(process.pid);
  const end = performance.now() + 200;
  while (performance.now() < end);
  const { userUs, systemUs, totalUs } = cpuBetween(before, cpuTime(process.pid));
  t.ok(totalUs > 20_000 && totalUs < 2_000_000, `busy for 200 ms: ${totalUs} µs`);
  t.ok(Math.abs(userUs + systemUs - totalUs) < 1);

  const check = new PatternCheck();
  check.add(PATTERN.subarray(0, 5000));
  check.add(PATTERN.subarray(5000, 9000));
  t.ok(check.isIntact);
  check.add(PATTERN.subarray(9001, 9100));
  t.notOk(check.isIntact, "a lost byte shows");

  t.throws(() => readOptions(["--scenario", "nothing"]), /there are keep-alive/);
  t.throws(() => readOptions(["--rounds", "0"]), /above 0/);
  t.equal(readOptions([]).scenarios.length, SCENARIOS.length);
});
