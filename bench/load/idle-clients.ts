// The idle clients (idle.ts) as who measures sees them: opened, counted, closed.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Cores, pinned } from "../cores.ts";
import { REPOSITORY } from "../programs.ts";
import type { IdleReport } from "./idle.ts";

export class IdleClients {
  /** Connections that had their answer and are kept. */
  readonly held: number;
  readonly failed: number;
  readonly #end: () => Promise<unknown>;

  private constructor({ open, failed }: IdleReport, end: () => Promise<unknown>) {
    this.held = open;
    this.failed = failed;
    this.#end = end;
  }

  /** @throws Error if the program of the clients ends before all have asked */
  static async open(port: number, connections: number, tls: boolean, cores: Cores): Promise<IdleClients> {
    const program = join(REPOSITORY, "dist/bench/load/idle.js");
    const words = [process.execPath, program, String(port), String(connections), tls ? "tls" : "tcp"];
    const command = pinned(cores.others, words);
    const clients = spawn(command[0]!, command.slice(1), { stdio: ["pipe", "pipe", "inherit"] });
    const ended = new Promise((resolve) => clients.on("close", resolve));
    const line = await Promise.race([
      new Promise<string>((resolve) => createInterface(clients.stdout).once("line", resolve)),
      ended.then(() => null),
    ]);
    if (line === null) throw new Error("the idle clients ended early");
    return new IdleClients(JSON.parse(line), () => {
      clients.stdin.end();
      return ended;
    });
  }

  async close(): Promise<void> {
    await this.#end();
  }
}
