// Handshakes by `openssl s_time`: one client at a time, a TLS connection and a request each; full handshakes, or one full and then
// only resumed ones. It tells no latencies.

import { type Cores, pinned } from "../cores.ts";
import { run } from "../programs.ts";
import type { LoadGenerator, LoadResult } from "./load.ts";

export function handshakes(cores: Cores, kind: "new" | "reuse"): LoadGenerator {
  return {
    name: `openssl s_time -${kind}`,
    refuses: (job) => (job.tls && job.close ? null : "it speaks TLS, a connection for each request"),
    run: async (job) => {
      const options = ["openssl", "s_time", `-${kind}`, "-connect", `127.0.0.1:${job.port}`, "-www", job.path];
      const time = ["-time", String(Math.max(1, Math.round(job.seconds)))];
      return readSTime(await run(pinned(cores.others, [...options, ...time])));
    },
  };
}

/** Reads what s_time prints. @throws Error with its words if it printed something else */
export function readSTime(report: string): LoadResult {
  const total = /^(\d+) connections in (\d+) real seconds, (\d+) bytes read per connection/m.exec(report);
  if (total === null) throw new Error(`openssl said something unknown:\n${report}`);
  const requests = Number(total[1]);
  return {
    ...{ requests, seconds: Number(total[2]) },
    ...{ p50Us: Number.NaN, p99Us: Number.NaN, p999Us: Number.NaN },
    errors: Number(total[3]) === 0 ? requests : 0,
  };
}
