// The response head as the client gets it: the server's, plus what the client's connection wants said. Small bodies that came with
// the head are written behind it, so that most answers leave in one buffer. When a head is sent is back.ts.

import { latin1 } from "../../shared/latin1.ts";
import type { ProxyPlan } from "../plan/plan.ts";
import { STREAM, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import { BODY } from "./body.ts";
import { HeadWriter } from "./edit.ts";
import { standardReason } from "./error-messages.ts";
import { MESSAGE, type Message } from "./message.ts";

const VERSION11 = MESSAGE.version11;
const CONNECTION_CLOSE = latin1("connection: close\r\n");
const CONNECTION_KEEP_ALIVE = latin1("connection: keep-alive\r\n");

/** Body bytes up to this many are copied behind an edited head; more go out of their own buffer in the same sendmsg. */
const COPY_BYTES_MAX = 4096;

/** HAProxy's rule for what the client is told: the versions of both sides and what becomes of the connection. */
export function connectionHeader(stream: Stream): Uint8Array | null {
  const close = (stream.flags & STREAM.closeClient) !== 0;
  if ((stream.response.flags & VERSION11) === 0) return close ? null : CONNECTION_KEEP_ALIVE;
  if (close) return CONNECTION_CLOSE;
  return (stream.request.flags & VERSION11) === 0 ? CONNECTION_KEEP_ALIVE : null;
}

/** Which connections may live on after this response. */
export function settleConnections(stream: Stream, backend: ProxyPlan, frontend: ProxyPlan): void {
  const flags = stream.response.flags;
  const body = stream.responseBody;
  const keepAlive =
    (flags & VERSION11) !== 0
      ? (flags & MESSAGE.connectionClose) === 0
      : (flags & (MESSAGE.connectionKeepAlive | MESSAGE.connectionClose)) === MESSAGE.connectionKeepAlive;
  const mode = backend.backend!.connectionMode;
  if (
    keepAlive &&
    body.kind !== BODY.close &&
    (stream.request.flags & MESSAGE.headEdited) === 0 &&
    mode === "keep-alive" &&
    frontend.frontend!.connectionMode !== "server-close"
  )
    stream.flags |= STREAM.keepServer;
  // Until close on one side is until close on the other; so is chunked from HTTP/1.0, which has no such thing.
  if (body.kind === BODY.close || ((flags & MESSAGE.chunked) !== 0 && (flags & stream.request.flags & VERSION11) === 0))
    stream.flags |= STREAM.closeClient;
}

export class ResponseHead {
  readonly #ctx: WorkerContext;
  readonly #writer: HeadWriter;
  /** The last `write` took the body bytes along. */
  copied = false;
  /** The frontend of the client that gets what is written next. */
  frontend = 0;

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
    this.#writer = new HeadWriter(ctx.bytes);
  }

  /**
   * Writes the head, with `addition` and lines[0, linesBytes) as its last lines, and the body bytes [bodyStart, bodyEnd) if they are few.
   * @returns the buffer; -1: it does not fit into one, or there is none
   */
  write(
    response: Message,
    addition: Uint8Array | null,
    bodyStart: number,
    bodyEnd: number,
    lines: Uint8Array | null = null,
    linesBytes = 0,
  ): number {
    const { pool } = this.#ctx;
    const writer = this.#writer;
    const out = pool.take();
    if (out < 0) return -1;
    const limit = pool.offsetOf(out) + pool.size;
    writer.begin(pool.start[out]!, limit);
    writer.statusLine(response, standardReason(response.status));
    writer.headers(response);
    if (lines !== null) writer.part(lines, linesBytes);
    if (addition !== null) writer.text(addition);
    writer.endOfHead();
    const { bytes, caseAdjust } = this.#ctx;
    if (caseAdjust.clients[this.frontend] === 1) caseAdjust.adjust(bytes, pool.start[out]!, writer.at);
    if (writer.failed) {
      pool.free(out);
      return -1;
    }
    const bodyBytes = bodyEnd - bodyStart;
    this.copied = bodyBytes <= COPY_BYTES_MAX && bodyBytes <= limit - writer.at;
    if (this.copied && bodyBytes > 0) writer.copy(bodyStart, bodyEnd);
    pool.end[out] = writer.at;
    return out;
  }
}
