// What the owners of streams do with their rows, as the transport does it for rows with sockets: sending what is queued, giving back the window,
// ending and closing. Rows that were closed are freed with the end of the turn (`tick`), so that nobody meets a stranger in a row that he just closed.

import { CONNECTION } from "../connection/table.ts";
import type { RowMultiplexer } from "../connection/transport.ts";
import type { WorkerContext } from "../worker/context.ts";
import type { Http2Connection } from "./connection.ts";
import type { Http2 } from "./http2.ts";
import { H2_ERROR } from "./protocol.ts";
import { FRAMING, STREAM_ROW } from "./rows.ts";

const CLOSING = CONNECTION.closing;
const CLOSE_QUEUED = CONNECTION.closeQueued;
const ECONNRESET = 104;
/** A stream's window is refilled by so much at a time, at the least: each WINDOW_UPDATE costs both sides a frame. */
const WINDOW_CREDIT_BYTES = 65_536;
/** Rounds of a tick in which rows may move more, before others have their turn. */
const ROUNDS_MAX = 8;

export class StreamTransport implements RowMultiplexer {
  readonly #ctx: WorkerContext;
  readonly #http2: Http2;
  /** Rows that have sent something since the last tick: their owners are to hear of it. */
  readonly #progressed: number[] = [];
  readonly #closed: number[] = [];
  /** Streams whose clients are to stop sending: from this turn, and from the one before. Answers before the end of a request are rare enough for objects. */
  #stops: { readonly connection: Http2Connection; readonly slot: number; readonly id: number }[] = [];
  #dueStops: { readonly connection: Http2Connection; readonly slot: number; readonly id: number }[] = [];

  constructor(ctx: WorkerContext, http2: Http2) {
    this.#ctx = ctx;
    this.#http2 = http2;
  }

