// Who forwards for the virtual servers: IPVS where the kernel has it, nftables elsewhere.

import type { Log } from "../log.ts";
import type { HaPlan } from "../plan/plan.ts";
import type { Forwarder } from "./forwarder.ts";
import { hasIpvs, IpvsForwarder } from "./ipvs-forwarder.ts";
import { NftForwarder } from "./nft-forwarder.ts";
import { APPROXIMATED } from "./schedule.ts";

export function forwarderFor({ global, virtualServers }: HaPlan, log: Log): Forwarder {
  const ipvs = hasIpvs() ? IpvsForwarder.open(log) : null;
  if (ipvs !== null) return ipvs;
  const approximated = new Set(
    virtualServers.map(({ scheduler }) => scheduler).filter((name) => APPROXIMATED.includes(name)),
  );
  for (const name of approximated) {
    const instead = name === "ovf" ? "the heaviest server serves alone" : "connections are spread at random by weight";
    log("warn", `lb_algo ${name} needs counts of connections, which nftables has not: ${instead}`);
  }
  return new NftForwarder(global.instanceName, log);
}
