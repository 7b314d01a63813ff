// The process log: what happens to the process and its servers, as opposed to the access log (log/), which says what happens to requests.
//
// Two voices, chosen once:
//
//   plain     [WARNING]  (4711) : Server web/s1 is DOWN, reason: Layer4 connection problem …
//             HAProxy's own lines on stderr. Always while starting (scripts and VTest look for them), and afterwards in the
//             foreground: -d, -db, or stderr is a terminal.
//   pino      {"level":40,"time":…,"pid":4711,"msg":"Server web/s1 is DOWN, …","event":"server-down"}
//             one JSON object per line on stderr, for what collects the output of a service: neither terminal nor -d nor -db.
//
// A daemon's stderr is /dev/null; its events reach syslog through `mirror`, as HAProxy's do. Quiet mode (-q) silences stderr as it
// does in HAProxy 3.2: alerts included. Nothing here is on the data plane. Callers never pass secrets: fields are
// names, addresses, numbers and stacks of our own code.

import { writeSync } from "node:fs";
import { pino } from "pino";

/** HAProxy's three loudnesses; `diag` is only said with -dD. */
export type Loudness = "alert" | "warning" | "notice" | "diag";

/** Facts beside the text, for machines. */
export interface EventFields {
  /** The kind of thing that happened, kebab-case. */
  readonly event?: string;
  /** The caller has sent it to the log targets of a proxy itself: no mirror gets it a second time. */
  readonly logged?: boolean;
  readonly [field: string]: string | number | boolean | null | undefined;
}

/** Receives alerts and warnings that nobody sent to a log target yet: syslog of process events. `severity` is 1 (alert) or 4 (warning). */
export type EventMirror = (severity: number, text: string, fields: EventFields) => void;

export interface ProcessLogOptions {
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** -dD: diagnostics are wanted. */
  readonly diagnostics: boolean;
  /** Plain lines also once running (-d, -db, a terminal). */
  readonly plain: boolean;
  /** Where lines go; default: file descriptor 2. */
  readonly write?: (line: string) => void;
}

const LABEL = {
  alert: "[ALERT]    ",
  warning: "[WARNING]  ",
  notice: "[NOTICE]   ",
  diag: "[DIAG]     ",
} as const;

/** Characters of the start that are kept. */
const STARTUP_MAX = 65_536;

/** Syslog severities. */
const SEVERITY = { alert: 1, warning: 4 } as const;

export class ProcessLog {
  readonly #options: ProcessLogOptions;
  readonly #write: (line: string) => void;
  readonly #logger: ReturnType<typeof pino>;
  readonly #mirrors: EventMirror[] = [];
  #running = false;
  #startup = "";

  constructor(options: ProcessLogOptions) {
    this.#options = options;
    this.#write = options.write ?? writeToStderr;
    this.#logger = pino({ base: { pid: process.pid }, level: "debug" }, { write: (line) => this.#write(line) });
  }

  /** What must not be overlooked: the process cannot start, a worker died, a backend has no server left. */
  alert(text: string, fields: EventFields = {}): void {
    this.#say("alert", text, fields);
  }

  warning(text: string, fields: EventFields = {}): void {
    this.#say("warning", text, fields);
  }

  notice(text: string, fields: EventFields = {}): void {
    this.#say("notice", text, fields);
  }

  diag(text: string, fields: EventFields = {}): void {
    this.#say("diag", text, fields);
  }

  /** What somebody else has rendered already, label and line feed included (the configuration's diagnostics): it only has to be audible. */
  rendered(loudness: Loudness, text: string): void {
    this.#remember(text);
    if (this.#audible(loudness)) this.#write(text);
  }

  /** The start is over: from now on production output is structured. */
  running(): void {
    this.#running = true;
  }

  /** Adds a second receiver (syslog of process events); quiet mode does not keep anything from it. */
  mirror(receiver: EventMirror): void {
    this.#mirrors.push(receiver);
  }

  /** What was said while starting, quiet or not: `show startup-logs`. */
  get startup(): string {
    return this.#startup;
  }

  #remember(line: string): void {
    if (!this.#running && this.#startup.length < STARTUP_MAX) this.#startup += line;
  }

  #say(loudness: Loudness, text: string, fields: EventFields): void {
    this.#reflect(loudness, text, fields);
    const line = `${LABEL[loudness]}(${process.pid}) : ${text}\n${stackLines(fields)}`;
    if (loudness !== "diag") this.#remember(line);
    if (!this.#audible(loudness)) return;
    if (this.#running && !this.#options.plain) this.#structured(loudness, text, fields);
    else this.#write(line);
  }

  #reflect(loudness: Loudness, text: string, fields: EventFields): void {
    // Notices tell a human how the start went; HAProxy keeps them out of syslog as well.
    const severity = loudness === "alert" || loudness === "warning" ? SEVERITY[loudness] : -1;
    if (severity < 0 || fields.logged === true) return;
    for (const receiver of this.#mirrors) receiver(severity, text, fields);
  }

  #audible(loudness: Loudness): boolean {
    if (loudness === "diag" && !this.#options.diagnostics) return false;
    return !this.#options.quiet || this.#options.verbose;
  }

  #structured(loudness: Loudness, text: string, fields: EventFields): void {
    if (loudness === "alert") this.#logger.error(fields, text);
    else if (loudness === "warning") this.#logger.warn(fields, text);
    else if (loudness === "notice") this.#logger.info(fields, text);
    else this.#logger.debug(fields, text);
  }
}

/** The stack of a bug of ours under its line, as HAProxy continues messages; its first line is the text again. */
function stackLines(fields: EventFields): string {
  const stack = typeof fields["stack"] === "string" ? fields["stack"] : "";
  const frames = stack.split("\n").slice(1);
  return frames.map((frame) => `   | ${frame.trim()}\n`).join("");
}

/** Synchronous, so that the last words before an exit are not lost. A closed or full stderr must never stop a proxy. */
export function writeToStderr(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // EPIPE, EAGAIN or EBADF: whoever listened is gone, and there is no other place to say so.
  }
}
