// Starts the program under test with a configuration and stops it again.
//
// The program is this repository's build run by the node that runs the test, unless RINGWAY_TEST_PROGRAM names another one
// that takes HAProxy's command line: so every expectation can be proved against the real HAProxy first
// (`RINGWAY_TEST_PROGRAM=/usr/sbin/haproxy node dist/proxy/test/x.test.js`).
//
// "Up" means that every TCP port and UNIX path that the configuration binds is in state LISTEN (see ports.ts). "Down" means
// that the process is gone: SIGTERM first, SIGKILL when it does not go.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { listeningPaths, listeningPorts } from "./ports.ts";
import { until, within } from "./time.ts";

/** The repository's root, seen from dist/proxy/test/lab. */
export const REPOSITORY = resolve(dirname(fileURLToPath(import.meta.url)), "../../../..");

/** The command of the program under test, without arguments. */
export function programUnderTest(): readonly string[] {
  const named = process.env.RINGWAY_TEST_PROGRAM;
  if (named !== undefined && named !== "") return named.split(" ");
  return [process.execPath, "--enable-source-maps", join(REPOSITORY, "dist/proxy/main.js")];
}

/** True when the tests run against HAProxy itself, to prove them right. */
export const IS_HAPROXY = /(^|\/)haproxy$/.test(programUnderTest()[0]!);

/** How a process ended. */
export interface ProgramExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface StartOptions {
  /** The configuration's text; it is written to `cfg` in a folder of its own. */
  readonly config: string;
  /** Arguments after `-f cfg`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Another program than the one under test. */
  readonly command?: readonly string[];
  /** Descriptors that the program inherits as 3, 4, …. */
  readonly inherit?: readonly number[];
  /** Do not wait until it listens. */
  readonly noWait?: boolean;
  /** Ports to wait for instead of those found in the configuration. */
  readonly ports?: readonly number[];
}

/** What tap's test object offers for tidying up; so that the lab needs nothing else of tap. */
export interface Teardown {
  teardown(fn: () => unknown): unknown;
}

/** A running program under test. */
export class Program {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly exited: Promise<ProgramExit>;
  stdout = "";
  stderr = "";
  exit: ProgramExit | null = null;

  constructor(child: ChildProcess, folder: string) {
    this.child = child;
    this.folder = folder;
    child.stdout?.setEncoding("latin1").on("data", (text: string) => {
      this.stdout += text;
    });
    child.stderr?.setEncoding("latin1").on("data", (text: string) => {
      this.stderr += text;
    });
    // "close" and not "exit": by then both pipes have been read to their ends.
    this.exited = new Promise((resolve) => {
      child.on("close", (code, signal) => {
        this.exit = { code, signal };
        resolve(this.exit);
      });
      child.on("error", (error) => {
        this.stderr += String(error);
        this.exit = { code: null, signal: null };
        resolve(this.exit);
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** Resident memory of the process (all its threads) in bytes. */
  get residentBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "latin1");
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  }

  /** Open descriptors of the process. */
  get descriptorCount(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Ends the process if it still runs and says how it went. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<ProgramExit> {
    if (this.exit !== null) return this.exit;
    this.child.kill(signal);
    // The limit's timer must not outlive the process: it would keep the test's own process waiting.
    const gone = await within("end of the program", this.exited).catch(() => null);
    if (gone !== null) return gone;
    this.child.kill("SIGKILL");
    return within("end after SIGKILL", this.exited);
  }
}

/** Ports and paths that the `bind` and `stats socket` lines of a configuration name. */
export function boundAddresses(config: string): { ports: number[]; paths: string[] } {
  const ports: number[] = [];
  const paths: string[] = [];
  for (const line of config.split("\n")) {
    const address = /^\s*(?:bind|stats\s+socket)\s+"?([^\s"]+)/.exec(line)?.[1];
    if (address === undefined) continue;
    for (const one of address.split(",")) {
      const range = /:(\d+)(?:-(\d+))?$/.exec(one);
      if (range !== null) {
        for (let port = Number(range[1]); port <= Number(range[2] ?? range[1]); port++) ports.push(port);
      } else if (one.startsWith("/") || one.startsWith("unix@")) {
        paths.push(one.replace(/^unix@/, ""));
      }
    }
  }
  return { ports, paths };
}

/**
 * Starts the program and waits until it listens.
 * @throws Error with the program's stderr when it ends first or does not come up.
 */
export async function startProgram(t: Teardown, options: StartOptions): Promise<Program> {
  const folder = mkdtempSync(join(tmpdir(), "ringway-test-"));
  const file = join(folder, "cfg");
  writeFileSync(file, options.config);
  const command = options.command ?? programUnderTest();
  const child = spawn(command[0]!, [...command.slice(1), "-f", file, ...(options.args ?? [])], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe", ...(options.inherit ?? [])],
    env: { ...environment(), ...options.env },
  });
  const program = new Program(child, folder);
  t.teardown(async () => {
    await program.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  if (options.noWait !== true) await waitUntilUp(program, options);
  return program;
}

/** Ours without what the test runner puts there: it loads itself into every node, handles its signals and writes files at its end. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, ...rest } = process.env;
  return rest;
}

async function waitUntilUp(program: Program, options: StartOptions): Promise<void> {
  const { ports, paths } = boundAddresses(options.config);
  const wanted = options.ports ?? ports;
  try {
    await until("the program listens", () => {
      if (program.exit !== null) throw new Error(`the program ended (${JSON.stringify(program.exit)})`);
      const openPorts = listeningPorts();
      if (!wanted.every((port) => openPorts.has(port))) return false;
      if (paths.length === 0) return true;
      const openPaths = listeningPaths();
      // HAProxy binds to a temporary name and renames the file, so the kernel's table keeps the old name.
      return paths.every((path) => openPaths.has(path) || existsSync(path));
    });
  } catch (error) {
    await program.stop();
    throw new Error(`${String(error)}\n--- stderr\n${program.stderr}\n--- stdout\n${program.stdout}`);
  }
}

export interface RunResult extends ProgramExit {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program under test to its end, e.g. with `-c` or `-vv`. */
export async function runProgram(
  args: readonly string[],
  options: { cwd?: string; limitMs?: number } = {},
): Promise<RunResult> {
  const command = programUnderTest();
  const child = spawn(command[0]!, [...command.slice(1), ...args], {
    cwd: options.cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: environment(),
  });
  const program = new Program(child, "");
  try {
    const exit = await within(`end of ${args.join(" ")}`, program.exited, options.limitMs);
    return { ...exit, stdout: program.stdout, stderr: program.stderr };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}
