// One connection to the master CLI. Lines are read as in the runtime API; each command goes to the process that its prefix names:
//
//   show proc                  the master
//   @1 show info               the current generation                   @!PID show info     the one with this pid
//   @1; show info; show stat   from the prefix alone on, everything     @master, @0         back to the master
//
// A command for a generation gets a connection of its own to that generation's runtime API; its answer is passed on as it is.

import type { Socket } from "node:net";
import type { Level } from "../../control/runtime-api/command.ts";
import { parseLine } from "../../control/runtime-api/line.ts";
import type { Generation } from "../generation.ts";
import type { Master } from "../master.ts";
import { findMasterCommand, unknownMasterCommand } from "./commands.ts";

const LINE_MAX_BYTES = 1 << 20;
const IDLE_TIMEOUT_MS = 60_000;
const RANK: Readonly<Record<Level, number>> = { user: 0, operator: 1, admin: 2 };

/** What a connection has agreed on; commands.ts changes it. */
export interface MasterSettings {
  level: Level;
  /** Further lines are read after the first one, with or without a prompt. */
  interactive: boolean;
  prompt: boolean;
  /** The prompt tells how long the master has been running. */
  timedPrompt: boolean;
  /** What `show cli sockets` lists. */
  readonly sockets: readonly string[];
  severityOutput: "none" | "number" | "string";
  expert: boolean;
  experimental: boolean;
  quit: boolean;
  /** Where commands without a prefix go: "master", "1", "!PID". */
  target: string;
}

export class MasterSession {
  readonly #socket: Socket;
  readonly #master: Master;
  readonly #settings: MasterSettings;
  #input = "";
  #busy = false;
  #inputEnded = false;
  #closed = false;
  #payload: { readonly line: string; readonly end: string; readonly lines: string[] } | null = null;

  constructor(socket: Socket, master: Master, level: Level, sockets: readonly string[] = []) {
    this.#socket = socket;
    this.#master = master;
    this.#settings = {
      ...{ level, interactive: false, prompt: false, timedPrompt: false, severityOutput: "none" },
      ...{ expert: false, experimental: false, quit: false, target: "master", sockets },
    };
    socket.setEncoding("utf8");
    socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.on("data", (text: string) => {
      this.#input += text;
      if (this.#input.length > LINE_MAX_BYTES) socket.destroy();
      else this.#advance();
    });
    socket.on("end", () => {
      this.#inputEnded = true;
      this.#advance();
    });
  }

  #advance(): void {
    if (this.#busy || this.#closed) return;
    const end = this.#input.indexOf("\n");
    if (end < 0) {
      if (this.#inputEnded) this.#close();
      return;
    }
    const line = this.#input.slice(0, end).replace(/\r$/, "");
    this.#input = this.#input.slice(end + 1);
    this.#busy = true;
    void this.#takeLine(line).then(() => {
      this.#busy = false;
      this.#advance();
    });
  }

  async #takeLine(line: string): Promise<void> {
    const payload = this.#payload;
    if (payload !== null) {
      if (line !== payload.end) {
        payload.lines.push(line);
        return;
      }
      this.#payload = null;
      await this.#run(payload.line, `${[...payload.lines, payload.end].join("\n")}\n`);
      return;
    }
    const { payloadEnd } = parseLine(line);
    if (payloadEnd === null) await this.#run(line, "");
    else this.#payload = { line, end: payloadEnd, lines: [] };
  }

  /** @param payload the lines behind the last command, its end mark included */
  async #run(line: string, payload: string): Promise<void> {
    // `@@1 a; b`: the whole line is that process's.
    const commands = /^\s*@@/.test(line) ? [line.replace("@@", "@")] : splitCommands(line);
    for (const [i, text] of commands.entries()) {
      await this.#command(text, i === commands.length - 1 ? payload : "");
      if (this.#settings.quit || this.#closed) break;
    }
    if (this.#settings.quit || !this.#settings.interactive) this.#close();
    else if (this.#settings.prompt) this.#socket.write(this.#promptText());
  }

  async #command(text: string, payload: string): Promise<void> {
    const prefix = /^\s*@(\S+)\s*/.exec(text);
    const rest = prefix === null ? text : text.slice(prefix[0].length);
    const target = prefix?.[1] ?? this.#settings.target;
    if (prefix !== null && rest.trim() === "") {
      this.#settings.target = target;
      return;
    }
    if (target === "master" || target === "0") {
      this.#socket.write(`${await this.#own(rest)}\n`);
      return;
    }
    // These mean this connection, wherever its commands go.
    if (/^\s*(quit|prompt|expert-mode|experimental-mode|set severity-output)\b/.test(rest)) {
      await this.#own(rest);
      return;
    }
    const generation = this.#generation(target);
    if (generation === null) this.#socket.write(`Can't find the target PID matching the prefix '@${target}'\n\n`);
    else await this.#forward(generation, `${rest}\n${payload}`);
  }

  /** The answer of a command of the master's own. */
  async #own(text: string): Promise<string> {
    const words = parseLine(text).commands[0] ?? [];
    if (words.length === 0) return "";
    const command = findMasterCommand(words);
    if (command === undefined) return unknownMasterCommand(words);
    if (RANK[this.#settings.level] < RANK[command.level]) return "Permission denied\n";
    return command.run(words.slice(command.words.length), this.#settings, this.#master);
  }

  #generation(target: string): Generation | null {
    if (target.startsWith("!")) {
      const pid = Number(target.slice(1));
      const all = [...(this.#master.current === null ? [] : [this.#master.current]), ...this.#master.retired];
      return all.find((generation) => generation.pid === pid) ?? null;
    }
    return target === "1" ? this.#master.current : null;
  }

  async #forward(generation: Generation, text: string): Promise<void> {
    // One that has just taken over from a dead one is about to serve.
    await generation.serving;
    const { level, severityOutput, expert, experimental } = this.#settings;
    const connection = await generation.connect({ level, severityOutput, expert, experimental });
    await new Promise<void>((resolve) => {
      if (connection === null) {
        this.#socket.write("Can't connect to the target CLI!\n\n");
        resolve();
        return;
      }
      connection.on("error", () => connection.destroy());
      connection.on("close", () => resolve());
      connection.on("data", (chunk) => {
        // A client that does not read holds up the answer, not our memory.
        if (this.#socket.write(chunk)) return;
        connection.pause();
        this.#socket.once("drain", () => connection.resume());
      });
      this.#socket.once("close", () => connection.destroy());
      connection.end(text);
    });
  }

  #promptText(): string {
    const { target, timedPrompt } = this.#settings;
    const time = timedPrompt ? `[${uptimeClock(this.#master.startedAtMs)}] ` : "";
    if (target === "1") return `\n${time}${this.#master.current?.pid ?? 0}> `;
    if (target.startsWith("!")) return `\n${time}${target.slice(1)}> `;
    return this.#master.lastReloadFailed ? `\n${time}master[ReloadFailed]> ` : `\n${time}master> `;
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.end();
    this.#socket.resume();
  }
}

/** `0:00:05:06`: days, hours, minutes, seconds. */
function uptimeClock(startedAtMs: number): string {
  const seconds = Math.floor((Date.now() - startedAtMs) / 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const clock = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(":");
  return `${Math.floor(seconds / 86_400)}:${clock}`;
}

/** Commands as written, escapes and all: what goes on to a generation is parsed there. */
function splitCommands(line: string): string[] {
  return line.match(/(?:\\.|[^;\\])+|\\$/g) ?? [line];
}
