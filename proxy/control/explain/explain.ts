// `ringway check --explain`: what each listener, rule and server of a configuration comes to, with the defaults that nobody wrote.

import type { CheckPlan } from "../../plan/check.ts";
import type { Plan, ProxyPlan, ServerPlan, TimeoutsPlan } from "../../plan/plan.ts";
import type { RuleSetKey } from "../../plan/rules.ts";
import { addressText } from "../../stats/stat-row.ts";
import type { Finding } from "./findings.ts";

const RULE_NAMES: readonly (readonly [RuleSetKey, string])[] = [
  ["tcpRequestConnection", "tcp-request connection"],
  ["tcpRequestSession", "tcp-request session"],
  ["tcpRequestContent", "tcp-request content"],
  ["httpRequest", "http-request"],
  ["redirect", "redirect"],
  ["tcpResponseContent", "tcp-response content"],
  ["httpResponse", "http-response"],
  ["httpAfterResponse", "http-after-response"],
];

export function explainText(plan: Plan, findings: readonly Finding[]): string {
  const lines = [...process(plan), ...plan.proxies.flatMap((proxy) => ["", ...explainProxy(proxy, plan)])];
  if (findings.length === 0) lines.push("", "Nothing looks like a mistake.");
  else
    lines.push(
      "",
      findings.length === 1 ? "One thing looks like a mistake:" : `${findings.length} things look like mistakes:`,
    );
  for (const { at, text, advice } of findings) lines.push(`  [${at.file}:${at.line}] ${text}`, `      ${advice}`);
  return `${lines.join("\n")}\n`;
}

function process({ global, proxies, listeners, servers }: Plan): string[] {
  const maxconn =
    global.maxconn === 0
      ? "as many connections as the descriptor limit allows"
      : `at most ${global.maxconn} connections`;
  const identity =
    global.user === null && global.uid === null
      ? "keeps the user it is started as"
      : `runs as ${global.user ?? global.uid}`;
  return [
    `The process: ${global.nbthread} worker thread${global.nbthread === 1 ? "" : "s"}, ${maxconn}, ${identity}${global.chroot === null ? "" : `, inside ${global.chroot}`}.`,
    `It has ${listeners.length} listening addresses, ${proxies.filter(({ backend }) => backend !== null).length} backends and ${servers.length} servers.`,
    ...global.statsSockets.map(
      ({ address, level }) =>
        `Runtime API on ${addressText(address) === "unix" && address.kind === "unix" ? address.path : addressText(address)}, level ${level}.`,
    ),
  ];
}

function explainProxy(proxy: ProxyPlan, plan: Plan): string[] {
  const { name, kind, mode, frontend, backend, disabled, at } = proxy;
  const lines = [`${kind} ${name} (mode ${mode}${disabled ? ", disabled" : ""})  [${at.file}:${at.line}]`];
  if (frontend !== null) {
    for (const index of frontend.listeners) {
      const listener = plan.listeners[index]!;
      const facts = [
        listener.tls === null ? "" : "TLS",
        listener.acceptProxy ? "a PROXY header first" : "",
        listener.maxconn > 0 ? `at most ${listener.maxconn} connections` : "",
      ].filter((fact) => fact !== "");
      const address = listener.address.kind === "unix" ? listener.address.path : addressText(listener.address);
      lines.push(`  listens on ${address}${facts.length === 0 ? "" : `: ${facts.join(", ")}`}`);
    }
    lines.push(
      `  clients: ${sessions(proxy, plan)}; ${timeoutsOf(proxy.timeouts, ["client", "httpRequest", "httpKeepAlive"])}`,
    );
  }
  for (const [key, word] of RULE_NAMES) {
    const list = proxy.rules[key];
    if (list.length === 0) continue;
    const kinds = new Map<string, number>();
    for (const { action } of list) kinds.set(action.kind, (kinds.get(action.kind) ?? 0) + 1);
    const text = [...kinds].map(([action, count]) => (count === 1 ? action : `${count} × ${action}`)).join(", ");
    const conditional = list.filter(({ condition }) => condition !== null).length;
    lines.push(
      `  ${word}: ${list.length} rule${list.length === 1 ? "" : "s"} (${text}), ${conditional} with a condition`,
    );
  }
  if (frontend !== null) lines.push(...routes(proxy, plan));
  if (backend !== null && (backend.servers.length > 0 || kind === "backend"))
    lines.push(...explainBackend(proxy, plan));
  const stats = frontend?.stats ?? backend?.stats ?? null;
  if (stats !== null) {
    const guards =
      stats.auth.length > 0 || stats.httpRequest.length > 0 ? "with a password" : "open to everybody who gets here";
    lines.push(`  statistics page under ${stats.uri}, ${guards}${stats.admin === null ? "" : ", may change servers"}`);
  }
  return lines;
}

