// Who forwards for the virtual servers: nftables. IPVS, which counts connections and so knows the schedulers that need counts, would be spoken to by
// generic netlink behind the same interface; there is no implementation yet, so that a kernel that has it is told of in the log and not used.

import { existsSync } from "node:fs";
import type { Log } from "../log.ts";
import type { HaPlan } from "../plan/plan.ts";
import type { Forwarder } from "./forwarder.ts";
import { NftForwarder } from "./nft-forwarder.ts";
import { APPROXIMATED } from "./schedule.ts";

const IPVS = "/proc/net/ip_vs";

export function forwarderFor({ global, virtualServers }: HaPlan, log: Log): Forwarder {
  if (existsSync(IPVS))
    log("info", `virtual servers: this kernel has IPVS (${IPVS}); they are served by nftables nevertheless`);
  const approximated = new Set(
    virtualServers.map(({ scheduler }) => scheduler).filter((name) => APPROXIMATED.includes(name)),
  );
  for (const name of approximated) {
    const instead = name === "ovf" ? "the heaviest server serves alone" : "connections are spread at random by weight";
    log("warn", `lb_algo ${name} needs counts of connections, which nftables has not: ${instead}`);
  }
  return new NftForwarder(global.instanceName, log);
}
