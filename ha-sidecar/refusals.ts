// What a configuration may say and this program does not do yet. What addresses, elections or checks depend on is refused at the start, by
// name: a daemon that silently leaves out half of what it was told is worse than none. What only tells people something (mail) is a
// remark in the log, because a configuration that asks for it can be served without it.

import type { HaPlan, SourceLocation } from "./plan/plan.ts";
import type { VirtualServerPlan } from "./plan/virtual-server.ts";
import { hasIpvs } from "./virtual-server/ipvs-forwarder.ts";

export interface Refusal {
  readonly at: SourceLocation | null;
  readonly text: string;
}

/** Everything of the plan that is not served; empty: it can run. */
export function refusalsOf(plan: HaPlan): Refusal[] {
  return plan.virtualServers.flatMap((server) => refusalsOfVirtualServer(server, plan));
}

/** What is left out although the configuration asks for it, for the log. */
export function remarksOf(plan: HaPlan): string[] {
  const remarks: string[] = [];
  const remark = (condition: boolean, text: string) => {
    if (condition) remarks.push(text);
  };
  const { global } = plan;
  const { virtualServers } = plan;
  remark(
    virtualServers.some(({ onePacket }) => onePacket),
    "ops: the kernel keeps UDP flows together, so that packets of one flow go to one server",
  );
  remark(
    virtualServers.some(({ persistenceEngine }) => persistenceEngine !== null),
    "persistence_engine: there is none, clients are told apart by their addresses",
  );
  remark(
    global.scheduling.maxAutoPriority > 0,
    "max_auto_priority: the VRRP thread has a real-time priority from the start",
  );
  return remarks;
}

function refusalsOfVirtualServer(server: VirtualServerPlan, plan: HaPlan): Refusal[] {
  const { service } = server;
  const refusals: Refusal[] = [];
  const refuse = (condition: boolean, text: string) => {
    if (condition) refusals.push({ at: server.at, text: `virtual_server: ${text}` });
  };
  const methods = [server.forwarding, ...server.realServers.map(({ forwarding }) => forwarding)].map(
    ({ method }) => method,
  );
  if (!hasIpvs()) {
    refuse(
      methods.includes("TUN"),
      "lb_kind TUN: nftables cannot encapsulate packets, and this kernel has no IPVS; use DR on one LAN, or NAT",
    );
    refuse(new Set(methods).size > 1, "real servers with another lvs_method than their virtual server");
    const entries = service.kind === "group" ? plan.virtualServerGroups[service.group]!.entries : [];
    const isMarked = service.kind === "fwmark" || entries.some(({ kind }) => kind === "fwmark");
    refuse(isMarked && methods.includes("DR"), "fwmark with lb_kind DR: packets are sent on before they are marked");
  }
  for (const { checks } of server.realServers) {
    for (const check of checks) {
      if (check.kind !== "http" && check.kind !== "https") continue;
      for (const { regex } of check.urls)
        refuse(regex !== null && regex.obstacle !== null, `regex ${regex?.pattern}: ${regex?.obstacle}`);
    }
  }
  return refusals;
}
