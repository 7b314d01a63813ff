// Hands a backend's weights on to balancing, at once when they change seldom and bundled when they change often.
//
// Building the sequence of a thousand weighted servers takes milliseconds; when all of them fail within a second, one building per failure
// would keep the main thread from everything else. So publishing a backend may take a twentieth of the time at most: a small one is
// published at once, a large one after a pause of twenty times what its last publication took. Workers lose little by the delay: they look
// at a server's own weight before they use it (balance/round-robin.ts). Only an empty sequence has nothing to look at, which is why
// a backend that had nobody left is published at once.

import type { ProxyPlan } from "../../plan/plan.ts";

/** Receives the weights of a backend's servers, by their position in `BackendPlan.servers`, whenever one of them changed. */
export type WeightsPublisher = (proxy: ProxyPlan, weights: readonly number[]) => void;

interface Published {
  weights: readonly number[];
  /** When publication is affordable again, on performance.now()'s clock. */
  dueMs: number;
  timer: NodeJS.Timeout | null;
}

export class BundledPublisher {
  readonly #publish: WeightsPublisher;
  readonly #pauseFactor: number;
  readonly #backends = new Map<number, Published>();

  /** @param pauseFactor how many times what a publication took is to pass before the backend's next one; 0: each at once */
  constructor(publish: WeightsPublisher, pauseFactor: number) {
    this.#publish = publish;
    this.#pauseFactor = pauseFactor;
  }

  /** `current` gives the weights when their time has come, so that a bundle holds the last ones. */
  changed(proxy: ProxyPlan, current: () => readonly number[]): void {
    const known = this.#backends.get(proxy.index);
    if (known === undefined) {
      this.#publishNow(proxy, current(), null);
      return;
    }
    if (known.timer !== null) return;
    const dueInMs = known.dueMs - performance.now();
    const wasEmpty = known.weights.every((weight) => weight === 0);
    if (wasEmpty || dueInMs <= 0) {
      this.#publishNow(proxy, current(), known);
      return;
    }
    known.timer = setTimeout(() => {
      known.timer = null;
      this.#publishNow(proxy, current(), known);
    }, dueInMs);
  }

  close(): void {
    for (const { timer } of this.#backends.values()) if (timer !== null) clearTimeout(timer);
  }

  #publishNow(proxy: ProxyPlan, weights: readonly number[], known: Published | null): void {
    if (known !== null && equal(known.weights, weights)) return;
    const startMs = performance.now();
    this.#publish(proxy, weights);
    const endMs = performance.now();
    const dueMs = endMs + (endMs - startMs) * this.#pauseFactor;
    this.#backends.set(proxy.index, { weights, dueMs, timer: null });
  }
}

function equal(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((number, i) => number === right[i]);
}
