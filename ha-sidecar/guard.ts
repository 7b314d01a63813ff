// The supervisor: a shell that waits for the end of a pipe. When the daemon ends without having said goodbye (kill -9, a crash, out of memory)
// it removes the virtual addresses, which would otherwise stay beside those of the next master for ever. It costs about a megabyte and
// no time, and it needs nothing but sh and ip.
//
// It waits until somebody else must have become master, so that clients are served all the time: make before break holds for a crash too. A daemon
// that is started again in the meantime ends it and adopts the addresses. Who wants them gone at once, or from a frozen daemon too, has
// nft_lease and address_lifetime.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { Log } from "./log.ts";
import type { HaPlan } from "./plan/plan.ts";
import type { InstancePlan } from "./plan/vrrp.ts";
import type { State } from "./vrrp/states.ts";

const NAME = "ringway-ha-guard";
/** The last line counts: seconds, then ADDRESS/PREFIX INTERFACE of every address. An empty one: all is well. */
const SCRIPT = [
  "trap '' HUP INT TERM",
  "line=",
  "while read -r next; do line=$next; done",
  '[ -n "$line" ] || exit 0',
  "set -- $line",
  'sleep "$1"',
  "shift",
  'while [ $# -gt 1 ]; do ip address del "$1" dev "$2"; shift 2; done',
].join("\n");
/** Not sooner: a service manager may start the daemon again, which takes a second or two on a busy machine. */
const DELAY_MIN_S = 3;

export class Guard {
  readonly #log: Log;
  #plan: HaPlan;
  readonly #owners = new Set<number>();
  #child: ChildProcess | null = null;
  #isWatching = false;

  constructor(plan: HaPlan, log: Log) {
    this.#plan = plan;
    this.#log = log;
  }

  /** Ends what watched over an earlier run, and begins. */
  start(): void {
    endOrphans();
    this.#isWatching = true;
    if (this.#plan.global.sidecar.crashGuard) this.#spawn();
  }

  onState(index: number, state: State): void {
    if (state === "MASTER" || state === "LEAVING") this.#owners.add(index);
    else this.#owners.delete(index);
    this.#write();
  }

  /** After a reload: indices are of the new plan. */
  setPlan(plan: HaPlan, masters: readonly number[]): void {
    this.#plan = plan;
    this.#owners.clear();
    for (const index of masters) this.#owners.add(index);
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
    const words = ["-c", SCRIPT, NAME, networkNamespace(), String(process.pid)];
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
      setTimeout(() => this.#isWatching && this.setPlan(this.#plan, [...this.#owners]), 1000).unref();
    });
    // It has gone: `exit` says so.
    child.stdin?.on("error", () => {});
    this.#write();
  }

  #write(): void {
    const owners = [...this.#owners].map((index) => this.#plan.instances[index]!);
    const pairs = this.#plan.global.sidecar.crashGuard ? owners.flatMap(pairsOf) : [];
    this.#child?.stdin?.write(pairs.length === 0 ? "\n" : `${delayS(owners)} ${pairs.join(" ")}\n`);
  }
}

function pairsOf(plan: InstancePlan): string[] {
  const own = plan.vmac?.interface ?? plan.interface;
  return [...plan.addresses, ...plan.excludedAddresses].flatMap(({ address, prefixLength, interface: name }) => {
    const device = name ?? own;
    return device === null ? [] : [`${address.text}/${prefixLength} ${device}`];
  });
}

/** Until the weakest successor must have announced itself. */
function delayS(owners: readonly InstancePlan[]): number {
  const longestMs = owners.map(({ advertIntervalMs, downTimerAdverts, version }) => {
    return (downTimerAdverts + 1) * advertIntervalMs + (version === 2 ? 1000 : advertIntervalMs);
  });
  return Math.max(DELAY_MIN_S, Math.ceil(Math.max(...longestMs) / 1000));
}

function networkNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/net");
  } catch {
    return "unknown";
  }
}

/** Supervisors in this network namespace whose daemon is gone: we look after its addresses now. */
function endOrphans(): void {
  const here = networkNamespace();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0");
      const at = words.indexOf(NAME);
      if (at < 0 || words[at + 1] !== here || existsSync(`/proc/${words[at + 2]}`)) continue;
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // It ended meanwhile.
    }
  }
}
