// What a stream's row has queued, in the words of HTTP/1, becomes frames: HEADERS of its head, DATA of its body as far as the windows and the
// connection's own queue allow, trailers, the end. What has no room waits in the row, and the row in its connection's list.
//
//   front, back, relay ──▶ row's send queue ──flush──▶ frames in the connection's buffer ──tick──▶ connection's send queue

import type { BufferPool } from "../../shared/arena/buffer-pool.ts";
import type { Connections } from "../connection/table.ts";
import type { Transport } from "../connection/transport.ts";
import { CHUNK_DATA, CHUNK_TRAILERS, ChunkReader } from "./chunks.ts";
import type { Http2Connection } from "./connection.ts";
import { HeadBlock } from "./head-block.ts";
import { HpackWriter } from "./hpack/encoder.ts";
import type { Http2Output } from "./output.ts";
import { DEFAULT_FRAME_BYTES, FLAG, FRAME, FRAME_HEADER_BYTES } from "./protocol.ts";
import { FRAMING, STREAM_ROW, type StreamRows } from "./rows.ts";

/** Buffers that a connection may have queued before its streams wait. */
const CONNECTION_BUFFERS = 8;
/** Data up to this is copied behind other frames; more goes out of the buffer that it stands in. */
const COPIED_BYTES_MAX = 4096;
/** Bytes of a block beyond those of the head that it is made of, at the most (lengths of more than 126 take more than one byte). */
const BLOCK_SLACK_BYTES = 512;

/** What stops a row. */
const GOES_ON = 0;
const WAITS_FOR_CONNECTION = 1;
const WAITS_FOR_STREAM = 2;
const BROKEN = 3;

export class StreamOutput {
  readonly #bytes: Uint8Array;
  readonly #pool: BufferPool;
  readonly #connections: Connections;
  readonly #transport: Transport;
  readonly #rows: StreamRows;
  readonly #output: Http2Output;
  readonly #writer: HpackWriter;
  readonly #head: HeadBlock;
  readonly #chunks = new ChunkReader();
  /** The request in the row is for `http`, not for `https`. */
  schemeIsHttp: (row: number) => boolean = () => false;
  /** The row cannot go on: what it has queued makes no sense, or there is no memory for it. */
  onBroken: (row: number) => void = () => {};

  constructor(
    bytes: Uint8Array,
    pool: BufferPool,
    connections: Connections,
    transport: Transport,
    rows: StreamRows,
    output: Http2Output,
  ) {
    this.#bytes = bytes;
    this.#pool = pool;
    this.#connections = connections;
    this.#transport = transport;
    this.#rows = rows;
    this.#output = output;
    this.#writer = new HpackWriter(bytes);
    this.#head = new HeadBlock(bytes, this.#writer);
  }

  /** Moves what the row has queued. False: it cannot go on, and `onBroken` was told. */
  flush(connection: Http2Connection, row: number): boolean {
    const table = this.#connections;
    const flags = this.#rows.flags;
    if ((flags[row]! & STREAM_ROW.dead) !== 0) {
      this.#transport.queued.freeAll(row);
      return true;
    }
    let stop = GOES_ON;
    const before = table.sendBytes[row]!;
    while (stop === GOES_ON && table.sendHead[row]! >= 0) stop = this.#step(connection, row);
    if (table.sendBytes[row] !== before) flags[row]! |= STREAM_ROW.progressed;
    if (stop === WAITS_FOR_CONNECTION) this.#wait(connection, row);
    else if (stop === BROKEN) {
      this.#transport.queued.freeAll(row);
      this.onBroken(row);
      return false;
    } else if (stop === GOES_ON && (flags[row]! & (STREAM_ROW.outEnds | STREAM_ROW.outEnded)) === STREAM_ROW.outEnds)
      this.#end(connection, row);
    return true;
  }

