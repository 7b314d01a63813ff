// The request head as the server gets it: the client's, plus X-Forwarded-For and X-Original-To, plus what the connection to the
// server wants said (configuration.txt: option forwardfor, originalto, http-server-close). Also appends the first bytes of the body.

import { ADDRESS_TEXT_BYTES_MAX, networkHas, writeIpv4, writeIpv6 } from "../../shared/ip/address.ts";
import { latin1 } from "../../shared/latin1.ts";
import { CONNECTION } from "../connection/table.ts";
import type { ForwardForPlan, NetworkPlan } from "../plan/plan.ts";
import { setDestinationBytes } from "../stream/addresses.ts";
import type { Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import { HeadWriter } from "./edit.ts";
import { findHeader } from "./header-lookup.ts";
import { MESSAGE, type Message } from "./message.ts";

const VERSION11 = MESSAGE.version11;
const IMPLIED_CHUNKS = MESSAGE.impliedChunks;
const TRANSFER_ENCODING_CHUNKED = latin1("transfer-encoding: chunked\r\n");
const CONNECTION_CLOSE = latin1("connection: close\r\n");
const CONNECTION_KEEP_ALIVE = latin1("connection: keep-alive\r\n");
const CRLF = latin1("\r\n");

/** `option forwardfor` or `originalto`, ready to be written. */
interface AddressHeader {
  readonly name: Uint8Array;
  /** `name: ` */
  readonly prefix: Uint8Array;
  readonly ifNone: boolean;
  readonly except: readonly NetworkPlan[];
}

function compile(plan: ForwardForPlan | null): AddressHeader | null {
  return plan === null
    ? null
    : { name: latin1(plan.header), prefix: latin1(`${plan.header}: `), ifNone: plan.ifNone, except: plan.except };
}

export class RequestHead {
  readonly #ctx: WorkerContext;
  readonly #writer: HeadWriter;
  readonly #forwardFor: readonly { readonly frontend: AddressHeader | null; readonly backend: AddressHeader | null }[];
  readonly #originalTo: readonly { readonly frontend: AddressHeader | null; readonly backend: AddressHeader | null }[];
  /** `unique-id-header` of the frontends, up to the value. */
  readonly #uniqueIds: readonly (Uint8Array | null)[];
  readonly #text: Uint8Array = new Uint8Array(ADDRESS_TEXT_BYTES_MAX);
  readonly #local = new Uint8Array(16);

  constructor(ctx: WorkerContext) {
    this.#ctx = ctx;
    this.#writer = new HeadWriter(ctx.bytes);
    this.#forwardFor = ctx.plan.proxies.map((proxy) => ({
      frontend: compile(proxy.frontend?.forwardFor ?? null),
      backend: compile(proxy.backend?.forwardFor ?? null),
    }));
    this.#uniqueIds = ctx.plan.proxies.map(({ frontend }) => {
      const header = frontend?.uniqueId?.header ?? null;
      return header === null ? null : latin1(`${header}: `);
    });
    this.#originalTo = ctx.plan.proxies.map((proxy) => ({
      frontend: compile(proxy.frontend?.originalTo ?? null),
      backend: compile(proxy.backend?.originalTo ?? null),
    }));
  }

  /**
   * The buffer with the body's first bytes after `write`, when they did not fit behind a head that grew (a client that sends fast
   * fills its buffer to the brim); -1: there is none. The caller sends it after the head.
   */
  bodyBuffer = -1;

  /** Writes the head (and body bytes that came with it) into a buffer and returns it; -1: it does not fit, or there is no buffer. */
  write(stream: Stream): number {
    const { pool, connections } = this.#ctx;
    const out = pool.take();
    if (out < 0) return -1;
    const writer = this.#writer;
    const request = stream.request;
    writer.begin(pool.start[out]!, pool.offsetOf(out) + pool.size);
    writer.requestLine(request);
    writer.headers(request);
    const forwardFor = this.#forwardFor;
    const ofBackend = forwardFor[stream.backend]!.backend;
    const ofFrontend = forwardFor[stream.frontend]!.frontend;
    if ((ofBackend !== null || ofFrontend !== null) && (connections.flags[stream.client]! & CONNECTION.unix) === 0) {
      const at = stream.client * 16;
      this.#addAddress(
        request,
        ofBackend,
        ofFrontend,
        connections.address,
        at,
        (connections.flags[stream.client]! & CONNECTION.ipv6) !== 0,
      );
    }
    this.#addOriginalTo(stream, this.#originalTo[stream.backend]!.backend, this.#originalTo[stream.frontend]!.frontend);
    const uniqueId = this.#uniqueIds[stream.frontend] ?? null;
    if (uniqueId !== null) this.#addUniqueId(stream, uniqueId);
    const connection = this.#connectionHeader(stream);
    if (connection !== null) writer.text(connection);
    if ((request.flags & IMPLIED_CHUNKS) !== 0) writer.text(TRANSFER_ENCODING_CHUNKED);
    if (stream.coding !== null && stream.coding.request.encoder !== -1) return this.#encoded(stream, out);
    writer.endOfHead();
    this.#adjustCase(stream, out);
    const head = stream.headBuffer;
    const bodyBytes = pool.end[head]! - pool.start[head]!;
    const fits = bodyBytes <= pool.offsetOf(out) + pool.size - writer.at;
    if (fits && bodyBytes > 0) writer.copy(pool.start[head]!, pool.end[head]!);
    this.bodyBuffer = fits || writer.failed ? -1 : this.#copyBody(head);
    if (writer.failed || (!fits && this.bodyBuffer < 0)) {
      pool.free(out);
      return -1;
    }
    pool.end[out] = writer.at;
    return out;
  }

  #adjustCase(stream: Stream, out: number): void {
    const { bytes, caseAdjust, pool } = this.#ctx;
    if (caseAdjust.servers[stream.backend] === 1) caseAdjust.adjust(bytes, pool.start[out]!, this.#writer.at);
  }

  /** The end of a head whose body is compressed: the body goes its own way (http1/back.ts). */
  #encoded(stream: Stream, out: number): number {
    const { pool } = this.#ctx;
    const compression = this.#ctx.compression!;
    const writer = this.#writer;
    writer.part(compression.lines, compression.linesBytes);
    writer.endOfHead();
    this.#adjustCase(stream, out);
    this.bodyBuffer = -1;
    if (writer.failed) {
      pool.free(out);
      return -1;
    }
    pool.end[out] = writer.at;
    return out;
  }

  /** The bytes behind the head in a buffer of their own (the received ones stay, for a retry); -1: there is no buffer. */
  #copyBody(head: number): number {
    const { pool, bytes } = this.#ctx;
    const buffer = pool.take();
    if (buffer < 0) return -1;
    bytes.copyWithin(pool.start[buffer]!, pool.start[head]!, pool.end[head]!);
    pool.end[buffer]! += pool.end[head]! - pool.start[head]!;
    return buffer;
  }

  #addUniqueId(stream: Stream, prefix: Uint8Array): void {
    const { uniqueIds } = this.#ctx;
    if (!uniqueIds.evaluate(stream)) return;
    const writer = this.#writer;
    writer.text(prefix);
    writer.part(uniqueIds.bytes, uniqueIds.length);
    writer.text(CRLF);
  }

  #addOriginalTo(stream: Stream, ofBackend: AddressHeader | null, ofFrontend: AddressHeader | null): void {
    if (ofBackend === null && ofFrontend === null) return;
    const { accept, connections } = this.#ctx;
    const set = setDestinationBytes(stream);
    if (set > 0) {
      this.#addAddress(stream.request, ofBackend, ofFrontend, stream.addresses!.destination, 0, set === 16);
      return;
    }
    const bytes = accept.localAddress(connections.socketOf(stream.client), this.#local);
    if (bytes > 0) this.#addAddress(stream.request, ofBackend, ofFrontend, this.#local, 0, bytes === 16);
  }

  /**
   * Adds the header that the backend asks for, else the frontend. As in HAProxy the options of both count: an address that either
   * excepts gets none, and `if-none` holds only where nobody asks for the header in any case.
   */
  #addAddress(
    request: Message,
    ofBackend: AddressHeader | null,
    ofFrontend: AddressHeader | null,
    address: Uint8Array,
    at: number,
    ipv6: boolean,
  ): void {
    const header = (ofBackend ?? ofFrontend)!;
    const ifNone = (ofBackend === null || ofBackend.ifNone) && (ofFrontend === null || ofFrontend.ifNone);
    if (ifNone && findHeader(this.#ctx.bytes, request, header.name) >= 0) return;
    const length = ipv6 ? 16 : 4;
    if (ofBackend !== null && excepts(ofBackend, address, at, length)) return;
    if (ofFrontend !== null && excepts(ofFrontend, address, at, length)) return;
    const writer = this.#writer;
    writer.text(header.prefix);
    const end = ipv6 ? writeIpv6(this.#text, 0, address, at) : writeIpv4(this.#text, 0, address, at);
    writer.part(this.#text, end);
    writer.text(CRLF);
  }

  /** What the server is told about its connection. */
  #connectionHeader(stream: Stream): Uint8Array | null {
    const { plan } = this.#ctx;
    const request = stream.request;
    if ((request.flags & MESSAGE.upgrade) !== 0) return null;
    const backend = plan.proxies[stream.backend]!.backend!;
    const closes =
      // RFC 9112 6.1: a chunked body in HTTP/1.0 may be a misunderstanding; nothing may follow it.
      (request.flags & (VERSION11 | MESSAGE.chunked)) === MESSAGE.chunked ||
      backend.connectionMode !== "keep-alive" ||
      plan.proxies[stream.frontend]!.frontend!.connectionMode === "server-close";
    // `option http-pretend-keepalive`: the connection is closed all the same, but the server is not told beforehand.
    if (closes && backend.httpPretendKeepalive) return null;
    if ((request.flags & VERSION11) !== 0) return closes ? CONNECTION_CLOSE : null;
    return closes ? null : CONNECTION_KEEP_ALIVE;
  }
}

function excepts(header: AddressHeader, address: Uint8Array, at: number, bytes: number): boolean {
  for (let i = 0; i < header.except.length; i++) if (networkHas(header.except[i]!, address, at, bytes)) return true;
  return false;
}
