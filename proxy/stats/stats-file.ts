// Statistics files: counters as text, for the next process (`stats-file`, `dump stats-file`; management.txt, section 9.3).
//
//   #fe guid,stot,bin,…       columns of the lines below, for frontends and listeners
//   web-guid,1024,99,…
//   #be guid,stot,…           for backends and servers
//
// What a file says that nobody here knows (columns, objects, sections, text where a number should be) is left out, as in HAProxy.

import type { Plan } from "../plan/plan.ts";
import type { StatsObjectPlan } from "../plan/stats-file.ts";
import { COUNTER, SERVER, type SharedState } from "../shared-state/layout.ts";
import type { Aggregate, CounterRow } from "./aggregate.ts";

type Side = "fe" | "be";

const SHARED: readonly (readonly [name: string, column: number])[] = [
  ["stot", COUNTER.sessions],
  ["bin", COUNTER.bytesIn],
  ["bout", COUNTER.bytesOut],
  ["dreq", COUNTER.deniedRequests],
  ["dresp", COUNTER.deniedResponses],
  ["hrsp_1xx", COUNTER.responses1xx],
  ["hrsp_2xx", COUNTER.responses2xx],
  ["hrsp_3xx", COUNTER.responses3xx],
  ["hrsp_4xx", COUNTER.responses4xx],
  ["hrsp_5xx", COUNTER.responses5xx],
  ["hrsp_other", COUNTER.responsesOther],
  ["req_tot", COUNTER.requests],
  ["comp_in", COUNTER.compressedBytesIn],
  ["comp_out", COUNTER.compressedBytesOut],
  ["comp_rsp", COUNTER.compressedResponses],
  ["wrew", COUNTER.failedRewrites],
  ["cache_lookups", COUNTER.cacheLookups],
  ["cache_hits", COUNTER.cacheHits],
  ["eint", COUNTER.internalErrors],
  ["reqbin", COUNTER.requestBytesIn],
  ["reqbout", COUNTER.requestBytesOut],
  ["resbin", COUNTER.responseBytesIn],
  ["resbout", COUNTER.responseBytesOut],
];

const COLUMNS: Readonly<Record<Side, ReadonlyMap<string, number>>> = {
  fe: new Map([
    ...SHARED,
    ["ereq", COUNTER.errorRequests],
    ["conn_tot", COUNTER.connections],
    ["intercepted", COUNTER.intercepted],
    ["dcon", COUNTER.deniedConnections],
    ["dses", COUNTER.deniedSessions],
  ]),
  be: new Map([
    ...SHARED,
    ["econ", COUNTER.errorConnections],
    ["eresp", COUNTER.errorResponses],
    ["wretr", COUNTER.retries],
    ["wredis", COUNTER.redispatches],
    ["lbtot", COUNTER.balanced],
    ["cli_abrt", COUNTER.clientAborts],
    ["srv_abrt", COUNTER.serverAborts],
    ["connect", COUNTER.connects],
    ["reuse", COUNTER.reuses],
  ]),
};

/** Words of servers, not counters. */
const SERVER_WORDS: ReadonlyMap<string, number> = new Map([
  ["chkfail", SERVER.failedChecks],
  ["chkdown", SERVER.downTransitions],
]);

const sideOf = ({ kind }: StatsObjectPlan): Side => (kind === "frontend" || kind === "listener" ? "fe" : "be");

/** Puts a file's numbers into the counters. Before the workers count: it writes the first one's rows. */
export function preloadCounters(text: string, plan: Plan, shared: SharedState): void {
  const objects = plan.statsFile?.objects ?? [];
  let side: Side | null = null;
  let columns: readonly string[] = [];
  for (const line of text.split("\n")) {
    if (line.trim() === "" || line.startsWith("//")) continue;
    const cells = line.replace(/,$/, "").split(",");
    const head = /^#(\w+) guid$/.exec(cells[0]!);
    if (line.startsWith("#")) {
      side = head?.[1] === "fe" || head?.[1] === "be" ? head[1] : null;
      columns = cells.slice(1);
      continue;
    }
    if (side === null) continue;
    for (const object of objects) {
      if (object.guid !== cells[0] || sideOf(object) !== side) continue;
      for (const [i, value] of cells.slice(1).entries()) preload(object, side, columns[i] ?? "", value, shared);
    }
  }
}

function preload(object: StatsObjectPlan, side: Side, name: string, text: string, shared: SharedState): void {
  if (!/^\d+$/.test(text)) return;
  const value = Number(text);
  const word = object.kind === "server" ? SERVER_WORDS.get(name) : undefined;
  if (word !== undefined) shared.words[shared.serverAt(object.index) + word] = value;
  const column = COLUMNS[side].get(name);
  if (column !== undefined) shared.counters[rowAt(object, shared) + column] = value;
}

function rowAt({ kind, index }: StatsObjectPlan, shared: SharedState): number {
  switch (kind) {
    case "frontend":
      return shared.frontendCountersAt(0, index);
    case "listener":
      return shared.listenerCountersAt(0, index);
    case "backend":
      return shared.backendCountersAt(0, index);
    case "server":
      return shared.serverCountersAt(0, index);
  }
}

/** What a successor may begin with: every object that has a guid. */
export function statsFileText(plan: Plan, aggregate: Aggregate, shared: SharedState): string {
  const objects = plan.statsFile?.objects ?? [];
  return (["fe", "be"] as const)
    .map((side) => {
      const columns = [...COLUMNS[side]];
      const words = side === "be" ? [...SERVER_WORDS] : [];
      const names = [...columns, ...words].map(([name]) => name);
      const lines = objects
        .filter((object) => sideOf(object) === side)
        .map((object) => {
          const row: CounterRow = aggregate[object.kind](object.index);
          const state = words.map(([, word]) =>
            object.kind === "server" ? shared.words[shared.serverAt(object.index) + word] : 0,
          );
          return `${[object.guid, ...columns.map(([, column]) => row[column]), ...state].join(",")},\n`;
        });
      return `#${side} guid,${names.join(",")},\n${lines.join("")}`;
    })
    .join("\n");
}
