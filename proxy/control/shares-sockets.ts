// Whether workers share their listening sockets; master and generation have to agree on it.

import type { Plan } from "../plan/plan.ts";

/** One listening socket for all workers, in the command line's (-dR) or the configuration's words. */
export function sharesSockets(plan: Plan, noReusePort: boolean): boolean {
  return noReusePort || plan.global.flags["noreuseport"] === true;
}
