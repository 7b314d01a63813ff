// LVS in the plan: virtual servers, their real servers and the checks on them. Whether IPVS, nftables or the proxy serves them is
// virtual-server/'s business. What a real server or a check inherits (delay_loop, retry, …) stands in it.

import type { IpAddressPlan } from "./network.ts";
import type { SourceLocation } from "./plan.ts";
import type { ScriptPlan } from "./track.ts";

export type Scheduler =
  | "rr"
  | "wrr"
  | "lc"
  | "wlc"
  | "lblc"
  | "lblcr"
  | "sh"
  | "mh"
  | "dh"
  | "fo"
  | "ovf"
  | "sed"
  | "nq"
  | "twos";

/** How packets reach a real server. */
export type ForwardingPlan =
  | { readonly method: "NAT" | "DR" }
  | {
      readonly method: "TUN";
      readonly tunnel: "ipip" | "gue" | "gre";
      /** GUE's port, 0 otherwise. */
      readonly port: number;
      readonly checksum: "none" | "csum" | "remcsum";
    };

export interface VirtualServerPlan {
  readonly index: number;
  readonly service: ServicePlan;
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly family: 4 | 6;
  readonly scheduler: Scheduler;
  /** `sh-port`, `sh-fallback`, `mh-port`, `mh-fallback`, `flag-1` … as bits 1, 2, 4. */
  readonly schedulerFlags: number;
  /** One-packet scheduling (UDP). */
  readonly onePacket: boolean;
  readonly forwarding: ForwardingPlan;
  /** 0: none. `persistence_timeout` without a number is 360 s. */
  readonly persistenceTimeoutMs: number;
  /** Bits of the client's address that count, 32 or 128: all. */
  readonly persistencePrefixLength: number;
  /** `persistence_engine`; null: none. */
  readonly persistenceEngine: string | null;
  /** Between two checks, default 60 s; the default of its real servers' checks. */
  readonly delayLoopMs: number;
  /** `ha_suspend`: no checks while the address is not on this machine. */
  readonly haSuspend: boolean;
  readonly alpha: boolean;
  readonly omega: boolean;
  /** Least total weight of living real servers, default 1. */
  readonly quorum: number;
  readonly hysteresis: number;
  readonly quorumUp: ScriptPlan | null;
  readonly quorumDown: ScriptPlan | null;
  readonly sorryServer: SorryServerPlan | null;
  readonly realServers: readonly RealServerPlan[];
  readonly mail: boolean;
  /** `snmp_name`: shown in dumps. */
  readonly snmpName: string | null;
  readonly at: SourceLocation;
}

/** What the virtual server listens on. */
export type ServicePlan =
  /** Port 0: all ports (persistent services only). */
  | { readonly kind: "address"; readonly address: IpAddressPlan; readonly port: number }
  | { readonly kind: "fwmark"; readonly mark: number }
  /** Index into `virtualServerGroups`. */
  | { readonly kind: "group"; readonly group: number };

export interface VirtualServerGroupPlan {
  readonly name: string;
  readonly entries: readonly ServiceRangePlan[];
  readonly at: SourceLocation;
}

export type ServiceRangePlan =
  | {
      readonly kind: "range";
      readonly first: IpAddressPlan;
      /** Equal to `first` for a single address. */
      readonly last: IpAddressPlan;
      readonly port: number;
    }
  | { readonly kind: "fwmark"; readonly mark: number; readonly family: 4 | 6 };

export interface SorryServerPlan {
  readonly address: IpAddressPlan;
  readonly port: number;
  readonly inhibit: boolean;
  readonly forwarding: ForwardingPlan;
}

export interface RealServerPlan {
  readonly address: IpAddressPlan;
  /** 0: the virtual server's. */
  readonly port: number;
  readonly weight: number;
  readonly forwarding: ForwardingPlan;
  /** `inhibit_on_failure`: weight 0 instead of removal. */
  readonly inhibitOnFailure: boolean;
  /** `uthreshold`, `lthreshold`: 0: none. */
  readonly connectionsMax: number;
  readonly connectionsMin: number;
  readonly notifyUp: ScriptPlan | null;
  readonly notifyDown: ScriptPlan | null;
  readonly mail: boolean;
  readonly snmpName: string | null;
  readonly checks: readonly CheckPlan[];
  readonly at: SourceLocation;
}

