// Compares the configurations of two machines that are to be one virtual router: what one file alone cannot show. `-t --peer=FILE`.
//
//   faults    with these both become master: versions, passwords, intervals (version 2), groups or peers that do not meet
//   warnings  with these something else happens than is meant: equal priorities, addresses that differ, weights that move nothing
//
// keepalived has nothing like it; the words are ours. Instances belong together by family and virtual router id, whatever their names.

import type { Place } from "../../shared/diagnostic/diagnostic.ts";
import type { HaPlan, SourceLocation } from "../plan/plan.ts";
import type { Tracked } from "../plan/track.ts";
import type { InstancePlan } from "../plan/vrrp.ts";
import { weigh } from "../plan/weight.ts";
import type { Report } from "./report.ts";

/** A machine's instance and the plan that it stands in. */
interface Side {
  readonly plan: HaPlan;
  readonly instance: InstancePlan;
}

export function comparePeers(own: HaPlan, peer: HaPlan, report: Report): void {
  for (const instance of own.instances) {
    const other = peer.instances.find((candidate) => isSameRouter(instance, candidate));
    if (other === undefined) {
      const message = `(${instance.name}) the other machine has no IPv${instance.family} instance with virtual_router_id ${instance.virtualRouterId}`;
      report.warning("peer-missing", placeAt(instance.at), message, { hint: "Nobody takes these addresses over." });
      continue;
    }
    compareProtocol(instance, other, report);
    compareTransport(instance, other, report);
    compareAddresses(instance, other, report);
    compareElection({ plan: own, instance }, { plan: peer, instance: other }, report);
  }
}

function isSameRouter(a: InstancePlan, b: InstancePlan): boolean {
  return a.virtualRouterId === b.virtualRouterId && a.family === b.family;
}

function placeAt({ file, line }: SourceLocation): Place {
  return { file, line, column: 0, length: 0, sourceLine: "" };
}

function compareProtocol(own: InstancePlan, other: InstancePlan, report: Report): void {
  const fault = (code: string, message: string) =>
    report.fault(code, placeAt(own.at), `(${own.name}) ${message}`, {
      hint: "Each machine then drops the other's adverts, and both become master.",
    });
  if (own.version !== other.version) {
    fault("peer-version", `speaks VRRP version ${own.version}, the other machine ${other.version}`);
    return;
  }
  if (own.version === 2 && own.advertIntervalMs !== other.advertIntervalMs) {
    fault(
      "peer-interval",
      `has advert_int ${own.advertIntervalMs / 1000}, the other machine ${other.advertIntervalMs / 1000}`,
    );
  }
  const [a, b] = [own.authentication, other.authentication];
  const sameData = a.type !== "none" && b.type !== "none" && Buffer.compare(a.data, b.data) === 0;
  if (a.type !== b.type) fault("peer-authentication", `has authentication ${a.type}, the other machine ${b.type}`);
  else if (a.type !== "none" && !sameData) fault("peer-authentication", "has another password than the other machine");
}

function compareTransport(own: InstancePlan, other: InstancePlan, report: Report): void {
  const [a, b] = [own.transport, other.transport];
  const fault = (message: string) =>
    report.fault("peer-transport", placeAt(own.at), `(${own.name}) ${message}`, {
      hint: "Their adverts do not reach each other, and both become master.",
    });
  if (a.mode !== b.mode) fault(`uses ${a.mode}, the other machine ${b.mode}`);
  else if (a.mode === "multicast" && a.multicastDestination!.text !== b.multicastDestination!.text) {
    fault(`sends to ${a.multicastDestination!.text}, the other machine to ${b.multicastDestination!.text}`);
  } else if (a.mode === "unicast") {
    const misses = (peers: typeof a.peers, source: typeof a.source) =>
      source !== null && !peers.some((peer) => peer.address.text === source.text);
    if (misses(a.peers, b.source)) fault(`does not have the other machine's ${b.source!.text} in unicast_peer`);
    if (misses(b.peers, a.source)) fault(`${a.source!.text} is not in the other machine's unicast_peer`);
  }
}

