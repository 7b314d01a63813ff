// One vrrp_instance: from its draft to its plan, with everything that keepalived changes by itself (and says so): authentication that the
// version does not have, intervals that it cannot send, preemption that contradicts the state, strict mode.

import type { Place } from "../../../shared/diagnostic/diagnostic.ts";
import type { RoutePlan, RulePlan, VirtualAddressPlan } from "../../plan/network.ts";
import type {
  AuthenticationPlan,
  GarpPlan,
  HmacPlan,
  InstancePlan,
  PreemptionPlan,
  TransportPlan,
} from "../../plan/vrrp.ts";
import type { GlobalDraft, InstanceDraft, NotifyDraft } from "../drafts.ts";
import { keywordOf, placeOf, withoutText } from "../statement.ts";
import { parseIp } from "../values.ts";
import { readAddressLine } from "./address-line.ts";
import { resolveNotify } from "./notify.ts";
import { locationOf, type Resolver } from "./resolver.ts";
import { readRouteLine } from "./route-line.ts";
import { resolveTracking } from "./tracking.ts";
import { resolveTransport, resolveVmac } from "./transport.ts";

/** The interval of version 3 is a 12-bit number of centiseconds. */
const V3_INTERVAL_MS_MAX = 40_950;
const AUTH_BYTES = 8;
const PRIORITY_OWNER = 255;

/** What a sync group decides for its members. */
export interface GroupOf {
  readonly index: number;
  readonly trackingWeight: boolean;
  readonly notify: NotifyDraft;
}

/** null: the instance cannot run, which has been reported. */
export function resolveInstance(
  draft: InstanceDraft,
  index: number,
  group: GroupOf | null,
  resolver: Resolver,
): InstancePlan | null {
  const { global } = resolver.draft;
  const { report } = resolver;
  const family = familyOf(draft);
  const addresses = readAddresses(draft, family, resolver);
  const excludedAddresses = draft.excludedAddresses.flatMap(
    (entry) => readAddressLine(entry, false, resolver)?.plan ?? [],
  );
  if (addresses.length === 0 && !draft.noVirtualAddresses) {
    report.fault("no-addresses", draft.place, `(${draft.name}) No VIP specified; at least one is sensible`);
  }
  checkNativeIpv6(draft, family, resolver);
  const strict = draft.strict ?? global.strict;
  const version = versionOf(draft, family, global, resolver);
  const { priority, preemption, wantedState } = resolveElection(draft, strict, resolver);
  const transport = resolveTransport(draft, family, resolver);
  const hasInterface = checkInterface(draft, transport, resolver);
  if (draft.virtualRouterId === null) {
    const message = `(${draft.name}) the virtual router id must be set`;
    report.fault("missing-router-id", draft.place, message, {
      hint: "virtual_router_id, from 1 to 255, the same on all machines.",
    });
  }
  const isMember = group !== null && !group.trackingWeight;
  const noWeights = isMember ? "SYNC group" : priority === PRIORITY_OWNER ? "address_owner" : null;
  const advertIntervalMs = intervalOf(draft, version, resolver);
  const hmac = hmacOf(draft, advertIntervalMs, strict, resolver);
  const plan: InstancePlan = {
    index,
    name: draft.name,
    family,
    version,
    interface: draft.interface,
    virtualRouterId: draft.virtualRouterId ?? 0,
    priority,
    initialState: wantedState === "MASTER" && priority === PRIORITY_OWNER ? "MASTER" : "BACKUP",
    wantedState,
    advertIntervalMs,
    ...acceptedIntervals(draft, advertIntervalMs),
    downTimerAdverts: draft.downTimerAdverts ?? global.downTimerAdverts,
    timerExpiredBackup: draft.timerExpiredBackup,
    authentication: hmac === null ? authenticationOf(draft, version, strict, resolver) : { type: "none" },
    hmac,
    addresses,
    excludedAddresses,
    routes: readRoutes(draft, resolver),
    rules: readRules(draft, resolver),
    transport,
    vmac: resolveVmac(draft, family, transport.mode === "unicast", resolver),
    promoteSecondaries: draft.promoteSecondaries,
    dontTrackPrimary: draft.dontTrackPrimary,
    tracking: resolveTracking(
      { name: draft.name, tracking: draft.tracking, interface: draft.interface, noWeights },
      resolver,
    ),
    syncGroup: group?.index ?? -1,
    peerBfd: peerBfdOf(draft, resolver),
    preemption,
    garp: garpOf(draft, global),
    ...answersOf(draft, strict, resolver),
    accept: acceptOf(draft, version, strict, priority, resolver),
    strict,
    skipCheckAdvertAddresses: draft.skipCheckAdvertAddresses ?? global.skipCheckAdvertAddresses,
    noVirtualAddresses: draft.noVirtualAddresses,
    notify: resolveNotify(draft.notify, resolver, group?.notify),
    at: locationOf(draft.place),
  };
  return hasInterface && draft.virtualRouterId !== null ? plan : null;
}

