// `slowstart`: a server that comes back is given its weight little by little, so that cold caches are not flooded.
//
//   weight
//   100 │                ┌───
//       │           ┌────┘          steps over the configured time; a server that has just
//       │      ┌────┘               come up starts with a sixteenth, never with 0.
//     7 │ ─────┘
//       └──────────────────── time
//
// The ramp follows from `opState` (starting) and `lastChange`, so nothing but a timer has to be kept per server.

import type { ServerPlan } from "../../plan/plan.ts";
import { OP_STATE, SERVER, type SharedState } from "../../shared-state/layout.ts";

/** HAProxy moves a starting server's weight in steps of a twentieth of `slowstart`, at least a second long. */
const STEPS = 20;
const STEP_MIN_MS = 1000;
/** It counts weights in sixteenths. */
const WHOLE = 16;

/** Sixteenths of its weight that a server may use now. */
function share(server: ServerPlan, shared: SharedState, nowSeconds: number): number {
  const at = shared.serverAt(server.index);
  if (shared.words[at + SERVER.opState] !== OP_STATE.starting) return WHOLE;
  const seconds = Math.ceil(server.slowstartMs / 1000);
  const elapsed = Math.max(0, nowSeconds - shared.words[at + SERVER.lastChange]);
  return Math.min(WHOLE, Math.floor((WHOLE * elapsed + seconds) / seconds));
}

/** The same in per cent: `throttle` of show stat. */
export function throttlePercent(server: ServerPlan, shared: SharedState, nowSeconds: number): number {
  return Math.floor((100 * share(server, shared, nowSeconds)) / WHOLE);
}

/** The configured or set weight under the ramp, rounded up: a usable server never drops to 0. */
export function rampedWeight(server: ServerPlan, shared: SharedState, nowSeconds: number): number {
  const weight = shared.words[shared.serverAt(server.index) + SERVER.userWeight];
  return Math.ceil((weight * share(server, shared, nowSeconds)) / WHOLE);
}

export function slowStartStepMs(server: ServerPlan): number {
  return Math.max(STEP_MIN_MS, Math.floor(server.slowstartMs / STEPS));
}
