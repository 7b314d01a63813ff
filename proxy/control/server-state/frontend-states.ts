// Frontends at run time: paused, resumed, stopped for good, and their maxconn. Written here only, read by the workers' listeners.
//
// Accuracy: a paused frontend's sockets stay bound and listening; connections wait in the kernel's backlog until it is resumed.
// HAProxy pauses in the same way where the kernel gives it no other, and likewise never releases the address.

import type { ProxyPlan } from "../../plan/plan.ts";
import { COUNTER, PROXY, type SharedState } from "../../shared-state/layout.ts";
import { Aggregate } from "../../stats/aggregate.ts";
import type { ToWorker } from "../../worker/task.ts";
import { type Announcer, SEVERITY } from "./announcer.ts";

/** Values of PROXY.frontendState. */
export const FRONTEND_STATE = { open: 0, paused: 1, full: 2, stopped: 3 } as const;
export type FrontendStateName = keyof typeof FRONTEND_STATE;

export class FrontendStates {
  readonly #shared: SharedState;
  readonly #announcer: Announcer;
  readonly #broadcast: (message: ToWorker) => void;

  constructor(shared: SharedState, announcer: Announcer, broadcast: (message: ToWorker) => void) {
    this.#shared = shared;
    this.#announcer = announcer;
    this.#broadcast = broadcast;
  }

  state(proxy: ProxyPlan): FrontendStateName {
    const value = Atomics.load(this.#shared.words, this.#shared.proxyAt(proxy.index) + PROXY.frontendState);
    if (value === FRONTEND_STATE.paused) return "paused";
    if (value === FRONTEND_STATE.full) return "full";
    return value === FRONTEND_STATE.stopped ? "stopped" : "open";
  }

  pause(proxy: ProxyPlan): void {
    this.#enter(proxy, "paused", `Paused frontend ${proxy.name}.`);
  }

  resume(proxy: ProxyPlan): void {
    this.#enter(proxy, "open", `Resumed frontend ${proxy.name}.`);
  }

  /** There is no way back: HAProxy releases the sockets of such a frontend. */
  stop(proxy: ProxyPlan): void {
    const totals = new Aggregate(this.#shared);
    const frontend = totals.frontend(proxy.index)[COUNTER.connections];
    const backend = totals.backend(proxy.index)[COUNTER.sessions];
    const text = `Proxy ${proxy.name} stopped (cumulated conns: FE: ${frontend}, BE: ${backend}).`;
    this.#enter(proxy, "stopped", text);
  }

  /** `set maxconn frontend`; 0 leaves only the process's limit. */
  setMaxconn(proxy: ProxyPlan, maxconn: number): void {
    Atomics.store(this.#shared.words, this.#shared.proxyAt(proxy.index) + PROXY.frontendMaxconn, maxconn);
    this.#broadcast({ type: "look" });
  }

  #enter(proxy: ProxyPlan, state: "open" | "paused" | "stopped", text: string): void {
    Atomics.store(this.#shared.words, this.#shared.proxyAt(proxy.index) + PROXY.frontendState, FRONTEND_STATE[state]);
    this.#broadcast({ type: "pause-frontend", proxy: proxy.index, paused: state !== "open" });
    this.#announcer.say(proxy, SEVERITY.warning, `frontend-${state}`, text);
  }
}
