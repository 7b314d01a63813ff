// wrk: the generator that costs least per request, and so disturbs least. One thread, which fills its core.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cores, pinned } from "../cores.ts";
import { run } from "../programs.ts";
import { type LoadGenerator, type LoadResult, UNIT_US } from "./load.ts";

/** wrk itself tells nothing above p99, and sends one request at a time; its scripts can. The argument: requests at a time. */
const SCRIPT = `init = function(arguments)
  batch = string.rep(wrk.format(), tonumber(arguments[1]))
end
request = function()
  return batch
end
done = function(summary, latency)
  io.write(string.format("     99.9%% %.2fus\\n", latency:percentile(99.9)))
end
`;
let scriptPath: string | null = null;

function script(): string {
  if (scriptPath === null) {
    const folder = mkdtempSync(join(tmpdir(), "ringway-wrk-"));
    process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
    scriptPath = join(folder, "percentile.lua");
    writeFileSync(scriptPath, SCRIPT);
  }
  return scriptPath;
}

export function wrk(program: string, cores: Cores): LoadGenerator {
  return {
    name: "wrk",
    refuses: (job) => (job.requests === null ? null : "it runs for a time, not for a number of requests"),
    run: async (job) => {
      const options = [
        "-t1",
        `-c${job.connections}`,
        `-d${Math.max(1, Math.round(job.seconds))}s`,
        "--latency",
        "-s",
        script(),
      ];
      if (job.close) options.push("-H", "Connection: close");
      const url = `${job.tls ? "https" : "http"}://127.0.0.1:${job.port}${job.path}`;
      return readReport(await run(pinned(cores.others, [program, ...options, url, "--", String(job.pipelined)])));
    },
  };
}

/** Reads what wrk prints; exported for its test. */
export function readReport(report: string): LoadResult {
  const total = /(\d+) requests in ([\d.]+)(us|ms|s|m)\b/.exec(report);
  if (total === null) throw new Error(`wrk said something unknown:\n${report}`);
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(report);
  const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(report)?.[1] ?? 0);
  const failed = socketErrors === null ? 0 : socketErrors.slice(1).reduce((sum, count) => sum + Number(count), 0);
  return {
    requests: Number(total[1]) - refused,
    seconds: (Number(total[2]) * UNIT_US[total[3] as keyof typeof UNIT_US]) / 1e6,
    p50Us: percentile(report, 50),
    p99Us: percentile(report, 99),
    p999Us: percentile(report, 99.9),
    errors: refused + failed,
  };
}

function percentile(report: string, percent: number): number {
  const match = new RegExp(`^ +${String(percent).replace(".", "\\.")}% +([\\d.]+)(us|ms|s|m)$`, "m").exec(report);
  return match === null ? Number.NaN : Number(match[1]) * UNIT_US[match[2] as keyof typeof UNIT_US];
}
