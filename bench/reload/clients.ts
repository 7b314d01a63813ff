// Clients for the reload table: each keeps one request under way and notes every one that gets no answer. Raw sockets and the least parsing that
// tells one answer from the next: what is measured is the proxy.

import { connect, type Socket } from "node:net";

export interface Tally {
  answered: number;
  /** What went wrong, request by request. */
  readonly failed: string[];
  /** Longest time between two answers of one client, milliseconds. */
  longestGapMs: number;
}

export type Habit = "keep-alive" | "close";

/** Sends one request after the other until it is told to stop. */
export class RequestClient {
  readonly #port: number;
  readonly #habit: Habit;
  readonly #tally: Tally;
  readonly #request: string;
  #socket: Socket | null = null;
  #text = "";
  /** A request was sent and its answer is not complete. */
  #waits = false;
  #stopped = false;
  #answeredMs = performance.now();
  #onDone: () => void = () => {};

  constructor(port: number, habit: Habit, tally: Tally) {
    this.#port = port;
    this.#habit = habit;
    this.#tally = tally;
    const close = habit === "close" ? "Connection: close\r\n" : "";
    this.#request = `GET / HTTP/1.1\r\nHost: bench\r\n${close}\r\n`;
  }

  start(): void {
    this.#open();
  }

  /** Resolves when the request that is under way has its answer. */
  stop(): Promise<void> {
    this.#stopped = true;
    if (!this.#waits) {
      this.#socket?.destroy();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#onDone = resolve;
    });
  }

  #open(): void {
    const socket = connect(this.#port, "127.0.0.1");
    this.#socket = socket;
    this.#text = "";
    socket.setEncoding("latin1");
    socket.setNoDelay(true);
    this.#send();
    socket.on("data", (text: string) => this.#receive(text, socket));
    socket.on("error", (error) => this.#lost(socket, String(error)));
    socket.on("close", () => this.#lost(socket, "closed without an answer"));
  }

  #send(): void {
    this.#waits = true;
    this.#socket?.write(this.#request);
  }

  #receive(text: string, socket: Socket): void {
    this.#text += text;
    const end = this.#text.indexOf("\r\n\r\n");
    if (end < 0) return;
    const head = this.#text.slice(0, end).toLowerCase();
    const length = Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0);
    if (this.#text.length < end + 4 + length) return;
    this.#text = "";
    this.#waits = false;
    const nowMs = performance.now();
    this.#tally.longestGapMs = Math.max(this.#tally.longestGapMs, nowMs - this.#answeredMs);
    this.#answeredMs = nowMs;
    if (head.startsWith("http/1.1 200")) this.#tally.answered++;
    else this.#tally.failed.push(head.slice(0, head.indexOf("\r\n")));
    if (this.#stopped) {
      socket.destroy();
      this.#onDone();
    } else if (this.#habit === "close" || head.includes("connection: close")) this.#again(socket);
    else this.#send();
  }

  /** The connection ended: a fault if an answer was due. */
  #lost(socket: Socket, why: string): void {
    if (socket !== this.#socket) return;
    if (this.#waits) {
      this.#waits = false;
      this.#tally.failed.push(why);
    }
    if (this.#stopped) this.#onDone();
    else this.#again(socket);
  }

  #again(socket: Socket): void {
    this.#socket = null;
    socket.destroy();
    if (!this.#stopped) this.#open();
  }
}

/** Downloads a body that takes longer than a reload; every byte has to come. */
export class DownloadClient {
  readonly #port: number;
  readonly #bytes: number;
  readonly #tally: Tally;
  #stopped = false;
  #done: Promise<void> = Promise.resolve();

  constructor(port: number, bytes: number, tally: Tally) {
    this.#port = port;
    this.#bytes = bytes;
    this.#tally = tally;
  }

  start(): void {
    this.#done = this.#loop();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      const received = await this.#once();
      if (received === this.#bytes) this.#tally.answered++;
      else this.#tally.failed.push(`a download ended after ${received} of ${this.#bytes} bytes`);
    }
  }

  #once(): Promise<number> {
    return new Promise((resolve) => {
      const socket = connect(this.#port, "127.0.0.1");
      let received = 0;
      let head = "";
      let inBody = false;
      socket.write("GET /long HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n");
      socket.on("data", (chunk: Buffer) => {
        if (inBody) received += chunk.length;
        else {
          head += chunk.toString("latin1");
          const end = head.indexOf("\r\n\r\n");
          if (end < 0) return;
          inBody = true;
          received = head.length - end - 4;
        }
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve(received));
    });
  }
}
