// HTTP/2 frame by frame, for what no proper client would say. Blocks of HPACK are literals without a table, so that tests can write anything.

import { connect, type Socket } from "node:net";
import type { Teardown } from "./program.ts";
import { until } from "./time.ts";

export const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
export const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  rst: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, id: number, payload: Uint8Array | number[] = []): Buffer {
  const bytes = Buffer.from(payload);
  const header = Buffer.alloc(9);
  header.writeUIntBE(bytes.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(id, 5);
  return Buffer.concat([header, bytes]);
}

export const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** A literal field, its name in lower case or not. */
export function literal(name: string, value: string): Buffer {
  const text = (bytes: string): Buffer => {
    const raw = Buffer.from(bytes, "latin1");
    if (raw.length < 127) return Buffer.concat([Buffer.from([raw.length]), raw]);
    const parts = [127];
    let left = raw.length - 127;
    for (; left > 127; left >>>= 7) parts.push((left & 127) | 128);
    parts.push(left);
    return Buffer.concat([Buffer.from(parts), raw]);
  };
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

export const request = (path = "/", more: readonly (readonly [string, string])[] = []): Buffer =>
  Buffer.concat([
    Buffer.from([0x82, 0x86]),
    literal(":path", path),
    literal(":authority", "a"),
    ...more.map(([name, value]) => literal(name, value)),
  ]);

export class FrameClient {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  isOpen = true;
  #rest = Buffer.alloc(0);

  constructor(t: Teardown, port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.isOpen = false;
    });
    this.socket.on("data", (bytes: Buffer) => this.#read(bytes));
    t.teardown(() => this.socket.destroy());
  }

  #read(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + length) return;
      const [type, flags] = [this.#rest[3]!, this.#rest[4]!];
      this.frames.push({ type, flags, id: this.#rest.readUInt32BE(5), payload: this.#rest.subarray(9, 9 + length) });
      this.#rest = this.#rest.subarray(9 + length);
    }
  }

  send(...parts: (Uint8Array | string)[]): this {
    if (this.isOpen) this.socket.write(Buffer.concat(parts.map((part) => Buffer.from(part as string, "latin1"))));
    return this;
  }

  /** Preface and settings. */
  hello(settings: Uint8Array | number[] = []): this {
    return this.send(PREFACE, frame(TYPE.settings, 0, 0, settings));
  }

  find(type: number, id = -1): Frame | undefined {
    return this.frames.find((each) => each.type === type && (id < 0 || each.id === id));
  }

  /** Error code of the GOAWAY, or of the stream's RST_STREAM, once it is there. */
  async verdict(id: number): Promise<string> {
    await until(`a verdict on ${id}`, () => this.find(TYPE.goaway) ?? this.find(TYPE.rst, id) ?? !this.isOpen);
    const goaway = this.find(TYPE.goaway);
    if (goaway !== undefined) return `goaway ${goaway.payload.readUInt32BE(4)}`;
    const rst = this.find(TYPE.rst, id);
    return rst === undefined ? "closed" : `rst ${rst.payload.readUInt32BE(0)}`;
  }
}
