// `interface_up_down_delays`: a change of an interface counts when it has lasted for long enough.

import type { InterfaceDelayPlan } from "../plan/plan.ts";

interface Delayed {
  readonly plan: InterfaceDelayPlan;
  /** null: it has not been looked at yet; the first look counts at once. */
  isUp: boolean | null;
  /** When the other state begins to count. */
  changeAtMs: number;
}

export class LinkDelays {
  readonly #delayed: ReadonlyMap<string, Delayed>;

  constructor(plans: readonly InterfaceDelayPlan[]) {
    this.#delayed = new Map(
      plans.map((plan) => [plan.interface, { plan, isUp: null, changeAtMs: Number.POSITIVE_INFINITY }]),
    );
  }

  /** Whether the interface counts as up, when the kernel says `isUp` now. */
  filter(name: string, isUp: boolean, nowMs: number): boolean {
    const delayed = this.#delayed.get(name);
    if (delayed === undefined) return isUp;
    if (delayed.isUp === null || delayed.isUp === isUp) {
      delayed.isUp = isUp;
      delayed.changeAtMs = Number.POSITIVE_INFINITY;
      return isUp;
    }
    const { upDelayMs, downDelayMs } = delayed.plan;
    if (delayed.changeAtMs === Number.POSITIVE_INFINITY) delayed.changeAtMs = nowMs + (isUp ? upDelayMs : downDelayMs);
    if (nowMs < delayed.changeAtMs) return delayed.isUp;
    delayed.isUp = isUp;
    delayed.changeAtMs = Number.POSITIVE_INFINITY;
    return isUp;
  }

  /** When to look again; Infinity: nothing is being waited for. */
  get nextMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { changeAtMs } of this.#delayed.values()) next = Math.min(next, changeAtMs);
    return next;
  }
}