function sessions({ frontend, mode }: ProxyPlan, plan: Plan): string {
  const max = frontend!.maxconn || plan.global.maxconn;
  const limit = max === 0 ? "no limit of its own" : `at most ${max} connections`;
  return mode === "http" ? `${limit}, ${frontend!.connectionMode}` : limit;
}

function routes({ frontend, index }: ProxyPlan, plan: Plan): string[] {
  const nameOf = (backend: number): string => plan.proxies[backend]?.name ?? "?";
  const lines = frontend!.useBackend.map(({ backend, condition }) => {
    const target = typeof backend === "number" ? nameOf(backend) : "a backend whose name is made for each request";
    return `  goes to ${target}${condition === null ? "" : " if its condition holds"}`;
  });
  const { defaultBackend } = frontend!;
  if (defaultBackend >= 0 && defaultBackend !== index)
    lines.push(`  ${lines.length === 0 ? "goes" : "else goes"} to ${nameOf(defaultBackend)}`);
  return lines;
}

function explainBackend({ backend, timeouts }: ProxyPlan, plan: Plan): string[] {
  const own = backend!;
  const { algorithm } = own.balance;
  const lines = [
    `  servers: balance ${[algorithm, ...own.balance.arguments].join(" ")}; ${own.retries} retries${own.redispatch === 0 ? "" : ", then another server"}; ${timeoutsOf(timeouts, ["connect", "server", "queue"])}`,
  ];
  if (own.persistence.cookie !== null) lines.push(`  persistence by the cookie ${own.persistence.cookie.name}`);
  const servers = own.servers.map((index) => plan.servers[index]!);
  // Weights mean nothing to `balance first`.
  const total =
    algorithm === "first" ? 0 : servers.filter(({ backup }) => !backup).reduce((sum, { weight }) => sum + weight, 0);
  for (const server of servers) lines.push(`    ${explainServer(server, total, own.check)}`);
  return lines;
}

function checkText({ kind, steps }: CheckPlan): string {
  if (kind === "httpchk") return "http";
  if (kind === "external") return "a program";
  return steps.length === 0 ? "tcp" : kind;
}

function explainServer(server: ServerPlan, totalWeight: number, backendCheck: CheckPlan): string {
  const share =
    totalWeight > 0 && !server.backup ? `${Math.round((100 * server.weight) / totalWeight)} % of new traffic` : "";
  const { check } = server;
  const facts = [
    server.backup ? "only when no active server is up" : share,
    server.connection.tls === null ? "" : "over TLS",
    server.disabled ? "starts in maintenance" : "",
    server.maxconn > 0 ? `at most ${server.maxconn} at once, others queue` : "",
    check === null
      ? "not checked"
      : `checked (${checkText(check.own ?? backendCheck)}) every ${check.interMs / 1000} s, down after ${check.fall} failures, up after ${check.rise}`,
  ];
  const address = server.address.kind === "unix" ? server.address.path : addressText(server.address);
  return `${server.name} at ${address}: ${facts.filter((fact) => fact !== "").join(", ")}`;
}

const TIMEOUT_WORDS: Partial<Record<keyof TimeoutsPlan, string>> = {
  httpRequest: "http-request",
  httpKeepAlive: "http-keep-alive",
};

function timeoutsOf(timeouts: TimeoutsPlan, names: readonly (keyof TimeoutsPlan)[]): string {
  const texts = names
    .filter((name) => timeouts[name] > 0 || name === "client" || name === "connect" || name === "server")
    .map((name) => `${TIMEOUT_WORDS[name] ?? name} ${timeouts[name] === 0 ? "none" : `${timeouts[name] / 1000} s`}`);
  return `timeouts: ${texts.join(", ")}`;
}
