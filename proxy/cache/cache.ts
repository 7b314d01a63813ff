// Caches of one worker (configuration.txt 6): `cache-use` looks for the request's object, `cache-store` begins to keep the response, the body is copied
// as it passes. What is found is served as if a server had sent it: the stored head and body come out of a row that has no socket, so that rules,
// compression, logs and back-pressure know no difference.
//
//   cache-use ─▶ found ─▶ (rules go on) ─▶ serve ─▶ http1/back.ts … pump.ts ◀── fill
//        └─▶ key ─▶ server answers ─▶ cache-store ─▶ capture … complete ─▶ the next one finds it
//
// The store is shared by all workers (store.ts); what may be stored is policy.ts.

import { latin1 } from "../../shared/latin1.ts";
import { BODY } from "../http1/body.ts";
import { HeadWriter } from "../http1/edit.ts";
import { standardReason } from "../http1/error-messages.ts";
import { dropNamed } from "../http1/framing.ts";
import { findHeader } from "../http1/header-lookup.ts";
import { HEADER_INTS, MESSAGE, METHOD } from "../http1/message.ts";
import { Words64 } from "../sample/words64.ts";
import { xxh64 } from "../sample/xxh.ts";
import { COUNTER } from "../shared-state/layout.ts";
import type { Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import * as policy from "./policy.ts";
import { CacheServer } from "./server.ts";
import { CacheStore, ENTRY, storedText, VARY } from "./store.ts";
import { CacheUse } from "./use.ts";

const VERSION11 = MESSAGE.version11;
const CHUNKED = MESSAGE.chunked;
const HAS_LENGTH = MESSAGE.contentLength;

const HTTP = latin1("http://");
const HTTPS = latin1("https://");
const HOST = latin1("host");
const AGE = latin1("age");
const ETAG = latin1("etag");
const REFERER = latin1("referer");
const ORIGIN = latin1("origin");
const CRLF = latin1("\r\n");
const LAST_CHUNK = latin1("0\r\n\r\n");

export class Cache {
  readonly stores: readonly CacheStore[];
  readonly #ctx: WorkerContext;
  readonly #writer: HeadWriter;
  readonly #spare: CacheUse[] = [];
  readonly #server: CacheServer;
  readonly #hash = new Words64();
  readonly #seed = new Words64();

  constructor(ctx: WorkerContext, buffers: readonly SharedArrayBuffer[]) {
    this.#ctx = ctx;
    this.#writer = new HeadWriter(ctx.bytes);
    this.stores = ctx.plan.caches.map(
      (plan, index) => new CacheStore(plan, buffers[index]!, ctx.plan.global.nbthread, ctx.worker),
    );
    this.#server = new CacheServer(ctx, this.stores);
  }

  // ---- requests -----------------------------------------------------------------------------------------------------

  /** `http-request cache-use`: makes the key, and looks for the object unless the request forbids it. */
  use(stream: Stream, cache: number, proxy: number): void {
    const { bytes, clock } = this.#ctx;
    const { request } = stream;
    const store = this.stores[cache]!;
    if (stream.cache !== null && stream.cache.entry >= 0) return;
    if (stream.cache === null) stream.cache = this.#spare.pop() ?? new CacheUse();
    const use = stream.cache;
    use.cache = cache;
    const allowed = policy.requestPolicy(bytes, request);
    use.mayStore = allowed.mayStore;
    this.#makeKey(stream, use, store);
    const isUsable = request.method === METHOD.get || request.method === METHOD.head;
    if (!isUsable || (request.flags & VERSION11) === 0 || !allowed.mayUse) return;
    this.#count(stream, proxy, COUNTER.cacheLookups);
    const entry = store.find(use, clock.wallSeconds());
    if (entry < 0) return;
    this.#count(stream, proxy, COUNTER.cacheHits);
    use.entry = entry;
    const at = store.at(entry);
    use.isNotModified = policy.isNotModified(
      bytes,
      request,
      this.#etagOf(store, entry),
      store.words[at + ENTRY.lastModified]!,
    );
  }

  #count(stream: Stream, proxy: number, column: number): void {
    const { lifecycle } = this.#ctx;
    lifecycle.count(proxy === stream.frontend ? lifecycle.frontendAt[proxy]! : lifecycle.backendAt[proxy]!, column);
  }

  /** The target URI: scheme, host and path with the query. The secondary key is made of what `process-vary` looks at. */
  #makeKey(stream: Stream, use: CacheUse, store: CacheStore): void {
    const { bytes, connections } = this.#ctx;
    const { request } = stream;
    const host = findHeader(bytes, request, HOST);
    const hostStart = host < 0 ? 0 : request.headers[host * HEADER_INTS + 2]!;
    const hostEnd = host < 0 ? 0 : request.headers[host * HEADER_INTS + 3]!;
    // What clients see over TLS and without it may differ.
    const scheme = connections.isEncrypted(stream.client) ? HTTPS : HTTP;
    const needed = scheme.length + 1 + hostEnd - hostStart + request.pathEnd - request.pathStart;
    if (needed > use.key.length) use.key = new Uint8Array(needed * 2);
    const { key } = use;
    let length = 0;
    for (const byte of scheme) key[length++] = byte;
    for (let at = hostStart; at < hostEnd; at++) {
      const byte = bytes[at]!;
      key[length++] = byte >= 65 && byte <= 90 ? byte + 32 : byte;
    }
    for (let at = request.pathStart; at < request.pathEnd; at++) key[length++] = bytes[at]!;
    use.keyBytes = length;
    this.#seed.set(store.seed, 0);
    xxh64(key, 0, length, this.#seed, this.#hash);
    use.hashLow = this.#hash.low;
    use.hashHigh = this.#hash.high;
    use.accepted = use.refererLow = use.refererHigh = use.originLow = use.originHigh = 0;
    if (!store.plan.processVary) return;
    use.accepted = policy.acceptedEncodings(bytes, request);
    this.#hashHeader(stream, REFERER);
    use.refererLow = this.#hash.low;
    use.refererHigh = this.#hash.high;
    this.#hashHeader(stream, ORIGIN);
    use.originLow = this.#hash.low;
    use.originHigh = this.#hash.high;
  }

  /** The hash of a header's value; a header that is not there is another than an empty one. */
  #hashHeader(stream: Stream, name: Uint8Array): void {
    const { request } = stream;
    const index = findHeader(this.#ctx.bytes, request, name);
    if (index < 0) {
      this.#hash.set(0, 0);
      return;
    }
    const at = index * HEADER_INTS;
    xxh64(this.#ctx.bytes, request.headers[at + 2]!, request.headers[at + 3]!, this.#seed, this.#hash);
  }

  #etagOf(store: CacheStore, entry: number): string | null {
    const at = store.at(entry);
    const length = store.words[at + ENTRY.etagBytes]!;
    return length === 0 ? null : storedText(store, entry, store.words[at + ENTRY.etagAt]!, length);
  }

  /** Answers with the object that was found, in place of a server. False: it cannot, a server is asked after all. */
  serve(stream: Stream): boolean {
    if (this.#server.serve(stream)) return true;
    this.#drop(stream.cache!);
    return false;
  }

  /** More of an object's body, as the client takes it. False: nothing is left, or there is no buffer for it. */
  fill(stream: Stream): boolean {
    return this.#server.fill(stream);
  }

  // ---- storing ------------------------------------------------------------------------------------------------------

  /** `http-response cache-store`: keeps the response as it is now, if it may be kept. */
  store(stream: Stream): void {
    const use = stream.cache;
    if (use === null || use.entry >= 0 || use.fill >= 0) return;
    const { bytes, clock } = this.#ctx;
    const { request, response } = stream;
    const store = this.stores[use.cache]!;
    if (request.method !== METHOD.get) {
      const isUnsafe =
        request.method !== METHOD.head && request.method !== METHOD.options && request.method !== METHOD.trace;
      if (isUnsafe && response.status >= 200 && response.status < 400) store.invalidate(use);
      return;
    }
    if ((request.flags & VERSION11) === 0 || !use.mayStore || response.status !== 200) return;
    if ((response.flags & HAS_LENGTH) !== 0 && response.contentLength > store.plan.objectBytesMax) return;
    const vary = this.#varyOf(stream, use, store);
    if (vary < 0 || !policy.isCacheable(bytes, response)) return;
    const nowSeconds = clock.wallSeconds();
    const fresh = policy.freshness(bytes, response, store.plan.maxAgeSeconds, nowSeconds);
    const age = this.#ageOf(stream);
    if (fresh.kept < 0 || age < 0 || (age > 0 && age > fresh.told)) return;
    dropNamed(bytes, response, AGE);
    const encodings = (vary & VARY.encoding) === 0 ? 0 : policy.encodingOf(bytes, response);
    if ((vary & VARY.encoding) !== 0 && encodings === 0) return;
    const entry = store.begin(use, vary, encodings, nowSeconds);
    if (entry < 0) return;
    use.fill = entry;
    if (!this.#storeHead(stream, use, store)) {
      this.#abandon(use);
      return;
    }
    const at = store.at(entry);
    store.words[at + ENTRY.validated] = nowSeconds;
    store.words[at + ENTRY.expires] = nowSeconds + fresh.kept;
    store.words[at + ENTRY.age] = age;
    store.words[at + ENTRY.lastModified] = policy.lastModified(bytes, response, nowSeconds);
    store.words[at + ENTRY.untilClose] = (response.flags & (CHUNKED | HAS_LENGTH)) === 0 ? 1 : 0;
  }

  /** Bits of VARY, -1: the response cannot be stored because of it. */
  #varyOf(stream: Stream, use: CacheUse, store: CacheStore): number {
    const { bytes } = this.#ctx;
    if (!store.plan.processVary) return policy.hasVary(bytes, stream.response) ? -1 : 0;
    const vary = policy.varyOf(bytes, stream.response);
    return vary > 0 && (vary & VARY.encoding) !== 0 && use.accepted === 0 ? -1 : vary;
  }

  /** The response's Age in seconds, 0: it has none, -1: it is none. */
  #ageOf({ response }: Stream): number {
    const { bytes } = this.#ctx;
    const index = findHeader(bytes, response, AGE);
    if (index < 0) return 0;
    const start = response.headers[index * HEADER_INTS + 2]!;
    const end = response.headers[index * HEADER_INTS + 3]!;
    let age = 0;
    for (let at = start; at < end; at++) {
      const digit = bytes[at]! - 48;
      if (digit < 0 || digit > 9) return -1;
      age = Math.min(2 ** 31 - 1, age * 10 + digit);
    }
    return age > 0 ? age : -1;
  }

  /** Writes status line and headers behind the key, without the empty line: Age comes between. */
  #storeHead(stream: Stream, use: CacheUse, store: CacheStore): boolean {
    const { pool } = this.#ctx;
    const { response } = stream;
    const buffer = pool.take();
    if (buffer < 0) return false;
    const writer = this.#writer;
    writer.begin(pool.start[buffer]!, pool.offsetOf(buffer) + pool.size);
    writer.statusLine(response, standardReason(response.status));
    writer.headers(response);
    const start = pool.start[buffer]!;
    const length = writer.at - start;
    const fits = !writer.failed && length <= this.#ctx.plan.global.bufsizeBytes - this.#ctx.plan.global.maxrewriteBytes;
    const isStored = fits && this.#append(use, store, start, writer.at);
    if (isStored) {
      const at = store.at(use.fill);
      store.words[at + ENTRY.headBytes] = length;
      this.#noteEtag(stream, store, at, start, writer.at);
    }
    pool.free(buffer);
    return isStored;
  }

  /** Remembers where the ETag stands in the stored head. */
  #noteEtag({ response }: Stream, store: CacheStore, at: number, start: number, end: number): void {
    const { bytes } = this.#ctx;
    const index = findHeader(bytes, response, ETAG);
    if (index < 0) return;
    const valueBytes = response.headers[index * HEADER_INTS + 3]! - response.headers[index * HEADER_INTS + 2]!;
    for (let line = start; line < end; line++) {
      if (bytes[line] !== 10 || !isName(bytes, line + 1, ETAG)) continue;
      store.words[at + ENTRY.etagAt] = store.words[at + ENTRY.keyBytes]! + line + 1 + ETAG.length + 2 - start;
      store.words[at + ENTRY.etagBytes] = valueBytes;
      return;
    }
  }

  #append(use: CacheUse, store: CacheStore, start: number, end: number): boolean {
    const at = store.at(use.fill);
    if (store.words[at + ENTRY.bytes]! - store.words[at + ENTRY.keyBytes]! + end - start > store.plan.objectBytesMax)
      return false;
    return store.append(use.fill, this.#ctx.bytes, start, end);
  }

  /** The body's framing is settled: how its bytes will be stored. */
  beginBody(stream: Stream): void {
    stream.cache!.reframes = stream.responseBody.strips && stream.responseBody.kind === BODY.chunked;
  }

  /** Bytes [start, end) of the body passed. */
  capture(stream: Stream, start: number, end: number): void {
    const use = stream.cache!;
    if (end === start) return;
    const store = this.stores[use.cache]!;
    let isStored = true;
    if (use.reframes) {
      const line = latin1(`${(end - start).toString(16)}\r\n`);
      isStored = store.append(use.fill, line, 0, line.length);
    }
    isStored = isStored && this.#append(use, store, start, end);
    if (isStored && use.reframes) isStored = store.append(use.fill, CRLF, 0, CRLF.length);
    if (!isStored) this.#abandon(use);
  }

  /** The whole response has passed. */
  complete(stream: Stream): void {
    const use = stream.cache!;
    const store = this.stores[use.cache]!;
    if (use.reframes && !store.append(use.fill, LAST_CHUNK, 0, LAST_CHUNK.length)) {
      this.#abandon(use);
      return;
    }
    store.complete(use.fill);
    use.fill = -1;
  }

  #abandon(use: CacheUse): void {
    this.stores[use.cache]!.abandon(use.fill);
    use.fill = -1;
  }

  #drop(use: CacheUse): void {
    if (use.entry >= 0) this.stores[use.cache]!.unref(use.entry);
    use.entry = -1;
  }

  /** The stream is over. */
  end(stream: Stream): void {
    const use = stream.cache!;
    stream.cache = null;
    if (use.fill >= 0) this.#abandon(use);
    this.#drop(use);
    use.isNotModified = use.reframes = use.mayStore = false;
    this.#spare.push(use);
  }
}

function isName(bytes: Uint8Array, at: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if ((bytes[at + i]! | 32) !== name[i]) return false;
  return bytes[at + name.length] === 58;
}
