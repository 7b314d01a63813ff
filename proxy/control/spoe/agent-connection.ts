// One connection to an agent: the hello of both sides, then NOTIFY and ACK frames, several under way where both can (SPOE.txt, 3.2).
//
//   connecting ─▶ hello ─▶ open ─▶ closed        whatever waits when it closes has failed

import { connect, type NetConnectOpts, type Socket } from "node:net";
import { PackedReader, writePacked, writeText } from "../../spoe/packed.ts";

const FRAME = { hello: 1, disconnect: 2, notify: 3, agentHello: 101, agentDisconnect: 102, ack: 103 } as const;
const FIN = 1;
const VERSION = "2.0";
const LENGTH_BYTES = 4;
const HELLO_BYTES_MAX = 512;
/** A frame's type, flags and two numbers. */
const HEAD_BYTES_MAX = 25;
const STRING = 8;
const UINT32 = 3;
const MAJOR_VERSION = 2;
/** The smallest frame that both sides have to take. */
const FRAME_BYTES_MIN = 256;

/** What an agent's error is to `option set-on-error`: 256 + N of SPOE.txt 3.5. */
export const PROTOCOL = 256;
export const IO_ERROR = PROTOCOL + 1;
export const TIMED_OUT = PROTOCOL + 2;
const TOO_BIG = PROTOCOL + 3;
const INVALID = PROTOCOL + 4;
const BAD_VERSION = PROTOCOL + 8;
const BAD_SIZE = PROTOCOL + 9;

/** `failure` 0: the ACK's actions. */
export type Answered = (failure: number, actions: Uint8Array | null) => void;

export interface AgentOptions {
  readonly address: NetConnectOpts;
  readonly engineId: string;
  readonly frameBytesMax: number;
  readonly pipelining: boolean;
  /** For the connection with its hello; 0: none. */
  readonly connectMs: number;
  /** Longest silence while something waits; 0: none. */
  readonly serverMs: number;
  readonly onClosed: (connection: AgentConnection) => void;
}

