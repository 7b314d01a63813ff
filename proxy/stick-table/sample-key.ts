// The key that a sample expression gives to a table.

import type { SamplePlan } from "../plan/expression.ts";
import type { SampleContext } from "../sample/context.ts";
import { compileSample } from "../sample/expression.ts";
import type { Stream } from "../stream/stream.ts";
import { KEY_SAMPLES, KEY_SETTERS } from "./key.ts";
import type { StickTable } from "./table.ts";

const PASS = 2;

/** Sets the table's key; false: there is no such sample, or it is none for this table. */
export type SetKey = (stream: Stream) => boolean;

export function compileKey(sample: SamplePlan, table: StickTable, ctx: SampleContext): SetKey {
  const { first } = compileSample(sample, ctx, false, KEY_SAMPLES[table.plan.keyType]);
  const { value } = ctx;
  const set = KEY_SETTERS[table.plan.keyType];
  return (stream) => {
    if (first(stream) !== PASS) return false;
    set(table, value);
    return true;
  };
}
