// SIGHUP: the state of every server and proxy as warnings in the process log, in HAProxy's words. It changes nothing.

import type { Plan, ProxyPlan } from "../plan/plan.ts";
import { COUNTER, OP_STATE, PROXY, SERVER, type SharedState } from "../shared-state/layout.ts";
import type { ProcessLog } from "./process-log.ts";

export function dumpServerStates(plan: Plan, shared: SharedState, processLog: ProcessLog): void {
  processLog.warning("SIGHUP received, dumping servers states.", { event: "state-dump" });
  for (const proxy of plan.proxies) {
    for (const server of proxy.backend?.servers ?? []) {
      const at = shared.serverAt(server);
      const up = shared.words[at + SERVER.opState] !== OP_STATE.stopped;
      const active = shared.words[at + SERVER.served];
      const pending = shared.words[at + SERVER.queued];
      const total = cumulated(shared, (worker) => shared.serverCountersAt(worker, server), COUNTER.sessions);
      const name = `${proxy.name}/${plan.servers[server]!.name}`;
      const text = `SIGHUP: Server ${name} is ${up ? "UP" : "DOWN"}. Conn: ${active} act, ${pending} pend, ${total} tot.`;
      processLog.warning(text, { event: "state-dump", server: name });
    }
    const text = `SIGHUP: Proxy ${proxy.name} ${proxyState(proxy, shared)} Conn: ${proxyConnections(proxy, shared)}.`;
    processLog.warning(text, { event: "state-dump", proxy: proxy.name });
  }
}

/** `FE: 2, BE: 1` of HAProxy's "Proxy main stopped" line: connections since the start. */
export function cumulatedConnections(proxy: ProxyPlan, shared: SharedState): { frontend: number; backend: number } {
  const { index } = proxy;
  return {
    frontend: cumulated(shared, (worker) => shared.frontendCountersAt(worker, index), COUNTER.connections),
    backend: cumulated(shared, (worker) => shared.backendCountersAt(worker, index), COUNTER.sessions),
  };
}

function proxyState(proxy: ProxyPlan, shared: SharedState): string {
  if ((proxy.backend?.servers.length ?? 0) === 0) return "has no servers.";
  const at = shared.proxyAt(proxy.index);
  const active = shared.words[at + PROXY.activeServers]!;
  const backup = shared.words[at + PROXY.backupServers]!;
  if (active === 0 && backup === 0) return "has no server available !";
  if (active === 0) return "is running on backup servers !";
  return `has ${active} active servers and ${backup} backup servers available.`;
}

function proxyConnections(proxy: ProxyPlan, shared: SharedState): string {
  const at = shared.proxyAt(proxy.index);
  const unassigned = shared.words[at + PROXY.queued]!;
  const assigned = (proxy.backend?.servers ?? []).reduce(
    (sum, server) => sum + shared.words[shared.serverAt(server) + SERVER.queued]!,
    0,
  );
  const active = `${shared.words[at + PROXY.frontendSessions]}+${shared.words[at + PROXY.backendSessions]}`;
  const total = cumulatedConnections(proxy, shared);
  const pending = `${unassigned + assigned} pend (${unassigned} unass)`;
  return `act(FE+BE): ${active}, ${pending}, tot(FE+BE): ${total.frontend}+${total.backend}`;
}

/** A column of a row, added up over the workers. */
function cumulated(shared: SharedState, rowOf: (worker: number) => number, column: number): number {
  let sum = 0;
  for (let worker = 0; worker < shared.nbthread; worker++) sum += shared.counters[rowOf(worker) + column]!;
  return sum;
}
