// `show info`: what the process is and does, in HAProxy 3.2's fields and order.
//
// Every value is either measured, or 0 because there is no such thing here (pipes, memory pools, a run queue) or because nobody counts it yet (peers). A limit of 0 means "none", as in HAProxy.

import type { ProcessFacts } from "../control/control-plane.ts";
import type { Plan } from "../plan/plan.ts";
import { COUNTER, HEADER, RATE, type SharedState, WORKER } from "../shared-state/layout.ts";
import { SessionCache } from "../tls/session-cache.ts";
import type { Aggregate } from "./aggregate.ts";
import type { ColumnType } from "./columns.ts";
import { describeInfo } from "./descriptions.ts";
import type { IdleMeter } from "./idle.ts";
import type { Samples } from "./samples.ts";
import { jsonField } from "./stat-writers.ts";

// biome-ignore format: a table of name, type and tags
const FIELDS = [
  ["Name", "str", "POS"], ["Version", "str", "POS"], ["Release_date", "str", "POS"], ["Nbthread", "u32", "CGS"],
  ["Nbproc", "u32", "CGS"], ["Process_num", "u32", "KGP"], ["Pid", "u32", "SGP"], ["Uptime", "str", "MDP"],
  ["Uptime_sec", "u32", "MDP"], ["Memmax_MB", "u32", "CLP"], ["PoolAlloc_MB", "u32", "MGP"],
  ["PoolUsed_MB", "u32", "MGP"], ["PoolFailed", "u32", "MCP"], ["Ulimit-n", "u32", "CLP"],
  ["Maxsock", "u32", "CLP"], ["Maxconn", "u32", "CLP"], ["Hard_maxconn", "u32", "CLP"],
  ["CurrConns", "u32", "MGP"], ["CumConns", "u32", "MCP"], ["CumReq", "u32", "MCP"], ["MaxSslConns", "u32", "MMP"],
  ["CurrSslConns", "u32", "MGP"], ["CumSslConns", "u32", "MCP"], ["Maxpipes", "u32", "CLP"],
  ["PipesUsed", "u32", "MGP"], ["PipesFree", "u32", "MGP"], ["ConnRate", "u32", "MRP"],
  ["ConnRateLimit", "u32", "CLP"], ["MaxConnRate", "u32", "MMP"], ["SessRate", "u32", "MRP"],
  ["SessRateLimit", "u32", "CLP"], ["MaxSessRate", "u32", "MRP"], ["SslRate", "u32", "MRP"],
  ["SslRateLimit", "u32", "CLP"], ["MaxSslRate", "u32", "MMP"], ["SslFrontendKeyRate", "u32", "MGP"],
  ["SslFrontendMaxKeyRate", "u32", "MMP"], ["SslFrontendSessionReuse_pct", "u32", "MGP"],
  ["SslBackendKeyRate", "u32", "MRP"], ["SslBackendMaxKeyRate", "u32", "MMP"], ["SslCacheLookups", "u32", "MCP"],
  ["SslCacheMisses", "u32", "MCP"], ["CompressBpsIn", "u32", "MRP"], ["CompressBpsOut", "u32", "MRP"],
  ["CompressBpsRateLim", "u32", "CLP"], ["ZlibMemUsage", "u32", "MGP"], ["MaxZlibMemUsage", "u32", "CLP"],
  ["Tasks", "u32", "MGP"], ["Run_queue", "u32", "MGP"], ["Idle_pct", "u32", "MaP"], ["node", "str", "COS"],
  ["description", "str", "COS"], ["Stopping", "u32", "MGP"], ["Jobs", "u32", "MGP"],
  ["Unstoppable Jobs", "u32", "MGP"], ["Listeners", "u32", "MGP"], ["ActivePeers", "u32", "MGP"],
  ["ConnectedPeers", "u32", "MGP"], ["DroppedLogs", "u32", "MGP"], ["BusyPolling", "u32", "MGP"],
  ["FailedResolutions", "u32", "MGP"], ["TotalBytesOut", "u64", "MGP"], ["TotalSplicedBytesOut", "u64", "MGP"],
  ["BytesOutRate", "u64", "MRP"], ["DebugCommandsIssued", "u32", "MGP"], ["CumRecvLogs", "u32", "MCP"],
  ["Build info", "str", "POS"], ["Memmax_bytes", "u32", "CLP"], ["PoolAlloc_bytes", "u64", "MGP"],
  ["PoolUsed_bytes", "u64", "MGP"], ["Start_time_sec", "u32", "MDP"], ["Tainted", "str", "SGP"],
  ["TotalWarnings", "u32", "MCP"], ["MaxconnReached", "u32", "MCP"], ["BootTime_ms", "u32", "MDP"],
  ["Niced_tasks", "u32", "MGP"], ["CurrStreams", "u64", "MGP"], ["CumStreams", "u64", "MGP"],
  ["BlockedTrafficWarnings", "u32", "MGP"],
] as const satisfies readonly (readonly [string, ColumnType, string])[];