export class AgentConnection {
  readonly #options: AgentOptions;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Answered>();
  #input: Buffer = Buffer.alloc(0);
  #state: "hello" | "open" | "closed" = "hello";
  #frameBytesMax: number;
  #pipelines = false;
  /** Asked before the hello was answered. */
  #early: { readonly id: number; readonly messages: Uint8Array }[] = [];

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#frameBytesMax = options.frameBytesMax;
    const socket = connect(options.address);
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setTimeout(options.connectMs);
    socket.on("connect", () => this.#hello());
    socket.on("data", (bytes) => this.#receive(bytes));
    socket.on("timeout", () => this.#timedOut());
    socket.on("error", () => this.#close(IO_ERROR));
    socket.on("close", () => this.#close(IO_ERROR));
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether one more question may go this way now. */
  get isFree(): boolean {
    return this.#state !== "closed" && (this.#waiting.size === 0 || (this.#state === "open" && this.#pipelines));
  }

  ask(id: number, messages: Uint8Array, answered: Answered): void {
    this.#waiting.set(id, answered);
    if (this.#state === "open") this.#notify(id, messages);
    else this.#early.push({ id, messages });
  }

  close(): void {
    if (this.#state === "open") this.#send(this.#disconnect(0, "normal"));
    this.#close(IO_ERROR);
  }

  #notify(id: number, messages: Uint8Array): void {
    const frame = new Uint8Array(HEAD_BYTES_MAX + messages.length);
    const head = writePacked(frame, writePacked(frame, startFrame(frame, FRAME.notify), id), 1);
    if (head + messages.length > this.#frameBytesMax) {
      this.#answer(id, TOO_BIG, null);
      return;
    }
    frame.set(messages, head);
    this.#send(frame.subarray(0, head + messages.length));
    this.#socket.setTimeout(this.#options.serverMs);
  }

  #send(frame: Uint8Array): void {
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(frame.length);
    this.#socket.write(Buffer.concat([length, frame]));
  }

  #hello(): void {
    const frame = new Uint8Array(HELLO_BYTES_MAX);
    let at = startFrame(frame, FRAME.hello);
    frame[at++] = 0;
    frame[at++] = 0;
    at = textItem(frame, at, "supported-versions", VERSION);
    at = textOf(frame, at, "max-frame-size");
    frame[at++] = UINT32;
    at = writePacked(frame, at, this.#options.frameBytesMax);
    at = textItem(frame, at, "capabilities", this.#options.pipelining ? "pipelining" : "");
    at = textItem(frame, at, "engine-id", this.#options.engineId);
    this.#send(frame.subarray(0, at));
  }

  #disconnect(status: number, message: string): Uint8Array {
    const frame = new Uint8Array(HELLO_BYTES_MAX);
    let at = startFrame(frame, FRAME.disconnect);
    frame[at++] = 0;
    frame[at++] = 0;
    at = textOf(frame, at, "status-code");
    frame[at++] = UINT32;
    at = writePacked(frame, at, status);
    at = textItem(frame, at, "message", message);
    return frame.subarray(0, at);
  }

  #receive(bytes: Buffer): void {
    this.#input = this.#input.length === 0 ? bytes : Buffer.concat([this.#input, bytes]);
    while (this.#state !== "closed" && this.#input.length >= LENGTH_BYTES) {
      const length = this.#input.readUInt32BE(0);
      if (length > this.#options.frameBytesMax) {
        this.#fail(TOO_BIG, "frame is too big");
        return;
      }
      if (this.#input.length < LENGTH_BYTES + length) return;
      // A copy: what is taken of it outlives the buffer.
      const frame = new Uint8Array(this.#input.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
      this.#input = this.#input.subarray(LENGTH_BYTES + length);
      this.#frame(frame);
    }
  }

  #frame(frame: Uint8Array): void {
    const reader = new PackedReader(frame);
    const type = reader.byte();
    const flags = (reader.byte() << 24) | (reader.byte() << 16) | (reader.byte() << 8) | reader.byte();
    const id = reader.packed();
    reader.packed();
    if (reader.failed || (flags & FIN) === 0) this.#fail(INVALID, "invalid frame received");
    else if (type === FRAME.agentDisconnect) this.#close(statusOf(reader));
    else if (type === FRAME.agentHello && this.#state === "hello") this.#helloAnswered(reader);
    else if (type === FRAME.ack && this.#state === "open") this.#answer(id, 0, frame.subarray(reader.at));
    else if (type === FRAME.ack || type === FRAME.agentHello) this.#fail(INVALID, "invalid frame received");
  }

  #helloAnswered(reader: PackedReader): void {
    const items = itemsOf(reader);
    const version = items?.get("version");
    const size = items?.get("max-frame-size");
    const capabilities = items?.get("capabilities");
    if (items === null || typeof version !== "string" || typeof size !== "number" || typeof capabilities !== "string") {
      this.#fail(INVALID, "invalid frame received");
    } else if (Number.parseInt(version.trim(), 10) !== MAJOR_VERSION) this.#fail(BAD_VERSION, "unsupported version");
    else if (size < FRAME_BYTES_MIN || size > this.#options.frameBytesMax) {
      this.#fail(BAD_SIZE, "max-frame-size too big or too small");
    } else {
      this.#state = "open";
      this.#frameBytesMax = size;
      this.#pipelines =
        this.#options.pipelining && capabilities.split(",").some((name) => name.trim() === "pipelining");
      this.#socket.setTimeout(0);
      const early = this.#early;
      this.#early = [];
      for (const { id, messages } of early) this.#notify(id, messages);
    }
  }

  /** An answer that nobody waits for any more is none. */
  #answer(id: number, failure: number, actions: Uint8Array | null): void {
    const answered = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#socket.setTimeout(0);
    answered?.(failure, actions);
  }

  #timedOut(): void {
    this.#fail(TIMED_OUT, "a timeout occurred");
  }

  #fail(failure: number, message: string): void {
    if (this.#state !== "closed") this.#send(this.#disconnect(failure - PROTOCOL, message));
    this.#close(failure);
  }

  #close(failure: number): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#socket.end();
    this.#socket.destroySoon();
    for (const id of [...this.#waiting.keys()]) this.#answer(id, failure, null);
    this.#options.onClosed(this);
  }
}

/** Type and flags; the numbers follow. */
function startFrame(frame: Uint8Array, type: number): number {
  frame[0] = type;
  frame[4] = FIN;
  return 5;
}

const textOf = (frame: Uint8Array, at: number, text: string): number =>
  writeText(frame, at, Buffer.from(text, "latin1"));

function textItem(frame: Uint8Array, at: number, name: string, value: string): number {
  const from = textOf(frame, at, name);
  frame[from] = STRING;
  return textOf(frame, from + 1, value);
}

/** Texts and numbers of a list of keys and values; null: it cannot be read. */
function itemsOf(reader: PackedReader): Map<string, string | number> | null {
  const items = new Map<string, string | number>();
  while (reader.at < reader.end) {
    const start = reader.text();
    const name = Buffer.from(reader.bytes.subarray(start, reader.at)).toString("latin1");
    const type = reader.byte() & 15;
    if (type === STRING) {
      const from = reader.text();
      items.set(name, Buffer.from(reader.bytes.subarray(from, reader.at)).toString("latin1"));
    } else if (type >= 2 && type <= 5) items.set(name, reader.packed());
    else if (type !== 1 && type !== 0) return null;
    if (reader.failed) return null;
  }
  return items;
}

/** What an agent's DISCONNECT says. */
function statusOf(reader: PackedReader): number {
  const status = itemsOf(reader)?.get("status-code");
  return typeof status === "number" && status > 0 ? PROTOCOL + status : IO_ERROR;
}
