// VRRP instances and sync groups of the plan. All inheritance is done: what an instance takes from global_defs stands in it, and what
// keepalived changes by itself (nopreempt cleared with state MASTER, and so on) has been changed, with a diagnostic.

import type { IpAddressPlan, RoutePlan, RulePlan, VirtualAddressPlan } from "./network.ts";
import type { SourceLocation } from "./plan.ts";
import type { ScriptPlan, TrackingPlan } from "./track.ts";

export interface InstancePlan {
  readonly index: number;
  readonly name: string;
  /** Of its adverts, decided by the first virtual address (`native_ipv6` is ignored, as in keepalived). */
  readonly family: 4 | 6;
  /** 2 or 3; always 3 for IPv6. */
  readonly version: 2 | 3;
  /** null: unicast without an interface. */
  readonly interface: string | null;
  /** `virtual_router_id`, 1 … 255. */
  readonly virtualRouterId: number;
  /** 1 … 255. 100 where none is written, 255 with `state MASTER`. */
  readonly priority: number;
  /** `state MASTER` and priority 255: no wait at the start. Everything else starts as BACKUP. */
  readonly initialState: "MASTER" | "BACKUP";
  /** As written, for dumps: `state MASTER` with a priority below 255 starts as BACKUP all the same. */
  readonly wantedState: "MASTER" | "BACKUP";
  /** `advert_int`: whole seconds with version 2, 10 … 40950 with version 3. */
  readonly advertIntervalMs: number;
  /**
   * Bounds for the interval that a version 3 backup takes over from a master's advert; outside of them it is clamped and logged.
   * `advert_int_accept MIN MAX` (ours), default 10 ms … 4 times its own, at least 1 s: so one forged advert cannot park an instance.
   */
  readonly adoptedIntervalMinMs: number;
  readonly adoptedIntervalMaxMs: number;
  /** `down_timer_adverts`, default 3. */
  readonly downTimerAdverts: number;
  /**
   * `timer_expired_backup [PRIORITY]`: with nopreempt, a master that ran so late that another may have taken over becomes backup. The
   * highest priority that others may have, default 254; null: not written.
   */
  readonly timerExpiredBackup: number | null;
  readonly authentication: AuthenticationPlan;
  /** `auth_hmac` of keepalived 2.4; null: none. Never together with `authentication`. */
  readonly hmac: HmacPlan | null;
  /** In adverts, in this order. Empty only with `no_virtual_ipaddress`. */
  readonly addresses: readonly VirtualAddressPlan[];
  /** `virtual_ipaddress_excluded`: moved, not advertised; any family. */
  readonly excludedAddresses: readonly VirtualAddressPlan[];
  readonly routes: readonly RoutePlan[];
  readonly rules: readonly RulePlan[];
  readonly transport: TransportPlan;
  readonly vmac: VmacPlan | null;
  /** `promote_secondaries`. */
  readonly promoteSecondaries: boolean;
  /** `dont_track_primary`: the instance's own interface may go down. */
  readonly dontTrackPrimary: boolean;
  readonly tracking: TrackingPlan;
  /** Index of the sync group, -1: none. */
  readonly syncGroup: number;
  /**
   * Index of a bfd_instance whose loss expires the down timer of a BACKUP at once (`peer_bfd NAME`, ours), -1: none. Only believed
   * when the session had been up; AdminDown never counts.
   */
  readonly peerBfd: number;
  readonly preemption: PreemptionPlan;
  readonly garp: GarpPlan;
  /** `lower_prio_no_advert`: a master does not answer a lower priority with an advert. */
  readonly lowerPriorityNoAdvert: boolean;
  /** `higher_prio_send_advert`: a master that yields sends a last advert, whose answer are gratuitous ARPs. */
  readonly higherPrioritySendAdvert: boolean;
  /** false (`no_accept`, strict mode): packets to the addresses are dropped unless the priority is 255. */
  readonly accept: boolean;
  /** `strict_mode` or `vrrp_strict`. */
  readonly strict: boolean;
  /** `skip_check_adv_addr`: the list of addresses is not compared again while the master stays the same. */
  readonly skipCheckAdvertAddresses: boolean;
  /** `no_virtual_ipaddress` is written: an instance without addresses is meant. */
  readonly noVirtualAddresses: boolean;
  readonly notify: NotifyPlan;
  readonly at: SourceLocation;
}

/** Passwords are bytes, zero padded; keepalived truncates them to eight. */
export type AuthenticationPlan =
  | { readonly type: "none" }
  /** RFC 2338 simple text; version 2 only. Exactly 8 bytes. */
  | { readonly type: "pass"; readonly data: Uint8Array }
  /** IP authentication header, HMAC-MD5-96 (version 2, IPv4 only). Exactly 8 bytes. */
  | { readonly type: "ah"; readonly data: Uint8Array };

