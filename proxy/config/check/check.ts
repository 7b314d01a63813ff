// One section against the others, after everything has been read: what HAProxy finds when it starts, in its words. These messages have no
// `parsing [file:line]` in front (their section is named in the text), but they point at the line that is to be changed.

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import {
  type ConfigurationDraft,
  findBackend,
  hasBackend,
  hasFrontend,
  kindInMessages,
  type ProxyDraft,
  type UseBackendDraft,
} from "../draft.ts";
import { checkBandwidth } from "../sections/bandwidth.ts";
import { checkCaptures } from "../sections/capture.ts";
import { checkGuids } from "../sections/guid.ts";
import { checkHealthchecks } from "../sections/healthcheck.ts";
import { checkErrors } from "../sections/http-errors.ts";
import { resolvePatternEdits } from "../sections/rules/patterns.ts";
import { checkUserlists } from "../sections/userlist.ts";
import type { Statement } from "../statement.ts";
import { checkBalance } from "./balance.ts";
import { checkCaches } from "./cache.ts";
import { checkFilters } from "./filter.ts";
import { checkLogFormat, checkOtherFormats } from "./log-format.ts";
import { warnAboutMode } from "./mode.ts";
import { resolveReferences } from "./references.ts";
import { checkExternal, checkServers } from "./server.ts";
import { checkSpoe } from "./spoe.ts";
import { checkStickTables } from "./stick-tables.ts";
import { checkBindTls } from "./tls.ts";
import { checkChains } from "./track.ts";

export function checkConfiguration(configuration: ConfigurationDraft): void {
  warnAboutMixedDefaults(configuration);
  for (const proxy of configuration.proxies) {
    if (proxy.disabled) continue;
    checkProxy(proxy, configuration);
  }
  checkChains(configuration);
  checkStickTables(configuration);
  checkGuids(configuration);
  checkErrors(configuration);
  checkCaches(configuration);
  checkUserlists(configuration);
  checkHealthchecks(configuration);
  checkRings(configuration);
  checkSpoe(configuration);
  checkBandwidth(configuration);
  resolveReferences(configuration);
  resolvePatternEdits(configuration);
}

function checkRings({ rings, ringReferences, proxies }: ConfigurationDraft): void {
  const names = rings.map(({ name }) => name);
  for (const { kind, ring, statement } of ringReferences) {
    if (kind === "backend") {
      checkLogBackend(ring, statement, proxies);
      continue;
    }
    if (names.includes(ring)) continue;
    statement.alert(
      "unknown-ring",
      `log server declared in file '${statement.location.file}' at line ${statement.location.line} uses unknown ring named '${ring}'.`,
      {
        introduction: "none",
        suggestions: suggest(ring, names),
      },
    );
  }
}

function checkLogBackend(name: string, statement: Statement, proxies: readonly ProxyDraft[]): void {
  const target = proxies.find((proxy) => proxy.name === name && hasBackend(proxy));
  if (target?.isLog) return;
  const fault = target === undefined ? "unknown" : "incompatible";
  const { file, line } = statement.location;
  const message = `log server declared in file '${file}' at line ${line} uses ${fault} log backend '${name}'.`;
  const suggestions = suggest(
    name,
    proxies.filter(({ isLog }) => isLog).map((proxy) => proxy.name),
  );
  statement.alert("unknown-log-backend", message, { introduction: "none", suggestions });
}

function checkProxy(proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const { diagnostics } = configuration;
  const who = `${kindInMessages(proxy)} '${proxy.name}'`;
  if (hasFrontend(proxy)) {
    if (proxy.binds.length === 0) {
      const message = `${who} has no 'bind' directive. Please declare it as a backend if this was intended.`;
      diagnostics.warning("no-bind", proxy.statement.place(), message, { introduction: "none" });
    }
    checkBindTls(proxy, configuration);
    checkDefaultBackend(proxy, configuration);
    for (const rule of proxy.useBackends) checkUseBackend(proxy, rule, configuration);
    checkLogFormat(proxy, configuration);
    checkOtherFormats(proxy, configuration);
    checkCaptures(proxy, configuration);
  }
  checkFilters(proxy);
  warnAboutTimeouts(proxy, who);
  warnAboutMode(proxy, who);
  if (hasBackend(proxy)) {
    // Health checks may send unique IDs.
    if (!hasFrontend(proxy)) checkOtherFormats(proxy, configuration);
    checkBalance(proxy, configuration);
    checkExternal(proxy, configuration);
    checkServers(proxy, who, configuration);
  }
}

