// Frames on their way out: each connection fills a buffer with them and queues it when it is full, or once a turn, so that the answers of many
// streams leave in one send. What stands in frames is the callers' business; bodies are stream-output.ts.

import type { BufferPool } from "../../shared/arena/buffer-pool.ts";
import { CONNECTION, type Connections } from "../connection/table.ts";
import type { Transport } from "../connection/transport.ts";
import type { Http2Plan } from "../plan/http2.ts";
import type { Http2Connection } from "./connection.ts";
import { FLAG, FRAME, FRAME_HEADER_BYTES, PREFACE, SETTING, SETTING_BYTES } from "./protocol.ts";

/** Nothing goes out any more. */
const ENDED =
  CONNECTION.closing |
  CONNECTION.failed |
  CONNECTION.shutdownQueued |
  CONNECTION.writeClosed |
  CONNECTION.closeQueued |
  CONNECTION.outputFailed;

export class Http2Output {
  readonly #bytes: Uint8Array;
  readonly #pool: BufferPool;
  readonly #connections: Connections;
  readonly #transport: Transport;
  /** Connections that have something to flush. */
  readonly #dirty: Http2Connection[] = [];

  constructor(bytes: Uint8Array, pool: BufferPool, connections: Connections, transport: Transport) {
    this.#bytes = bytes;
    this.#pool = pool;
    this.#connections = connections;
    this.#transport = transport;
  }

