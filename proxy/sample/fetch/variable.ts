// `var(<name>[,<default>])`: the value of a variable, of the type that it was set with; else the default, as text.

import { TYPE } from "../types.ts";
import { textBytes } from "../value.ts";
import { type FetchCompiler, single, stringArgument } from "./fetch.ts";

const FAIL = 0;
const PASS = 2;
const STR = TYPE.str;

const variable: FetchCompiler = (ctx, plan) => {
  const { value, variables } = ctx;
  const found = variables.find(stringArgument(plan, 0));
  const otherwise = plan.arguments.length > 1 ? textBytes(stringArgument(plan, 1)) : null;
  return single((stream) => {
    if (variables.get(found, stream, value)) return PASS;
    if (otherwise === null) return FAIL;
    value.type = STR;
    value.bytes = otherwise;
    value.start = 0;
    value.end = otherwise.length;
    return PASS;
  });
};

/** By canonical name, see fetches.table.ts. */
export const VARIABLE_FETCHES: Readonly<Record<string, FetchCompiler>> = { var: variable };
