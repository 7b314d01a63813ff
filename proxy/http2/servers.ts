// Connections to servers that speak HTTP/2: which of them a request may share, and what becomes of one that nobody uses. The streams on them, and
// the frames, are elsewhere in this folder; who may take whose connection is HAProxy's `http-reuse`, as for idle-pool.ts:
//
//   never       only the client that the connection was made for
//   safe        the first request of a client gets a connection of its own, later ones share any
//   aggressive  as safe, but first requests share those that have served others before
//   always      everybody shares any

import { protocolOf } from "../../shared/ffi/openssl-inspect.ts";
import { latin1 } from "../../shared/latin1.ts";
import { CONNECTION } from "../connection/table.ts";
import { headerText } from "../http1/header-lookup.ts";
import { MESSAGE } from "../http1/message.ts";
import type { ConnectionNames } from "../server/connection-name.ts";
import { SERVER } from "../shared-state/layout.ts";
import { STREAM, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import type { Http2Connection } from "./connection.ts";
import { upgradeLines, WEBSOCKET_KEY } from "./websocket.ts";

const UPGRADE = latin1("upgrade");
/** Numbers of streams end there; before that a connection is replaced. */
const STREAM_ID_MAX = 0x3fffffff;
/** Idle connections to a server that one worker keeps. */
const IDLE_MAX = 4;
const CLOSED = CONNECTION.closing | CONNECTION.closeQueued | CONNECTION.failed | CONNECTION.readClosed;

export class Http2Servers {
  readonly #ctx: WorkerContext;
  /** Per server: its connections that take requests, those that were used last behind. */
  readonly #open: Http2Connection[][];
  /** Per server, 1: HTTP/2 without asking (`proto h2`). */
  readonly #isHttp2: Uint8Array;
  /** 1: HTTP/2 if TLS agrees on it. */
  readonly #asks: Uint8Array;
  /** 1: WebSockets go over HTTP/1 (`ws`). */
  readonly #webSocketsApart: Uint8Array;

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
    const { servers } = ctx.plan;
    this.#open = servers.map(() => []);
    this.#isHttp2 = Uint8Array.from(servers, ({ connection: { proto } }) => (proto === "h2" ? 1 : 0));
    this.#asks = Uint8Array.from(servers, ({ connection: { proto, tls } }) =>
      proto === null && tls !== null && tls.alpn.includes("h2") ? 1 : 0,
    );
    this.#webSocketsApart = Uint8Array.from(servers, ({ connection: { proto, tls, ws } }) => {
      const mayChoose = proto === null && tls !== null && tls.alpn.includes("http/1.1");
      return ws === "h1" || (ws === "auto" && mayChoose) ? 1 : 0;
    });
  }

  /** `ws`: the stream is a WebSocket, and the server gets those over HTTP/1. */
  avoids(stream: Stream, server: number): boolean {
    return this.#webSocketsApart[server] === 1 && (stream.flags & STREAM.http) !== 0 && this.#isWebSocket(stream);
  }

  #isWebSocket({ request }: Stream): boolean {
    if ((request.flags & MESSAGE.upgrade) === 0) return false;
    return headerText(this.#ctx.bytes, request, UPGRADE)?.toLowerCase() === "websocket";
  }

  /** Whether what is spoken on the connection that was just made for the stream is HTTP/2. */
  speaks(stream: Stream, slot: number): boolean {
    const { connections, transport } = this.#ctx;
    const server = connections.owner[slot]!;
    if (this.avoids(stream, server)) return false;
    if (this.#isHttp2[server] === 1) return true;
    return this.#asks[server] === 1 && protocolOf(transport.tls.sslOf(slot)) === "h2";
  }

  /** A row for the stream on a connection to the server that takes another one, -1: there is none. @param names the name that it must have, null: any */
  take(stream: Stream, server: number, isFirst: boolean, names: ConnectionNames | null): number {
    const open = this.#open[server]!;
    if (open.length === 0 || this.avoids(stream, server)) return -1;
    const { plan, http2 } = this.#ctx;
    const { httpReuse } = plan.proxies[plan.servers[server]!.proxy]!.backend!;
    if (isFirst && httpReuse === "safe") return -1;
    for (let i = open.length - 1; i >= 0; i--) {
      const connection = open[i]!;
      if (!this.#takesMore(connection) || !this.#isNamed(connection, names)) continue;
      if (httpReuse === "never" && connection.client !== this.#clientOf(stream)) continue;
      if (isFirst && httpReuse === "aggressive" && !connection.isShared) continue;
      const row = http2.arrivals.openStream(connection, stream);
      if (row < 0) return -1;
      if (connection.client !== this.#clientOf(stream)) connection.isShared = true;
      this.#leaveIdle(connection);
      return row;
    }
    return -1;
  }

  #clientOf(stream: Stream): number {
    return this.#ctx.connections.carrier[stream.client]!;
  }

  #isNamed({ slot }: Http2Connection, names: ConnectionNames | null): boolean {
    const { nameHigh, nameLow } = this.#ctx.connections;
    return names === null || (nameHigh[slot] === names.high && nameLow[slot] === names.low);
  }

  #takesMore(connection: Http2Connection): boolean {
    const { connections, plan, shared } = this.#ctx;
    const { slot } = connection;
    if (connection.isBroken || connection.goingAway !== 0 || (connections.flags[slot]! & CLOSED) !== 0) return false;
    if (connection.nextId > STREAM_ID_MAX) return false;
    const server = connections.owner[slot]!;
    if (shared.words[shared.serverAt(server) + SERVER.connectionGeneration] !== connection.generation) return false;
    const { maxReuse } = plan.servers[server]!;
    if (maxReuse >= 0 && connections.streams[slot]! > maxReuse) return false;
    return connection.rows.size < Math.min(connection.peerStreamsMax, plan.global.h2.serverStreamsMax);
  }

  /** The connection in the row stands and speaks HTTP/2: it is shared from now on. The stream's row on it, -1: there is none. */
  connected(stream: Stream, slot: number): number {
    const { connections, http2, shared, wheel } = this.#ctx;
    const server = connections.owner[slot]!;
    connections.stream[slot] = -1;
    wheel.clear(slot);
    const connection = http2.carriers.connected(slot);
    connection.client = this.#clientOf(stream);
    connection.generation = shared.words[shared.serverAt(server) + SERVER.connectionGeneration]!;
    this.#open[server]!.push(connection);
    return http2.arrivals.openStream(connection, stream);
  }

  /** Nobody uses the connection: it waits for the next request, or goes. */
  idle(connection: Http2Connection): void {
    const { clock, connections, gauges, http2, plan, shared, wheel } = this.#ctx;
    const { slot } = connection;
    const server = connections.owner[slot]!;
    const { poolMaxConn, poolPurgeDelayMs } = plan.servers[server]!;
    let idle = 0;
    for (const each of this.#open[server]!) if (each.isIdle) idle++;
    const isWanted = this.#takesMore(connection) && !http2.carriers.isDraining;
    if (!isWanted || idle >= IDLE_MAX || (poolMaxConn >= 0 && idle >= poolMaxConn)) {
      http2.carriers.shutDown(connection);
      return;
    }
    connection.isIdle = true;
    gauges.increment(shared.serverAt(server) + SERVER.idle);
    if (poolPurgeDelayMs > 0) wheel.set(slot, clock.nowMs + poolPurgeDelayMs);
  }

  #leaveIdle(connection: Http2Connection): void {
    if (!connection.isIdle) return;
    const { connections, gauges, shared, wheel } = this.#ctx;
    connection.isIdle = false;
    wheel.clear(connection.slot);
    gauges.decrement(shared.serverAt(connections.owner[connection.slot]!) + SERVER.idle);
  }

  /** The server wants no more requests on the connection. */
  goingAway(connection: Http2Connection): void {
    connection.goingAway = 2;
    this.forget(connection);
  }

  /** The connection is closed, or is to be: it takes no more requests. */
  forget(connection: Http2Connection): void {
    this.#leaveIdle(connection);
    const open = this.#open[this.#ctx.connections.owner[connection.slot]!]!;
    const at = open.indexOf(connection);
    if (at >= 0) open.splice(at, 1);
  }

  /** The server did not look at the stream's request (REFUSED_STREAM): it may be sent again like one that met a dead connection. */
  refused(row: number): void {
    const { connections, streams } = this.#ctx;
    const index = connections.stream[row]!;
    if (index >= 0) streams.all[index]!.flags |= STREAM.reused;
  }

  /** Drain: what nobody uses goes now. */
  closeIdle(): void {
    for (const open of this.#open)
      for (const connection of [...open]) if (connection.isIdle) this.#ctx.http2.carriers.shutDown(connection);
  }

  /** What the server's 200 to an extended CONNECT is in the words of HTTP/1: the lines of a 101 (RFC 8441 5). null: the row's stream did not ask. */
  upgradeOf(row: number): Uint8Array | null {
    const { bytes, connections, streams } = this.#ctx;
    const index = connections.stream[row]!;
    if (index < 0) return null;
    const { request } = streams.all[index]!;
    if ((request.flags & MESSAGE.upgrade) === 0) return null;
    const protocol = headerText(bytes, request, UPGRADE) ?? "";
    const key = headerText(bytes, request, WEBSOCKET_KEY);
    return upgradeLines(protocol, key);
  }
}
