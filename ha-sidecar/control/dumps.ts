// What SIGUSR1 and SIGUSR2 write, in keepalived's words: exporters and monitoring plugins read /tmp/keepalived.data and /tmp/keepalived.stats. Of the
// data only what is ours to say; passwords are not among it.

import type { VirtualAddressPlan } from "../plan/network.ts";
import type { HaPlan } from "../plan/plan.ts";
import type { InstancePlan } from "../plan/vrrp.ts";
import type { InstanceState } from "../thread/messages.ts";
import { REJECTION, REJECTION_TEXTS } from "../vrrp/rejection.ts";
import type { State } from "../vrrp/states.ts";
import type { TrackedState } from "./control-source.ts";

/** keepalived has no word for a hand-over: the addresses are here still. */
const STATES: Readonly<Record<State, string>> = {
  STOPPED: "INIT",
  BACKUP: "BACKUP",
  MASTER: "MASTER",
  FAULT: "FAULT",
  LEAVING: "MASTER",
  YIELDING: "MASTER",
};
const SCOPES: Readonly<Record<number, string>> = { 0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere" };
const AUTHENTICATIONS = { none: null, pass: "SIMPLE_PASSWORD", ah: "IPSEC_AH" } as const;

/** SIGUSR2. */
export function formatStats(states: readonly InstanceState[]): string {
  return states
    .map((state) => {
      const dropped = (...rejections: readonly number[]) =>
        rejections.reduce((sum, rejection) => sum + (state.rejected[REJECTION_TEXTS[rejection]!] ?? 0), 0);
      return [
        `VRRP Instance: ${state.name}`,
        "  Advertisements:",
        `    Received: ${state.advertsReceived}`,
        `    Sent: ${state.advertsSent}`,
        `  Became master: ${state.becameMaster}`,
        `  Released master: ${state.releasedMaster}`,
        "  Packet Errors:",
        `    Length: ${dropped(REJECTION.TRUNCATED, REJECTION.LENGTH)}`,
        `    TTL: ${dropped(REJECTION.TTL, REJECTION.PEER_TTL)}`,
        `    Invalid Type: ${dropped(REJECTION.TYPE)}`,
        `    Advertisement Interval: ${dropped(REJECTION.INTERVAL_MISMATCH, REJECTION.INTERVAL_ZERO)}`,
        `    Address List: ${dropped(REJECTION.COUNT, REJECTION.ADDRESSES)}`,
        "  Authentication Errors:",
        `    Invalid Type: ${dropped(REJECTION.AUTH_TYPE)}`,
        `    Type Mismatch: ${dropped(REJECTION.AUTH_MISMATCH)}`,
        `    Failure: ${dropped(REJECTION.PASSWORD, REJECTION.AH_INVALID, REJECTION.AH_REPLAYED)}`,
        "  Priority Zero:",
        `    Received: ${state.zerosReceived}`,
        `    Sent: ${state.zerosSent}`,
        "",
      ].join("\n");
    })
    .join("\n");
}

/** SIGUSR1. `nowMs`: since 1970. */
export function formatData(
  plan: HaPlan,
  states: readonly InstanceState[],
  trackers: readonly TrackedState[],
  nowMs: number,
): string {
  const { global, instances, syncGroups, scripts } = plan;
  const lines = [
    "------< Global definitions >------",
    ` Router ID = ${global.routerId}`,
    ...(global.mail.server === null ? [] : [` Smtp server = ${global.mail.server.host}`]),
    ` Email notification from = ${global.mail.from}`,
    ` Dynamic interfaces = ${global.dynamicInterfaces}`,
    ` Script security ${global.scriptSecurity ? "enabled" : "disabled"}`,
  ];
  if (instances.length > 0) lines.push("------< VRRP Topology >------");
  for (const instance of instances) {
    const state = states[instance.index];
    if (state !== undefined) lines.push(...instanceLines(plan, instance, state, nowMs));
  }
  if (syncGroups.length > 0) lines.push("------< VRRP Sync groups >------");
  for (const { name, members } of syncGroups) {
    const [first] = members.map((index) => states[index]?.state ?? "STOPPED");
    lines.push(` VRRP Sync Group = ${name}, ${STATES[first ?? "STOPPED"]}`, "   VRRP member instances :");
    lines.push(...members.map((index) => `     ${instances[index]!.name}`));
  }
  if (scripts.length > 0) lines.push("------< VRRP Scripts >------");
  for (const script of scripts) {
    const known = trackers.find(({ kind, name }) => kind === "script" && name === script.name);
    lines.push(
      ` VRRP Script = ${script.name}`,
      `   Command = '${script.script.text}'`,
      `   Interval = ${script.intervalMs / 1000} sec`,
      `   Rise = ${script.rise}`,
      `   Fall = ${script.fall}`,
      `   Status = ${known === undefined ? "INIT" : known.up ? "GOOD" : "BAD"}`,
      "   State = idle",
    );
  }
  return `${lines.join("\n")}\n`;
}

function instanceLines(plan: HaPlan, instance: InstancePlan, state: InstanceState, nowMs: number): string[] {
  const { garp, transport, authentication, preemption } = instance;
  const isHere = STATES[state.state] === "MASTER";
  const own = instance.vmac?.interface ?? instance.interface ?? "";
  const seconds = (ms: number) => ms / 1000;
  const kind = AUTHENTICATIONS[authentication.type];
  const group = plan.syncGroups[instance.syncGroup];
  const optional = (condition: boolean, ...lines: string[]) => (condition ? lines : []);
  return [
    ` VRRP Instance = ${instance.name}`,
    `   VRRP Version = ${instance.version}`,
    ...(group === undefined ? [] : [`   Sync group = ${group.name}`]),
    `   State = ${STATES[state.state]}`,
    ...optional(
      state.state === "BACKUP" && state.master !== "",
      `   Master router = ${state.master}`,
      `   Master priority = ${state.masterPriority}`,
    ),
    `   Wantstate = ${instance.wantedState}`,
    `   Last transition = ${timestamp(nowMs - state.stateForMs)}`,
    `   Interface = ${instance.interface ?? ""}`,
    `   Using src_ip = ${state.source}`,
    ...(transport.multicastDestination === null
      ? ["   Unicast Peer :", ...transport.peers.map(({ address }) => `     ${address.text}`)]
      : [`   Multicast address ${transport.multicastDestination.text}`]),
    `   Gratuitous ARP delay = ${seconds(garp.masterDelayMs)}`,
    `   Gratuitous ARP repeat = ${garp.masterRepeat}`,
    `   Gratuitous ARP refresh = ${seconds(garp.refreshMs)}`,
    `   Gratuitous ARP refresh repeat = ${garp.refreshRepeat}`,
    `   Gratuitous ARP lower priority delay = ${seconds(garp.lowerPriorityDelayMs)}`,
    `   Gratuitous ARP lower priority repeat = ${garp.lowerPriorityRepeat}`,
    `   Down timer adverts = ${instance.downTimerAdverts}`,
    `   Virtual Router ID = ${instance.virtualRouterId}`,
    `   Priority = ${instance.priority}`,
    `   Effective priority = ${state.priority}`,
    `   Advert interval = ${instance.version === 2 ? seconds(instance.advertIntervalMs) : instance.advertIntervalMs} ${instance.version === 2 ? "sec" : "milli-sec"}`,
    `   Accept = ${instance.accept ? "enabled" : "disabled"}`,
    `   Preempt = ${preemption.preempt ? "enabled" : "disabled"}`,
    ...optional(preemption.delayMs > 0, `   Preempt delay = ${seconds(preemption.delayMs)} secs`),
    ...(kind === null ? [] : [`   Authentication type = ${kind}`]),
    `   Virtual IP (${instance.addresses.length}):`,
    ...instance.addresses.map((address) => addressLine(address, own, isHere)),
    ...optional(instance.excludedAddresses.length > 0, "   Virtual IP Excluded :"),
    ...instance.excludedAddresses.map((address) => addressLine(address, own, isHere)),
    ...optional(state.faults !== "", `   Faults = ${state.faults}`),
  ];
}

function addressLine(plan: VirtualAddressPlan, own: string, isSet: boolean): string {
  const scope = SCOPES[plan.scope] ?? String(plan.scope);
  return `     ${plan.address.text}/${plan.prefixLength} dev ${plan.interface ?? own} scope ${scope}${isSet ? " set" : ""}`;
}

/** `1795766813.382891 (Fri Nov 27 08:06:53.382891 2026)`, local time. */
function timestamp(ms: number): string {
  const at = new Date(ms);
  const [weekday, month, day, year] = at.toDateString().split(" ");
  const fraction = `${String(Math.floor(ms) % 1000).padStart(3, "0")}000`;
  return `${Math.floor(ms / 1000)}.${fraction} (${weekday} ${month} ${day} ${at.toTimeString().slice(0, 8)}.${fraction} ${year})`;
}
