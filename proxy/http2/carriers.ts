// Connections that carry streams of HTTP/2: their beginning and end, idle times, GOAWAY, and the window that all streams of one share. To the
// transport they are owners of rows with sockets; their streams are arrivals.ts and stream-transport.ts, connections to servers are shared by servers.ts.

import { CONNECTION, KIND } from "../connection/table.ts";
import type { ConnectionUser } from "../connection/transport.ts";
import type { Http2Plan } from "../plan/http2.ts";
import type { WorkerContext } from "../worker/context.ts";
import { Http2Connection } from "./connection.ts";
import type { Http2 } from "./http2.ts";
import { settingsForClients, settingsForServers } from "./output.ts";
import { H2_ERROR, PREFACE } from "./protocol.ts";

const CLOSING = CONNECTION.closing;
const CLOSE_QUEUED = CONNECTION.closeQueued;
const ECONNRESET = 104;
/** Bytes of all streams of a connection that may wait in their rows before the connection's window is no longer refilled. */
const WAITING_BYTES_MAX = 1 << 20;
/** The connection's window is refilled when less than this is left of it. */
const WINDOW_LOW_BYTES = 32_768;
/** A name and a value that fill a header block. */
const FIELD_BYTES_MAX = 32_768;
const STREAM_ID_MAX = 0x7fffffff;

export class Carriers implements ConnectionUser {
  readonly #ctx: WorkerContext;
  readonly #http2: Http2;
  readonly #scratch = new Uint8Array(FIELD_BYTES_MAX);
  /** By slot of their row. */
  readonly #connections: (Http2Connection | undefined)[] = [];
  readonly #spare: Http2Connection[] = [];
  readonly #plan: Http2Plan;
  /** The worker drains: no new streams, and connections go when they have none. */
  #isDraining = false;

  constructor(ctx: WorkerContext, http2: Http2) {
    this.#ctx = ctx;
    this.#http2 = http2;
    this.#plan = ctx.plan.global.h2;
  }

  /** A client's connection speaks HTTP/2 from here on; what it has said already is in its receive queue. */
  accepted(slot: number): void {
    const { connections, pool, transport } = this.#ctx;
    connections.kind[slot] = KIND.http2Client;
    const connection = this.#make(slot, false);
    this.#http2.output.settings(connection, settingsForClients(this.#plan, pool.size));
    this.idle(connection);
    transport.receive(slot);
    if (connections.receiveHead[slot]! >= 0) this.onReceived(slot);
  }

  /** A connection to a server stands, and HTTP/2 is spoken on it. */
  connected(slot: number): Http2Connection {
    const { connections, pool, transport } = this.#ctx;
    connections.kind[slot] = KIND.http2Server;
    const connection = this.#make(slot, true);
    this.#http2.output.preface(connection);
    this.#http2.output.settings(connection, settingsForServers(this.#plan, pool.size));
    transport.receive(slot);
    return connection;
  }

  #make(slot: number, isToServer: boolean): Http2Connection {
    const connection = this.#spare.pop() ?? new Http2Connection(this.#scratch);
    connection.begin(slot, isToServer, this.#ctx.clock.nowMs);
    this.#connections[slot] = connection;
    return connection;
  }

