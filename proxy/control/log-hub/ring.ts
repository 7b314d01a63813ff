// A `ring`: the last lines that were written to it, for `show events`, and servers that get all of them over TCP. A server that is slow or away gets
// what the ring still holds when it is back.

import { connect, type Socket } from "node:net";
import type { RingPlan, RingServerPlan } from "../../plan/log-hub.ts";

const RECONNECT_MS = 1000;

export class Ring {
  readonly plan: RingPlan;
  readonly #lines: string[] = [];
  #bytes = 0;
  /** Number of the oldest line; the newest is `first + lines - 1`. */
  #first = 0;
  readonly #forwarders: readonly RingForwarder[];

  constructor(plan: RingPlan) {
    this.plan = plan;
    this.#forwarders = plan.servers.map((server) => new RingForwarder(this, server, plan.connectTimeoutMs));
  }

  /** Lines from number `from` on, and the number behind the last. */
  after(from: number): { readonly lines: readonly string[]; readonly next: number } {
    const start = Math.max(from, this.#first);
    return { lines: this.#lines.slice(start - this.#first), next: this.#first + this.#lines.length };
  }

  write(line: string): void {
    const { bytesMax, lineBytesMax } = this.plan;
    const cut = line.slice(0, lineBytesMax);
    this.#lines.push(cut);
    this.#bytes += cut.length;
    while (this.#bytes > bytesMax && this.#lines.length > 0) {
      this.#bytes -= this.#lines.shift()!.length;
      this.#first++;
    }
    for (const forwarder of this.#forwarders) forwarder.wake();
  }

  close(): void {
    for (const forwarder of this.#forwarders) forwarder.close();
  }
}

/** Sends a ring's lines to one server, in order; after a failure it goes on where the kernel took the last line. */
class RingForwarder {
  readonly #ring: Ring;
  readonly #server: RingServerPlan;
  readonly #connectTimeoutMs: number;
  #socket: Socket | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isConnected = false;
  #isFull = false;
  #isClosed = false;
  #next = 0;

  constructor(ring: Ring, server: RingServerPlan, connectTimeoutMs: number) {
    this.#ring = ring;
    this.#server = server;
    this.#connectTimeoutMs = connectTimeoutMs;
  }

  wake(): void {
    if (this.#isClosed || this.#timer !== null) return;
    if (this.#socket === null) this.#connect();
    else if (this.#isConnected && !this.#isFull) this.#send();
  }

  #connect(): void {
    const { address } = this.#server;
    const to =
      address.kind === "unix"
        ? { path: address.path }
        : address.kind === "ipv4" || address.kind === "ipv6"
          ? { host: address.host, port: address.port }
          : { path: address.kind === "abns" ? `\0${address.name}` : "" };
    const socket = connect(to);
    this.#socket = socket;
    if (this.#connectTimeoutMs > 0)
      socket.setTimeout(this.#connectTimeoutMs, () => !this.#isConnected && socket.destroy());
    socket.on("connect", () => {
      socket.setTimeout(0);
      this.#isConnected = true;
      this.#send();
    });
    socket.on("drain", () => {
      this.#isFull = false;
      this.#send();
    });
    socket.on("error", () => {});
    socket.on("close", () => this.#lost());
    socket.resume();
    socket.unref();
  }

  #send(): void {
    const { lines, next } = this.#ring.after(this.#next);
    if (lines.length === 0) return;
    this.#next = next;
    const framed = lines.map((line) => (this.#server.octetCount ? `${line.length} ${line}` : `${line}\n`));
    this.#isFull = !this.#socket!.write(framed.join(""), "latin1");
  }

  #lost(): void {
    this.#socket = null;
    this.#isConnected = this.#isFull = false;
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.wake();
    }, RECONNECT_MS);
    this.#timer.unref();
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#socket?.end();
    this.#socket?.unref();
  }
}
