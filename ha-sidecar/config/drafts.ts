// What the keyword table fills in: one draft per block, with keepalived's defaults. null means "not written", where something else decides
// then (the global definitions, another keyword). References by name are still names here. resolve/ turns drafts into the plan.

import type { Place } from "../../shared/diagnostic/diagnostic.ts";
import type { IpAddressPlan } from "../plan/network.ts";
import type { ProxyProbe, ProxyRequirement } from "../plan/track.ts";
import type { Statement } from "./statement.ts";
import type { VirtualServerDraft, VirtualServerGroupDraft } from "./virtual-server-drafts.ts";

/** A command as it was written. Whether it may and can be run is decided when all is read (scripts.ts). */
export interface ScriptDraft {
  readonly argv: readonly string[];
  readonly text: string;
  readonly user: string | null;
  readonly group: string | null;
  readonly place: Place;
}

export interface GlobalDraft {
  routerId: string | null;
  recipients: string[];
  mailFrom: string | null;
  smtpServer: { host: string; port: number } | null;
  smtpHeloName: string | null;
  smtpConnectTimeoutMs: number;
  smtpAlert: boolean | null;
  smtpAlertVrrp: boolean | null;
  smtpAlertChecker: boolean | null;
  checkerLogAllFailures: boolean;
  noEmailFaults: boolean;
  noCheckerEmails: boolean;
  multicastGroup4: IpAddressPlan;
  multicastGroup6: IpAddressPlan;
  defaultInterface: string;
  dynamicInterfaces: boolean;
  garp: GarpDraft;
  garpIntervalMs: number;
  gnaIntervalMs: number;
  minGarp: boolean;
  downTimerAdverts: number;
  lowerPriorityNoAdvert: boolean;
  /** null: not said. */
  higherPrioritySendAdvert: boolean | null;
  version: 2 | 3;
  checkUnicastSource: boolean | null;
  skipCheckAdvertAddresses: boolean;
  strict: boolean;
  notifyPriorityChanges: boolean;
  v3ChecksumAsV2: boolean;
  startupDelayMs: number;
  delayAfterBootMs: number;
  useSymlinkPaths: boolean;
  logUnknownVrids: boolean;
  nice: number | null;
  realtimePriority: number | null;
  rlimitRttimeUs: number;
  noSwap: boolean;
  cpuAffinity: number[];
  maxAutoPriority: number;
  minAutoPriorityDelayUs: number;
  scriptUser: { user: string; group: string | null; place: Place } | null;
  scriptSecurity: boolean;
  fifos: { all: FifoDraft; vrrp: FifoDraft; checker: FifoDraft };
  fifoStatesOnReload: boolean;
  startupScript: ScriptDraft | null;
  startupScriptTimeoutMs: number;
  shutdownScript: ScriptDraft | null;
  shutdownScriptTimeoutMs: number;
  reloadCheckConfig: boolean;
  processName: string | null;
  vrrpProcessName: string | null;
  umask: number;
  vmacPrefix: string;
  controlSocket: string | null;
  metrics: { address: IpAddressPlan; port: number } | null;
  addressLifetimeMs: number;
  nftLeaseMs: number;
  adoptAddresses: boolean;
  crashGuard: boolean;
  handoverTimeoutMs: number | null;
}

export interface FifoDraft {
  path: string | null;
  user: string | null;
  group: string | null;
  place: Place;
  script: ScriptDraft | null;
}

/** null: what the global definitions say. */
export interface GarpDraft {
  masterDelayMs: number | null;
  masterRepeat: number | null;
  lowerPriorityDelayMs: number | null;
  lowerPriorityRepeat: number | null;
  refreshMs: number | null;
  refreshRepeat: number | null;
}

export interface NotifyDraft {
  master: ScriptDraft | null;
  backup: ScriptDraft | null;
  fault: ScriptDraft | null;
  stop: ScriptDraft | null;
  deleted: ScriptDraft | null;
  tellsDeleted: boolean;
  masterReceivedLowerPriority: ScriptDraft | null;
  any: ScriptDraft | null;
  priorityChanges: boolean | null;
  mail: boolean | null;
}

/** One line of a `track_…` block. */
export interface TrackDraft {
  readonly name: string;
  /** null: the tracked thing's own. */
  weight: number | null;
  reverse: boolean | null;
  /** It was defined above. */
  readonly known: boolean;
  readonly place: Place;
}

export interface TrackingDraft {
  readonly interfaces: TrackDraft[];
  readonly scripts: TrackDraft[];
  readonly processes: TrackDraft[];
  readonly files: TrackDraft[];
  readonly bfds: TrackDraft[];
  readonly proxies: TrackDraft[];
}

