// Who tracks whom, and how trackers begin: as the server that they track stands. What happens to them later is server-states.ts's.

import type { Plan, ServerPlan } from "../../plan/plan.ts";
import {
  ADMIN_DRAIN,
  ADMIN_MAINT,
  ADMIN_STATE,
  OP_STATE,
  SERVER,
  type SharedState,
} from "../../shared-state/layout.ts";

/** By server: those that track it, in the order of the configuration. */
export function trackersOf({ servers }: Plan): readonly (readonly ServerPlan[])[] {
  const trackers: ServerPlan[][] = servers.map(() => []);
  for (const server of servers) if (server.track !== undefined) trackers[server.track]!.push(server);
  return trackers;
}

/** Gives trackers the states of those that they track, along their chains; after a start or a reload, before anybody looks. */
export function alignTrackers(plan: Plan, shared: SharedState): void {
  const aligned = new Set<number>();
  const align = (server: ServerPlan): void => {
    if (server.track === undefined || aligned.has(server.index)) return;
    aligned.add(server.index);
    const tracked = plan.servers[server.track]!;
    align(tracked);
    const from = shared.serverAt(tracked.index);
    const to = shared.serverAt(server.index);
    const { words } = shared;
    const theirs = words[from + SERVER.adminState]!;
    let bits = words[to + SERVER.adminState]! & ~(ADMIN_STATE.inheritedMaint | ADMIN_STATE.inheritedDrain);
    if ((theirs & ADMIN_MAINT) !== 0) bits |= ADMIN_STATE.inheritedMaint;
    if ((theirs & ADMIN_DRAIN) !== 0) bits |= ADMIN_STATE.inheritedDrain;
    words[to + SERVER.adminState] = bits;
    words[to + SERVER.opState] = (bits & ADMIN_MAINT) !== 0 ? OP_STATE.stopped : words[from + SERVER.opState]!;
  };
  for (const server of plan.servers) align(server);
}
