// One TCP session with a peer: who speaks to whom, then messages both ways until it ends.
//
//   we connect    hello ─▶            ◀─ 200            messages ◀─▶
//   it connects   ◀─ hello            200 ─▶            messages ◀─▶
//
// What the messages mean for tables and for the resynchronisation is peer.ts; here are lines, message frames, heartbeats and the end.

import type { Socket } from "node:net";
import { ByteReader } from "./bytes.ts";
import { CLASS_TABLE } from "./table-messages.ts";

export const STATUS = {
  success: 200,
  tryAgain: 300,
  protocol: 501,
  version: 502,
  wrongHost: 503,
  unknownPeer: 504,
} as const;
export const CONTROL = { request: 0, finished: 1, partial: 2, confirm: 3, heartbeat: 4 } as const;

const CLASS_CONTROL = 0;
const CLASS_ERROR = 1;
const ERROR_PROTOCOL = 0;
const HAS_LENGTH = 128;
/** Sent when nothing else was for so long; and what may pass without a word from the other side. */
const HEARTBEAT_MS = 3000;
const SILENCE_MS = 10_000;
const HANDSHAKE_MS = 3000;
const HELLO_BYTES_MAX = 1024;
const MESSAGE_BYTES_MAX = 65_536;
/** Bytes that may wait for the network before no more updates are made. */
const WAITING_BYTES_MAX = 262_144;

export interface Hello {
  /** 2.0 or 2.1: the lower version of both. */
  readonly minor: number;
  readonly target: string;
  readonly sender: string;
}

export interface SessionHandler {
  /** It connected and said hello; the answer is a STATUS. On success the session is its peer's from then on. */
  onHello(session: PeerSession, hello: Hello): number;
  /** Our hello was answered. */
  onStatus(session: PeerSession, status: number): void;
  onControl(session: PeerSession, type: number): void;
  /** False: the message makes no sense. */
  onTable(session: PeerSession, type: number, reader: ByteReader, bytes: Uint8Array): boolean;
  /** All messages that were received have been handled. */
  onPause(session: PeerSession): void;
  /** There is room for more. */
  onDrain(session: PeerSession): void;
  onEnd(session: PeerSession, reason: string): void;
}

export class PeerSession {
  readonly #socket: Socket;
  readonly #handler: SessionHandler;
  #input: Buffer = Buffer.alloc(0);
  #state: "hello" | "status" | "open" | "closed";
  #lastSentMs = performance.now();
  #lastReceivedMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  /** Heartbeats, for show peers. */
  sentHeartbeats = 0;
  receivedHeartbeats = 0;

