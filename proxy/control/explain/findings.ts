// Real mistakes that no parser complains about: `ringway check --explain` names them, each with its place and what to do. Only what is wrong, or
// has no effect, whatever traffic comes; matters of taste are not for a program.

import { PREDEFINED_ACLS } from "../../config/expression/condition.ts";
import type { Plan, ProxyPlan, SourceLocation } from "../../plan/plan.ts";
import type { RulePlan, RuleSetKey } from "../../plan/rules.ts";
import { usedAcls } from "./used-acls.ts";

export interface Finding {
  readonly at: SourceLocation;
  readonly text: string;
  readonly advice: string;
}

/** What ends the evaluation of its rule set, so that rules behind it are never reached. */
const FINAL: ReadonlySet<string> = new Set([
  "allow",
  "deny",
  "return",
  "redirect",
  "reject",
  "tarpit",
  "silent-drop",
  "auth",
  "use-service",
]);

const RULE_SETS: readonly (readonly [RuleSetKey, string])[] = [
  ["tcpRequestConnection", "tcp-request connection"],
  ["tcpRequestSession", "tcp-request session"],
  ["tcpRequestContent", "tcp-request content"],
  ["tcpResponseContent", "tcp-response content"],
  ["httpRequest", "http-request"],
  ["httpResponse", "http-response"],
  ["httpAfterResponse", "http-after-response"],
  ["redirect", "redirect"],
];

/** @param acls names of the ACLs that each section defines */
export function findingsOf(plan: Plan, acls: ReadonlyMap<string, readonly string[]>): Finding[] {
  const findings: Finding[] = [];
  const reached = reachedBackends(plan);
  for (const proxy of plan.proxies) {
    findings.push(...timeouts(proxy), ...rules(proxy), ...routing(proxy, plan));
    if (proxy.backend !== null) findings.push(...backend(proxy, plan, reached));
    findings.push(...unusedAcls(proxy, acls.get(proxy.name) ?? []));
  }
  return findings;
}

function timeouts({ timeouts: set, frontend, backend, at, name, kind }: ProxyPlan): Finding[] {
  const missing: string[] = [];
  if (frontend !== null && set.client === 0) missing.push("client");
  if (backend !== null && backend.servers.length > 0) {
    if (set.connect === 0) missing.push("connect");
    if (set.server === 0) missing.push("server");
  }
  if (missing.length === 0) return [];
  const text = `${kind} ${name} has no timeout ${missing.join(", no timeout ")}: connections that stand still stay for ever`;
  return [{ at, text, advice: `add 'timeout ${missing[0]} 30s' (or what suits), best in 'defaults'` }];
}

function rules(proxy: ProxyPlan): Finding[] {
  return RULE_SETS.flatMap(([key, name]) => {
    const list: readonly RulePlan[] = proxy.rules[key];
    const end = list.findIndex(({ action, condition }) => condition === null && FINAL.has(action.kind));
    if (end < 0 || end === list.length - 1) return [];
    const behind = list.length - 1 - end;
    const { at, action } = list[end]!;
    const text = `'${name} ${action.kind}' without a condition: the ${behind} rule${behind === 1 ? "" : "s"} of ${proxy.name} behind it are never reached`;
    return [{ at: list[end + 1]!.at, text, advice: `give the rule in line ${at.line} a condition, or put it last` }];
  });
}

function routing(proxy: ProxyPlan, plan: Plan): Finding[] {
  const { frontend, name, at, kind } = proxy;
  if (frontend === null) return [];
  const findings: Finding[] = [];
  const always = frontend.useBackend.findIndex(({ condition }) => condition === null);
  if (always >= 0 && always < frontend.useBackend.length - 1) {
    const text = `'use_backend' without a condition: those of ${name} behind it are never reached`;
    findings.push({ at: frontend.useBackend[always + 1]!.at, text, advice: "put it last, or use 'default_backend'" });
  }
  const answersItself =
    frontend.stats !== null ||
    proxy.rules.httpRequest.some(({ action }) => FINAL.has(action.kind)) ||
    proxy.rules.redirect.length > 0;
  if (kind === "frontend" && frontend.defaultBackend < 0 && frontend.useBackend.length === 0 && !answersItself) {
    const text = `frontend ${name} leads nowhere: it has neither default_backend nor use_backend, and every request gets a 503`;
    findings.push({ at, text, advice: "add 'default_backend NAME'" });
  }
  for (const listener of plan.listeners) {
    if (listener.proxy !== proxy.index || frontend.maxconn === 0 || listener.maxconn <= frontend.maxconn) continue;
    const text = `the address ${listener.name} may hold ${listener.maxconn} connections, but its frontend ${name} only ${frontend.maxconn}`;
    findings.push({ at: listener.at, text, advice: "the smaller of the two counts" });
  }
  return findings;
}

