// Prometheus metrics, text format 0.0.4. What keepalived's common exporter knows has its names and labels (iname, intf, vrid), so that
// dashboards and alerts go on; the rest is called ringway_ha_*.

import type { InstanceState } from "../thread/messages.ts";
import { REJECTION, REJECTION_TEXTS } from "../vrrp/rejection.ts";
import type { State } from "../vrrp/states.ts";
import type { ControlSource, TrackedState } from "./control-source.ts";

type Labels = Readonly<Record<string, string | number>>;
type Sample = readonly [labels: Labels, value: number];

/** keepalived's numbers; who hands over has the addresses still. */
const STATE_NUMBERS: Readonly<Record<State, number>> = {
  STOPPED: 0,
  BACKUP: 1,
  MASTER: 2,
  FAULT: 3,
  LEAVING: 2,
  YIELDING: 2,
};
const { ADDRESSES, AUTH_MISMATCH, AUTH_TYPE, COUNT, INTERVAL_MISMATCH, INTERVAL_ZERO, LENGTH, PASSWORD } = REJECTION;
/** keepalived's counters of bad packets, and what of ours they are. */
const ERRORS: readonly (readonly [name: string, help: string, rejections: readonly number[]])[] = [
  ["packet_length_errors", "Packet length errors", [REJECTION.TRUNCATED, LENGTH]],
  ["advertisements_interval_errors", "Advertisement interval errors", [INTERVAL_MISMATCH, INTERVAL_ZERO]],
  ["ip_ttl_errors", "TTL errors", [REJECTION.TTL, REJECTION.PEER_TTL]],
  ["invalid_type_received", "Invalid type errors", [REJECTION.TYPE]],
  ["address_list_errors", "Address list errors", [COUNT, ADDRESSES]],
  ["authentication_invalid", "Authentication invalid", [AUTH_TYPE]],
  ["authentication_mismatch", "Authentication mismatch", [AUTH_MISMATCH]],
  ["authentication_failure", "Authentication failure", [PASSWORD]],
];

/** Everything, one metric after the other. */
export async function formatMetrics(source: ControlSource): Promise<string> {
  const states = await source.states();
  return [
    metric("keepalived_up", "gauge", "Status", [[{}, 1]]),
    ...instanceMetrics(states),
    ...trackerMetrics(source.trackers()),
    ...virtualServerMetrics(source),
    metric("process_resident_memory_bytes", "gauge", "Resident memory of the whole process", [
      [{}, process.memoryUsage.rss()],
    ]),
    metric("process_cpu_seconds_total", "counter", "Processor time of the whole process", [[{}, processorSeconds()]]),
    metric("process_start_time_seconds", "gauge", "Start of the process since the epoch", [
      [{}, Math.round(performance.timeOrigin / 1000)],
    ]),
  ].join("");
}

function instanceMetrics(states: readonly InstanceState[]): string[] {
  const of = (name: string, type: "counter" | "gauge", help: string, value: (state: InstanceState) => number) =>
    metric(
      name,
      type,
      help,
      states.map((state) => [labelsOf(state), value(state)]),
    );
  const counter = (name: string, help: string, value: (state: InstanceState) => number) =>
    of(`keepalived_${name}_total`, "counter", help, value);
  const ours = (name: string, help: string, value: (state: InstanceState) => number) =>
    of(`ringway_ha_${name}`, "gauge", help, value);
  return [
    metric(
      "keepalived_vrrp_state",
      "gauge",
      "State of vrrp: 0 init, 1 backup, 2 master, 3 fault",
      states.flatMap((state) =>
        state.addresses.map(
          (address) => [{ ...labelsOf(state), ip_address: address }, STATE_NUMBERS[state.state]] as const,
        ),
      ),
    ),
    counter("advertisements_received", "Advertisements received", ({ advertsReceived }) => advertsReceived),
    counter("advertisements_sent", "Advertisements sent", ({ advertsSent }) => advertsSent),
    counter("become_master", "Became master", ({ becameMaster }) => becameMaster),
    counter("release_master", "Released master", ({ releasedMaster }) => releasedMaster),
    counter("priority_zero_received", "Priority zero received", ({ zerosReceived }) => zerosReceived),
    counter("priority_zero_sent", "Priority zero sent", ({ zerosSent }) => zerosSent),
    ...ERRORS.map(([name, help, rejections]) =>
      counter(name, help, ({ rejected }) =>
        rejections.reduce((sum, rejection) => sum + (rejected[REJECTION_TEXTS[rejection]!] ?? 0), 0),
      ),
    ),
    metric(
      "ringway_ha_packets_dropped_total",
      "counter",
      "Packets for the virtual router that were dropped, by reason",
      states.flatMap((state) =>
        Object.entries(state.rejected).map(([reason, count]) => [{ ...labelsOf(state), reason }, count] as const),
      ),
    ),
    ours("priority", "Effective priority", ({ priority }) => priority),
    ours("base_priority", "Configured priority", ({ basePriority }) => basePriority),
    ours("state_seconds", "Time since the state was entered", ({ stateForMs }) => stateForMs / 1000),
    ours("advert_interval_seconds", "Own advert interval", ({ advertIntervalMs }) => advertIntervalMs / 1000),
  ];
}

function trackerMetrics(trackers: readonly TrackedState[]): string[] {
  const scripts = trackers.filter(({ kind }) => kind === "script");
  return [
    metric(
      "keepalived_script_status",
      "gauge",
      "Tracker Script Status",
      scripts.map(({ name, up }) => [{ name }, up ? 1 : 0]),
    ),
    metric(
      "ringway_ha_tracker_up",
      "gauge",
      "Whether what is tracked is well",
      trackers.map(({ kind, name, up }) => [{ kind, name }, up ? 1 : 0]),
    ),
  ];
}

function virtualServerMetrics(source: ControlSource): string[] {
  const servers = source.virtualServers();
  const reals = servers.flatMap((virtual) => virtual.servers.map((real) => ({ virtual: virtual.name, real })));
  return [
    metric(
      "ringway_ha_virtual_server_quorum",
      "gauge",
      "Whether enough real servers live",
      servers.map(({ name, quorum }) => [{ virtual_server: name }, quorum ? 1 : 0]),
    ),
    metric(
      "ringway_ha_real_server_up",
      "gauge",
      "Whether the checks of a real server pass",
      reals.map(({ virtual, real }) => [{ virtual_server: virtual, real_server: real.name }, real.up ? 1 : 0]),
    ),
    metric(
      "ringway_ha_real_server_weight",
      "gauge",
      "Weight that a real server has at present",
      reals.map(({ virtual, real }) => [{ virtual_server: virtual, real_server: real.name }, real.weight]),
    ),
  ];
}

function labelsOf({ name, interface: intf, virtualRouterId }: InstanceState): Labels {
  return { iname: name, intf: intf ?? "", vrid: virtualRouterId };
}

/** Without samples nothing: a metric that nobody has is not announced. */
function metric(name: string, type: "counter" | "gauge", help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return "";
  const lines = samples.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(String(text))}"`);
    return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function escaped(text: string): string {
  return text.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`));
}

function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