/** What every check has. */
export interface CheckTiming {
  /** Between two checks. */
  readonly delayLoopMs: number;
  /** More attempts before a living server is down. */
  readonly retry: number;
  readonly delayBeforeRetryMs: number;
  /** The first check starts at random within this time; 0: at once. */
  readonly warmupMs: number;
  /** Down until the first check has passed. */
  readonly alpha: boolean;
  /** Default 5 s. */
  readonly connectTimeoutMs: number;
  /** `log_all_failures`. */
  readonly logAllFailures: boolean;
}

/** Where a check connects to. */
export interface CheckTarget {
  readonly address: IpAddressPlan;
  readonly port: number;
  readonly bindAddress: IpAddressPlan | null;
  readonly bindPort: number;
  readonly bindInterface: string | null;
  /** 0: none. */
  readonly fwmark: number;
}

export type CheckPlan =
  | { readonly kind: "tcp" | "ping"; readonly timing: CheckTiming; readonly target: CheckTarget }
  | HttpCheckPlan
  | {
      readonly kind: "smtp";
      readonly timing: CheckTiming;
      /** One per `host`, otherwise the real server alone. */
      readonly targets: readonly CheckTarget[];
      readonly heloName: string;
    }
  | {
      readonly kind: "dns";
      readonly timing: CheckTiming;
      readonly target: CheckTarget;
      /** Number of the query's type (A 1, NS 2, CNAME 5, SOA 6, MX 15, TXT 16, AAAA 28 …). */
      readonly type: number;
      readonly name: string;
    }
  | UdpCheckPlan
  | {
      readonly kind: "misc";
      readonly timing: CheckTiming;
      readonly script: ScriptPlan;
      /** Default: the delay loop. */
      readonly timeoutMs: number;
      /** `misc_dynamic`: an exit status of 2 … 255 sets the weight to status - 2. */
      readonly dynamicWeight: boolean;
    }
  /** Index into `bfds`. */
  | { readonly kind: "bfd"; readonly bfd: number; readonly alpha: boolean }
  | {
      readonly kind: "file";
      /** Index into `files`. */
      readonly file: number;
      readonly weight: number;
      readonly reverse: boolean;
      readonly dynamicWeight: boolean;
    };

export interface HttpCheckPlan {
  readonly kind: "http" | "https";
  readonly timing: CheckTiming;
  readonly target: CheckTarget;
  readonly protocol: "1.0" | "1.0C" | "1.1";
  readonly fastRecovery: boolean;
  /** SSL_GET: send the virtual host's name in the handshake. */
  readonly enableSni: boolean;
  readonly urls: readonly CheckedUrl[];
}

export interface CheckedUrl {
  readonly path: string;
  /** Lower-case MD5 of the body; null: not compared. */
  readonly digest: string | null;
  /** Inclusive ranges. 200 … 299 where none is written and there is no digest. */
  readonly statusCodes: readonly { readonly first: number; readonly last: number }[];
  /** The Host header; null: the target's address. */
  readonly virtualhost: string | null;
  /** What the body must hold (or must not, with `noMatch`); null: anything. */
  readonly regex: {
    /** As written, of PCRE2. */
    readonly pattern: string;
    /** The same for JavaScript. */
    readonly source: string;
    readonly flags: string;
    /** The body is UTF-8 (`regex_options utf`); otherwise every byte is a character. */
    readonly isUtf8: boolean;
    /** What of it JavaScript cannot say; null: nothing. */
    readonly obstacle: string | null;
    readonly noMatch: boolean;
    /** Of the beginning of a match, bytes. */
    readonly minOffset: number;
    /** 0: no limit. */
    readonly maxOffset: number;
  } | null;
}

export interface UdpCheckPlan {
  readonly kind: "udp";
  readonly timing: CheckTiming;
  readonly target: CheckTarget;
  /** null: random bytes. */
  readonly payload: Uint8Array | null;
  readonly requireReply: boolean;
  /** What the reply must begin with; `mask` has 1 bits where it counts. null: anything. */
  readonly reply: { readonly bytes: Uint8Array; readonly mask: Uint8Array } | null;
  readonly minReplyLength: number;
  /** Default 255. */
  readonly maxReplyLength: number;
}

/** `SSL { … }`: for SSL_GET. */
export interface SslPlan {
  readonly password: string | null;
  readonly ca: string | null;
  readonly certificate: string | null;
  readonly key: string | null;
}
