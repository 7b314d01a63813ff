// The state of all instances and virtual servers, as people read it.

import type { InstanceState } from "../thread/messages.ts";
import type { VirtualServerState } from "../virtual-server/runner.ts";

type Columns<Row> = readonly (readonly [title: string, value: (row: Row) => string])[];

interface ServerRow {
  readonly virtual: VirtualServerState;
  readonly real: VirtualServerState["servers"][number];
}

const COLUMNS: Columns<InstanceState> = [
  ["INSTANCE", ({ name }) => name],
  ["STATE", ({ state }) => state],
  ["FOR", ({ stateForMs }) => formatDuration(stateForMs)],
  [
    "PRIORITY",
    ({ priority, basePriority }) => (priority === basePriority ? `${priority}` : `${priority} (${basePriority})`),
  ],
  ["INTERFACE", ({ interface: name }) => name ?? "-"],
  ["VRID", ({ virtualRouterId, version }) => `${virtualRouterId} v${version}`],
  [
    "ADDRESSES",
    ({ addresses }) => addresses.slice(0, 3).join(" ") + (addresses.length > 3 ? ` +${addresses.length - 3}` : ""),
  ],
  [
    "MASTER",
    ({ state, master, masterPriority }) => (state === "BACKUP" && master !== "" ? `${master} (${masterPriority})` : ""),
  ],
  ["SENT", ({ advertsSent }) => `${advertsSent}`],
  ["RECEIVED", ({ advertsReceived }) => `${advertsReceived}`],
  ["DROPPED", ({ rejected }) => `${Object.values(rejected).reduce((sum, count) => sum + count, 0)}`],
  ["REASON", ({ faults }) => faults],
];

const SERVER_COLUMNS: Columns<ServerRow> = [
  ["VIRTUAL SERVER", ({ virtual }) => virtual.name],
  ["QUORUM", ({ virtual }) => (virtual.suspended ? "suspended" : virtual.quorum ? "yes" : "no")],
  ["REAL SERVER", ({ real }) => real.name],
  ["STATE", ({ real }) => (real.up ? "UP" : "DOWN")],
  ["WEIGHT", ({ real }) => `${real.weight}`],
  ["FAILING", ({ real }) => real.failing.join(" ")],
];

/** A table with a line per instance, and one with a line per real server where there are any. */
export function formatStatus(states: readonly InstanceState[], virtualServers: readonly VirtualServerState[]): string {
  const servers = virtualServers.flatMap((virtual) => virtual.servers.map((real) => ({ virtual, real })));
  const tables = [
    ...(states.length > 0 || servers.length === 0 ? [table(COLUMNS, states)] : []),
    ...(servers.length > 0 ? [table(SERVER_COLUMNS, servers)] : []),
  ];
  return tables.join("\n");
}

function table<Row>(columns: Columns<Row>, list: readonly Row[]): string {
  const rows = [columns.map(([title]) => title), ...list.map((row) => columns.map(([, value]) => value(row)))];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

/** `2h 03m`, `5m 10s`, `7.2s`. */
export function formatDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${(ms / 1000).toFixed(1)}s`;
  const two = (value: number) => String(value).padStart(2, "0");
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h ${two(Math.floor(seconds / 60) % 60)}m`;
}
