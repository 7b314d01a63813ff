// Names of variables: `txn.user`. The part before the dot is the scope; with a `p` in front (`ptxn`) it is that of a parent stream, which
// only filters of HAProxy have: such a variable is never there.

import { VARIABLE_CONDITIONS, VARIABLE_SCOPES, type VariableCondition, type VariableScope } from "../plan/variables.ts";

export interface VariableName {
  readonly scope: VariableScope;
  readonly name: string;
  readonly ofParent: boolean;
}

const SCOPES_TEXT = "The scope can be 'proc', '(p)sess', '(p)txn', '(p)req', '(p)res' or 'check'.";

/** The name's parts, or what HAProxy says of it. */
export function parseVariableName(text: string): VariableName | string {
  if (text === "") return "Empty variable name cannot be accepted";
  const [, parent = "", scope = "", name = ""] = /^(p(?=sess|txn|req|res))?([^.]*)\.(.*)$/s.exec(text) ?? [];
  if (!(VARIABLE_SCOPES as readonly string[]).includes(scope) || name === "") {
    return `invalid variable name '${text}'. A variable name must start with its scope. ${SCOPES_TEXT}`;
  }
  const wrong = /[^A-Za-z0-9_.]/.exec(name);
  if (wrong !== null) return `invalid syntax at char '${wrong[0]}'`;
  return { scope: scope as VariableScope, name, ofParent: parent !== "" };
}

/** What HAProxy says of the conditions, null: all are known. */
export function conditionProblem(conditions: readonly string[]): string | null {
  const wrong = conditions.find((text) => text !== "" && !isCondition(text));
  return wrong === undefined ? null : `unknown condition "${wrong}"`;
}

export function isCondition(text: string): text is VariableCondition {
  return (VARIABLE_CONDITIONS as readonly string[]).includes(text);
}
