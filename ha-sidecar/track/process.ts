// vrrp_track_process: are there as many processes of a name as there ought to be?
//
// /proc is looked through several times a second, once for all blocks; of processes that were there before only the number is read. The end of
// a process that counts is not waited for: its pidfd tells, and /proc is looked at at once. (The kernel's proc connector would tell of starts
// as well, but not inside of a container.)

import { readdirSync, readFileSync } from "node:fs";
import { close } from "../../shared/ffi/file.ts";
import { pidfdOpen, pollLater } from "../../shared/ffi/pidfd.ts";
import type { Log } from "../log.ts";
import type { TrackProcessPlan } from "../plan/track.ts";

const SCAN_MS = 200;
/** One of libuv's threads waits for pidfds so long at a time. */
const WAIT_MS = 250;
/** A process that is younger may still become another program (fork, then exec): it is read again. */
const SETTLED_MS = 2000;
/** The kernel keeps so much of a command's name. */
const COMM_LENGTH = 15;

export interface ProcessEntry {
  readonly comm: string;
  readonly argv: readonly string[];
}

interface Known extends ProcessEntry {
  readonly seenAtMs: number;
}

/** Whether a process is one that the block counts. */
export function matchesProcess(plan: TrackProcessPlan, { comm, argv }: ProcessEntry): boolean {
  if (plan.fullCommand ? argv[0] !== plan.command : comm !== plan.command.slice(0, COMM_LENGTH)) return false;
  const wanted = plan.parameters;
  if (wanted === null) return true;
  const own = argv.slice(1);
  if (plan.parameterMatch === "exact")
    return own.length === wanted.length && wanted.every((text, i) => own[i] === text);
  if (plan.parameterMatch === "partial") return wanted.every((text, i) => own[i] === text);
  const last = wanted.length - 1;
  return wanted.every((text, i) => (i === last ? own[i]?.startsWith(text) === true : own[i] === text));
}

/** One block: counts, and holds a change back as long as fork_delay and terminate_delay say. */
class ProcessCount {
  readonly plan: TrackProcessPlan;
  readonly #onChange: (up: boolean) => void;
  readonly #log: Log;
  #up: boolean | null = null;
  #delayed: { readonly up: boolean; readonly timer: NodeJS.Timeout } | null = null;

  constructor(plan: TrackProcessPlan, log: Log, onChange: (up: boolean) => void) {
    this.plan = plan;
    this.#log = log;
    this.#onChange = onChange;
  }

  take(count: number): void {
    const { quorum, quorumMax, forkDelayMs, terminateDelayMs } = this.plan;
    const up = count >= quorum && (quorumMax === null || count <= quorumMax);
    if (this.#delayed !== null && this.#delayed.up !== up) this.stop();
    if (up === this.#up || this.#delayed !== null) return;
    const delayMs = up ? forkDelayMs : terminateDelayMs;
    if (this.#up === null || delayMs === 0) this.#change(up, count);
    else this.#delayed = { up, timer: setTimeout(() => this.#change(up, count), delayMs) };
  }

  stop(): void {
    if (this.#delayed !== null) clearTimeout(this.#delayed.timer);
    this.#delayed = null;
  }

  #change(up: boolean, count: number): void {
    this.#delayed = null;
    this.#up = up;
    const { name, quorum } = this.plan;
    this.#log("info", `track_process ${name} is ${up ? "up" : "down"}: ${count} processes, ${quorum} are required`);
    this.#onChange(up);
  }
}

/** All blocks of a plan. */
export class ProcessTracker {
  readonly #counts: ProcessCount[] = [];
  readonly #known = new Map<number, Known>();
  /** Of processes that count. */
  readonly #pidfds = new Map<number, number>();
  readonly #log: Log;
  #timer: NodeJS.Timeout | null = null;
  #isWaiting = false;

  constructor(log: Log) {
    this.#log = log;
  }

  add(plan: TrackProcessPlan, onChange: (up: boolean) => void): void {
    this.#counts.push(new ProcessCount(plan, this.#log, onChange));
  }

  start(): void {
    if (this.#counts.length === 0) return;
    this.#scan();
    this.#timer = setInterval(() => this.#scan(), SCAN_MS);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    for (const count of this.#counts) count.stop();
    if (!this.#isWaiting) this.#closeAll();
  }

  #scan(): void {
    const nowMs = performance.now();
    const living = new Set<number>();
    for (const name of readdirSync("/proc")) {
      const pid = Number(name);
      if (!(pid > 0)) continue;
      const known = this.#known.get(pid);
      if (known === undefined || nowMs - known.seenAtMs < SETTLED_MS) this.#read(pid, known?.seenAtMs ?? nowMs);
      if (this.#known.has(pid)) living.add(pid);
    }
    for (const pid of this.#known.keys()) if (!living.has(pid)) this.#known.delete(pid);
    const counted = new Set<number>();
    for (const count of this.#counts) {
      let found = 0;
      for (const [pid, entry] of this.#known) {
        if (!matchesProcess(count.plan, entry)) continue;
        found++;
        counted.add(pid);
      }
      count.take(found);
    }
    this.#watch(counted);
  }

  #read(pid: number, seenAtMs: number): void {
    try {
      // Zombies have no command line and are no help to anybody; kernel threads have none either.
      const line = readFileSync(`/proc/${pid}/cmdline`, "latin1");
      const comm = readFileSync(`/proc/${pid}/comm`, "latin1").trimEnd();
      if (line === "") this.#known.delete(pid);
      else this.#known.set(pid, { comm, argv: line.replace(/\0$/, "").split("\0"), seenAtMs });
    } catch {
      // It has ended in the meantime.
      this.#known.delete(pid);
    }
  }

  #watch(counted: ReadonlySet<number>): void {
    // The thread that polls names the descriptors: nothing is closed before it is back.
    if (this.#isWaiting) return;
    for (const [pid, fd] of this.#pidfds) {
      if (counted.has(pid)) continue;
      close(fd);
      this.#pidfds.delete(pid);
    }
    for (const pid of counted) {
      if (this.#pidfds.has(pid)) continue;
      const fd = pidfdOpen(pid);
      if (fd >= 0) this.#pidfds.set(pid, fd);
    }
    if (this.#pidfds.size === 0) return;
    this.#isWaiting = true;
    pollLater([...this.#pidfds.values()], WAIT_MS, (ready) => this.#onReady(ready));
  }

  #onReady(ready: number): void {
    this.#isWaiting = false;
    if (this.#timer === null) {
      this.#closeAll();
      return;
    }
    if (ready > 0) {
      // Ended, perhaps not yet reaped: a zombie is still in /proc. Everything is read anew.
      this.#known.clear();
      this.#closeAll();
    }
    this.#scan();
  }

  #closeAll(): void {
    for (const fd of this.#pidfds.values()) close(fd);
    this.#pidfds.clear();
  }
}
