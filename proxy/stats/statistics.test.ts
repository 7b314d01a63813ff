// Statistics from the shared state: sums over workers, what clearing does, rates and averages over time, and how rows are written.

import t from "tap";
import { ControlFixture, planOf } from "../control/fixture.ts";
import { LATENCY, LATENCY_BUCKETS, LatencyRows, latencyBucket, latencyBucketStart } from "../shared-state/latency.ts";
import { COUNTER, PROXY, SERVER } from "../shared-state/layout.ts";
import { COLUMNS, MODULE_COLUMNS_AT } from "./columns.ts";
import { uptimeText } from "./info.ts";
import { Samples } from "./samples.ts";
import { csvText } from "./stat-writers.ts";

import { preloadCounters } from "./stats-file.ts";

const plan = planOf(
  [
    { name: "fe", frontend: { defaultBackend: 1, maxconn: 100 } },
    { name: "be", servers: [{}, { cookie: "c,1" }] },
  ],
  { nbthread: 3 },
);

t.test("rows are sums over the workers", async (t) => {
  const fixture = new ControlFixture(plan);
  t.teardown(() => fixture.close());
  const { shared, statistics } = fixture;
  for (let worker = 0; worker < 3; worker++) {
    const at = shared.serverCountersAt(worker, 0);
    shared.counters[at + COUNTER.sessions] = 10 ** worker;
    shared.counters[at + COUNTER.totalTimeMaxMs] = 5 * (worker + 1);
    shared.counters[shared.frontendCountersAt(worker, 0) + COUNTER.requests] = 2;
  }
  const server = shared.serverAt(0);
  shared.words[server + SERVER.served] = 4;
  shared.words[server + SERVER.servedMax] = 9;
  shared.words[shared.proxyAt(0) + PROXY.frontendSessionsMax] = 7;
  t.equal(fixture.stat("be", "s1", ["stot", "ttime_max", "scur", "smax"]), "111,15,4,9");
  t.equal(fixture.stat("fe", "FRONTEND", ["req_tot", "slim", "smax"]), "6,100,7");
  t.equal(fixture.stat("be", "BACKEND", ["slim"]), "10", "a tenth of what its frontends may hold");
  statistics.clearMaxima();
  t.equal(fixture.stat("be", "s1", ["stot", "ttime_max", "scur", "smax"]), "111,0,4,4");
  statistics.clearAll();
  shared.counters[shared.serverCountersAt(1, 0) + COUNTER.sessions] += 3;
  t.equal(fixture.stat("be", "s1", ["stot"]), "3", "counted from the clearing on");
  t.equal(fixture.stat("fe", "FRONTEND", ["req_tot", "smax"]), "0,0");
  const csv = csvText(statistics.rows());
  const width = COLUMNS.length + 2;
  for (const line of csv.trimEnd().split("\n")) {
    t.equal(line.replace(/"[^"]*"/g, "q").split(",").length, width, "every row has all columns and ends with a comma");
  }
  t.match(csv, /,"c,1",/, "quoted where it has to be");
  t.equal(csv.split("\n")[0].split(",")[MODULE_COLUMNS_AT], "-");
});

t.test("rates and average times", async (t) => {
  const fixture = new ControlFixture(plan);
  t.teardown(() => fixture.close());
  const { shared } = fixture;
  let nowMs = 0;
  const samples = new Samples(shared, () => nowMs);
  const at = shared.serverCountersAt(2, 1);
  const pass = (ms: number, sessions: number): void => {
    nowMs += ms;
    shared.counters[at + COUNTER.sessions] += sessions;
  };
  t.equal(samples.rate("server 1"), 0);
  pass(1000, 100);
  samples.tick();
  t.equal(samples.rate("server 1"), 100, "the last second");
  pass(500, 50);
  t.equal(samples.rate("server 1"), 100, "steady traffic reads the same in between");
  pass(500, 0);
  t.equal(samples.rate("server 1"), 50, "and falls when it stops");
  samples.tick();
  pass(1000, 0);
  samples.tick();
  t.equal(samples.rate("server 1"), 0);
  t.equal(samples.rateMax("server 1"), 100);
  samples.clearMaxima();
  t.equal(samples.rateMax("server 1"), 0);

  const streams = (count: number, totalMs: number): void => {
    shared.counters[at + COUNTER.timedStreams] += count;
    shared.counters[at + COUNTER.totalTimeMs] += count * totalMs;
  };
  streams(10, 20);
  t.equal(samples.averageTimes("server 1").total, 20);
  streams(10, 40);
  t.equal(samples.averageTimes("server 1").total, 30, "the plain mean of few streams");
  streams(20_000, 100);
  t.equal(samples.averageTimes("server 1").total, 100, "old streams are forgotten");
  streams(1024, 0);
  t.equal(samples.averageTimes("server 1").total, 37, "one window later a share of 1/e is left");
  t.throws(() => samples.rate("nobody"));
});

t.test("uptime", async (t) => {
  t.equal(uptimeText(0), "0d 0h00m00s");
  t.equal(uptimeText(90061), "1d 1h01m01s");
});

t.test("percentiles of times", async (t) => {
  const ends = Array.from({ length: LATENCY_BUCKETS - 1 }, (_, bucket) => {
    const [start, end] = [latencyBucketStart(bucket), latencyBucketStart(bucket + 1) - 1] as const;
    return latencyBucket(start) === bucket && latencyBucket(end) === bucket && (end - start) * 16 <= start;
  });
  t.notOk(ends.includes(false), "buckets follow each other without a gap, none wider than a sixteenth");
  t.equal(latencyBucketStart(LATENCY_BUCKETS - 1), 2 ** 31);
  t.equal(latencyBucket(-1), LATENCY_BUCKETS - 1);

  const fixture = new ControlFixture(plan);
  t.teardown(() => fixture.close());
  const { shared, statistics } = fixture;
  const add = (worker: number, us: number): void => {
    const { cells } = shared.latencies;
    const at = shared.latencies.serverAt(worker, 1) + LatencyRows.histogramAt(LATENCY.response);
    cells[at + latencyBucket(us)]! += 1;
    cells[at + LATENCY_BUCKETS]! += us;
  };
  const read = () => statistics.latencies.server(1, "response");
  t.same([read().count, read().percentileUs(99), read().meanUs], [0, 0, 0], "nothing is there yet");
  for (let i = 1; i <= 1000; i++) add(i % 3, i * 100);
  const first = read();
  t.equal(first.count, 1000);
  t.equal(first.meanUs, 50_050);
  for (const [percent, us] of [
    [50, 50_000],
    [90, 90_000],
    [99, 99_000],
    [99.9, 99_900],
    [0, 100],
  ] as const)
    t.ok(Math.abs(first.percentileUs(percent) - us) <= us / 32 + 1, `p${percent}`);
  t.equal(first.countAtMost(2 ** 31), 1000);
  t.ok(Math.abs(first.countAtMost(50_000) - 500) <= 32);
  add(0, 7);
  t.same(
    [read().since(first).count, read().since(first).maxUs, read().since(first).sumUs],
    [1, 7, 7],
    "what came since",
  );
  t.equal(statistics.latencies.server(0, "response").count, 0, "another server");
  t.equal(statistics.latencies.server(1, "queue").count, 0, "another time");
  statistics.clearServer(plan.servers[1]!);
  t.equal(read().count, 0, "cleared");
  add(2, 9);
  t.equal(read().percentileUs(50), 9);
  t.equal(read().since(first).count, 1, "a reading from before the clearing says nothing");
  t.equal(read().plus(first).count, 1001);
  statistics.clearAll();
  t.equal(read().count, 0);
});

t.test("statistics files", async (t) => {
  const objects = [
    { guid: "web", kind: "frontend", index: 0 },
    { guid: "s-1", kind: "server", index: 1 },
    { guid: "pool", kind: "backend", index: 1 },
  ] as const;
  const own = { ...plan, statsFile: { path: "x", objects } };
  const fixture = new ControlFixture(own);
  t.teardown(() => fixture.close());
  const { shared, statistics } = fixture;
  const file = `// a comment
#fe guid,stot,nonsense,bin,
web,12,x,99,
web,abc,
pool,1,
#other guid,stot,
web,777,
#be guid,unknown,stot,chkfail,
s-1,5,40,3,
pool,5,41,3,
nobody,1,2,3,
web,1,1000,1,
#be guid
s-1
`;
  preloadCounters(file, own, shared);
  const sessions = (at: number): number => shared.counters[at + COUNTER.sessions]!;
  t.equal(sessions(shared.frontendCountersAt(0, 0)), 12);
  t.equal(shared.counters[shared.frontendCountersAt(0, 0) + COUNTER.bytesIn], 99);
  t.equal(sessions(shared.serverCountersAt(0, 1)), 40);
  t.equal(sessions(shared.backendCountersAt(0, 1)), 41);
  const dump = statistics.statsFile();
  t.match(dump, /^#fe guid,stot,bin,[a-z0-9_,]*,\nweb,12,99,0,/);
  t.match(dump, /\n\n#be guid,stot,[a-z0-9_,]*,chkfail,chkdown,\ns-1,40,[0-9,]*,3,0,\npool,41,/);
  const next = new ControlFixture(own);
  t.teardown(() => next.close());
  preloadCounters(dump, own, next.shared);
  t.equal(next.statistics.statsFile(), dump, "what is dumped is what is read");
  preloadCounters("#fe guid,stot\n".repeat(3) + "\u0000,,,\n#".padEnd(70_000, ","), own, next.shared);
  t.equal(next.statistics.statsFile(), dump, "nonsense changes nothing");
});