  #wait(connection: Http2Connection, row: number): void {
    const rows = this.#rows;
    if ((rows.flags[row]! & STREAM_ROW.waits) !== 0) return;
    rows.flags[row]! |= STREAM_ROW.waits;
    rows.waitNext[row] = -1;
    if (connection.waitTail < 0) connection.waitHead = row;
    else rows.waitNext[connection.waitTail] = row;
    connection.waitTail = row;
  }

  /** Takes the first row out of the connection's list, -1: nobody waits. */
  takeWaiting(connection: Http2Connection): number {
    const row = connection.waitHead;
    if (row < 0) return -1;
    const rows = this.#rows;
    connection.waitHead = rows.waitNext[row]!;
    if (connection.waitHead < 0) connection.waitTail = -1;
    rows.flags[row]! &= ~STREAM_ROW.waits;
    return row;
  }

  /** The row is closed: it waits no more. */
  forget(connection: Http2Connection, row: number): void {
    const rows = this.#rows;
    if ((rows.flags[row]! & STREAM_ROW.waits) === 0) return;
    rows.flags[row]! &= ~STREAM_ROW.waits;
    let previous = -1;
    for (let at = connection.waitHead; at >= 0; previous = at, at = rows.waitNext[at]!) {
      if (at !== row) continue;
      if (previous < 0) connection.waitHead = rows.waitNext[row]!;
      else rows.waitNext[previous] = rows.waitNext[row]!;
      if (connection.waitTail === row) connection.waitTail = previous;
      return;
    }
  }

  /** Whether the connection takes more of its streams' bytes now. */
  hasRoom(connection: Http2Connection): boolean {
    return this.#connections.sendBytes[connection.slot]! < CONNECTION_BUFFERS * this.#pool.size;
  }

  /** Makes a frame, or a few, of the row's first buffer. */
  #step(connection: Http2Connection, row: number): number {
    const framing = this.#rows.outFraming[row];
    if (framing === FRAMING.done) {
      this.#transport.queued.freeAll(row);
      return GOES_ON;
    }
    if (!this.hasRoom(connection)) return WAITS_FOR_CONNECTION;
    if (framing === FRAMING.head) return this.#sendHead(connection, row);
    if (framing === FRAMING.chunked) return this.#sendChunks(connection, row);
    return this.#sendPlain(connection, row);
  }

  #sendHead(connection: Http2Connection, row: number): number {
    const pool = this.#pool;
    const buffer = this.#connections.sendHead[row]!;
    const start = pool.start[buffer]!;
    const end = pool.end[buffer]!;
    const limit = Math.min(end - start + BLOCK_SLACK_BYTES, pool.size - FRAME_HEADER_BYTES);
    const at = this.#output.reserve(connection, FRAME_HEADER_BYTES + Math.min(limit, DEFAULT_FRAME_BYTES));
    if (at < 0) return BROKEN;
    const writer = this.#writer;
    writer.begin(
      at + FRAME_HEADER_BYTES,
      at + Math.min(this.#output.roomAt(connection, at), FRAME_HEADER_BYTES + DEFAULT_FRAME_BYTES),
    );
    if (connection.mustForgetTable) writer.forgetTable();
    const isFine = connection.isToServer
      ? this.#head.request(start, end, this.schemeIsHttp(row))
      : this.#head.response(start, end, (this.#rows.flags[row]! & STREAM_ROW.isTunnel) !== 0);
    if (!isFine) return BROKEN;
    const upgrade = connection.isToServer && this.#head.isUpgrade ? this.#judgeUpgrade(connection) : GOES_ON;
    if (upgrade !== GOES_ON) return upgrade;
    connection.mustForgetTable = false;
    const isEnd = this.#settleBody(connection, row);
    const flags = FLAG.endHeaders | (isEnd ? FLAG.endStream : 0);
    this.#output.header(at, writer.at - at - FRAME_HEADER_BYTES, FRAME.headers, flags, this.#rows.id[row]!);
    this.#output.commit(connection, writer.at);
    connection.lastDataRow = -1;
    if (isEnd) this.#ended(row);
    this.#transport.queued.dropSent(row, this.#head.headEnd - start);
    return GOES_ON;
  }

  /** RFC 8441 3: only where the server said that it takes extended CONNECT, which has neither another method nor a body. */
  #judgeUpgrade(connection: Http2Connection): number {
    if (!connection.isSettled) return WAITS_FOR_STREAM;
    const hasBody = this.#head.framing === FRAMING.chunked || this.#head.length > 0;
    return connection.takesExtendedConnect && this.#head.isGet && !hasBody ? GOES_ON : BROKEN;
  }

  /** What follows the head that was just written; true: nothing. */
  #settleBody(connection: Http2Connection, row: number): boolean {
    const { outFraming, outLeft, chunkState, flags } = this.#rows;
    const head = this.#head;
    if (connection.isToServer) {
      if (head.isHead) flags[row]! |= STREAM_ROW.isHead;
      if (head.isConnect || head.isUpgrade) {
        flags[row]! |= STREAM_ROW.isTunnel;
        outFraming[row] = FRAMING.raw;
        return false;
      }
      // A request without length and chunks has no body.
      if (head.framing === FRAMING.raw) {
        head.framing = FRAMING.length;
        head.length = 0;
      }
    } else if (head.status < 200 && head.status !== 101) return false;
    else {
      flags[row]! |= STREAM_ROW.answered;
      const bodiless = (flags[row]! & STREAM_ROW.isHead) !== 0 || head.status === 204 || head.status === 304;
      if (bodiless) {
        outFraming[row] = FRAMING.done;
        return true;
      }
      if ((flags[row]! & STREAM_ROW.isTunnel) !== 0 && (head.status === 101 || head.status < 300)) {
        outFraming[row] = FRAMING.raw;
        return false;
      }
    }
    outFraming[row] = head.framing;
    outLeft[row] = head.length;
    chunkState[row] = 0;
    if (head.framing !== FRAMING.length || head.length > 0) return false;
    outFraming[row] = FRAMING.done;
    return true;
  }

  #ended(row: number): void {
    this.#rows.flags[row]! |= STREAM_ROW.outEnded;
    this.#rows.outFraming[row] = FRAMING.done;
  }

  /** What may go out now; 0: the stream or the connection has to wait. */
  #allowance(connection: Http2Connection, row: number): number {
    return Math.min(this.#rows.sendWindow[row]!, connection.sendWindow, DEFAULT_FRAME_BYTES);
  }

  #blockedBy(connection: Http2Connection): number {
    return connection.sendWindow <= 0 ? WAITS_FOR_CONNECTION : WAITS_FOR_STREAM;
  }

  /** Bytes that are the body as they are: of a known length, or until the end. */
  #sendPlain(connection: Http2Connection, row: number): number {
    const pool = this.#pool;
    const { outFraming, outLeft } = this.#rows;
    const buffer = this.#connections.sendHead[row]!;
    const isCounted = outFraming[row] === FRAMING.length;
    const length = pool.end[buffer]! - pool.start[buffer]!;
    const wanted = isCounted ? Math.min(length, outLeft[row]!) : length;
    const bytes = Math.min(wanted, this.#allowance(connection, row));
    if (bytes <= 0) return this.#blockedBy(connection);
    const isEnd = isCounted && bytes === outLeft[row];
    if (isCounted) outLeft[row]! -= bytes;
    if (bytes === length && bytes > COPIED_BYTES_MAX) {
      if (!this.#sendBuffer(connection, row, buffer, isEnd)) return BROKEN;
    } else {
      if (!this.#copyData(connection, row, pool.start[buffer]!, bytes, isEnd)) return BROKEN;
      this.#transport.queued.dropSent(row, bytes);
    }
    if (isEnd) this.#ended(row);
    return GOES_ON;
  }

  /** DATA of a whole buffer, which is not copied: its header goes right before it where there is room, else behind the frames before. */
  #sendBuffer(connection: Http2Connection, row: number, buffer: number, isEnd: boolean): boolean {
    const pool = this.#pool;
    const start = pool.start[buffer]!;
    const bytes = pool.end[buffer]! - start;
    const flags = isEnd ? FLAG.endStream : 0;
    const id = this.#rows.id[row]!;
    if (start - FRAME_HEADER_BYTES >= pool.offsetOf(buffer)) {
      this.#transport.queued.take(row);
      pool.start[buffer] = start - FRAME_HEADER_BYTES;
      this.#output.header(start - FRAME_HEADER_BYTES, bytes, FRAME.data, flags, id);
    } else {
      const at = this.#output.reserve(connection, FRAME_HEADER_BYTES);
      if (at < 0) return false;
      this.#output.commit(connection, this.#output.header(at, bytes, FRAME.data, flags, id));
      this.#transport.queued.take(row);
    }
    this.#output.queue(connection, buffer);
    this.#spend(connection, row, bytes);
    return true;
  }

  /** DATA of bytes[start, start + bytes), copied behind the frames before it. */
  #copyData(connection: Http2Connection, row: number, start: number, bytes: number, isEnd: boolean): boolean {
    let from = start;
    let left = bytes;
    while (left > 0) {
      const length = Math.min(left, this.#pool.size - FRAME_HEADER_BYTES);
      const at = this.#output.reserve(connection, FRAME_HEADER_BYTES + length);
      if (at < 0) return false;
      left -= length;
      const flags = isEnd && left === 0 ? FLAG.endStream : 0;
      const to = this.#output.header(at, length, FRAME.data, flags, this.#rows.id[row]!);
      if (length > 48) this.#bytes.copyWithin(to, from, from + length);
      else for (let i = 0; i < length; i++) this.#bytes[to + i] = this.#bytes[from + i]!;
      this.#output.commit(connection, to + length);
      connection.lastDataRow = row;
      connection.lastDataFlagsAt = at + 4;
      from += length;
    }
    this.#spend(connection, row, bytes);
    return true;
  }

  #spend(connection: Http2Connection, row: number, bytes: number): void {
    this.#rows.sendWindow[row]! -= bytes;
    connection.sendWindow -= bytes;
  }

  /** A chunked body: its data, then its trailers and its end. */
  #sendChunks(connection: Http2Connection, row: number): number {
    const pool = this.#pool;
    const { chunkState, outLeft } = this.#rows;
    const buffer = this.#connections.sendHead[row]!;
    const start = pool.start[buffer]!;
    const end = pool.end[buffer]!;
    const chunks = this.#chunks;
    chunks.at = start;
    chunks.state = chunkState[row]!;
    chunks.left = outLeft[row]!;
    chunks.trailerStart = chunks.trailerEnd = 0;
    let stop = GOES_ON;
    for (;;) {
      const allowance = this.#allowance(connection, row);
      // Without room for data only what is around it is read.
      if (allowance <= 0 && chunks.state === CHUNK_DATA) {
        stop = this.#blockedBy(connection);
        break;
      }
      const at = chunks.at;
      if (!chunks.next(this.#bytes, end, Math.max(1, allowance))) break;
      if (allowance <= 0) {
        chunks.left += chunks.dataEnd - chunks.dataStart;
        chunks.state = CHUNK_DATA;
        chunks.at = chunks.dataStart;
        stop = this.#blockedBy(connection);
        break;
      }
      if (!this.#copyData(connection, row, chunks.dataStart, chunks.dataEnd - chunks.dataStart, false)) {
        chunks.at = at;
        return BROKEN;
      }
    }
    return this.#afterChunks(connection, row, stop, start, end);
  }

  #afterChunks(connection: Http2Connection, row: number, stop: number, start: number, end: number): number {
    const { chunkState, outLeft } = this.#rows;
    const chunks = this.#chunks;
    if (chunks.isAtEnd) {
      if (!this.#sendTrailers(connection, row)) return BROKEN;
      this.#ended(row);
    } else if (stop === GOES_ON && chunks.at < end) return BROKEN;
    const inTrailers = !chunks.isAtEnd && chunks.trailerStart !== 0;
    if (inTrailers) {
      // Trailers are read in one piece: what came of them waits for the rest.
      chunks.at = chunks.trailerStart;
      chunks.state = CHUNK_TRAILERS;
    }
    chunkState[row] = chunks.state;
    outLeft[row] = chunks.left;
    this.#transport.queued.dropSent(row, chunks.at - start);
    return inTrailers && !this.#transport.queued.joinFirst(row) ? WAITS_FOR_STREAM : stop;
  }

  /** The end of a chunked body, with its trailers if there are any. */
  #sendTrailers(connection: Http2Connection, row: number): boolean {
    const chunks = this.#chunks;
    const id = this.#rows.id[row]!;
    if (chunks.trailerEnd === chunks.trailerStart) {
      this.#output.endStream(connection, row, id);
      return true;
    }
    const room = Math.min(chunks.trailerEnd - chunks.trailerStart + BLOCK_SLACK_BYTES, DEFAULT_FRAME_BYTES);
    const at = this.#output.reserve(
      connection,
      FRAME_HEADER_BYTES + Math.min(room, this.#pool.size - FRAME_HEADER_BYTES),
    );
    if (at < 0) return false;
    const writer = this.#writer;
    writer.begin(at + FRAME_HEADER_BYTES, at + this.#output.roomAt(connection, at));
    if (!this.#head.trailers(chunks.trailerStart, chunks.trailerEnd)) return false;
    const length = writer.at - at - FRAME_HEADER_BYTES;
    this.#output.header(at, length, FRAME.headers, FLAG.endHeaders | FLAG.endStream, id);
    this.#output.commit(connection, writer.at);
    connection.lastDataRow = -1;
    return true;
  }

  /** The output ends with what was sent: it was a body until the end, or is cut. */
  #end(connection: Http2Connection, row: number): void {
    if (this.#rows.outFraming[row] !== FRAMING.raw) return;
    this.#output.endStream(connection, row, this.#rows.id[row]!);
    this.#ended(row);
  }
}
