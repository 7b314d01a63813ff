// Names of routing: types of routes, protocols, tables and metrics, with rtnetlink's numbers. Tables and protocols have names of the
// administrator's too, in the files of iproute2.

import { readFileSync } from "node:fs";
import { parseInteger, UNSIGNED_MAX } from "../values.ts";

/** RTN_* */
export const ROUTE_TYPES: Readonly<Record<string, number>> = {
  unicast: 1,
  local: 2,
  broadcast: 3,
  anycast: 4,
  multicast: 5,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
  throw: 9,
  nat: 10,
};

/** RTPROT_* */
export const PROTOCOLS: Readonly<Record<string, number>> = {
  unspec: 0,
  redirect: 1,
  kernel: 2,
  boot: 3,
  static: 4,
  gated: 8,
  ra: 9,
  mrt: 10,
  zebra: 11,
  bird: 12,
  dnrouted: 13,
  xorp: 14,
  ntk: 15,
  dhcp: 16,
  keepalived: 18,
  babel: 42,
  bgp: 186,
  isis: 187,
  ospf: 188,
  rip: 189,
  eigrp: 192,
};

/** RTAX_* */
export const METRICS: Readonly<Record<string, number>> = {
  mtu: 2,
  window: 3,
  rtt: 4,
  rttvar: 5,
  ssthresh: 6,
  cwnd: 7,
  advmss: 8,
  reordering: 9,
  hoplimit: 10,
  initcwnd: 11,
  rto_min: 13,
  initrwnd: 14,
  quickack: 15,
  fastopen_no_cookie: 17,
};

const TABLES: Readonly<Record<string, number>> = { unspec: 0, default: 253, main: 254, local: 255 };

/** Where iproute2 keeps names of tables; newer versions moved it. */
const TABLE_FILES = ["/etc/iproute2/rt_tables", "/usr/share/iproute2/rt_tables", "/usr/lib/iproute2/rt_tables"];

/** A table's number; names come from iproute2's file. null: there is no such table. */
export function parseTable(text: string): number | null {
  return TABLES[text] ?? parseInteger(text, { min: 0, max: UNSIGNED_MAX }) ?? namedTable(text);
}

function namedTable(name: string): number | null {
  for (const file of TABLE_FILES) {
    const line = readLines(file).find((candidate) => candidate.split(/\s+/)[1] === name);
    if (line !== undefined) return parseInteger(line.split(/\s+/)[0]!, { min: 0, max: UNSIGNED_MAX });
  }
  return null;
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, "latin1")
      .split("\n")
      .map((line) => line.replace(/#.*/, "").trim());
  } catch (error) {
    // Not every machine has iproute2, and not every version has the file at this place.
    if (error instanceof Error && "syscall" in error) return [];
    throw error;
  }
}