/** The first virtual address decides; without one a peer or the source, then version 4. */
function familyOf(draft: InstanceDraft): 4 | 6 {
  const written = [
    ...draft.addresses.map(keywordOf),
    ...draft.peers.map(keywordOf),
    draft.source?.text ?? "",
    ...draft.excludedAddresses.map(keywordOf),
  ];
  for (const text of written) {
    const address = parseIp(text.replace(/\/.*/, ""));
    if (address !== null) return address.family;
  }
  return draft.nativeIpv6 === null ? 4 : 6;
}

function readAddresses(draft: InstanceDraft, family: 4 | 6, resolver: Resolver): VirtualAddressPlan[] {
  const addresses: VirtualAddressPlan[] = [];
  for (const entry of draft.addresses) {
    const line = readAddressLine(entry, false, resolver);
    if (line === null) continue;
    if (line.plan.address.family === family) addresses.push(line.plan);
    else {
      const message = `(${draft.name}): address family must match VRRP instance [${keywordOf(entry)}] - ignoring`;
      const hint = "An instance has addresses of one family; the others go into virtual_ipaddress_excluded.";
      resolver.report.fault("mixed-families", placeOf(entry), message, { hint });
    }
  }
  return addresses;
}

function readRoutes(draft: InstanceDraft, resolver: Resolver): RoutePlan[] {
  return draft.routes.flatMap((entry) => readRouteLine(entry, false, resolver)?.plan ?? []);
}

function readRules(draft: InstanceDraft, resolver: Resolver): RulePlan[] {
  return draft.rules.flatMap((entry) => resolver.rules.get(entry)?.plan ?? []);
}

function checkNativeIpv6(draft: InstanceDraft, family: 4 | 6, resolver: Resolver): void {
  if (draft.nativeIpv6 === null || family === 6) return;
  const message = `(${draft.name}) Cannot specify native_ipv6 with IPv4 addresses`;
  resolver.report.fault("mixed-families", draft.nativeIpv6, message);
}

function versionOf(draft: InstanceDraft, family: 4 | 6, global: GlobalDraft, resolver: Resolver): 2 | 3 {
  if (family === 4) return draft.version ?? global.version;
  if (draft.version === 2) {
    const message = `(${draft.name}) vrrp_version 2 conflicts with configured or deduced version 3; ignoring.`;
    resolver.report.fault("version-conflict", draft.versionPlace, message, { hint: "IPv6 has version 3 only." });
  }
  return 3;
}

/** keepalived's defaults are odd: `state MASTER` alone means the owner's priority. */
function resolveElection(
  draft: InstanceDraft,
  strict: boolean,
  resolver: Resolver,
): { priority: number; preemption: PreemptionPlan; wantedState: "MASTER" | "BACKUP" } {
  const { report } = resolver;
  const priority = draft.priority ?? (draft.wantedState === "MASTER" ? PRIORITY_OWNER : 100);
  const hasAh = draft.auth?.type === "ah";
  const isMaster = draft.wantedState === "MASTER" && !hasAh;
  if (draft.wantedState === "MASTER" && hasAh) {
    const message = `(${draft.name}) Initial state master is incompatible with AH authentication - clearing`;
    report.fault("authentication", draft.statePlace, message);
  }
  let { preempt, preemptDelayMs: delayMs } = draft;
  if (strict && isMaster !== (priority === PRIORITY_OWNER)) {
    const message = `(${draft.name}) State MASTER must match being address owner`;
    report.fault("strict-mode", draft.statePlace, message, {
      hint: "In strict mode only priority 255 has state MASTER.",
    });
  }
  if (!preempt && isMaster) {
    const message = `(${draft.name}) Warning - nopreempt will not work with initial state MASTER - clearing`;
    report.fault("nopreempt-with-master", draft.nopreemptPlace, message, {
      hint: "Write state BACKUP on all machines; the priority decides.",
    });
    preempt = true;
  } else if (!preempt && priority === PRIORITY_OWNER) {
    const message = `(${draft.name}) nopreempt is incompatible with priority 255. resetting nopreempt`;
    report.fault("nopreempt-with-owner", draft.nopreemptPlace, message);
    preempt = true;
  }
  if (delayMs > 0) {
    const problem = strict
      ? `(${draft.name}) preempt_delay is incompatible with strict mode - resetting`
      : isMaster
        ? `(${draft.name}) Warning - preempt delay will not work with initial state MASTER - clearing`
        : !preempt
          ? `(${draft.name}) preempt_delay is incompatible with nopreempt mode - resetting`
          : null;
    if (problem !== null) {
      report.fault("preempt-delay", draft.preemptDelayPlace, problem);
      delayMs = 0;
    }
  }
  return { priority, preemption: { preempt, delayMs }, wantedState: isMaster ? "MASTER" : "BACKUP" };
}

