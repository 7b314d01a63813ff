// What peers say on their streams, put into the words of HTTP/1: a request or an answer is a row of Connections whose receive queue holds what a
// socket would have brought, and its owner (http1/front.ts, http1/back.ts, tcp/relay.ts) is told of it. Finding frames is input.ts's.

import { CONNECTION, KIND } from "../connection/table.ts";
import { MESSAGE, type Message } from "../http1/message.ts";
import type { Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import type { Http2Connection } from "./connection.ts";
import { TEXT } from "./field-text.ts";
import type { Http2 } from "./http2.ts";
import type { StreamOwner } from "./input.ts";
import { FLAG, H2_ERROR } from "./protocol.ts";
import { RequestText } from "./request-text.ts";
import { ResponseText } from "./response-text.ts";
import { FRAMING, STREAM_ROW } from "./rows.ts";

const CLOSING = CONNECTION.closing;
const READ_CLOSED = CONNECTION.readClosed;
/** What a stream's row has from its connection's. */
const INHERITED = CONNECTION.ipv6 | CONNECTION.unix | CONNECTION.proxied;
const ECONNRESET = 104;
/** What a stream's peer may send before we have looked at it, once a body is known to come; before that it is the initial window. */
const STREAM_WINDOW_BYTES = 262_144;
const COLON = 58;

export class Arrivals implements StreamOwner {
  readonly #ctx: WorkerContext;
  readonly #http2: Http2;
  readonly #requestText: RequestText;
  readonly #responseText: ResponseText;
  readonly #streamsMax: number;
  /** `tune.h2.fe.max-total-streams`, 0: any number. */
  readonly #totalMax: number;
  readonly #windowBytes: number;
  readonly #serverWindowBytes: number;

  constructor(ctx: WorkerContext, http2: Http2) {
    this.#ctx = ctx;
    this.#http2 = http2;
    this.#requestText = new RequestText(ctx.bytes, http2.fields);
    this.#responseText = new ResponseText(ctx.bytes, http2.fields);
    const { h2 } = ctx.plan.global;
    this.#streamsMax = h2.streamsMax;
    this.#totalMax = h2.totalStreamsMax;
    this.#windowBytes = h2.windowBytes;
    this.#serverWindowBytes = h2.serverWindowBytes;
  }

  onHeaders(connection: Http2Connection, id: number, flags: number): void {
    const row = connection.rows.get(id) ?? -1;
    if (connection.isToServer) {
      if (row >= 0) this.#response(connection, row, flags);
      else if (id > connection.lastId) this.#http2.carriers.fail(connection, H2_ERROR.protocol);
    } else if (row >= 0) this.#trailers(connection, row, flags);
    else if ((id & 1) === 0) this.#http2.carriers.fail(connection, H2_ERROR.protocol);
    else if (id > connection.lastId) this.#request(connection, id, flags);
    else if (!connection.wasReset(id)) this.#http2.carriers.fail(connection, H2_ERROR.streamClosed);
    else if (!connection.idleFrames.spend(this.#ctx.clock.nowMs))
      this.#http2.carriers.fail(connection, H2_ERROR.enhanceYourCalm);
  }

  #request(connection: Http2Connection, id: number, flags: number): void {
    const { pool, wheel } = this.#ctx;
    if (connection.goingAway === 2) return;
    connection.lastId = id;
    if (connection.rows.size >= this.#streamsMax) {
      this.resetStream(connection, id, H2_ERROR.refusedStream);
      return;
    }
    const buffer = pool.take();
    if (buffer < 0) {
      this.resetStream(connection, id, H2_ERROR.refusedStream);
      return;
    }
    const start = pool.start[buffer]!;
    const text = this.#requestText;
    const isEnd = (flags & FLAG.endStream) !== 0;
    const result = text.write(start, start + pool.size);
    // RFC 9113 8.1.1: a length that no body follows would leave the server waiting for one.
    if (result === TEXT.malformed || (isEnd && text.length > 0)) {
      pool.free(buffer);
      this.resetStream(connection, id, H2_ERROR.protocol);
      return;
    }
    const row = this.#openRow(connection, id, KIND.client);
    if (row < 0) {
      pool.free(buffer);
      this.resetStream(connection, id, H2_ERROR.refusedStream);
      return;
    }
    pool.end[buffer] = text.at;
    wheel.clear(connection.slot);
    this.#frameRequest(row, isEnd, result === TEXT.tooLarge);
    this.#ctx.transport.received.append(row, buffer);
    // Counted when the row was opened: this one is still served.
    if (this.#totalMax > 0 && this.#ctx.connections.streams[connection.slot]! >= this.#totalMax)
      this.#http2.carriers.shutDown(connection);
    this.#ctx.front.began(row);
  }

  /** How the request's body will come, and what is to be remembered of its head. */
  #frameRequest(row: number, isEnd: boolean, isTooLarge: boolean): void {
    const text = this.#requestText;
    const { flags, inFraming } = this.#http2.rows;
    if (text.isHead) flags[row]! |= STREAM_ROW.isHead;
    if (isTooLarge) flags[row]! |= STREAM_ROW.tooLarge;
    if (!text.hasScheme) flags[row]! |= STREAM_ROW.isBad;
    const isTunnel = text.isConnect || text.isUpgrade;
    if (isTunnel) flags[row]! |= STREAM_ROW.isTunnel;
    this.#frameBody(row, isEnd, isTunnel, text.length);
    if (inFraming[row] === FRAMING.chunked) flags[row]! |= STREAM_ROW.impliedChunks;
  }

  /** @param length Content-Length, -1: it did not say */
  #frameBody(row: number, isEnd: boolean, isRaw: boolean, length: number): void {
    const { flags, inFraming, inLeft } = this.#http2.rows;
    if (isEnd) {
      flags[row]! |= STREAM_ROW.inEnded;
      inFraming[row] = FRAMING.done;
      return;
    }
    inLeft[row] = Math.max(0, length);
    if (isRaw) inFraming[row] = FRAMING.raw;
    else inFraming[row] = length >= 0 ? FRAMING.length : FRAMING.chunked;
    this.#openWindow(row);
  }

  /** A row for the stream on a connection to its server, -1: there is none. What is queued on it becomes a request. */
  openStream(connection: Http2Connection, stream: Stream): number {
    const id = connection.nextId;
    const row = this.#openRow(connection, id, KIND.server);
    if (row < 0) return -1;
    connection.nextId = id + 2;
    connection.lastId = id;
    this.#ctx.connections.stream[row] = stream.slot;
    return row;
  }

  /** A row for a stream, -1: there is none. */
  #openRow(connection: Http2Connection, id: number, kind: number): number {
    const { clock, connections, transport } = this.#ctx;
    const { slot } = connection;
    const row = transport.openMultiplexed(kind, slot, connections.owner[slot]!, clock.nowMs);
    if (row < 0) return -1;
    connections.flags[row]! |= connections.flags[slot]! & INHERITED;
    if (connection.hadStreams) connections.flags[row]! |= CONNECTION.notFirst;
    for (let i = 0; i < 16; i++) connections.address[row * 16 + i] = connections.address[slot * 16 + i]!;
    connections.port[row] = connections.port[slot]!;
    connections.lastServer[row] = connections.lastServer[slot]!;
    connections.peer[row] = -1;
    connections.streams[slot]!++;
    connection.hadStreams = true;
    const windowBytes = connection.isToServer ? this.#serverWindowBytes : this.#windowBytes;
    this.#http2.rows.begin(row, id, connection.peerInitialWindow, windowBytes);
    connection.rows.set(id, row);
    return row;
  }

  /** A body is to come: the peer need not wait for the first bytes of it to be taken. */
  #openWindow(row: number): void {
    const { receiveWindow, id, inFraming, inLeft } = this.#http2.rows;
    const more = STREAM_WINDOW_BYTES - receiveWindow[row]!;
    const isSmall = inFraming[row] === FRAMING.length && inLeft[row]! <= receiveWindow[row]!;
    if (more <= 0 || isSmall) return;
    receiveWindow[row]! += more;
    this.#http2.output.windowUpdate(this.#http2.carriers.of(row), id[row]!, more);
  }

  /** What the parser of HTTP/1 cannot know of a request that it read. @param result what it found @returns the same, or the negative status of a refusal */
  adopt(row: number, request: Message, result: number): number {
    const flags = this.#http2.rows.flags[row]!;
    request.flags |= MESSAGE.http2;
    if ((flags & STREAM_ROW.tooLarge) !== 0) return -431;
    if ((flags & STREAM_ROW.isBad) !== 0 || result === 0) return -400;
    if ((flags & STREAM_ROW.impliedChunks) !== 0) request.flags |= MESSAGE.chunked | MESSAGE.impliedChunks;
    return result;
  }

  /** As HAProxy: servers are asked for https unless the client is known to have asked for http. */
  schemeIsHttp(row: number): boolean {
    const { bytes, connections, streams } = this.#ctx;
    const index = connections.stream[row]!;
    if (index < 0) return false;
    const { flags, targetStart } = streams.all[index]!.request;
    return (flags & MESSAGE.absoluteForm) !== 0 && bytes[targetStart + 4] === COLON;
  }

  /** The body goes to its end without trailers that HTTP/1 could not carry. */
  #trailers(connection: Http2Connection, row: number, flags: number): void {
    const id = this.#http2.rows.id[row]!;
    if ((this.#http2.rows.flags[row]! & STREAM_ROW.inEnded) !== 0)
      this.resetStream(connection, id, H2_ERROR.streamClosed);
    else if ((flags & FLAG.endStream) === 0) this.resetStream(connection, id, H2_ERROR.protocol);
    else if (this.#http2.rows.inFraming[row] !== FRAMING.chunked) this.onEnd(connection, row);
    else {
      const buffer = this.#http2.streamInput.openTrailers();
      const { pool } = this.#ctx;
      const result = buffer < 0 ? TEXT.tooLarge : this.#writeTrailers(buffer);
      if (result !== TEXT.done) {
        if (buffer >= 0) pool.free(buffer);
        this.resetStream(connection, id, result === TEXT.malformed ? H2_ERROR.protocol : H2_ERROR.internal);
        return;
      }
      this.#ctx.transport.received.append(row, buffer);
      this.#http2.rows.flags[row]! |= STREAM_ROW.inEnded;
      this.#http2.rows.inFraming[row] = FRAMING.done;
      this.onData(row);
    }
  }

  #writeTrailers(buffer: number): number {
    const { pool } = this.#ctx;
    const text = this.#responseText;
    const result = text.trailers(pool.end[buffer]!, pool.offsetOf(buffer) + pool.size);
    if (result === TEXT.done) pool.end[buffer] = text.at;
    return result;
  }

  /** A server's answer, its interim ones, or the trailers behind it. */
  #response(connection: Http2Connection, row: number, flags: number): void {
    const rows = this.#http2.rows;
    if ((rows.flags[row]! & STREAM_ROW.inEnded) !== 0) {
      this.resetStream(connection, rows.id[row]!, H2_ERROR.streamClosed);
      return;
    }
    if (rows.inFraming[row] !== FRAMING.head) {
      this.#trailers(connection, row, flags);
      return;
    }
    const { pool, transport } = this.#ctx;
    const isEnd = (flags & FLAG.endStream) !== 0;
    const buffer = pool.take();
    const start = buffer < 0 ? 0 : pool.start[buffer]!;
    const isTunnel = (rows.flags[row]! & STREAM_ROW.isTunnel) !== 0;
    const text = this.#responseText;
    const isHead = (rows.flags[row]! & STREAM_ROW.isHead) !== 0;
    const upgrade = isTunnel ? this.#http2.servers.upgradeOf(row) : null;
    const result = buffer < 0 ? TEXT.tooLarge : text.response(start, start + pool.size, isEnd, isHead, upgrade);
    if (result !== TEXT.done || (isEnd && text.status < 200)) {
      if (buffer >= 0) pool.free(buffer);
      this.resetStream(connection, rows.id[row]!, result === TEXT.malformed ? H2_ERROR.protocol : H2_ERROR.internal);
      return;
    }
    pool.end[buffer] = text.at;
    if (text.status >= 200) {
      rows.flags[row]! |= STREAM_ROW.answered;
      this.#frameBody(row, isEnd, isTunnel && text.status < 300, text.length);
    }
    transport.received.append(row, buffer);
    this.onData(row);
  }

  takeData(connection: Http2Connection, row: number, start: number, end: number): boolean {
    const error = this.#http2.streamInput.take(row, start, end);
    if (error === H2_ERROR.none) return true;
    this.resetStream(connection, this.#http2.rows.id[row]!, error);
    return false;
  }

  onData(row: number): void {
    const { connections, transport } = this.#ctx;
    if ((connections.flags[row]! & CLOSING) === 0) transport.userOf(row).onReceived(row);
  }

  onEnd(connection: Http2Connection, row: number): void {
    const { connections, transport } = this.#ctx;
    const rows = this.#http2.rows;
    if ((rows.flags[row]! & STREAM_ROW.inEnded) !== 0) return;
    const error = this.#http2.streamInput.end(row);
    if (error !== H2_ERROR.none) {
      this.resetStream(connection, rows.id[row]!, error);
      return;
    }
    const wasRaw = rows.inFraming[row] === FRAMING.raw;
    rows.flags[row]! |= STREAM_ROW.inEnded;
    rows.inFraming[row] = FRAMING.done;
    if (wasRaw) {
      connections.flags[row]! |= READ_CLOSED;
      transport.userOf(row).onReceiveEnd(row);
    } else this.onData(row);
  }

  onReset(_connection: Http2Connection, row: number, error: number): void {
    const { flags } = this.#http2.rows;
    const { isToServer } = this.#http2.carriers.of(row);
    // RFC 9113 8.1: a server that has answered needs no more of the request.
    if (isToServer && error === H2_ERROR.none && (flags[row]! & STREAM_ROW.inEnded) !== 0) {
      flags[row]! |= STREAM_ROW.dead;
      this.#ctx.transport.queued.freeAll(row);
      return;
    }
    if (isToServer && error === H2_ERROR.refusedStream) this.#http2.servers.refused(row);
    this.#http2.streams.failRow(row, ECONNRESET);
  }

  onWindow(connection: Http2Connection, row: number): void {
    if (row >= 0) {
      if (this.#ctx.connections.sendHead[row]! >= 0) this.#http2.streams.flush(row);
      return;
    }
    for (const each of [...connection.rows.values()])
      if (this.#ctx.connections.sendHead[each]! >= 0 && (this.#http2.rows.flags[each]! & STREAM_ROW.waits) === 0)
        this.#http2.streams.flush(each);
    this.#http2.carriers.serveWaiting(connection);
  }

  resetStream(connection: Http2Connection, id: number, error: number): void {
    const row = connection.rows.get(id) ?? -1;
    this.#http2.carriers.countGlitch(connection);
    this.#http2.output.reset(connection, id, error);
    // Streams that we refuse or reset cost the client nothing: they count as those that it takes back (MadeYouReset).
    if (!connection.isToServer && !connection.resets.spend(this.#ctx.clock.nowMs))
      this.#http2.carriers.fail(connection, H2_ERROR.enhanceYourCalm);
    if (row >= 0 && (this.#ctx.connections.flags[row]! & CLOSING) === 0) this.#http2.streams.breakRow(row, error);
  }

  // What is about the connection is its owner's.

  fail(connection: Http2Connection, error: number): void {
    this.#http2.carriers.fail(connection, error);
  }

  onGoaway(connection: Http2Connection, lastId: number): void {
    this.#http2.carriers.onGoaway(connection, lastId);
  }

  onPingAck(connection: Http2Connection): void {
    this.#http2.carriers.onPingAck(connection);
  }
}
