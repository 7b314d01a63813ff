// The control plane's side of the log targets: events of the process and of its servers ("Server b/s1 is DOWN, …"), which go to the same
// sockets as the access lines, with the same headers.
//
// Nothing waits: a datagram that the socket does not take now is dropped and counted. Files (stdout, fd@N) are written by libuv's
// threads in order, with a bounded queue, so that a stopped reader cannot stop the event loop.

import { write as writeFile } from "node:fs";
import { MSG_DONTWAIT, MSG_NOSIGNAL, send } from "../../shared/ffi/socket.ts";
import type { LogTargetPlan, Plan, ProxyPlan } from "../plan/plan.ts";
import type { LogSockets } from "./open.ts";
import { SyslogHeader } from "./syslog-header.ts";
import { endpointIndices, endpointKey, logTargets } from "./targets.ts";

// Errors of a UNIX socket whose server has gone (and perhaps come back): worth one new connection.
const ENOENT = 2;
const ENOTCONN = 107;
const ECONNREFUSED = 111;
const ECONNRESET = 104;
const EDESTADDRREQ = 89;

/** Lines that may wait for one file. */
const FILE_LINES_MAX = 1024;
const CONTROL_CHARACTERS = /\p{Cc}/gu;

interface Target {
  readonly plan: LogTargetPlan;
  readonly endpoint: number;
  readonly header: SyslogHeader;
}

export class SyslogSender {
  /** Lines that could not be sent: part of `DroppedLogs` of show info. */
  dropped = 0;
  readonly #sockets: LogSockets;
  readonly #global: readonly Target[];
  readonly #proxies: readonly (readonly Target[])[];
  /** By endpoint: lines that wait to be written to a file, the first of them being written. */
  readonly #queues = new Map<number, Buffer[]>();
  #onIdle: (() => void)[] = [];

  constructor(plan: Plan, sockets: LogSockets, pid: number) {
    this.#sockets = sockets;
    const indices = endpointIndices(logTargets(plan));
    const { logTag, logSendHostname } = plan.global;
    const prepare = (targets: readonly LogTargetPlan[], tag: string): Target[] =>
      targets.map((target) => ({
        plan: target,
        endpoint: indices.get(endpointKey(target.address))!,
        header: new SyslogHeader(target, tag, pid, logSendHostname),
      }));
    this.#global = prepare(plan.global.log, logTag);
    this.#proxies = plan.proxies.map((proxy) => prepare(proxy.log, proxy.logTag ?? logTag));
  }

  /**
   * Sends a line to the log targets of a proxy, or of the `global` section (null), whose level admits it.
   * @param severity SEVERITY of syslog-header.ts, 0 emerg … 7 debug
   * @param text without a newline; control characters are encoded as `#XX`
   */
  send(proxy: ProxyPlan | null, severity: number, text: string): void {
    const targets = proxy === null ? this.#global : this.#proxies[proxy.index]!;
    const nowMs = Date.now();
    const body = Buffer.from(text.replace(CONTROL_CHARACTERS, encodeControl));
    for (const { plan, endpoint, header } of targets) {
      if (severity > plan.level) continue;
      const line = Buffer.alloc(header.maxBytes + body.length + 1);
      const shown = Math.max(severity, plan.minLevel);
      const start = header.write(line, 0, shown, Math.floor(nowMs / 1000), nowMs % 1000);
      body.copy(line, start);
      const end = Math.min(start + body.length, plan.maxBytes - 1);
      line[end] = 10;
      this.#deliver(endpoint, plan.address.kind === "fd", line.subarray(0, end + 1));
    }
  }

  /** Sends a line that somebody else made to the log socket of an endpoint. */
  pass(endpoint: number, isFile: boolean, line: Buffer): void {
    this.#deliver(endpoint, isFile, line);
  }

  /** Resolves when nothing waits to be written any more; for the last words of a process. */
  flushed(): Promise<void> {
    if (this.#queues.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle.push(resolve);
    });
  }

  #deliver(endpoint: number, isFile: boolean, line: Buffer): void {
    const fd = this.#sockets.fds[endpoint]!;
    if (fd < 0) this.dropped++;
    else if (isFile) this.#enqueue(endpoint, fd, line);
    else this.#sendDatagram(endpoint, fd, line);
  }

  #sendDatagram(endpoint: number, fd: number, line: Buffer): void {
    let result = send(fd, line, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (isGone(-result) && this.#sockets.reconnect(endpoint) === 0) {
      result = send(fd, line, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (result < 0) this.dropped++;
  }

  #enqueue(endpoint: number, fd: number, line: Buffer): void {
    const queue = this.#queues.get(endpoint);
    if (queue === undefined) {
      const started = [line];
      this.#queues.set(endpoint, started);
      this.#writeFirst(endpoint, fd, started);
    } else if (queue.length < FILE_LINES_MAX) {
      queue.push(line);
    } else {
      this.dropped++;
    }
  }

  #writeFirst(endpoint: number, fd: number, queue: Buffer[]): void {
    writeFile(fd, queue[0]!, (error, written) => {
      if (error === null && written < queue[0]!.length) {
        queue[0] = queue[0]!.subarray(written);
      } else {
        if (error !== null) this.dropped++;
        queue.shift();
      }
      if (queue.length > 0) {
        this.#writeFirst(endpoint, fd, queue);
        return;
      }
      this.#queues.delete(endpoint);
      if (this.#queues.size > 0) return;
      for (const resolve of this.#onIdle.splice(0)) resolve();
    });
  }
}

function isGone(errno: number): boolean {
  return [ENOENT, ENOTCONN, ECONNREFUSED, ECONNRESET, EDESTADDRREQ].includes(errno);
}

function encodeControl(character: string): string {
  return `#${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
