// Watches the workers' heartbeats: every turn of a worker's loop counts its WORKER.heartbeat word up, at least ten times a second (waits
// are bounded). A worker whose word stands still hangs in our code or in the kernel; it is reported, once, and again when it goes on.
// Nothing is killed: a stuck loop in production is worth a look with a debugger, and its clients are lost either way.

import { type SharedState, WORKER } from "../shared-state/layout.ts";
import type { ProcessLog } from "./process-log.ts";

/** How often heartbeats are looked at; the accuracy of what is reported. */
const WATCH_MS = 1_000;
const STUCK_MS = 5_000;

interface Pulse {
  heartbeat: number;
  /** Monotonic milliseconds when the heartbeat was seen to move, 0: not watched. */
  movedAt: number;
  stuck: boolean;
}

export class Heartbeats {
  readonly #shared: SharedState;
  readonly #processLog: ProcessLog;
  readonly #pulses: Pulse[];
  readonly #timer: NodeJS.Timeout;

  constructor(shared: SharedState, processLog: ProcessLog) {
    this.#shared = shared;
    this.#processLog = processLog;
    this.#pulses = Array.from({ length: shared.nbthread }, () => ({ heartbeat: 0, movedAt: 0, stuck: false }));
    this.#timer = setInterval(() => this.look(performance.now()), WATCH_MS);
    this.#timer.unref();
  }

  /** The worker runs: watch it from now on. */
  watch(worker: number): void {
    this.#pulses[worker] = { heartbeat: this.#read(worker), movedAt: performance.now(), stuck: false };
  }

  /** The worker is gone. */
  forget(worker: number): void {
    this.#pulses[worker]!.movedAt = 0;
  }

  end(): void {
    clearInterval(this.#timer);
  }

  /** @param nowMs monotonic milliseconds; the timer calls this, tests too. */
  look(nowMs: number): void {
    for (let worker = 0; worker < this.#pulses.length; worker++) {
      const pulse = this.#pulses[worker]!;
      if (pulse.movedAt === 0) continue;
      const heartbeat = this.#read(worker);
      const stillMs = nowMs - pulse.movedAt;
      if (heartbeat !== pulse.heartbeat) {
        if (pulse.stuck) this.#goesOn(worker, stillMs);
        this.#pulses[worker] = { heartbeat, movedAt: nowMs, stuck: false };
      } else if (!pulse.stuck && stillMs >= STUCK_MS) {
        pulse.stuck = true;
        this.#hangs(worker, stillMs);
      }
    }
  }

  #read(worker: number): number {
    return Atomics.load(this.#shared.words, this.#shared.workerAt(worker) + WORKER.heartbeat);
  }

  #hangs(worker: number, stillMs: number): void {
    const text = `Worker ${worker} is stuck: no turn of its loop for ${seconds(stillMs)} s.`;
    this.#processLog.alert(text, { event: "worker-stuck", worker });
  }

  #goesOn(worker: number, stillMs: number): void {
    const text = `Worker ${worker} goes on after ${seconds(stillMs)} s.`;
    this.#processLog.warning(text, { event: "worker-unstuck", worker });
  }
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(1);
}