  /** The connection that carries the row. */
  of(row: number): Http2Connection {
    return this.#connections[this.#ctx.connections.carrier[row]!]!;
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
    this.#http2.input.read(connection);
    if ((connections.flags[slot]! & CLOSING) !== 0) return;
    if (connection.isBroken) transport.received.freeAll(slot);
    else {
      this.creditConnection(connection);
      // Who does not read our answers gets to ask no more questions.
      if (!this.#http2.streamOutput.hasRoom(connection)) transport.pause(slot);
    }
  }

  /** What all streams may send together is given back, unless too much of it waits for slow servers. */
  creditConnection(connection: Http2Connection): void {
    if (connection.receiveWindow > WINDOW_LOW_BYTES) return;
    let waiting = 0;
    const { receiveHead } = this.#ctx.connections;
    for (const row of connection.rows.values()) if (receiveHead[row]! >= 0) waiting += this.#http2.rows.owed[row]!;
    if (waiting > WAITING_BYTES_MAX || this.#ctx.pool.isScarce) return;
    const credit = WAITING_BYTES_MAX - connection.receiveWindow;
    connection.receiveWindow += credit;
    this.#http2.output.windowUpdate(connection, 0, credit);
  }

  onSent(slot: number): void {
    const { connections, transport } = this.#ctx;
    const connection = this.#connections[slot]!;
    if ((connections.flags[slot]! & CLOSE_QUEUED) !== 0) {
      this.#ctx.timers.closing(slot);
      return;
    }
    this.serveWaiting(connection);
    if (this.#http2.streamOutput.hasRoom(connection) && (connections.flags[slot]! & CONNECTION.paused) !== 0) {
      transport.resume(slot);
      this.onReceived(slot);
    }
  }

  /** Rows that waited for room in the connection, one after the other. */
  serveWaiting(connection: Http2Connection): void {
    while (connection.waitHead >= 0 && connection.sendWindow > 0 && this.#http2.streamOutput.hasRoom(connection))
      this.#http2.streams.flush(this.#http2.streamOutput.takeWaiting(connection));
  }

  /** Without the peer's WINDOW_UPDATE and SETTINGS nothing goes on: its end is the end of all streams. */
  onReceiveEnd(slot: number): void {
    this.#lose(this.#connections[slot]!, 0);
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
    const { connections } = this.#ctx;
    for (const row of [...connection.rows.values()])
      if ((connections.flags[row]! & CLOSING) === 0) this.#http2.streams.failRow(row, errno);
  }

  /** Faults of a client's protocol, as `fc_glitches` and stick-tables count them. */
  countGlitch(connection: Http2Connection): void {
    const { connections, tracking } = this.#ctx;
    connections.glitches[connection.slot]!++;
    if (!connection.isToServer && tracking.count > 0) tracking.glitch(connection.slot);
  }

  fail(connection: Http2Connection, error: number): void {
    if (connection.isBroken) return;
    this.countGlitch(connection);
    connection.isBroken = true;
    if (connection.isToServer) this.#http2.servers.forget(connection);
    this.#http2.output.goaway(connection, connection.isToServer ? 0 : connection.lastId, error);
    this.#http2.output.push(connection);
    this.#failRows(connection, ECONNRESET);
    this.finish(connection);
  }

  /** Nothing more is to come in either direction: the connection is closed when it has sent what is queued. */
  finish(connection: Http2Connection): void {
    const { connections, timers, transport } = this.#ctx;
    const { slot } = connection;
    this.#http2.output.push(connection);
    if ((connections.flags[slot]! & (CLOSING | CLOSE_QUEUED)) !== 0) return;
    transport.closeAfterOutput(slot);
    if ((connections.flags[slot]! & CLOSING) === 0) timers.closing(slot);
  }

  /** A connection without streams may wait for so long. */
  idle(connection: Http2Connection): void {
    const { connections, clock, plan, timeouts, wheel } = this.#ctx;
    const { slot } = connection;
    if (connection.isToServer) {
      this.#http2.servers.idle(connection);
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
    if (connection.isToServer) this.#http2.servers.forget(connection);
    this.#http2.output.goaway(connection, connection.isToServer ? 0 : connection.lastId, H2_ERROR.none);
    if (connection.rows.size === 0) this.finish(connection);
  }

  /**
   * The worker drains. Clients are told in two steps (RFC 9113 6.8), so that requests that are under way already are served: the last one is named
   * when they have answered a PING that was sent behind the first GOAWAY.
   */
  drain(): void {
    this.#isDraining = true;
    this.#http2.servers.closeIdle();
    for (const connection of this.#connections) {
      if (connection === undefined || connection.slot < 0 || connection.isToServer || connection.isBroken) continue;
      if (connection.goingAway === 0) this.#announceEnd(connection);
    }
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  #announceEnd(connection: Http2Connection): void {
    connection.goingAway = 1;
    this.#http2.output.goaway(connection, STREAM_ID_MAX, H2_ERROR.none);
    this.#http2.output.ping(connection, 0, -1);
  }

  onPingAck(connection: Http2Connection): void {
    if (connection.goingAway === 1) this.shutDown(connection);
  }

  onGoaway(connection: Http2Connection, lastId: number): void {
    if (!connection.isToServer) return;
    this.#http2.servers.goingAway(connection);
    // Streams behind the last one were not looked at (RFC 9113 6.8): they may go elsewhere.
    for (const [id, row] of [...connection.rows])
      if (id > lastId) this.#http2.arrivals.onReset(connection, row, H2_ERROR.refusedStream);
    if (connection.rows.size === 0) this.finish(connection);
  }

  /** The connection's row is freed. */
  released(slot: number): void {
    const connection = this.#connections[slot]!;
    connection.isBroken = true;
    if (connection.isToServer) this.#http2.servers.forget(connection);
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
}
