// What a `log` line changes of its proxy's lines: `profile` (8.3.5) by where a line comes from, `sample` by its number.

import { LOG_ORIGINS, type LogNodePlan } from "../plan/log.ts";
import type { LogTargetPlan, Plan } from "../plan/plan.ts";
import { compileLogFormat, type LogFormat, type LogWriters } from "./compile.ts";

/** A step of a profile; null: as the proxy says. */
export interface ProfileStep {
  readonly drop: boolean;
  readonly format: LogFormat | null;
  readonly structured: LogFormat | null;
}

/** By origin. A step that has no entry of its own takes `any`'s. */
export function compileProfile(
  { profile: name }: LogTargetPlan,
  { logProfiles }: Plan,
  writers: LogWriters,
  asap: boolean,
): (ProfileStep | null)[] | null {
  const profile = logProfiles.find((each) => each.name === name);
  if (profile === undefined) return null;
  return LOG_ORIGINS.map(({ step }) => {
    const plan = profile.steps.get(step) ?? profile.steps.get("any");
    if (plan === undefined) return null;
    const format = plan.format === null ? null : compileLogFormat(plan.format, writers, asap);
    return { drop: plan.drop, format, structured: compileMaybe(plan.structured, writers) };
  });
}

/** null stays null. */
export function compileMaybe(nodes: readonly LogNodePlan[] | null, writers: LogWriters): LogFormat | null {
  return nodes === null ? null : compileLogFormat(nodes, writers, false);
}

/** 1 for each line of a round that is sent; null: all are. */
export function sentLines({ sample }: LogTargetPlan): Uint8Array | null {
  if (sample === undefined) return null;
  const isSent = new Uint8Array(sample.size);
  for (const { first, last } of sample.ranges) isSent.fill(1, first - 1, last);
  return isSent;
}
