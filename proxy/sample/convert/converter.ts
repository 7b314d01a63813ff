// The shape of a compiled converter.

import type { ConditionPlan } from "../../plan/expression.ts";
import type { Stream } from "../../stream/stream.ts";
import type { SampleContext } from "../context.ts";
import type { SampleValue } from "../value.ts";

/**
 * Changes the value in place; false: the sample counts as not found. The value has the type that the signature asks for. Bytes go to
 * `value.scratch()`, since the value's own may be the arena's or the configuration's; what does not fit there is not found either.
 */
export type Converter = (value: SampleValue, stream: Stream) => boolean;

/** Builds a converter for its arguments. */
export type ConverterCompiler = (
  ctx: SampleContext,
  args: readonly (string | number)[],
  condition?: ConditionPlan,
) => Converter;