/** A trailer of 28 bytes behind every advert (draft-cassen-vrrp-auth-hmac): HMAC-SHA256 cut to 16 bytes, and a sequence number. */
export interface HmacPlan {
  /** 32 … 64 bytes each; ids 1 … 255, no two alike. */
  readonly keys: readonly { readonly id: number; readonly secret: Uint8Array }[];
  /** Signs what is sent; index into `keys`. */
  readonly activeKey: number;
  /** `time`: sequence numbers must also be close to the clock; `monotonic`: they must only grow. */
  readonly antiReplay: "time" | "monotonic";
  /** For `time`; default 3 advert intervals, at least 5 s. */
  readonly timeWindowMs: number;
  /** `permissive` also accepts adverts without a trailer, `receive-only` moreover sends none. */
  readonly mode: "enforce" | "permissive" | "receive-only";
}

/** Where adverts go and what is believed. */
export interface TransportPlan {
  readonly mode: "multicast" | "unicast";
  /** The multicast group (`mcast_dst_ip`, or the global one); null with unicast. */
  readonly multicastDestination: IpAddressPlan | null;
  /** `mcast_src_ip`, `unicast_src_ip`; null: the interface's first address (IPv6: its link-local one). */
  readonly source: IpAddressPlan | null;
  /** `track_src_ip`: FAULT while the source address is not there. */
  readonly trackSource: boolean;
  readonly peers: readonly UnicastPeerPlan[];
  /** `unicast_ttl`, default 255. */
  readonly unicastTtl: number;
  /** Adverts from others than the peers are dropped (`check_unicast_src`). Default true here, false in keepalived: pass `off` for that. */
  readonly checkUnicastSource: boolean;
  /** `unicast_fault_no_peer` without peers: FAULT. */
  readonly faultWithoutPeers: boolean;
  /**
   * How version 3 checksums over IPv4 are sent: with the pseudo-header of RFC 5798 (keepalived's default), or without (RFC 9568,
   * `v3_checksum_as_v2`). Both are accepted.
   */
  readonly v3ChecksumWithPseudoHeader: boolean;
  /** `old_unicast_checksum`: the pseudo-header holds 224.0.0.18 instead of the peer (keepalived ≤ 1.3.6); `never`: not even when a peer does. */
  readonly oldUnicastChecksum: "auto" | "always" | "never";
  /** `kernel_rx_buf_size`, bytes; 0: the kernel's default. */
  readonly receiveBufferBytes: number;
}

export interface UnicastPeerPlan {
  readonly address: IpAddressPlan;
  /** Received TTL or hop limit must lie in these bounds; 0 and 255: anything. */
  readonly minTtl: number;
  readonly maxTtl: number;
}

/** `use_vmac`: adverts and addresses on a macvlan with the virtual router's MAC address. */
export interface VmacPlan {
  /** Of the macvlan: as written, or `vrrp.<vrid>` (`vrrp6.<vrid>` for IPv6). */
  readonly interface: string;
  /** Six bytes: 00:00:5e:00:01:VRID, …02:VRID for IPv6, or as written. */
  readonly mac: Uint8Array;
  /** `vmac_xmit_base`: adverts go through the parent; always with unicast. */
  readonly transmitBase: boolean;
}

export interface PreemptionPlan {
  /** A higher priority takes over from a running master. Already false-checked: `nopreempt` counts only without state MASTER and below 255. */
  readonly preempt: boolean;
  /** `preempt_delay`, 0: none. */
  readonly delayMs: number;
}

/** Gratuitous ARPs and unsolicited neighbour advertisements. */
export interface GarpPlan {
  /** After becoming master, default 5. */
  readonly masterRepeat: number;
  /** Until the second burst, default 5 s; 0: none. */
  readonly masterDelayMs: number;
  /** Between refreshes while master; 0: none. */
  readonly refreshMs: number;
  /** Default 1. */
  readonly refreshRepeat: number;
  /** After an advert of lower priority, default masterDelayMs. */
  readonly lowerPriorityDelayMs: number;
  /** Default masterRepeat. */
  readonly lowerPriorityRepeat: number;
}

export interface SyncGroupPlan {
  readonly index: number;
  readonly name: string;
  /** Indices of instances. */
  readonly members: readonly number[];
  readonly tracking: TrackingPlan;
  /** `sync_group_tracking_weight`: weights count instead of being forced to 0. */
  readonly trackingWeight: boolean;
  readonly notify: NotifyPlan;
  readonly at: SourceLocation;
}

/** Who is told of transitions. Scripts get their arguments appended (see notify/). */
export interface NotifyPlan {
  readonly master: ScriptPlan | null;
  readonly backup: ScriptPlan | null;
  readonly fault: ScriptPlan | null;
  readonly stop: ScriptPlan | null;
  /** `notify_deleted SCRIPT`. */
  readonly deleted: ScriptPlan | null;
  /** `notify_deleted` is written: DELETED instead of FAULT is told when a reload removes the instance. */
  readonly tellsDeleted: boolean;
  /** `notify_master_rx_lower_pri`; of instances only. */
  readonly masterReceivedLowerPriority: ScriptPlan | null;
  /** `notify`: for every transition, after the special one. */
  readonly any: ScriptPlan | null;
  /** `notify_priority_changes`: lines for FIFOs. */
  readonly priorityChanges: boolean;
  /** `smtp_alert`, or the global default. */
  readonly mail: boolean;
}
