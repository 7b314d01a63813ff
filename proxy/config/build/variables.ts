// The variables of the plan: which names of scope proc it mentions, what `global` sets, and the limits.

import type { VariablesPlan } from "../../plan/variables.ts";
import type { GlobalDraft } from "../draft-global.ts";

const PROC_NAME = /^proc\.([A-Za-z0-9_.]+)$/;

/** @param plan everything else: names stand in it as texts of their own, wherever expressions and rules do */
export function buildVariables(plan: object, { variables, numbers }: GlobalDraft): VariablesPlan {
  const names = new Set(variables.map(({ name }) => name));
  collect(plan, names);
  collect(variables, names);
  const limit = (scope: string): number => numbers.get(`tune.vars.${scope}-max-size`) ?? 0;
  return {
    proc: [...names],
    initial: variables,
    limits: {
      global: limit("global"),
      proc: limit("proc"),
      sess: limit("sess"),
      txn: limit("txn"),
      reqres: limit("reqres"),
    },
  };
}

function collect(value: unknown, names: Set<string>): void {
  if (typeof value === "string") {
    const name = PROC_NAME.exec(value)?.[1];
    if (name !== undefined) names.add(name);
  } else if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) {
    for (const part of Object.values(value)) collect(part, names);
  }
}
