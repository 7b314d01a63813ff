// Addresses, routes and rules of the plan: virtual ones move with an instance, static ones stay. The words are those of `ip address`,
// `ip route` and `ip rule`, the numbers those of rtnetlink(7).

import type { SourceLocation } from "./plan.ts";

export interface IpAddressPlan {
  readonly family: 4 | 6;
  /** Network order, 4 or 16 bytes. */
  readonly bytes: Uint8Array;
  /** Canonical text (RFC 5952 for IPv6), equal for equal addresses. */
  readonly text: string;
}

/** An address and the length of its network's prefix. */
export interface PrefixPlan {
  readonly address: IpAddressPlan;
  readonly prefixLength: number;
}

/** `virtual_ipaddress`, `virtual_ipaddress_excluded`, and what is common with `static_ipaddress`. */
export interface VirtualAddressPlan {
  readonly address: IpAddressPlan;
  /** 32 or 128 where no mask is written. */
  readonly prefixLength: number;
  /** `dev`; null: where the instance's addresses go (its interface, or its macvlan with use_vmac). Resolved for static addresses. */
  readonly interface: string | null;
  /** `use_vmac` behind `dev`: a macvlan of its own on that interface. */
  readonly useVmac: boolean;
  /** `brd`, with `+` and `-` worked out; null: none. */
  readonly broadcast: IpAddressPlan | null;
  /** rtnetlink's rt_scope: 0 global, 200 site, 253 link, 254 host, 255 nowhere. */
  readonly scope: number;
  readonly label: string | null;
  readonly peer: PrefixPlan | null;
  /** IFA_CACHEINFO's preferred lifetime in seconds; null: for ever. 0 for IPv6 /128, as keepalived has it. */
  readonly preferredLifetimeS: number | null;
  /** IFA_F_NODAD: `nodad`, and every virtual IPv6 address. */
  readonly noDad: boolean;
  readonly home: boolean;
  readonly mngtmpaddr: boolean;
  readonly noPrefixRoute: boolean;
  readonly autojoin: boolean;
  /** `no_track`: its removal by others does not matter. */
  readonly noTrack: boolean;
  readonly at: SourceLocation;
}

export interface StaticAddressPlan extends VirtualAddressPlan {
  readonly interface: string;
  /** Instances that leave MASTER when the address is removed (`track_group`); indices. */
  readonly trackedBy: readonly number[];
}

/** One line of `virtual_routes` or `static_routes`, as `ip route` says it. */
export interface RoutePlan {
  readonly family: 4 | 6;
  readonly destination: PrefixPlan;
  /** rtnetlink's rtm_type: 1 unicast, 2 local, 3 broadcast, 4 anycast, 5 multicast, 6 blackhole, 7 unreachable, 8 prohibit, 9 throw, 10 nat. */
  readonly type: number;
  /** `via` (or `gw`); null: none, or in `nextHops`. */
  readonly gateway: IpAddressPlan | null;
  /** `src`: preferred source. */
  readonly source: IpAddressPlan | null;
  /** `from`: IPv6 subtrees. */
  readonly from: PrefixPlan | null;
  /** null: the instance's interface when there is no gateway, otherwise the kernel's choice. */
  readonly interface: string | null;
  readonly nextHops: readonly NextHopPlan[];
  /** Default 254 (main). */
  readonly table: number;
  /** rt_scope; null: global, as keepalived has it (`ip route` makes it link without a gateway). */
  readonly scope: number | null;
  /** `proto`, default 18 (RTPROT_KEEPALIVED). */
  readonly protocol: number;
  /** `metric`, `preference`, `priority`: null: none. */
  readonly metric: number | null;
  readonly tos: number;
  readonly onlink: boolean;
  /** `add` 2, `append` 1, `prepend` 0 (the default). */
  readonly order: "prepend" | "append" | "add";
  /** RTAX_* metrics by number of the attribute (mtu 2, window 3, rtt 4 …), `lock` bits in RTAX_LOCK (1). */
  readonly metrics: readonly { readonly attribute: number; readonly value: number }[];
  readonly noTrack: boolean;
  /** Only of static routes: indices of instances. */
  readonly trackedBy: readonly number[];
  readonly at: SourceLocation;
}

export interface NextHopPlan {
  readonly gateway: IpAddressPlan | null;
  readonly interface: string | null;
  /** 1 … 256. */
  readonly weight: number;
  readonly onlink: boolean;
}

/** One line of `virtual_rules` or `static_rules`, as `ip rule` says it. */
export interface RulePlan {
  readonly family: 4 | 6;
  /** FR_ACT_*: 1 to_tbl, 2 goto, 3 nop, 6 blackhole, 7 unreachable, 8 prohibit. */
  readonly action: number;
  readonly invert: boolean;
  readonly from: PrefixPlan | null;
  readonly to: PrefixPlan | null;
  /** `preference` (priority, order). Assigned when it is not written, counting down from 16384 per family and in the order of the files, as keepalived does. */
  readonly preference: number;
  readonly table: number;
  readonly tos: number;
  readonly fwmark: { readonly mark: number; readonly mask: number } | null;
  readonly inputInterface: string | null;
  readonly outputInterface: string | null;
  /** `goto`'s preference; 0: none. */
  readonly gotoTarget: number;
  readonly suppressPrefixLength: number | null;
  readonly suppressInterfaceGroup: number | null;
  readonly uidRange: { readonly first: number; readonly last: number } | null;
  readonly l3mdev: boolean;
  /** Number of the IP protocol; null: any. */
  readonly ipProtocol: number | null;
  readonly sourcePorts: { readonly first: number; readonly last: number } | null;
  readonly destinationPorts: { readonly first: number; readonly last: number } | null;
  /** `protocol`, default 18. */
  readonly protocol: number;
  readonly noTrack: boolean;
  /** Only of static rules: indices of instances. */
  readonly trackedBy: readonly number[];
  readonly at: SourceLocation;
}
