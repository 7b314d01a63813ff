// Questions to a proxy that has no runtime API: does its process live, does it take a connection, does it answer HTTP. Each `ask` calls
// `done` at most once; the time limit is the caller's, who calls `close` then.

import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { watchProcess } from "./process-watch.ts";

/** The reason of a failure, null: fine. `decisive`: one of it is enough. */
export type Done = (failure: string | null, decisive?: boolean) => void;

export interface Probe {
  ask(done: Done): void;
  /** Gives up what runs; `ask` may follow. */
  close(): void;
}

/** Whether the process that a pid file names exists. Its end is told to `onLost` when it happens. */
export class ProcessProbe implements Probe {
  readonly #path: string;
  readonly #onLost: () => void;
  #pid = 0;
  #unwatch: () => void = () => {};

  constructor(path: string, onLost: () => void) {
    this.#path = path;
    this.#onLost = onLost;
  }

  ask(done: Done): void {
    const pid = readPid(this.#path);
    if (typeof pid === "string") {
      this.close();
      done(pid);
      return;
    }
    try {
      process.kill(pid, 0);
    } catch (error) {
      // EPERM: it exists, it is only not ours.
      if ((error as NodeJS.ErrnoException).code !== "EPERM") {
        this.close();
        done((error as Error).message, true);
        return;
      }
    }
    if (pid !== this.#pid) this.#watch(pid);
    done(null);
  }

  close(): void {
    this.#unwatch();
    this.#unwatch = () => {};
    this.#pid = 0;
  }

  #watch(pid: number): void {
    this.close();
    this.#pid = pid;
    this.#unwatch = watchProcess(pid, () => {
      this.#pid = 0;
      this.#onLost();
    });
  }
}

/** A number, or why there is none. */
function readPid(path: string): number | string {
  try {
    const pid = Number.parseInt(readFileSync(path, "latin1"), 10);
    return Number.isNaN(pid) || pid <= 0 ? "the pid file holds no number" : pid;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Whether a TCP connection is accepted. */
export function probeTcp(host: string, port: number): Probe {
  return new ConnectionProbe(host, port, (_, finish) => finish(null));
}

/** Whether a GET is answered with a status of 200 … 399. */
export function probeHttp(host: string, port: number, path: string, hostHeader: string): Probe {
  return new ConnectionProbe(host, port, (socket, finish) => {
    let answer = "";
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostHeader}\r\nConnection: close\r\n\r\n`);
    socket.on("data", (bytes) => {
      answer += bytes.toString("latin1");
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1];
      if (status !== undefined) finish(/^[23]/.test(status) ? null : `status ${status}`);
      else if (answer.length > 64) finish("not an HTTP answer");
    });
  });
}

class ConnectionProbe implements Probe {
  readonly #host: string;
  readonly #port: number;
  readonly #onConnect: (socket: Socket, finish: Done) => void;
  #socket: Socket | null = null;

  constructor(host: string, port: number, onConnect: (socket: Socket, finish: Done) => void) {
    this.#host = host;
    this.#port = port;
    this.#onConnect = onConnect;
  }

  ask(done: Done): void {
    this.close();
    const socket = connect({ host: this.#host, port: this.#port });
    this.#socket = socket;
    const finish: Done = (failure) => {
      if (socket !== this.#socket) return;
      this.close();
      done(failure);
    };
    socket.on("connect", () => this.#onConnect(socket, finish));
    socket.on("error", (error) => finish(error.message));
    socket.on("close", () => finish("closed without an answer"));
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.destroy();
  }
}
