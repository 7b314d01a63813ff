// One vrrp_script: runs it every interval, one at a time, and judges its exit status. A script that takes too long gets SIGTERM, two
// seconds later SIGKILL, and counts as failed. It runs in a process group of its own, so that its children go with it.

import { type ChildProcess, spawn } from "node:child_process";
import type { Log } from "../log.ts";
import type { TrackScriptPlan } from "../plan/track.ts";
import { Threshold } from "./threshold.ts";

const KILL_AFTER_MS = 2000;

export class ScriptTracker {
  readonly #plan: TrackScriptPlan;
  readonly #log: Log;
  readonly #onChange: (up: boolean) => void;
  readonly #threshold: Threshold;
  #child: ChildProcess | null = null;
  #interval: NodeJS.Timeout | null = null;
  #lastStatus = "";

  constructor(plan: TrackScriptPlan, log: Log, onChange: (up: boolean) => void) {
    this.#plan = plan;
    this.#log = log;
    this.#onChange = onChange;
    this.#threshold = new Threshold(plan.rise, plan.fall, plan.initFail ? false : null);
  }

  start(): void {
    if (this.#plan.initFail) this.#onChange(false);
    this.#run();
    this.#interval = setInterval(() => this.#run(), this.#plan.intervalMs);
  }

  stop(): void {
    if (this.#interval !== null) clearInterval(this.#interval);
    this.#signal("SIGKILL");
  }

  #run(): void {
    // The last run goes on: its timeout decides, not a second one beside it.
    if (this.#child !== null) return;
    const { script, timeoutMs } = this.#plan;
    if (!script.enabled) {
      this.#take(false, "it must not be run");
      return;
    }
    const [program, ...parameters] = script.argv;
    const child = spawn(program!, parameters, { uid: script.uid, gid: script.gid, stdio: "ignore", detached: true });
    this.#child = child;
    let hasTimedOut = false;
    const timers: NodeJS.Timeout[] = [];
    timers.push(
      setTimeout(() => {
        hasTimedOut = true;
        this.#signal("SIGTERM");
        timers.push(setTimeout(() => this.#signal("SIGKILL"), KILL_AFTER_MS));
        this.#take(false, `no result within ${timeoutMs} ms`);
      }, timeoutMs),
    );
    const end = (isGood: boolean, status: string) => {
      if (this.#child !== child) return;
      this.#child = null;
      for (const timer of timers) clearTimeout(timer);
      if (!hasTimedOut) this.#take(isGood, status);
    };
    child.on("error", (error) => end(false, error.message));
    child.on("exit", (code, signal) => end(code === 0, signal === null ? `status ${code}` : `signal ${signal}`));
  }

  #take(isGood: boolean, status: string): void {
    const { name } = this.#plan;
    if (status !== this.#lastStatus && !isGood) this.#log("info", `Script \`${name}\` failed: ${status}`);
    this.#lastStatus = status;
    if (!this.#threshold.take(isGood)) return;
    this.#log("info", `VRRP_Script(${name}) ${isGood ? "succeeded" : "failed"}`);
    this.#onChange(isGood);
  }

  /** To the whole group. It may be gone already. */
  #signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH")
        this.#log("warn", `${signal}: ${(error as Error).message}`);
    }
  }
}
