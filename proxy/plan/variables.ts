// Variables as data: their names and scopes, what `global` says of them. Read by config/, control/ and the workers alike.

import type { SamplePlan } from "./expression.ts";
import type { LogNodePlan } from "./log.ts";

/** Who has the variable, from the widest to the narrowest; `check` ones belong to health checks. */
export const VARIABLE_SCOPES = ["proc", "sess", "txn", "req", "res", "check"] as const;
export type VariableScope = (typeof VARIABLE_SCOPES)[number];

/** Conditions of `set-var(<name>,<condition>…)`, all of which must hold. */
export const VARIABLE_CONDITIONS = [
  ...(["ifexists", "ifnotexists", "ifempty", "ifnotempty", "ifset", "ifnotset", "ifgt", "iflt"] as const),
] as const;
export type VariableCondition = (typeof VARIABLE_CONDITIONS)[number];

export interface VariablesPlan {
  /** Names of scope proc, without it, that the configuration mentions: they exist from the start. */
  readonly proc: readonly string[];
  /** `set-var` and `set-var-fmt` in `global`, in their order. */
  readonly initial: readonly { readonly name: string; readonly value: SamplePlan | readonly LogNodePlan[] }[];
  /** `tune.vars.*-max-size` in bytes, 0: no limit. A wider scope counts what the narrower ones in it hold. */
  readonly limits: {
    readonly global: number;
    readonly proc: number;
    readonly sess: number;
    readonly txn: number;
    readonly reqres: number;
  };
}

export const NO_VARIABLES: VariablesPlan = {
  ...{ proc: [], initial: [] },
  limits: { global: 0, proc: 0, sess: 0, txn: 0, reqres: 0 },
};
