// track_proxy by the runtime API of HAProxy or ringway: a connection that is held open.
//
//   end of file       the process died, or was replaced: a new connection decides. A successor may take `grace` until it has the socket.
//   Stopping: 1       the process that answers finishes its connections (a reload): on to its successor, which has the socket already.
//   show stat         of the required backends, every interval
//   show activity     of ringway only: the turns of every worker's loop. HAProxy's threads sleep when there is nothing to do, and its
//                     own watchdog ends a process with a thread that is stuck
//   set ha state      of ringway only: how the sidecar stands, for `show ha` and the statistics page

import type { ProxyTrackPlan } from "../plan/track.ts";
import type { Done, Probe } from "./probes.ts";
import { isStopping, unmetRequirement, WorkerPulses } from "./proxy-answers.ts";
import { RuntimeApi } from "./runtime-api.ts";

const GRACE_RETRY_MS = 2;

export class SocketProbe implements Probe {
  readonly #plan: ProxyTrackPlan;
  readonly #api: RuntimeApi;
  readonly #onLost: () => void;
  readonly #backends: readonly string[];
  readonly #pulses: WorkerPulses;
  #isRingway = false;
  /** It has been seen not stopping. */
  #hasServed = false;
  /** Until then a refused connection is tried again. */
  #graceUntilMs = 0;
  #retry: NodeJS.Timeout | null = null;
  #done: Done = () => {};
  #report: string | null = null;

  /** `onLost`: a connection that had answered has ended; ask again. */
  constructor(path: string, plan: ProxyTrackPlan, onLost: () => void) {
    this.#plan = plan;
    this.#onLost = onLost;
    this.#backends = [...new Set(plan.require.map(({ backend }) => backend))];
    this.#pulses = new WorkerPulses(plan.workerTimeoutMs);
    this.#api = new RuntimeApi(path, { onClosed: (reason, wasOpen) => this.#onClosed(reason, wasOpen) });
  }

  ask(done: Done): void {
    this.#done = done;
    this.#begin();
  }

  /** What is told with every connection, and now. */
  tell(report: string): void {
    this.#report = report;
    if (this.#isRingway && this.#api.isConnected) this.#api.ask(`set ha state ${report}`, () => {});
  }

  close(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#done = () => {};
    this.#api.close();
  }

  #begin(): void {
    if (!this.#api.isConnected) this.#connect();
    this.#api.ask("show info", (info) => this.#onInfo(info));
  }

  #connect(): void {
    this.#isRingway = false;
    this.#hasServed = false;
    this.#pulses.reset();
    this.#api.connect();
    this.#api.ask("show ha", (answer) => {
      this.#isRingway = !/^(Unknown command|Permission denied)/.test(answer);
      if (this.#isRingway && this.#report !== null) this.#api.ask(`set ha state ${this.#report}`, () => {});
    });
  }

  #onInfo(info: string): void {
    if (info === "") this.#done("an empty answer to `show info`");
    else if (!isStopping(info)) {
      this.#hasServed = true;
      this.#onServing();
    } else if (this.#hasServed) {
      this.#api.close();
      this.#graceUntilMs = performance.now() + this.#plan.graceMs;
      this.#begin();
    } else {
      this.#api.close();
      this.#done("it is stopping, and nobody else has the socket");
    }
  }

  #onServing(): void {
    const asksWorkers = this.#isRingway && this.#plan.workerTimeoutMs > 0;
    let waiting = this.#backends.length + (asksWorkers ? 1 : 0);
    let failure: string | null = null;
    const take = (found: string | null) => {
      failure ??= found;
      waiting--;
      // A worker that stands still has been standing still for the whole time limit: no need to see it again.
      if (waiting <= 0) this.#done(failure, failure?.startsWith("worker ") === true);
    };
    for (const backend of this.#backends) {
      const requirements = this.#plan.require.filter((requirement) => requirement.backend === backend);
      this.#api.ask(`show stat ${backend} 4 -1`, (stat) => take(unmetRequirement(stat, requirements)));
    }
    if (asksWorkers) {
      this.#api.ask("show activity", (text) => take(this.#pulses.stuck(text, performance.now())));
    }
    if (waiting === 0) this.#done(null);
  }

  #onClosed(reason: string, wasOpen: boolean): void {
    const nowMs = performance.now();
    if (wasOpen) {
      this.#graceUntilMs = nowMs + this.#plan.graceMs;
      this.#onLost();
    } else if (nowMs < this.#graceUntilMs) {
      this.#retry = setTimeout(() => this.#begin(), GRACE_RETRY_MS);
    } else this.#done(reason, true);
  }
}
