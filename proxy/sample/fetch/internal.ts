// Fetches of the process's own state: constants, and the load of proxies and servers from the shared state. configuration.txt 7.3.2.
//
// The words are shared with all workers and read without locks: a value may be a request old.

import { readAddress } from "../../../shared/ip/address.ts";
import { ADMIN_MAINT, OP_STATE, PROXY, SERVER } from "../../shared-state/layout.ts";
import type { StreamSettings } from "../../stream/settings.ts";
import { STREAM } from "../../stream/stream.ts";
import { methodNumber } from "../cast.ts";
import type { SampleContext } from "../context.ts";
import { TYPE } from "../types.ts";
import { textBytes } from "../value.ts";
import { type FetchCompiler, integerArgument, single, stringArgument } from "./fetch.ts";

const MISS = 1;
const PASS = 2;
const MAINT = ADMIN_MAINT;

function constantInteger(type: 0 | 1, read: (argument: string) => number): FetchCompiler {
  return (ctx, plan) => {
    const value = ctx.value;
    const int = read(stringArgument(plan, 0));
    return single(() => {
      value.type = type;
      value.int = int;
      return PASS;
    });
  };
}

const constantString: FetchCompiler = (ctx, plan) => {
  const value = ctx.value;
  const bytes = textBytes(stringArgument(plan, 0));
  return single(() => {
    value.type = TYPE.str;
    value.bytes = bytes;
    value.start = 0;
    value.end = bytes.length;
    return PASS;
  });
};

const constantAddress: FetchCompiler = (ctx, plan) => {
  const value = ctx.value;
  const text = textBytes(stringArgument(plan, 0));
  const address = new Uint8Array(16);
  const length = readAddress(text, 0, text.length, address);
  if (length === 0) throw new Error(`fetch ${plan.fetch}: config/ let an argument pass that is no address`);
  return single(() => {
    value.address.set(address);
    value.type = length === 16 ? TYPE.ipv6 : TYPE.ipv4;
    return PASS;
  });
};

/** A fetch whose integer is computed from the shared words for a proxy or server row. */
function wordFetch(
  row: (ctx: SampleContext, index: number) => number,
  read: (words: Int32Array, at: number) => number,
): FetchCompiler {
  return (ctx, plan) => {
    const { value } = ctx;
    const { words } = ctx.shared;
    const index = integerArgument(plan, 0, -1);
    if (index < 0) throw new Error(`fetch ${plan.fetch}: config/ did not resolve its argument`);
    const at = row(ctx, index);
    return single(() => {
      value.type = TYPE.sint;
      value.int = read(words, at);
      return PASS;
    });
  };
}

const proxyRow = (ctx: SampleContext, index: number) => ctx.shared.proxyAt(index);
const serverRow = (ctx: SampleContext, index: number) => ctx.shared.serverAt(index);

/** Reads the usable active servers of a backend; without any, the usable backups: one, or all with `option allbackups`. */
export function usableServers(ctx: SampleContext, index: number): () => number {
  const { words } = ctx.shared;
  const at = ctx.shared.proxyAt(index);
  const backupsMax = ctx.plan.proxies[index]?.backend?.allBackups ? Number.MAX_SAFE_INTEGER : 1;
  return () => {
    const active = words[at + PROXY.activeServers]!;
    return active > 0 ? active : Math.min(words[at + PROXY.backupServers]!, backupsMax);
  };
}

const nbsrv: FetchCompiler = (ctx, plan) => {
  const { value } = ctx;
  const index = integerArgument(plan, 0, -1);
  if (ctx.plan.proxies[index]?.backend === undefined)
    throw new Error("fetch nbsrv: config/ did not resolve its argument");
  const read = usableServers(ctx, index);
  return single(() => {
    value.type = TYPE.sint;
    value.int = read();
    return PASS;
  });
};

/** `queue` and `avg_queue`: streams waiting in the backend's and all its servers' queues. */
function queueFetch(average: boolean): FetchCompiler {
  return (ctx, plan) => {
    const { value, shared } = ctx;
    const { words } = shared;
    const index = integerArgument(plan, 0, -1);
    const backend = ctx.plan.proxies[index]?.backend;
    if (backend === undefined) throw new Error(`fetch ${plan.fetch}: config/ did not resolve its argument`);
    const at = shared.proxyAt(index);
    const servers = Int32Array.from(backend?.servers ?? [], (server) => shared.serverAt(server));
    return single(() => {
      let queued = words[at + PROXY.queued]!;
      for (let i = 0; i < servers.length; i++) queued += words[servers[i]! + SERVER.queued]!;
      value.type = TYPE.sint;
      if (average) {
        const active = words[at + PROXY.activeServers]! || words[at + PROXY.backupServers]!;
        queued = active > 0 ? Math.ceil(queued / active) : queued * 2;
      }
      value.int = queued;
      return PASS;
    });
  };
}

/** Whether a server may get traffic: running, and not in maintenance. */
export function serverIsUp(ctx: SampleContext, index: number): () => boolean {
  const { words } = ctx.shared;
  const at = ctx.shared.serverAt(index);
  return () => words[at + SERVER.opState] !== OP_STATE.stopped && (words[at + SERVER.adminState]! & MAINT) === 0;
}

