// `slowstart`: a server that comes back is given its weight little by little, so that cold caches are not flooded.
//
//   weight
//   100 │                ┌───
//       │           ┌────┘          twenty steps over the configured time; a server that has just
//       │      ┌────┘               come up starts with the first of them, never with 0.
//     5 │ ─────┘
//       └──────────────────── time
//
// The ramp follows from `opState` (starting) and `lastChange`, so nothing but a timer has to be kept per server.

import type { ServerPlan } from "../../plan/plan.ts";
import { OP_STATE, SERVER, type SharedState } from "../../shared-state/layout.ts";

/** HAProxy moves a starting server's weight in steps of a twentieth of `slowstart`, at least a second long. */
const STEPS = 20;
const STEP_MIN_MS = 1000;

/** Share of its weight that a server may use now, in per cent: 100 unless it is starting. `throttle` of show stat. */
export function throttlePercent(server: ServerPlan, shared: SharedState, nowSeconds: number): number {
  const at = shared.serverAt(server.index);
  if (shared.words[at + SERVER.opState] !== OP_STATE.starting) return 100;
  const elapsedMs = (nowSeconds - shared.words[at + SERVER.lastChange]) * 1000;
  return Math.min(100, Math.max(1, Math.floor((100 * elapsedMs) / server.slowstartMs)));
}

/** The configured or set weight under the ramp, rounded up: a usable server never drops to 0. */
export function rampedWeight(server: ServerPlan, shared: SharedState, nowSeconds: number): number {
  const weight = shared.words[shared.serverAt(server.index) + SERVER.userWeight];
  return Math.ceil((weight * throttlePercent(server, shared, nowSeconds)) / 100);
}

export function slowStartStepMs(server: ServerPlan): number {
  return Math.max(STEP_MIN_MS, Math.floor(server.slowstartMs / STEPS));
}
