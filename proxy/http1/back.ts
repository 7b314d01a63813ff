// The server's side of HTTP/1: sends the request on a connection, reads the response head, forwards it, and settles what becomes of
// the connection afterwards. Bodies in both directions pass through pump.ts; who gets which server is backend/dispatch.ts.
//
//     attach ─▶ waiting ─(1xx: forwarded)─▶ responding ─▶ done: idle pool or close
//                  │             └─ 101, CONNECT 2xx ─▶ tcp/relay.ts
//                  └─ 502, 504, or the same request on a fresh connection when a reused one was dead
//
// Longer than 400 lines because what a server may do while an exchange is in any of these states has to be seen in one place.

import { errorOfErrno } from "../connection/errors.ts";
import { CONNECTION } from "../connection/table.ts";
import type { ConnectionUser } from "../connection/transport.ts";
import { keyIsAnswered } from "../http2/websocket.ts";
import { LOG_WHEN } from "../log/access-log.ts";
import { LOG_STEPS } from "../plan/log.ts";
import { RETRY_ON } from "../plan/retry.ts";
import { OBSERVED } from "../server/observation.ts";
import { COUNTER } from "../shared-state/layout.ts";
import { STATE, STREAM, STREAM_BYTES, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import { Answer } from "./answer.ts";
import { dropFraming, frameResponse } from "./framing.ts";
import { MESSAGE, METHOD } from "./message.ts";
import { parseResponse } from "./parser.ts";
import { Pump } from "./pump.ts";
import { RequestHead } from "./request-head.ts";
import { ResponseHead, settleConnections } from "./response-head.ts";
import { ResponseRules } from "./response-rules.ts";

/** The server will not say more: it closed, or the connection broke. */
const ENDED = CONNECTION.readClosed | CONNECTION.failed;
const IDLE = CONNECTION.idle;
const FIRST_OR_STREAM = CONNECTION.notFirst | CONNECTION.multiplexed;
const PAUSED = CONNECTION.paused;
const CLOSING = CONNECTION.closing;

const BY_SERVER = 83; // S
const BY_SERVER_TIMEOUT = 115; // s
const BY_PROXY = 80; // P
const IN_HEADERS = 72; // H
const IN_DATA = 68; // D
const IN_LAST = 76; // L

export class HttpBack implements ConnectionUser {
  readonly #ctx: WorkerContext;
  readonly #requestHead: RequestHead;
  readonly #responseHead: ResponseHead;
  readonly #headBytesMax: number;
  readonly #pump: Pump;
  readonly #answer: Answer;
  readonly rules: ResponseRules;
  /** Per proxy, 1: `option accept-unsafe-violations-in-http-response`. */
  readonly #lax: Uint8Array;

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
    this.#requestHead = new RequestHead(ctx);
    this.#responseHead = new ResponseHead(ctx);
    this.#headBytesMax = ctx.plan.global.bufsizeBytes - ctx.plan.global.maxrewriteBytes;
    this.#pump = new Pump(ctx);
    this.#answer = new Answer(ctx, this.#pump, this.#responseHead);
    this.rules = new ResponseRules(ctx);
    this.#lax = Uint8Array.from(ctx.plan.proxies, ({ backend }) => (backend?.acceptInvalidHttpResponse ? 1 : 0));
  }

  /** The stream has a connection to its server: the request goes out. */
  attach(stream: Stream, slot: number): void {
    const { connections, clock, transport, pool, streams, lifecycle } = this.#ctx;
    stream.server = slot;
    stream.state = STATE.waiting;
    stream.connectDoneMs = clock.nowMs;
    stream.connectDoneUs = clock.nowUs;
    connections.stream[slot] = stream.slot;
    connections.streams[slot]!++;
    lifecycle.step(stream, LOG_STEPS.connect, 3);
    this.#ctx.observation.connected(stream.serverIndex);
    if (this.#ctx.compression !== null) this.#ctx.compression.onRequest(stream);
    const out = this.#requestHead.write(stream);
    if (out < 0) {
      this.#ctx.front.abort(stream, BY_PROXY, IN_HEADERS, 500);
      return;
    }
    const sent = stream.slot * STREAM_BYTES.columns + STREAM_BYTES.toServer;
    streams.bytes[sent]! += pool.end[out]! - pool.start[out]!;
    transport.queue(slot, out);
    const body = this.#requestHead.bodyBuffer;
    if (body >= 0) {
      streams.bytes[sent]! += pool.end[body]! - pool.start[body]!;
      transport.queue(slot, body);
    }
    if (stream.coding !== null && !this.#answer.encodeRequest(stream)) return;
    transport.flush(slot);
    transport.receive(slot);
    this.#ctx.timers.server(stream, true);
    if (!stream.requestBody.done) this.#pump.request(stream);
    else transport.resume(stream.client);
  }

  onConnected(slot: number, errno: number): void {
    const { connections, streams, dispatch, transport, relay } = this.#ctx;
    const stream = streams.all[connections.stream[slot]!]!;
    if (errno !== 0) {
      stream.serverError = connections.error[slot] || errorOfErrno(errno);
      stream.serverTlsError = transport.tls.errorOf(slot);
      connections.stream[slot] = -1;
      transport.close(slot);
      dispatch.connectFailed(stream, BY_SERVER);
    } else if (!this.#ctx.sendProxy.queue(stream, slot)) dispatch.fail(stream, BY_PROXY);
    else if ((stream.flags & STREAM.http) !== 0) this.#begin(stream, slot);
    else relay.attach(stream, slot);
  }

  /** The new connection speaks HTTP/1, or carries the stream as one of several. */
  #begin(stream: Stream, slot: number): void {
    const { dispatch, http2 } = this.#ctx;
    if (!http2.servers.speaks(stream, slot)) {
      this.attach(stream, slot);
      return;
    }
    const row = http2.servers.connected(stream, slot);
    stream.server = row;
    if (row >= 0) this.attach(stream, row);
    else dispatch.fail(stream, BY_PROXY);
  }

  /** Bytes from the client during an exchange: more of the body, or the next request too early. */
  requestBytes(stream: Stream): void {
    const { transport } = this.#ctx;
    if (!stream.requestBody.done && stream.server >= 0 && stream.state !== STATE.connecting) this.#pump.request(stream);
    else if (stream.state === STATE.inspecting) this.#ctx.routing.resume(stream);
    else if (stream.state === STATE.idle && (stream.flags & STREAM.stats) !== 0) this.#ctx.replies.collect(stream);
    else if (transport.received.holdsSeveral(stream.client)) transport.pause(stream.client);
  }

  pumpResponse(stream: Stream): void {
    if (stream.server >= 0) this.#pump.response(stream);
  }

  /** Whatever happens to a connection that no stream uses: it is out of step and of no use. */
  #dropUnused(slot: number): void {
    if ((this.#ctx.connections.flags[slot]! & IDLE) !== 0) this.#ctx.idlePool.remove(slot);
    this.#ctx.transport.close(slot);
  }

  onReceived(slot: number): void {
    const { connections, streams } = this.#ctx;
    const index = connections.stream[slot]!;
    if (index < 0) {
      this.#dropUnused(slot);
      return;
    }
    const stream = streams.all[index]!;
    if (stream.state === STATE.waiting) {
      this.#ctx.timers.server(stream, true);
      this.#head(stream, slot);
    } else if (stream.state === STATE.responding) this.#pump.response(stream);
    else if (stream.state === STATE.inspectingResponse) this.rules.resume(stream);
  }

  onReceiveEnd(slot: number): void {
    const { connections, streams } = this.#ctx;
    const index = connections.stream[slot]!;
    if (index < 0) {
      this.#dropUnused(slot);
      return;
    }
    const stream = streams.all[index]!;
    if (stream.state === STATE.waiting) {
      // Back-pressure: what was received first is looked at when the client has taken what came before.
      if ((connections.flags[slot]! & PAUSED) === 0) this.#died(stream, slot);
    } else if (stream.state === STATE.responding) this.#pump.response(stream);
    else if (stream.state === STATE.inspectingResponse) this.rules.resume(stream);
  }

  onFailed(slot: number, _errno: number): void {
    const { connections, streams } = this.#ctx;
    const index = connections.stream[slot]!;
    if (index < 0) {
      this.#dropUnused(slot);
      return;
    }
    const stream = streams.all[index]!;
    if (stream.state === STATE.waiting) {
      // What the server said before it reset the connection (a 413 to a body it does not want) still counts.
      if (connections.receiveHead[slot]! >= 0) this.#head(stream, slot);
      else this.#died(stream, slot);
    } else if (stream.state === STATE.inspectingResponse) this.rules.resume(stream);
    else this.#pump.response(stream);
  }

  onSent(slot: number): void {
    const { connections, streams } = this.#ctx;
    const index = connections.stream[slot]!;
    if (index < 0) return;
    const stream = streams.all[index]!;
    this.#ctx.timers.server(stream, true);
    if (!stream.requestBody.done) this.#pump.request(stream);
  }

  /** The connection ended before a response head. */
  #died(stream: Stream, slot: number): void {
    const { connections, transport, dispatch, front } = this.#ctx;
    const said = connections.receiveHead[slot]! >= 0;
    const reused = (stream.flags & STREAM.reused) !== 0;
    if (!reused) this.#ctx.observation.failed(stream.serverIndex, said ? OBSERVED.closed : OBSERVED.readError);
    if (dispatch.retries(stream, said ? RETRY_ON.junkResponse : RETRY_ON.emptyResponse)) return;
    const method = stream.request.method;
    const repeatable = method !== METHOD.post && method !== METHOD.connect && method !== METHOD.other;
    if (reused && repeatable && (stream.flags & STREAM.bodyStarted) === 0) {
      // RFC 9112 9.3.1: the server closed an idle connection while the request was under way; an idempotent one may be repeated.
      connections.stream[slot] = -1;
      stream.server = -1;
      transport.close(slot);
      dispatch.again(stream);
      return;
    }
    this.#ctx.lifecycle.serverFailed(stream);
    // As HAProxy: a later request on a kept-alive connection is closed without a word, so that the client repeats it.
    const silently = reused && (connections.flags[stream.client]! & FIRST_OR_STREAM) === CONNECTION.notFirst;
    front.abort(stream, BY_SERVER, IN_HEADERS, silently ? 0 : 502, this.#clientMayGoOn(stream));
  }

  /** After an error of the server: the client did nothing wrong. */
  #clientMayGoOn(stream: Stream): boolean {
    return (stream.flags & STREAM.closeClient) === 0 && stream.requestBody.done;
  }

  /** Reads heads until the final one; interim ones are passed on. */
  #head(stream: Stream, slot: number): void {
    const { transport, pool, bytes, connections } = this.#ctx;
    const isMultiplexed = (connections.flags[slot]! & CONNECTION.multiplexed) !== 0;
    // After the answer's end the Stream may be another exchange already, that of the next request in the pipeline.
    const generation = stream.generation;
    while (
      stream.generation === generation &&
      stream.state === STATE.waiting &&
      (connections.flags[slot]! & CLOSING) === 0 &&
      connections.receiveHead[slot]! >= 0
    ) {
      const buffer = transport.received.joined(slot);
      if (!transport.received.headMayEnd(slot) && (connections.flags[slot]! & ENDED) === 0) return;
      let result = parseResponse(
        bytes,
        pool.start[buffer]!,
        pool.end[buffer]!,
        stream.response,
        this.#lax[stream.backend] === 1,
      );
      if (result === 0) {
        if (pool.end[buffer]! - pool.start[buffer]! < pool.size && (connections.flags[slot]! & ENDED) === 0) return;
        result = -502;
      } else if (result > 0 && stream.response.end - pool.start[buffer]! > this.#headBytesMax) result = -502;
      if (result > 0) result = frameResponse(bytes, stream.response);
      if (isMultiplexed) stream.response.flags |= MESSAGE.http2;
      const status = stream.response.status;
      // RFC 9110 15.2.2: protocols are only switched to what the client offered and the server names.
      if (result > 0 && status === 101 && !this.#maySwitch(stream)) result = -502;
      if (result < 0) {
        this.#invalid(stream);
        return;
      }
      if (status >= 200 || status === 101) this.rules.begin(stream, buffer);
      else if (connections.sendHead[stream.client]! >= 0) {
        // One interim answer at a time: a client that takes none must not make us keep what the server says.
        connections.headSeenBytes[slot] = 0;
        transport.pause(slot);
        this.#ctx.timers.server(stream, false);
        this.#ctx.timers.client(stream, false);
        return;
      } else this.#interim(stream, buffer, slot);
    }
    // Sent again, the stream waits for another connection.
    const isOurs = stream.generation === generation && stream.server === slot;
    if (isOurs && stream.state === STATE.waiting && (connections.flags[slot]! & ENDED) !== 0) this.#died(stream, slot);
  }

  /** To a protocol that was asked for, when nothing more of HTTP is to come. */
  #maySwitch({ request, requestBody, response }: Stream): boolean {
    if (!requestBody.done || (request.flags & response.flags & MESSAGE.upgrade) === 0) return false;
    return keyIsAnswered(this.#ctx.bytes, request, response);
  }

  /** The client took what was on its way to it: interim answers that waited for that go on. */
  continueHead(stream: Stream): void {
    const { connections, transport, timers } = this.#ctx;
    const slot = stream.server;
    if ((connections.flags[slot]! & PAUSED) === 0 || connections.sendHead[stream.client]! >= 0) return;
    transport.resume(slot);
    timers.server(stream, true);
    this.#head(stream, slot);
  }

  #invalid(stream: Stream): void {
    const { dispatch, front } = this.#ctx;
    this.#ctx.observation.failed(stream.serverIndex, OBSERVED.invalidHead);
    if (dispatch.retries(stream, RETRY_ON.junkResponse)) return;
    this.#ctx.lifecycle.serverFailed(stream);
    this.#ctx.invalidMessages.response(stream);
    front.abort(stream, BY_PROXY, IN_HEADERS, 502, this.#clientMayGoOn(stream));
  }

  /** 100, 103 …: forwarded to clients that know them (RFC 9110 15.2). */
  #interim(stream: Stream, buffer: number, slot: number): void {
    const { pool, transport, streams } = this.#ctx;
    const response = stream.response;
    if ((stream.request.flags & MESSAGE.version11) !== 0) {
      dropFraming(this.#ctx.bytes, response);
      this.#responseHead.frontend = stream.frontend;
      const out = this.#responseHead.write(response, null, 0, 0);
      if (out >= 0) {
        this.#pump.toClient(stream, out);
        transport.flush(stream.client);
      }
    }
    streams.bytes[stream.slot * STREAM_BYTES.columns + STREAM_BYTES.fromServer]! += response.end - pool.start[buffer]!;
    pool.start[buffer] = response.end;
    this.#ctx.connections.headSeenBytes[slot] = 0;
    if (response.end === pool.end[buffer]) {
      transport.received.take(slot);
      pool.free(buffer);
    }
  }

  /** The rules are through with the head: settles framing and connections, forwards it and what came with it. */
  answer(stream: Stream): void {
    const { connections, plan, lifecycle, pool, bytes, log } = this.#ctx;
    const slot = stream.server;
    const buffer = connections.receiveHead[slot]!;
    const response = stream.response;
    const status = response.status;
    if (status === 101 || (stream.request.method === METHOD.connect && status < 300)) {
      this.#tunnel(stream, slot, buffer);
      return;
    }
    const bodiless = (stream.flags & STREAM.noBody) !== 0 || status === 204 || status === 304;
    // Rules made another request of the client's HEAD: what the server sends has to be read.
    const discards = bodiless && status !== 204 && status !== 304 && stream.request.method !== METHOD.head;
    if (status === 204) dropFraming(this.#ctx.bytes, response);
    stream.responseBody.beginResponse(response, bodiless && !discards);
    stream.responseBody.discards = discards;
    const isEncoded = stream.coding !== null && !bodiless && this.#ctx.compression!.prepare(stream);
    stream.responseBody.pass(bytes, response.end, pool.end[buffer]!);
    if (stream.bandwidth !== null)
      this.#ctx.bandwidth.spend(stream, true, stream.responseBody.consumedTo - response.end);
    if (stream.responseBody.failed) {
      // Nothing has been sent yet: better a clean error than an answer that is cut.
      stream.status = stream.responseHeadMs = -1;
      this.#invalid(stream);
      return;
    }
    if (stream.cache !== null && stream.cache.fill >= 0) this.#cachesFirst(stream);
    settleConnections(stream, plan.proxies[stream.backend]!, plan.proxies[stream.frontend]!);
    if (log.when[stream.frontend] === LOG_WHEN.responseHead) lifecycle.log(stream);
    lifecycle.step(stream, LOG_STEPS.response, 4);
    stream.state = STATE.responding;
    if (isEncoded) this.#answer.encode(stream, slot, buffer);
    else this.#answer.forward(stream, slot, buffer);
  }

  /** The body bytes that came with a head that is being cached. */
  #cachesFirst(stream: Stream): void {
    const cache = this.#ctx.cache!;
    if (stream.responseBody.discards) {
      cache.end(stream);
      return;
    }
    cache.beginBody(stream);
    cache.capture(stream, stream.response.end, stream.responseBody.forwardTo);
  }

  /** Switching protocols, or CONNECT accepted: only now may bytes pass that are not HTTP. */
  #tunnel(stream: Stream, slot: number, buffer: number): void {
    const { pool, transport, relay } = this.#ctx;
    const response = stream.response;
    if (stream.request.method === METHOD.connect) dropFraming(this.#ctx.bytes, response);
    this.#responseHead.frontend = stream.frontend;
    const out = this.#responseHead.write(response, null, 0, 0);
    if (out < 0) {
      this.#ctx.front.abort(stream, BY_PROXY, IN_HEADERS, 500);
      return;
    }
    this.#pump.toClient(stream, out);
    pool.start[buffer] = response.end;
    if (response.end === pool.end[buffer]) {
      transport.received.take(slot);
      pool.free(buffer);
    }
    relay.tunnel(stream);
  }

  /** The server ended in the middle of the body: what was promised cannot be kept, the client sees the cut. */
  truncated(stream: Stream): void {
    const { lifecycle, front } = this.#ctx;
    lifecycle.count(lifecycle.serverAt[stream.serverIndex]!, COUNTER.serverAborts);
    lifecycle.count(lifecycle.backendAt[stream.backend]!, COUNTER.serverAborts);
    this.#ctx.observation.failed(stream.serverIndex, OBSERVED.invalidBody);
    front.cut(stream, BY_SERVER, stream.responseBody.failed ? IN_LAST : IN_DATA);
  }

  /** A server connection's timer ran out. */
  onExpired(slot: number): void {
    const { connections, streams, transport, dispatch, front } = this.#ctx;
    const index = connections.stream[slot]!;
    if (index < 0) {
      this.#dropUnused(slot);
      return;
    }
    const stream = streams.all[index]!;
    if (stream.state === STATE.connecting) {
      connections.stream[slot] = -1;
      transport.close(slot);
      dispatch.connectFailed(stream, BY_SERVER_TIMEOUT);
      return;
    }
    if (stream.state === STATE.waiting) {
      this.#ctx.observation.failed(stream.serverIndex, OBSERVED.readTimeout);
      if (dispatch.retries(stream, RETRY_ON.responseTimeout)) return;
    }
    this.#ctx.lifecycle.serverFailed(stream);
    if (stream.state === STATE.waiting)
      front.abort(stream, BY_SERVER_TIMEOUT, IN_HEADERS, 504, this.#clientMayGoOn(stream));
    else front.cut(stream, BY_SERVER_TIMEOUT, IN_DATA);
  }
}
