// What keepalived accepts without a word and people are hurt by. Every lint names its numbers and says what to write instead. They are
// warnings: they change nothing, and `-t` succeeds in spite of them.
//
// Which ones there are comes from keepalived's issue tracker: weights too small to move an address, priorities that were forgotten,
// identifiers that two networks share, commands with pipes that no shell sees, keywords of the sample file that nobody meant.

import type { Place } from "../../shared/diagnostic/diagnostic.ts";
import type { HaPlan } from "../plan/plan.ts";
import type { Tracked, TrackScriptPlan } from "../plan/track.ts";
import type { InstancePlan } from "../plan/vrrp.ts";
import { weigh } from "../plan/weight.ts";
import type { ConfigurationDraft, InstanceDraft } from "./drafts.ts";
import type { Report } from "./report.ts";
import { placeOf } from "./statement.ts";

/** keepalived's documentation recommends a distance of 50 between machines; what people write is 1, 10 or 50. */
const SMALL_WEIGHT = 10;

export function lint(plan: HaPlan, draft: ConfigurationDraft, report: Report): void {
  for (const instance of plan.instances) {
    const written = draft.instances.find((candidate) => candidate.name === instance.name)!;
    lintPriority(instance, written, report);
    lintWeights(instance, written, plan, report);
    lintAddresses(instance, written, report);
    lintTiming(instance, written, plan, report);
    lintTransport(instance, written, report);
    if (instance.strict) lintStrict(instance, written, report);
  }
  lintPriorities(plan, draft, report);
  lintSharedIds(plan, draft, report);
  lintScripts(plan, draft, report);
  lintMail(plan, draft, report);
}

function warn(report: Report, code: string, place: Place, message: string, hint: string): void {
  report.warning(code, place, message, { hint });
}

function lintPriority(instance: InstancePlan, written: InstanceDraft, report: Report): void {
  const { name, priority, wantedState } = instance;
  if (written.priority === null && wantedState === "MASTER") {
    const hint =
      "Such an instance becomes master at once and never yields. Write a priority below 255 on every machine.";
    warn(report, "missing-priority", written.place, `(${name}) state MASTER without priority means priority 255`, hint);
  } else if (written.priority === null) {
    const hint =
      "If all machines have it, the one with the highest address becomes master. Write a different priority on every machine.";
    warn(report, "missing-priority", written.place, `(${name}) has no priority and gets ${priority}`, hint);
  }
}

/**
 * The arithmetic of weights. The other machine's priority is not in this file, so the numbers are shown for what it would have to be:
 * the article's own 100 and 90 with weight -2 never move the address, because 98 is still more than 90. (peers.ts compares two files.)
 */
function lintWeights(instance: InstancePlan, written: InstanceDraft, plan: HaPlan, report: Report): void {
  const { name, priority, tracking } = instance;
  const trackers = [
    ...tracking.scripts.map((tracked) => ({ tracked, what: plan.scripts[tracked.index]!.name })),
    ...tracking.processes.map((tracked) => ({ tracked, what: plan.processes[tracked.index]!.name })),
    ...tracking.proxies.map((tracked) => ({ tracked, what: plan.proxies[tracked.index]!.name })),
    ...tracking.bfds.map((tracked) => ({ tracked, what: plan.bfds[tracked.index]!.name })),
  ];
  for (const { tracked, what } of trackers) {
    const size = Math.abs(tracked.weight);
    if (size === 0 || size >= SMALL_WEIGHT || tracked.reverse || priority <= SMALL_WEIGHT) continue;
    const message = `(${name}) weight ${tracked.weight} of ${what} moves the address only if the other machine's priority is ${reach(priority, size)}`;
    warn(report, "small-weight", trackerPlace(written, what), message, weightHint(priority, tracked, what));
  }
}

function weightHint(priority: number, tracked: Tracked, what: string): string {
  const { up, down } = effective(priority, tracked);
  const other = priority - SMALL_WEIGHT;
  const otherUp = effective(other, tracked).up;
  const there =
    otherUp === other ? `A machine with ${other}` : `A machine with ${other} has ${otherUp} while its own is up and`;
  const enough = tracked.weight < 0 ? -2 * SMALL_WEIGHT : 2 * SMALL_WEIGHT;
  return (
    `The priority is ${up} while ${what} is up and ${down} while it is down. ${there} never takes over: ${down} > ${otherUp}. ` +
    `Make the weight larger than the distance of the priorities (say ${enough}), or 0: then a failure is a FAULT.`
  );
}