/** false: the instance has nowhere to be. */
function checkInterface(draft: InstanceDraft, transport: TransportPlan, resolver: Resolver): boolean {
  const { report, host } = resolver;
  const unknown = `(${draft.name}) Unknown interface!`;
  if (draft.interface === null) {
    if (transport.mode === "unicast") return true;
    report.fault("missing-interface", draft.place, unknown, { expected: "interface, and the name of one" });
    return false;
  }
  if (host.loopbacks.has(draft.interface)) {
    const message = `(${draft.name}) cannot use a loopback interface (${draft.interface}) for vrrp - ignoring`;
    report.fault("loopback-interface", draft.interfacePlace, message);
    return false;
  }
  const message = `WARNING - interface ${draft.interface} for vrrp_instance ${draft.name} doesn't exist`;
  resolver.checkInterface(draft.interface, draft.interfacePlace, message);
  return true;
}

function intervalOf(draft: InstanceDraft, version: 2 | 3, resolver: Resolver): number {
  const ms = draft.advertIntervalMs ?? 1000;
  const report = (message: string, hint?: string) =>
    resolver.report.fault("advert-interval", draft.advertIntervalPlace, `(${draft.name}) ${message}`, { hint });
  const seconds = (ms / 1000).toFixed(6);
  if (version === 2) {
    if (ms % 1000 === 0) return ms;
    report(
      `VRRPv2 advertisement interval ${seconds}s must be an integer. rounding`,
      "Version 3 has fractions: version 3.",
    );
    return Math.max(1000, Math.round(ms / 1000) * 1000);
  }
  if (ms > V3_INTERVAL_MS_MAX) {
    report(
      `VRRPv3 advertisement interval ${(ms / 1000).toFixed(2)}s is out of range. Must be less than 40.96s. Setting to 40.95s`,
    );
    return V3_INTERVAL_MS_MAX;
  }
  if (ms % 10 === 0) return ms;
  report(`VRRPv3 advertisement interval ${seconds}s must be in units of 10ms - rounding`);
  return Math.round(ms / 10) * 10;
}

/** A forged advert must not park a backup: what it takes over has bounds. */
function acceptedIntervals(draft: InstanceDraft, advertIntervalMs: number) {
  const byDefault = { min: 10, max: Math.min(V3_INTERVAL_MS_MAX, Math.max(1000, 4 * advertIntervalMs)) };
  const { min, max } = draft.adoptedIntervalMs ?? byDefault;
  return { adoptedIntervalMinMs: min, adoptedIntervalMaxMs: max };
}

/** On one line with its password, the block is not shown. */
function withoutPassword(place: Place): Place {
  return place.sourceLine.includes("auth_pass") ? withoutText(place) : place;
}

function authenticationOf(
  draft: InstanceDraft,
  version: 2 | 3,
  strict: boolean,
  resolver: Resolver,
): AuthenticationPlan {
  const none = { type: "none" } as const;
  if (draft.auth === null) return none;
  const { type, password, place } = draft.auth;
  const ignore = (message: string, hint: string) => {
    resolver.report.fault("authentication", withoutPassword(place), `(${draft.name}) ${message}`, { hint });
    return none;
  };
  // keepalived does not mention a block without auth_type; it runs without authentication all the same.
  if (type === null) {
    const hint = password === null ? "The block is empty." : "auth_type is missing: auth_type PASS.";
    resolver.report.warning("authentication", place, `(${draft.name}) runs without authentication`, { hint });
    return none;
  }
  if (type === "unknown") return none;
  if (strict) return ignore("Strict mode does not support authentication. Ignoring.", "RFC 3768 removed it.");
  if (version === 3) {
    return ignore(
      "VRRP version 3 does not support authentication. Ignoring.",
      "Filter protocol 112 instead, or use unicast peers.",
    );
  }
  if (password === null) {
    return ignore(
      "Authentication specified but no password given. Ignoring",
      "Every keyword needs a line of its own: auth_type, then auth_pass.",
    );
  }
  const data = new Uint8Array(AUTH_BYTES);
  data.set(Buffer.from(password, "latin1").subarray(0, AUTH_BYTES));
  return { type, data };
}

