// One connection to the runtime API: reads lines, runs their commands one after another, writes their answers.
//
//   single mode (default)   one line is read, every answer ends with an empty line, then the connection is closed
//   interactive, prompt     lines are read until `quit`, the end of the input or the timeout
//
// A client that has shut down its sending side still gets its answers. Input is bounded: a line or payload above LINE_MAX_BYTES ends the
// connection, and what arrives behind the one line of single mode is read and dropped, so that the close cannot destroy the answer on
// its way (a socket that is closed with unread data is reset).

import type { Socket } from "node:net";
import { type Answer, allows, PERMISSION_DENIED, type RuntimeContext } from "./command.ts";
import { COMMANDS, findCommand } from "./commands.ts";
import { unknownCommand } from "./help.ts";
import { parseLine } from "./line.ts";
import type { SessionSettings } from "./session-settings.ts";

/** HAProxy's limit is its buffer, 16 KiB; payloads (certificates, maps) may be longer here. */
const LINE_MAX_BYTES = 1 << 20;

/** Syslog severities by number, as `set severity-output string` spells them. */
const SEVERITY_NAMES = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

export class RuntimeSession {
  readonly #socket: Socket;
  readonly #context: RuntimeContext;
  readonly #settings: SessionSettings;
  #input = "";
  #busy = false;
  #inputEnded = false;
  #closed = false;
  /** Set while payload lines are collected. */
  #pending: {
    readonly commands: readonly (readonly string[])[];
    readonly end: string;
    readonly lines: string[];
  } | null = null;

  constructor(socket: Socket, context: RuntimeContext, settings: SessionSettings) {
    this.#socket = socket;
    this.#context = context;
    this.#settings = settings;
    socket.setEncoding("latin1");
    socket.setTimeout(settings.timeoutMs);
    socket.on("timeout", () => socket.destroy());
    // A client that goes away in the middle is its own affair; without a listener it would end the process.
    socket.on("error", () => socket.destroy());
    socket.on("data", (text: string) => this.#onData(text));
    socket.on("end", () => {
      this.#inputEnded = true;
      this.#advance();
    });
  }

  #onData(text: string): void {
    if (this.#closed) return;
    this.#input += text;
    if (this.#input.length > LINE_MAX_BYTES) this.#socket.destroy();
    else this.#advance();
  }

  /** Takes the next line if nothing is running. */
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
    this.#takeLine(line).then(
      () => {
        this.#busy = false;
        this.#advance();
      },
      (error: unknown) => {
        this.#socket.destroy();
        // Our own bug, not the user's: let the process' handler report it.
        queueMicrotask(() => {
          throw error;
        });
      },
    );
  }

  async #takeLine(line: string): Promise<void> {
    if (this.#pending !== null) {
      if (line !== this.#pending.end) {
        this.#pending.lines.push(line);
        return;
      }
      const { commands, lines } = this.#pending;
      this.#pending = null;
      await this.#run(commands, lines.map((payloadLine) => `${payloadLine}\n`).join(""));
      return;
    }
    const { commands, payloadEnd } = parseLine(line);
    if (payloadEnd === null) await this.#run(commands, "");
    else this.#pending = { commands, end: payloadEnd, lines: [] };
  }

  async #run(commands: readonly (readonly string[])[], payload: string): Promise<void> {
    for (const [i, words] of commands.entries()) {
      const isLast = i === commands.length - 1;
      const answer = await this.#answer(words, isLast ? payload : "");
      if (this.#settings.quit) {
        this.#close();
        return;
      }
      this.#socket.write(this.#render(answer, isLast), "latin1");
    }
    this.#socket.setTimeout(this.#settings.timeoutMs);
    if (this.#settings.mode === "single") this.#close();
  }

  async #answer(words: readonly string[], payload: string): Promise<Answer> {
    if (words.length === 0) return { text: "" };
    const command = findCommand(words);
    if (command === undefined) return unknownCommand(COMMANDS, words);
    if (!allows(this.#settings.level, command.level)) return PERMISSION_DENIED;
    const args = words.slice(command.words.length);
    return command.run({ args, payload, session: this.#settings }, this.#context);
  }

  #render(answer: Answer, isLast: boolean): string {
    const { severityOutput, mode, timedPrompt } = this.#settings;
    let prefix = "";
    if (answer.severity !== undefined && answer.text !== "" && severityOutput !== "none") {
      prefix = `[${severityOutput === "number" ? answer.severity : SEVERITY_NAMES[answer.severity]}]: `;
    }
    const ending = isLast && mode === "prompt" ? `\n${timedPrompt ? `[${this.#uptime()}]` : ""}> ` : "\n";
    return prefix + answer.text + ending;
  }

  /** `0:00:05:06`: days, hours, minutes, seconds. */
  #uptime(): string {
    const seconds = Math.floor((Date.now() - this.#context.control.process.startedAtMs) / 1000);
    const two = (value: number): string => String(value).padStart(2, "0");
    const clock = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(":");
    return `${Math.floor(seconds / 86400)}:${clock}`;
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#input = "";
    this.#socket.end();
    // What still arrives is read and dropped until the peer closes, or the timeout strikes.
    this.#socket.resume();
  }
}
