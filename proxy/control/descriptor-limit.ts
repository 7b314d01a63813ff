// How many descriptors the process needs for its connections, and how many connections it can promise with the descriptors it may have.
//
//     needed = 2 × maxconn          a client and a server connection each
//            + listeners × workers  every worker has its own socket per listener
//            + checks               one connection per checked server at a time
//            + log endpoints, stats sockets and their clients
//            + what threads and Node itself hold
//
// A configured maxconn is a promise: if the limit cannot be raised to keep it, the start fails (HAProxy's strict-limits, on by
// default; `no strict-limits` makes it a warning and lowers maxconn). Without one, maxconn follows from the hard limit.

import { getrlimit, RLIMIT_NOFILE, raiseDescriptorLimit } from "../../shared/ffi/process.ts";
import type { Plan } from "../plan/plan.ts";

/** Ring, eventfd, epoll, pipes and the odd open file of one thread, generously. */
const PER_THREAD = 16;
/** Node's own: stdio, the main loop, the snapshot, shared libraries while they are loaded. */
const BASE = 48;
/** HAProxy refuses to run with less, and so do we. */
const MAXCONN_MIN = 100;
/** HAProxy's DEFAULT_MAXFD: a hard limit of a billion (containers) says nothing about what is sensible. */
const DESCRIPTORS_MAX = 1_048_576;
/**
 * Highest maxconn that is derived. HAProxy would go to half a million; here every worker lays out its rows at boot, so that who wants more
 * says so with `maxconn`.
 */
const DERIVED_MAXCONN_MAX = 100_000;

export interface DescriptorBudget {
  /** Effective global maxconn. */
  readonly maxconn: number;
  /** RLIMIT_NOFILE that holds now. */
  readonly limit: number;
  /** Not null: the limit is too low. The start fails when `fatal`. */
  readonly problem: { readonly fatal: boolean; readonly text: string } | null;
}

/**
 * Raises RLIMIT_NOFILE as far as it is needed.
 * @param threads workers and spares
 */
export function budgetDescriptors(plan: Plan, threads: number): DescriptorBudget {
  const reserved = reservedDescriptors(plan, threads);
  const wanted = plan.global.ulimitN;
  if (wanted > 0) raiseDescriptorLimit(wanted);
  const hard = hardLimit();
  const promised = plan.global.maxconn > 0 ? plan.global.maxconn : derivedMaxconn(hard, reserved);
  const needed = Math.max(2 * promised + reserved, wanted);
  const limit = raiseDescriptorLimit(needed);
  if (limit >= needed) return { maxconn: promised, limit, problem: null };
  const problem = {
    fatal: plan.global.flags["strict-limits"] !== false,
    text: `[ringway.main()] Cannot raise FD limit to ${needed}, limit is ${limit}.`,
  };
  return { maxconn: Math.max(1, Math.floor((limit - reserved) / 2)), limit, problem };
}

/** Descriptors that are no client's and no server's. */
export function reservedDescriptors(plan: Plan, threads: number): number {
  const ownSockets = plan.listeners.filter((listener) => listener.address.kind !== "fd").length;
  const checks = plan.servers.filter((server) => server.check !== null).length;
  const logLines = plan.global.log.length + plan.proxies.reduce((sum, proxy) => sum + proxy.log.length, 0);
  const stats = plan.global.statsSockets.length + plan.global.statsMaxconn;
  return BASE + threads * PER_THREAD + ownSockets * plan.global.nbthread + checks + logLines + stats;
}

export function derivedMaxconn(hardLimit: number, reserved: number): number {
  const possible = Math.floor((Math.min(hardLimit, DESCRIPTORS_MAX) - reserved) / 2);
  return Math.max(MAXCONN_MIN, Math.min(possible, DERIVED_MAXCONN_MAX));
}

function hardLimit(): number {
  const limit = getrlimit(RLIMIT_NOFILE);
  return typeof limit === "number" ? 0 : limit.hard;
}
