// Answers of our own: errors, errorfiles, monitor-uri, and what the control plane writes (the statistics page). To the rest of the
// worker they look like a response: status, flags, bytes to the client, end of the exchange. Larger bodies are copied into
// buffers as the client takes them.

import { latin1 } from "../../shared/latin1.ts";
import { COUNTER } from "../shared-state/layout.ts";
import { STATE, STREAM, STREAM_BYTES, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import { questionOf } from "../worker/mailbox.ts";
import { HeadWriter } from "./edit.ts";
import { DEFAULT_MESSAGES, type LocalMessage, messageOf, messageOfErrorFile, RAW_MESSAGES } from "./error-messages.ts";
import { MESSAGE, METHOD } from "./message.ts";
import { parseResponse } from "./parser.ts";
import { ResponseHead } from "./response-head.ts";

const NO_BODY = new Uint8Array(0);
const HTTP_11 = latin1("HTTP/1.1 ");
const CRLF = latin1("\r\n");
const SPACE = latin1(" ");
const CONNECTION_CLOSE = latin1("connection: close\r\n");
const CONNECTION_KEEP_ALIVE = latin1("connection: keep-alive\r\n");

/** Time the control plane has for an answer. */
const ASK_TIMEOUT_MS = 10_000;
/** Buffers of a local body queued at a time. */
const BUFFERS_AHEAD = 2;
const BY_LOCAL = 76; // L
const BY_PROXY = 80; // P
const IN_REQUEST = 82; // R

export class LocalReplies {
  readonly #ctx: WorkerContext;
  readonly #writer: HeadWriter;
  readonly #head: ResponseHead;
  /** Buffer of the answer between `compose` and `finish`. */
  #composing = -1;
  /** An `http-error` is being made. */
  #isMaking = false;
  /** Per proxy: `errorfile`s by status; null: close without an answer. */
  readonly #errorFiles: readonly ReadonlyMap<number, LocalMessage | null>[];
  /** Bodies that are still being copied, by stream slot: a cold path, so a Map. */
  readonly #bodies = new Map<number, { readonly body: Uint8Array; at: number }>();
  /** Questions to the control plane: stream slot and generation by question. */
  readonly #questions = new Map<number, { readonly slot: number; readonly generation: number }>();
  /** Forms whose bytes are still coming, by stream slot. */
  readonly #forms = new Map<number, { readonly proxy: number; readonly access: number }>();
  #nextQuestion = 1;

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
    this.#writer = new HeadWriter(ctx.bytes);
    this.#head = new ResponseHead(ctx);
    this.#errorFiles = ctx.plan.proxies.map(
      (proxy) => new Map(proxy.errorFiles.map((file) => [file.status, messageOfErrorFile(file)])),
    );
  }

  /** Answers with the page for `status`: the backend's errorfile, else the frontend's, else the built-in one. */
  error(stream: Stream, status: number): void {
    if (this.#isMade(stream, status)) return;
    const message = this.#messageFor(stream, status);
    if (message === undefined && (stream.flags & STREAM.badRequest) !== 0) {
      this.#raw(stream, status);
      return;
    }
    const chosen = message === undefined ? DEFAULT_MESSAGES.get(status)! : message;
    // HAProxy's built-in pages for these two announce the end of the connection, whoever sends them.
    if (message === undefined && (status === 400 || status === 408)) stream.flags |= STREAM.closeClient;
    if (chosen === null) {
      this.silence(stream, status);
      return;
    }
    this.send(stream, chosen);
  }

  /** `http-error`: the page is made for the stream. What goes wrong with that is answered by a page that is not. */
  #isMade(stream: Stream, status: number): boolean {
    if (this.#isMaking) return false;
    const { rules } = this.#ctx;
    const own = stream.backend >= 0 ? rules.errorReply(stream.backend, status) : null;
    const hasFile = stream.backend >= 0 && this.#errorFiles[stream.backend]!.has(status);
    const reply = own ?? (hasFile ? null : rules.errorReply(stream.frontend, status));
    if (reply === null) return false;
    this.#isMaking = true;
    reply(stream);
    this.#isMaking = false;
    return true;
  }

  /** undefined: no errorfile for it. */
  #messageFor(stream: Stream, status: number): LocalMessage | null | undefined {
    const own = stream.backend >= 0 ? this.#errorFiles[stream.backend]!.get(status) : undefined;
    return own !== undefined ? own : this.#errorFiles[stream.frontend]!.get(status);
  }

  /** The page for 401 or 407, with the line that asks for a name and a password. */
  challenge(stream: Stream, status: number, line: Uint8Array): void {
    const message = this.#messageFor(stream, status) ?? DEFAULT_MESSAGES.get(status)!;
    this.send(stream, message, line);
  }

  /** Sends a ready message as the response; `line`: a further line of its head. */
  send(stream: Stream, message: LocalMessage, line: Uint8Array | null = null): void {
    const writer = this.compose(stream, message.status, message.reason);
    if (writer === null) return;
    if (line !== null) writer.text(line);
    writer.text(message.headers);
    this.finish(stream, message.body);
  }

  /**
   * Begins an answer that is written piece by piece: the status line stands, header lines (`name: value CRLF`, content-length among
   * them, connection not) may follow, then `finish` or `finishCopied` in the same turn.
   * @returns null: there is no buffer, and the stream is over
   */
  compose(stream: Stream, status: number, reason: Uint8Array): HeadWriter | null {
    // From here on the answer is certain, and what comes out of its end may be the next stream's.
    this.#isMaking = false;
    this.#ctx.dispatch.leave(stream);
    const { pool } = this.#ctx;
    const buffer = this.#prepare(stream, status);
    if (buffer < 0) return null;
    this.#composing = buffer;
    const writer = this.#writer;
    writer.begin(pool.start[buffer]!, pool.offsetOf(buffer) + pool.size);
    writer.text(HTTP_11);
    writer.decimal(status);
    writer.text(SPACE);
    writer.text(reason);
    writer.text(CRLF);
    return writer;
  }

  /** Ends the head of a composed answer and sends it with `body`, which stays as it is until the client has it. */
  finish(stream: Stream, body: Uint8Array): void {
    if (this.#endHead(stream)) this.#deliver(stream, body);
  }

  /** The same for a body [0, length) that will not stay: it goes behind the head, into the same buffer. */
  finishCopied(stream: Stream, body: Uint8Array, length: number): void {
    if (!this.#endHead(stream)) return;
    const { pool } = this.#ctx;
    if (stream.request.method !== METHOD.head) this.#writer.part(body, length);
    if (this.#writer.failed) {
      pool.free(this.#composing);
      this.error(stream, 500);
      return;
    }
    pool.end[this.#composing] = this.#writer.at;
    this.#deliver(stream, NO_BODY);
  }

  /** The end of the head. False: it does not fit into a buffer, and the stream has been dealt with. */
  #endHead(stream: Stream): boolean {
    const { pool } = this.#ctx;
    const writer = this.#writer;
    const buffer = this.#composing;
    const edits = this.#ctx.rules.editsReply(stream);
    const connection = edits ? null : this.#connectionHeader(stream);
    if (connection !== null) writer.text(connection);
    writer.endOfHead();
    if (writer.failed) {
      // Headers that a rule made are too long, or an errorfile's.
      pool.free(buffer);
      if (stream.status === 500) this.#ctx.front.abort(stream, BY_LOCAL, IN_REQUEST, 0);
      else this.error(stream, 500);
      return false;
    }
    pool.end[buffer] = writer.at;
    return !edits || this.#edit(stream, buffer);
  }

  #connectionHeader(stream: Stream): Uint8Array | null {
    if ((stream.flags & STREAM.closeClient) !== 0) return CONNECTION_CLOSE;
    return (stream.request.flags & MESSAGE.version11) === 0 ? CONNECTION_KEEP_ALIVE : null;
  }

  /** `http-after-response` rules edit the composed head, which is read as if a server had sent it. False: the stream has been dealt with. */
  #edit(stream: Stream, buffer: number): boolean {
    const { bytes, pool, rules } = this.#ctx;
    const { response } = stream;
    const isRead = parseResponse(bytes, pool.start[buffer]!, pool.end[buffer]!, response, true) > 0;
    rules.beginResponse(stream, false);
    // A failed rewrite gives an answer of its own, which no rule edits.
    if (isRead && !rules.afterResponse(stream)) {
      pool.free(buffer);
      return false;
    }
    const out = isRead ? this.#head.write(response, this.#connectionHeader(stream), 0, 0) : -1;
    pool.free(buffer);
    if (out < 0) {
      this.#ctx.front.abort(stream, BY_LOCAL, IN_REQUEST, 0);
      return false;
    }
    this.#composing = out;
    this.#writer.begin(pool.end[out]!, pool.offsetOf(out) + pool.size);
    return true;
  }

  /** Sends the composed head, and behind it the body. */
  #deliver(stream: Stream, body: Uint8Array): void {
    const { bytes, caseAdjust, pool } = this.#ctx;
    const head = this.#composing;
    if (caseAdjust.clients[stream.frontend] === 1) caseAdjust.adjust(bytes, pool.start[head]!, pool.end[head]!);
    this.#queue(stream, head);
    this.#bodies.delete(stream.slot);
    if (body.length > 0 && stream.request.method !== METHOD.head) this.#bodies.set(stream.slot, { body, at: 0 });
    stream.state = STATE.local;
    this.#ctx.timers.client(stream, true);
    this.more(stream);
  }

  /** Copies more of the body into buffers while the client takes it; ends the exchange after the last byte. */
  more(stream: Stream): void {
    const { pool, bytes, connections, transport, front } = this.#ctx;
    const pending = this.#bodies.get(stream.slot);
    while (
      pending !== undefined &&
      pending.at < pending.body.length &&
      connections.sendBytes[stream.client]! < BUFFERS_AHEAD * pool.size
    ) {
      const buffer = pool.take();
      if (buffer < 0) break;
      const length = Math.min(pool.size, pending.body.length - pending.at);
      bytes.set(pending.body.subarray(pending.at, pending.at + length), pool.start[buffer]!);
      pool.end[buffer]! += length;
      pending.at += length;
      this.#queue(stream, buffer);
    }
    transport.flush(stream.client);
    if (pending !== undefined && pending.at < pending.body.length) return;
    this.#bodies.delete(stream.slot);
    front.answered(stream);
  }

  /** The answers of the HTTP/1 layer itself (400, 408, 422 …): fixed bytes, then close. */
  #raw(stream: Stream, status: number): void {
    const { pool, transport, front, bytes } = this.#ctx;
    this.#ctx.dispatch.leave(stream);
    const buffer = this.#prepare(stream, status);
    if (buffer < 0) return;
    const text = RAW_MESSAGES.get(status)!;
    bytes.set(text, pool.start[buffer]!);
    pool.end[buffer]! += text.length;
    // Not counted as the stream's bytes: HAProxy sends it before there is one, and logs 0.
    transport.queue(stream.client, buffer);
    transport.flush(stream.client);
    front.answered(stream);
  }

  /** `errorfile N /dev/null`: closes without a word. */
  silence(stream: Stream, status: number): void {
    const { lifecycle, transport, dispatch } = this.#ctx;
    const slot = stream.client;
    this.#isMaking = false;
    dispatch.leave(stream);
    stream.status = status;
    stream.flags |= STREAM.local;
    lifecycle.finish(stream);
    transport.close(slot);
  }

  /** Closes without a word and without a status: a rule rejects, or drops. */
  drop(stream: Stream): void {
    const { lifecycle, transport, dispatch } = this.#ctx;
    const slot = stream.client;
    dispatch.leave(stream);
    stream.flags |= STREAM.local;
    lifecycle.finish(stream);
    transport.close(slot);
  }

  #prepare(stream: Stream, status: number): number {
    const { pool, lifecycle, transport } = this.#ctx;
    stream.status = status;
    stream.flags |= STREAM.local;
    if (!stream.requestBody.done) stream.flags |= STREAM.closeClient;
    const buffer = pool.take();
    if (buffer < 0) {
      const slot = stream.client;
      lifecycle.count(lifecycle.frontendAt[stream.frontend]!, COUNTER.internalErrors);
      lifecycle.finish(stream);
      transport.close(slot);
    }
    return buffer;
  }

  #queue(stream: Stream, buffer: number): void {
    const { transport, pool, streams } = this.#ctx;
    streams.bytes[stream.slot * STREAM_BYTES.columns + STREAM_BYTES.toClient]! +=
      pool.end[buffer]! - pool.start[buffer]!;
    transport.queue(stream.client, buffer);
  }

  /** Asks the control plane for the statistics page of `proxy`. @param access bits of STATS_ACCESS */
  stats(stream: Stream, proxy: number, access: number): void {
    const { lifecycle } = this.#ctx;
    stream.flags |= STREAM.stats;
    lifecycle.count(lifecycle.frontendAt[stream.frontend]!, COUNTER.intercepted);
    if (stream.requestBody.done) this.#ask(stream, proxy, access);
    else {
      // A form whose fields come in a packet of their own: they are put behind the head first.
      this.#forms.set(stream.slot, { proxy, access });
      const timeoutMs = this.#ctx.timeouts[stream.frontend]!.client;
      if (timeoutMs > 0) this.#ctx.wheel.set(stream.client, this.#ctx.clock.nowMs + timeoutMs);
      this.collect(stream);
    }
  }

  /** More bytes of a form. Larger than what fits behind the head it cannot be: HAProxy's limit is its buffer, too. */
  collect(stream: Stream): void {
    const { bytes, connections, front, pool, transport } = this.#ctx;
    const body = stream.requestBody;
    const head = stream.headBuffer;
    const limit = pool.offsetOf(head) + pool.size;
    while (!body.done && connections.receiveHead[stream.client]! >= 0) {
      const buffer = connections.receiveHead[stream.client]!;
      const start = pool.start[buffer]!;
      body.pass(bytes, start, pool.end[buffer]!);
      if (body.failed) {
        front.abort(stream, BY_PROXY, IN_REQUEST, 400);
        return;
      }
      if (pool.end[head]! + body.forwardTo - start > limit) {
        this.#refuseForm(stream);
        return;
      }
      bytes.copyWithin(pool.end[head]!, start, body.forwardTo);
      pool.end[head]! += body.forwardTo - start;
      pool.start[buffer] = body.consumedTo;
      if (body.consumedTo === pool.end[buffer]) pool.free(transport.received.take(stream.client));
    }
    const form = this.#forms.get(stream.slot)!;
    if (body.done) this.#ask(stream, form.proxy, form.access);
    else transport.resume(stream.client);
  }

  /** HAProxy's answer to a form that is too large: the page again, with a word on why nothing was done. */
  #refuseForm(stream: Stream): void {
    const { pathStart, pathEnd } = stream.request;
    const uri = Buffer.from(this.#ctx.bytes.subarray(pathStart, pathEnd)).toString("latin1");
    const headers = [
      ["cache-control", "no-cache"],
      ["content-type", "text/plain"],
      ["location", `${uri};st=EXCD`],
    ] as const;
    this.#ctx.lifecycle.endReason(stream, BY_LOCAL, IN_REQUEST);
    this.send(stream, messageOf(303, headers, new Uint8Array(0)));
  }

  #ask(stream: Stream, proxy: number, access: number): void {
    const { mailbox, wheel, clock, lifecycle } = this.#ctx;
    const id = this.#nextQuestion++;
    stream.state = STATE.asking;
    stream.flags |= STREAM.local;
    lifecycle.endReason(stream, BY_LOCAL, IN_REQUEST);
    this.#questions.set(id, { slot: stream.slot, generation: stream.generation });
    wheel.set(stream.client, clock.nowMs + ASK_TIMEOUT_MS);
    mailbox.post(questionOf(id, proxy, access, stream, this.#ctx));
  }

  /** The control plane's answer; the stream may be gone. */
  answer(id: number, status: number, headers: readonly (readonly [string, string])[], body: Uint8Array): void {
    const question = this.#questions.get(id);
    if (question === undefined) return;
    this.#questions.delete(id);
    const stream = this.#ctx.streams.all[question.slot]!;
    if (stream.generation !== question.generation || stream.state !== STATE.asking) return;
    this.send(stream, messageOf(status, headers, body));
  }
}
