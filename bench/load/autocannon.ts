// autocannon, the generator that npm brings along: always there, but it costs several times more CPU per request than a proxy does, so
// with it the proxy is never saturated. CPU per request can be compared all the same; requests per second say more about the generator.

import { join } from "node:path";
import { type Cores, pinned } from "../cores.ts";
import { REPOSITORY, run } from "../programs.ts";
import type { LoadGenerator } from "./load.ts";

/** The part of autocannon's JSON that is read. Latencies are milliseconds. */
interface Report {
  readonly duration: number;
  readonly errors: number;
  readonly "2xx": number;
  readonly non2xx: number;
  readonly latency: { readonly p50: number; readonly p99: number; readonly p99_9: number };
}

export function autocannon(cores: Cores): LoadGenerator {
  const program = join(REPOSITORY, "node_modules/autocannon/autocannon.js");
  return {
    name: "autocannon",
    refuses: (job) => {
      if (job.close) return "it does not count reconnections";
      // Seen against a plain node:http server as well: more requests in flight than its amount, and it never ends.
      return job.pipelined > 1 ? "it loses count of pipelined requests" : null;
    },
    run: async (job) => {
      const amount = job.requests === null ? ["-d", String(Math.ceil(job.seconds))] : ["-a", String(job.requests)];
      const url = `${job.tls ? "https" : "http"}://127.0.0.1:${job.port}${job.path}`;
      const options = [
        "--json",
        "--no-progress",
        "-c",
        String(job.connections),
        "-p",
        String(job.pipelined),
        ...amount,
        url,
      ];
      const report: Report = JSON.parse(await run(pinned(cores.others, [process.execPath, program, ...options])));
      return {
        requests: report["2xx"],
        seconds: report.duration,
        p50Us: report.latency.p50 * 1000,
        p99Us: report.latency.p99 * 1000,
        p999Us: report.latency.p99_9 * 1000,
        errors: report.errors + report.non2xx,
      };
    },
  };
}