function backend(proxy: ProxyPlan, plan: Plan, reached: ReadonlySet<number>): Finding[] {
  const { name, at, kind, backend: own } = proxy;
  if (own === null) return [];
  const findings: Finding[] = [];
  const servers = own.servers.map((index) => plan.servers[index]!);
  const answersItself =
    own.stats !== null ||
    proxy.rules.redirect.length > 0 ||
    proxy.rules.httpRequest.some(({ action }) => FINAL.has(action.kind));
  const isUsed = kind === "listen" ? (proxy.frontend?.listeners.length ?? 0) > 0 : reached.has(proxy.index);
  const isRouter = kind === "listen" && (proxy.frontend?.useBackend.length ?? 0) > 0;
  if (servers.length === 0 && !answersItself && isUsed && !isRouter && !hasTable(proxy, plan)) {
    findings.push({
      at,
      text: `${kind} ${name} has no server: whatever is sent there gets a 503`,
      advice: "add a 'server' line",
    });
  }
  if (kind === "backend" && !reached.has(proxy.index) && servers.length > 0) {
    findings.push({
      at,
      text: `backend ${name} is never used: no frontend leads there`,
      advice: "add a 'use_backend', or remove it",
    });
  }
  const active = servers.filter((server) => !server.backup);
  const weighted = active.find(({ weight }) => weight !== 1);
  if (active.length === 1 && weighted !== undefined) {
    const text = `the weight of ${name}/${weighted.name} never matters: it is the only active server of its backend`;
    findings.push({ at: weighted.at, text, advice: "weights are shares among several servers" });
  } else if (own.balance.algorithm === "first" && weighted !== undefined) {
    const text = `the weight of ${name}/${weighted.name} never matters: 'balance first' goes by the order of servers`;
    findings.push({ at: weighted.at, text, advice: "remove it, or choose another algorithm" });
  }
  if (active.length > 0 && active.every(({ weight, disabled }) => weight === 0 || disabled)) {
    const text = `no active server of ${name} takes new traffic: all of them are disabled or have the weight 0`;
    findings.push({ at, text, advice: "give at least one a weight" });
  }
  if (own.balance.algorithm === "first" && active.length > 1 && active.every(({ maxconn }) => maxconn === 0)) {
    const text = `'balance first' in ${name} gives everything to ${active[0]!.name}: without maxconn it is never full`;
    findings.push({ at, text, advice: "give its servers a 'maxconn'" });
  }
  if (servers.length > 1 && servers.every(({ check }) => check === null)) {
    const text = `no server of ${name} is checked: one that is down goes on getting its share`;
    findings.push({ at, text, advice: "add 'check' to the servers or to 'default-server'" });
  }
  return findings;
}

function hasTable({ name }: ProxyPlan, { stickTables }: Plan): boolean {
  return stickTables.some((table) => table.name === name);
}

/** Backends that some rule names. A name that is made for each stream may mean any. */
function reachedBackends(plan: Plan): ReadonlySet<number> {
  const reached = new Set<number>();
  for (const { frontend, index } of plan.proxies) {
    if (frontend === null) continue;
    for (const { backend: target } of frontend.useBackend) {
      if (typeof target === "number") reached.add(target);
      else for (const proxy of plan.proxies) reached.add(proxy.index);
    }
    if (frontend.defaultBackend >= 0 && frontend.defaultBackend !== index) reached.add(frontend.defaultBackend);
  }
  return reached;
}

function unusedAcls(proxy: ProxyPlan, names: readonly string[]): Finding[] {
  const used = usedAcls(proxy);
  return names
    .filter((name) => !used.has(name) && !PREDEFINED_ACLS.has(name))
    .map((name) => ({
      at: proxy.at,
      text: `the ACL '${name}' of ${proxy.name} is never used`,
      advice: "remove it, or name it in a condition",
    }));
}
