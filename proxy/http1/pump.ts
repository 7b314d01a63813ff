// Moves bodies: from the client's receive queue to the server's send queue and back, buffer by buffer without copying, as far as the
// message goes. Back-pressure: when more than HIGH bytes wait to be sent, the other side is not read any more.
//
// A buffer changes hands whole when all of it belongs to the message; only a message that ends in the middle of one costs a copy.

import { CONNECTION } from "../connection/table.ts";
import { progress } from "../stream/progress.ts";
import { STREAM, STREAM_BYTES, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";

const READ_CLOSED = CONNECTION.readClosed;
/** Rows without a socket of their own: the cache's, and streams of HTTP/2. */
const SHARED = CONNECTION.virtual | CONNECTION.multiplexed;
/** Buffers that may wait to be sent before the other side is held back: enough for the next gather while one is under way. One when buffers are scarce. */
const BUFFERS_QUEUED_MAX = 8;

/** No bandwidth limit: more than any buffer holds. */
const ANY = 2 ** 30;

const BY_PROXY = 80; // P
const BY_CLIENT = 67; // C
const IN_DATA = 68; // D

export class Pump {
  readonly #ctx: WorkerContext;
  readonly #high: number;

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
    this.#high = ctx.pool.size * BUFFERS_QUEUED_MAX;
  }

  /** Client → server. */
  request(stream: Stream): void {
    const { connections, transport, pool, bytes, streams, front, timers } = this.#ctx;
    const body = stream.requestBody;
    const { client, server } = stream;
    const count = stream.slot * STREAM_BYTES.columns;
    const high = pool.isScarce ? 1 : this.#high;
    const isEncoded = stream.coding !== null && stream.coding.request.encoder !== -1;
    let moved = false;
    let allowed = stream.bandwidth === null ? ANY : this.#ctx.bandwidth.allowance(stream, false);
    while (
      !body.done &&
      connections.receiveHead[client]! >= 0 &&
      connections.sendBytes[server]! < high &&
      allowed > 0
    ) {
      const buffer = connections.receiveHead[client]!;
      const start = pool.start[buffer]!;
      body.pass(bytes, start, Math.min(pool.end[buffer]!, start + allowed));
      if (stream.bandwidth !== null) allowed = this.#spend(stream, false, body.consumedTo - start);
      streams.bytes[count + STREAM_BYTES.fromClient]! += body.consumedTo - start;
      if (!isEncoded) streams.bytes[count + STREAM_BYTES.toServer]! += body.forwardTo - start;
      stream.flags |= STREAM.bodyStarted;
      if (body.failed) {
        front.abort(stream, BY_PROXY, progress(stream), 400);
        return;
      }
      const isPassed = isEncoded
        ? this.#ctx.compression!.request(stream, start, body.forwardTo) &&
          this.#consume(client, buffer, body.consumedTo)
        : this.#passOn(client, server, buffer);
      if (!isPassed) {
        front.abort(stream, BY_PROXY, IN_DATA, 500);
        return;
      }
      moved = true;
    }
    if (isEncoded && moved && !this.#ctx.compression!.flushRequest(stream, body.done)) {
      front.abort(stream, BY_PROXY, IN_DATA, 500);
      return;
    }
    transport.flush(server);
    if (!body.done && connections.receiveHead[client]! >= 0) transport.pause(client);
    else if (!body.done && (connections.flags[client]! & READ_CLOSED) !== 0) {
      front.abort(stream, BY_CLIENT, progress(stream), 400);
      return;
    } else transport.resume(client);
    timers.client(stream, moved);
    timers.server(stream, false);
  }

  /** That many bytes pass; how many more may now. */
  #spend(stream: Stream, isOut: boolean, bytes: number): number {
    const { bandwidth } = this.#ctx;
    bandwidth.spend(stream, isOut, bytes);
    return bandwidth.allowance(stream, isOut);
  }

  /** Gives `forwardTo` bytes of the head buffer to the other side; what the message does not cover stays at the head. */
  #passOn(from: number, to: number, buffer: number): boolean {
    const { transport, pool, bytes, streams, connections } = this.#ctx;
    const stream = streams.all[connections.stream[from]!]!;
    const body = from === stream.client ? stream.requestBody : stream.responseBody;
    if (body.consumedTo === pool.end[buffer]!) {
      transport.received.take(from);
      pool.end[buffer] = body.forwardTo;
      if (pool.start[buffer] === body.forwardTo) pool.free(buffer);
      else transport.queue(to, buffer);
      return true;
    }
    const length = body.forwardTo - pool.start[buffer]!;
    if (length > 0) {
      const part = pool.take();
      if (part < 0) return false;
      bytes.copyWithin(pool.start[part]!, pool.start[buffer]!, body.forwardTo);
      pool.end[part]! += length;
      transport.queue(to, part);
    }
    pool.start[buffer] = body.consumedTo;
    return true;
  }

  /** Bytes up to `to` of the first received buffer are used up. */
  #consume(slot: number, buffer: number, to: number): boolean {
    const { pool, transport } = this.#ctx;
    pool.start[buffer] = to;
    if (to === pool.end[buffer]) pool.free(transport.received.take(slot));
    return true;
  }

  /** Queues a buffer to the client and counts it. */
  toClient(stream: Stream, buffer: number): void {
    const { transport, pool, streams } = this.#ctx;
    const length = pool.end[buffer]! - pool.start[buffer]!;
    if (length === 0) {
      pool.free(buffer);
      return;
    }
    streams.bytes[stream.slot * STREAM_BYTES.columns + STREAM_BYTES.toClient]! += length;
    transport.queue(stream.client, buffer);
  }

  /** Server → client: what has been received, up to the limit. */
  response(stream: Stream): void {
    const { connections, pool, bytes, streams, front, timers } = this.#ctx;
    const body = stream.responseBody;
    const { client, server } = stream;
    const count = stream.slot * STREAM_BYTES.columns;
    const high = pool.isScarce ? 1 : this.#high;
    const isEncoded = stream.coding !== null && stream.coding.response.encoder !== -1;
    let moved = false;
    let allowed = stream.bandwidth === null ? ANY : this.#ctx.bandwidth.allowance(stream, true);
    while (
      !body.done &&
      (connections.receiveHead[server]! >= 0 || this.#refills(stream)) &&
      connections.sendBytes[client]! < high &&
      allowed > 0
    ) {
      const buffer = connections.receiveHead[server]!;
      const start = pool.start[buffer]!;
      body.pass(bytes, start, Math.min(pool.end[buffer]!, start + allowed));
      if (stream.bandwidth !== null) allowed = this.#spend(stream, true, body.consumedTo - start);
      streams.bytes[count + STREAM_BYTES.fromServer]! += body.consumedTo - start;
      if (stream.cache !== null && stream.cache.fill >= 0) this.#ctx.cache!.capture(stream, start, body.forwardTo);
      if (!isEncoded) streams.bytes[count + STREAM_BYTES.toClient]! += body.forwardTo - start;
      const isPassed = isEncoded
        ? this.#ctx.compression!.response(stream, start, body.forwardTo) &&
          this.#consume(server, buffer, body.consumedTo)
        : this.#passOn(server, client, buffer);
      if (!isPassed) {
        front.cut(stream, BY_PROXY, IN_DATA);
        return;
      }
      moved = true;
      if (body.failed) break;
    }
    if (moved) timers.server(stream, true);
    this.afterResponse(stream);
  }

  /** After bytes of the response were queued: sends them, and looks whether the response has come to its end. */
  afterResponse(stream: Stream): void {
    const { connections, transport, back, timers } = this.#ctx;
    const body = stream.responseBody;
    const { client, server } = stream;
    if (stream.coding !== null && stream.coding.response.encoder !== -1 && !this.#bringOut(stream)) return;
    transport.flush(client);
    if (body.failed) {
      back.truncated(stream);
      return;
    }
    if (body.done) {
      this.#done(stream);
      return;
    }
    if (connections.receiveHead[server]! >= 0) transport.pause(server);
    else if ((connections.flags[server]! & READ_CLOSED) !== 0) {
      if (body.peerClosed()) this.#done(stream);
      else back.truncated(stream);
      return;
    } else if ((connections.flags[server]! & CONNECTION.failed) !== 0) {
      back.truncated(stream);
      return;
    } else transport.resume(server);
    timers.client(stream, false);
    timers.server(stream, false);
  }

  /** What comes from the cache comes as it is wanted. */
  #refills(stream: Stream): boolean {
    return stream.cache !== null && stream.cache.entry >= 0 && this.#ctx.cache!.fill(stream);
  }

  /** What the encoder holds goes out when nothing waits behind it, and with the end of the body. False: it cannot, and the answer is cut. */
  #bringOut(stream: Stream): boolean {
    const { connections, front } = this.#ctx;
    const body = stream.responseBody;
    if (body.failed || (!body.done && connections.receiveHead[stream.server]! >= 0)) return true;
    if (this.#ctx.compression!.flushResponse(stream, body.done)) return true;
    front.cut(stream, BY_PROXY, IN_DATA);
    return false;
  }

  /** The last byte of the response is queued: the server's connection goes to the pool or away, the client's side goes on. */
  #done(stream: Stream): void {
    const { connections, transport, idlePool, wheel, clock, plan, dispatch, front } = this.#ctx;
    const slot = stream.server;
    const server = stream.serverIndex;
    if (stream.cache !== null && stream.cache.fill >= 0) this.#ctx.cache!.complete(stream);
    const healthy =
      (stream.flags & STREAM.keepServer) !== 0 &&
      stream.requestBody.done &&
      connections.receiveHead[slot]! < 0 &&
      (connections.flags[slot]! & (READ_CLOSED | CONNECTION.failed | CONNECTION.outputFailed | SHARED)) === 0 &&
      connections.sendHead[slot]! < 0;
    stream.server = -1;
    stream.formerServer = slot;
    stream.formerGeneration = connections.generation[slot]!;
    connections.stream[slot] = -1;
    if (healthy && idlePool.put(server, slot, stream.client)) {
      const purgeMs = plan.servers[server]!.poolPurgeDelayMs;
      if (purgeMs > 0) wheel.set(slot, clock.nowMs + purgeMs);
      else wheel.clear(slot);
      transport.resume(slot);
    } else transport.close(slot);
    dispatch.releaseSlot(stream);
    if (!stream.requestBody.done) stream.flags |= STREAM.closeClient;
    front.answered(stream);
  }
}
