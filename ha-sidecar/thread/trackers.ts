// What tracked things do to priorities: for one instance, its own trackers and those of its sync group.
//
//   weight 0      down: a fault            weight > 0    up: added            weight < 0    down: taken away
//   reverse exchanges up and down. Files count by number: number × weight is added; with weight 0 a number other than 0 is a fault.

import type { HaPlan } from "../plan/plan.ts";
import type { Tracked, TrackingPlan } from "../plan/track.ts";
import { weigh } from "../plan/weight.ts";
import type { TrackerKind } from "./messages.ts";

/** What is known of one tracked thing; null: nothing yet. */
export interface TrackerState {
  readonly up: boolean;
  readonly value: number;
}

export type TrackerLookup = (kind: TrackerKind, index: number) => TrackerState | null;

export interface Effect {
  /** To be added to the base priority. */
  readonly weight: number;
  /** Reasons for FAULT. */
  readonly faults: readonly string[];
  /** Something tracked has not reported yet. */
  readonly isIncomplete: boolean;
}

/** Names of tracked things, for the reasons. */
export type TrackerNames = (kind: TrackerKind, index: number) => string;

const KINDS = [
  ["scripts", "script"],
  ["processes", "process"],
  ["files", "file"],
  ["bfds", "bfd"],
  ["proxies", "proxy"],
] as const;

/** A file below this is a fault whatever the weight is. */
const FILE_FAULT_BELOW = -253;

export function effectOf(
  plans: readonly TrackingPlan[],
  lookup: TrackerLookup,
  nameOf: TrackerNames,
  isInterfaceUp: (name: string) => boolean,
): Effect {
  let weight = 0;
  let isIncomplete = false;
  const faults: string[] = [];
  for (const plan of plans) {
    for (const tracked of plan.interfaces) {
      const result = weigh(tracked, isInterfaceUp(tracked.interface));
      if (result === null) faults.push(`tracked interface ${tracked.interface} is ${tracked.reverse ? "up" : "down"}`);
      else weight += result;
    }
    for (const [list, kind] of KINDS) {
      for (const tracked of plan[list]) {
        const state = lookup(kind, tracked.index);
        if (state === null) {
          isIncomplete = true;
          continue;
        }
        const result = kind === "file" ? weighFile(tracked, state.value) : weigh(tracked, state.up);
        if (result === null) faults.push(`${kind} ${nameOf(kind, tracked.index)} failed`);
        else weight += result;
      }
    }
  }
  return { weight, faults, isIncomplete };
}

function weighFile({ weight, reverse }: Tracked, value: number): number | null {
  if (weight === 0) return (value !== 0) === reverse ? 0 : null;
  const points = value * weight * (reverse ? -1 : 1);
  return points < FILE_FAULT_BELOW ? null : points;
}

/** The name of a tracked thing. */
export function trackedName(plan: HaPlan, kind: TrackerKind, index: number): string {
  const { scripts, processes, files, bfds, proxies } = plan;
  const lists = { script: scripts, process: processes, file: files, bfd: bfds, proxy: proxies };
  return lists[kind][index]!.name;
}