  /** @param hello what we say first on a session that we open; null: the other side begins */
  constructor(socket: Socket, handler: SessionHandler, hello: string | null) {
    this.#socket = socket;
    this.#handler = handler;
    this.#state = hello === null ? "hello" : "status";
    socket.setNoDelay(true);
    socket.on("data", (bytes) => this.#receive(bytes));
    socket.on("error", (error) => this.#end(error.message));
    socket.on("close", () => this.#end("closed"));
    socket.on("drain", () => this.#state === "open" && this.#handler.onDrain(this));
    this.#timer = setInterval(() => this.#tick(), 500).unref();
    if (hello !== null) socket.write(hello, "latin1");
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  get remote(): string {
    return `${this.#socket.remoteAddress ?? "unix"}:${this.#socket.remotePort ?? 0}`;
  }

  /** Whether more may be sent without filling memory. */
  get hasRoom(): boolean {
    return this.#socket.writableLength < WAITING_BYTES_MAX;
  }

  send(message: Buffer): void {
    if (this.#state !== "open") return;
    this.#lastSentMs = performance.now();
    this.#socket.write(message);
  }

  control(type: number): void {
    this.send(Buffer.from([CLASS_CONTROL, type]));
  }

  /** Ends the session; what was sent before still goes out. */
  close(reason: string): void {
    this.#socket.end();
    this.#end(reason);
    // A peer that does not take its leave is left.
    setTimeout(() => this.#socket.destroy(), 1000).unref();
  }

  #end(reason: string): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    clearInterval(this.#timer);
    if (reason !== "handed over") this.#socket.destroySoon();
    this.#handler.onEnd(this, reason);
  }

  #tick(): void {
    const now = performance.now();
    const silence = this.#state === "open" ? SILENCE_MS : HANDSHAKE_MS;
    if (now - this.#lastReceivedMs > silence) {
      this.#socket.destroy();
      this.#end("no heartbeat");
    } else if (this.#state === "open" && now - this.#lastSentMs >= HEARTBEAT_MS) {
      this.sentHeartbeats++;
      this.control(CONTROL.heartbeat);
    }
  }

  #receive(bytes: Buffer): void {
    this.#lastReceivedMs = performance.now();
    this.#input = this.#input.length === 0 ? bytes : Buffer.concat([this.#input, bytes]);
    if (this.#state === "hello") this.#readHello();
    else if (this.#state === "status") this.#readStatus();
    if (this.#state === "open") this.#readMessages();
  }

  /** Three lines: protocol and version, the peer that is meant, the peer that speaks with its process id. */
  #readHello(): void {
    const text = this.#input.toString("latin1");
    const lines = text.split("\n");
    if (lines.length < 4) {
      if (text.length > HELLO_BYTES_MAX) this.#refuse(STATUS.protocol);
      return;
    }
    const [first, target, third] = lines as [string, string, string];
    const version = /^HAProxyS (\d+)\.(\d+)\r?$/.exec(first);
    if (version === null || version[1] !== "2") {
      this.#refuse(version === null ? STATUS.protocol : STATUS.version);
      return;
    }
    this.#input = this.#input.subarray(first.length + target.length + third.length + 3);
    const sender = third.split(" ")[0]!;
    const status = this.#handler.onHello(this, {
      minor: Math.min(1, Number(version[2])),
      target: target.trim(),
      sender,
    });
    if (status !== STATUS.success) {
      this.#refuse(status);
      return;
    }
    this.#state = "open";
    this.send(Buffer.from(`${status}\n`));
    this.#handler.onPause(this);
  }

  #refuse(status: number): void {
    this.#socket.write(`${status}\n`);
    this.close(`refused with ${status}`);
  }

  #readStatus(): void {
    const end = this.#input.indexOf(10);
    if (end < 0) {
      if (this.#input.length > 16) this.close("no status");
      return;
    }
    const status = Number(this.#input.subarray(0, end).toString("latin1"));
    this.#input = this.#input.subarray(end + 1);
    if (status === STATUS.success) this.#state = "open";
    this.#handler.onStatus(this, status);
    if (status !== STATUS.success) this.close(`status ${status}`);
    else this.#handler.onPause(this);
  }

  #readMessages(): void {
    const input = this.#input;
    let at = 0;
    while (this.#state === "open" && input.length - at >= 2) {
      const [kind, type] = [input[at]!, input[at + 1]!];
      if (type < HAS_LENGTH) {
        at += 2;
        if (!this.#short(kind, type)) return;
        continue;
      }
      const lengths = new ByteReader(input, at + 2, input.length);
      const length = lengths.packed();
      if (lengths.failed && input.length - at < 16) break;
      if (lengths.failed || length > MESSAGE_BYTES_MAX) {
        this.#protocolError();
        return;
      }
      if (input.length - lengths.at < length) break;
      const reader = new ByteReader(input, lengths.at, lengths.at + length);
      at = reader.end;
      if (kind === CLASS_TABLE && !this.#handler.onTable(this, type, reader, input)) {
        this.#protocolError();
        return;
      }
    }
    this.#input = input.subarray(at);
    if (this.#state === "open") this.#handler.onPause(this);
  }

  /** A message of two bytes. False: the session is over. */
  #short(kind: number, type: number): boolean {
    if (kind === CLASS_CONTROL) {
      if (type === CONTROL.heartbeat) this.receivedHeartbeats++;
      else this.#handler.onControl(this, type);
      return this.isOpen;
    }
    if (kind === CLASS_ERROR) this.close(`the peer reports error ${type}`);
    else this.#protocolError();
    return false;
  }

  #protocolError(): void {
    this.send(Buffer.from([CLASS_ERROR, ERROR_PROTOCOL]));
    this.close("protocol error");
  }
}
