// Receivers of log datagrams: UDP by node:dgram, UNIX datagram sockets (`/dev/log`) by socat, as Node has none of that kind.

import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { existsSync } from "node:fs";
import type { Teardown } from "./program.ts";
import { until } from "./time.ts";

/** Severities by name, RFC 5424 §6.2.1. */
export const SEVERITY = { emerg: 0, alert: 1, crit: 2, err: 3, warning: 4, notice: 5, info: 6, debug: 7 } as const;

export interface SyslogMessage {
  readonly facility: number;
  readonly severity: number;
  /** `haproxy[123]` in `<134>Nov 23 01:46:51 haproxy[123]: text`. */
  readonly tag: string;
  readonly pid: number;
  /** What follows the header. */
  readonly text: string;
  readonly raw: string;
}

export class Syslog {
  readonly messages: SyslogMessage[] = [];
  /** Where to send: `127.0.0.1:PORT` or a path. */
  readonly address: string;

  constructor(address: string) {
    this.address = address;
  }

  receive(raw: string): void {
    const match = /^<(\d+)>(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d )?(?:(\S*?)\[(\d+)\]: )?([\s\S]*)$/.exec(raw);
    if (match === null) throw new Error(`not a syslog message: ${JSON.stringify(raw)}`);
    this.messages.push({
      facility: Number(match[1]) >> 3,
      severity: Number(match[1]) & 7,
      tag: match[2] ?? "",
      pid: Number(match[3] ?? -1),
      text: match[4]!.replace(/\n$/, ""),
      raw,
    });
  }

  /** The first message (from index `from`) whose text matches; waits for it. */
  async expect(pattern: RegExp, from = 0): Promise<SyslogMessage> {
    try {
      return await until(`a log line like ${pattern}`, () =>
        this.messages.slice(from).find((message) => pattern.test(message.text)),
      );
    } catch (error) {
      throw new Error(`${String(error)}; received:\n${this.messages.map((message) => message.text).join("\n")}`);
    }
  }
}

/** A UDP receiver on a port of its own. */
export async function startSyslog(t: Teardown): Promise<Syslog> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const syslog = new Syslog(`127.0.0.1:${socket.address().port}`);
  socket.on("message", (data) => syslog.receive(data.toString("latin1")));
  t.teardown(() => new Promise<void>((resolve) => socket.close(resolve)));
  return syslog;
}

/** A UNIX datagram receiver at `path`; needs socat. `unshare` may hold a command that enters the namespaces of the program. */
export async function startUnixSyslog(t: Teardown, path: string): Promise<Syslog> {
  const syslog = new Syslog(path);
  const child: ChildProcess = spawn("socat", ["-u", "-b", "8192", `UNIX-RECV:${path},unlink-early,mode=666`, "-"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let rest = "";
  child.stdout!.setEncoding("latin1").on("data", (text: string) => {
    // Datagrams come glued together; each of ours starts with <priority> and ends with a line feed.
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) syslog.receive(line);
  });
  const exited = new Promise((resolve) => child.on("exit", resolve));
  t.teardown(async () => {
    child.kill("SIGTERM");
    await exited;
  });
  await until(`socat listens at ${path}`, () => existsSync(path));
  return syslog;
}