function checkDefaultBackend(proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  if (proxy.defaultBackend === null) return;
  const { name, statement } = proxy.defaultBackend;
  const target = findBackend(name, configuration);
  const complain = complainer(statement);
  if (target === null) {
    complain("unknown-backend", `Proxy '${proxy.name}': unable to find required default_backend: '${name}'.`, {
      suggestions: nearBackends(name, configuration),
    });
  } else if (target === proxy) {
    complain("backend-loop", `Proxy '${proxy.name}': loop detected for default_backend: '${name}'.`);
  } else {
    checkModes(proxy, target, "as its default backend (see 'mode').", complain);
  }
}

function checkUseBackend(proxy: ProxyDraft, rule: UseBackendDraft, configuration: ConfigurationDraft): void {
  if (rule.format !== null) return;
  const target = findBackend(rule.name, configuration);
  const complain = complainer(rule.statement);
  if (target === null) {
    complain("unknown-backend", `Proxy '${proxy.name}': unable to find required use_backend: '${rule.name}'.`, {
      suggestions: nearBackends(rule.name, configuration),
    });
  } else if (target === proxy) {
    complain("backend-loop", `Proxy '${proxy.name}': loop detected for use_backend: '${rule.name}'.`);
  } else {
    checkModes(proxy, target, "in a 'use_backend' rule (see 'mode').", complain);
  }
}

type Complain = (code: string, message: string, details?: { suggestions?: readonly string[]; hint?: string }) => void;

/** Faults of a whole are told without an introduction, with the caret under the name that a statement gave (its second word). */
function complainer(statement: Statement): Complain {
  return (code, message, details = {}) => statement.alert(code, message, { at: 1, introduction: "none", ...details });
}

function checkModes(proxy: ProxyDraft, target: ProxyDraft, where: string, complain: Complain): void {
  if (proxy.mode === target.mode && !target.isLog) return;
  const place = (one: ProxyDraft): string => `(${one.statement.location.file}:${one.statement.location.line})`;
  const front = `${proxy.mode} ${kindInMessages(proxy)} '${proxy.name}' ${place(proxy)}`;
  const back = `${target.isLog ? "syslog" : target.mode} ${kindInMessages(target)} '${target.name}' ${place(target)}`;
  // The other way round the connection is upgraded to HTTP.
  if (proxy.mode === "http" || target.isLog)
    complain("incompatible-modes", `${front} tries to use incompatible ${back} ${where}`);
}

function nearBackends(name: string, configuration: ConfigurationDraft): string[] {
  const names = configuration.proxies.filter(hasBackend).map((proxy) => proxy.name);
  return suggest(name, names);
}

const TIMEOUTS_ADVICE =
  "\n   | While not properly invalid, you will certainly encounter various problems" +
  "\n   | with such a configuration. To fix this, please ensure that all following" +
  "\n   | timeouts are set to a non-zero value: 'client', 'connect', 'server'.";

function warnAboutTimeouts(proxy: ProxyDraft, who: string): void {
  const isSet = (name: string): boolean => (proxy.timeouts.get(name) ?? 0) > 0;
  const lacksClient = hasFrontend(proxy) && !isSet("client");
  const serverSide = isSet("server") || (proxy.mode === "tcp" && isSet("tunnel"));
  const lacksServer = hasBackend(proxy) && proxy.servers.length > 0 && !(isSet("connect") && serverSide);
  if (proxy.isLog || (!lacksClient && !lacksServer)) return;
  proxy.statement.warning("missing-timeouts", `missing timeouts for ${who}.${TIMEOUTS_ADVICE}`, {
    introduction: "none",
  });
}

/** A defaults section that is named by `from` and also taken because it is the last one before some other proxy. */
function warnAboutMixedDefaults(configuration: ConfigurationDraft): void {
  const isExplicit = (proxy: ProxyDraft): boolean => proxy.statement.text(2) === "from";
  const explicit = new Set(configuration.proxies.filter(isExplicit).map((proxy) => proxy.defaults));
  const told = new Set<ProxyDraft>();
  for (const proxy of configuration.proxies) {
    const { defaults } = proxy;
    if (defaults === null || isExplicit(proxy) || !explicit.has(defaults) || told.has(defaults)) continue;
    told.add(defaults);
    const { file, line } = defaults.statement.location;
    const message =
      `defaults section '${defaults.name}' (declared at ${file}:${line}) is explicitly referenced by another proxy and implicitly ` +
      "used here. To avoid any ambiguity don't mix both usage. Add a last defaults section not explicitly used or always use " +
      "explicit references.";
    proxy.statement.warning("mixed-defaults", message);
  }
}
