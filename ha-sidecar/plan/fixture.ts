// Plans for tests: complete ones with keepalived's defaults, of which a test names only what it is about.

import { formatAddress, parseAddress } from "../../shared/ip/text.ts";
import type { IpAddressPlan, VirtualAddressPlan } from "./network.ts";
import type { GlobalPlan, HaPlan } from "./plan.ts";
import type { TrackingPlan } from "./track.ts";
import type { InstancePlan, NotifyPlan, TransportPlan } from "./vrrp.ts";

const AT = { file: "test.conf", line: 1 };

export function address(text: string): IpAddressPlan {
  const bytes = parseAddress(text);
  if (bytes === null) throw new Error(`'${text}' is no address`);
  return { family: bytes.length === 4 ? 4 : 6, bytes, text: formatAddress(bytes) };
}

/** `a.b.c.d[/prefix]` as a line of virtual_ipaddress. */
export function virtualAddress(text: string, changes: Partial<VirtualAddressPlan> = {}): VirtualAddressPlan {
  const [host, prefix] = text.split("/") as [string, string?];
  const plan = address(host);
  return {
    address: plan,
    prefixLength: prefix === undefined ? plan.bytes.length * 8 : Number(prefix),
    interface: null,
    useVmac: false,
    broadcast: null,
    scope: 0,
    label: null,
    peer: null,
    preferredLifetimeS: plan.family === 6 ? 0 : null,
    noDad: plan.family === 6,
    home: false,
    mngtmpaddr: false,
    noPrefixRoute: false,
    autojoin: false,
    noTrack: false,
    at: AT,
    ...changes,
  };
}

export const NO_TRACKING: TrackingPlan = {
  interfaces: [],
  scripts: [],
  processes: [],
  files: [],
  bfds: [],
  proxies: [],
};

export const NO_NOTIFY: NotifyPlan = {
  master: null,
  backup: null,
  fault: null,
  stop: null,
  deleted: null,
  tellsDeleted: false,
  masterReceivedLowerPriority: null,
  any: null,
  priorityChanges: false,
  mail: false,
};

/** Multicast over IPv4 from the interface's first address. */
export const MULTICAST: TransportPlan = {
  mode: "multicast",
  multicastDestination: address("224.0.0.18"),
  source: null,
  trackSource: false,
  peers: [],
  unicastTtl: 255,
  checkUnicastSource: true,
  faultWithoutPeers: false,
  v3ChecksumWithPseudoHeader: true,
  oldUnicastChecksum: "auto",
  receiveBufferBytes: 0,
};

/** Version 3, 100 ms, virtual router 50, address 10.99.0.100, preempting, priority 100. */
export function instancePlan(changes: Partial<InstancePlan> = {}): InstancePlan {
  return {
    index: 0,
    name: "VI_1",
    family: 4,
    version: 3,
    interface: "eth0",
    virtualRouterId: 50,
    priority: 100,
    initialState: "BACKUP",
    wantedState: "BACKUP",
    advertIntervalMs: 100,
    adoptedIntervalMinMs: 10,
    adoptedIntervalMaxMs: 1000,
    downTimerAdverts: 3,
    timerExpiredBackup: null,
    authentication: { type: "none" },
    hmac: null,
    addresses: [virtualAddress("10.99.0.100/24")],
    excludedAddresses: [],
    routes: [],
    rules: [],
    transport: MULTICAST,
    vmac: null,
    promoteSecondaries: false,
    dontTrackPrimary: false,
    tracking: NO_TRACKING,
    syncGroup: -1,
    peerBfd: -1,
    preemption: { preempt: true, delayMs: 0 },
    garp: {
      masterRepeat: 5,
      masterDelayMs: 5000,
      refreshMs: 0,
      refreshRepeat: 1,
      lowerPriorityDelayMs: 5000,
      lowerPriorityRepeat: 5,
    },
    lowerPriorityNoAdvert: false,
    higherPrioritySendAdvert: true,
    accept: true,
    strict: false,
    skipCheckAdvertAddresses: false,
    noVirtualAddresses: false,
    notify: NO_NOTIFY,
    at: AT,
    ...changes,
  };
}

const GLOBAL: GlobalPlan = {
  routerId: "test",
  mail: {
    recipients: [],
    from: "keepalived@test",
    server: null,
    heloName: "test",
    connectTimeoutMs: 30_000,
    noFaults: false,
    noCheckerEmails: false,
  },
  multicastGroup4: address("224.0.0.18"),
  multicastGroup6: address("ff02::12"),
  defaultInterface: "eth0",
  dynamicInterfaces: false,
  startupDelayMs: 0,
  logUnknownVrids: false,
  scheduling: {
    nice: null,
    realtimePriority: null,
    rlimitRttimeUs: 10_000,
    noSwap: false,
    cpuAffinity: [],
    maxAutoPriority: 0,
    minAutoPriorityDelayMs: 1000,
    threadName: null,
  },
  scriptSecurity: false,
  notifyFifos: [],
  checkerFifos: [],
  fifoStatesOnReload: false,
  startupScript: null,
  shutdownScript: null,
  reloadCheckConfig: true,
  instanceName: null,
  netNamespace: null,
  usePidDirectory: false,
  childWaitTimeMs: 5000,
  umask: 0o022,
  processName: null,
  vmacPrefix: "vrrp",
  sidecar: {
    controlSocket: null,
    metrics: null,
    addressLifetimeMs: 0,
    nftLeaseMs: 0,
    adoptAddresses: true,
    crashGuard: true,
    handoverTimeoutMs: null,
  },
};

/** A plan of nothing but what is given. */
export function haPlan(changes: Partial<HaPlan> = {}, global: Partial<GlobalPlan> = {}): HaPlan {
  return {
    global: { ...GLOBAL, ...global },
    instances: [],
    syncGroups: [],
    scripts: [],
    processes: [],
    files: [],
    bfds: [],
    proxies: [],
    staticAddresses: [],
    staticRoutes: [],
    staticRules: [],
    interfaceDelays: [],
    garpGroups: [],
    virtualServers: [],
    virtualServerGroups: [],
    ssl: { password: null, ca: null, certificate: null, key: null },
    ...changes,
  };
}
