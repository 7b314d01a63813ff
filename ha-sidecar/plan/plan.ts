// The plan: what a keepalived.conf comes to, as plain data that can be posted to the VRRP thread (structured clone).
//
//   config/ ──writes──▶ HaPlan ──read by──▶ vrrp/ address/ track/ notify/ virtual-server/ main.ts
//
// Nobody changes it afterwards. All defaults are resolved here, keepalived's inheritance too (global → group → instance): a reader never
// asks "and if it is not set?". What can really be absent is `null`, never undefined. Names between blocks are resolved to indices into
// the arrays of `HaPlan`. Times are milliseconds (fractions are meant: keepalived counts microseconds), weights are priority points.
//
//   plan.ts       the whole, global definitions, statics     vrrp.ts            instances, sync groups, notifications
//   track.ts      scripts, processes, files, BFD, proxies    network.ts         addresses, routes, rules
//   virtual-server.ts   LVS: virtual and real servers, their checks

import type { IpAddressPlan, RoutePlan, RulePlan, StaticAddressPlan } from "./network.ts";
import type { BfdPlan, ProxyTrackPlan, ScriptPlan, TrackFilePlan, TrackProcessPlan, TrackScriptPlan } from "./track.ts";
import type { SslPlan, VirtualServerGroupPlan, VirtualServerPlan } from "./virtual-server.ts";
import type { InstancePlan, SyncGroupPlan } from "./vrrp.ts";

export interface HaPlan {
  readonly global: GlobalPlan;
  /** In the order of the configuration; the index is the instance's identity. Only instances that can run are in it. */
  readonly instances: readonly InstancePlan[];
  readonly syncGroups: readonly SyncGroupPlan[];
  /** `vrrp_script`s. One that nothing tracks is in it too and need not be run. */
  readonly scripts: readonly TrackScriptPlan[];
  /** `vrrp_track_process`es. */
  readonly processes: readonly TrackProcessPlan[];
  /** `track_file`s (`vrrp_track_file`s). */
  readonly files: readonly TrackFilePlan[];
  /** `bfd_instance`s. */
  readonly bfds: readonly BfdPlan[];
  /** `track_proxy` blocks: ours, keepalived has none. */
  readonly proxies: readonly ProxyTrackPlan[];
  readonly staticAddresses: readonly StaticAddressPlan[];
  readonly staticRoutes: readonly RoutePlan[];
  readonly staticRules: readonly RulePlan[];
  readonly interfaceDelays: readonly InterfaceDelayPlan[];
  readonly garpGroups: readonly GarpGroupPlan[];
  readonly virtualServers: readonly VirtualServerPlan[];
  readonly virtualServerGroups: readonly VirtualServerGroupPlan[];
  readonly ssl: SslPlan;
}

/** Where something was written, for messages at run time. */
export interface SourceLocation {
  readonly file: string;
  /** Counts from 1; of the physical line. */
  readonly line: number;
}

/** `global_defs`, and what stands beside it at the top level. */
export interface GlobalPlan {
  /** `router_id`, default: the host's name. Shown in mails and dumps. */
  readonly routerId: string;
  readonly mail: MailPlan;
  /** `vrrp_mcast_group4`, default 224.0.0.18. */
  readonly multicastGroup4: IpAddressPlan;
  /** `vrrp_mcast_group6`, default ff02::12. */
  readonly multicastGroup6: IpAddressPlan;
  /** `default_interface`, default eth0: where static addresses without `dev` go. */
  readonly defaultInterface: string;
  /** `dynamic_interfaces`: an interface that is absent at the start is waited for (its instance is in FAULT) instead of refused. */
  readonly dynamicInterfaces: boolean;
  /**
   * Nothing is sent or taken over before this time has passed since the configuration was read: `vrrp_startup_delay`, or what
   * `vrrp_delay_after_boot` leaves of the time since the machine's start, whichever is longer.
   */
  readonly startupDelayMs: number;
  /** `log_unknown_vrids`. */
  readonly logUnknownVrids: boolean;
  readonly scheduling: SchedulingPlan;
  /** `enable_script_security`: nothing is run as root that others than root can write to. Already applied to every `ScriptPlan`. */
  readonly scriptSecurity: boolean;
  /** `notify_fifo` and `vrrp_notify_fifo`, in this order where both are set. Lines are written to each. */
  readonly notifyFifos: readonly FifoPlan[];
  /** `notify_fifo` and `lvs_notify_fifo`: where changes of virtual and real servers are written. */
  readonly checkerFifos: readonly FifoPlan[];
  /** `fifo_write_vrrp_states_on_reload`. */
  readonly fifoStatesOnReload: boolean;
  readonly startupScript: LifecycleScriptPlan | null;
  readonly shutdownScript: LifecycleScriptPlan | null;
  /** `reload_check_config`: a reload tests the new files first and keeps the old plan when they have errors. Ours is always on. */
  readonly reloadCheckConfig: boolean;
  /** `instance NAME`: part of the names of pid files and dumps. */
  readonly instanceName: string | null;
  /** `net_namespace NAME` (or -s). */
  readonly netNamespace: string | null;
  /** `use_pid_dir`. */
  readonly usePidDirectory: boolean;
  /** `child_wait_time`: how long stopping may take before what is left is killed, default 5 s. */
  readonly childWaitTimeMs: number;
  /** `umask`, default 0022 (group and others may not write). */
  readonly umask: number;
  /** `process_name`; null: node's. */
  readonly processName: string | null;
  /** `vmac_prefix`, default `vrrp`. */
  readonly vmacPrefix: string;
  readonly sidecar: SidecarPlan;
}

