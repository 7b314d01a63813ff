// Frames on their way in (RFC 9113 4 to 6): finds them in what was received, judges them, answers those that are about the connection, and gives
// the others to whoever owns the streams (arrivals.ts). A frame's payload is looked at in one piece, but for DATA, which passes as it comes.
//
// The peer decides what comes here, so that everything has a limit: a header block is no longer than a buffer, frames that bring nothing on have
// a budget, and whoever breaks the rules gets a GOAWAY with the reason (CVE-2019-9511 to 9518, CVE-2023-44487, CVE-2024-27316, CVE-2025-8671).

import type { BufferPool } from "../../shared/arena/buffer-pool.ts";
import type { Clock } from "../../shared/time/clock.ts";
import type { ReceiveQueue } from "../connection/receive-queue.ts";
import { CONNECTION, type Connections } from "../connection/table.ts";
import type { Http2Connection } from "./connection.ts";
import { judgeHeader } from "./frame-header.ts";
import type { FieldList } from "./hpack/decoder.ts";
import type { Http2Output } from "./output.ts";
import { FLAG, FRAME, FRAME_HEADER_BYTES, H2_ERROR, PREFACE, SETTING_BYTES, WINDOW_BYTES_MAX } from "./protocol.ts";
import { STREAM_ROW, type StreamRows } from "./rows.ts";
import { applySetting } from "./settings.ts";

/** CONTINUATION frames of one block: nobody who fills frames needs more for a block that fits into a buffer. */
const CONTINUATIONS_MAX = 32;
const ENDED = CONNECTION.closing | CONNECTION.failed | CONNECTION.closeQueued;

/** Who owns the streams. Any call may close rows, and the connection as well. */
export interface StreamOwner {
  /** A header block is complete: its fields stand in the list. */
  onHeaders(connection: Http2Connection, id: number, flags: number): void;
  /** bytes[start, end) of DATA are put into the row's receive queue. False: they cannot be, and the row has its end. */
  takeData(connection: Http2Connection, row: number, start: number, end: number): boolean;
  /** Tells the row's owner of what `takeData` brought. */
  onData(row: number): void;
  /** DATA with END_STREAM is complete. */
  onEnd(connection: Http2Connection, row: number): void;
  onReset(connection: Http2Connection, row: number, error: number): void;
  /** The row, or with -1 any of them, may send more. */
  onWindow(connection: Http2Connection, row: number): void;
  /** The stream is reset, its row closed if it has one. */
  resetStream(connection: Http2Connection, id: number, error: number): void;
  /** The connection ends with GOAWAY. */
  fail(connection: Http2Connection, error: number): void;
  onGoaway(connection: Http2Connection, lastId: number): void;
  onPingAck(connection: Http2Connection): void;
}

export interface InputParts {
  readonly bytes: Uint8Array;
  readonly pool: BufferPool;
  readonly connections: Connections;
  readonly received: ReceiveQueue;
  readonly clock: Pick<Clock, "nowMs">;
  readonly rows: StreamRows;
  readonly output: Http2Output;
  readonly fields: FieldList;
}

export class Http2Input {
  readonly #parts: InputParts;
  readonly #owner: StreamOwner;

  constructor(parts: InputParts, owner: StreamOwner) {
    this.#parts = parts;
    this.#owner = owner;
  }

  #isOver(connection: Http2Connection): boolean {
    return connection.isBroken || (this.#parts.connections.flags[connection.slot]! & ENDED) !== 0;
  }