export interface InstanceDraft {
  readonly name: string;
  readonly place: Place;
  wantedState: "MASTER" | "BACKUP";
  statePlace: Place;
  interface: string | null;
  interfacePlace: Place;
  virtualRouterId: number | null;
  routerIdPlace: Place;
  priority: number | null;
  priorityPlace: Place;
  advertIntervalMs: number | null;
  advertIntervalPlace: Place;
  adoptedIntervalMs: { min: number; max: number } | null;
  downTimerAdverts: number | null;
  timerExpiredBackup: number | null;
  version: 2 | 3 | null;
  versionPlace: Place;
  auth: { type: "pass" | "ah" | "unknown" | null; password: string | null; place: Place } | null;
  hmac: HmacDraft | null;
  /** Lines of the lists; read when the family is known. */
  readonly addresses: Statement[];
  readonly excludedAddresses: Statement[];
  readonly routes: Statement[];
  readonly rules: Statement[];
  readonly peers: Statement[];
  source: { text: string; place: Place } | null;
  trackSource: boolean;
  multicastDestination: { text: string; place: Place } | null;
  /** A keyword that only makes sense with unicast peers was written. */
  mentionsUnicast: boolean;
  unicastTtl: { value: number; place: Place } | null;
  checkUnicastSource: boolean | null;
  faultWithoutPeers: boolean;
  oldUnicastChecksum: "auto" | "always" | "never";
  v3ChecksumAsV2: boolean | null;
  vmac: { interface: string | null; mac: Uint8Array | null; place: Place } | null;
  vmacTransmitBase: Place | null;
  promoteSecondaries: boolean;
  dontTrackPrimary: boolean;
  readonly tracking: TrackingDraft;
  peerBfd: { name: string; place: Place } | null;
  preempt: boolean;
  nopreemptPlace: Place;
  preemptDelayMs: number;
  preemptDelayPlace: Place;
  readonly garp: GarpDraft;
  lowerPriorityNoAdvert: boolean | null;
  higherPrioritySendAdvert: boolean | null;
  accept: boolean | null;
  acceptPlace: Place;
  strict: boolean | null;
  skipCheckAdvertAddresses: boolean | null;
  noVirtualAddresses: boolean;
  receiveBufferBytes: number;
  nativeIpv6: Place | null;
  readonly notify: NotifyDraft;
}

export interface HmacDraft {
  readonly place: Place;
  readonly keys: { readonly id: number; readonly secret: Uint8Array }[];
  activeKey: { id: number; place: Place } | null;
  antiReplay: "time" | "monotonic";
  timeWindowMs: number | null;
  mode: "enforce" | "permissive" | "receive-only";
}

export interface SyncGroupDraft {
  readonly name: string;
  readonly place: Place;
  members: { name: string; place: Place }[] | null;
  readonly tracking: TrackingDraft;
  trackingWeight: boolean;
  readonly notify: NotifyDraft;
}

export interface TrackScriptDraft {
  readonly name: string;
  readonly place: Place;
  script: ScriptDraft | null;
  user: { user: string; group: string | null; place: Place } | null;
  intervalMs: number;
  timeoutMs: number | null;
  weight: number;
  reverse: boolean;
  rise: number;
  fall: number;
  initFail: boolean;
}

export interface TrackProcessDraft {
  readonly name: string;
  readonly place: Place;
  process: string[] | null;
  parameterMatch: "exact" | "initial" | "partial";
  weight: number;
  reverse: boolean;
  quorum: number;
  quorumMax: number | null;
  forkDelayMs: number;
  terminateDelayMs: number;
  fullCommand: boolean;
}

export interface TrackFileDraft {
  readonly name: string;
  readonly place: Place;
  path: string | null;
  weight: number;
  reverse: boolean;
  initFile: { value: number; overwrite: boolean } | null;
}

export interface BfdDraft {
  readonly name: string;
  readonly place: Place;
  neighborIp: IpAddressPlan | null;
  sourceIp: IpAddressPlan | null;
  minRxMs: number;
  minTxMs: number;
  idleTxMs: number;
  multiplier: number;
  passive: boolean;
  ttl: number | null;
  maxHops: number;
  multihop: boolean;
  weight: number;
  reverse: boolean;
  forVrrp: boolean;
  forCheckers: boolean;
  isBroken: boolean;
}

export interface ProxyTrackDraft {
  readonly name: string;
  readonly place: Place;
  probe: ProxyProbe | null;
  intervalMs: number;
  timeoutMs: number | null;
  weight: number;
  reverse: boolean;
  rise: number;
  fall: number;
  graceMs: number;
  workerTimeoutMs: number;
  readonly require: ProxyRequirement[];
}

export interface GarpGroupDraft {
  readonly place: Place;
  readonly interfaces: { name: string; place: Place }[];
  garpIntervalMs: number | null;
  gnaIntervalMs: number | null;
}

/** All that a configuration says. */
export interface ConfigurationDraft {
  readonly global: GlobalDraft;
  readonly instances: InstanceDraft[];
  readonly syncGroups: SyncGroupDraft[];
  readonly scripts: TrackScriptDraft[];
  readonly processes: TrackProcessDraft[];
  readonly files: TrackFileDraft[];
  readonly bfds: BfdDraft[];
  readonly proxies: ProxyTrackDraft[];
  readonly staticAddresses: Statement[];
  readonly staticRoutes: Statement[];
  readonly staticRules: Statement[];
  /** Every line of rules, of instances too, in the order in which they were read: those without a preference are numbered in it. */
  readonly ruleEntries: { readonly entry: Statement; readonly isStatic: boolean }[];
  readonly trackGroups: { name: string; members: string[]; place: Place }[];
  readonly interfaceDelays: { interface: string; downDelayMs: number; upDelayMs: number; place: Place }[];
  readonly garpGroups: GarpGroupDraft[];
  readonly virtualServers: VirtualServerDraft[];
  readonly virtualServerGroups: VirtualServerGroupDraft[];
  readonly ssl: { password: string | null; ca: string | null; certificate: string | null; key: string | null };
  netNamespace: string | null;
  instanceName: string | null;
  usePidDirectory: boolean;
  childWaitTimeMs: number;
}