export type InfoName = (typeof FIELDS)[number][0];

/** One field as HAProxy shows it. */
export interface InfoField {
  readonly name: InfoName;
  readonly position: number;
  readonly type: ColumnType;
  readonly tags: string;
  readonly value: string | number;
  /** The same with its fraction, where `float` shows one. */
  readonly exact?: number;
}

export interface InfoSources {
  readonly plan: Plan;
  readonly shared: SharedState;
  readonly facts: ProcessFacts;
  readonly aggregate: Aggregate;
  readonly samples: Samples;
  readonly idle: IdleMeter;
  /** Warnings that the process has given since its start. */
  readonly warnings: () => number;
  /** When the process was ready to serve, milliseconds since the epoch. */
  readonly readyAtMs: number;
}

/** All fields; those without a value of their own are 0, `description` is left out when there is none. */
export function infoFields(sources: InfoSources, nowMs: number): InfoField[] {
  const values = infoValues(sources, nowMs);
  const { startedAtMs } = sources.facts;
  const exactly: Partial<Record<InfoName, number>> = {
    Uptime_sec: Math.max(0, nowMs - startedAtMs) / 1000,
    Start_time_sec: startedAtMs / 1000,
  };
  return FIELDS.flatMap(([name, type, tags], position) => {
    const value = values[name];
    if (value === null) return [];
    const exact = exactly[name];
    return [{ name, position, type, tags, value: value ?? 0, ...(exact === undefined ? {} : { exact }) }];
  });
}

function infoValues(sources: InfoSources, nowMs: number): Partial<Record<InfoName, string | number | null>> {
  const { plan, shared, facts, aggregate, samples } = sources;
  const { words } = shared;
  const uptimeSeconds = Math.max(0, Math.floor((nowMs - facts.startedAtMs) / 1000));
  const frontends = plan.proxies
    .filter((proxy) => proxy.frontend !== null)
    .map(({ index }) => aggregate.frontend(index));
  const sum = (column: number): number => frontends.reduce((total, row) => total + row[column], 0);
  const droppedLogs = Array.from({ length: shared.nbthread }, (_, i) => words[shared.workerAt(i) + WORKER.droppedLogs]);
  const listeners = plan.listeners.length + plan.global.statsSockets.length;
  return {
    Name: "HAProxy",
    Version: facts.version,
    Release_date: facts.releaseDate,
    Nbthread: plan.global.nbthread,
    Nbproc: 1,
    Process_num: 1,
    Pid: facts.pid,
    Uptime: uptimeText(uptimeSeconds),
    Uptime_sec: uptimeSeconds,
    "Ulimit-n": facts.descriptorsMax,
    Maxsock: facts.descriptorsMax,
    Maxconn: words[HEADER.maxconn],
    Hard_maxconn: facts.maxconn,
    CurrConns: words[HEADER.connections],
    CumConns: sum(COUNTER.connections),
    CumReq: sum(COUNTER.requests),
    ConnRate: samples.rate("process connections"),
    MaxConnRate: samples.rateMax("process connections"),
    ConnRateLimit: words[HEADER.connectionRate + RATE.max],
    SessRateLimit: words[HEADER.sessionRate + RATE.max],
    ...tlsFields(sources),
    SslRateLimit: words[HEADER.tlsRate + RATE.max],
    CompressBpsRateLim: words[HEADER.compressionRateMax],
    SessRate: samples.rate("process sessions"),
    MaxSessRate: samples.rateMax("process sessions"),
    Idle_pct: sources.idle.percent(),
    node: plan.global.node,
    description: plan.global.description,
    Stopping: words[HEADER.stopping] > 0 ? 1 : 0,
    Jobs: listeners + words[HEADER.connections],
    Listeners: listeners,
    DroppedLogs: droppedLogs.reduce((total, dropped) => total + dropped, 0),
    TotalBytesOut: sum(COUNTER.bytesOut),
    BytesOutRate: samples.rate("process bytes"),
    "Build info": facts.version,
    Start_time_sec: Math.floor(facts.startedAtMs / 1000),
    Tainted: "0",
    TotalWarnings: sources.warnings(),
    MaxconnReached: words[HEADER.maxconnReached],
    BootTime_ms: Math.max(0, sources.readyAtMs - facts.startedAtMs),
    CurrStreams: words[HEADER.streams],
    CumStreams: sum(COUNTER.requests),
  };
}

