// All rules of a configuration in one order, so that a stream can keep which one decided last as a number.

import type { Plan, SourceLocation } from "../plan/plan.ts";
import type { RulePlan, RuleSetKey } from "../plan/rules.ts";

const SETS: readonly RuleSetKey[] = [
  ...(["tcpRequestConnection", "tcpRequestSession", "tcpRequestContent", "tcpResponseContent"] as const),
  ...(["httpRequest", "httpResponse", "httpAfterResponse", "redirect"] as const),
];

/** All rules in one order: what Stream.finalRule numbers. */
export function finalRules({ proxies }: Plan): RulePlan[] {
  return proxies.flatMap(({ rules }) => SETS.flatMap((key) => rules[key]));
}

/** Where each of them was written, for last_rule_file and last_rule_line. */
export function ruleLocations(plan: Plan): SourceLocation[] {
  return finalRules(plan).map(({ at }) => at);
}
