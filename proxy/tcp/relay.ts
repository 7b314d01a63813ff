// Bytes both ways without looking at them: mode tcp from accept on, and tunnels (WebSocket, CONNECT) after the server accepted.
// Full duplex with half-close (RFC 9293 3.6): the end of one direction is passed on behind its last byte, the other goes on.
//
//   client row ◀── Connections.peer ──▶ server row      one Stream for the pair

import { assert } from "../../shared/assert.ts";
import { CONNECTION, KIND } from "../connection/table.ts";
import type { ConnectionUser } from "../connection/transport.ts";
import { LOG_WHEN } from "../log/access-log.ts";
import { LOG_STEPS } from "../plan/log.ts";
import { VERDICT } from "../rules/verdict.ts";
import { COUNTER } from "../shared-state/layout.ts";
import { TIMEOUT, timeoutOf } from "../stream/settings.ts";
import { STATE, STREAM, STREAM_BYTES, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";

const READ_CLOSED = CONNECTION.readClosed;
/** We have sent our end to this side, or it goes out behind the last byte. */
const OUTPUT_ENDED = CONNECTION.writeClosed | CONNECTION.shutdownQueued;
const KIND_RELAY_CLIENT = KIND.relayClient;
/** Buffers that may wait to be sent before the other side is held back; one when they are scarce. */
const BUFFERS_QUEUED_MAX = 8;

const RESPONSE_HELD = STREAM.responseHeld;
const CONTINUE = VERDICT.continue;
const WAIT = VERDICT.wait;

const DASH = 45;
const BY_CLIENT = 67; // C
const BY_SERVER = 83; // S
const BY_DOWN = 68; // D
const BY_CLIENT_TIMEOUT = 99; // c
const BY_SERVER_TIMEOUT = 115; // s
const IN_CONNECT = 67; // C
const IN_REQUEST = 82; // R
const IN_QUEUE = 81; // Q
const IN_DATA = 68; // D

export class Relay implements ConnectionUser {
  readonly #ctx: WorkerContext;
  readonly #high: number;

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
    this.#high = ctx.pool.size * BUFFERS_QUEUED_MAX;
  }

  /** A connection of a mode tcp frontend was accepted: it is a stream at once. */
  opened(slot: number): void {
    const { connections, clock, lifecycle, transport, routing, log } = this.#ctx;
    connections.idleSinceMs[slot] = connections.requestSinceMs[slot] = clock.nowMs;
    connections.peer[slot] = -1;
    const stream = lifecycle.begin(slot);
    if (stream === null) {
      transport.close(slot);
      return;
    }
    stream.flags = STREAM.closeClient;
    stream.requestDoneMs = clock.nowMs;
    transport.receive(slot);
    this.#touch(slot, this.#ctx.timeouts[stream.frontend]!.client);
    if (log.when[stream.frontend] === LOG_WHEN.start) lifecycle.log(stream);
    lifecycle.step(stream, LOG_STEPS.accept, 1);
    routing.route(stream);
  }

  /** The server is connected: bytes may pass. */
  attach(stream: Stream, slot: number): void {
    const { connections, clock, log, lifecycle } = this.#ctx;
    stream.server = slot;
    stream.connectDoneMs = clock.nowMs;
    stream.connectDoneUs = clock.nowUs;
    connections.stream[slot] = stream.slot;
    this.#ctx.persistence.connected(stream);
    if (log.when[stream.frontend] === LOG_WHEN.responseHead) lifecycle.log(stream);
    lifecycle.step(stream, LOG_STEPS.connect, 3);
    this.#ctx.observation.connected(stream.serverIndex);
    if (this.#ctx.rules.hasTcpResponse(stream.backend)) stream.flags |= RESPONSE_HELD;
    stream.ruleAt = 0;
    this.#join(stream);
  }

  /**
   * The client's connection speaks HTTP from now on (`switch-mode http`, or a backend of mode http was chosen): this stream ends without a trace, and
   * what the client has sent is read again as requests.
   */
  upgrade(stream: Stream): void {
    const { clock, connections, front, lifecycle, timeouts, transport } = this.#ctx;
    const slot = stream.client;
    const { httpRequest, client } = timeouts[stream.frontend]!;
    stream.flags |= STREAM.logged;
    lifecycle.finish(stream);
    connections.flags[slot]! &= ~CONNECTION.notFirst;
    connections.kind[slot] = KIND.client;
    connections.lastServer[slot] = -1;
    connections.requestSinceMs[slot] = -1;
    connections.idleSinceMs[slot] = clock.nowMs;
    this.#touch(slot, httpRequest || client);
    transport.resume(slot);
    front.serve(slot);
  }

  /** An HTTP exchange becomes a tunnel: its connections are ours from now on. */
  tunnel(stream: Stream): void {
    const { connections, lifecycle, log } = this.#ctx;
    stream.flags |= STREAM.tunnel | STREAM.closeClient;
    connections.kind[stream.client] = KIND.relayClient;
    if (log.when[stream.frontend] === LOG_WHEN.responseHead) lifecycle.log(stream);
    this.#join(stream);
  }

  #join(stream: Stream): void {
    const { connections, transport } = this.#ctx;
    const { client, server } = stream;
    stream.state = STATE.tunnel;
    connections.kind[server] = KIND.relayServer;
    connections.peer[client] = server;
    connections.peer[server] = client;
    this.#touchBoth(stream);
    transport.flush(client);
    transport.resume(client);
    transport.resume(server);
    this.#pump(client);
    if (stream.active && stream.state === STATE.tunnel) this.#pump(server);
  }

  onReceived(slot: number): void {
    const { connections, transport } = this.#ctx;
    const peer = connections.peer[slot]!;
    if (peer >= 0) {
      this.#touchBoth(this.#streamOf(slot));
      this.#pump(slot);
    } else if (this.#streamOf(slot).state === STATE.inspecting) this.#ctx.routing.resume(this.#streamOf(slot));
    else if (transport.received.holdsSeveral(slot)) transport.pause(slot);
  }

  onReceiveEnd(slot: number): void {
    const { connections } = this.#ctx;
    if (connections.peer[slot]! >= 0) {
      this.#pump(slot);
      return;
    }
    // The client is done before the server is there: with `option abortonclose` that is the end, else its bytes still go out.
    const stream = this.#streamOf(slot);
    if (stream.state === STATE.inspecting) {
      this.#ctx.routing.resume(stream);
      return;
    }
    const backend = stream.backend >= 0 ? this.#ctx.plan.proxies[stream.backend]!.backend : null;
    if (backend?.abortOnClose || connections.receiveHead[slot]! < 0)
      this.#end(stream, BY_CLIENT, stream.state === STATE.queued ? IN_QUEUE : IN_CONNECT);
  }

  onSent(slot: number): void {
    const { connections } = this.#ctx;
    const peer = connections.peer[slot]!;
    if (peer < 0) return;
    this.#touchBoth(this.#streamOf(slot));
    this.#pump(peer);
  }

  onFailed(slot: number, _errno: number): void {
    const isClient = this.#ctx.connections.kind[slot] === KIND_RELAY_CLIENT;
    const stream = this.#streamOf(slot);
    const state = stream.state === STATE.inspecting ? IN_REQUEST : IN_CONNECT;
    this.#end(stream, isClient ? BY_CLIENT : BY_SERVER, this.#ctx.connections.peer[slot]! >= 0 ? IN_DATA : state);
  }

  /** Server rows belong to http1/back.ts while they connect. */
  onConnected(): void {
    assert(false, "a relay does not connect");
  }

  #streamOf(slot: number): Stream {
    return this.#ctx.streams.all[this.#ctx.connections.stream[slot]!]!;
  }

  /** Moves what `from` has received to its peer, and passes on its end behind the last byte. */
  #pump(from: number): void {
    const { connections, transport, pool, streams } = this.#ctx;
    const to = connections.peer[from]!;
    const stream = this.#streamOf(from);
    if ((stream.flags & RESPONSE_HELD) !== 0 && from === stream.server && !this.#passes(stream)) return;
    const count =
      stream.slot * STREAM_BYTES.columns + (from === stream.client ? STREAM_BYTES.fromClient : STREAM_BYTES.fromServer);
    const high = pool.isScarce ? 1 : this.#high;
    const isOut = from === stream.server;
    while (connections.receiveHead[from]! >= 0 && connections.sendBytes[to]! < high) {
      if (stream.bandwidth !== null && this.#ctx.bandwidth.allowance(stream, isOut) === 0) break;
      const buffer = transport.received.take(from);
      const length = pool.end[buffer]! - pool.start[buffer]!;
      if (stream.bandwidth !== null) this.#ctx.bandwidth.spend(stream, isOut, length);
      streams.bytes[count]! += length;
      streams.bytes[count + 1]! += length;
      if ((connections.flags[to]! & OUTPUT_ENDED) !== 0) pool.free(buffer);
      else transport.queue(to, buffer);
    }
    transport.flush(to);
    if (connections.receiveHead[from]! >= 0) {
      transport.pause(from);
      return;
    }
    if ((connections.flags[from]! & READ_CLOSED) === 0) {
      transport.resume(from);
      return;
    }
    this.#passEnd(stream, from, to);
  }

  /** A bandwidth limit lets the direction move again. */
  goOn(stream: Stream, isOut: boolean): void {
    this.#pump(isOut ? stream.server : stream.client);
  }

  /** `tcp-response content` rules look at what the server has said. False: they wait, or the stream has its end. */
  #passes(stream: Stream): boolean {
    const { rules, transport } = this.#ctx;
    const verdict = rules.tcpResponse(stream, stream.backend, stream.ruleAt);
    if (verdict === WAIT) {
      if (transport.received.holdsSeveral(stream.server)) transport.pause(stream.server);
      else transport.resume(stream.server);
    }
    if (verdict !== CONTINUE) return false;
    stream.flags &= ~RESPONSE_HELD;
    this.#touchBoth(stream);
    return true;
  }

  /** `from` has ended: half-closes `to`; when both have ended and everything is sent, the stream is over. */
  #passEnd(stream: Stream, from: number, to: number): void {
    const { connections, transport } = this.#ctx;
    transport.endOutput(to);
    const finMs =
      to === stream.client
        ? this.#ctx.timeouts[stream.frontend]!.clientFin
        : this.#ctx.timeouts[stream.backend]!.serverFin;
    if (finMs > 0) this.#touch(to, finMs);
    const bothEnded = (connections.flags[to]! & READ_CLOSED) !== 0 && connections.receiveHead[to]! < 0;
    if (bothEnded && connections.sendHead[from]! < 0 && connections.sendHead[to]! < 0) this.#end(stream, DASH, DASH);
  }

  #touchBoth(stream: Stream): void {
    const frontend = this.#ctx.timeouts[stream.frontend]!;
    const backend = this.#ctx.timeouts[stream.backend]!;
    const { connections } = this.#ctx;
    const tunnelMs = timeoutOf(stream, TIMEOUT.tunnel, backend.tunnel);
    // `timeout tunnel` supersedes both sides' time-outs once both directions are open. A side that we have ended our direction to
    // (FIN_WAIT) has one of its own.
    const clientMs =
      (connections.flags[stream.client]! & OUTPUT_ENDED) !== 0 && frontend.clientFin > 0
        ? frontend.clientFin
        : tunnelMs || timeoutOf(stream, TIMEOUT.client, frontend.client);
    const serverMs =
      (connections.flags[stream.server]! & OUTPUT_ENDED) !== 0 && backend.serverFin > 0
        ? backend.serverFin
        : tunnelMs || timeoutOf(stream, TIMEOUT.server, backend.server);
    // While rules wait, the client's row has their timer.
    if ((stream.flags & STREAM.waits) === 0) this.#touch(stream.client, clientMs);
    this.#touch(stream.server, serverMs);
  }

  #touch(slot: number, timeoutMs: number): void {
    if (timeoutMs > 0) this.#ctx.wheel.set(slot, this.#ctx.clock.nowMs + timeoutMs);
    else this.#ctx.wheel.clear(slot);
  }

  onExpired(slot: number): void {
    const stream = this.#streamOf(slot);
    if (stream.state === STATE.queued || stream.state === STATE.turnAround) {
      this.#ctx.dispatch.expired(stream);
      return;
    }
    const isClient = this.#ctx.connections.kind[slot] === KIND_RELAY_CLIENT;
    if (stream.state === STATE.inspecting) {
      this.#ctx.routing.expired(stream);
      return;
    }
    if (isClient && (stream.flags & STREAM.waits) !== 0) {
      stream.flags |= STREAM.waitIsOver;
      this.#pump(stream.server);
      return;
    }
    this.#end(
      stream,
      isClient ? BY_CLIENT_TIMEOUT : BY_SERVER_TIMEOUT,
      stream.state === STATE.tunnel ? IN_DATA : IN_CONNECT,
    );
  }

  /** The stream's server is taken away. */
  serverGone(stream: Stream, by = BY_DOWN): void {
    this.#end(stream, by, stream.state === STATE.tunnel ? IN_DATA : IN_CONNECT);
  }

  /** No server for a TCP connection: it is closed without a word. The reason was noted by the caller. */
  refuse(stream: Stream): void {
    this.#end(stream, DASH, DASH);
  }

  /** Ends the pair. */
  #end(stream: Stream, by: number, state: number): void {
    const { lifecycle, dispatch, transport, connections } = this.#ctx;
    if (by !== DASH) lifecycle.endReason(stream, by, state);
    if (by === BY_CLIENT && stream.backend >= 0)
      lifecycle.count(lifecycle.backendAt[stream.backend]!, COUNTER.clientAborts);
    if (by === BY_SERVER && stream.backend >= 0)
      lifecycle.count(lifecycle.backendAt[stream.backend]!, COUNTER.serverAborts);
    const { client, server } = stream;
    if (server >= 0) {
      connections.peer[client] = -1;
      connections.peer[server] = -1;
    }
    dispatch.leave(stream);
    lifecycle.finish(stream);
    transport.close(client);
  }
}