  /** Works through what was received. */
  read(connection: Http2Connection): void {
    while (!this.#isOver(connection)) {
      if (connection.prefaceLeft > 0) {
        if (!this.#preface(connection)) return;
      } else if (connection.frameLeft < 0) {
        if (!this.#header(connection)) return;
      } else if (!this.#payload(connection)) return;
    }
  }

  /** `bytes` of the connection's first buffer are used up. */
  #advance(connection: Http2Connection, bytes: number): void {
    const { connections, pool, received } = this.#parts;
    const buffer = connections.receiveHead[connection.slot]!;
    pool.start[buffer]! += bytes;
    if (pool.start[buffer] === pool.end[buffer]) pool.free(received.take(connection.slot));
  }

  /** Arena offset of `bytes` received bytes in one piece, -1: they have not come yet. */
  #contiguous(connection: Http2Connection, bytes: number): number {
    const { connections, pool, received } = this.#parts;
    const first = connections.receiveHead[connection.slot]!;
    if (first < 0) return -1;
    if (pool.end[first]! - pool.start[first]! >= bytes) return pool.start[first]!;
    if (pool.next[first]! < 0) return -1;
    received.joined(connection.slot);
    return pool.end[first]! - pool.start[first]! >= bytes ? pool.start[first]! : -1;
  }

  #preface(connection: Http2Connection): boolean {
    const { connections, pool, bytes } = this.#parts;
    const buffer = connections.receiveHead[connection.slot]!;
    if (buffer < 0) return false;
    const start = pool.start[buffer]!;
    const length = Math.min(pool.end[buffer]! - start, connection.prefaceLeft);
    const from = PREFACE.length - connection.prefaceLeft;
    for (let i = 0; i < length; i++) {
      if (bytes[start + i] === PREFACE[from + i]) continue;
      this.#owner.fail(connection, H2_ERROR.protocol);
      return false;
    }
    connection.prefaceLeft -= length;
    this.#advance(connection, length);
    return true;
  }

