// How the VRRP thread asks for its processor time and keeps its memory: real-time priority, nice, processors, locked pages. What is
// configured and refused is a warning; what nobody asked for is tried in silence.
//
// Without a word in the configuration the thread asks for SCHED_RR with the lowest real-time priority, so that a busy machine does not
// make it miss its timers; its turns take well below a millisecond.

import { errnoMeaning } from "../../shared/abi/errno.ts";
import {
  gettid,
  MCL_CURRENT,
  MCL_FUTURE,
  MCL_ONFAULT,
  mlockall,
  RLIMIT_RTTIME,
  SCHED_RESET_ON_FORK,
  SCHED_RR,
  setAffinity,
  setNice,
  setrlimit,
  setScheduler,
  setThreadName,
} from "../../shared/ffi/process.ts";
import type { SchedulingPlan } from "../plan/plan.ts";

/** keepalived's. Whoever writes another one means it. */
const RTTIME_DEFAULT_US = 10_000;

export interface Remark {
  readonly level: "info" | "warn";
  readonly text: string;
}

/** Applies the plan to the calling thread. */
export function arrangeScheduling(plan: SchedulingPlan): Remark[] {
  const remarks: Remark[] = [];
  const wanted = (what: string, result: number) => {
    if (result < 0) remarks.push({ level: "warn", text: `${what}: ${errnoMeaning(result)}` });
  };
  setThreadName(plan.threadName ?? "vrrp");
  const realtime = setScheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, plan.realtimePriority ?? 1);
  if (plan.realtimePriority !== null) wanted(`vrrp_rt_priority ${plan.realtimePriority}`, realtime);
  else if (realtime < 0) remarks.push({ level: "info", text: "no real-time priority (CAP_SYS_NICE is needed)" });
  if (plan.nice !== null) wanted(`vrrp_priority ${plan.nice}`, setNice(gettid(), plan.nice));
  if (plan.cpuAffinity.length > 0) wanted("vrrp_cpu_affinity", setAffinity(0, plan.cpuAffinity));
  if (plan.rlimitRttimeUs !== RTTIME_DEFAULT_US) {
    const limit = { soft: plan.rlimitRttimeUs, hard: plan.rlimitRttimeUs };
    wanted(`vrrp_rlimit_rttime ${plan.rlimitRttimeUs}`, setrlimit(RLIMIT_RTTIME, limit));
  }
  // Pages are locked as they are touched, so that V8's large reservations cost nothing.
  if (plan.noSwap) wanted("vrrp_no_swap", mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT));
  return remarks;
}
