// The client's side of HTTP/1: from bytes received to a request that is routed, and from the end of its response back to idle.
//
//     accept ─▶ idle ─▶ head ─▶ exchange (routing, backend, response) ─▶ answered ─▶ idle …
//                 │       │                                                  │
//                 ▼       ▼ 400/408                                          ▼ close, linger
//
// Between requests a connection is a row and no object; a Stream is borrowed when a head is complete. Pipelined requests wait in
// the receive queue until the response before them is queued. The server's side is back.ts, moving bodies is pump.ts.
//
// Longer than 400 lines because the life of a client's connection, which requests, errors and time-outs share, has to be seen in one place.

import { CONNECTION, KIND } from "../connection/table.ts";
import type { ConnectionUser } from "../connection/transport.ts";
import { COUNTER, HEADER } from "../shared-state/layout.ts";
import { progress } from "../stream/progress.ts";
import { STATE, STREAM, STREAM_BYTES, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import { frameRequest } from "./framing.ts";
import { MESSAGE, METHOD } from "./message.ts";
import { parseRequest } from "./parser.ts";

const CLOSING = CONNECTION.closing;
const CLOSE_QUEUED = CONNECTION.closeQueued;
const READ_CLOSED = CONNECTION.readClosed;
const LINGERING = CONNECTION.lingering;
const S_CLOSE_CLIENT = STREAM.closeClient;
const MULTIPLEXED = CONNECTION.multiplexed;
const KIND_CLIENT = KIND.client;
/** Connections without a stream that are not waiting for a request. */
const NOT_IDLE = CLOSING | CLOSE_QUEUED | LINGERING | CONNECTION.parked;

/** ASCII of the termination flags used here (configuration.txt 8.5). */
const BY_CLIENT = 67; // C
const BY_CLIENT_TIMEOUT = 99; // c
const BY_PROXY = 80; // P
const BY_DOWN = 68; // D
const IN_REQUEST = 82; // R
const IN_DATA = 68; // D

export class HttpFront implements ConnectionUser {
  readonly #ctx: WorkerContext;
  /** Slot whose requests `serve` is working through, -1: none. */
  #serving = -1;
  /** How long a connection may be idle while the worker drains, -1: it does not. */
  #idleGraceMs = -1;
  readonly #headBytesMax: number;
  /** Per proxy, 1: `option accept-unsafe-violations-in-http-request`, and `option http-ignore-probes`. */
  readonly #lax: Uint8Array;
  readonly #ignoresProbes: Uint8Array;

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
    this.#lax = Uint8Array.from(ctx.plan.proxies, ({ frontend }) => (frontend?.acceptInvalidHttpRequest ? 1 : 0));
    this.#ignoresProbes = Uint8Array.from(ctx.plan.proxies, ({ frontend }) => (frontend?.httpIgnoreProbes ? 1 : 0));
    this.#headBytesMax = ctx.plan.global.bufsizeBytes - ctx.plan.global.maxrewriteBytes;
  }

  /** A connection was accepted: waits for its first request. */
  opened(slot: number): void {
    const { connections, clock, transport, wheel, plan } = this.#ctx;
    connections.idleSinceMs[slot] = clock.nowMs;
    connections.requestSinceMs[slot] = -1;
    connections.lastServer[slot] = -1;
    const timeouts = this.#ctx.timeouts[plan.listeners[connections.owner[slot]!]!.proxy]!;
    const timeoutMs = timeouts.httpRequest || timeouts.client;
    if (timeoutMs > 0) wheel.set(slot, clock.nowMs + timeoutMs);
    transport.receive(slot);
  }

  /** A stream of HTTP/2 has begun: its request's head is in the receive queue. */
  began(slot: number): void {
    const { connections, clock } = this.#ctx;
    connections.idleSinceMs[slot] = clock.nowMs;
    connections.requestSinceMs[slot] = clock.nowMs;
    this.serve(slot);
  }

  onReceived(slot: number): void {
    const table = this.#ctx.connections;
    const index = table.stream[slot]!;
    if (index >= 0) this.#ctx.back.requestBytes(this.#ctx.streams.all[index]!);
    // Kept, what a client sends that is to be closed would fill the memory of all others while it does not take its answer.
    else if ((table.flags[slot]! & (LINGERING | CLOSE_QUEUED)) !== 0) this.#ctx.transport.received.freeAll(slot);
    else this.serve(slot);
  }

  onReceiveEnd(slot: number): void {
    const table = this.#ctx.connections;
    const index = table.stream[slot]!;
    if (index < 0) {
      if ((table.flags[slot]! & (LINGERING | CLOSE_QUEUED)) === 0) this.#giveUp(slot, BY_CLIENT, 400);
      else this.#ctx.transport.closeAfterOutput(slot);
      return;
    }
    const stream = this.#ctx.streams.all[index]!;
    stream.flags |= S_CLOSE_CLIENT;
    const backend = stream.backend >= 0 ? this.#ctx.plan.proxies[stream.backend]!.backend : null;
    if (stream.state === STATE.inspecting) {
      // Rules see what there is; whether it is all of the request is looked at before it goes to a server.
      this.#ctx.routing.resume(stream);
      return;
    }
    if (!stream.requestBody.done && table.receiveHead[slot]! < 0) this.abort(stream, BY_CLIENT, progress(stream), 400);
    else if (backend?.abortOnClose && stream.state < STATE.responding)
      // As HAProxy: who leaves before a server has the request gets no answer.
      this.abort(stream, BY_CLIENT, progress(stream), stream.state === STATE.waiting ? 400 : 0);
  }

  onFailed(slot: number, _errno: number): void {
    const index = this.#ctx.connections.stream[slot]!;
    if (index < 0) {
      this.#ctx.transport.close(slot);
      return;
    }
    const stream = this.#ctx.streams.all[index]!;
    // For the log and the counters: HAProxy makes up the 400 that it cannot send any more.
    if (stream.status < 0 && !stream.requestBody.done) stream.status = 400;
    this.abort(stream, BY_CLIENT, progress(stream), 0);
  }

  onSent(slot: number): void {
    const { connections, streams, back } = this.#ctx;
    const index = connections.stream[slot]!;
    if (index < 0) {
      if ((connections.flags[slot]! & (LINGERING | CLOSE_QUEUED)) !== 0) this.#ctx.timers.closing(slot);
      return;
    }
    const stream = streams.all[index]!;
    this.#ctx.timers.client(stream, true);
    if (stream.state === STATE.responding) back.pumpResponse(stream);
    else if (stream.state === STATE.waiting) back.continueHead(stream);
    else if (stream.state === STATE.answered) this.answered(stream);
    else if (stream.state === STATE.local) this.#ctx.replies.more(stream);
  }

  /** Clients do not connect to themselves. */
  onConnected(): void {}

  /** Works through the requests in the receive queue until one has to wait for something. */
  serve(slot: number): void {
    const table = this.#ctx.connections;
    if (this.#serving === slot) return;
    const outer = this.#serving;
    this.#serving = slot;
    while (
      table.kind[slot] === KIND_CLIENT &&
      table.stream[slot]! < 0 &&
      table.receiveHead[slot]! >= 0 &&
      (table.flags[slot]! & (CLOSING | CLOSE_QUEUED | LINGERING)) === 0
    ) {
      if (!this.#request(slot)) break;
    }
    this.#serving = outer;
    // The client had closed before: nothing more can come of what is left.
    const over = (table.flags[slot]! & (READ_CLOSED | CLOSING | CLOSE_QUEUED | LINGERING)) === READ_CLOSED;
    if (over && table.kind[slot] === KIND_CLIENT && table.stream[slot]! < 0) this.#giveUp(slot, BY_CLIENT, 400);
  }

  /** Tries to make a request of what was received. False: more bytes are needed. */
  #request(slot: number): boolean {
    const { connections, clock, lifecycle, pool, bytes, transport, wheel } = this.#ctx;
    if (connections.requestSinceMs[slot] === -1) connections.requestSinceMs[slot] = clock.nowMs;
    const buffer = transport.received.joined(slot);
    if (!transport.received.headMayEnd(slot)) return false;
    const stream = lifecycle.begin(slot);
    if (stream === null) {
      transport.close(slot);
      return true;
    }
    stream.flags = STREAM.http;
    const isLax = this.#lax[stream.frontend] === 1;
    let result = parseRequest(bytes, pool.start[buffer]!, pool.end[buffer]!, stream.request, isLax);
    const isMultiplexed = (connections.flags[slot]! & MULTIPLEXED) !== 0;
    // As HAProxy answers: 414 when the buffer is full and the head not at its end, 431 when it leaves no room for rewriting.
    if (result === 0) {
      if (pool.end[buffer]! - pool.start[buffer]! < pool.size && !isMultiplexed) {
        this.#abandon(stream, slot);
        return false;
      }
      result = -414;
    } else if (result > 0 && stream.request.end - pool.start[buffer]! > this.#headBytesMax) result = -431;
    if (result > 0) result = frameRequest(bytes, stream.request);
    if (isMultiplexed) result = this.#ctx.http2.arrivals.adopt(slot, stream.request, result);
    else if (result < 0 && this.#speaksHttp2(stream, slot, buffer)) return true;
    if (result < 0 && this.#isForbiddenPreface(result, slot, buffer)) result = -405;
    wheel.clear(slot);
    transport.received.take(slot);
    stream.headBuffer = buffer;
    stream.requestDoneMs = clock.nowMs;
    const { end } = stream.request;
    this.#countRequest(stream, (end > 0 ? end : pool.end[buffer]!) - pool.start[buffer]!);
    if (result < 0) this.#refuse(stream, -result);
    else this.#begin(stream, slot, buffer);
    return true;
  }

  /** HTTP/2's preface where only HTTP/1 is spoken: its method is one that nobody serves. */
  #isForbiddenPreface(result: number, slot: number, buffer: number): boolean {
    const { http2, pool } = this.#ctx;
    return (
      result === -400 &&
      (this.#ctx.connections.flags[slot]! & CONNECTION.notFirst) === 0 &&
      http2.carriers.isPreface(pool.start[buffer]!, pool.end[buffer]!)
    );
  }

  /** A client that did not ask begins with HTTP/2's preface (RFC 9113 3.3): the connection is another's from here on. */
  #speaksHttp2(stream: Stream, slot: number, buffer: number): boolean {
    const { connections, http2, plan, pool, streams } = this.#ctx;
    const isFirst = (connections.flags[slot]! & CONNECTION.notFirst) === 0;
    const isAllowed =
      plan.listeners[connections.owner[slot]!]!.proto !== "h1" &&
      plan.proxies[stream.frontend]!.frontend!.noHttp2Upgrade !== true;
    if (!isFirst || !isAllowed || !http2.carriers.isPreface(pool.start[buffer]!, pool.end[buffer]!)) return false;
    connections.stream[slot] = -1;
    streams.give(stream);
    http2.carriers.accepted(slot);
    return true;
  }

  /** The request is understood: settles its body and its connection, and hands it to routing. */
  #begin(stream: Stream, slot: number, buffer: number): void {
    const { pool, plan, routing, bytes, streams, lifecycle } = this.#ctx;
    const request = stream.request;
    const flags = request.flags;
    const keepAlive =
      (flags & MESSAGE.version11) !== 0
        ? (flags & MESSAGE.connectionClose) === 0
        : (flags & (MESSAGE.connectionKeepAlive | MESSAGE.connectionClose)) === MESSAGE.connectionKeepAlive;
    if (
      !keepAlive ||
      plan.proxies[stream.frontend]!.frontend!.connectionMode === "close" ||
      this.#ctx.shared.words[HEADER.stopping] !== 0
    )
      stream.flags |= S_CLOSE_CLIENT;
    if (request.method === METHOD.head) stream.flags |= STREAM.noBody;
    const body = stream.requestBody;
    body.beginRequest(request);
    // What came with the head: the first bytes of the body stay behind it, for the first send and for retries.
    const received = pool.end[buffer]!;
    pool.start[buffer] = request.end;
    if (request.end < received) {
      body.pass(bytes, request.end, received);
      if (body.failed) {
        this.#refuse(stream, 400);
        return;
      }
      if (body.consumedTo < received) this.#keepPipelined(slot, body.consumedTo, received);
      pool.end[buffer] = body.forwardTo;
      streams.bytes[stream.slot * STREAM_BYTES.columns + STREAM_BYTES.fromClient]! += body.consumedTo - request.end;
    }
    lifecycle.begun(stream);
    if (this.#ctx.tracking.count > 0) this.#ctx.tracking.request(stream);
    routing.route(stream);
  }

  /** Bytes behind a request are the next one's: they go to the head of the queue in a buffer of their own. */
  #keepPipelined(slot: number, from: number, to: number): void {
    const { pool, bytes, transport } = this.#ctx;
    const rest = pool.take();
    if (rest < 0) {
      // Without a buffer the pipelined bytes are lost, so the connection must not go on after this response.
      this.#ctx.streams.all[this.#ctx.connections.stream[slot]!]!.flags |= S_CLOSE_CLIENT;
      return;
    }
    bytes.copyWithin(pool.start[rest]!, from, to);
    pool.end[rest]! += to - from;
    transport.received.putBack(slot, rest);
  }

  #countRequest(stream: Stream, headBytes: number): void {
    const { lifecycle, streams } = this.#ctx;
    lifecycle.count(lifecycle.frontendAt[stream.frontend]!, COUNTER.requests);
    streams.bytes[stream.slot * STREAM_BYTES.columns + STREAM_BYTES.fromClient]! += headBytes;
  }

  /** The head is not complete: gives the stream back and lets the clock of `timeout http-request` run. */
  #abandon(stream: Stream, slot: number): void {
    const { connections, streams, wheel } = this.#ctx;
    connections.stream[slot] = -1;
    const timeouts = this.#ctx.timeouts[stream.frontend]!;
    streams.give(stream);
    const timeoutMs = timeouts.httpRequest || timeouts.client;
    const since =
      (connections.flags[slot]! & CONNECTION.notFirst) !== 0
        ? connections.requestSinceMs[slot]!
        : connections.sinceMs[slot]!;
    if (timeoutMs > 0) wheel.set(slot, since + timeoutMs);
  }

  /** Answers what could not be understood, and closes: nothing behind it can be trusted. */
  #refuse(stream: Stream, status: number, by = BY_PROXY): void {
    const { lifecycle, replies } = this.#ctx;
    lifecycle.badRequest(stream);
    if (by === BY_PROXY) this.#ctx.invalidMessages.request(stream);
    lifecycle.endReason(stream, by, IN_REQUEST);
    stream.requestDoneMs = -1;
    stream.flags |= STREAM.badRequest | S_CLOSE_CLIENT;
    replies.error(stream, status);
  }

  /**
   * The request never became complete: the client closed (400) or took too long (408). Between requests that is no fault, and
   * before the first one `option http-ignore-probes` says whether a connection without a single byte is one.
   */
  #giveUp(slot: number, by: number, status: number): void {
    const { lifecycle, transport, connections, plan } = this.#ctx;
    if (connections.receiveHead[slot]! < 0) {
      const isFirst = (connections.flags[slot]! & CONNECTION.notFirst) === 0;
      if (!isFirst || this.#ignoresProbes[plan.listeners[connections.owner[slot]!]!.proxy] === 1) {
        transport.closeAfterOutput(slot);
        return;
      }
    }
    if (connections.requestSinceMs[slot] === -1) connections.requestSinceMs[slot] = connections.sinceMs[slot]!;
    const stream = lifecycle.begin(slot);
    if (stream === null) {
      transport.close(slot);
      return;
    }
    stream.flags = STREAM.http;
    stream.request.reset();
    stream.headBuffer = transport.received.take(slot);
    const head = stream.headBuffer;
    if (head >= 0) this.#countRequest(stream, this.#ctx.pool.end[head]! - this.#ctx.pool.start[head]!);
    this.#refuse(stream, status, by);
  }

  /** The whole answer is in the send queue. Ends the stream once what is left to send is what a kernel buffer would hold. */
  answered(stream: Stream): void {
    const { connections, pool, lifecycle, clock, wheel } = this.#ctx;
    const slot = stream.client;
    stream.state = STATE.answered;
    if (connections.sendBytes[slot]! > pool.size) {
      this.#ctx.timers.client(stream, false);
      return;
    }
    const requestRead = stream.requestBody.done;
    const isMultiplexed = (connections.flags[slot]! & MULTIPLEXED) !== 0;
    const close = (stream.flags & S_CLOSE_CLIENT) !== 0 || !requestRead || isMultiplexed;
    const timeouts = this.#ctx.timeouts[stream.frontend]!;
    const unread = !requestRead || (stream.flags & STREAM.badRequest) !== 0;
    lifecycle.finish(stream);
    if (close) {
      this.#closeClient(slot, unread || connections.receiveHead[slot]! >= 0);
      return;
    }
    connections.requestSinceMs[slot] = connections.receiveHead[slot]! >= 0 ? clock.nowMs : -1;
    const timeoutMs =
      this.#idleGraceMs >= 0 ? this.#idleGraceMs : timeouts.httpKeepAlive || timeouts.httpRequest || timeouts.client;
    if (timeoutMs > 0 || this.#idleGraceMs >= 0) wheel.set(slot, clock.nowMs + timeoutMs);
    this.#ctx.transport.resume(slot);
    if (this.#serving !== slot) this.serve(slot);
  }

  /** Sends what is queued and closes; `unread` clients are read to their end first, for a while. */
  #closeClient(slot: number, unread: boolean): void {
    const { transport, connections } = this.#ctx;
    if (!unread || (connections.flags[slot]! & (READ_CLOSED | MULTIPLEXED)) !== 0) {
      this.#ctx.timers.closing(slot);
      transport.closeAfterOutput(slot);
      return;
    }
    connections.flags[slot]! |= LINGERING;
    transport.endOutput(slot);
    this.#ctx.transport.received.freeAll(slot);
    transport.resume(slot);
    this.#ctx.timers.closing(slot);
  }

  /**
   * Ends an exchange before its time. `status` is answered if nothing was yet, 0: no answer, the connection is closed.
   * `keepsClient`: the client did nothing wrong and may go on after the answer.
   */
  abort(stream: Stream, by: number, state: number, status: number, keepsClient = false): void {
    const { lifecycle, dispatch, replies, transport } = this.#ctx;
    lifecycle.endReason(stream, by, state);
    if (!keepsClient) stream.flags |= S_CLOSE_CLIENT;
    if (by === BY_CLIENT && stream.backend >= 0)
      lifecycle.count(lifecycle.backendAt[stream.backend]!, COUNTER.clientAborts);
    if (by === BY_CLIENT && stream.serverIndex >= 0)
      lifecycle.count(lifecycle.serverAt[stream.serverIndex]!, COUNTER.clientAborts);
    dispatch.leave(stream);
    if (status !== 0 && stream.state < STATE.responding) {
      replies.error(stream, status);
      return;
    }
    const slot = stream.client;
    lifecycle.finish(stream);
    transport.close(slot);
  }

  /** Ends an exchange in the middle of its response: what is queued still goes out, then the client sees the cut. */
  cut(stream: Stream, by: number, state: number): void {
    const { connections, lifecycle, dispatch, transport } = this.#ctx;
    const slot = stream.client;
    lifecycle.endReason(stream, by, state);
    dispatch.leave(stream);
    lifecycle.finish(stream);
    this.#ctx.timers.closing(slot);
    if ((connections.flags[slot]! & MULTIPLEXED) !== 0) this.#ctx.http2.streams.cut(slot);
    else transport.closeAfterOutput(slot);
  }

  /** The stream's server is taken away (`shutdown sessions`, `on-marked-down shutdown-sessions`). */
  serverGone(stream: Stream, by = BY_DOWN): void {
    if (stream.state === STATE.responding) this.cut(stream, by, IN_DATA);
    else this.abort(stream, by, progress(stream), 503);
  }

  /** Soft stop: connections without a request go, once they have been idle for `graceMs`; a request that comes before is served. */
  closeIdle(graceMs: number): void {
    const { connections, transport, wheel, clock } = this.#ctx;
    this.#idleGraceMs = graceMs;
    this.#ctx.http2.carriers.drain();
    for (let slot = 0; slot < connections.capacity; slot++) {
      if (connections.kind[slot] !== KIND.client || connections.stream[slot]! >= 0) continue;
      if (connections.receiveHead[slot]! >= 0 || (connections.flags[slot]! & NOT_IDLE) !== 0) continue;
      const leftMs = (connections.idleSinceMs[slot]! + graceMs - clock.nowMs) | 0;
      if (leftMs <= 0) transport.closeAfterOutput(slot);
      else wheel.set(slot, clock.nowMs + leftMs);
    }
  }

  /** The connection's timer ran out. */
  onExpired(slot: number): void {
    const { connections, streams, transport } = this.#ctx;
    const index = connections.stream[slot]!;
    if (index >= 0) this.#exchangeExpired(streams.all[index]!);
    else if ((connections.flags[slot]! & (LINGERING | CLOSE_QUEUED)) !== 0) transport.close(slot);
    else if (this.#idleGraceMs >= 0 && connections.receiveHead[slot]! < 0) transport.closeAfterOutput(slot);
    else this.#giveUp(slot, BY_CLIENT_TIMEOUT, 408);
  }

  #exchangeExpired(stream: Stream): void {
    if (stream.state === STATE.queued || stream.state === STATE.turnAround) this.#ctx.dispatch.expired(stream);
    else if (stream.state === STATE.asking) this.#ctx.replies.error(stream, 500);
    else if (stream.state === STATE.inspecting) this.#ctx.routing.expired(stream);
    else if (stream.state === STATE.inspectingResponse) this.#ctx.back.rules.expired(stream);
    else if (!stream.requestBody.done && stream.state < STATE.responding)
      this.abort(stream, BY_CLIENT_TIMEOUT, progress(stream), 400);
    else this.abort(stream, BY_CLIENT_TIMEOUT, IN_DATA, 0);
  }
}
