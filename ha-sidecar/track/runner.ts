// Runs everything of the plan that is tracked by something, and passes changes on. What nothing tracks is not run.

import type { Log } from "../log.ts";
import type { HaPlan } from "../plan/plan.ts";
import type { TrackingPlan } from "../plan/track.ts";
import type { TrackerKind } from "../thread/messages.ts";
import { FileTracker } from "./file.ts";
import { ProcessTracker } from "./process.ts";
import { ProxyTracker } from "./proxy.ts";
import { ScriptTracker } from "./script.ts";

/** Told of every change, and of the first result. */
export type OnTracked = (tracker: TrackerKind, index: number, up: boolean, value: number) => void;

interface Tracker {
  start(): void;
  stop(): void;
  /** Only proxies listen. */
  tell?(encode: (verdict: string) => string): void;
}

export class TrackRunner {
  readonly #trackers: readonly Tracker[];

  constructor(plan: HaPlan, log: Log, onTracked: OnTracked) {
    const trackings = [...plan.instances, ...plan.syncGroups].map(({ tracking }) => tracking);
    const used = (pick: (tracking: TrackingPlan) => readonly { readonly index: number }[]) => {
      return [...new Set(trackings.flatMap((tracking) => pick(tracking).map(({ index }) => index)))];
    };
    const processes = new ProcessTracker(log);
    for (const index of used((tracking) => tracking.processes)) {
      processes.add(plan.processes[index]!, (up) => onTracked("process", index, up, 0));
    }
    this.#trackers = [
      processes,
      ...used(({ scripts }) => scripts).map((index) => {
        return new ScriptTracker(plan.scripts[index]!, log, (up) => onTracked("script", index, up, 0));
      }),
      ...used(({ files }) => files).map((index) => {
        return new FileTracker(plan.files[index]!, log, (value) => onTracked("file", index, true, value));
      }),
      ...used(({ proxies }) => proxies).map((index) => {
        return new ProxyTracker(plan.proxies[index]!, log, (up) => onTracked("proxy", index, up, 0));
      }),
    ];
  }

  start(): void {
    for (const tracker of this.#trackers) tracker.start();
  }

  stop(): void {
    for (const tracker of this.#trackers) tracker.stop();
  }

  /** Tells proxies how the sidecar stands, for them to show. */
  tell(encode: (verdict: string) => string): void {
    for (const tracker of this.#trackers) tracker.tell?.(encode);
  }
}
