// `use_backend` and `monitor fail`: statements with a condition that decide where a request goes.

import type { LogNodePlan } from "../../plan/log.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import { parseLogFormat } from "../expression/log-format.ts";
import type { Statement } from "../statement.ts";
import { parseConditionOf, rememberReferences } from "./condition.ts";

/** `use_backend <backend> [{ if | unless } <condition>]` */
export function useBackend(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const name = statement.text(1);
  if (name === "") {
    statement.alert("missing-argument", "'use_backend' expects a backend name.", { at: 1 });
    return;
  }
  let format: readonly LogNodePlan[] | null = null;
  if (name.includes("%")) {
    format = formatOf(statement, proxy, configuration, name);
    if (format === null) return;
  }
  const word = statement.text(2);
  if (word === "") {
    proxy.useBackends.push({ name, format, condition: null, statement });
    return;
  }
  if (word !== "if" && word !== "unless") {
    const message = `unexpected keyword '${word}' after switching rule, only 'if' and 'unless' are allowed.`;
    statement.alert("missing-condition", message, { at: 2, expected: "'if' or 'unless', then a condition" });
    return;
  }
  const condition = parseConditionOf(statement, 2, proxy, configuration, {
    context: "useBackend",
    missing: null,
    broken: "error detected while parsing switching rule",
  });
  if (condition !== null) proxy.useBackends.push({ name, format, condition, statement });
}

/** A name made for each stream; null after a report. A constant one is a format without variable parts. */
function formatOf(
  statement: Statement,
  proxy: ProxyDraft,
  configuration: ConfigurationDraft,
  text: string,
): readonly LogNodePlan[] | null {
  const parsed = parseLogFormat(text, { keepsBlanks: true, missing: () => null });
  if (!parsed.ok) {
    const message = `'${statement.text(0)} ${text}' : ${parsed.message}`;
    statement.alert("bad-format", message, { at: 1, suggestions: parsed.suggestions ?? [] });
    return null;
  }
  rememberReferences(statement, proxy, configuration, "log-format", parsed.references);
  return parsed.nodes;
}

/** `use-server <server> { if | unless } <condition>` */
export function useServer(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const name = statement.text(1);
  if (name === "") {
    statement.alert("missing-argument", "'use-server' expects a server name.", { at: 1 });
    return;
  }
  const format = name.includes("%") ? formatOf(statement, proxy, configuration, name) : null;
  if (name.includes("%") && format === null) return;
  const condition = parseConditionOf(statement, 2, proxy, configuration, {
    context: "balance",
    missing: "'use-server' requires either 'if' or 'unless' followed by a condition.",
    broken: "error detected while parsing switching rule",
  });
  if (condition !== null) proxy.useServers.push({ name, format, condition, statement });
}

/** `force-be-switch { if | unless } <condition>` */
export function forceSwitch(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const condition = parseConditionOf(statement, 1, proxy, configuration, {
    context: "useBackend",
    missing: "'force-be-switch' requires either 'if' or 'unless' followed by a condition.",
    broken: "error detected while parsing a 'force-be-switch' rule",
  });
  if (condition !== null) proxy.forceSwitches.push(condition);
}

/** `be-unpublished`: content switching passes the backend over until it is published. */
export function unpublished(statement: Statement, proxy: ProxyDraft): void {
  if (statement.takesAtMost(0)) proxy.options.set("be-unpublished", true);
}

/** `monitor fail { if | unless } <condition>` */
export function monitorFail(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  if (proxy.useBackends.length > 0) {
    const message = "a 'monitor fail' rule placed after a 'use_backend' rule will still be processed before.";
    statement.warning("order", message);
  }
  const condition = parseConditionOf(statement, 2, proxy, configuration, {
    context: "frontendHttpRequest",
    missing: "'monitor fail' requires either 'if' or 'unless' followed by a condition.",
    broken: "error detected while parsing a 'monitor fail' condition",
  });
  if (condition !== null) proxy.monitorFails.push(condition);
}
