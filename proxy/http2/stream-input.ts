// DATA of streams on its way in: into the receive queues of their rows, framed as the head that stands before it says. Small pieces share a buffer,
// so that a peer that sends bytes one by one does not fill the memory with empty buffers.

import type { BufferPool } from "../../shared/arena/buffer-pool.ts";
import type { Connections } from "../connection/table.ts";
import type { Transport } from "../connection/transport.ts";
import { H2_ERROR } from "./protocol.ts";
import { FRAMING, type StreamRows } from "./rows.ts";

const CR = 13;
const LF = 10;
const ZERO = 48;
/** `ffffff CRLF` and the CRLF behind the data. */
const CHUNK_OVERHEAD = 10;
const LAST_CHUNK_BYTES = 5;

export class StreamInput {
  readonly #bytes: Uint8Array;
  readonly #pool: BufferPool;
  readonly #connections: Connections;
  readonly #transport: Transport;
  readonly #rows: StreamRows;

  constructor(bytes: Uint8Array, pool: BufferPool, connections: Connections, transport: Transport, rows: StreamRows) {
    this.#bytes = bytes;
    this.#pool = pool;
    this.#connections = connections;
    this.#transport = transport;
    this.#rows = rows;
  }

  /** Takes bytes[start, end) for the row. An error of the stream, or H2_ERROR.none. */
  take(row: number, start: number, end: number): number {
    const { inFraming, inLeft } = this.#rows;
    switch (inFraming[row]) {
      case FRAMING.length:
        // RFC 9113 8.1.1: more than was announced.
        if (end - start > inLeft[row]!) return H2_ERROR.protocol;
        inLeft[row]! -= end - start;
        return this.#append(row, start, end);
      case FRAMING.raw:
        return this.#append(row, start, end);
      case FRAMING.chunked:
        return this.#appendChunk(row, start, end);
      default:
        return H2_ERROR.protocol;
    }
  }

  /** The row's last buffer if `bytes` have room in it, else a new one behind it; -1: there is none. */
  #bufferFor(row: number, bytes: number): number {
    const pool = this.#pool;
    const tail = this.#connections.receiveTail[row]!;
    if (this.#connections.receiveHead[row]! >= 0 && pool.end[tail]! + bytes <= pool.offsetOf(tail) + pool.size)
      return tail;
    const buffer = pool.take();
    if (buffer >= 0) this.#transport.received.append(row, buffer);
    return buffer;
  }

  #append(row: number, start: number, end: number): number {
    for (let at = start; at < end; ) {
      const buffer = this.#bufferFor(row, 1);
      if (buffer < 0) return H2_ERROR.enhanceYourCalm;
      const room = this.#pool.offsetOf(buffer) + this.#pool.size - this.#pool.end[buffer]!;
      const length = Math.min(room, end - at);
      this.#bytes.copyWithin(this.#pool.end[buffer]!, at, at + length);
      this.#pool.end[buffer]! += length;
      at += length;
    }
    return H2_ERROR.none;
  }

  #appendChunk(row: number, start: number, end: number): number {
    const pool = this.#pool;
    const limit = pool.size - CHUNK_OVERHEAD;
    for (let at = start; at < end; ) {
      const length = Math.min(end - at, limit);
      const buffer = this.#bufferFor(row, length + CHUNK_OVERHEAD);
      if (buffer < 0) return H2_ERROR.enhanceYourCalm;
      let to = this.#hex(pool.end[buffer]!, length);
      this.#bytes.copyWithin(to, at, at + length);
      to += length;
      this.#bytes[to++] = CR;
      this.#bytes[to++] = LF;
      pool.end[buffer] = to;
      at += length;
    }
    return H2_ERROR.none;
  }

  #hex(at: number, value: number): number {
    let shift = 0;
    while (value >>> shift > 15) shift += 4;
    let to = at;
    for (; shift >= 0; shift -= 4) {
      const digit = (value >>> shift) & 15;
      this.#bytes[to++] = digit < 10 ? ZERO + digit : digit + 87;
    }
    this.#bytes[to++] = CR;
    this.#bytes[to++] = LF;
    return to;
  }

  /** The stream's last byte has come. An error of the stream, or H2_ERROR.none. */
  end(row: number): number {
    const { inFraming, inLeft } = this.#rows;
    switch (inFraming[row]) {
      case FRAMING.length:
        return inLeft[row] === 0 ? H2_ERROR.none : H2_ERROR.protocol;
      case FRAMING.chunked: {
        const buffer = this.#bufferFor(row, LAST_CHUNK_BYTES);
        if (buffer < 0) return H2_ERROR.enhanceYourCalm;
        const to = this.#lastChunk(this.#pool.end[buffer]!);
        this.#bytes[to] = CR;
        this.#bytes[to + 1] = LF;
        this.#pool.end[buffer] = to + 2;
        return H2_ERROR.none;
      }
      default:
        return H2_ERROR.none;
    }
  }

  #lastChunk(at: number): number {
    this.#bytes[at] = ZERO;
    this.#bytes[at + 1] = CR;
    this.#bytes[at + 2] = LF;
    return at + 3;
  }

  /** A buffer that begins with the last chunk: lines of trailers and an empty one are to follow. -1: there is none. */
  openTrailers(): number {
    const pool = this.#pool;
    const buffer = pool.take();
    if (buffer >= 0) pool.end[buffer] = this.#lastChunk(pool.start[buffer]!);
    return buffer;
  }
}
