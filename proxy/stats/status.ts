// The `status` words of show stat: what a server, a backend, a frontend is at the moment, in HAProxy's spelling.
//
//   UP            UP 2/3 (will be down after two more failed checks)      DOWN      DOWN 1/2 (up after one more passed check)
//   NOLB          stopping: serves what it has, takes nothing new         DRAIN     MAINT     no check     MAINT (via be/s), of whom it tracks

import type { Plan, ServerPlan } from "../plan/plan.ts";
import { ADMIN_DRAIN, ADMIN_MAINT, ADMIN_STATE, OP_STATE, SERVER, type SharedState } from "../shared-state/layout.ts";

/** A server's status. @param agent its agent check, null: it has none, or none that is enabled */
export function serverStatus(
  server: ServerPlan,
  plan: Plan,
  shared: SharedState,
  agent: { readonly health: number } | null = null,
): string {
  const at = shared.serverAt(server.index);
  const word = (index: number): number => shared.words[at + index];
  const admin = word(SERVER.adminState);
  if ((admin & ADMIN_MAINT) === ADMIN_STATE.inheritedMaint) return `MAINT (via ${trackedName(server, plan)})`;
  if ((admin & ADMIN_MAINT) === ADMIN_STATE.resolutionMaint) return "MAINT (resolution)";
  if ((admin & ADMIN_MAINT) !== 0) return "MAINT";
  const state = word(SERVER.opState);
  // Who tracks another server shows how that one's checks stand.
  let root = server;
  while (root.track !== undefined) root = plan.servers[root.track]!;
  const rootAt = shared.serverAt(root.index);
  const checked = root.check !== null && shared.words[rootAt + SERVER.checkEnabled] === 1;
  const progress =
    checked && root.check !== null ? healthProgress(shared.words[rootAt + SERVER.checkHealth], root.check) : "";
  if (state === OP_STATE.stopped) return agent?.health === 0 ? "DOWN (agent)" : `DOWN${progress}`;
  if ((admin & ADMIN_DRAIN) !== 0) return agent === null ? `DRAIN${progress}` : "DRAIN (agent)";
  if (state === OP_STATE.stopping) return `NOLB${progress}`;
  return checked ? `UP${progress}` : "no check";
}

/** `backend/server` of whom the server tracks, "": it has a state of its own. */
export function trackedName({ track }: ServerPlan, { proxies, servers }: Plan): string {
  if (track === undefined) return "";
  const { name, proxy } = servers[track]!;
  return `${proxies[proxy]!.name}/${name}`;
}

/** ` n/m` while health is neither full nor gone, "" otherwise. */
function healthProgress(health: number, check: { readonly rise: number; readonly fall: number }): string {
  if (health >= check.rise) {
    return health === check.rise + check.fall - 1 ? "" : ` ${health - check.rise + 1}/${check.fall}`;
  }
  return health === 0 ? "" : ` ${health}/${check.rise}`;
}

/** Whether checks of this server run now: configured, enabled, not paused by maintenance. */
export function isChecked(server: ServerPlan, shared: SharedState): boolean {
  const at = shared.serverAt(server.index);
  if (server.check === null || shared.words[at + SERVER.checkEnabled] !== 1) return false;
  return (shared.words[at + SERVER.adminState] & ADMIN_MAINT) === 0;
}
