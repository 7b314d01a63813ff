// From drafts to the plan: the order in which the parts are resolved, and the faults that only the whole has.

import { NOWHERE } from "../../../shared/diagnostic/diagnostic.ts";
import type { RoutePlan, RulePlan, StaticAddressPlan } from "../../plan/network.ts";
import type { HaPlan } from "../../plan/plan.ts";
import type { BfdPlan, ProxyTrackPlan, TrackFilePlan, TrackProcessPlan, TrackScriptPlan } from "../../plan/track.ts";
import type { InstancePlan } from "../../plan/vrrp.ts";
import type { BfdDraft, ConfigurationDraft, InstanceDraft, ProxyTrackDraft, TrackProcessDraft } from "../drafts.ts";
import type { Host } from "../host.ts";
import type { Report } from "../report.ts";
import { Scripts } from "../scripts.ts";
import { keywordOf, placeOf, type Statement } from "../statement.ts";
import { readAddressLine } from "./address-line.ts";
import { resolveGarpGroups, resolveGlobal } from "./global.ts";
import { resolveInstance } from "./instance.ts";
import { locationOf, newResolver, type Resolver } from "./resolver.ts";
import { readRouteLine } from "./route-line.ts";
import { readRuleLine } from "./rule-line.ts";
import { assignMembers, resolveSyncGroups } from "./sync-group.ts";
import { shareAdverts } from "./transport.ts";
import { resolveVirtualServers } from "./virtual-server.ts";

export function resolvePlan(draft: ConfigurationDraft, host: Host, report: Report): HaPlan {
  const scripts = new Scripts(draft.global, host, report);
  const resolver = newResolver(draft, host, report, scripts);
  const trackScripts = resolveTrackScripts(resolver);
  const global = resolveGlobal(resolver);
  for (const { entry, isStatic } of draft.ruleEntries)
    resolver.rules.set(entry, readRuleLine(entry, isStatic, resolver));
  const members = assignMembers(resolver);
  const resolved: { draft: InstanceDraft; plan: InstancePlan }[] = [];
  for (const instance of draft.instances) {
    const group = members.get(instance);
    const groupOf =
      group === undefined
        ? null
        : { index: draft.syncGroups.indexOf(group), trackingWeight: group.trackingWeight, notify: group.notify };
    const plan = resolveInstance(instance, resolved.length, groupOf, resolver);
    if (plan !== null) resolved.push({ draft: instance, plan });
  }
  checkRouterIds(resolved, resolver);
  const { groups, instances } = resolveSyncGroups(resolved, members, resolver);
  const statics = resolveStatics(instances, resolver);
  const plan: HaPlan = {
    global,
    instances,
    syncGroups: groups,
    scripts: trackScripts,
    processes: draft.processes.map(resolveProcess),
    files: draft.files.map(({ name, path, weight, reverse, initFile, place }): TrackFilePlan => {
      return { name, path: path!, weight, reverse, initFile, at: locationOf(place) };
    }),
    bfds: draft.bfds.map(resolveBfd),
    proxies: draft.proxies.map(resolveProxy),
    ...statics,
    interfaceDelays: draft.interfaceDelays.map(({ interface: name, downDelayMs, upDelayMs }) => ({
      interface: name,
      downDelayMs,
      upDelayMs,
    })),
    garpGroups: resolveGarpGroups(resolver),
    virtualServers: resolveVirtualServers(resolver),
    virtualServerGroups: draft.virtualServerGroups.map(({ name, entries, place }) => ({
      name,
      entries,
      at: locationOf(place),
    })),
    ssl: draft.ssl,
  };
  if (resolver.missesInterface) {
    report.fatal(
      "unknown-interface",
      NOWHERE,
      "Non-existent interface specified in configuration",
      { introduction: "none" },
      5,
    );
  }
  scripts.finish();
  return plan;
}

/**
 * The vrrp_scripts. One that nobody can be found to run is as if it were not there: it leaves the drafts too, so that its trackers complain
 * as keepalived's do.
 */
function resolveTrackScripts({ draft, scripts, report }: Resolver): TrackScriptPlan[] {
  const plans: TrackScriptPlan[] = [];
  const kept = draft.scripts.filter((written) => {
    const { user, place, name, intervalMs, weight, reverse, rise, fall, initFail } = written;
    const script = scripts.track(written.script!, user?.user ?? null, user?.group ?? null, `track script ${name}`);
    if (script !== null) {
      const timeoutMs = written.timeoutMs ?? intervalMs;
      plans.push({ name, script, intervalMs, timeoutMs, weight, reverse, rise, fall, initFail, at: locationOf(place) });
    } else if (user === null) {
      report.fault("unknown-user", place, `Unable to set default user for vrrp script ${name} - removing`);
    }
    return script !== null;
  });
  draft.scripts.splice(0, draft.scripts.length, ...kept);
  return plans;
}

