// Rules: the lines of all rule sets (`http-request`, `tcp-request content` …) with their actions, and `redirect`. Which word is which action is asked of
// ../keywords/action.ts; the arguments of the actions are read in rules/.
//
//   http-request set-header X-Id %[src] if { path /x }
//   └ rule set   └ action (rules/header.ts)  └ condition

import { Diagnostics } from "../../../shared/diagnostic/diagnostic.ts";
import { suggest } from "../../../shared/diagnostic/suggest.ts";
import type { ConditionPlan } from "../../plan/expression.ts";
import type { ActionPlan, RulePlan, RuleSetKey } from "../../plan/rules.ts";
import { parseTime } from "../arguments.ts";
import { type ConfigurationDraft, kindInMessages, type ProxyDraft } from "../draft.ts";
import { ACTION_KEYWORDS, type ActionKeyword, actionsOf, RULE_SETS } from "../keywords/action.ts";
import { type Keyword, REFERENCE_PAGE } from "../keywords/keyword.ts";
import type { RulesDraft } from "../rules-draft.ts";
import { Statement } from "../statement.ts";
import type { ProxyParser } from "./basics.ts";
import { type ConditionWording, parseConditionOf } from "./condition.ts";
import { redirectAction } from "./rules/redirect.ts";
import { RuleReader } from "./rules/rule-reader.ts";

