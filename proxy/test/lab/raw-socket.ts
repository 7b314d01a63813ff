// One end of a TCP connection that a test controls byte by byte: what it sends, when it ends or resets, whether it reads at all.
// RawClient connects to the program under test; RawOrigin is a server whose connections are RawSockets as well.

import { createConnection, createServer, type Server, type Socket } from "node:net";
import { type HttpMessage, type ReadOptions, readMessage } from "./http-message.ts";
import type { Teardown } from "./program.ts";
import { until, within } from "./time.ts";

/**
 * Resets a connection. A socket whose FIN is still under way cannot be: Node 20's resetAndDestroy then forgets the handle without
 * closing it, and the process spins for ever when it ends.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}

export class RawSocket {
  readonly socket: Socket;
  /** Everything received so far and not taken by `readMessage`, latin1. */
  received = "";
  receivedBytes = 0;
  /** "open", or how the peer ended: with FIN or with RST. */
  peer: "open" | "ended" | "reset" = "open";
  #changed: (() => void)[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (data: Buffer) => {
      this.receivedBytes += data.length;
      this.received += data.toString("latin1");
      this.#notify();
    });
    socket.on("end", () => {
      this.peer = "ended";
      this.#notify();
    });
    socket.on("error", () => {
      this.peer = "reset";
      this.#notify();
    });
    socket.on("close", () => {
      if (this.peer === "open") this.peer = "ended";
      this.#notify();
    });
  }

  send(bytes: string | Buffer): this {
    this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
    return this;
  }

  /** Sends piece by piece with a pause after each, so that every piece is a segment of its own. */
  async sendSlowly(pieces: readonly string[], pauseMs: number): Promise<void> {
    for (const piece of pieces) {
      this.send(piece);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** Ends our direction (FIN); the other one stays open. */
  end(): this {
    this.socket.end();
    return this;
  }

  /** Ends both directions at once with a RST. */
  reset(): void {
    resetSocket(this.socket);
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Stops reading: the peer meets back-pressure once the kernel's buffers are full. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  get isOpen(): boolean {
    return this.peer === "open";
  }

  /** Waits until `condition` holds; looks again at whatever comes in. */
  async when(what: string, condition: () => boolean, limitMs?: number): Promise<void> {
    const described = () => `${what}; peer ${this.peer}, received ${JSON.stringify(this.received.slice(0, 500))}`;
    const wait = async (): Promise<void> => {
      while (!condition()) {
        if (this.peer !== "open") throw new Error(`in vain: ${described()}`);
        await new Promise<void>((resolve) => this.#changed.push(resolve));
      }
    };
    await within(what, wait(), limitMs).catch((error) => {
      throw new Error(`${String(error)}: ${described()}`);
    });
  }

  /** Waits for the bytes of `text` in what was received. */
  async expect(text: string, limitMs?: number): Promise<void> {
    await this.when(JSON.stringify(text), () => this.received.includes(text), limitMs);
  }

  /** Waits until the peer has ended or reset the connection; gives all that was received and not taken. */
  async closed(limitMs?: number): Promise<string> {
    if (this.isOpen) {
      const ended = async (): Promise<void> => {
        while (this.isOpen) await new Promise<void>((resolve) => this.#changed.push(resolve));
      };
      await within("the peer ends the connection", ended(), limitMs);
    }
    return this.received;
  }

  /** Waits for one complete message, takes it out of `received` and returns it. */
  async message(kind: "request" | "response", options: ReadOptions = {}, limitMs?: number): Promise<HttpMessage> {
    let message: HttpMessage | null = null;
    await this.when(
      `a complete ${kind}`,
      () => {
        message = readMessage(this.received, kind, { ...options, ended: this.peer !== "open" });
        return message?.complete === true;
      },
      limitMs,
    );
    const found = message as unknown as HttpMessage;
    this.received = this.received.slice(found.bytes);
    return found;
  }

  response(options?: ReadOptions, limitMs?: number): Promise<HttpMessage> {
    return this.message("response", options, limitMs);
  }

  request(limitMs?: number): Promise<HttpMessage> {
    return this.message("request", {}, limitMs);
  }

  #notify(): void {
    const waiting = this.#changed;
    this.#changed = [];
    for (const resolve of waiting) resolve();
  }
}

export interface ConnectOptions {
  readonly host?: string;
  readonly localAddress?: string;
}

/** Connects to a port of this machine; closed at the end of the test. */
export async function connect(t: Teardown, port: number, options: ConnectOptions = {}): Promise<RawSocket> {
  const socket = createConnection({
    host: options.host ?? "127.0.0.1",
    port,
    localAddress: options.localAddress,
    allowHalfOpen: true,
  });
  await within(
    `connection to port ${port}`,
    new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    }),
  );
  t.teardown(() => socket.destroy());
  return new RawSocket(socket);
}

/** A server that does nothing by itself: the test takes its connections and plays the origin's part. */
export class RawOrigin {
  readonly server: Server;
  readonly connections: RawSocket[] = [];
  #taken = 0;
  /** Called for each connection, e.g. to answer at once. */
  onConnection: ((connection: RawSocket) => void) | null = null;

  constructor(server: Server) {
    this.server = server;
    server.on("connection", (socket) => {
      const connection = new RawSocket(socket);
      this.connections.push(connection);
      this.onConnection?.(connection);
    });
  }

  get port(): number {
    const address = this.server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** The next connection that the test has not taken yet; waits for it. */
  async accept(limitMs?: number): Promise<RawSocket> {
    await until("a connection to the origin", () => this.connections.length > this.#taken, limitMs);
    return this.connections[this.#taken++]!;
  }
}

export async function startRawOrigin(t: Teardown, port = 0, host = "127.0.0.1"): Promise<RawOrigin> {
  const server = createServer({ allowHalfOpen: true });
  const origin = new RawOrigin(server);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  t.teardown(() => {
    server.close();
    for (const connection of origin.connections) connection.destroy();
  });
  return origin;
}
