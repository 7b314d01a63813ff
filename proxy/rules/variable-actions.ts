// set-var, set-var-fmt and unset-var. None of them ends a rule set: a sample without a value sets nothing.

import type { SamplePlan } from "../plan/expression.ts";
import type { LogNodePlan } from "../plan/log.ts";
import { compileSample } from "../sample/expression.ts";
import { TYPE } from "../sample/types.ts";
import { conditionsOf } from "../variables/variables.ts";
import type { RuleParts } from "./parts.ts";
import { type Action, VERDICT } from "./verdict.ts";

const CONTINUE = VERDICT.continue;
const PASS = 2;
const STR = TYPE.str;

export function compileSetVariable(
  { samples }: RuleParts,
  name: string,
  sample: SamplePlan,
  conditions: readonly string[],
): Action {
  const { value, variables } = samples;
  const variable = variables.find(name);
  const bits = conditionsOf(conditions);
  const { first } = compileSample(sample, samples, false);
  return (stream) => {
    if (first(stream) === PASS) variables.set(variable, stream, value, bits);
    return CONTINUE;
  };
}

export function compileSetVariableFormat(
  { samples, values }: RuleParts,
  name: string,
  format: readonly LogNodePlan[],
  conditions: readonly string[],
): Action {
  const { value, variables } = samples;
  const variable = variables.find(name);
  const bits = conditionsOf(conditions);
  const text = values.compileBody(format);
  return (stream) => {
    if (!text.evaluate(stream)) return CONTINUE;
    value.type = STR;
    value.bytes = text.bytes;
    value.start = 0;
    value.end = text.length;
    variables.set(variable, stream, value, bits);
    return CONTINUE;
  };
}

export function compileUnsetVariable({ samples }: RuleParts, name: string): Action {
  const { variables } = samples;
  const variable = variables.find(name);
  return (stream) => {
    variables.unset(variable, stream);
    return CONTINUE;
  };
}
