// CPU time of a process, all its threads, from /proc.
//
// The total comes from /proc/PID/task/*/schedstat: nanoseconds that the scheduler counted. Where the kernel keeps none, utime + stime of
// /proc/PID/stat take its place, in ticks of 10 ms. How much of the total was user and how much kernel time is always taken from those
// ticks, so the split is coarser than the sum: trust it to a few per cent over a second, not over a few milliseconds.

import { readdirSync, readFileSync } from "node:fs";

/** Linux reports USER_HZ to user space, which is 100 on every architecture that Node runs on. */
const TICK_US = 10_000;

/** Microseconds of CPU. */
export interface CpuTime {
  readonly userUs: number;
  readonly systemUs: number;
  readonly totalUs: number;
}

/** CPU that the process has used so far. Throws when it is gone. */
export function cpuTime(pid: number): CpuTime {
  const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
    .replace(/^.*\) /s, "")
    .split(" ");
  const userUs = Number(fields[11]) * TICK_US;
  const systemUs = Number(fields[12]) * TICK_US;
  return { userUs, systemUs, totalUs: scheduledUs(pid) ?? userUs + systemUs };
}

/** What was used between two readings; user and kernel time add up to the total. */
export function cpuBetween(before: CpuTime, after: CpuTime): CpuTime {
  const totalUs = after.totalUs - before.totalUs;
  const user = after.userUs - before.userUs;
  const system = after.systemUs - before.systemUs;
  const userShare = user + system === 0 ? 0 : user / (user + system);
  return { userUs: totalUs * userShare, systemUs: totalUs * (1 - userShare), totalUs };
}

/** CPU that the process uses while some work is done, and what the work gave. Throws when the process is gone. */
export async function cpuDuring<T>(pid: number, work: () => Promise<T>): Promise<{ result: T; cpu: CpuTime }> {
  const before = cpuTime(pid);
  const result = await work();
  return { result, cpu: cpuBetween(before, cpuTime(pid)) };
}

function scheduledUs(pid: number): number | null {
  let nanoseconds = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    try {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "latin1").split(" ")[0]);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" && task === String(pid)) return null; // no schedstat in this kernel
      if (code !== "ENOENT" && code !== "ESRCH") throw error; // else: a thread that ended between two reads
    }
  }
  return nanoseconds / 1000;
}
