// The programs of a benchmark run: found, started on their cores, waited for, stopped.

import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { connect, createServer } from "node:net";
import { delimiter, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** The repository's root, seen from dist/bench. */
export const REPOSITORY = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

const START_MS_MAX = 10_000;
const STOP_MS_MAX = 5_000;

/** Full path of a program in PATH or in the folders of system programs, or null. */
export function findProgram(name: string): string | null {
  const folders = name.includes("/")
    ? [""]
    : [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here: the next folder may have it.
    }
  }
  return null;
}

/** Runs a command to its end and returns what it wrote. Throws with its words when it fails. */
export async function run(command: readonly string[], stdin?: string): Promise<string> {
  const child = spawn(command[0]!, command.slice(1), { stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  child.stdout.on("data", (data) => {
    output += data;
  });
  child.stderr.on("data", (data) => {
    errors += data;
  });
  child.stdin.end(stdin);
  const code = await new Promise((resolve, reject) => {
    child.on("close", resolve);
    child.on("error", reject);
  });
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${errors || output}`);
  return output;
}

/** A server that runs until it is stopped. */
export class Server {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #output = "";
  #hasEnded = false;

  private constructor(child: ChildProcess, onOutput: (text: string) => void) {
    this.#child = child;
    this.pid = child.pid ?? -1;
    const collect = (data: Buffer) => {
      this.#output = (this.#output + data).slice(-4000);
      onOutput(data.toString("latin1"));
    };
    child.stdout!.on("data", collect);
    child.stderr!.on("data", collect);
    this.#ended = new Promise((resolve) => {
      child.on("error", (error) => collect(Buffer.from(String(error))));
      child.on("close", () => {
        this.#hasEnded = true;
        resolve();
      });
    });
  }

  /**
   * Starts a command and waits until something accepts connections on `port`. Throws with its words when it ends first.
   * @param onOutput gets what it writes, piece by piece; the server itself keeps the last words only
   */
  static async start(
    command: readonly string[],
    port: number,
    onOutput: (text: string) => void = () => {},
  ): Promise<Server> {
    const child = spawn(command[0]!, command.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
    const server = new Server(child, onOutput);
    const end = performance.now() + START_MS_MAX;
    while (!(await accepts(port))) {
      if (server.#hasEnded) throw new Error(`${command.join(" ")} ended at once:\n${server.#output}`);
      if (performance.now() > end) {
        await server.stop();
        throw new Error(`${command.join(" ")} does not listen on port ${port}:\n${server.#output}`);
      }
      await sleep(20);
    }
    return server;
  }

  /** SIGTERM, and SIGKILL if that is not enough. */
  async stop(): Promise<void> {
    if (this.#hasEnded) return;
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS_MAX);
    await this.#ended;
    clearTimeout(timer);
  }
}

/** A TCP port that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return address.port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
