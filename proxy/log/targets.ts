// Which log sockets a configuration needs: every address that a `log` line names, once, in the order in which the plan meets them
// (global first). The control plane opens them in this order and posts the descriptors to the workers (WorkerTask.logFds).

import type { LogTargetPlan, Plan } from "../plan/plan.ts";

/** One socket or file that log lines go to, shared by all `log` lines with its address. */
export interface LogEndpoint {
  readonly address: LogTargetPlan["address"];
  /** The largest `len` of its lines, in bytes. */
  readonly maxBytes: number;
}

/** What makes two `log` lines share a descriptor. */
export function endpointKey(address: LogTargetPlan["address"]): string {
  switch (address.kind) {
    case "hub":
      return address.name;
    case "ipv4":
      return `ipv4@${address.host}:${address.port}`;
    case "ipv6":
      return `ipv6@[${address.host}]:${address.port}`;
    case "unix":
      return `unix@${address.path}`;
    case "abns":
      return `abns@${address.name}`;
    case "fd":
      return `fd@${address.fd}`;
  }
}

/** All endpoints of the plan; a target's position is its index in WorkerTask.logFds. */
export function logTargets(plan: Plan): LogEndpoint[] {
  const byKey = new Map<string, LogEndpoint>();
  for (const target of allTargets(plan)) {
    const key = endpointKey(target.address);
    const known = byKey.get(key);
    if (known === undefined || known.maxBytes < target.maxBytes) {
      byKey.set(key, { address: target.address, maxBytes: target.maxBytes }); // a Map keeps the place of the first set
    }
  }
  return [...byKey.values()];
}

/** Key to position in `logTargets(plan)`. */
export function endpointIndices(endpoints: readonly LogEndpoint[]): Map<string, number> {
  return new Map(endpoints.map((endpoint, index) => [endpointKey(endpoint.address), index]));
}

function* allTargets(plan: Plan): Generator<LogTargetPlan> {
  yield* plan.global.log;
  for (const proxy of plan.proxies) yield* proxy.log;
  for (const forward of plan.logHub.forwards) yield* forward.targets;
}
