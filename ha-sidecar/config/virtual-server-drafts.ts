// Drafts of the LVS blocks; see drafts.ts. What a real server or a check does not say, its virtual server says (null).

import type { Place } from "../../shared/diagnostic/diagnostic.ts";
import type { IpAddressPlan } from "../plan/network.ts";
import type { ForwardingPlan, Scheduler, ServiceRangePlan } from "../plan/virtual-server.ts";
import type { ScriptDraft } from "./drafts.ts";

/** Timing that virtual server, real server and check may each set; null: the one above decides. */
export interface TimingDraft {
  delayLoopMs: number | null;
  retry: number | null;
  delayBeforeRetryMs: number | null;
  warmupMs: number | null;
  alpha: boolean | null;
  connectTimeoutMs: number | null;
}

export function newTimingDraft(): TimingDraft {
  return {
    delayLoopMs: null,
    retry: null,
    delayBeforeRetryMs: null,
    warmupMs: null,
    alpha: null,
    connectTimeoutMs: null,
  };
}

export type ServiceDraft =
  | { readonly kind: "address"; readonly address: IpAddressPlan; readonly port: number }
  | { readonly kind: "fwmark"; readonly mark: number }
  | { readonly kind: "group"; readonly name: string };

export interface VirtualServerDraft {
  readonly place: Place;
  readonly service: ServiceDraft;
  readonly timing: TimingDraft;
  protocol: "tcp" | "udp" | "sctp" | null;
  protocolPlace: Place;
  ipFamily: 4 | 6 | null;
  scheduler: Scheduler | null;
  schedulerFlags: number;
  onePacket: boolean;
  forwarding: ForwardingPlan | null;
  persistenceTimeoutMs: number;
  persistencePrefixLength: number | null;
  persistenceEngine: string | null;
  haSuspend: boolean;
  omega: boolean;
  quorum: number;
  hysteresis: number;
  quorumPlace: Place;
  hysteresisPlace: Place;
  quorumUp: ScriptDraft | null;
  quorumDown: ScriptDraft | null;
  sorryServer: SorryServerDraft | null;
  inhibitOnFailure: boolean;
  weight: number;
  virtualhost: string | null;
  readonly realServers: RealServerDraft[];
  mail: boolean | null;
  snmpName: string | null;
}

export interface SorryServerDraft {
  readonly address: IpAddressPlan;
  readonly port: number;
  inhibit: boolean;
  forwarding: ForwardingPlan | null;
}

export interface RealServerDraft {
  readonly place: Place;
  readonly address: IpAddressPlan;
  readonly port: number;
  readonly timing: TimingDraft;
  weight: number | null;
  forwarding: ForwardingPlan | null;
  inhibitOnFailure: boolean | null;
  connectionsMax: number;
  connectionsMin: number;
  notifyUp: ScriptDraft | null;
  notifyDown: ScriptDraft | null;
  virtualhost: string | null;
  mail: boolean | null;
  snmpName: string | null;
  readonly checks: CheckDraft[];
}

export interface TargetDraft {
  address: IpAddressPlan | null;
  port: number | null;
  bindAddress: IpAddressPlan | null;
  bindPort: number;
  bindInterface: string | null;
  fwmark: number;
}

export function newTargetDraft(): TargetDraft {
  return { address: null, port: null, bindAddress: null, bindPort: 0, bindInterface: null, fwmark: 0 };
}

export type CheckKind = "tcp" | "http" | "https" | "smtp" | "dns" | "udp" | "ping" | "misc" | "bfd" | "file";

/** One for all kinds of checks: each kind's keywords touch only its own part. */
export interface CheckDraft {
  readonly kind: CheckKind;
  readonly place: Place;
  readonly timing: TimingDraft;
  readonly target: TargetDraft;
  logAllFailures: boolean | null;
  /** SMTP_CHECK's `host` blocks. */
  readonly hosts: TargetDraft[];
  heloName: string | null;
  protocol: "1.0" | "1.0C" | "1.1";
  fastRecovery: boolean;
  enableSni: boolean;
  readonly urls: UrlDraft[];
  dnsType: number;
  dnsName: string;
  payload: Uint8Array | null;
  requireReply: boolean;
  reply: { bytes: Uint8Array; mask: Uint8Array } | null;
  minReplyLength: number;
  maxReplyLength: number;
  script: ScriptDraft | null;
  scriptUser: { user: string; group: string | null } | null;
  scriptTimeoutMs: number | null;
  dynamicWeight: boolean;
  /** BFD_CHECK's `name`, FILE_CHECK's `track_file`. */
  reference: string | null;
  weight: number | null;
  reverse: boolean;
}

export interface UrlDraft {
  path: string | null;
  digest: string | null;
  statusCodes: { first: number; last: number }[];
  virtualhost: string | null;
  regex: string | null;
  regexNoMatch: boolean;
  regexOptions: string[];
  regexMinOffset: number;
  regexMaxOffset: number;
}

export function newUrlDraft(): UrlDraft {
  return {
    path: null,
    digest: null,
    statusCodes: [],
    virtualhost: null,
    regex: null,
    regexNoMatch: false,
    regexOptions: [],
    regexMinOffset: 0,
    regexMaxOffset: 0,
  };
}

export interface VirtualServerGroupDraft {
  readonly name: string;
  readonly place: Place;
  readonly entries: ServiceRangePlan[];
}

export function newCheckDraft(kind: CheckKind, place: Place): CheckDraft {
  return {
    kind,
    place,
    timing: newTimingDraft(),
    target: newTargetDraft(),
    logAllFailures: null,
    hosts: [],
    heloName: null,
    protocol: "1.0",
    fastRecovery: false,
    enableSni: false,
    urls: [],
    dnsType: 6,
    dnsName: ".",
    payload: null,
    requireReply: false,
    reply: null,
    minReplyLength: 0,
    maxReplyLength: 255,
    script: null,
    scriptUser: null,
    scriptTimeoutMs: null,
    dynamicWeight: false,
    reference: null,
    weight: null,
    reverse: false,
  };
}
