// Supervisors (guard.ts) whose daemon is gone. A daemon that starts stops them with its first step, so that they do not remove the addresses while
// it reads its configuration and runs its startup_script; when it is about to adopt the addresses it ends them.
//
// A start that fails, or is killed, must let them go on: whoever it is that ends it, a second shell that waits for the end of a pipe wakes
// them. It exists only while there are stopped ones.

import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** What a supervisor's command line is found by: this, the network namespace, the daemon's process, `instance` of its configuration. */
const GUARD_NAME = "ringway-ha-guard";
const PAUSE_NAME = "ringway-ha-pause";
const PAUSE_SCRIPT = `trap '' HUP INT TERM
while read -r word; do :; done
kill -CONT "$@"`;

/** The words by which the supervisor of this process is found. */
export function guardWords(instanceName: string | null): string[] {
  return [GUARD_NAME, namespaceOf("self", "net"), String(process.pid), instanceName ?? ""];
}

export class OrphanedGuards {
  /** Wakes them when this process ends; null: there were none. */
  readonly #waker: ChildProcess | null;

  private constructor(waker: ChildProcess | null) {
    this.#waker = waker;
  }

  /** Stops those of this network namespace. */
  static pause(): OrphanedGuards {
    const pids = orphans();
    if (pids.length === 0) return new OrphanedGuards(null);
    const words = ["-c", PAUSE_SCRIPT, PAUSE_NAME, ...pids.map(String)];
    const waker = spawn("/bin/sh", words, { detached: true, stdio: ["pipe", "ignore", "ignore"] });
    waker.unref();
    // Without it nothing may be stopped: nobody would let them go on.
    if (waker.pid !== undefined) for (const pid of pids) signal(pid, "SIGSTOP");
    waker.on("error", () => {});
    waker.stdin?.on("error", () => {});
    return new OrphanedGuards(waker);
  }

  /** We look after the addresses of those with this `instance` now; others go on. */
  end(instanceName: string | null): void {
    for (const pid of orphans(instanceName ?? "")) signal(pid, "SIGKILL");
    this.#waker?.stdin?.end();
  }
}

function namespaceOf(pid: string, kind: "net" | "pid"): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return "unknown";
  }
}

/**
 * A supervisor is an orphan when its parent is another process than its daemon. Processes of other PID namespaces are numbered otherwise.
 * `instanceName`: null for any.
 */
function orphans(instanceName: string | null = null): number[] {
  const here = namespaceOf("self", "net");
  const numbering = namespaceOf("self", "pid");
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0");
        const at = words.indexOf(GUARD_NAME);
        if (at < 0 || words[at + 1] !== here || namespaceOf(pid, "pid") !== numbering) return false;
        if (instanceName !== null && words[at + 3] !== instanceName) return false;
        // The name, in parentheses, may hold anything; state and parent follow the last one.
        const [, parent] = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)!.split(" ");
        return parent !== words[at + 2];
      } catch {
        // It ended meanwhile.
        return false;
      }
    })
    .map(Number);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended meanwhile.
  }
}