/** Priorities while a tracked thing is up and down. */
export function effective(priority: number, tracked: Tracked): { up: number; down: number } {
  const clamp = (value: number) => Math.max(1, Math.min(254, value));
  const adds = (isUp: boolean) => weigh(tracked, isUp) ?? 0;
  return { up: clamp(priority + adds(true)), down: clamp(priority + adds(false)) };
}

/** Which priorities of another machine with the same check are overtaken: `99`, or `from 91 to 99`. */
function reach(priority: number, size: number): string {
  if (size === 1) return `${priority - 1} and its address the higher one`;
  return size === 2 ? `${priority - 1}` : `from ${priority - size + 1} to ${priority - 1}`;
}

function trackerPlace(written: InstanceDraft, name: string): Place {
  const { scripts, processes, proxies, bfds } = written.tracking;
  return (
    [...scripts, ...processes, ...proxies, ...bfds].find((tracked) => tracked.name === name)?.place ?? written.place
  );
}

function lintAddresses(instance: InstancePlan, written: InstanceDraft, report: Report): void {
  const { name, addresses, excludedAddresses, family } = instance;
  const seen = new Map<string, number>();
  for (const { address, at } of [...addresses, ...excludedAddresses]) {
    const line = seen.get(address.text);
    if (line !== undefined) {
      const place = addressPlace(written, at.line);
      warn(
        report,
        "duplicate-address",
        place,
        `(${name}) has ${address.text} twice, first in line ${line}`,
        "One of them is enough.",
      );
    } else seen.set(address.text, at.line);
  }
  const [first] = addresses;
  if (family === 6 && first !== undefined && !isLinkLocal(first.address.bytes)) {
    const hint =
      "RFC 9568 wants the virtual router's link-local address first: a line such as fe80::1 above the others.";
    warn(
      report,
      "link-local-first",
      addressPlace(written, first.at.line),
      `(${name}) the first IPv6 address ${first.address.text} is not link-local`,
      hint,
    );
  }
  // keepalived 2.2 refuses adverts whose addresses differ; the order does not matter to it, but to readers who compare two files.
  const bare = addresses.filter((one) => one.prefixLength === one.address.bytes.length * 8 && one.peer === null);
  const masked = addresses.filter((one) => one.prefixLength < one.address.bytes.length * 8);
  if (bare.length > 0 && masked.length > 0 && family === 4) {
    const place = addressPlace(written, bare[0]!.at.line);
    const hint = "Without a mask an address is a /32. Write the network's mask to all, or to none.";
    warn(
      report,
      "mixed-masks",
      place,
      `(${name}) ${bare[0]!.address.text} has no mask, ${masked[0]!.address.text}/${masked[0]!.prefixLength} has one`,
      hint,
    );
  }
}

function isLinkLocal(bytes: Uint8Array): boolean {
  return bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80;
}

function addressPlace(written: InstanceDraft, line: number): Place {
  const entries = [...written.addresses, ...written.excludedAddresses];
  const entry = entries.find((candidate) => placeOf(candidate).line === line);
  return entry === undefined ? written.place : placeOf(entry);
}

function lintTiming(instance: InstancePlan, written: InstanceDraft, plan: HaPlan, report: Report): void {
  const { name, advertIntervalMs, downTimerAdverts } = instance;
  for (const delay of plan.interfaceDelays) {
    const limit = (downTimerAdverts - 1) * advertIntervalMs;
    if (delay.interface !== instance.interface || delay.downDelayMs < limit) continue;
    const hint = `The other machine takes over meanwhile: keep it below ${seconds(limit)}.`;
    const message = `(${name}) interface_up_down_delays of ${seconds(delay.downDelayMs)} on ${delay.interface} is too long for adverts every ${seconds(advertIntervalMs)}`;
    warn(report, "long-debounce", written.place, message, hint);
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms) / 1000} s`;
}

function lintTransport(instance: InstancePlan, written: InstanceDraft, report: Report): void {
  const { name, transport, authentication } = instance;
  const own = transport.source?.text;
  for (const peer of transport.peers) {
    if (peer.address.text !== own) continue;
    const entry = written.peers.find((candidate) => candidate.words[0]!.text === own);
    const hint = "Peers are the other machines. One file for all of them can use @conditions for this.";
    warn(
      report,
      "own-address-as-peer",
      entry === undefined ? written.place : placeOf(entry),
      `(${name}) unicast_peer has this machine's own address ${own}`,
      hint,
    );
  }
  if (authentication.type === "ah") {
    const hint =
      "keepalived itself advises against it; between few machines unicast_peer and a packet filter are better.";
    warn(report, "auth-ah", written.auth!.place, `(${name}) auth_type AH is seldom understood by others`, hint);
  }
}

