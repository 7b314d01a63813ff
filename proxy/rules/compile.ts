// One generated function per rule set: a call for each condition, a call for each action, in the order of the configuration.
//
//   http-request set-header x 1             a0(stream)
//   http-request deny if { path /x }   ──▶  if (c1(stream) === 2 && (verdict = a1(stream)) !== 0) return verdict;
//   http-request allow if local             if (c2(stream) === 2) return 0;
//
// Generated for the reason given in acl/condition.ts: every call site sees one function, so V8 inlines what it calls. The source is
// made of fixed fragments and small integers; what comes from the configuration enters as arguments, never as text.
//
// A rule may have to wait: for data that its condition misses (tcp-request content), or because its action says so (wait-for-body). The
// function then notes in `stream.ruleAt` where it goes on: 2 n at the condition of rule n, 2 n + 1 at its action, and is later called with
// that number. Only rules that can wait are such places, so that others pay nothing for it:
//
//   case 6: case 7:
//     if (from !== 7) { r = c3(stream); if (r === 1) { stream.ruleAt = 6; return 2; } }
//     …

import { compileCondition } from "../acl/condition.ts";
import type { ActionPlan, RulePlan } from "../plan/rules.ts";
import type { SampleContext } from "../sample/context.ts";
import type { Stream } from "../stream/stream.ts";
import type { Action } from "./verdict.ts";

/** Evaluates the rules for a stream from the place `from` on (0: the beginning) and gives a VERDICT. */
export type RuleSet = (stream: Stream, from: number) => number;

/** Actions that have a function. */
export type CompiledActionPlan = Exclude<ActionPlan, { readonly kind: "allow" }>;

export interface RuleSetOptions {
  readonly samples: SampleContext;
  /** Makes an action's function; `allow` never comes there. */
  readonly compileAction: (action: CompiledActionPlan, rule: RulePlan) => Action;
  /** Conditions may miss data that is still to come: then the rules wait. Elsewhere what is not there counts as missing. */
  readonly mayMiss: boolean;
  /** The number under which the rule stands among all final rules (Stream.finalRule). */
  readonly numberOf: (rule: RulePlan) => number;
}

/** Actions that can ask for a wait. */
const WAITING: ReadonlySet<ActionPlan["kind"]> = new Set<ActionPlan["kind"]>([
  "wait-for-body",
  "pause",
  "tarpit",
  "spoe",
]);

/** Actions that end the evaluation: what last_rule_file and last_rule_line tell of. Noted before they act, because they may log. */
const FINAL: ReadonlySet<ActionPlan["kind"]> = new Set<ActionPlan["kind"]>([
  ...(["allow", "deny", "return", "redirect", "reject", "tarpit", "silent-drop", "auth"] as const),
]);

/** @returns null when there are no rules */
export function compileRuleSet(rules: readonly RulePlan[], options: RuleSetOptions): RuleSet | null {
  if (rules.length === 0) return null;
  const functions: unknown[] = [];
  const lines: string[] = [];
  const use = (fn: unknown): string => `f${functions.push(fn) - 1}`;
  for (const [index, rule] of rules.entries()) lines.push(ruleSource(rule, index, use, options));
  const names = functions.map((_, index) => `const f${index} = f[${index}];`);
  const source = `"use strict";
${names.join("\n")}
return function ruleSet(stream, from) {
let verdict = 0;
switch (from) {
case 0:
${lines.join("\n")}
}
return 0;
};`;
  return new Function("f", source)(functions) as RuleSet;
}

function ruleSource(
  rule: RulePlan,
  index: number,
  use: (fn: unknown) => string,
  { samples, compileAction, mayMiss, numberOf }: RuleSetOptions,
): string {
  const { action, condition } = rule;
  const before = FINAL.has(action.kind) ? `stream.finalRule = ${numberOf(rule)}; ` : "";
  const act = action.kind === "allow" ? null : use(compileAction(action, rule));
  const waits = WAITING.has(action.kind) || (mayMiss && action.kind === "track-sc");
  const misses = mayMiss && condition !== null;
  const [atCondition, atAction] = [2 * index, 2 * index + 1];
  const test = condition === null ? null : use(compileCondition(condition, samples, mayMiss ? "may-miss" : "final"));
  const places = `${misses && index > 0 ? `case ${atCondition}: ` : ""}${waits ? `case ${atAction}: ` : ""}`;
  const miss = misses ? `if (verdict === 1) { stream.ruleAt = ${atCondition}; return 2; } ` : "";
  const evaluate = test === null ? "" : `verdict = ${test}(stream); ${miss}`;
  const skip = waits && test !== null ? `if (from === ${atAction}) verdict = 2; else { ${evaluate}} ` : evaluate;
  const when = test === null ? "" : "if (verdict === 2) ";
  const note = waits ? `if (verdict === 2) stream.ruleAt = ${atAction}; ` : "";
  const body =
    act === null
      ? `{ ${before}return 0; }`
      : `{ ${before}verdict = ${act}(stream); ${note}if (verdict !== 0) return verdict; }`;
  // Once resumed, later rules are new ground: `from` must not let them skip their conditions.
  return `${places}${skip}${when}${body}${waits ? " from = 0;" : ""}`;
}
