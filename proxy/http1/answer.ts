// The final response on its way to the client: its head as it came or edited, and behind it the first bytes of the body (and the first bytes of a
// request's body, where that is compressed). What comes later is pump.ts's; heads that are not final, and what may go wrong before one is there, are back.ts's.

import { STATE, STREAM, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import { isCanonical } from "./edit.ts";
import type { Pump } from "./pump.ts";
import { connectionHeader, type ResponseHead } from "./response-head.ts";

const BY_PROXY = 80; // P
const IN_HEADERS = 72; // H
const IN_DATA = 68; // D

export class Answer {
  readonly #ctx: WorkerContext;
  readonly #pump: Pump;
  readonly #responseHead: ResponseHead;

  constructor(ctx: WorkerContext, pump: Pump, responseHead: ResponseHead) {
    this.#ctx = ctx;
    this.#pump = pump;
    this.#responseHead = responseHead;
  }

  /** Sends the head, edited if it has to be, and the body bytes behind it. */
  forward(stream: Stream, slot: number, buffer: number): void {
    const { pool, bytes, transport } = this.#ctx;
    const response = stream.response;
    const addition = connectionHeader(stream);
    transport.received.take(slot);
    this.#responseHead.frontend = stream.frontend;
    if (stream.responseBody.consumedTo < pool.end[buffer]!) stream.flags &= ~STREAM.keepServer;
    const isAdjusted = this.#ctx.caseAdjust.clients[stream.frontend] === 1;
    if (addition === null && !isAdjusted && isCanonical(bytes, response) && response.reasonEnd > response.reasonStart) {
      pool.start[buffer] = response.start;
      pool.end[buffer] = stream.responseBody.forwardTo;
      this.#pump.toClient(stream, buffer);
    } else if (!this.#edited(stream, buffer, addition)) return;
    if (stream.responseEditBuffer >= 0) this.#ctx.lifecycle.forgetResponseEdits(stream);
    this.#pump.afterResponse(stream);
  }

  /** The same for a body that is compressed: the edited head, and the first bytes through the encoder. */
  encode(stream: Stream, slot: number, buffer: number): void {
    const { pool, transport, front } = this.#ctx;
    const compression = this.#ctx.compression!;
    const { response, responseBody } = stream;
    transport.received.take(slot);
    if (responseBody.consumedTo < pool.end[buffer]!) stream.flags &= ~STREAM.keepServer;
    const addition = connectionHeader(stream);
    this.#responseHead.frontend = stream.frontend;
    const out = this.#responseHead.write(response, addition, 0, 0, compression.lines, compression.linesBytes);
    if (out < 0) {
      pool.free(buffer);
      stream.state = STATE.waiting;
      front.abort(stream, BY_PROXY, IN_HEADERS, 502);
      return;
    }
    this.#pump.toClient(stream, out);
    const isTaken = compression.response(stream, response.end, responseBody.forwardTo);
    pool.free(buffer);
    if (isTaken) this.#pump.afterResponse(stream);
    else front.cut(stream, BY_PROXY, IN_DATA);
  }

  /** The body bytes that came with the request's head, if it is compressed. False: that cannot be done, and the stream is over. */
  encodeRequest(stream: Stream): boolean {
    const { compression, pool } = this.#ctx;
    if (stream.coding!.request.encoder === -1) return true;
    const head = stream.headBuffer;
    const isTaken =
      compression!.request(stream, pool.start[head]!, pool.end[head]!) &&
      (!stream.requestBody.done || compression!.flushRequest(stream, true));
    if (!isTaken) this.#ctx.front.abort(stream, BY_PROXY, IN_HEADERS, 500);
    return isTaken;
  }

  #edited(stream: Stream, buffer: number, addition: Uint8Array | null): boolean {
    const { pool, front } = this.#ctx;
    const response = stream.response;
    const bodyEnd = stream.responseBody.forwardTo;
    const out = this.#responseHead.write(response, addition, response.end, bodyEnd);
    if (out < 0) {
      pool.free(buffer);
      stream.state = STATE.waiting;
      front.abort(stream, BY_PROXY, IN_HEADERS, 502);
      return false;
    }
    this.#pump.toClient(stream, out);
    if (this.#responseHead.copied) pool.free(buffer);
    else {
      pool.start[buffer] = response.end;
      pool.end[buffer] = bodyEnd;
      this.#pump.toClient(stream, buffer);
    }
    return true;
  }
}
