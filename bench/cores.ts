// Which core does what. The proxy under test gets one core for itself; load generators, the origin and this program share the others,
// so that what the proxy costs is not blurred by whoever else runs. Threads inherit the mask, so a proxy with helper threads has one
// core for all of them.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { findProgram } from "./programs.ts";

export interface Cores {
  /** Core of the proxies, or null: no pinning (one core only, or no taskset). */
  readonly proxy: number | null;
  /** Cores of everything else, as taskset writes lists. */
  readonly others: string | null;
}

/** The last core that this process may use is the proxy's: the first one usually serves most interrupts. */
export function chooseCores(): Cores {
  const cores = allowedCores();
  if (cores.length < 2 || findProgram("taskset") === null) return { proxy: null, others: null };
  return { proxy: cores.at(-1)!, others: cores.slice(0, -1).join(",") };
}

/** Puts this process, and with it what it starts without a mask of its own, on the cores that are not the proxy's. */
export function leaveProxyCore(cores: Cores): void {
  if (cores.others === null) return;
  execFileSync("taskset", ["-a", "-c", "-p", cores.others, String(process.pid)], { stdio: "ignore" });
}

/** The command that runs `command` on these cores. */
export function pinned(cores: number | string | null, command: readonly string[]): string[] {
  return cores === null ? [...command] : ["taskset", "-c", String(cores), ...command];
}

function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "0";
  return list.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);
  });
}
