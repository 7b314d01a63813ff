// h2load, nghttp2's generator: many HTTP/2 streams over few connections. One thread.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cores, pinned } from "../cores.ts";
import { percentileOf } from "../measure/statistics.ts";
import { run } from "../programs.ts";
import { type LoadGenerator, type LoadResult, UNIT_US } from "./load.ts";

export function h2load(cores: Cores): LoadGenerator {
  return {
    name: "h2load",
    refuses: (job) => (job.close ? "it keeps its connections" : null),
    run: async (job) => {
      const folder = mkdtempSync(join(tmpdir(), "ringway-h2load-"));
      const log = join(folder, "log");
      try {
        const amount =
          job.requests === null
            ? ["-D", String(Math.max(1, Math.round(job.seconds)))]
            : ["-n", String(Math.max(job.requests, job.connections))];
        const options = ["-c", String(job.connections), "-m", String(job.pipelined), ...amount, `--log-file=${log}`];
        const url = `${job.tls ? "https" : "http"}://127.0.0.1:${job.port}${job.path}`;
        const output = await run(pinned(cores.others, ["h2load", ...options, url]));
        return readH2load(output, readFileSync(log, "latin1"));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

/**
 * Reads what h2load prints, and its log: a line for each request with its start, its status and its time in microseconds.
 * @throws Error with its words if it printed something else
 */
export function readH2load(report: string, log: string): LoadResult {
  const finished = /finished in ([\d.]+)(us|ms|s)/.exec(report);
  const requests = /requests: \d+ total, \d+ started, \d+ done, (\d+) succeeded, (\d+) failed, \d+ errored/.exec(
    report,
  );
  if (finished === null || requests === null) throw new Error(`h2load said something unknown:\n${report}`);
  const lines = log.split("\n").filter((line) => line !== "");
  const times = Float64Array.from(lines, (line) => Number(line.split("\t")[2]));
  times.sort();
  return {
    requests: Number(requests[1]),
    seconds: (Number(finished[1]) * UNIT_US[finished[2] as keyof typeof UNIT_US]) / 1e6,
    p50Us: percentileOf(times, 50),
    p99Us: percentileOf(times, 99),
    p999Us: percentileOf(times, 99.9),
    errors: Number(requests[2]),
  };
}
