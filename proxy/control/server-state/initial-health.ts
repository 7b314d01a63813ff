// `init-state`: how a server that is checked begins, when the process starts and when it comes out of maintenance.
//
//   fully-up     rise + fall - 1   all of `fall` failed checks take it down
//   up           rise              the first failed check does; so it is without `init-state`
//   down         rise - 1          the first passed check brings it up
//   fully-down   0                 all of `rise` passed checks do

import type { ServerCheckPlan } from "../../plan/check.ts";
import type { InitState, ServerPlan } from "../../plan/plan.ts";

/** HAProxy's counter of health (health-checks.ts). */
export function initialHealth({ rise, fall }: Pick<ServerCheckPlan, "fall" | "rise">, state?: InitState): number {
  if (state === "fully-up") return rise + fall - 1;
  if (state === "down") return rise - 1;
  return state === "fully-down" ? 0 : rise;
}

/** Whether the server waits for its checks before it gets traffic. */
export function beginsDown({ check, initState }: ServerPlan): boolean {
  return check !== null && (initState === "down" || initState === "fully-down");
}
