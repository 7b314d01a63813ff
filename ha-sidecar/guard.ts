// The supervisor: a shell that waits for the end of a pipe. When the daemon ends without having said goodbye (kill -9, a crash, out of memory)
// it removes what the daemon has put into the kernel: addresses, which would otherwise stay beside those of the next master for ever,
// routes, rules and macvlans. It costs about a megabyte and no time, and it needs nothing but sh and ip.
//
// It waits until somebody else must have become master, so that clients are served all the time: make before break holds for a crash too. A daemon
// that is started again in the meantime stops it (orphaned-guards.ts), ends it and adopts the addresses. Who wants them gone at once, or
// from a frozen daemon too, has nft_lease and address_lifetime.

import { type ChildProcess, spawn } from "node:child_process";
import { cleanupOfAny, cleanupOfMaster } from "./address/cleanup.ts";
import type { Log } from "./log.ts";
import { guardWords, type OrphanedGuards } from "./orphaned-guards.ts";
import type { HaPlan } from "./plan/plan.ts";
import type { InstancePlan } from "./plan/vrrp.ts";

/** The last line counts: seconds, then commands of ip, each behind a `;`. An empty one: all is well. */
const SCRIPT = [
  "trap '' HUP INT TERM",
  "set -f",
  "line=",
  "while read -r next; do line=$next; done",
  '[ -n "$line" ] || exit 0',
  "set -- $line",
  'sleep "$1"',
  "shift",
  "command=",
  // The last command ends with a `;` too.
  'for word; do if [ "$word" = ";" ]; then ip $command; command=; else command="$command $word"; fi; done',
].join("\n");
/** Not sooner: a service manager may start the daemon again. */
const DELAY_MIN_S = 3;

export class Guard {
  readonly #log: Log;
  #plan: HaPlan;
  readonly #orphans: OrphanedGuards;
  /** Instances whose addresses are here: masters, and those that keep the ones of an earlier run. */
  readonly #holders = new Set<number>();
  #child: ChildProcess | null = null;
  #isWatching = false;

  /** `orphans`: what watched over an earlier run. */
  constructor(plan: HaPlan, log: Log, orphans: OrphanedGuards) {
    this.#orphans = orphans;
    this.#plan = plan;
    this.#log = log;
  }

  /** Ends what watched over an earlier run, and begins. */
  start(): void {
    this.#isWatching = true;
    if (this.#plan.global.sidecar.crashGuard) this.#spawn();
    this.#orphans.end(this.#plan.global.instanceName);
  }

  /** The instance's addresses are here, or are not any more. */
  onHolds(index: number, holds: boolean): void {
    if (holds) this.#holders.add(index);
    else this.#holders.delete(index);
    this.#write();
  }

  /** After a reload: indices are of the new plan. */
  setPlan(plan: HaPlan, masters: readonly number[]): void {
    this.#plan = plan;
    this.#holders.clear();
    for (const index of masters) this.#holders.add(index);
    if (this.#child === null && plan.global.sidecar.crashGuard) this.#spawn();
    this.#write();
  }

  /** An orderly end: nothing is to be cleaned up. */
  end(): void {
    this.#isWatching = false;
    this.#child?.stdin?.end("\n");
    this.#child = null;
  }

  #spawn(): void {
    const words = ["-c", SCRIPT, ...guardWords(this.#plan.global.instanceName)];
    // In a session of its own: what kills the daemon's process group does not reach it.
    const child = spawn("/bin/sh", words, { detached: true, stdio: ["pipe", "ignore", "ignore"] });
    this.#child = child;
    child.unref();
    child.on("error", (error) => {
      this.#child = null;
      this.#log("warn", `crash_guard: ${error.message}; a killed daemon would leave its addresses behind`);
    });
    child.on("exit", () => {
      if (this.#child !== child || !this.#isWatching) return;
      this.#child = null;
      this.#log("warn", "crash_guard: the supervisor was ended by others, starting it again");
      setTimeout(() => this.#isWatching && this.setPlan(this.#plan, [...this.#holders]), 1000).unref();
    });
    // It has gone: `exit` says so.
    child.stdin?.on("error", () => {});
    this.#write();
  }

  #write(): void {
    const { global, instances } = this.#plan;
    const holders = instances.filter(({ index }) => this.#holders.has(index));
    const commands = [...holders.flatMap(cleanupOfMaster), ...instances.flatMap(cleanupOfAny)];
    const isIdle = !global.sidecar.crashGuard || commands.length === 0;
    this.#child?.stdin?.write(isIdle ? "\n" : `${delayS(holders)} ${commands.map((text) => `${text} ; `).join("")}\n`);
  }
}

/** Until the weakest successor must have announced itself. */
function delayS(holders: readonly InstancePlan[]): number {
  const longestMs = holders.map(({ advertIntervalMs, downTimerAdverts, version }) => {
    return (downTimerAdverts + 1) * advertIntervalMs + (version === 2 ? 1000 : advertIntervalMs);
  });
  return Math.max(DELAY_MIN_S, Math.ceil(Math.max(...longestMs) / 1000));
}
