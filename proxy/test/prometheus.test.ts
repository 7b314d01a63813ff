// The Prometheus exporter beside HAProxy's: every metric of its has the same name, type and labels here; parameters select the same.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { basics } from "./lab/config.ts";
import { get } from "./lab/http-origin.ts";
import { findProgram, needs } from "./lab/needs.ts";
import { freePorts } from "./lab/ports.ts";
import { REPOSITORY, startProgram } from "./lab/program.ts";

function configuration(port: number, server: number): string {
  return `${basics('nbthread 1\ndescription our "site"')}
listen stats
  bind 127.0.0.1:${port}
  description the page
  option socket-stats
  http-request use-service prometheus-exporter if { path /metrics }
backend be
  stick-table type ip size 1k expire 10s store http_req_rate(10s)
  server s1 127.0.0.1:${server}
  server s2 127.0.0.1:${server} check inter 100s maxqueue 10 maxconn 12 pool-max-conn 42
  server s3 127.0.0.1:${server} disabled
`;
}

/** Samples by name and labels, and types by name. What only time or the machine decides is blanked. */
async function scrape(port: number, query: string): Promise<{ status: number; series: Set<string> }> {
  const { status, body } = await get(port, `/metrics${query}`);
  const series = new Set<string>();
  for (const line of body.split("\n")) {
    if (line.startsWith("# TYPE")) series.add(line);
    else if (line !== "" && !line.startsWith("#"))
      series.add(line.replace(/ \S+$/, "").replace(/(node|version)="[^"]*"/, '$1=""'));
  }
  return { status, series };
}

/** Newer than 3.2, or about what the machine's resolv.conf says, which HAProxy reads unasked. */
const NOT_OURS =
  /haproxy_resolver_|_http_cache_hint_hits_total|patterns_(added|freed)_total|nb_thread_groups|_local_updates/;
/** Histograms of latencies. */
const OURS = /_time_seconds(_bucket|_sum|_count| histogram)/;
/** Spelled or typed otherwise by 2.6. */
const OTHER_IN_26 =
  /^haproxy_process_(version|build_info|failed_resolutions)|_check_(failures|up_down)_total|downtime_seconds_total|^# TYPE haproxy_process/;

t.test("names, types, labels and parameters are HAProxy's", needs("haproxy"), async (t) => {
  const [ours, theirs, server] = await freePorts(3);
  const haproxy = findProgram("haproxy");
  if (haproxy === null) throw new Error("needs() found it");
  await startProgram(t, { config: configuration(ours, server) });
  await startProgram(t, { command: [haproxy, "-db"], config: configuration(theirs, server) });
  const is26 = /version 2\./.test(execFileSync(haproxy, ["-v"], { encoding: "latin1" }));
  for (const query of [
    "",
    "?scope=server&no-maint",
    "?scope=",
    "?scope=*&scope=&scope=backend&desc-labels",
    "?scope",
    "?scope=nonsense",
    "?metrics=haproxy_server_status,haproxy_process_nbthread",
    "?scope=frontend&metrics=-haproxy_frontend_status",
  ]) {
    const [mine, other] = await Promise.all([scrape(ours, query), scrape(theirs, query)]);
    // 2.6 knows neither of them and gives everything.
    if (is26 && /desc-labels|metrics=/.test(query)) continue;
    t.equal(mine.status, other.status, `status of ${query}`);
    const missing = [...other.series].filter(
      (name) => !mine.series.has(name) && !NOT_OURS.test(name) && !OTHER_IN_26.test(name),
    );
    t.strictSame(missing, [], `all of HAProxy's for '${query}'`);
    if (query !== "")
      t.ok([...mine.series].filter((name) => !OURS.test(name)).length <= other.series.size + 60, `${query} selects`);
  }
  const { body } = await get(ours, "/metrics?scope=global");
  t.match(body, 'haproxy_process_description{desc="our site"} 1');
  const extra = await get(ours, "/metrics?scope=frontend&extra-counters");
  t.match(extra.body, /haproxy_frontend_h1_total_connections\{proxy="stats",mod="h1"\} \d/);
});

t.test("the dashboard asks for metrics that there are", async (t) => {
  const [port, server] = await freePorts(2);
  await startProgram(t, { config: configuration(port, server) });
  const { series } = await scrape(port, "");
  const there = new Set([...series].map((line) => line.replace(/^# TYPE (\S+) .*/, "$1").replace(/\{.*/, "")));
  const dashboard = readFileSync(join(REPOSITORY, "shared/packaging/grafana/ringway.json"), "utf8");
  const asked = new Set(dashboard.match(/haproxy_[a-z0-9_]+/g));
  asked.delete("haproxy_");
  const missing = [...asked].filter((name) => !there.has(name));
  t.strictSame(missing, []);
  t.ok(asked.size > 20);
});
