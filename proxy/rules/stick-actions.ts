// track-sc and the actions on what is followed (stick-table/tracking.ts). None of them ends a rule set: without a key, an entry or a place
// for the value nothing happens.

import type { SamplePlan } from "../plan/expression.ts";
import type { Plan } from "../plan/plan.ts";
import type { ActionPlan, RulePlan } from "../plan/rules.ts";
import { compileSample } from "../sample/expression.ts";
import { addToCounter, setTag } from "../sample/stick-reading.ts";
import { compileKey } from "../stick-table/sample-key.ts";
import { STREAM, type Stream } from "../stream/stream.ts";
import type { RuleParts } from "./parts.ts";
import { type Action, VERDICT } from "./verdict.ts";

const CONTINUE = VERDICT.continue;
const MISS = 1;
const PASS = 2;
const DATA_IS_FINAL = STREAM.dataIsFinal;
const HTTP = STREAM.http;

type ActionOf<Kind> = Extract<ActionPlan, { readonly kind: Kind }>;

/** How many stick counters the plan's rules need: `tune.stick-counters`, 0 where nothing is followed. */
export function stickCountersOf(plan: Plan): number {
  const follows = plan.proxies.some(({ rules }) =>
    Object.values(rules).some((set) => (set as readonly RulePlan[]).some(({ action }) => action.kind === "track-sc")),
  );
  return follows ? plan.global.stickCounters : 0;
}

/** `track-sc<n> <key>`: the stream follows the key's entry, unless it or its connection already follows one under the number. */
export function compileTrack({ ctx, samples, phase, isResponse }: RuleParts, plan: ActionOf<"track-sc">): Action {
  const table = ctx.shared.stickTables.tables[plan.table]!;
  const setKey = compileKey(plan.sample, table, samples);
  const { index } = plan;
  if (phase === "connection" || phase === "session") {
    return (stream) => {
      const { tracking } = ctx;
      if (tracking.connectionFollows(stream.client, index) || !setKey(stream)) return CONTINUE;
      const slot = table.obtain();
      if (slot >= 0) tracking.trackConnection(stream.client, index, table, slot);
      return CONTINUE;
    };
  }
  // As HAProxy: in content rules a key that may still come is waited for.
  const { first } = compileSample(plan.sample, samples, false);
  const isMissed = (stream: Stream): boolean =>
    samples.mayMiss && (stream.flags & DATA_IS_FINAL) === 0 && first(stream) === MISS;
  return (stream) => {
    const { tracking } = ctx;
    if (tracking.seen(stream, index) >= 0) return CONTINUE;
    if (!setKey(stream)) return isMissed(stream) ? VERDICT.wait : CONTINUE;
    const slot = table.obtain();
    if (slot < 0) return CONTINUE;
    tracking.trackStream(stream, index, table, slot);
    if ((stream.flags & HTTP) === 0) return CONTINUE;
    if (isResponse) tracking.statusOfTracked(stream, index, stream.status);
    else tracking.requestOfTracked(stream, index);
    return CONTINUE;
  };
}

/** A number of the configuration or of the stream; NaN: there is none. */
function compileAmount({ samples }: RuleParts, value: number | SamplePlan): (stream: Stream) => number {
  if (typeof value === "number") return () => value;
  const { first } = compileSample(value, samples, false, "sint");
  return (stream) => (first(stream) === PASS ? samples.value.int : Number.NaN);
}

export function compileAddCounter(parts: RuleParts, plan: ActionOf<"sc-add-gpc">): Action {
  const { ctx } = parts;
  const amount = compileAmount(parts, plan.value);
  const { element, single, index } = plan;
  return (stream) => {
    const { tracking, shared } = ctx;
    const counter = tracking.seen(stream, index);
    if (counter < 0) return CONTINUE;
    const count = amount(stream);
    if (!Number.isNaN(count)) {
      addToCounter(shared.stickTables, tracking.tableAt(counter), tracking.slotAt(counter), element, single, count | 0);
    }
    return CONTINUE;
  };
}

export function compileSetTag(parts: RuleParts, plan: ActionOf<"sc-set-gpt">): Action {
  const { ctx } = parts;
  const amount = compileAmount(parts, plan.value);
  const { element, single, index } = plan;
  return (stream) => {
    const { tracking } = ctx;
    const counter = tracking.seen(stream, index);
    if (counter < 0) return CONTINUE;
    const value = amount(stream);
    if (!Number.isNaN(value)) setTag(tracking.tableAt(counter), tracking.slotAt(counter), element, single, value);
    return CONTINUE;
  };
}
