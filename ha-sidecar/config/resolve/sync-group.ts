// Sync groups: who belongs to which, before the instances are resolved (weights of members count differently), and the groups' own plans
// after it, when it is known which instances there are.

import type { InstancePlan, SyncGroupPlan } from "../../plan/vrrp.ts";
import type { InstanceDraft, SyncGroupDraft } from "../drafts.ts";
import { resolveNotify } from "./notify.ts";
import { locationOf, type Resolver } from "./resolver.ts";
import { resolveTracking } from "./tracking.ts";

/** The group of each instance that has one. The first group that names an instance has it. */
export function assignMembers(resolver: Resolver): Map<InstanceDraft, SyncGroupDraft> {
  const { report, draft } = resolver;
  const groupOf = new Map<InstanceDraft, SyncGroupDraft>();
  for (const group of draft.syncGroups) {
    for (const member of group.members ?? []) {
      const instance = draft.instances.find((candidate) => candidate.name === member.name);
      if (instance === undefined) {
        const message = `Virtual router ${member.name} specified in sync group ${group.name} doesn't exist - ignoring`;
        report.fault("unknown-name", member.place, message);
      } else if (groupOf.has(instance)) {
        const message = `Virtual router ${member.name} cannot exist in more than one sync group; ignoring ${group.name}`;
        report.fault("duplicate-member", member.place, message);
      } else groupOf.set(instance, group);
    }
  }
  return groupOf;
}

/**
 * The groups that have members, and the instances with the indices of their groups.
 * @param instances those that can run, in order, with their drafts
 */
export function resolveSyncGroups(
  instances: readonly { readonly draft: InstanceDraft; readonly plan: InstancePlan }[],
  groupOf: ReadonlyMap<InstanceDraft, SyncGroupDraft>,
  resolver: Resolver,
): { groups: SyncGroupPlan[]; instances: InstancePlan[] } {
  const groups: SyncGroupPlan[] = [];
  for (const draft of resolver.draft.syncGroups) {
    const members = instances.filter((instance) => groupOf.get(instance.draft) === draft).map(({ plan }) => plan.index);
    if (!hasMembers(draft, members, groupOf, resolver)) continue;
    const tracker = { name: draft.name, tracking: draft.tracking, interface: null, noWeights: null };
    groups.push({
      index: groups.length,
      name: draft.name,
      members,
      tracking: resolveTracking(tracker, resolver),
      trackingWeight: draft.trackingWeight,
      notify: resolveNotify(draft.notify, resolver),
      at: locationOf(draft.place),
    });
  }
  const indexOf = (draft: InstanceDraft) => groups.findIndex((group) => group.name === groupOf.get(draft)?.name);
  return { groups, instances: instances.map(({ draft, plan }) => ({ ...plan, syncGroup: indexOf(draft) })) };
}

function hasMembers(
  draft: SyncGroupDraft,
  members: readonly number[],
  groupOf: ReadonlyMap<InstanceDraft, SyncGroupDraft>,
  resolver: Resolver,
): boolean {
  const named = [...groupOf.values()].filter((group) => group === draft).length;
  const message =
    draft.members === null || draft.members.length === 0
      ? `Sync group ${draft.name} has no virtual router(s). removing`
      : named === 0
        ? `Sync group ${draft.name}, no matching virtual router found in group declaration - removing`
        : named === 1
          ? `Sync group ${draft.name} has only 1 virtual router(s) - this probably isn't what you want`
          : null;
  if (message !== null) resolver.report.fault("few-members", draft.place, message);
  return members.length > 0;
}
