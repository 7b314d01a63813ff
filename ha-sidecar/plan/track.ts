// What is watched, and the scripts that are run. An instance or group tracks by reference (`Tracking`); what a tracked thing is stands
// in the plan once, however many watch it.
//
// How a result counts (all trackers): weight 0: a failure puts the instance into FAULT. Weight above 0: added to the priority while up.
// Weight below 0: taken from it while down. `reverse`: weight.ts. The sum is clamped to 1 … 254; an owner (255) keeps 255.

import type { IpAddressPlan } from "./network.ts";
import type { SourceLocation } from "./plan.ts";

/** A command that is run directly (execve), never by a shell. */
export interface ScriptPlan {
  /** argv[0] is the absolute path that was found, the rest are the arguments. */
  readonly argv: readonly string[];
  /** As it was written, for messages. */
  readonly text: string;
  readonly uid: number;
  readonly gid: number;
  /** false: it must not or cannot be run (insecure, missing, not executable); the diagnostics have said why. */
  readonly enabled: boolean;
}

/** `vrrp_script`. */
export interface TrackScriptPlan {
  readonly name: string;
  readonly script: ScriptPlan;
  /** `interval`, default 1 s. */
  readonly intervalMs: number;
  /** `timeout`, default: the interval. Then SIGTERM, 2 s later SIGKILL; counts as a failure. */
  readonly timeoutMs: number;
  /** `weight`, default 0. Trackers hold the weight that counts; this is their default. */
  readonly weight: number;
  readonly reverse: boolean;
  /** Successes until it is up, default 1. */
  readonly rise: number;
  /** Failures until it is down, default 1. */
  readonly fall: number;
  /** `init_fail`: down until the first results say otherwise. */
  readonly initFail: boolean;
  readonly at: SourceLocation;
}

/** `vrrp_track_process`. */
export interface TrackProcessPlan {
  readonly name: string;
  /** The command's name (or path with `full_command`). */
  readonly command: string;
  /** null: parameters do not matter. */
  readonly parameters: readonly string[] | null;
  /** How `parameters` are compared. `initial`: the last may be a beginning; `partial`: there may be more of them. */
  readonly parameterMatch: "exact" | "initial" | "partial";
  readonly fullCommand: boolean;
  /** Default 1. */
  readonly weight: number;
  readonly reverse: boolean;
  /** At least so many, default 1. */
  readonly quorum: number;
  /** At most so many; null: no limit. */
  readonly quorumMax: number | null;
  readonly forkDelayMs: number;
  readonly terminateDelayMs: number;
  readonly at: SourceLocation;
}

/** `track_file`: its number × weight is added to the priority; weight 0: not 0 is a failure. Below -253 it is a failure as well. */
export interface TrackFilePlan {
  readonly name: string;
  readonly path: string;
  /** Default 1. */
  readonly weight: number;
  readonly reverse: boolean;
  /** `init_file`: written at the start; null: nothing is. */
  readonly initFile: { readonly value: number; readonly overwrite: boolean } | null;
  readonly at: SourceLocation;
}

/** `bfd_instance` (RFC 5880, RFC 5881 single hop). */
export interface BfdPlan {
  readonly name: string;
  readonly neighborIp: IpAddressPlan;
  readonly sourceIp: IpAddressPlan | null;
  /** Required minimal receive interval, default 10 ms. */
  readonly minRxMs: number;
  /** Desired minimal transmit interval, default 10 ms. */
  readonly minTxMs: number;
  /** While it is not up, default 1000 ms. */
  readonly idleTxMs: number;
  /** Default 5. */
  readonly multiplier: number;
  readonly passive: boolean;
  /** TTL or hop limit that is sent, default 255 for IPv4, 64 for IPv6. */
  readonly ttl: number;
  /** Most hops a received packet may have gone, default 0; 255: not checked. */
  readonly maxHops: number;
  /** Port 4784 (RFC 5883) instead of 3784. */
  readonly multihop: boolean;
  readonly weight: number;
  readonly reverse: boolean;
  /** Its events go to VRRP, to the checkers, or (neither or both written) to both. */
  readonly forVrrp: boolean;
  readonly forCheckers: boolean;
  readonly at: SourceLocation;
}

/**
 * `track_proxy NAME { … }`, ours: the proxy that this machine's addresses lead to.
 *
 *     track_proxy web {
 *         socket /run/haproxy.sock          # or: pidfile PATH · tcp ADDRESS PORT · http ADDRESS PORT [PATH]
 *         interval 0.1                      # seconds
 *         require "backend web up >= 1"
 *         weight -20
 *     }
 */
export interface ProxyTrackPlan {
  readonly name: string;
  readonly probe: ProxyProbe;
  /** Between two questions (`show info`, a connection, …), default 100 ms. End of file and pidfd events need no question. */
  readonly intervalMs: number;
  /** An unanswered question fails after this, default 3 × the interval. */
  readonly timeoutMs: number;
  /** Default 0: a dead proxy is a FAULT. */
  readonly weight: number;
  readonly reverse: boolean;
  /** Good answers until it is up, default 1. */
  readonly rise: number;
  /** Bad or missing answers until it is down, default 3. An end of file counts as all of them. */
  readonly fall: number;
  /** After an end of file, how long a successor may take until it has the socket; default 10 ms (socket only). */
  readonly graceMs: number;
  /** A worker of ringway whose loop makes no turn for so long has failed; default 1 s, 0: not looked at (socket only). */
  readonly workerTimeoutMs: number;
  /** All must hold (socket only). */
  readonly require: readonly ProxyRequirement[];
  readonly at: SourceLocation;
}

export type ProxyProbe =
  /** HAProxy's runtime API, held open. */
  | { readonly kind: "socket"; readonly path: string }
  /** The process named by a pid file, watched by pidfd. */
  | { readonly kind: "pidfile"; readonly path: string }
  | { readonly kind: "tcp"; readonly address: IpAddressPlan; readonly port: number }
  | {
      readonly kind: "http";
      readonly address: IpAddressPlan;
      readonly port: number;
      readonly path: string;
      /** The Host header. */
      readonly host: string;
    };

/** `backend NAME up >= N`, or `backend NAME up >= N%`. */
export interface ProxyRequirement {
  readonly backend: string;
  readonly serversUpMin: number;
  /** `serversUpMin` is a percentage of the backend's servers. */
  readonly isPercent: boolean;
}

/**
 * What an instance or a sync group tracks. Weights are those that count: the reference's own, or the tracked block's. Trackers whose weight
 * may not count (of an owner, of a member of a sync group) are not in it, as in keepalived.
 */
export interface TrackingPlan {
  readonly interfaces: readonly TrackedInterface[];
  readonly scripts: readonly Tracked[];
  readonly processes: readonly Tracked[];
  readonly files: readonly Tracked[];
  readonly bfds: readonly Tracked[];
  readonly proxies: readonly Tracked[];
}

export interface Tracked {
  /** Into the plan's array of that kind. */
  readonly index: number;
  readonly weight: number;
  readonly reverse: boolean;
}

export interface TrackedInterface {
  readonly interface: string;
  readonly weight: number;
  readonly reverse: boolean;
}
