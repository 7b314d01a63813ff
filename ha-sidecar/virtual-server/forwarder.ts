// What virtual servers need of the kernel: the whole picture, every time it changes. Two implementations: nftables (nft-forwarder.ts) and
// IPVS (ipvs-forwarder.ts), which is used where the kernel has it.

import type { IpAddressPlan } from "../plan/network.ts";
import type { ForwardingPlan, ServiceRangePlan, VirtualServerPlan } from "../plan/virtual-server.ts";

/** One virtual server as it is to be served now. */
export interface Service {
  readonly plan: VirtualServerPlan;
  /** What it listens on: the addresses and marks of its group, or its own. */
  readonly entries: readonly ServiceRangePlan[];
  /** New connections go to these. Empty: nobody serves them. */
  readonly destinations: readonly Destination[];
}

export interface Destination {
  readonly address: IpAddressPlan;
  /** 0: the service's. */
  readonly port: number;
  /** 0: connections that are there stay, new ones do not come. */
  readonly weight: number;
  readonly forwarding: ForwardingPlan;
  /** 0: no limit. */
  readonly connectionsMax: number;
  readonly connectionsMin: number;
}

export interface Forwarder {
  /** `nftables` or `IPVS`, for people. */
  readonly name: string;
  /** Goes to this picture; a later call overtakes one that has not begun. Failures are logged. */
  apply(services: readonly Service[]): void;
  /** Takes everything away. Resolves when it is gone. */
  close(): Promise<void>;
}
