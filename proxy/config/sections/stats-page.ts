// `stats …` in a proxy: the statistics page. Every keyword but `stats admin` also switches the page on, as in HAProxy.

import type { ConditionPlan } from "../../plan/expression.ts";
import { parseTime } from "../arguments.ts";
import { type ConfigurationDraft, newStats, type ProxyDraft, type StatsDraft } from "../draft.ts";
import type { Statement } from "../statement.ts";
import { timeProblem } from "../values.ts";
import { parseConditionOf } from "./condition.ts";

type Setter = (stats: StatsDraft, statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft) => void;

/** Makes a proxy parser of a setter: the page exists from then on. */
function setting(setter: Setter) {
  return (statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void => {
    proxy.stats ??= newStats(statement);
    setter(proxy.stats, statement, proxy, configuration);
  };
}

export const enable = setting(() => {});

export const hideVersion = setting((stats) => {
  stats.hideVersion = true;
});

export const showLegends = setting((stats) => {
  stats.showLegends = true;
});

export const showModules = setting((stats) => {
  stats.showModules = true;
});

export const uri = setting((stats, statement) => {
  if (statement.has(2)) stats.uri = statement.text(2);
  else statement.alert("missing-argument", "'uri' needs an URI prefix.", { at: 2, expected: "a path such as /stats" });
});

export const realm = setting((stats, statement) => {
  if (statement.has(2)) stats.realm = statement.text(2);
  else statement.alert("missing-argument", "'realm' needs an realm name.", { at: 2 });
});

export const auth = setting((stats, statement) => {
  const account = statement.text(2);
  if (account === "") {
    const expected = "a user and password as user:password";
    statement.alert("missing-argument", "'auth' needs a user:password account.", { at: 2, expected });
    return;
  }
  const colon = account.indexOf(":");
  const user = colon < 0 ? account : account.slice(0, colon);
  stats.auth.push({ user, password: colon < 0 ? "" : account.slice(colon + 1) });
});

export const scope = setting((stats, statement, proxy) => {
  if (!statement.has(2)) statement.alert("missing-argument", "'scope' needs a proxy name.", { at: 2 });
  else stats.scope.push(statement.text(2) === "." ? proxy.name : statement.text(2));
});

export const refresh = setting((stats, statement) => {
  const parsed = parseTime(statement.text(2), "s");
  if (parsed.ok) {
    stats.refreshSeconds = parsed.value.value;
    return;
  }
  const message =
    parsed.problem.kind === "character" || parsed.problem.kind === "empty"
      ? `unexpected character '${parsed.problem.character}' in argument to stats refresh interval.`
      : timeProblem(parsed.problem, statement.text(2), "stats refresh");
  statement.alert("bad-time", message, { at: 2, introduction: "tight", expected: "a time such as 10s" });
});

export const showNode = setting((stats, statement) => {
  const name = statement.text(2);
  if (/^[A-Za-z0-9_.-]*$/.test(name)) {
    stats.showNode = name;
    return;
  }
  const message =
    "'stats show-node' invalid node name - should be a stringwith digits(0-9), letters(A-Z, a-z), hyphen(-) or underscode(_).";
  statement.alert("bad-name", message, { at: 2, introduction: "tight" });
});

export const showDescription = setting((stats, statement, _proxy, { global }) => {
  const text = statement.textsFrom(2).join(" ");
  if (text === "" && !global.texts.has("description")) {
    const message = "'show-desc' requires a parameter or 'desc' to be set in the global section.";
    statement.warning("missing-argument", message, { introduction: "tight" });
  } else {
    stats.showDescription = text;
  }
});

/** `stats admin { if | unless } <condition>` */
export function admin(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const condition = parseConditionOf(statement, 2, proxy, configuration, {
    context: "backendHttpRequest",
    missing: "'stats admin' requires either 'if' or 'unless' followed by a condition.",
    broken: "error detected while parsing a 'stats admin' rule",
  });
  if (condition === null) return;
  proxy.stats ??= newStats(statement);
  const conditions: ConditionPlan[] = proxy.stats.admin ?? [];
  conditions.push(condition);
  proxy.stats.admin = conditions;
}

/** `stats http-request { allow | deny | auth [realm <realm>] } [ { if | unless } <condition> ]` */
export function httpRequest(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const action = statement.text(2);
  if (action !== "allow" && action !== "deny" && action !== "auth") {
    const got = action === "" ? "'' (missing argument)" : `'${action}'`;
    statement.alert("unknown-keyword", `'http-request' expects 'allow', 'deny' or 'auth', but got ${got}.`, { at: 2 });
    return;
  }
  let at = 3;
  let realm: string | null = null;
  if (action === "auth" && statement.text(at) === "realm") {
    if (!statement.has(at + 1)) {
      const message = `error detected in ${proxy.kind} '${proxy.name}' while parsing 'http-request auth' rule : missing realm value.`;
      statement.alert("missing-argument", message, { at: at + 1 });
      return;
    }
    realm = statement.text(at + 1);
    at += 2;
  }
  let condition: ConditionPlan | null = null;
  if (statement.has(at)) {
    condition = parseConditionOf(statement, at, proxy, configuration, {
      context: "backendHttpRequest",
      missing: `'http-request ${action}' expects either 'if' or 'unless' followed by a condition but found '${statement.text(at)}'.`,
      broken: `error detected in ${proxy.kind} '${proxy.name}' while parsing 'http-request ${action}' rule`,
    });
    if (condition === null) return;
  }
  proxy.stats ??= newStats(statement);
  proxy.stats.httpRequest.push({ action, realm, condition });
}