const srvIsUp: FetchCompiler = (ctx, plan) => {
  const { value } = ctx;
  const index = integerArgument(plan, 0, -1);
  if (index < 0) throw new Error("fetch srv_is_up: config/ did not resolve its argument");
  const isUp = serverIsUp(ctx, index);
  return single(() => {
    value.type = TYPE.bool;
    value.int = isUp() ? 1 : 0;
    return PASS;
  });
};

/** Connections that a server may still take; -1: it has no limit. */
function freeConnections(words: Int32Array, at: number): number {
  const maxconn = words[at + SERVER.maxconn]!;
  return maxconn === 0 ? -1 : Math.max(maxconn - words[at + SERVER.served]!, 0);
}

/**
 * What a backend's usable servers may still take together; -1: one of them has no limit.
 * @param withQueues `connslots`: the free places of their queues, too
 */
function backendFree(withQueues: boolean): FetchCompiler {
  return (ctx, plan) => {
    const { value, shared } = ctx;
    const { words } = shared;
    const backend = ctx.plan.proxies[integerArgument(plan, 0, -1)]?.backend;
    if (backend === undefined) throw new Error(`fetch ${plan.fetch}: config/ did not resolve its argument`);
    const servers = (backend?.servers ?? []).map((index) => ctx.plan.servers[index]!);
    const ats = Int32Array.from(servers, ({ index }) => shared.serverAt(index));
    const queuesMax = Int32Array.from(servers, ({ maxqueue }) => maxqueue);
    return single(() => {
      let free = 0;
      for (let i = 0; i < ats.length && free >= 0; i++) {
        const at = ats[i]!;
        if (words[at + SERVER.opState] === OP_STATE.stopped || (words[at + SERVER.adminState]! & MAINT) !== 0) continue;
        const own = freeConnections(words, at);
        const hasNoLimit = own < 0 || (withQueues && queuesMax[i] === 0);
        const queueFree = withQueues ? Math.max(queuesMax[i]! - words[at + SERVER.queued]!, 0) : 0;
        free = hasNoLimit ? -1 : free + own + queueFree;
      }
      value.type = TYPE.sint;
      value.int = free;
      return PASS;
    });
  };
}

const constantMethod: FetchCompiler = (ctx, plan) => {
  const { value } = ctx;
  const bytes = textBytes(stringArgument(plan, 0));
  const method = methodNumber(bytes, 0, bytes.length);
  return single(() => {
    value.type = TYPE.meth;
    value.int = method;
    value.bytes = bytes;
    value.start = 0;
    value.end = bytes.length;
    return PASS;
  });
};

/** `acl(name,!other)`: whether all of them hold. */
const acl: FetchCompiler = (ctx, { condition }) => {
  if (condition === undefined) throw new Error("fetch acl: config/ did not resolve its ACLs");
  const { value } = ctx;
  const holds = ctx.compileCondition(condition, ctx);
  return single((stream) => {
    const result = holds(stream);
    if (result === MISS) return MISS;
    value.type = TYPE.bool;
    value.int = result === PASS ? 1 : 0;
    return PASS;
  });
};

/** By canonical name, see fetches.table.ts. */
/** What rules set for the stream's place in queues; 0: nothing. */
function priority(read: (settings: StreamSettings) => number): FetchCompiler {
  return ({ value }) =>
    single((stream) => {
      value.type = TYPE.sint;
      value.int = stream.settings === null ? 0 : read(stream.settings);
      return PASS;
    });
}

/** The stream speaks HTTP by now: it may have begun as one of mode tcp. */
const isHttp: FetchCompiler = ({ value }) =>
  single((stream) => {
    value.type = TYPE.bool;
    value.int = (stream.flags & STREAM.http) !== 0 ? 1 : 0;
    return PASS;
  });

export const INTERNAL_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  acl,
  always_false: constantInteger(TYPE.bool, () => 0),
  always_true: constantInteger(TYPE.bool, () => 1),
  avg_queue: queueFetch(true),
  be_conn: wordFetch(proxyRow, (words, at) => words[at + PROXY.backendSessions]!),
  be_conn_free: backendFree(false),
  bool: constantInteger(TYPE.bool, (text) => (text === "true" || text === "yes" || text === "1" ? 1 : 0)),
  connslots: backendFree(true),
  fe_conn: wordFetch(proxyRow, (words, at) => words[at + PROXY.frontendSessions]!),
  int: constantInteger(TYPE.sint, Number),
  "internal.strm.is_htx": isHttp,
  ipv4: constantAddress,
  ipv6: constantAddress,
  meth: constantMethod,
  nbsrv,
  prio_class: priority(({ priorityClass }) => priorityClass),
  prio_offset: priority(({ priorityOffsetMs }) => priorityOffsetMs),
  queue: queueFetch(false),
  srv_conn: wordFetch(serverRow, (words, at) => words[at + SERVER.served]!),
  srv_conn_free: wordFetch(serverRow, freeConnections),
  srv_is_up: srvIsUp,
  srv_iweight: wordFetch(serverRow, (words, at) => words[at + SERVER.initialWeight]!),
  srv_queue: wordFetch(serverRow, (words, at) => words[at + SERVER.queued]!),
  srv_uweight: wordFetch(serverRow, (words, at) => words[at + SERVER.userWeight]!),
  srv_weight: wordFetch(serverRow, (words, at) => words[at + SERVER.effectiveWeight]!),
  str: constantString,
};
