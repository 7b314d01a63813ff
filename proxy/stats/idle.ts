// How idle the workers are, from the kernel's accounting of their threads (/proc/self/task/TID/stat): sampled with every tick of the
// statistics, so `Idle_pct` speaks of the last whole second. Resolution: the kernel's clock ticks, a hundredth of a second.

import { readFileSync } from "node:fs";
import { type SharedState, WORKER } from "../shared-state/layout.ts";

/** USER_HZ, the unit of utime and stime in /proc: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Fields after the name in parentheses: utime and stime (proc_pid_stat(5), fields 14 and 15). */
const UTIME = 11;
const STIME = 12;

export class IdleMeter {
  readonly #shared: SharedState;
  #atMs = performance.now();
  readonly #busySeconds: number[];
  readonly #busyPercent: number[];

  constructor(shared: SharedState) {
    this.#shared = shared;
    this.#busySeconds = Array.from({ length: shared.nbthread }, (_, worker) => this.#workerSeconds(worker));
    this.#busyPercent = this.#busySeconds.map(() => 0);
  }

  /** Share of the last second that the workers together did not compute, in per cent. */
  percent(): number {
    const busy = this.#busyPercent.reduce((sum, percent) => sum + percent, 0) / this.#busyPercent.length;
    return Math.round(100 - busy);
  }

  /** Share of the last second that this worker computed, in per cent. */
  busyPercent(worker: number): number {
    return Math.round(this.#busyPercent[worker]!);
  }

  sample(): void {
    const nowMs = performance.now();
    const elapsedSeconds = (nowMs - this.#atMs) / 1000;
    if (elapsedSeconds <= 0) return;
    for (let worker = 0; worker < this.#shared.nbthread; worker++) {
      const seconds = this.#workerSeconds(worker);
      const used = Math.max(0, seconds - this.#busySeconds[worker]!) / elapsedSeconds;
      this.#busyPercent[worker] = 100 * Math.min(1, used);
      this.#busySeconds[worker] = seconds;
    }
    this.#atMs = nowMs;
  }

  #workerSeconds(worker: number): number {
    const tid = this.#shared.words[this.#shared.workerAt(worker) + WORKER.tid];
    return tid === 0 ? 0 : threadSeconds(tid);
  }
}

/** CPU seconds that a thread of this process has used; 0 when it has ended. */
export function threadSeconds(tid: number): number {
  let stat: string;
  try {
    stat = readFileSync(`/proc/self/task/${tid}/stat`, "latin1");
  } catch {
    return 0; // The thread ended between two samples, or /proc is out of reach after a chroot: nothing can be said about it.
  }
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[UTIME]) + Number(fields[STIME])) / TICKS_PER_SECOND;
}
