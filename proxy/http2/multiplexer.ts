// HTTP/2 between a connection and the rest of the worker, which speaks HTTP/1: every stream is a row of Connections without a socket, and whoever
// owns a client's or a server's row (http1/front.ts, http1/back.ts, tcp/relay.ts) owns such a row in the same way.
//
//   socket ─▶ connection's row ─▶ input.ts ─▶ request-text.ts, response-text.ts ─▶ receive queues of streams' rows ─▶ their owners
//   socket ◀─ connection's row ◀─ output.ts ◀─ stream-output.ts, head-block.ts ◀─ send queues of streams' rows ◀──────────┘
//
// What is written during a turn goes out with its end (`tick`), and rows that were closed are freed there, so that nobody meets a stranger in a row
// that he just closed.

import { CONNECTION, KIND } from "../connection/table.ts";
import type { ConnectionUser, RowMultiplexer } from "../connection/transport.ts";
import { MESSAGE, type Message } from "../http1/message.ts";
import type { Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import { Http2Connection } from "./connection.ts";
import { FieldList } from "./hpack/decoder.ts";
import { Http2Input, type StreamOwner } from "./input.ts";
import { Http2Output, ourSettings } from "./output.ts";
import { DEFAULT_WINDOW_BYTES, FLAG, H2_ERROR, PREFACE } from "./protocol.ts";
import { RequestText, TEXT } from "./request-text.ts";
import { ResponseText } from "./response-text.ts";
import { FRAMING, STREAM_ROW, StreamRows } from "./rows.ts";
import { StreamInput } from "./stream-input.ts";
import { StreamOutput } from "./stream-output.ts";

const CLOSING = CONNECTION.closing;
const CLOSE_QUEUED = CONNECTION.closeQueued;
const READ_CLOSED = CONNECTION.readClosed;
/** What a stream's row has from its connection's. */
const INHERITED = CONNECTION.ipv6 | CONNECTION.unix | CONNECTION.proxied;
const ECONNRESET = 104;
/** What a stream's peer may send before we have looked at it, once a body is known to come; before that it is the initial window. */
const STREAM_WINDOW_BYTES = 262_144;
/** A stream's window is refilled by so much at a time, at the least. */
const WINDOW_CREDIT_BYTES = STREAM_WINDOW_BYTES / 4;
/** Bytes of all streams of a connection that may wait in their rows before the connection's window is no longer refilled. */
const WAITING_BYTES_MAX = 1 << 20;
/** The connection's window is refilled when less than this is left of it. */
const WINDOW_LOW_BYTES = 32_768;
/** A name and a value that fill a header block. */
const FIELD_BYTES_MAX = 32_768;
/** Rounds of a tick in which rows may move more, before others have their turn. */
const ROUNDS_MAX = 8;
const COLON = 58;
const STREAM_ID_MAX = 0x7fffffff;

export class Multiplexer implements ConnectionUser, StreamOwner, RowMultiplexer {
  readonly #ctx: WorkerContext;
  readonly #rows: StreamRows;
  readonly #fields: FieldList;
  readonly #input: Http2Input;
  readonly #output: Http2Output;
  readonly #streamOutput: StreamOutput;
  readonly #streamInput: StreamInput;
  readonly #requestText: RequestText;
  readonly #responseText: ResponseText;
  readonly #scratch = new Uint8Array(FIELD_BYTES_MAX);
  /** By slot of their row. */
  readonly #connections: (Http2Connection | undefined)[] = [];
  readonly #spare: Http2Connection[] = [];
  readonly #progressed: number[] = [];
  readonly #closed: number[] = [];
  readonly #streamsMax: number;
  readonly #windowBytes: number;
  readonly #serverWindowBytes: number;
  /** The worker drains: no new streams, and connections go when they have none. */
  #isDraining = false;

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
    const { bytes, pool, connections, transport, clock, plan } = ctx;
    this.#rows = new StreamRows(connections.capacity);
    this.#fields = new FieldList(plan.global.maxHeaders * 4, pool.size);
    this.#output = new Http2Output(bytes, pool, connections, transport);
    this.#streamOutput = new StreamOutput(bytes, pool, connections, transport, this.#rows, this.#output);
    this.#streamOutput.schemeIsHttp = (row) => this.#schemeIsHttp(row);
    this.#streamOutput.onBroken = (row) => this.#breakRow(row, H2_ERROR.internal);
    this.#streamInput = new StreamInput(bytes, pool, connections, transport, this.#rows);
    const parts = { bytes, pool, connections, received: transport.received, clock, rows: this.#rows };
    this.#input = new Http2Input({ ...parts, output: this.#output, fields: this.#fields }, this);
    this.#requestText = new RequestText(bytes, this.#fields);
    this.#responseText = new ResponseText(bytes, this.#fields);
    this.#streamsMax = plan.global.h2.streamsMax;
    this.#windowBytes = plan.global.h2.windowBytes;
    this.#serverWindowBytes = plan.global.h2.serverWindowBytes;
  }

  /** The connection that carries the row. */
  #of(row: number): Http2Connection {
    return this.#connections[this.#ctx.connections.carrier[row]!]!;
  }

  #make(slot: number, isToServer: boolean): Http2Connection {
    const connection = this.#spare.pop() ?? new Http2Connection(this.#scratch);
    connection.begin(slot, isToServer, DEFAULT_WINDOW_BYTES, this.#ctx.clock.nowMs);
    this.#connections[slot] = connection;
    return connection;
  }

  // Connections.

  /** A client's connection speaks HTTP/2 from here on; what it has said already is in its receive queue. */
  accepted(slot: number): void {
    const { connections, pool, transport } = this.#ctx;
    connections.kind[slot] = KIND.http2Client;
    const connection = this.#make(slot, false);
    this.#output.settings(connection, ourSettings(false, this.#windowBytes, this.#streamsMax, pool.size));
    this.#idle(connection);
    transport.receive(slot);
    if (connections.receiveHead[slot]! >= 0) this.onReceived(slot);
  }

  /** A connection to a server stands, and HTTP/2 is spoken on it. */
  connected(slot: number): Http2Connection {
    const { connections, pool, transport } = this.#ctx;
    connections.kind[slot] = KIND.http2Server;
    const connection = this.#make(slot, true);
    this.#output.preface(connection);
    this.#output.settings(connection, ourSettings(true, this.#serverWindowBytes, 0, pool.size));
    transport.receive(slot);
    return connection;
  }

  /** What a client of an HTTP/1 frontend said first is the preface, as far as it has come (RFC 9113 3.3). */
  isPreface(start: number, end: number): boolean {
    const { bytes } = this.#ctx;
    const length = Math.min(end - start, PREFACE.length);
    for (let i = 0; i < length; i++) if (bytes[start + i] !== PREFACE[i]) return false;
    return length > 3;
  }

  onReceived(slot: number): void {
    const { connections, transport } = this.#ctx;
    const connection = this.#connections[slot]!;
    this.#input.read(connection);
    if ((connections.flags[slot]! & CLOSING) !== 0) return;
    if (connection.isBroken) transport.received.freeAll(slot);
    else {
      this.#creditConnection(connection);
      // Who does not read our answers gets to ask no more questions.
      if (!this.#streamOutput.hasRoom(connection)) transport.pause(slot);
    }
  }

  /** What all streams may send together is given back, unless too much of it waits for slow servers. */
  #creditConnection(connection: Http2Connection): void {
    if (connection.receiveWindow > WINDOW_LOW_BYTES) return;
    let waiting = 0;
    for (const row of connection.rows.values()) waiting += this.#rows.owed[row]!;
    if (waiting > WAITING_BYTES_MAX || this.#ctx.pool.isScarce) return;
    const credit = WAITING_BYTES_MAX - connection.receiveWindow;
    connection.receiveWindow += credit;
    connection.owed = 0;
    this.#output.windowUpdate(connection, 0, credit);
  }

  onSent(slot: number): void {
    const { connections, transport } = this.#ctx;
    const connection = this.#connections[slot]!;
    if ((connections.flags[slot]! & CLOSE_QUEUED) !== 0) {
      this.#ctx.timers.closing(slot);
      return;
    }
    this.#serveWaiting(connection);
    if (this.#streamOutput.hasRoom(connection) && (connections.flags[slot]! & CONNECTION.paused) !== 0) {
      transport.resume(slot);
      this.onReceived(slot);
    }
  }

  /** Rows that waited for room in the connection, one after the other. */
  #serveWaiting(connection: Http2Connection): void {
    while (connection.waitHead >= 0 && connection.sendWindow > 0 && this.#streamOutput.hasRoom(connection))
      this.flush(this.#streamOutput.takeWaiting(connection));
  }

  /** The client sends no more: requests that are complete get their answers. */
  onReceiveEnd(slot: number): void {
    const { connections, transport } = this.#ctx;
    const connection = this.#connections[slot]!;
    connection.goingAway = 2;
    if (connection.isToServer) {
      this.#lose(connection, 0);
      return;
    }
    for (const row of [...connection.rows.values()]) {
      if ((connections.flags[row]! & (CLOSING | READ_CLOSED)) !== 0) continue;
      if ((this.#rows.flags[row]! & STREAM_ROW.inEnded) !== 0 && this.#rows.inFraming[row] !== FRAMING.raw) continue;
      connections.flags[row]! |= READ_CLOSED;
      transport.userOf(row).onReceiveEnd(row);
    }
    if (connection.rows.size === 0) this.#finish(connection);
  }

  onFailed(slot: number, errno: number): void {
    this.#lose(this.#connections[slot]!, errno);
  }

  /** Clients are accepted, servers are connected before they come here. */
  onConnected(): void {}

  /** The connection is gone, and with it what its streams were about. */
  #lose(connection: Http2Connection, errno: number): void {
    const { connections, transport } = this.#ctx;
    connection.isBroken = true;
    this.#failRows(connection, errno === 0 ? ECONNRESET : errno);
    if ((connections.flags[connection.slot]! & CLOSING) === 0) transport.close(connection.slot);
  }

  #failRows(connection: Http2Connection, errno: number): void {
    const { connections, transport } = this.#ctx;
    for (const row of [...connection.rows.values()]) {
      if ((connections.flags[row]! & CLOSING) !== 0) continue;
      this.#rows.flags[row]! |= STREAM_ROW.dead;
      connections.flags[row]! |= CONNECTION.failed;
      transport.userOf(row).onFailed(row, errno);
      if ((connections.flags[row]! & CLOSING) === 0 && connections.stream[row]! < 0) this.close(row);
    }
  }

  /** Faults of a client's protocol, as `fc_glitches` and stick-tables count them. */
  #countGlitch(connection: Http2Connection): void {
    const { connections, tracking } = this.#ctx;
    connections.glitches[connection.slot]!++;
    if (!connection.isToServer && tracking.count > 0) tracking.glitch(connection.slot);
  }

  fail(connection: Http2Connection, error: number): void {
    if (connection.isBroken) return;
    this.#countGlitch(connection);
    connection.isBroken = true;
    if (connection.isToServer) this.#ctx.http2Servers.closed(connection);
    this.#output.goaway(connection, connection.isToServer ? 0 : connection.lastId, error);
    this.#output.push(connection);
    this.#failRows(connection, ECONNRESET);
    this.#finish(connection);
  }

  /** Nothing more is to come in either direction: the connection is closed when it has sent what is queued. */
  #finish(connection: Http2Connection): void {
    const { connections, timers, transport } = this.#ctx;
    const { slot } = connection;
    this.#output.push(connection);
    if ((connections.flags[slot]! & (CLOSING | CLOSE_QUEUED)) !== 0) return;
    transport.closeAfterOutput(slot);
    if ((connections.flags[slot]! & CLOSING) === 0) timers.closing(slot);
  }

  /** A connection without streams may wait for so long. */
  #idle(connection: Http2Connection): void {
    const { connections, clock, plan, timeouts, wheel } = this.#ctx;
    const { slot } = connection;
    if (connection.isToServer) {
      this.#ctx.http2Servers.idle(connection);
      return;
    }
    const { client, httpKeepAlive, httpRequest } = timeouts[plan.listeners[connections.owner[slot]!]!.proxy]!;
    const timeoutMs = (connection.hadStreams ? httpKeepAlive : 0) || httpRequest || client;
    if (timeoutMs > 0) wheel.set(slot, clock.nowMs + timeoutMs);
    else wheel.clear(slot);
  }

  onExpired(slot: number): void {
    const { connections, transport } = this.#ctx;
    const connection = this.#connections[slot]!;
    if ((connections.flags[slot]! & CLOSE_QUEUED) !== 0 || connection.isBroken) transport.close(slot);
    else this.shutDown(connection);
  }

  /** GOAWAY without an error; nobody is served any more. */
  shutDown(connection: Http2Connection): void {
    connection.goingAway = 2;
    if (connection.isToServer) this.#ctx.http2Servers.closed(connection);
    this.#output.goaway(connection, connection.isToServer ? 0 : connection.lastId, H2_ERROR.none);
    if (connection.rows.size === 0) this.#finish(connection);
  }

  /**
   * The worker drains. Clients are told in two steps (RFC 9113 6.8), so that requests that are under way already are served: the last one is named
   * when they have answered a PING that was sent behind the first GOAWAY.
   */
  drain(): void {
    this.#isDraining = true;
    this.#ctx.http2Servers.closeIdle();
    for (const connection of this.#connections) {
      if (connection === undefined || connection.slot < 0 || connection.isToServer || connection.isBroken) continue;
      if (connection.goingAway === 0) this.#announceEnd(connection);
    }
  }

  #announceEnd(connection: Http2Connection): void {
    connection.goingAway = 1;
    this.#output.goaway(connection, STREAM_ID_MAX, H2_ERROR.none);
    this.#output.ping(connection, 0, -1);
  }

  onPingAck(connection: Http2Connection): void {
    if (connection.goingAway === 1) this.shutDown(connection);
  }

  onGoaway(connection: Http2Connection, lastId: number): void {
    if (!connection.isToServer) return;
    this.#ctx.http2Servers.goingAway(connection);
    // Streams behind the last one were not looked at (RFC 9113 6.8): they may go elsewhere.
    for (const [id, row] of [...connection.rows])
      if (id > lastId) this.onReset(connection, row, H2_ERROR.refusedStream);
    if (connection.rows.size === 0) this.#finish(connection);
  }

  /** The connection's row is freed. */
  released(slot: number): void {
    const connection = this.#connections[slot]!;
    connection.isBroken = true;
    if (connection.isToServer) this.#ctx.http2Servers.closed(connection);
    this.#failRows(connection, ECONNRESET);
    const { pool } = this.#ctx;
    if (connection.out >= 0) pool.free(connection.out);
    if (connection.blockBuffer >= 0) pool.free(connection.blockBuffer);
    connection.out = connection.blockBuffer = -1;
    connection.slot = -1;
    this.#connections[slot] = undefined;
    // One that is in the list of the dirty is found there once more.
    if (!connection.isDirty) this.#spare.push(connection);
  }

  // Streams: what the peer says of them.

  onHeaders(connection: Http2Connection, id: number, flags: number): void {
    const row = connection.rows.get(id) ?? -1;
    if (connection.isToServer) {
      if (row >= 0) this.#response(connection, row, flags);
      else if (id > connection.lastId) this.fail(connection, H2_ERROR.protocol);
    } else if (row >= 0) this.#trailers(connection, row, flags);
    else if ((id & 1) === 0) this.fail(connection, H2_ERROR.protocol);
    else if (id > connection.lastId) this.#request(connection, id, flags);
    else if (!connection.wasReset(id)) this.fail(connection, H2_ERROR.streamClosed);
    else if (!connection.idleFrames.spend(this.#ctx.clock.nowMs)) this.fail(connection, H2_ERROR.enhanceYourCalm);
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
    const result = text.write(start, start + pool.size);
    if (result === TEXT.malformed) {
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
    this.#frameRequest(row, (flags & FLAG.endStream) !== 0, result === TEXT.tooLarge);
    this.#ctx.transport.received.append(row, buffer);
    this.#ctx.front.began(row);
  }

  /** How the request's body will come, and what is to be remembered of its head. */
  #frameRequest(row: number, isEnd: boolean, isTooLarge: boolean): void {
    const text = this.#requestText;
    const { flags, inFraming, inLeft } = this.#rows;
    if (text.isHead) flags[row]! |= STREAM_ROW.isHead;
    if (isTooLarge) flags[row]! |= STREAM_ROW.tooLarge;
    if (!text.hasScheme) flags[row]! |= STREAM_ROW.isBad;
    if (text.isConnect || text.isUpgrade) flags[row]! |= STREAM_ROW.isTunnel;
    if (text.length >= 0) inLeft[row] = text.length;
    if (text.isConnect || text.isUpgrade) inFraming[row] = FRAMING.raw;
    else inFraming[row] = text.length >= 0 ? FRAMING.length : FRAMING.chunked;
    if (!isEnd) {
      if (inFraming[row] === FRAMING.chunked) flags[row]! |= STREAM_ROW.impliedChunks;
      this.#openWindow(row);
      return;
    }
    flags[row]! |= STREAM_ROW.inEnded;
    inFraming[row] = FRAMING.done;
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
    this.#rows.begin(row, id, connection.peerInitialWindow, windowBytes);
    connection.rows.set(id, row);
    return row;
  }

  /** A body is to come: the peer need not wait for the first bytes of it to be taken. */
  #openWindow(row: number): void {
    const { receiveWindow, id, inFraming, inLeft } = this.#rows;
    const more = STREAM_WINDOW_BYTES - receiveWindow[row]!;
    const isSmall = inFraming[row] === FRAMING.length && inLeft[row]! <= receiveWindow[row]!;
    if (more <= 0 || isSmall) return;
    receiveWindow[row]! += more;
    this.#output.windowUpdate(this.#of(row), id[row]!, more);
  }

  /** What the parser of HTTP/1 cannot know of a request that it read. @param result what it found @returns the same, or the negative status of a refusal */
  adopt(row: number, request: Message, result: number): number {
    const flags = this.#rows.flags[row]!;
    request.flags |= MESSAGE.http2;
    if ((flags & STREAM_ROW.tooLarge) !== 0) return -431;
    if ((flags & STREAM_ROW.isBad) !== 0 || result === 0) return -400;
    if ((flags & STREAM_ROW.impliedChunks) !== 0) request.flags |= MESSAGE.chunked | MESSAGE.impliedChunks;
    return result;
  }

  /** As HAProxy: servers are asked for https unless the client is known to have asked for http. */
  #schemeIsHttp(row: number): boolean {
    const { bytes, connections, streams } = this.#ctx;
    const index = connections.stream[row]!;
    if (index < 0) return false;
    const { flags, targetStart } = streams.all[index]!.request;
    return (flags & MESSAGE.absoluteForm) !== 0 && bytes[targetStart + 4] === COLON;
  }

  /** The body goes to its end without trailers that HTTP/1 could not carry. */
  #trailers(connection: Http2Connection, row: number, flags: number): void {
    const id = this.#rows.id[row]!;
    if ((this.#rows.flags[row]! & STREAM_ROW.inEnded) !== 0) this.resetStream(connection, id, H2_ERROR.streamClosed);
    else if ((flags & FLAG.endStream) === 0) this.resetStream(connection, id, H2_ERROR.protocol);
    else if (this.#rows.inFraming[row] !== FRAMING.chunked) this.onEnd(connection, row);
    else {
      const buffer = this.#streamInput.openTrailers(row);
      const { pool } = this.#ctx;
      const result = buffer < 0 ? TEXT.tooLarge : this.#writeTrailers(buffer);
      if (result !== TEXT.done) {
        if (buffer >= 0) pool.free(buffer);
        this.resetStream(connection, id, result === TEXT.malformed ? H2_ERROR.protocol : H2_ERROR.internal);
        return;
      }
      this.#ctx.transport.received.append(row, buffer);
      this.#rows.flags[row]! |= STREAM_ROW.inEnded;
      this.#rows.inFraming[row] = FRAMING.done;
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
    const rows = this.#rows;
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
    const upgrade = isTunnel ? this.#ctx.http2Servers.upgradeOf(row) : null;
    const result = buffer < 0 ? TEXT.tooLarge : text.response(start, start + pool.size, isEnd, isHead, upgrade);
    if (result !== TEXT.done || (isEnd && text.status < 200)) {
      if (buffer >= 0) pool.free(buffer);
      this.resetStream(connection, rows.id[row]!, result === TEXT.malformed ? H2_ERROR.protocol : H2_ERROR.internal);
      return;
    }
    pool.end[buffer] = text.at;
    if (text.status >= 200) this.#frameResponse(row, isEnd, isTunnel);
    transport.received.append(row, buffer);
    this.onData(row);
  }

  #frameResponse(row: number, isEnd: boolean, isTunnel: boolean): void {
    const { flags, inFraming, inLeft } = this.#rows;
    const text = this.#responseText;
    flags[row]! |= STREAM_ROW.answered;
    inLeft[row] = Math.max(0, text.length);
    if (isTunnel && text.status < 300) inFraming[row] = FRAMING.raw;
    else inFraming[row] = text.length >= 0 ? FRAMING.length : FRAMING.chunked;
    if (!isEnd) {
      this.#openWindow(row);
      return;
    }
    flags[row]! |= STREAM_ROW.inEnded;
    inFraming[row] = FRAMING.done;
  }

  takeData(connection: Http2Connection, row: number, start: number, end: number): boolean {
    const error = this.#streamInput.take(row, start, end);
    if (error === H2_ERROR.none) return true;
    this.resetStream(connection, this.#rows.id[row]!, error);
    return false;
  }

  onData(row: number): void {
    const { connections, transport } = this.#ctx;
    if ((connections.flags[row]! & CLOSING) === 0) transport.userOf(row).onReceived(row);
  }

  onEnd(connection: Http2Connection, row: number): void {
    const { connections, transport } = this.#ctx;
    const rows = this.#rows;
    if ((rows.flags[row]! & STREAM_ROW.inEnded) !== 0) return;
    const error = this.#streamInput.end(row);
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
    const { connections, transport } = this.#ctx;
    const rows = this.#rows;
    const isComplete = (rows.flags[row]! & STREAM_ROW.inEnded) !== 0;
    rows.flags[row]! |= STREAM_ROW.dead;
    transport.dropQueued(row);
    // RFC 9113 8.1: a server that has answered needs no more of the request.
    if (error === H2_ERROR.none && isComplete && this.#of(row).isToServer) return;
    if (this.#of(row).isToServer && error === H2_ERROR.refusedStream) this.#ctx.http2Servers.refused(row);
    connections.flags[row]! |= CONNECTION.failed;
    transport.userOf(row).onFailed(row, ECONNRESET);
    if ((connections.flags[row]! & CLOSING) === 0 && connections.stream[row]! < 0) this.close(row);
  }

  onWindow(connection: Http2Connection, row: number): void {
    if (row >= 0) {
      if (this.#ctx.connections.sendHead[row]! >= 0) this.flush(row);
      return;
    }
    for (const each of [...connection.rows.values()])
      if (this.#ctx.connections.sendHead[each]! >= 0 && (this.#rows.flags[each]! & STREAM_ROW.waits) === 0)
        this.flush(each);
    this.#serveWaiting(connection);
  }

  resetStream(connection: Http2Connection, id: number, error: number): void {
    const row = connection.rows.get(id) ?? -1;
    this.#countGlitch(connection);
    this.#output.reset(connection, id, error);
    // Streams that we refuse or reset cost the client nothing: they count as those that it takes back (MadeYouReset).
    if (!connection.isToServer && !connection.resets.spend(this.#ctx.clock.nowMs))
      this.fail(connection, H2_ERROR.enhanceYourCalm);
    if (row >= 0 && (this.#ctx.connections.flags[row]! & CLOSING) === 0) this.#breakRow(row, error);
  }

  /** The row cannot go on; the peer has been told, or is with its end. */
  #breakRow(row: number, error: number): void {
    const { connections, transport } = this.#ctx;
    const connection = this.#of(row);
    if ((this.#rows.flags[row]! & STREAM_ROW.dead) === 0 && !connection.wasReset(this.#rows.id[row]!))
      this.#output.reset(connection, this.#rows.id[row]!, error);
    this.#rows.flags[row]! |= STREAM_ROW.dead;
    connections.flags[row]! |= CONNECTION.failed;
    transport.dropQueued(row);
    transport.userOf(row).onFailed(row, ECONNRESET);
    if ((connections.flags[row]! & CLOSING) === 0 && connections.stream[row]! < 0) this.close(row);
  }

  // Streams: what their owners do (RowMultiplexer).

  flush(row: number): void {
    const { connections } = this.#ctx;
    if ((connections.flags[row]! & CLOSING) !== 0) return;
    if (!this.#streamOutput.flush(this.#of(row), row)) return;
    if ((this.#rows.flags[row]! & STREAM_ROW.progressed) !== 0) this.#noteProgress(row);
    if (connections.sendHead[row]! >= 0) return;
    if ((connections.flags[row]! & CLOSE_QUEUED) !== 0) this.close(row);
    else if ((connections.flags[row]! & CONNECTION.shutdownQueued) !== 0)
      connections.flags[row]! |= CONNECTION.writeClosed;
  }

  #noteProgress(row: number): void {
    this.#rows.flags[row]! &= ~STREAM_ROW.progressed;
    if (this.#ctx.connections.stream[row]! >= 0) this.#progressed.push(row);
  }

  resume(row: number): void {
    const { connections } = this.#ctx;
    const { owed, flags, receiveWindow } = this.#rows;
    // Now and then: each WINDOW_UPDATE costs both sides a frame.
    if (owed[row]! < WINDOW_CREDIT_BYTES || connections.receiveHead[row]! >= 0) return;
    const connection = this.#of(row);
    const bytes = owed[row]!;
    owed[row] = 0;
    if ((flags[row]! & (STREAM_ROW.inEnded | STREAM_ROW.dead)) === 0) {
      receiveWindow[row]! += bytes;
      this.#output.windowUpdate(connection, this.#rows.id[row]!, bytes);
    }
    this.#creditConnection(connection);
  }

  endOutput(row: number): void {
    this.#ctx.connections.flags[row]! |= CONNECTION.shutdownQueued;
    this.#rows.flags[row]! |= STREAM_ROW.outEnds;
    this.flush(row);
  }

  closeAfterOutput(row: number): void {
    this.#ctx.connections.flags[row]! |= CLOSE_QUEUED;
    this.#rows.flags[row]! |= STREAM_ROW.outEnds;
    this.flush(row);
  }

  /** What is queued goes out, and then the peer sees that it was not all. */
  cut(row: number): void {
    if (this.#rows.outFraming[row] === FRAMING.raw) {
      this.#rows.outFraming[row] = FRAMING.length;
      this.#rows.outLeft[row] = Number.MAX_SAFE_INTEGER;
    }
    this.closeAfterOutput(row);
  }

  close(row: number): void {
    const { connections, transport, wheel } = this.#ctx;
    if ((connections.flags[row]! & CLOSING) !== 0) return;
    connections.flags[row]! |= CLOSING;
    wheel.clear(row);
    transport.received.freeAll(row);
    transport.dropQueued(row);
    const connection = this.#of(row);
    this.#streamOutput.forget(connection, row);
    const id = this.#rows.id[row]!;
    const flags = this.#rows.flags[row]!;
    const isComplete = (flags & STREAM_ROW.inEnded) !== 0 && (flags & STREAM_ROW.outEnded) !== 0;
    if (!isComplete && (flags & STREAM_ROW.dead) === 0 && !connection.isBroken)
      this.#output.reset(
        connection,
        id,
        (flags & STREAM_ROW.outEnded) !== 0 && !connection.isToServer ? H2_ERROR.none : H2_ERROR.cancel,
      );
    connections.lastServer[connection.slot] = connections.lastServer[row]!;
    connection.rows.delete(id);
    this.#closed.push(row);
    if (connection.rows.size > 0 || connection.isBroken) return;
    if (connection.goingAway === 2) this.#finish(connection);
    else this.#idle(connection);
  }

  /** Once a turn. True: something is left to do, and nobody may sleep. */
  tick(): boolean {
    const { connections, transport } = this.#ctx;
    for (let round = 0; round < ROUNDS_MAX && this.#progressed.length > 0; round++) {
      const count = this.#progressed.length;
      for (let i = 0; i < count; i++) {
        const row = this.#progressed[i]!;
        if ((connections.flags[row]! & CLOSING) === 0 && connections.stream[row]! >= 0)
          transport.userOf(row).onSent(row);
      }
      this.#progressed.splice(0, count);
    }
    this.#output.flush();
    for (let row = this.#closed.pop(); row !== undefined; row = this.#closed.pop()) transport.releaseMultiplexed(row);
    return this.#progressed.length > 0;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }
}