/** Bounds of a window that follows the interval. */
const HMAC_WINDOW_MIN_MS = 5000;
const HMAC_WINDOW_MAX_MS = 300_000;

function hmacOf(draft: InstanceDraft, advertIntervalMs: number, strict: boolean, resolver: Resolver): HmacPlan | null {
  const { hmac } = draft;
  if (hmac === null) return null;
  const fault = (place: Place, message: string, hint?: string) =>
    resolver.report.fault("auth-hmac", place, `(${draft.name}) ${message}`, { hint });
  if (hmac.keys.length === 0) {
    fault(hmac.place, "auth_hmac has no key - ignoring", "key 1 hex:… with 32 to 64 bytes.");
    return null;
  }
  const wanted = hmac.activeKey;
  const activeKey = wanted === null ? 0 : hmac.keys.findIndex((key) => key.id === wanted.id);
  if (wanted !== null && activeKey < 0) {
    fault(wanted.place, `auth_hmac active_key ${wanted.id} is not one of the keys - ignoring auth_hmac`);
    return null;
  }
  if (draft.auth !== null)
    fault(withoutPassword(draft.auth.place), "auth_hmac cannot be combined with authentication, dropping legacy auth");
  const isLax = strict && hmac.mode !== "enforce";
  if (isLax) fault(hmac.place, "strict mode requires auth_hmac mode enforce");
  const windowMs = Math.floor((3 * advertIntervalMs) / 1000) * 1000;
  const timeWindowMs = hmac.timeWindowMs ?? Math.min(HMAC_WINDOW_MAX_MS, Math.max(windowMs, HMAC_WINDOW_MIN_MS));
  return { keys: hmac.keys, activeKey, antiReplay: hmac.antiReplay, timeWindowMs, mode: isLax ? "enforce" : hmac.mode };
}

function garpOf(draft: InstanceDraft, global: GlobalDraft): GarpPlan {
  // vrrp_min_garp is a default for what nobody has written.
  const repeat = global.garp.masterRepeat ?? (global.minGarp ? 1 : 5);
  const delayMs = global.garp.masterDelayMs ?? (global.minGarp ? 0 : 5000);
  const own = draft.garp;
  const masterRepeat = own.masterRepeat ?? repeat;
  const masterDelayMs = own.masterDelayMs ?? delayMs;
  return {
    masterRepeat,
    masterDelayMs,
    refreshMs: own.refreshMs ?? global.garp.refreshMs ?? 0,
    refreshRepeat: own.refreshRepeat ?? global.garp.refreshRepeat ?? 1,
    lowerPriorityDelayMs: own.lowerPriorityDelayMs ?? global.garp.lowerPriorityDelayMs ?? masterDelayMs,
    lowerPriorityRepeat: own.lowerPriorityRepeat ?? global.garp.lowerPriorityRepeat ?? masterRepeat,
  };
}

/** How a master answers adverts of other priorities. */
function answersOf(draft: InstanceDraft, strict: boolean, resolver: Resolver) {
  const { global } = resolver.draft;
  const wantsLast = draft.higherPrioritySendAdvert ?? global.higherPrioritySendAdvert;
  if (strict && wantsLast === true) {
    const message = `(${draft.name}) strict mode requires higher_prio_send_advert to be clear. resetting`;
    resolver.report.fault("strict-mode", draft.place, message);
  }
  return {
    lowerPriorityNoAdvert: strict || (draft.lowerPriorityNoAdvert ?? global.lowerPriorityNoAdvert),
    // Without it who wins after a partition may never hear that there was another master, and clients keep its MAC address.
    higherPrioritySendAdvert: (wantsLast ?? true) && !strict,
  };
}

function acceptOf(
  draft: InstanceDraft,
  version: 2 | 3,
  strict: boolean,
  priority: number,
  resolver: Resolver,
): boolean {
  if (!strict) return draft.accept ?? true;
  if (version === 2 && draft.accept === true) {
    const message = `(${draft.name}) warning - accept mode for VRRP version 2 does not comply with RFC3768 - resetting`;
    resolver.report.fault("strict-mode", draft.acceptPlace, message);
    return priority === PRIORITY_OWNER;
  }
  return draft.accept ?? priority === PRIORITY_OWNER;
}

function peerBfdOf(draft: InstanceDraft, resolver: Resolver): number {
  if (draft.peerBfd === null) return -1;
  const { name, place } = draft.peerBfd;
  const index = resolver.draft.bfds.findIndex((bfd) => bfd.name === name);
  const message = `(${draft.name}) peer bfd ${name} not found, ignoring...`;
  if (index < 0)
    resolver.report.fault("unknown-name", place, message, { hint: "There is no bfd_instance of that name." });
  return index;
}
