// Virtual servers: inheritance down to the checks, and what keepalived corrects: a quorum that cannot be reached, families that do not fit.

import type {
  ForwardingPlan,
  RealServerPlan,
  ServicePlan,
  SorryServerPlan,
  VirtualServerPlan,
} from "../../plan/virtual-server.ts";
import type { RealServerDraft, ServiceDraft, VirtualServerDraft } from "../virtual-server-drafts.ts";
import { resolveCheck } from "./check.ts";
import { locationOf, type Resolver } from "./resolver.ts";

export function resolveVirtualServers(resolver: Resolver): VirtualServerPlan[] {
  const plans: VirtualServerPlan[] = [];
  for (const draft of resolver.draft.virtualServers) {
    const plan = resolveVirtualServer(draft, plans.length, resolver);
    if (plan !== null) plans.push(plan);
  }
  return plans;
}

/** How keepalived calls it: `[10.0.0.9]:tcp:80`. */
export function serviceText(service: ServiceDraft, protocol: VirtualServerPlan["protocol"] | "none"): string {
  if (service.kind === "fwmark") return `FWM ${service.mark}`;
  if (service.kind === "group") return `[${service.name}]:0`;
  return `[${service.address.text}]:${protocol}:${service.port}`;
}

/** What must be written, and what keepalived takes when it is not: a fault each. */
function applyDefaults(draft: VirtualServerDraft, resolver: Resolver) {
  const { service } = draft;
  const report = (name: string, message: string, hint?: string) =>
    resolver.report.fault("missing-keyword", draft.place, `Virtual server ${name}: ${message}`, { hint });
  const isMark = service.kind === "fwmark";
  if (isMark && draft.protocol !== null) {
    const message = `Warning: Virtual server FWM ${service.mark}: protocol specified for fwmark - protocol will be ignored`;
    resolver.report.fault("invalid-value", draft.protocolPlace, message);
  }
  if (!isMark && draft.protocol === null) {
    report(
      serviceText(service, "none"),
      "no protocol set - defaulting to UDP",
      "Write protocol TCP, unless UDP is meant.",
    );
  }
  const protocol = draft.protocol ?? "udp";
  const name = serviceText(service, protocol);
  if (draft.scheduler === null) report(name, "no scheduler set, setting default 'wlc'");
  if (draft.forwarding === null) report(name, "no forwarding method set, setting default NAT");
  if (service.kind === "address" && service.port === 0 && draft.persistenceTimeoutMs === 0) {
    report(name, "zero port only valid for persistent services - setting");
  }
  if (draft.onePacket && protocol !== "udp") report(name, "one packet scheduling requires UDP - resetting");
  const needsPersistence = service.kind === "address" && service.port === 0;
  return {
    name,
    protocol,
    scheduler: draft.scheduler ?? "wlc",
    forwarding: draft.forwarding ?? { method: "NAT" as const },
    persistenceTimeoutMs:
      draft.persistenceTimeoutMs === 0 && needsPersistence ? PERSISTENCE_MS : draft.persistenceTimeoutMs,
  };
}

/** keepalived's default for persistent services. */
const PERSISTENCE_MS = 360_000;

type Defaults = ReturnType<typeof applyDefaults>;

function resolveVirtualServer(draft: VirtualServerDraft, index: number, resolver: Resolver): VirtualServerPlan | null {
  const { report } = resolver;
  const service = resolveService(draft, resolver);
  if (service === null) return null;
  const family = familyOf(draft, resolver);
  if (draft.realServers.length === 0) {
    const message = `Virtual server ${serviceText(draft.service, draft.protocol ?? "none")} has no real servers - ignoring`;
    report.fault("no-real-servers", draft.place, message);
    return null;
  }
  const defaults = applyDefaults(draft, resolver);
  const { name, protocol, scheduler, forwarding, persistenceTimeoutMs } = defaults;
  const realServers = resolveRealServers(draft, defaults, family, resolver);
  const { quorum, hysteresis } = resolveQuorum(draft, name, realServers, resolver);
  const script = (written: VirtualServerDraft["quorumUp"], what: string) => resolver.scripts.notify(written, what);
  const { global } = resolver.draft;
  return {
    index,
    service,
    protocol,
    family,
    scheduler,
    schedulerFlags: draft.schedulerFlags,
    onePacket: draft.onePacket && protocol === "udp",
    forwarding,
    persistenceTimeoutMs,
    persistencePrefixLength: draft.persistencePrefixLength ?? (family === 4 ? 32 : 128),
    persistenceEngine: draft.persistenceEngine,
    delayLoopMs: draft.timing.delayLoopMs ?? 60_000,
    haSuspend: draft.haSuspend,
    alpha: draft.timing.alpha ?? false,
    omega: draft.omega,
    quorum,
    hysteresis,
    quorumUp: script(draft.quorumUp, "quorum_up script"),
    quorumDown: script(draft.quorumDown, "quorum_down script"),
    sorryServer: resolveSorryServer(draft, forwarding, family, resolver),
    realServers,
    mail: draft.mail ?? global.smtpAlertChecker ?? global.smtpAlert ?? false,
    snmpName: draft.snmpName,
    at: locationOf(draft.place),
  };
}

