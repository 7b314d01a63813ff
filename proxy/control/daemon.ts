// Becoming a daemon (`daemon`, -D). C programs fork in the middle of their start; Node cannot: its threads, its event loop and V8 do not survive
// a fork. So the program is started a second time instead:
//
//   ringway -D …  (parent)                          ringway -D …  (child: own session, no terminal, same stderr)
//     reads the configuration, reports errors
//     spawns ──────────────────────────────────────▶ reads it again, binds, writes the pid file, drops privileges …
//     waits on a pipe ◀─────────── "ready" ───────── serves; stdin, stdout, stderr become /dev/null
//     exits 0
//     … or the child's end: exits 1, the child's messages stand on stderr already
//
// The parent's exit status is therefore the truth about the start. Inherited descriptors that the configuration names (fd@N) are passed on under
// the same numbers; libuv marks everything close-on-exec when Node starts, so each has to be named. The child knows that it is one by an
// environment variable that holds the pipe's descriptor number; it is removed at once, so that nothing the child starts inherits it.

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { duplicateTo, F_GETFD, fcntl } from "../../shared/ffi/file.ts";
import type { Plan } from "../plan/plan.ts";

const VARIABLE = "RINGWAY_DAEMON_PIPE";
const READY = "ready\n";
const FIRST_FREE_DESCRIPTOR = 3;

/** The child's end of the pipe, or null in a process that was started by hand. To be asked once, first thing. */
export function takeReadinessPipe(): number | null {
  const text = process.env[VARIABLE];
  delete process.env[VARIABLE];
  if (text === undefined || !/^\d+$/.test(text)) return null;
  return Number(text);
}

/** A daemon's way out of the terminal, prepared while /dev/null can still be opened (a chroot usually has none). */
export class Detachment {
  readonly #pipe: number;
  readonly #nowhere: number;

  constructor(pipe: number) {
    this.#pipe = pipe;
    this.#nowhere = openSync("/dev/null", "r+");
  }

  /** The daemon serves: its standard streams lead nowhere from now on, and the parent may go. */
  complete(): void {
    // They may be a terminal, or a pipe whose reader waits for the last writer to go.
    for (const stream of [0, 1, 2]) duplicateTo(this.#nowhere, stream);
    closeSync(this.#nowhere);
    writeSync(this.#pipe, READY);
    closeSync(this.#pipe);
  }
}

/**
 * Starts the daemon and waits until it serves or has failed.
 * @returns the parent's exit status, and the child's pid
 */
export async function spawnDaemon(plan: Plan): Promise<{ readonly status: number; readonly pid: number }> {
  const inherited = inheritedDescriptors(plan);
  const pipe = freeDescriptor(inherited);
  const stdio: ("inherit" | "ignore" | "pipe" | number)[] = ["inherit", "inherit", "inherit"];
  for (let fd = FIRST_FREE_DESCRIPTOR; fd <= Math.max(pipe, ...inherited); fd++) {
    stdio.push(fd === pipe ? "pipe" : inherited.includes(fd) ? fd : "ignore");
  }
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    detached: true,
    stdio,
    env: { ...process.env, [VARIABLE]: String(pipe) },
  });
  const ready = await readiness(child, pipe);
  child.unref();
  return { status: ready ? 0 : 1, pid: child.pid ?? -1 };
}

/** True when the child said so, false when it ended (or could not be started) first. */
function readiness(child: ChildProcess, pipe: number): Promise<boolean> {
  return new Promise((resolve) => {
    const stream = child.stdio[pipe];
    let received = "";
    child.once("error", () => resolve(false));
    child.once("exit", () => resolve(false));
    stream?.on("data", (chunk: Buffer) => {
      received += chunk.toString();
      if (received === READY) resolve(true);
    });
    // The child may be killed between its last word and its end; without the pipe nothing can arrive any more.
    stream?.once("close", () => resolve(received === READY));
  });
}

/** Numbers of fd@N that are open: listening sockets, stats sockets, log targets. */
export function inheritedDescriptors(plan: Plan): number[] {
  const addresses = [
    ...plan.listeners.map((listener) => listener.address),
    ...plan.global.statsSockets.map((stats) => stats.address),
    ...plan.global.log.map((log) => log.address),
    ...plan.proxies.flatMap((proxy) => proxy.log.map((log) => log.address)),
  ];
  const named = addresses.flatMap((address) => (address.kind === "fd" ? [address.fd] : []));
  const open = named.filter((fd) => fd >= FIRST_FREE_DESCRIPTOR && fcntl(fd, F_GETFD, 0) >= 0);
  return [...new Set(open)];
}

function freeDescriptor(taken: readonly number[]): number {
  let fd = FIRST_FREE_DESCRIPTOR;
  while (taken.includes(fd)) fd++;
  return fd;
}