  #header(connection: Http2Connection): boolean {
    const at = this.#contiguous(connection, FRAME_HEADER_BYTES);
    if (at < 0) return false;
    const { bytes } = this.#parts;
    connection.frameLeft = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    connection.frameType = bytes[at + 3]!;
    connection.frameFlags = bytes[at + 4]!;
    connection.frameId =
      ((bytes[at + 5]! & 127) << 24) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 8) | bytes[at + 8]!;
    this.#advance(connection, FRAME_HEADER_BYTES);
    const error = judgeHeader(connection);
    if (error !== H2_ERROR.none) this.#owner.fail(connection, error);
    else if (connection.frameType === FRAME.data) this.#beginData(connection);
    return true;
  }

  /** The frame's payload, if all of it is there. False: more is to come. */
  #payload(connection: Http2Connection): boolean {
    if (connection.frameType === FRAME.data) return this.#data(connection);
    const length = connection.frameLeft;
    const at = length === 0 ? 0 : this.#contiguous(connection, length);
    if (at < 0) {
      // A buffer is as long as the longest frame, unless `tune.bufsize` made it shorter.
      const { connections, pool } = this.#parts;
      const first = connections.receiveHead[connection.slot]!;
      const isFull = first >= 0 && pool.end[first]! - pool.start[first]! === pool.size;
      if (isFull) this.#owner.fail(connection, H2_ERROR.enhanceYourCalm);
      return false;
    }
    connection.frameLeft = -1;
    if (connection.frameType === FRAME.headers || connection.frameType === FRAME.continuation)
      this.#block(connection, at, length);
    else {
      this.#control(connection, at, length);
      if (length > 0 && (this.#parts.connections.flags[connection.slot]! & CONNECTION.closing) === 0)
        this.#advance(connection, length);
    }
    return true;
  }

  /** Frames that bring no message on have a budget. False: it is spent, and the connection ends. */
  #mayIdle(connection: Http2Connection): boolean {
    if (connection.idleFrames.spend(this.#parts.clock.nowMs)) return true;
    this.#owner.fail(connection, H2_ERROR.enhanceYourCalm);
    return false;
  }

  #control(connection: Http2Connection, at: number, length: number): void {
    switch (connection.frameType) {
      case FRAME.priority:
        if (this.#mayIdle(connection)) this.#priority(connection, at, length);
        break;
      case FRAME.rstStream:
        this.#reset(connection, this.#word(at));
        break;
      case FRAME.settings:
        if (this.#mayIdle(connection)) this.#settings(connection, at, length);
        break;
      case FRAME.ping:
        if ((connection.frameFlags & FLAG.ack) !== 0) this.#owner.onPingAck(connection);
        else if (this.#mayIdle(connection)) this.#parts.output.ping(connection, FLAG.ack, at);
        break;
      case FRAME.goaway:
        this.#owner.onGoaway(connection, this.#word(at) & 0x7fffffff);
        break;
      case FRAME.windowUpdate:
        this.#windowUpdate(connection, this.#word(at) & 0x7fffffff);
        break;
      default:
        // RFC 9113 5.5: unknown frames are ignored.
        this.#mayIdle(connection);
    }
  }

  #word(at: number): number {
    const { bytes } = this.#parts;
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  }

  /** RFC 9113 5.3.2: priorities are ignored, but for a stream that depends on itself and frames of another length. */
  #priority(connection: Http2Connection, at: number, length: number): void {
    const id = connection.frameId;
    if (length !== 5) this.#owner.resetStream(connection, id, H2_ERROR.frameSize);
    else if ((this.#word(at) & 0x7fffffff) === id) this.#owner.resetStream(connection, id, H2_ERROR.protocol);
  }

  #isIdle(connection: Http2Connection, id: number): boolean {
    // Streams begin with their client's numbers, odd ones.
    return id > connection.lastId || (id & 1) === 0;
  }

  #reset(connection: Http2Connection, error: number): void {
    const id = connection.frameId;
    if (this.#isIdle(connection, id)) {
      this.#owner.fail(connection, H2_ERROR.protocol);
      return;
    }
    if (!connection.isToServer && !connection.resets.spend(this.#parts.clock.nowMs)) {
      this.#owner.fail(connection, H2_ERROR.enhanceYourCalm);
      return;
    }
    const row = connection.rows.get(id) ?? -1;
    if (row >= 0) this.#owner.onReset(connection, row, error);
  }

  #windowUpdate(connection: Http2Connection, increment: number): void {
    const id = connection.frameId;
    if (id === 0) {
      if (increment === 0) this.#owner.fail(connection, H2_ERROR.protocol);
      else if (connection.sendWindow + increment > WINDOW_BYTES_MAX) this.#owner.fail(connection, H2_ERROR.flowControl);
      else {
        connection.sendWindow += increment;
        this.#owner.onWindow(connection, -1);
      }
      return;
    }
    const row = connection.rows.get(id) ?? -1;
    if (row < 0) {
      if (this.#isIdle(connection, id)) this.#owner.fail(connection, H2_ERROR.protocol);
      else this.#mayIdle(connection);
      return;
    }
    const { sendWindow } = this.#parts.rows;
    if (increment === 0) this.#owner.resetStream(connection, id, H2_ERROR.protocol);
    else if (sendWindow[row]! + increment > WINDOW_BYTES_MAX)
      this.#owner.resetStream(connection, id, H2_ERROR.flowControl);
    else {
      sendWindow[row]! += increment;
      this.#owner.onWindow(connection, row);
    }
  }

  #settings(connection: Http2Connection, at: number, length: number): void {
    connection.isSettled = true;
    if ((connection.frameFlags & FLAG.ack) !== 0) return;
    const { bytes } = this.#parts;
    for (let entry = at; entry < at + length; entry += SETTING_BYTES) {
      const setting = (bytes[entry]! << 8) | bytes[entry + 1]!;
      const error = applySetting(connection, this.#parts.rows, setting, this.#word(entry + 2));
      if (error === H2_ERROR.none) continue;
      this.#owner.fail(connection, error);
      return;
    }
    this.#parts.output.settingsAck(connection);
    this.#owner.onWindow(connection, -1);
  }

  /** HEADERS or CONTINUATION: the block is decoded when it is complete. */
  #block(connection: Http2Connection, at: number, length: number): void {
    const isFirst = connection.frameType === FRAME.headers;
    let start = at;
    let end = at + length;
    if (isFirst) {
      connection.blockId = connection.frameId;
      connection.blockFlags = connection.frameFlags;
      connection.blockFrames = 0;
      const { bytes } = this.#parts;
      let padding = 0;
      if ((connection.frameFlags & FLAG.padded) !== 0) padding = start < end ? bytes[start++]! : length;
      const hasPriority = (connection.frameFlags & FLAG.priority) !== 0;
      const dependsOn = hasPriority && start + 5 <= end ? this.#word(start) & 0x7fffffff : -1;
      if (hasPriority) start += 5;
      end -= padding;
      if (start > end || dependsOn === connection.frameId) {
        this.#owner.fail(connection, H2_ERROR.protocol);
        return;
      }
    } else if (++connection.blockFrames > CONTINUATIONS_MAX || (start === end && !this.#mayIdle(connection))) {
      if (!connection.isBroken) this.#owner.fail(connection, H2_ERROR.enhanceYourCalm);
      return;
    }
    const isLast = (connection.frameFlags & FLAG.endHeaders) !== 0;
    if (isFirst && isLast) this.#decode(connection, start, end, length);
    else if (this.#collect(connection, start, end)) {
      if (length > 0) this.#advance(connection, length);
      if (isLast) this.#decodeCollected(connection);
    }
  }

  /** A block in several frames is put together in a buffer. False: it is too long, and the connection ends. */
  #collect(connection: Http2Connection, start: number, end: number): boolean {
    const { bytes, pool } = this.#parts;
    if (connection.blockBuffer < 0) connection.blockBuffer = pool.take();
    const buffer = connection.blockBuffer;
    if (buffer < 0 || pool.end[buffer]! + end - start > pool.offsetOf(buffer) + pool.size) {
      this.#owner.fail(connection, H2_ERROR.enhanceYourCalm);
      return false;
    }
    bytes.copyWithin(pool.end[buffer]!, start, end);
    pool.end[buffer]! += end - start;
    return true;
  }

  #decodeCollected(connection: Http2Connection): void {
    const { bytes, fields, pool } = this.#parts;
    const buffer = connection.blockBuffer;
    const isFine = connection.decoder.decode(bytes, pool.start[buffer]!, pool.end[buffer]!, fields);
    pool.free(buffer);
    connection.blockBuffer = -1;
    this.#deliver(connection, isFine);
  }

  #decode(connection: Http2Connection, start: number, end: number, length: number): void {
    const { bytes, fields } = this.#parts;
    const isFine = connection.decoder.decode(bytes, start, end, fields);
    if (length > 0) this.#advance(connection, length);
    this.#deliver(connection, isFine);
  }

  #deliver(connection: Http2Connection, isFine: boolean): void {
    if (isFine) this.#owner.onHeaders(connection, connection.blockId, connection.blockFlags);
    else this.#owner.fail(connection, H2_ERROR.compression);
  }

  /** Flow control counts all of a DATA frame, padding as well (RFC 9113 6.9). */
  #beginData(connection: Http2Connection): void {
    const { rows } = this.#parts;
    const length = connection.frameLeft;
    const id = connection.frameId;
    connection.framePadding = (connection.frameFlags & FLAG.padded) !== 0 ? -1 : 0;
    if (connection.framePadding < 0 && length === 0) {
      this.#owner.fail(connection, H2_ERROR.frameSize);
      return;
    }
    connection.receiveWindow -= length;
    const row = connection.rows.get(id) ?? -1;
    if (connection.receiveWindow < 0) this.#owner.fail(connection, H2_ERROR.flowControl);
    else if (row < 0) {
      if (this.#isIdle(connection, id)) this.#owner.fail(connection, H2_ERROR.protocol);
      else if (!connection.wasReset(id)) this.#owner.fail(connection, H2_ERROR.streamClosed);
      else this.#mayIdle(connection);
    } else if ((rows.flags[row]! & STREAM_ROW.inEnded) !== 0)
      this.#owner.resetStream(connection, id, H2_ERROR.streamClosed);
    else {
      rows.receiveWindow[row]! -= length;
      rows.owed[row]! += length;
      if (rows.receiveWindow[row]! < 0) this.#owner.resetStream(connection, id, H2_ERROR.flowControl);
      else if (length === 0 && (connection.frameFlags & FLAG.endStream) === 0) this.#mayIdle(connection);
    }
  }

  /** Bytes of a DATA frame, as many as have come. */
  #data(connection: Http2Connection): boolean {
    const { connections, pool, bytes } = this.#parts;
    if (connection.frameLeft > 0) {
      const buffer = connections.receiveHead[connection.slot]!;
      if (buffer < 0) return false;
      const start = pool.start[buffer]!;
      if (connection.framePadding < 0) {
        connection.framePadding = bytes[start]!;
        connection.frameLeft--;
        this.#advance(connection, 1);
        if (connection.framePadding > connection.frameLeft) this.#owner.fail(connection, H2_ERROR.protocol);
        return true;
      }
      const available = Math.min(pool.end[buffer]! - start, connection.frameLeft);
      const data = Math.min(available, connection.frameLeft - connection.framePadding);
      const row = connection.rows.get(connection.frameId) ?? -1;
      connection.frameLeft -= available;
      if (data > 0 && row >= 0 && this.#owner.takeData(connection, row, start, start + data)) {
        this.#advance(connection, available);
        this.#owner.onData(row);
      } else this.#advance(connection, available);
      if (connection.frameLeft > 0) return true;
    }
    connection.frameLeft = -1;
    if ((connection.frameFlags & FLAG.endStream) !== 0) {
      const row = connection.rows.get(connection.frameId) ?? -1;
      if (row >= 0) this.#owner.onEnd(connection, row);
    }
    return true;
  }
}