function lintStrict(instance: InstancePlan, written: InstanceDraft, report: Report): void {
  const { name, priority, accept } = instance;
  if (accept || priority === 255) return;
  const hint =
    "Nobody can ping or connect to them on this machine. Remove vrrp_strict: it comes from the sample file and is seldom meant.";
  warn(report, "strict-mode", written.place, `(${name}) strict mode drops all packets to the virtual addresses`, hint);
}

/** Two instances here that are each other's mirror should not both be master here. */
function lintPriorities(plan: HaPlan, draft: ConfigurationDraft, report: Report): void {
  for (const group of plan.syncGroups) {
    const members = group.members.map((index) => plan.instances[index]!);
    const priorities = new Set(members.map((member) => member.priority));
    if (priorities.size < 2) continue;
    const written = draft.syncGroups.find((candidate) => candidate.name === group.name)!;
    const listed = members.map((member) => `${member.name} ${member.priority}`).join(", ");
    const hint =
      "If the other machine has them the other way round, both pull each other out of MASTER for ever. Give all members one priority.";
    warn(
      report,
      "group-priorities",
      written.place,
      `Sync group ${group.name} has members of different priorities: ${listed}`,
      hint,
    );
  }
}

/** One id on two interfaces: allowed, but it gives one MAC address to two networks. */
function lintSharedIds(plan: HaPlan, draft: ConfigurationDraft, report: Report): void {
  for (const [index, instance] of plan.instances.entries()) {
    const twin = plan.instances
      .slice(0, index)
      .find(
        (other) =>
          other.virtualRouterId === instance.virtualRouterId &&
          other.family === instance.family &&
          other.interface !== instance.interface,
      );
    if (twin === undefined || (instance.vmac === null && twin.vmac === null)) continue;
    const written = draft.instances.find((candidate) => candidate.name === instance.name)!;
    const message = `(${instance.name}) has the virtual router id ${instance.virtualRouterId} of ${twin.name}, and so its MAC address`;
    const hint = "Where the two networks meet in one switch, that goes wrong. Use different ids.";
    warn(report, "shared-mac", written.routerIdPlace, message, hint);
  }
}

function lintScripts(plan: HaPlan, draft: ConfigurationDraft, report: Report): void {
  for (const script of plan.scripts) {
    const written = draft.scripts.find((candidate) => candidate.name === script.name)!;
    const place = written.script!.place;
    lintShellWords(script, place, report);
    if (script.timeoutMs > script.intervalMs) {
      const hint = "Runs do not overlap: the next one waits, so a hanging script is noticed that much later.";
      const message = `(${script.name}) timeout ${seconds(script.timeoutMs)} is longer than interval ${seconds(script.intervalMs)}`;
      warn(report, "long-timeout", place, message, hint);
    }
    const isTracked = [...draft.instances, ...draft.syncGroups].some((tracker) =>
      tracker.tracking.scripts.some((tracked) => tracked.name === script.name),
    );
    if (!isTracked) {
      warn(
        report,
        "unused-script",
        written.place,
        `Warning - script ${script.name} is not used`,
        "No track_script names it, so it is never run.",
      );
    }
  }
}

function lintShellWords(script: TrackScriptPlan, place: Place, report: Report): void {
  const shellWord = script.script.argv.find(
    (word) => /^(\||\|\||&&|;|>|>>|<|2>|&)$/.test(word) || /[|;`]|\$\(|^[12]?>/.test(word),
  );
  const isShell = /(^|\/)(ba|da|k|z)?sh$/.test(script.script.argv[0] ?? "");
  if (shellWord === undefined || isShell) return;
  const hint = `Commands are not run by a shell: '${shellWord}' is passed as an argument. Write a script file, or "/bin/sh -c '…'".`;
  warn(report, "shell-words", place, `(${script.name}) '${script.script.text}' looks like a shell command`, hint);
}

function lintMail(plan: HaPlan, draft: ConfigurationDraft, report: Report): void {
  const wants =
    plan.instances.some((instance) => instance.notify.mail) || plan.syncGroups.some((group) => group.notify.mail);
  if (!wants) return;
  const { recipients, server } = plan.global.mail;
  if (recipients.length > 0 && server !== null) return;
  const place = (draft.instances.find((instance) => instance.notify.mail === true) ?? draft.instances[0])!.place;
  const missing = recipients.length === 0 ? "notification_email" : "smtp_server";
  warn(
    report,
    "mail-without-server",
    place,
    `smtp_alert sends nothing without ${missing}`,
    `Add ${missing} to global_defs.`,
  );
}
