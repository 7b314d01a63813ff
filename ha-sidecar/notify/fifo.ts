// A FIFO that gets a line per event (notify_fifo, vrrp_notify_fifo, lvs_notify_fifo), and the script that reads it. Nobody waits for a
// reader: what a full FIFO does not take is lost, and the log says so.

import { type ChildProcess, spawn } from "node:child_process";
import { chownSync, closeSync, constants, openSync, writeSync } from "node:fs";
import { mkfifo } from "../../shared/ffi/file.ts";
import type { Log } from "../log.ts";
import type { FifoPlan } from "../plan/plan.ts";

const FIFO_MODE = 0o600;
/** A script that ends is started again after this time. */
const RESTART_MS = 1000;

export class Fifo {
  readonly #plan: FifoPlan;
  readonly #log: Log;
  #fd = -1;
  #child: ChildProcess | null = null;
  #restart: NodeJS.Timeout | null = null;
  #isClosed = false;

  /** `runsScript` false: somebody else has the same FIFO and runs its script. */
  constructor(plan: FifoPlan, log: Log, runsScript = true) {
    this.#plan = plan;
    this.#log = log;
    try {
      if (mkfifo(plan.path, FIFO_MODE) === 0) chownSync(plan.path, plan.uid, plan.gid);
      // Reading and writing, so that opening waits for no reader and writing meets no broken pipe.
      this.#fd = openSync(plan.path, constants.O_RDWR | constants.O_NONBLOCK);
    } catch (error) {
      log("error", `notify_fifo ${plan.path}: ${(error as Error).message}`);
      return;
    }
    if (runsScript) this.#start();
  }

  write(line: string): void {
    if (this.#fd < 0) return;
    try {
      writeSync(this.#fd, `${line}\n`);
    } catch (error) {
      this.#log("warn", `notify_fifo ${this.#plan.path}: ${(error as Error).message}, lost: ${line}`);
    }
  }

  /** The script gets the end of file, and SIGTERM after `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosed = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
    const child = this.#child;
    if (child === null) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        child.kill("SIGTERM");
        resolve();
      }, timeoutMs);
      child.on("exit", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #start(): void {
    const { script, path } = this.#plan;
    if (script === null || !script.enabled || this.#isClosed) return;
    const [program, ...parameters] = script.argv;
    const child = spawn(program!, [...parameters, path], { uid: script.uid, gid: script.gid, stdio: "ignore" });
    this.#child = child;
    const end = (why: string) => {
      if (this.#child !== child) return;
      this.#child = null;
      if (this.#isClosed) return;
      this.#log("warn", `notify fifo script ${script.text} ended: ${why}`);
      this.#restart = setTimeout(() => this.#start(), RESTART_MS);
    };
    child.on("error", (error) => end(error.message));
    child.on("exit", (code, signal) => end(signal ?? `status ${code}`));
  }
}
