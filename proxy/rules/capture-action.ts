// `capture <sample> len <bytes>` and `capture <sample> id <idx>`: the sample, as text, into a slot of the stream's frontend.

import type { SamplePlan } from "../plan/expression.ts";
import { compileSample } from "../sample/expression.ts";
import type { RuleParts } from "./parts.ts";
import { type Action, VERDICT } from "./verdict.ts";

const CONTINUE = VERDICT.continue;
const PASS = 2;

export function compileCapture({ samples, isResponse }: RuleParts, sample: SamplePlan, index: number): Action {
  const { captures, value } = samples;
  const { first } = compileSample(sample, samples, false, "str");
  return (stream) => {
    if (first(stream) === PASS) captures.store(stream, isResponse, index, value.bytes, value.start, value.end);
    return CONTINUE;
  };
}
