// Compression of bodies on their way (configuration.txt 4.2 "compression", 9.2): which exchanges, what their heads then say, and the bytes.
//
//   request:   onRequest ── algorithm for the answer chosen, Accept-Encoding taken away (offload), its own body maybe encoded
//   response:  select (as the server sent it) ── rules ── prepare (head edited) ── encode … finish ──▶ chunks to the client
//
// A body that is encoded leaves in chunks, whatever framing it came in; its trailers, if it had any, end with it. What a receive brought is flushed
// when nothing more waits behind it, so that nobody waits for bytes that are here. Streams without compression have no Coding.

import { latin1 } from "../../shared/latin1.ts";
import { dropHeader, dropNamed } from "../http1/framing.ts";
import { findHeader } from "../http1/header-lookup.ts";
import { HEADER_INTS, MESSAGE, METHOD, type Message } from "../http1/message.ts";
import type { CompressionDirectionPlan, CompressionPlan } from "../plan/compression.ts";
import { COUNTER } from "../shared-state/layout.ts";
import { STREAM, STREAM_BYTES, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import { ChunkWriter } from "./chunk-writer.ts";
import { CodingSide, StreamCoding } from "./coding.ts";
import { Encoders, FLUSH, formatOf } from "./encoders.ts";
import { CompressionLimits } from "./limits.ts";
import { bestAlgorithm, hasType, isEncoded, isOldBrowser, listHas, mayTransform } from "./negotiate.ts";

const VERSION11 = MESSAGE.version11;
const HAS_LENGTH = MESSAGE.contentLength;
const CHUNKED = MESSAGE.chunked;
/** Statuses whose bodies are encoded: 200 … 203. */
const STATUS_MIN = 200;
const STATUS_MAX = 203;

const QUOTE = 34;

const ACCEPT_ENCODING = latin1("accept-encoding");
const CONTENT_LENGTH = latin1("content-length");
const TRANSFER_ENCODING = latin1("transfer-encoding");
const ETAG = latin1("etag");
const VARY = latin1("vary");
const CHUNKED_LINE = latin1("transfer-encoding: chunked\r\n");
const ETAG_WEAK = latin1("etag: W/");
const VARY_ALONE = latin1("vary: Accept-Encoding\r\n");
const VARY_PREFIX = latin1("vary: ");
const VARY_MORE = latin1(",Accept-Encoding\r\n");
const CONTENT_ENCODING = latin1("content-encoding: ");
const CRLF = latin1("\r\n");

/** One direction between two proxies, compiled. */
interface Direction {
  /** Formats and tokens of the algorithms, in the order of preference. -1: identity. */
  readonly formats: readonly number[];
  readonly tokens: readonly Uint8Array[];
  readonly types: readonly Uint8Array[];
  readonly minSizeBytes: number;
  readonly identity: number;
}

interface Pair {
  readonly request: Direction | null;
  readonly response: Direction | null;
  readonly offload: boolean;
}

export class Compression {
  readonly #ctx: WorkerContext;
  readonly #encoders: Encoders;
  readonly #writer: ChunkWriter;
  readonly #limits: CompressionLimits;
  readonly #plans: readonly (CompressionPlan | null)[];
  /** By frontend and backend, made when a pair first meets. */
  readonly #pairs = new Map<number, Pair | null>();
  readonly #spare: StreamCoding[] = [];
  /** Header lines that the head written next gets: [0, linesBytes). */
  readonly lines: Uint8Array;
  linesBytes = 0;

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
    const limits = ctx.plan.global.compression;
    this.#encoders = new Encoders(ctx.arena, limits, ctx.plan.global.nbthread);
    this.#writer = new ChunkWriter(ctx, this.#encoders);
    this.#limits = new CompressionLimits(ctx, limits);
    this.#plans = ctx.plan.proxies.map(({ compression }) => compression);
    this.lines = new Uint8Array(ctx.plan.global.bufsizeBytes);
  }

  #pairOf(stream: Stream): Pair | null {
    const key = stream.frontend * this.#plans.length + stream.backend;
    let pair = this.#pairs.get(key);
    if (pair === undefined) {
      pair = compilePair(this.#plans[stream.frontend]!, this.#plans[stream.backend]!);
      this.#pairs.set(key, pair);
    }
    return pair;
  }

  // ---- requests ---------------------------------------------------------------------------------------------------

  /** Before the request's head is written for a server, at every attempt. */
  onRequest(stream: Stream): void {
    const pair = this.#pairOf(stream);
    if (stream.coding !== null) this.end(stream);
    if (pair === null) return;
    const coding = this.#spare.pop() ?? new StreamCoding();
    stream.coding = coding;
    this.linesBytes = 0;
    if (pair.response !== null) this.#chooseForResponse(stream, coding, pair.response, pair.offload);
    if (pair.request !== null && this.#mayEncodeRequest(stream, pair.request))
      this.#beginRequest(stream, coding, pair.request);
  }

  #chooseForResponse(stream: Stream, coding: StreamCoding, direction: Direction, offload: boolean): void {
    const { bytes } = this.#ctx;
    const { request } = stream;
    if (isOldBrowser(bytes, request)) return;
    const best = bestAlgorithm(bytes, request, direction.tokens);
    coding.algorithm = best >= 0 ? best : direction.identity;
    if (best >= 0 && offload) dropNamed(bytes, request, ACCEPT_ENCODING);
  }

  #mayEncodeRequest(stream: Stream, direction: Direction): boolean {
    const { bytes } = this.#ctx;
    const { request } = stream;
    if ((request.flags & VERSION11) === 0 || request.method === METHOD.head || isEncoded(bytes, request)) return false;
    if ((request.flags & CHUNKED) === 0 && request.contentLength <= 0) return false;
    if ((request.flags & HAS_LENGTH) !== 0 && request.contentLength < direction.minSizeBytes) return false;
    // Bytes of the body that passed already, or will pass without us, cannot be encoded.
    if ((stream.flags & STREAM.bodyStarted) !== 0 || (request.flags & MESSAGE.upgrade) !== 0) return false;
    return hasType(bytes, request, direction.types) && this.#limits.allow();
  }

  #beginRequest(stream: Stream, coding: StreamCoding, direction: Direction): void {
    const { bytes, pool } = this.#ctx;
    const { request, requestBody } = stream;
    // What came with the head was passed with its framing: only bodies of a known length, or that begin later, are begun here.
    const head = stream.headBuffer;
    if ((request.flags & CHUNKED) !== 0 && pool.end[head]! > pool.start[head]!) return;
    const last = direction.formats.length - 1;
    if (!this.#begin(coding.request, direction.formats[last]!)) return;
    requestBody.strips = true;
    dropNamed(bytes, request, CONTENT_LENGTH);
    dropNamed(bytes, request, TRANSFER_ENCODING);
    this.#line(CHUNKED_LINE);
    this.#encodingLine(direction, last);
  }

  // ---- responses --------------------------------------------------------------------------------------------------

  /** Looks at the final head as the server sent it, before rules change it. */
  select(stream: Stream): void {
    const coding = stream.coding;
    if (coding === null || coding.algorithm < 0) return;
    const direction = this.#pairOf(stream)!.response!;
    if (!this.#mayEncodeResponse(stream, direction)) coding.algorithm = -1;
  }

  #mayEncodeResponse(stream: Stream, direction: Direction): boolean {
    const { bytes } = this.#ctx;
    const { request, response } = stream;
    if ((request.flags & response.flags & VERSION11) === 0 || (stream.flags & STREAM.noBody) !== 0) return false;
    if (response.status < STATUS_MIN || response.status > STATUS_MAX) return false;
    if (request.method === METHOD.connect || (response.flags & (CHUNKED | HAS_LENGTH)) === 0) return false;
    if ((response.flags & CHUNKED) === 0 && response.contentLength === 0) return false;
    if ((response.flags & (CHUNKED | HAS_LENGTH)) === HAS_LENGTH && response.contentLength < direction.minSizeBytes)
      return false;
    if (isEncoded(bytes, response) || !mayTransform(bytes, response)) return false;
    return hasType(bytes, response, direction.types) && this.#limits.allow();
  }

  /**
   * After the rules, with the body's framing known: edits the head. True: the body is encoded, `lines` are to be added to the head, and bytes go through
   * `encode`.
   */
  prepare(stream: Stream): boolean {
    const coding = stream.coding;
    if (coding === null || coding.algorithm < 0) return false;
    const direction = this.#pairOf(stream)!.response!;
    if (!this.#begin(coding.response, direction.formats[coding.algorithm]!)) return false;
    const { bytes } = this.#ctx;
    const { response } = stream;
    this.linesBytes = 0;
    dropNamed(bytes, response, CONTENT_LENGTH);
    dropNamed(bytes, response, TRANSFER_ENCODING);
    this.#line(CHUNKED_LINE);
    this.#weakenTag(response);
    this.#vary(response);
    this.#encodingLine(direction, coding.algorithm);
    stream.responseBody.strips = true;
    this.#count(stream, COUNTER.compressedResponses, 1);
    return true;
  }

  /** Another representation of the resource: a strong ETag would lie (RFC 9110 8.8.1). */
  #weakenTag(response: Message): void {
    const { bytes } = this.#ctx;
    const index = findHeader(bytes, response, ETAG);
    if (index < 0) return;
    const start = response.headers[index * HEADER_INTS + 2]!;
    const end = response.headers[index * HEADER_INTS + 3]!;
    if (bytes[start] !== QUOTE) return;
    this.#line(ETAG_WEAK);
    this.#copy(start, end);
    this.#line(CRLF);
    dropNamed(bytes, response, ETAG);
  }

  #vary(response: Message): void {
    const { bytes } = this.#ctx;
    let last = -1;
    for (
      let index = findHeader(bytes, response, VARY);
      index >= 0;
      index = findHeader(bytes, response, VARY, index + 1)
    ) {
      const start = response.headers[index * HEADER_INTS + 2]!;
      const end = response.headers[index * HEADER_INTS + 3]!;
      if (listHas(bytes, start, end, ACCEPT_ENCODING)) return;
      if (end > start) last = index;
    }
    if (last < 0) {
      dropNamed(bytes, response, VARY);
      this.#line(VARY_ALONE);
      return;
    }
    this.#line(VARY_PREFIX);
    this.#copy(response.headers[last * HEADER_INTS + 2]!, response.headers[last * HEADER_INTS + 3]!);
    this.#line(VARY_MORE);
    dropHeader(response, last);
  }

  #encodingLine(direction: Direction, algorithm: number): void {
    if (direction.formats[algorithm]! < 0) return;
    this.#line(CONTENT_ENCODING);
    this.#line(direction.tokens[algorithm]!);
    this.#line(CRLF);
  }

  #line(text: Uint8Array): void {
    if (this.linesBytes + text.length > this.lines.length) return;
    this.lines.set(text, this.linesBytes);
    this.linesBytes += text.length;
  }

  #copy(start: number, end: number): void {
    const { bytes } = this.#ctx;
    for (let at = start; at < end && this.linesBytes < this.lines.length; at++)
      this.lines[this.linesBytes++] = bytes[at]!;
  }

  // ---- bytes ------------------------------------------------------------------------------------------------------

  #begin(side: CodingSide, format: number): boolean {
    side.encoder = format < 0 ? CodingSide.IDENTITY : this.#encoders.begin(format);
    side.out = -1;
    side.isDirty = false;
    return side.encoder !== -1;
  }

  /** Encodes body bytes [start, end) of a response and queues what comes out. False: there is no buffer, or the encoder is broken. */
  response(stream: Stream, start: number, end: number): boolean {
    this.#count(stream, COUNTER.compressedBytesIn, end - start);
    this.#limits.count(end - start);
    return this.#writer.write(
      stream,
      stream.coding!.response,
      stream.client,
      STREAM_BYTES.toClient,
      start,
      end,
      FLUSH.none,
    );
  }

  request(stream: Stream, start: number, end: number): boolean {
    this.#limits.count(end - start);
    return this.#writer.write(
      stream,
      stream.coding!.request,
      stream.server,
      STREAM_BYTES.toServer,
      start,
      end,
      FLUSH.none,
    );
  }

  /** Brings out what was taken in; `isLast`: and the end of the body. */
  flushResponse(stream: Stream, isLast: boolean): boolean {
    const flush = isLast ? FLUSH.finish : FLUSH.sync;
    return this.#writer.write(stream, stream.coding!.response, stream.client, STREAM_BYTES.toClient, 0, 0, flush);
  }

  flushRequest(stream: Stream, isLast: boolean): boolean {
    const flush = isLast ? FLUSH.finish : FLUSH.sync;
    return this.#writer.write(stream, stream.coding!.request, stream.server, STREAM_BYTES.toServer, 0, 0, flush);
  }

  #count(stream: Stream, column: number, value: number): void {
    const { lifecycle } = this.#ctx;
    lifecycle.add(lifecycle.frontendAt[stream.frontend]!, column, value);
    lifecycle.add(lifecycle.backendAt[stream.backend]!, column, value);
  }

  /** The stream is over, or its request is sent anew. */
  end(stream: Stream): void {
    const coding = stream.coding!;
    stream.coding = null;
    for (const side of [coding.request, coding.response]) {
      if (side.encoder >= 0) this.#encoders.end(side.encoder);
      if (side.out >= 0) this.#ctx.pool.free(side.out);
      side.encoder = -1;
      side.out = -1;
    }
    coding.algorithm = -1;
    stream.requestBody.strips = stream.responseBody.strips = false;
    this.#spare.push(coding);
  }

  /** Gives the encoders' memory back; for a worker that ends. */
  destroy(): void {
    this.#encoders.destroy();
  }
}

function compilePair(frontend: CompressionPlan | null, backend: CompressionPlan | null): Pair | null {
  const request = compileDirection(backend?.request ?? null, frontend?.request ?? null);
  const response = compileDirection(backend?.response ?? null, frontend?.response ?? null);
  if (request === null && response === null) return null;
  return { request, response, offload: (backend?.offload ?? false) || (frontend?.offload ?? false) };
}

/** The backend has the first word on each setting, as in HAProxy. */
function compileDirection(
  backend: CompressionDirectionPlan | null,
  frontend: CompressionDirectionPlan | null,
): Direction | null {
  const algorithms = backend?.algorithms.length ? backend.algorithms : (frontend?.algorithms ?? []);
  if (algorithms.length === 0) return null;
  const types = backend?.types.length ? backend.types : (frontend?.types ?? []);
  return {
    formats: algorithms.map((algorithm) => (algorithm === "identity" ? -1 : formatOf(algorithm))),
    tokens: algorithms.map((algorithm) => latin1(algorithm === "raw-deflate" ? "deflate" : algorithm)),
    types: types.map((type) => latin1(type)),
    minSizeBytes: backend?.minSizeBytes || frontend?.minSizeBytes || 0,
    identity: algorithms.indexOf("identity"),
  };
}