/** Two instances of one family with one id that hear each other would fight; keepalived does not start. */
function checkRouterIds(resolved: readonly { draft: InstanceDraft; plan: InstancePlan }[], { report }: Resolver): void {
  for (const [index, later] of resolved.entries()) {
    const twin = resolved.slice(0, index).find(({ plan }) => {
      const sameId = plan.virtualRouterId === later.plan.virtualRouterId && plan.family === later.plan.family;
      return sameId && plan.interface === later.plan.interface && shareAdverts(plan.transport, later.plan.transport);
    });
    if (twin === undefined) continue;
    const { virtualRouterId, family, interface: name } = later.plan;
    const message = `${twin.plan.name} and ${later.plan.name} both use VRID ${virtualRouterId} with IPv${family} on interface ${name}`;
    const hint = `The other one stands at ${twin.draft.routerIdPlace.file}:${twin.draft.routerIdPlace.line}. Every virtual router of a network needs an id of its own.`;
    report.fatal("duplicate-router-id", later.draft.routerIdPlace, message, { hint }, 5);
  }
}

function resolveStatics(instances: readonly InstancePlan[], resolver: Resolver) {
  const { draft } = resolver;
  const trackers = (name: string | null, entry: Statement): number[] => {
    if (name === null) return [];
    const group = draft.trackGroups.find((candidate) => candidate.name === name);
    if (group !== undefined) {
      return instances.filter((instance) => group.members.includes(instance.name)).map((instance) => instance.index);
    }
    resolver.report.fault("unknown-name", placeOf(entry), `track_group ${name} not found`);
    return [];
  };
  const staticAddresses = draft.staticAddresses.flatMap((entry): StaticAddressPlan[] => {
    const line = readAddressLine(entry, true, resolver);
    if (line === null) return [];
    const name = line.plan.interface ?? draft.global.defaultInterface;
    if (line.plan.interface === null) {
      const message = `WARNING - interface ${name} for ip address ${keywordOf(entry)} doesn't exist`;
      resolver.checkInterface(name, placeOf(entry), message);
    }
    return [{ ...line.plan, interface: name, trackedBy: trackers(line.trackGroup, entry) }];
  });
  const staticRoutes = draft.staticRoutes.flatMap((entry): RoutePlan[] => {
    const line = readRouteLine(entry, true, resolver);
    return line === null ? [] : [{ ...line.plan, trackedBy: trackers(line.trackGroup, entry) }];
  });
  const staticRules = draft.staticRules.flatMap((entry): RulePlan[] => {
    const line = resolver.rules.get(entry) ?? null;
    return line === null ? [] : [{ ...line.plan, trackedBy: trackers(line.trackGroup, entry) }];
  });
  return { staticAddresses, staticRoutes, staticRules };
}

function resolveProcess(draft: TrackProcessDraft): TrackProcessPlan {
  const [command, ...parameters] = draft.process!;
  // Without parameters they do not matter, unless param_match says that there must be none.
  const matters = parameters.length > 0 || draft.parameterMatch !== "exact";
  const { name, parameterMatch, fullCommand, weight, reverse, quorum, quorumMax, forkDelayMs, terminateDelayMs } =
    draft;
  return {
    name,
    command: command!,
    parameters: matters ? parameters : null,
    parameterMatch,
    fullCommand: fullCommand || matters,
    weight,
    reverse,
    quorum,
    quorumMax,
    forkDelayMs,
    terminateDelayMs,
    at: locationOf(draft.place),
  };
}

function resolveBfd(draft: BfdDraft): BfdPlan {
  const {
    name,
    sourceIp,
    minRxMs,
    minTxMs,
    idleTxMs,
    multiplier,
    passive,
    maxHops,
    multihop,
    weight,
    reverse,
    forVrrp,
    forCheckers,
  } = draft;
  const neighborIp = draft.neighborIp!;
  const ttl = draft.ttl ?? (neighborIp.family === 4 ? 255 : 64);
  const at = locationOf(draft.place);
  return {
    name,
    neighborIp,
    sourceIp,
    minRxMs,
    minTxMs,
    idleTxMs,
    multiplier,
    passive,
    ttl,
    maxHops,
    multihop,
    weight,
    reverse,
    forVrrp,
    forCheckers,
    at,
  };
}

function resolveProxy(draft: ProxyTrackDraft): ProxyTrackPlan {
  const { name, probe, intervalMs, weight, reverse, rise, fall, require, graceMs, workerTimeoutMs } = draft;
  const timeoutMs = draft.timeoutMs ?? 3 * intervalMs;
  return {
    name,
    probe: probe!,
    intervalMs,
    timeoutMs,
    weight,
    reverse,
    rise,
    fall,
    graceMs,
    workerTimeoutMs,
    require,
    at: locationOf(draft.place),
  };
}
