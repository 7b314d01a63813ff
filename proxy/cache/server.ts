// Serves objects of a cache in place of a server: a row without a socket whose receive queue is filled from the store, as the client takes it.

import { latin1 } from "../../shared/latin1.ts";
import { CONNECTION, KIND } from "../connection/table.ts";
import { HeadWriter } from "../http1/edit.ts";
import { STATE, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import { BLOCK_BYTES, type CacheStore, ENTRY, storedText } from "./store.ts";
import type { CacheUse } from "./use.ts";

/** Buffers that are filled ahead of the client. */
const BUFFERS_AHEAD = 4;
const BY_LOCAL = 76; // L
const IN_REQUEST = 82; // R
const AGE_PREFIX = latin1("age: ");
const LENGTH_PREFIX = latin1("content-length: ");
const NOT_MODIFIED = latin1("HTTP/1.1 304 Not Modified\r\n");
/** Lines of a stored head that a 304 does not repeat: it has no body. */
const NOT_IN_304 = /^(content-length|transfer-encoding|content-encoding|content-type|content-range):/i;
const CRLF = latin1("\r\n");

export class CacheServer {
  readonly #ctx: WorkerContext;
  readonly #stores: readonly CacheStore[];
  readonly #writer: HeadWriter;

  constructor(ctx: WorkerContext, stores: readonly CacheStore[]) {
    this.#ctx = ctx;
    this.#stores = stores;
    this.#writer = new HeadWriter(ctx.bytes);
  }

  /** Answers with the object that was found, in place of a server. False: there is no row for it. */
  serve(stream: Stream): boolean {
    const { back, clock, compression, connections, lifecycle, transport } = this.#ctx;
    const use = stream.cache!;
    const slot = transport.open(KIND.server, -1, -1, clock.nowMs);
    if (slot < 0) return false;
    connections.flags[slot]! |= CONNECTION.virtual;
    connections.stream[slot] = stream.slot;
    stream.server = slot;
    stream.state = STATE.waiting;
    stream.queueStartMs = stream.queueDoneMs = stream.connectDoneMs = clock.nowMs;
    stream.queueStartUs = stream.queueDoneUs = stream.connectDoneUs = clock.nowUs;
    lifecycle.endReason(stream, BY_LOCAL, IN_REQUEST);
    if (compression !== null) compression.onRequest(stream);
    if (this.#writeHead(stream, use, slot)) {
      this.fill(stream);
      back.onReceived(slot);
    } else this.#ctx.front.abort(stream, BY_LOCAL, IN_REQUEST, 500);
    return true;
  }

  /** The stored head, with its Age. */
  #writeHead(stream: Stream, use: CacheUse, slot: number): boolean {
    const { clock, pool, transport } = this.#ctx;
    const store = this.#stores[use.cache]!;
    const { words } = store;
    const at = store.at(use.entry);
    const buffer = pool.take();
    if (buffer < 0) return false;
    const writer = this.#writer;
    writer.begin(pool.start[buffer]!, pool.offsetOf(buffer) + pool.size);
    const keyBytes = words[at + ENTRY.keyBytes]!;
    const headBytes = words[at + ENTRY.headBytes]!;
    const head = storedText(store, use.entry, keyBytes, headBytes);
    if (use.isNotModified) {
      writer.text(NOT_MODIFIED);
      for (const line of head.split("\r\n").slice(1, -1))
        if (line !== "" && !NOT_IN_304.test(line)) writer.text(latin1(`${line}\r\n`));
    } else writer.text(latin1(head));
    writer.text(AGE_PREFIX);
    writer.decimal(Math.max(0, words[at + ENTRY.age]! + clock.wallSeconds() - words[at + ENTRY.validated]!));
    writer.text(CRLF);
    if (words[at + ENTRY.untilClose] === 1 && !use.isNotModified) {
      writer.text(LENGTH_PREFIX);
      writer.decimal(words[at + ENTRY.bytes]! - keyBytes - headBytes);
      writer.text(CRLF);
    }
    writer.endOfHead();
    if (writer.failed) {
      pool.free(buffer);
      return false;
    }
    pool.end[buffer] = writer.at;
    use.position = keyBytes + headBytes;
    use.block = use.position < words[at + ENTRY.bytes]! ? store.blockOf(use.entry, use.position) : -1;
    transport.received.append(slot, buffer);
    return stream.active;
  }

  /** Puts more of the body into the row's receive queue. False: nothing is left, or there is no buffer for it. */
  fill(stream: Stream): boolean {
    const { bytes, connections, pool, transport } = this.#ctx;
    const use = stream.cache!;
    if (use.isNotModified || use.entry < 0) return false;
    const store = this.#stores[use.cache]!;
    const end = store.words[store.at(use.entry) + ENTRY.bytes]!;
    let filled = false;
    for (let count = 0; count < BUFFERS_AHEAD && use.position < end; count++) {
      const buffer = pool.take();
      if (buffer < 0) {
        // Nothing will wake us if nothing is under way to the client.
        if (!filled && connections.sendHead[stream.client]! < 0)
          connections.flags[stream.server]! |= CONNECTION.readClosed;
        break;
      }
      let to = pool.start[buffer]!;
      const limit = to + pool.size;
      while (use.position < end && to < limit) {
        const inBlock = use.position & (BLOCK_BYTES - 1);
        const length = Math.min(BLOCK_BYTES - inBlock, end - use.position, limit - to);
        const from = use.block * BLOCK_BYTES + inBlock;
        for (let i = 0; i < length; i++) bytes[to + i] = store.bytes[from + i]!;
        to += length;
        use.position += length;
        if ((use.position & (BLOCK_BYTES - 1)) === 0 && use.position < end) use.block = store.nextBlock(use.block);
      }
      pool.end[buffer] = to;
      transport.received.append(stream.server, buffer);
      filled = true;
    }
    return filled;
  }
}
