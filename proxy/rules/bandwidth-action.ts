// `set-bandwidth-limit`: switches a filter of the proxy on for the stream (bandwidth/bandwidth.ts). An expression without a value leaves the filter's.

import type { SamplePlan } from "../plan/expression.ts";
import type { ActionPlan } from "../plan/rules.ts";
import { compileSample } from "../sample/expression.ts";
import { compileKey } from "../stick-table/sample-key.ts";
import type { Stream } from "../stream/stream.ts";
import type { RuleParts } from "./parts.ts";
import { type Action, VERDICT } from "./verdict.ts";

const CONTINUE = VERDICT.continue;
const PASS = 2;

function compileAmount(
  { samples }: RuleParts,
  value: number | SamplePlan | null,
  otherwise: number,
): (stream: Stream) => number {
  if (value === null) return () => otherwise;
  if (typeof value === "number") return () => value;
  const { first } = compileSample(value, samples, false, "sint");
  return (stream) => (first(stream) === PASS && samples.value.int > 0 ? samples.value.int : otherwise);
}

export function compileSetBandwidth(
  parts: RuleParts,
  { filter, bytes, periodMs }: Extract<ActionPlan, { readonly kind: "set-bandwidth-limit" }>,
): Action {
  const { ctx } = parts;
  const plan = ctx.plan.bandwidthLimits[filter]!;
  if (plan.shared !== null) {
    const table = ctx.shared.stickTables.tables[plan.shared.table]!;
    const setKey = compileKey(plan.shared.key, table, parts.samples);
    return (stream) => {
      if (setKey(stream)) ctx.bandwidth.share(stream, filter, table);
      return CONTINUE;
    };
  }
  const limit = compileAmount(parts, bytes, plan.bytes);
  const period = compileAmount(parts, periodMs, plan.periodMs);
  return (stream) => {
    ctx.bandwidth.set(stream, filter, limit(stream), period(stream));
    return CONTINUE;
  };
}
