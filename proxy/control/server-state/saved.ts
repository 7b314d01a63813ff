// A server as a state file says that it was: the administrator's word and what checks had found out, over what the configuration says. As HAProxy: a weight
// counts if the configured one is the same as then, `disabled` in the configuration is the configuration's affair.

import type { ServerPlan } from "../../plan/plan.ts";
import type { SavedServerState } from "../../plan/server-state.ts";
import { ADMIN_STATE, OP_STATE, SERVER, type SharedState } from "../../shared-state/layout.ts";

/** Over the initial words (boot.ts). */
export function restoreSaved(
  server: ServerPlan,
  saved: SavedServerState,
  shared: SharedState,
  nowSeconds: number,
): void {
  const { words } = shared;
  const at = shared.serverAt(server.index);
  if (saved.initialWeight === server.weight) words[at + SERVER.userWeight] = saved.userWeight;
  words[at + SERVER.lastChange] = nowSeconds - saved.sinceSeconds;
  const configured = words[at + SERVER.adminState]!;
  const wasConfigured = (saved.adminState & ADMIN_STATE.configMaint) !== 0;
  const isConfigured = (configured & ADMIN_STATE.configMaint) !== 0;
  // `disabled` that came or went with the new file counts; otherwise what was done by hand does.
  let bits = configured;
  if (wasConfigured === isConfigured) {
    const byHand = ADMIN_STATE.forcedMaint | ADMIN_STATE.forcedDrain;
    bits = (configured & ~byHand) | (saved.adminState & byHand);
  }
  words[at + SERVER.adminState] = bits;
  if ((bits & (ADMIN_STATE.forcedMaint | ADMIN_STATE.resolutionMaint)) !== 0) {
    words[at + SERVER.opState] = OP_STATE.stopped;
    words[at + SERVER.checkHealth] = 0;
    return;
  }
  const isUp = saved.opState !== OP_STATE.stopped || (saved.adminState & ADMIN_STATE.forcedMaint) !== 0;
  // A slow start does not go on where it was: it is over.
  const state = saved.opState === OP_STATE.stopping ? OP_STATE.stopping : OP_STATE.running;
  if (server.check === null) {
    words[at + SERVER.opState] = isUp ? state : OP_STATE.stopped;
    return;
  }
  const { rise, fall } = server.check;
  words[at + SERVER.opState] = isUp ? state : OP_STATE.stopped;
  words[at + SERVER.checkHealth] = isUp ? Math.max(rise, Math.min(saved.checkHealth, rise + fall - 1)) : 0;
  words[at + SERVER.checkStatus] = saved.checkStatus;
  words[at + SERVER.checkEnabled] = saved.checkEnabled ? 1 : 0;
}