/** Actions whose name goes on in the word: `track-sc0`, `set-var(txn.x)`, `lua.x`. */
function actionName(word: string): string {
  return word.replace(/\(.*$/, "").replace(/^track-sc\d+$/, "track-sc");
}

/** The action that the statement names, when its rule set has it. */
function actionOf(statement: Statement, ruleSet: string): ActionKeyword | null {
  const action = ACTION_KEYWORDS.get(actionName(statement.text(ruleSet.split(" ").length)));
  return action?.ruleSets.includes(ruleSet) ? action : null;
}

/** True when the keyword is a rule set and its action or the set itself is not served; then the statement has been reported. */
export function reportRule<Parse>(statement: Statement, keyword: Keyword<Parse>): boolean {
  if (!RULE_SETS.includes(keyword.name)) return false;
  const action = actionOf(statement, keyword.name);
  if (action === null) {
    reportUnknownAction(statement, keyword.name);
    return true;
  }
  if (keyword.standing === "served" && action.parse !== null) return false;
  const message = `the action '${keyword.name} ${action.name}' is known to HAProxy but not served by ringway yet`;
  statement.alert("unserved", message, {
    at: keyword.name.split(" ").length,
    hint: `${keyword.remark} All actions: ${REFERENCE_PAGE}.`,
  });
  return true;
}

function reportUnknownAction(statement: Statement, ruleSet: string): void {
  const at = ruleSet.split(" ").length;
  const word = statement.text(at);
  const known = actionsOf(ruleSet);
  const [best, ...suggestions] = suggest(actionName(word), known);
  const got = word === "" ? "'' (missing argument)." : `'${word}'.`;
  const proposal = best === undefined ? "" : ` Did you mean '${best}' maybe ?`;
  const message = `'${ruleSet}' expects ${known.map((name) => `'${name}'`).join(", ")}, but got ${got}${proposal}`;
  statement.alert("unknown-action", message, { at, suggestions, introduction: "tight" });
}

/** The rule sets by the words that begin their lines. */
const KEYS = {
  "tcp-request connection": "tcpRequestConnection",
  "tcp-request session": "tcpRequestSession",
  "tcp-request content": "tcpRequestContent",
  "tcp-response content": "tcpResponseContent",
  "http-request": "httpRequest",
  "http-response": "httpResponse",
  "http-after-response": "httpAfterResponse",
} as const satisfies Readonly<Record<string, RuleSetKey>>;

/** A line of the rule set: `http-request <action> …`, `tcp-request content <action> …` and so on. */
export function ruleOf(ruleSet: keyof typeof KEYS): ProxyParser {
  return (statement, proxy, configuration) => {
    if (proxy.kind === "defaults") proxy.ruleStatements.push({ statement, ruleSet });
    warnAboutPlace(statement, proxy, ruleSet, proxy.rules[KEYS[ruleSet]]);
    readRule(statement, proxy, configuration, ruleSet, proxy.rules);
  };
}

/** Reads the rules of the `defaults` section that a proxy inherits from, as its own and in front of them. What is wrong with them has been told. */
export function inheritRules(proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const silent = new Diagnostics();
  for (const { statement, ruleSet } of proxy.defaults?.ruleStatements ?? []) {
    const copy = new Statement(statement.line, silent);
    readRule(copy, proxy, configuration, ruleSet as keyof typeof KEYS, proxy.inheritedRules);
  }
}

function readRule(
  statement: Statement,
  proxy: ProxyDraft,
  configuration: ConfigurationDraft,
  ruleSet: keyof typeof KEYS,
  into: RulesDraft,
): void {
  const reader = new RuleReader(statement, proxy, configuration, ruleSet);
  const rules = into[KEYS[ruleSet]];
  const action = actionOf(statement, ruleSet)?.parse?.(reader) ?? null;
  if (action === null) return;
  const name = `${ruleSet} ${reader.actionWord}`;
  if (!reader.isAtEnd) {
    const message = reader.isTcp
      ? `'${name}' only accepts 'if' or 'unless', in ${who(proxy)} (got '${reader.word}')`
      : `'${name}' expects either 'if' or 'unless' followed by a condition but found '${reader.word}'.`;
    statement.alert("missing-condition", message, {
      at: reader.at,
      introduction: reader.isTcp ? "spaced" : "tight",
      expected: "'if' or 'unless', then a condition",
    });
    return;
  }
  addRule(reader, rules, action, { context: reader.context, missing: null, ...brokenCondition(reader, name, action) });
}

/** How a fault of the rule's condition is introduced. */
function brokenCondition(
  { isTcp, proxy, word }: RuleReader,
  name: string,
  action: ActionPlan,
): Pick<ConditionWording, "broken" | "separator"> {
  if (isTcp) return { broken: `'${name}' : error detected in ${who(proxy)} while parsing '${word}' condition` };
  if (action.kind !== "redirect") return { broken: `error detected while parsing an '${name}' condition` };
  return {
    broken: `error detected in ${who(proxy)} while parsing '${name}' rule : error in condition`,
    separator: ": ",
  };
}

/** `tcp-request inspect-delay <timeout>`, `tcp-response inspect-delay <timeout>` */
export function inspectDelay(statement: Statement, proxy: ProxyDraft): void {
  const keyword = statement.textsOf(2);
  const text = statement.text(2);
  const parsed = parseTime(text, "ms");
  if (text === "" || !parsed.ok) {
    const wrong = !parsed.ok && parsed.problem.kind !== "overflow" ? parsed.problem.character : "";
    const character = text === "" || wrong === "" ? "" : ` (unexpected character '${wrong}')`;
    const message = `'${keyword}' expects a positive delay in milliseconds, in ${who(proxy)}${character}`;
    statement.alert("bad-time", message, { at: 2, expected: "a time such as 10s" });
    return;
  }
  proxy.timeouts.set(keyword, parsed.value.value);
}

/** `redirect { location | prefix | scheme } …` */
export function redirectRule(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const reader = new RuleReader(statement, proxy, configuration, "redirect");
  if (proxy.useBackends.length > 0) warnAboutOrder(statement, "redirect", "use_backend");
  const action = redirectAction(reader);
  if (action === null) return;
  addRule(reader, proxy.rules.redirect, action, {
    context: reader.context,
    missing: null,
    broken: `error detected in ${who(proxy)} while parsing redirect rule : error in condition`,
    separator: ": ",
  });
}

function who(proxy: ProxyDraft): string {
  return `${kindInMessages(proxy)} '${proxy.name}'`;
}

function addRule(reader: RuleReader, rules: RulePlan[], action: ActionPlan, wording: ConditionWording): void {
  const { statement, proxy, configuration } = reader;
  let condition: ConditionPlan | null = null;
  if (reader.word !== "") {
    condition = parseConditionOf(statement, reader.at, proxy, configuration, wording);
    if (condition === null) return;
  }
  rules.push({ action, condition, at: statement.location });
}

function isFinal(action: ActionPlan): boolean {
  return FINAL.has(action.kind) && !(action.kind === "redirect" && action.redirect.ignoreEmpty);
}

/** Actions behind which, without a condition, nothing of the set is evaluated any more. */
const FINAL: ReadonlySet<ActionPlan["kind"]> = new Set(["allow", "deny", "return", "redirect"]);

function warnAboutPlace(statement: Statement, proxy: ProxyDraft, ruleSet: string, rules: readonly RulePlan[]): void {
  if (ruleSet.startsWith("tcp-request")) warnAboutTcpPlace(statement, proxy, ruleSet);
  if (ruleSet === "http-request") {
    if (proxy.rules.redirect.length > 0) warnAboutOrder(statement, ruleSet, "redirect");
    else if (proxy.useBackends.length > 0) warnAboutOrder(statement, ruleSet, "use_backend");
  }
  const last = rules[rules.length - 1];
  if (last === undefined || last.condition !== null || !isFinal(last.action)) return;
  if (ruleSet.startsWith("tcp-")) return;
  const message = `previous '${ruleSet}' action is final and has no condition attached, further entries are NOOP.`;
  statement.warning("never-reached", message, { introduction: "tight" });
}

/** The sets in which HAProxy evaluates them, whatever their order in the file. */
function warnAboutTcpPlace(statement: Statement, proxy: ProxyDraft, ruleSet: string): void {
  const { rules } = proxy;
  const later: readonly (readonly [string, boolean])[] = [
    ["tcp-request session", ruleSet === "tcp-request connection" && rules.tcpRequestSession.length > 0],
    ["tcp-request content", ruleSet !== "tcp-request content" && rules.tcpRequestContent.length > 0],
    ["http-request", rules.httpRequest.length > 0],
    ["redirect", rules.redirect.length > 0],
    ["use_backend", proxy.useBackends.length > 0],
  ];
  const before = later.find(([, isThere]) => isThere);
  if (before !== undefined) warnAboutOrder(statement, ruleSet, before[0]);
}

function warnAboutOrder(statement: Statement, ruleSet: string, before: string): void {
  const message = `a '${ruleSet}' rule placed after a '${before}' rule will still be processed before.`;
  statement.warning("order", message);
}
