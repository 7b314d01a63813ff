// The rules of a section while it is being read (draft.ts has the section).

import type { RulePlan, RulesPlan } from "../plan/rules.ts";
import type { Statement } from "./statement.ts";

/** The rule sets of a proxy, as the plan has them. */
export type RulesDraft = { readonly [Set in keyof RulesPlan]: RulePlan[] };

/** A rule of a `defaults` section as written, and the set it belongs to. */
export interface RuleStatement {
  readonly statement: Statement;
  readonly ruleSet: string;
}

export function newRules(): RulesDraft {
  return {
    ...{ tcpRequestConnection: [], tcpRequestSession: [], tcpRequestContent: [], tcpResponseContent: [] },
    ...{ httpRequest: [], httpResponse: [], httpAfterResponse: [], redirect: [] },
  };
}

/** The rules of a proxy behind those of its `defaults` section, and the SPOE events of its filters in front of all. */
export function joinRules(events: RulesDraft | null, inherited: RulesDraft, own: RulesDraft): RulesPlan {
  const keys = Object.keys(own) as (keyof RulesPlan)[];
  return Object.fromEntries(
    keys.map((key) => [key, [...(events?.[key] ?? []), ...inherited[key], ...own[key]]]),
  ) as unknown as RulesPlan;
}