  /** Whether frames can be written at all. */
  isOpen(connection: Http2Connection): boolean {
    return (this.#connections.flags[connection.slot]! & ENDED) === 0;
  }

  /** Offset in the connection's buffer where `bytes` bytes have room, -1: there is no buffer, or nothing goes out any more. */
  reserve(connection: Http2Connection, bytes: number): number {
    if (!this.isOpen(connection)) return -1;
    const pool = this.#pool;
    const { out } = connection;
    if (out >= 0) {
      if (pool.end[out]! + bytes <= pool.offsetOf(out) + pool.size) return pool.end[out]!;
      this.push(connection);
    }
    connection.out = pool.take();
    if (connection.out < 0) return -1;
    this.touch(connection);
    return pool.start[connection.out]!;
  }

  /** Bytes that have room behind what is in the connection's buffer. */
  roomAt(connection: Http2Connection, at: number): number {
    return this.#pool.offsetOf(connection.out) + this.#pool.size - at;
  }

  /** What was written behind `reserve` ends there. */
  commit(connection: Http2Connection, end: number): void {
    this.#pool.end[connection.out] = end;
  }

  /** Queues what is in the connection's buffer. */
  push(connection: Http2Connection): void {
    const { out } = connection;
    if (out < 0) return;
    connection.out = connection.lastDataRow = -1;
    if (!this.isOpen(connection)) this.#pool.free(out);
    else this.#transport.queue(connection.slot, out);
  }

  /** Queues a whole buffer behind the frames. */
  queue(connection: Http2Connection, buffer: number): void {
    this.push(connection);
    this.#transport.queue(connection.slot, buffer);
    this.touch(connection);
  }

  /** The connection is flushed with the next tick. */
  touch(connection: Http2Connection): void {
    if (connection.isDirty) return;
    connection.isDirty = true;
    this.#dirty.push(connection);
  }

  /** Once a turn: everything that was written goes out. */
  flush(): void {
    for (let connection = this.#dirty.pop(); connection !== undefined; connection = this.#dirty.pop()) {
      connection.isDirty = false;
      if (connection.slot < 0) continue;
      this.push(connection);
      if ((this.#connections.flags[connection.slot]! & CONNECTION.closing) === 0)
        this.#transport.flush(connection.slot);
    }
  }

  header(at: number, length: number, type: number, flags: number, id: number): number {
    const bytes = this.#bytes;
    bytes[at] = length >> 16;
    bytes[at + 1] = length >> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = type;
    bytes[at + 4] = flags;
    bytes[at + 5] = id >> 24;
    bytes[at + 6] = id >> 16;
    bytes[at + 7] = id >> 8;
    bytes[at + 8] = id;
    return at + FRAME_HEADER_BYTES;
  }

  #word(at: number, value: number): number {
    const bytes = this.#bytes;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >> 16;
    bytes[at + 2] = value >> 8;
    bytes[at + 3] = value;
    return at + 4;
  }

  /** The preface of a client: what stands before its first frame. */
  preface(connection: Http2Connection): void {
    const at = this.reserve(connection, PREFACE.length);
    if (at < 0) return;
    this.#bytes.set(PREFACE, at);
    this.commit(connection, at + PREFACE.length);
  }

  /** @param pairs numbers of settings and their values, one after the other */
  settings(connection: Http2Connection, pairs: readonly number[]): void {
    const length = (pairs.length / 2) * SETTING_BYTES;
    let at = this.reserve(connection, FRAME_HEADER_BYTES + length);
    if (at < 0) return;
    at = this.header(at, length, FRAME.settings, 0, 0);
    for (let i = 0; i < pairs.length; i += 2) {
      this.#bytes[at] = 0;
      this.#bytes[at + 1] = pairs[i]!;
      at = this.#word(at + 2, pairs[i + 1]!);
    }
    this.commit(connection, at);
  }

  settingsAck(connection: Http2Connection): void {
    const at = this.reserve(connection, FRAME_HEADER_BYTES);
    if (at >= 0) this.commit(connection, this.header(at, 0, FRAME.settings, FLAG.ack, 0));
  }

  /** @param from arena offset of the 8 bytes that a PING brought, -1: those of our own */
  ping(connection: Http2Connection, flags: number, from: number): void {
    let at = this.reserve(connection, FRAME_HEADER_BYTES + 8);
    if (at < 0) return;
    at = this.header(at, 8, FRAME.ping, flags, 0);
    if (from < 0) this.#bytes.fill(0, at, at + 8);
    else this.#bytes.copyWithin(at, from, from + 8);
    this.commit(connection, at + 8);
  }

  windowUpdate(connection: Http2Connection, id: number, bytes: number): void {
    const at = this.reserve(connection, FRAME_HEADER_BYTES + 4);
    if (at >= 0) this.commit(connection, this.#word(this.header(at, 4, FRAME.windowUpdate, 0, id), bytes));
  }

  reset(connection: Http2Connection, id: number, error: number): void {
    connection.rememberReset(id);
    const at = this.reserve(connection, FRAME_HEADER_BYTES + 4);
    if (at >= 0) this.commit(connection, this.#word(this.header(at, 4, FRAME.rstStream, 0, id), error));
  }

  goaway(connection: Http2Connection, lastId: number, error: number): void {
    let at = this.reserve(connection, FRAME_HEADER_BYTES + 8);
    if (at < 0) return;
    at = this.#word(this.header(at, 8, FRAME.goaway, 0, 0), lastId);
    this.commit(connection, this.#word(at, error));
  }

  /** A frame of DATA that ends the stream: an empty one, if the stream's last one has left already. */
  endStream(connection: Http2Connection, row: number, id: number): void {
    if (connection.lastDataRow === row && connection.out >= 0) {
      this.#bytes[connection.lastDataFlagsAt]! |= FLAG.endStream;
      connection.lastDataRow = -1;
      return;
    }
    const at = this.reserve(connection, FRAME_HEADER_BYTES);
    if (at >= 0) this.commit(connection, this.header(at, 0, FRAME.data, FLAG.endStream, id));
  }
}

/** What we say of ourselves to clients. */
export function settingsForClients(
  { streamsMax, windowBytes, offersWebSockets }: Http2Plan,
  listBytes: number,
): number[] {
  const pairs = offersWebSockets ? [SETTING.enableConnectProtocol, 1] : [];
  pairs.push(SETTING.maxConcurrentStreams, streamsMax, SETTING.initialWindowSize, windowBytes);
  return [...pairs, SETTING.maxHeaderListSize, listBytes];
}

/** The same to servers. */
export function settingsForServers({ serverWindowBytes }: Http2Plan, listBytes: number): number[] {
  return [SETTING.enablePush, 0, SETTING.initialWindowSize, serverWindowBytes, SETTING.maxHeaderListSize, listBytes];
}