function resolveService(draft: VirtualServerDraft, resolver: Resolver): ServicePlan | null {
  const { service } = draft;
  if (service.kind !== "group") return service;
  const group = resolver.draft.virtualServerGroups.findIndex((candidate) => candidate.name === service.name);
  if (group >= 0) return { kind: "group", group };
  // keepalived says nothing and serves nothing.
  const message = `virtual_server_group ${service.name} is not defined; the virtual server is left out`;
  resolver.report.warning("unknown-name", draft.place, message);
  return null;
}

function familyOf(draft: VirtualServerDraft, resolver: Resolver): 4 | 6 {
  const { service } = draft;
  if (service.kind === "address") return service.address.family;
  if (draft.ipFamily !== null) return draft.ipFamily;
  if (service.kind === "group") {
    const group = resolver.draft.virtualServerGroups.find((candidate) => candidate.name === service.name);
    const range = group?.entries.find((entry) => entry.kind === "range");
    if (range?.kind === "range") return range.first.family;
  }
  return draft.realServers[0]?.address.family ?? 4;
}

function resolveRealServers(
  draft: VirtualServerDraft,
  defaults: Defaults,
  family: 4 | 6,
  resolver: Resolver,
): RealServerPlan[] {
  const { report, scripts } = resolver;
  const { global } = resolver.draft;
  const servers: RealServerPlan[] = [];
  const { name, protocol } = defaults;
  for (const server of draft.realServers) {
    const forwarding: ForwardingPlan = server.forwarding ?? defaults.forwarding;
    const { address, port } = server;
    if (address.family !== family && forwarding.method !== "TUN") {
      const message = `Address family of virtual server and real server ${address.text} don't match - skipping real server.`;
      report.fault("mixed-families", server.place, message);
      continue;
    }
    if (servers.some((other) => other.address.text === address.text && other.port === port)) {
      const message = `VS ${name}: real server [${address.text}]:${protocol}:${port} is duplicated - removing second rs`;
      report.fault("duplicate-name", server.place, message);
      continue;
    }
    servers.push({
      address,
      port: portOf(draft, server, forwarding, name, protocol, resolver),
      weight: server.weight ?? draft.weight,
      forwarding,
      inhibitOnFailure: server.inhibitOnFailure ?? draft.inhibitOnFailure,
      connectionsMax: server.connectionsMax,
      connectionsMin: server.connectionsMin,
      notifyUp: scripts.notify(server.notifyUp, "notify_up script"),
      notifyDown: scripts.notify(server.notifyDown, "notify_down script"),
      mail: server.mail ?? global.smtpAlertChecker ?? global.smtpAlert ?? true,
      snmpName: server.snmpName,
      checks: server.checks.flatMap((check) => resolveCheck(check, server, draft, protocol, resolver) ?? []),
      at: locationOf(server.place),
    });
  }
  return servers;
}

/** Only NAT can change the port. */
function portOf(
  draft: VirtualServerDraft,
  server: RealServerDraft,
  forwarding: ForwardingPlan,
  name: string,
  protocol: string,
  resolver: Resolver,
): number {
  const { service } = draft;
  if (service.kind !== "address" || forwarding.method === "NAT" || server.port === 0 || server.port === service.port)
    return server.port;
  const real = `[${server.address.text}]:${protocol}:${server.port}`;
  const message = `WARNING - virtual server ${name} and real server ${real} ports don't match - resetting`;
  resolver.report.fault("invalid-value", server.place, message, {
    hint: `${forwarding.method} leaves the port as it is.`,
  });
  return service.port;
}

function resolveQuorum(
  draft: VirtualServerDraft,
  name: string,
  servers: readonly RealServerPlan[],
  resolver: Resolver,
) {
  const weight = servers.reduce((sum, server) => sum + server.weight, 0);
  let { quorum, hysteresis } = draft;
  if (quorum > weight) {
    const message = `Warning - quorum ${quorum} for ${name} exceeds total weight of real servers ${weight}, reducing quorum to ${weight}`;
    resolver.report.fault("invalid-value", draft.quorumPlace, message);
    quorum = weight;
  }
  if (hysteresis > 0 && hysteresis >= quorum) {
    const corrected = Math.max(0, quorum - 1);
    const message = `Virtual server ${name}: hysteresis ${hysteresis} >= quorum ${quorum}; setting hysteresis to ${corrected}`;
    resolver.report.fault("invalid-value", draft.hysteresisPlace, message);
    hysteresis = corrected;
  }
  return { quorum, hysteresis };
}

function resolveSorryServer(
  draft: VirtualServerDraft,
  byDefault: ForwardingPlan,
  family: 4 | 6,
  resolver: Resolver,
): SorryServerPlan | null {
  const { sorryServer } = draft;
  if (sorryServer === null) return null;
  const forwarding = sorryServer.forwarding ?? byDefault;
  if (sorryServer.address.family !== family && forwarding.method !== "TUN") {
    const message = `Address family of virtual server and sorry server ${sorryServer.address.text} don't match - skipping sorry server.`;
    resolver.report.fault("mixed-families", draft.place, message);
    return null;
  }
  return { address: sorryServer.address, port: sorryServer.port, inhibit: sorryServer.inhibit, forwarding };
}
