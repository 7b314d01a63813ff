// Trackers of instances and groups: from names to indices, with the weight that counts.
//
// keepalived takes no weights where they could do harm: an address owner (255) keeps its priority, and members of a sync group must not
// come to differ. It leaves such trackers out, and so do we. Weight 0 (a failure is a FAULT) is always taken.

import type { Tracked, TrackedInterface, TrackingPlan } from "../../plan/track.ts";
import type { TrackDraft, TrackingDraft } from "../drafts.ts";
import type { Resolver } from "./resolver.ts";

/** Who tracks. */
export interface Tracker {
  readonly name: string;
  readonly tracking: TrackingDraft;
  /** Its own interface is watched anyway. */
  readonly interface: string | null;
  /** Why weights do not count, `address_owner` or `SYNC group`; null: they do. */
  readonly noWeights: "address_owner" | "SYNC group" | null;
}

interface Defined {
  readonly name: string;
  readonly weight: number;
  readonly reverse: boolean;
}

export function resolveTracking(tracker: Tracker, resolver: Resolver): TrackingPlan {
  const { scripts, processes, files, bfds, proxies } = resolver.draft;
  const { tracking } = tracker;
  const resolve = (what: string, list: readonly TrackDraft[], defined: readonly Defined[]) =>
    resolveList(tracker, what, list, defined, resolver);
  return {
    interfaces: resolveInterfaces(tracker, resolver),
    scripts: resolve("script", tracking.scripts, scripts),
    processes: resolve("process", tracking.processes, processes),
    files: resolve("file", tracking.files, files),
    bfds: resolve("bfd", tracking.bfds, bfds),
    proxies: resolve("proxy", tracking.proxies, proxies),
  };
}

function resolveList(
  tracker: Tracker,
  what: string,
  list: readonly TrackDraft[],
  defined: readonly Defined[],
  resolver: Resolver,
): Tracked[] {
  const tracked: Tracked[] = [];
  for (const entry of list) {
    const index = defined.findIndex((candidate) => candidate.name === entry.name);
    if (index < 0 || !entry.known) {
      const message = `(${tracker.name}) track ${what} ${entry.name} not found, ignoring...`;
      resolver.report.fault("unknown-name", entry.place, message, { hint: unknownHint(what, index, entry, defined) });
      continue;
    }
    const weight = entry.weight ?? defined[index]!.weight;
    const reverse = entry.reverse ?? defined[index]!.reverse;
    if (weight !== 0 && tracker.noWeights !== null) {
      const message = `(${tracker.name}) ignoring tracked ${what} ${entry.name} with weights due to ${tracker.noWeights}`;
      resolver.report.fault("ignored-tracker", entry.place, message, { hint: ownerHint(tracker.noWeights) });
    } else tracked.push({ index, weight, reverse });
  }
  return tracked;
}

function unknownHint(what: string, index: number, entry: TrackDraft, defined: readonly Defined[]): string {
  if (index >= 0 && !entry.known) return `'${entry.name}' is defined further down: it must stand above what uses it.`;
  const names = defined.map((candidate) => candidate.name);
  return names.length === 0 ? `There is no block for it: no ${what} is defined.` : `Defined are ${names.join(", ")}.`;
}

function ownerHint(why: "address_owner" | "SYNC group"): string {
  return why === "address_owner"
    ? "Priority 255 never changes. A weight of 0 would make a failure a FAULT."
    : "Track it in the group, or write sync_group_tracking_weight there. A weight of 0 would make a failure a FAULT.";
}

function resolveInterfaces(tracker: Tracker, resolver: Resolver): TrackedInterface[] {
  const tracked: TrackedInterface[] = [];
  for (const entry of tracker.tracking.interfaces) {
    resolver.checkInterface(entry.name, entry.place, `(${tracker.name}) tracked interface ${entry.name} doesn't exist`);
    const weight = entry.weight ?? 0;
    if (entry.name === tracker.interface) {
      const message = `(${tracker.name}) Ignoring track_interface ${entry.name} since own interface`;
      resolver.report.fault("ignored-tracker", entry.place, message, {
        hint: "An instance watches its own interface without being told to, unless dont_track_primary is written.",
      });
    } else if (weight !== 0 && tracker.noWeights !== null) {
      const why = tracker.noWeights === "address_owner" ? "address owner" : tracker.noWeights;
      const message = `(${tracker.name}) ignoring ${entry.name} tracked interface due to ${why}`;
      resolver.report.fault("ignored-tracker", entry.place, message, { hint: ownerHint(tracker.noWeights) });
    } else tracked.push({ interface: entry.name, weight, reverse: entry.reverse ?? false });
  }
  return tracked;
}