/** As HAProxy: the share of the last second's handshakes that needed no key. */
function tlsFields({ plan, shared, samples }: InfoSources): Record<string, number> {
  const { tlsSessions } = shared;
  const cache = tlsSessions === null ? null : new SessionCache(tlsSessions, plan.global.tls.sessionBlocks, Date.now);
  const sum = (word: number): number => {
    let total = 0;
    for (let worker = 0; worker < shared.nbthread; worker++) total += shared.words[shared.workerAt(worker) + word]!;
    return total;
  };
  const rate = samples.rate("tls handshakes");
  const keys = samples.rate("tls keys");
  return {
    CurrSslConns: sum(WORKER.tlsConnections),
    CumSslConns: sum(WORKER.tlsHandshakes),
    SslRate: rate,
    MaxSslRate: samples.rateMax("tls handshakes"),
    SslFrontendKeyRate: keys,
    SslFrontendMaxKeyRate: samples.rateMax("tls keys"),
    SslFrontendSessionReuse_pct: rate === 0 ? 0 : 100 - Math.floor((100 * keys + (rate - 1) / 2) / rate),
    SslBackendKeyRate: samples.rate("tls server keys"),
    SslBackendMaxKeyRate: samples.rateMax("tls server keys"),
    SslCacheLookups: cache?.lookups ?? 0,
    SslCacheMisses: cache?.misses ?? 0,
  };
}

/** `0d 0h03m20s` */
export function uptimeText(seconds: number): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor((seconds % 86400) / 3600);
  return `${days}d ${hours}h${two(Math.floor((seconds % 3600) / 60))}m${two(seconds % 60)}s`;
}

export interface InfoOptions {
  /** Append what each field means. */
  readonly describe?: boolean;
  /** Times with fractions of a second. */
  readonly float?: boolean;
}

export function infoText(fields: readonly InfoField[], options: InfoOptions = {}): string {
  return fields.map((field) => `${field.name}: ${shown(field, options)}\n`).join("");
}

export function infoTypedText(fields: readonly InfoField[], options: InfoOptions = {}): string {
  return fields.map((f) => `${f.position}.${f.name}.1:${f.tags}:${typeOf(f, options)}:${shown(f, options)}\n`).join("");
}

export function infoJsonText(fields: readonly InfoField[], options: InfoOptions = {}): string {
  const objects = fields.map((f) => {
    const value = options.float === true ? (f.exact ?? f.value) : f.value;
    return jsonField(f.position, f.name, f.tags, typeOf(f, options), value);
  });
  return `${JSON.stringify(objects)}\n`;
}

function typeOf(field: InfoField, { float = false }: InfoOptions): string {
  return float && field.exact !== undefined ? "flt" : field.type;
}

function shown(field: InfoField, { describe = false, float = false }: InfoOptions): string {
  const value = float && field.exact !== undefined ? field.exact.toFixed(6) : String(field.value);
  return describe ? `${value}:"${describeInfo(field.name)}"` : value;
}