/** What keepalived has no words for: our own keywords of `global_defs`, all with safe defaults. */
export interface SidecarPlan {
  /** `control_socket PATH`: where `status` and the JSON state are asked for; null: the default of the command line. */
  readonly controlSocket: string | null;
  /** `metrics_listen ADDRESS PORT`: Prometheus metrics by HTTP; null: only on the control socket. */
  readonly metrics: { readonly address: IpAddressPlan; readonly port: number } | null;
  /** `address_lifetime SECONDS`: virtual addresses vanish by themselves this long after the last refresh; 0: never. Default 0. */
  readonly addressLifetimeMs: number;
  /** `nft_lease SECONDS`: packets to virtual addresses pass only while a lease in the kernel is refreshed; 0: no lease. Default 0. */
  readonly nftLeaseMs: number;
  /** `adopt_addresses BOOL`: after a restart keep virtual addresses when no other master is heard. Default true. */
  readonly adoptAddresses: boolean;
  /** `crash_guard BOOL`: a supervisor removes the addresses of a daemon that was killed. Default true. */
  readonly crashGuard: boolean;
  /** `handover_timeout SECONDS`: on a graceful stop, how long to keep the addresses until the peer's first advert; 0: drop at once as
   * keepalived does. Default: null, one skew time and two adverts of the instance, at least a second. */
  readonly handoverTimeoutMs: number | null;
}

/** Mails on transitions; without recipients none is sent. */
export interface MailPlan {
  /** `notification_email`. */
  readonly recipients: readonly string[];
  /** `notification_email_from`, default <user who runs this>@<host name>, as keepalived has it (its manual says otherwise). */
  readonly from: string;
  /** `smtp_server HOST [PORT]`: an address or a name; null: no mail is sent. */
  readonly server: { readonly host: string; readonly port: number } | null;
  /** `smtp_helo_name`, default: the host's name. */
  readonly heloName: string;
  /** `smtp_connect_timeout`, default 30 s. */
  readonly connectTimeoutMs: number;
  /** `no_email_faults`: nothing about FAULT. */
  readonly noFaults: boolean;
  /** `no_checker_emails`: only when a real server is added or removed. */
  readonly noCheckerEmails: boolean;
}

/** How the VRRP thread asks the kernel for its processor time. */
export interface SchedulingPlan {
  /** `vrrp_priority` -20 … 19 (nice), null: as it is. */
  readonly nice: number | null;
  /** `vrrp_rt_priority` 1 … 99 (SCHED_RR), null: none asked for. */
  readonly realtimePriority: number | null;
  /**
   * `vrrp_rlimit_rttime`, microseconds that the real-time thread may run without waiting, or the kernel ends the process. Only set where it is
   * not keepalived's default of 10000: a collection of garbage may take longer.
   */
  readonly rlimitRttimeUs: number;
  /** `vrrp_no_swap`: mlockall. */
  readonly noSwap: boolean;
  /** `vrrp_cpu_affinity`: processor numbers; empty: any. */
  readonly cpuAffinity: readonly number[];
  /** `max_auto_priority`: realtime priority up to which a delayed thread raises itself; 0: never, -1: never, and do not warn. */
  readonly maxAutoPriority: number;
  /** `min_auto_priority_delay`, default 1 s. */
  readonly minAutoPriorityDelayMs: number;
  /** `vrrp_process_name`, null: as it is called here. */
  readonly threadName: string | null;
}

export interface FifoPlan {
  readonly path: string;
  /** Owner of the FIFO when it has to be made. */
  readonly uid: number;
  readonly gid: number;
  /** Started with the FIFO's path as its last argument; null: none. */
  readonly script: ScriptPlan | null;
}

/** `startup_script`, `shutdown_script`. */
export interface LifecycleScriptPlan {
  readonly script: ScriptPlan;
  /** Default 10 s. */
  readonly timeoutMs: number;
}

/** `interface_up_down_delays`: how long a change must last before it counts. */
export interface InterfaceDelayPlan {
  readonly interface: string;
  readonly downDelayMs: number;
  readonly upDelayMs: number;
}

/** `garp_group`: gratuitous ARPs and neighbour advertisements are spread over time, shared by the interfaces of one switch. */
export interface GarpGroupPlan {
  /** Empty: the default group of all interfaces that no other group names (`vrrp_garp_interval`, `vrrp_gna_interval`). */
  readonly interfaces: readonly string[];
  /** Between two gratuitous ARPs; 0: none. */
  readonly garpIntervalMs: number;
  /** Between two unsolicited neighbour advertisements; 0: none. */
  readonly gnaIntervalMs: number;
}
