// What encoders give, as chunks (RFC 9112 7.1): a buffer is filled until it is full or the encoder is flushed, then it leaves as one chunk.

import { latin1 } from "../../shared/latin1.ts";
import { COUNTER } from "../shared-state/layout.ts";
import { STREAM_BYTES, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import { CodingSide } from "./coding.ts";
import { type Encoders, FLUSH } from "./encoders.ts";

/** `FFFFFFFF CR LF` in front of the data of a chunk, `CR LF 0 CR LF CR LF` behind it. */
const CHUNK_HEAD_BYTES = 10;
const CHUNK_TAIL_BYTES = 7;
const HEX = latin1("0123456789ABCDEF");
const CR = 13;
const LF = 10;
const ZERO = 48;
const LAST_CHUNK = Uint8Array.of(ZERO, CR, LF, CR, LF);

export class ChunkWriter {
  readonly #ctx: WorkerContext;
  readonly #encoders: Encoders;

  constructor(ctx: WorkerContext, encoders: Encoders) {
    this.#ctx = ctx;
    this.#encoders = encoders;
  }

  /** Encodes bytes [start, end) and queues to `to` what comes out, counted in `counter`. False: there is no buffer, or the encoder is broken. */
  write(
    stream: Stream,
    side: CodingSide,
    to: number,
    counter: number,
    start: number,
    end: number,
    flush: number,
  ): boolean {
    if (flush === FLUSH.sync && !side.isDirty) return true;
    side.isDirty = flush === FLUSH.none;
    if (side.encoder === CodingSide.IDENTITY) return this.#copyThrough(stream, side, to, counter, start, end, flush);
    const { pool } = this.#ctx;
    const encoders = this.#encoders;
    encoders.input(side.encoder, start, end - start);
    do {
      if (!this.#open(side)) return false;
      const room = pool.offsetOf(side.out) + pool.size - CHUNK_TAIL_BYTES - side.outAt;
      if (!encoders.run(side.encoder, side.outAt, room, flush)) return false;
      side.outAt += room - encoders.roomLeft;
      if (encoders.roomLeft === 0) this.#emit(stream, side, to, counter, false);
    } while (encoders.hasMore);
    if (flush === FLUSH.none) return true;
    if (!this.#open(side)) return false;
    this.#emit(stream, side, to, counter, flush === FLUSH.finish);
    return true;
  }

  #copyThrough(
    stream: Stream,
    side: CodingSide,
    to: number,
    counter: number,
    start: number,
    end: number,
    flush: number,
  ): boolean {
    const { bytes, pool } = this.#ctx;
    for (let at = start; at < end; ) {
      if (!this.#open(side)) return false;
      const room = pool.offsetOf(side.out) + pool.size - CHUNK_TAIL_BYTES - side.outAt;
      const length = Math.min(room, end - at);
      bytes.copyWithin(side.outAt, at, at + length);
      side.outAt += length;
      at += length;
      if (length === room) this.#emit(stream, side, to, counter, false);
    }
    if (flush === FLUSH.none) return true;
    if (!this.#open(side)) return false;
    this.#emit(stream, side, to, counter, flush === FLUSH.finish);
    return true;
  }

  /** A buffer to write to, with room for the line in front of a chunk. */
  #open(side: CodingSide): boolean {
    if (side.out >= 0) return true;
    const { pool } = this.#ctx;
    side.out = pool.take();
    if (side.out < 0) return false;
    side.outAt = pool.start[side.out]! + CHUNK_HEAD_BYTES;
    return true;
  }

  /** Makes a chunk of what was written and queues it. */
  #emit(stream: Stream, side: CodingSide, to: number, counter: number, isLast: boolean): void {
    const { bytes, pool, streams, transport } = this.#ctx;
    const { out } = side;
    const data = pool.start[out]! + CHUNK_HEAD_BYTES;
    const length = side.outAt - data;
    let start = data;
    let end = side.outAt;
    if (length > 0) {
      bytes[--start] = LF;
      bytes[--start] = CR;
      for (let rest = length; rest > 0; rest >>>= 4) bytes[--start] = HEX[rest & 15]!;
      bytes[end++] = CR;
      bytes[end++] = LF;
    }
    if (isLast) for (const byte of LAST_CHUNK) bytes[end++] = byte;
    side.out = -1;
    if (end === start) {
      pool.free(out);
      return;
    }
    pool.start[out] = start;
    pool.end[out] = end;
    streams.bytes[stream.slot * STREAM_BYTES.columns + counter]! += end - start;
    if (counter === STREAM_BYTES.toClient) this.#countOut(stream, length);
    transport.queue(to, out);
  }

  #countOut(stream: Stream, bytes: number): void {
    const { lifecycle } = this.#ctx;
    lifecycle.add(lifecycle.frontendAt[stream.frontend]!, COUNTER.compressedBytesOut, bytes);
    lifecycle.add(lifecycle.backendAt[stream.backend]!, COUNTER.compressedBytesOut, bytes);
  }
}
