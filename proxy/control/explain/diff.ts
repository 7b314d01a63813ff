// `ringway diff OLD NEW`: what a reload from one configuration to the other would change, object by object, and what would be kept.

import type { Plan, ProxyPlan, ServerPlan } from "../../plan/plan.ts";
import { addressText } from "../../stats/stat-row.ts";

/** One line per change: `+` added, `-` removed, `~` changed. */
export function diffPlans(before: Plan, after: Plan): string[] {
  return [
    ...fields("global", before.global, after.global, ["statsSockets", "log"]),
    ...listeners(before, after),
    ...compare(
      "",
      before.proxies,
      after.proxies,
      ({ name, frontend }) => `${frontend === null ? "backend" : "frontend"} ${name}`,
      (old, now) => proxyChanges(old, now, before, after),
      ({ kind, name }) => `${kind} ${name}`,
    ),
    ...compare(
      "",
      before.stickTables,
      after.stickTables,
      ({ name }) => name,
      (old, now) => fields(`stick-table ${now.name}`, old, now, ["index", "at"]),
      ({ name }) => `stick-table ${name}`,
    ),
    ...compare(
      "",
      before.userlists,
      after.userlists,
      ({ name }) => name,
      (old, now) => (same(old, now) ? [] : [`~ userlist ${now.name}`]),
      ({ name }) => `userlist ${name}`,
    ),
  ];
}

function listeners(before: Plan, after: Plan): string[] {
  const name =
    (plan: Plan) =>
    (listener: Plan["listeners"][number]): string => {
      const address = listener.address.kind === "unix" ? listener.address.path : addressText(listener.address);
      return `${address} (${plan.proxies[listener.proxy]!.name})`;
    };
  const key = (listener: Plan["listeners"][number]): string => JSON.stringify(listener.address);
  const old = new Map(before.listeners.map((listener) => [key(listener), listener]));
  const now = new Map(after.listeners.map((listener) => [key(listener), listener]));
  const lines: string[] = [];
  for (const [address, listener] of now) {
    const former = old.get(address);
    if (former === undefined) lines.push(`+ listens on ${name(after)(listener)}`);
    else if (name(before)(former) !== name(after)(listener)) {
      lines.push(`~ ${name(before)(former)} becomes ${name(after)(listener)}: the socket stays open`);
    }
  }
  for (const [address, listener] of old) {
    if (!now.has(address)) lines.push(`- listens no longer on ${name(before)(listener)}: open connections finish`);
  }
  return lines;
}

/** They come from `defaults` and mean nothing on the other side. */
const CLIENT_TIMEOUTS = ["client", "clientFin", "clientHandshake", "httpKeepAlive"];
const SERVER_TIMEOUTS = ["connect", "server", "serverFin", "queue", "check"];

function proxyChanges(old: ProxyPlan, now: ProxyPlan, before: Plan, after: Plan): string[] {
  const label = `${now.kind} ${now.name}`;
  const lines = fields(label, old, now, ["index", "at", "rules", "frontend", "backend", "timeouts", "log", "id"]);
  const unused = now.frontend === null ? CLIENT_TIMEOUTS : now.backend === null ? SERVER_TIMEOUTS : [];
  lines.push(...fields(`${label} timeouts`, old.timeouts, now.timeouts, unused));
  for (const key of Object.keys(now.rules) as (keyof ProxyPlan["rules"])[]) {
    if (same(old.rules[key], now.rules[key])) continue;
    const counts = `${old.rules[key].length} → ${now.rules[key].length} rules`;
    lines.push(`~ ${label}: ${key} (${counts})`);
  }
  if (old.frontend !== null && now.frontend !== null) {
    const skipped = ["listeners", "useBackend", "defaultBackend", "stats"];
    lines.push(...fields(label, old.frontend, now.frontend, skipped));
    if (target(old.frontend.defaultBackend, before) !== target(now.frontend.defaultBackend, after)) {
      lines.push(
        `~ ${label}: default_backend ${target(old.frontend.defaultBackend, before)} → ${target(now.frontend.defaultBackend, after)}`,
      );
    }
    const routes = (plan: Plan, { useBackend }: NonNullable<ProxyPlan["frontend"]>): string =>
      text(
        useBackend.map(({ backend, condition }) => [
          typeof backend === "number" ? target(backend, plan) : backend,
          condition,
        ]),
      );
    if (routes(before, old.frontend) !== routes(after, now.frontend)) lines.push(`~ ${label}: use_backend rules`);
    if (!same(old.frontend.stats, now.frontend.stats)) lines.push(`~ ${label}: statistics page`);
  }
  if (old.backend !== null && now.backend !== null) {
    lines.push(...fields(label, old.backend, now.backend, ["servers", "stats", "persistence", "useServer"]));
    if (!same(old.backend.persistence, now.backend.persistence)) lines.push(`~ ${label}: persistence`);
    lines.push(...servers(now.name, old, now, before, after));
  }
  return lines;
}

function servers(backend: string, old: ProxyPlan, now: ProxyPlan, before: Plan, after: Plan): string[] {
  const of = (proxy: ProxyPlan, plan: Plan): ServerPlan[] =>
    (proxy.backend?.servers ?? []).map((index) => plan.servers[index]!);
  return compare(
    "",
    of(old, before),
    of(now, after),
    ({ name }) => name,
    (former, server) => fields(`server ${backend}/${server.name}`, former, server, ["index", "proxy", "at", "id"]),
    (server) => `server ${backend}/${server.name} at ${addressText(server.address)}`,
  );
}

function target(backend: number, { proxies }: Plan): string {
  return proxies[backend]?.name ?? "none";
}

/** Objects of two lists by name. */
function compare<T>(
  _label: string,
  before: readonly T[],
  after: readonly T[],
  nameOf: (item: T) => string,
  changes: (old: T, now: T) => string[],
  show: (item: T) => string,
): string[] {
  const old = new Map(before.map((item) => [nameOf(item), item]));
  const now = new Map(after.map((item) => [nameOf(item), item]));
  const lines: string[] = [];
  for (const [name, item] of now) {
    const former = old.get(name);
    lines.push(...(former === undefined ? [`+ ${show(item)}`] : changes(former, item)));
  }
  for (const [name, item] of old) if (!now.has(name)) lines.push(`- ${show(item)}`);
  return lines;
}

/** The fields of two objects that differ; small ones with both values. */
function fields(label: string, old: object, now: object, skipped: readonly string[] = []): string[] {
  const before = old as Readonly<Record<string, unknown>>;
  return Object.entries(now).flatMap(([key, value]) => {
    if (skipped.includes(key) || same(before[key], value)) return [];
    const [from, to] = [text(before[key]), text(value)];
    return [from.length + to.length < 80 ? `~ ${label}: ${key} ${from} → ${to}` : `~ ${label}: ${key}`];
  });
}

function same(a: unknown, b: unknown): boolean {
  return text(a) === text(b);
}

/** Places in files are no difference. */
function text(value: unknown): string {
  return (
    JSON.stringify(value, (key, part) => {
      if (key === "at") return undefined;
      if (part instanceof Map) return [...part];
      return ArrayBuffer.isView(part) ? Array.from(part as unknown as ArrayLike<number>) : part;
    }) ?? "not set"
  );
}