  flush(row: number): void {
    const { connections } = this.#ctx;
    if ((connections.flags[row]! & CLOSING) !== 0) return;
    if (!this.#http2.streamOutput.flush(this.#http2.carriers.of(row), row)) return;
    if ((this.#http2.rows.flags[row]! & STREAM_ROW.progressed) !== 0) this.#noteProgress(row);
    if (connections.sendHead[row]! >= 0) return;
    if ((connections.flags[row]! & CLOSE_QUEUED) !== 0) this.close(row);
    else if ((connections.flags[row]! & CONNECTION.shutdownQueued) !== 0)
      connections.flags[row]! |= CONNECTION.writeClosed;
  }

  #noteProgress(row: number): void {
    this.#http2.rows.flags[row]! &= ~STREAM_ROW.progressed;
    if (this.#ctx.connections.stream[row]! >= 0) this.#progressed.push(row);
  }

  resume(row: number): void {
    const { connections } = this.#ctx;
    const { owed, flags, receiveWindow } = this.#http2.rows;
    // Now and then: each WINDOW_UPDATE costs both sides a frame.
    if (owed[row]! < WINDOW_CREDIT_BYTES || connections.receiveHead[row]! >= 0) return;
    const connection = this.#http2.carriers.of(row);
    const bytes = owed[row]!;
    owed[row] = 0;
    if ((flags[row]! & (STREAM_ROW.inEnded | STREAM_ROW.dead)) === 0) {
      receiveWindow[row]! += bytes;
      this.#http2.output.windowUpdate(connection, this.#http2.rows.id[row]!, bytes);
    }
    this.#http2.carriers.creditConnection(connection);
  }

  endOutput(row: number): void {
    this.#ctx.connections.flags[row]! |= CONNECTION.shutdownQueued;
    this.#http2.rows.flags[row]! |= STREAM_ROW.outEnds;
    this.flush(row);
  }

  closeAfterOutput(row: number): void {
    this.#ctx.connections.flags[row]! |= CLOSE_QUEUED;
    this.#http2.rows.flags[row]! |= STREAM_ROW.outEnds;
    this.flush(row);
  }

  /** What is queued goes out, and then the peer sees that it was not all. */
  cut(row: number): void {
    if (this.#http2.rows.outFraming[row] === FRAMING.raw) {
      this.#http2.rows.outFraming[row] = FRAMING.length;
      this.#http2.rows.outLeft[row] = Number.MAX_SAFE_INTEGER;
    }
    this.closeAfterOutput(row);
  }

  close(row: number): void {
    const { connections, transport, wheel } = this.#ctx;
    if ((connections.flags[row]! & CLOSING) !== 0) return;
    connections.flags[row]! |= CLOSING;
    wheel.clear(row);
    transport.received.freeAll(row);
    transport.queued.freeAll(row);
    const connection = this.#http2.carriers.of(row);
    this.#http2.streamOutput.forget(connection, row);
    const id = this.#http2.rows.id[row]!;
    const flags = this.#http2.rows.flags[row]!;
    const isComplete = (flags & STREAM_ROW.inEnded) !== 0 && (flags & STREAM_ROW.outEnded) !== 0;
    if (!isComplete && (flags & STREAM_ROW.dead) === 0 && !connection.isBroken) {
      const isAnswered = (flags & STREAM_ROW.outEnded) !== 0 && !connection.isToServer;
      if (isAnswered) this.#stopLater(connection, id);
      else this.#http2.output.reset(connection, id, H2_ERROR.cancel);
    }
    connections.lastServer[connection.slot] = connections.lastServer[row]!;
    connection.rows.delete(id);
    this.#closed.push(row);
    if (connection.rows.size > 0 || connection.isBroken) return;
    if (connection.goingAway === 2) this.#http2.carriers.finish(connection);
    else this.#http2.carriers.idle(connection);
  }

  /**
   * RFC 9113 8.1: a client that has its answer may stop sending. It is told behind the answer and not together with it: there are clients (curl 7.88) that
   * lose an answer whose stream is closed before they have looked at it.
   */
  #stopLater(connection: Http2Connection, id: number): void {
    connection.rememberReset(id);
    this.#stops.push({ connection, slot: connection.slot, id });
  }

  #stop(): void {
    for (const { connection, slot, id } of this.#dueStops)
      if (connection.slot === slot) this.#http2.output.reset(connection, id, H2_ERROR.none);
    this.#dueStops = this.#stops;
    this.#stops = [];
  }

  /** The row cannot go on; the peer has been told, or is with its end. */
  breakRow(row: number, error: number): void {
    const connection = this.#http2.carriers.of(row);
    if ((this.#http2.rows.flags[row]! & STREAM_ROW.dead) === 0 && !connection.wasReset(this.#http2.rows.id[row]!))
      this.#http2.output.reset(connection, this.#http2.rows.id[row]!, error);
    this.failRow(row, ECONNRESET);
  }

  /** Nothing goes through the row any more: its owner is told, and one without an owner is closed. */
  failRow(row: number, errno: number): void {
    const { connections, transport } = this.#ctx;
    this.#http2.rows.flags[row]! |= STREAM_ROW.dead;
    connections.flags[row]! |= CONNECTION.failed;
    transport.queued.freeAll(row);
    transport.userOf(row).onFailed(row, errno);
    if ((connections.flags[row]! & CLOSING) === 0 && connections.stream[row]! < 0) this.close(row);
  }

  /** Once a turn. True: something is left to do, and nobody may sleep. */
  tick(): boolean {
    const { connections, transport } = this.#ctx;
    if (this.#stops.length + this.#dueStops.length > 0) this.#stop();
    for (let round = 0; round < ROUNDS_MAX && this.#progressed.length > 0; round++) {
      const count = this.#progressed.length;
      for (let i = 0; i < count; i++) {
        const row = this.#progressed[i]!;
        if ((connections.flags[row]! & CLOSING) === 0 && connections.stream[row]! >= 0)
          transport.userOf(row).onSent(row);
      }
      this.#progressed.splice(0, count);
    }
    this.#http2.output.flush();
    for (let row = this.#closed.pop(); row !== undefined; row = this.#closed.pop()) transport.releaseMultiplexed(row);
    return this.#progressed.length + this.#dueStops.length > 0;
  }
}
