// `ringway-ha drill`: a failover rehearsed where it is safe. The master hands over as in a graceful stop, addresses stay until the successor has
// its own, and when nobody takes over it goes on as if nothing had been. What was measured is said in words.
//
//   priority 0 ── heardAfterMs ──▶ the successor's first advert ──▶ releasedAfterMs: ours are given up ── backAfterMs ──▶ MASTER again

import type { HaPlan } from "./plan/plan.ts";
import type { InstancePlan } from "./plan/vrrp.ts";
import type { InstanceState, Yielded } from "./thread/messages.ts";
import { downMs } from "./vrrp/timing.ts";

export interface DrillReport {
  /** Every instance was taken over, and came back where it preempts. */
  readonly ok: boolean;
  /** A line per instance. */
  readonly text: string;
}

/** Beyond what the configuration says may take: machines are busy. */
const MARGIN_MS = 5000;

/** Which instances a drill is about: that one and the members of its sync group; a text says why it cannot be. */
export function drillInstances(
  { instances, syncGroups }: HaPlan,
  states: readonly InstanceState[],
  name: string | null,
): readonly InstancePlan[] | string {
  const masters = instances.filter(({ index }) => states[index]?.state === "MASTER");
  const named = name === null ? masters : masters.filter((instance) => instance.name === name);
  if (name !== null && instances.every((instance) => instance.name !== name)) return `there is no instance '${name}'`;
  if (named.length === 0)
    return `${name ?? "no instance"} is ${name === null ? "" : "not "}MASTER here: drill where it is`;
  const [first] = named;
  const members = syncGroups[first!.syncGroup]?.members ?? [first!.index];
  const chosen = masters.filter(({ index }) => members.includes(index));
  const others = named.filter(({ index }) => !members.includes(index));
  if (others.length > 0) return `say which: ${named.map((instance) => instance.name).join(", ")}`;
  return chosen;
}

export class Drill {
  readonly #instances: readonly InstancePlan[];
  readonly #yielded = new Map<number, Yielded>();
  /** By instance: when it gave up its addresses, and how long it took to come back. */
  readonly #releasedMs = new Map<number, number>();
  readonly #backAfterMs = new Map<number, number>();
  readonly #timer: NodeJS.Timeout;
  #resolve: (report: DrillReport) => void = () => {};
  readonly report: Promise<DrillReport>;

  constructor(instances: readonly InstancePlan[], handoverTimeoutMs: number | null) {
    this.#instances = instances;
    this.report = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    const expectedMs = instances.map((plan) => {
      const { advertIntervalMs, preemption } = plan;
      return (handoverTimeoutMs ?? 0) + 3 * downMs(plan, 1, advertIntervalMs) + preemption.delayMs;
    });
    this.#timer = setTimeout(() => this.#finish(), Math.max(...expectedMs) + MARGIN_MS);
  }

  onYielded(index: number, yielded: Yielded): void {
    this.#yielded.set(index, yielded);
    this.#releasedMs.set(index, performance.now());
    this.#finishWhenOver();
  }

  onMaster(index: number): void {
    const releasedMs = this.#releasedMs.get(index);
    if (releasedMs === undefined) return;
    this.#backAfterMs.set(index, performance.now() - releasedMs);
    this.#finishWhenOver();
  }

  /** The daemon ends: the rest will not be known. */
  abort(): void {
    this.#finish();
  }

  #finishWhenOver(): void {
    if (this.#instances.every((plan) => this.#isOver(plan))) this.#finish();
  }

  #isOver({ index, preemption }: InstancePlan): boolean {
    const yielded = this.#yielded.get(index);
    if (yielded === undefined) return false;
    return yielded.heardAfterMs === null || !preemption.preempt || this.#backAfterMs.has(index);
  }

  #finish(): void {
    clearTimeout(this.#timer);
    const lines = this.#instances.map((plan) => `${plan.name}: ${this.#sentence(plan)}\n`);
    const ok = this.#instances.every(
      (plan) => this.#isOver(plan) && this.#yielded.get(plan.index)?.heardAfterMs !== null,
    );
    this.#resolve({ ok, text: lines.join("") });
  }

  #sentence({ index, preemption }: InstancePlan): string {
    const yielded = this.#yielded.get(index);
    if (yielded === undefined) return "the hand-over did not end in time";
    const { heardAfterMs, releasedAfterMs, successor, successorPriority } = yielded;
    const ms = (value: number) => `${value.toFixed(0)} ms`;
    if (heardAfterMs === null)
      return `nobody took over within ${ms(releasedAfterMs)}; it is MASTER again and the addresses never went away`;
    const taken = `${successor} (priority ${successorPriority}) took over after ${ms(heardAfterMs)}; our addresses stayed until ${ms(releasedAfterMs)}, so that there was no gap`;
    const backAfterMs = this.#backAfterMs.get(index);
    if (backAfterMs !== undefined) return `${taken}; MASTER again ${ms(backAfterMs)} later`;
    return `${taken}; ${preemption.preempt ? "it did not come back in time" : "it stays there (nopreempt)"}`;
  }
}