function compareAddresses(own: InstancePlan, other: InstancePlan, report: Report): void {
  const [a, b] = [own, other].map((instance) => instance.addresses.map((one) => one.address.text)) as [
    string[],
    string[],
  ];
  const missing = [...a.filter((text) => !b.includes(text)), ...b.filter((text) => !a.includes(text))];
  if (missing.length > 0) {
    const message = `(${own.name}) only one of the machines has ${missing.join(", ")}`;
    const hint = "keepalived 2.2 drops adverts whose addresses differ, so both become master.";
    report.fault("peer-addresses", placeAt(own.at), message, { hint });
  } else if (a.join() !== b.join()) {
    const message = `(${own.name}) has its addresses in another order than the other machine: ${a.join(", ")} here, ${b.join(", ")} there`;
    const hint =
      "The order stands in every advert. Other implementations compare it, and so does everybody who compares two files.";
    report.warning("peer-address-order", placeAt(own.at), message, { hint });
  }
}

/** Who is master while all is well, and whether a failure there moves the addresses. */
function compareElection(own: Side, other: Side, report: Report): void {
  const [a, b] = [own.instance, other.instance];
  const warn = (code: string, message: string, hint: string) =>
    report.warning(code, placeAt(a.at), `(${a.name}) ${message}`, { hint });
  if (a.priority === b.priority) {
    const hint = "The higher address becomes master, and nobody sees from the file which one that is.";
    warn("peer-priority", `has priority ${a.priority} on both machines`, hint);
    return;
  }
  const [high, low] = a.priority > b.priority ? [own, other] : [other, own];
  const best = high === own ? "this machine" : "the other machine";
  const highUp = priorityOf(high, null);
  const lowUp = priorityOf(low, null);
  if (highUp <= lowUp) {
    const message = `priority ${high.instance.priority} does not make ${best} master: with all trackers up it is ${highUp} against ${lowUp}`;
    warn("peer-priority", message, "Trackers with positive weights count on both machines; give both the same ones.");
    return;
  }
  for (const { tracked, name } of trackersOf(high)) {
    if (tracked.weight === 0 || tracked.reverse) continue;
    const down = priorityOf(high, tracked);
    if (down < lowUp) continue;
    const relation = down === lowUp ? "is no more than" : "is more than";
    const message = `a failure of ${name} on ${best} never moves the addresses: ${down} ${down === lowUp ? "=" : ">"} ${lowUp}`;
    const needed = highUp - lowUp + 1;
    const hint =
      `Priority ${high.instance.priority} with weight ${tracked.weight} ${relation} the ${lowUp} of the machine that should take over. ` +
      `The weight must be at least ${needed}${tracked.weight < 0 ? ` (weight -${needed})` : ""}, or 0: then a failure is a FAULT.`;
    warn("peer-weight", message, hint);
  }
}

interface NamedTracker {
  readonly tracked: Tracked;
  readonly name: string;
}

function trackersOf({ plan, instance }: Side): NamedTracker[] {
  const { scripts, processes, bfds, proxies } = instance.tracking;
  const name = (list: readonly { readonly name: string }[]) => (tracked: Tracked) => ({
    tracked,
    name: list[tracked.index]!.name,
  });
  return [
    ...scripts.map(name(plan.scripts)),
    ...processes.map(name(plan.processes)),
    ...bfds.map(name(plan.bfds)),
    ...proxies.map(name(plan.proxies)),
  ];
}

/** The priority with all trackers up but one. Files are not counted: their numbers are not known here. */
function priorityOf(side: Side, failed: Tracked | null): number {
  const { priority } = side.instance;
  if (priority === 255) return priority;
  let sum = priority;
  for (const { tracked } of trackersOf(side)) {
    sum += weigh(tracked, tracked !== failed) ?? 0;
  }
  for (const tracked of side.instance.tracking.interfaces) sum += weigh(tracked, true) ?? 0;
  return Math.max(1, Math.min(254, sum));
}
