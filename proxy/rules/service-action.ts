// `http-request use-service prometheus-exporter`: the control plane answers, as it does for the statistics page.

import { STATS_ACCESS } from "../frontend/stats-access.ts";
import type { RuleParts } from "./parts.ts";
import { type Action, VERDICT } from "./verdict.ts";

const ANSWERED = VERDICT.answered;

export function compileService({ ctx }: RuleParts): Action {
  return (stream) => {
    ctx.replies.stats(stream, stream.frontend, STATS_ACCESS.metrics);
    return ANSWERED;
  };
}
