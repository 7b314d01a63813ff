// TLS between a socket and whoever owns the connection. The transport gives it what was received and gets plaintext for the receive queue; it gives
// it what is to be sent and gets records for the send queue. So everybody else sees bytes and ends of streams, encrypted or not.
//
//   socket ──▶ receive buffer ──▶ BIO ─▶ SSL_read ──▶ buffers of the receive queue
//   socket ◀── send queue ◀── BIO ◀─ SSL_write ◀── at flush ◀── what was queued, small pieces joined
//
// All connections of a worker share one pair of memory BIOs: each call leaves them empty (SSL reads all that is there and keeps an incomplete record
// itself), so that an idle connection holds nothing but its SSL object. OpenSSL's objects are named by addresses; a row has one from `accept`
// or `connect` until `free`, which the transport calls when the row is closed, once.

import type { Arena } from "../../shared/arena/arena.ts";
import type { BufferPool } from "../../shared/arena/buffer-pool.ts";
import { assert } from "../../shared/assert.ts";
import * as openssl from "../../shared/ffi/openssl.ts";
import { isResumed } from "../../shared/ffi/openssl-inspect.ts";
import { CONNECTION_ERROR } from "../connection/errors.ts";
import type { Connections } from "../connection/table.ts";
import { TlsCaptures } from "./captures.ts";

/** What `feed` brought about; bits. */
export const TLS_EVENT = {
  /** Plaintext was added to the receive queue. */
  data: 1,
  /** The handshake is done. */
  open: 2,
  /** The peer said that it sends no more. */
  ended: 4,
  /** Handshake or records went wrong: `reason` says how. */
  failed: 8,
} as const;

/** X509_V_ERR_HOSTNAME_MISMATCH */
const HOSTNAME_MISMATCH = 62;
/** SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN */
const BOTH = 3;
const NONE = 0;
const HANDSHAKING = 1;
const OPEN = 2;
const FAILED = 3;
const FAILED_OPEN = 4;

const DATA = TLS_EVENT.data;
const OPENED = TLS_EVENT.open;
const ENDED = TLS_EVENT.ended;
const BROKEN = TLS_EVENT.failed;
const WANT_READ = openssl.ERROR.wantRead;
const ZERO_RETURN = openssl.ERROR.zeroReturn;

/** Pieces of up to so many bytes are joined into one record. */
const JOINED_BYTES_MAX = 4096;
const SCRATCH_BYTES = 32_768;

/** Bytes that the layer takes from the arena. */
export const TLS_ARENA_BYTES = SCRATCH_BYTES + 64;

export interface TlsParts {
  readonly arena: Arena;
  readonly pool: BufferPool;
  readonly connections: Connections;
  /** Appends a buffer to the row's receive queue, or to its send queue. */
  readonly received: (slot: number, buffer: number) => void;
  readonly toSend: (slot: number, buffer: number) => void;
}

export class Tls {
  /** Words on why a handshake or record failed last, for the log. */
  reason = "";
  /** SSL objects that exist. */
  alive = 0;
  /** Handshakes that were done with clients, and those with clients and servers that were not resumed. */
  handshakes = 0;
  keys = 0;
  serverKeys = 0;
  /** What is kept of connections for samples. */
  readonly captures = new TlsCaptures();
  /** The row that OpenSSL works for: what callbacks inside of its calls are about. */
  current = -1;
  /** Told of handshakes and records of servers that fail; `reason` says why. */
  onServerFailure: (slot: number) => void = () => {};
  readonly #parts: TlsParts;
  readonly #ssl: Float64Array;
  readonly #state: Uint8Array;
  readonly #isToServer: Uint8Array;
  /** OpenSSL's number of what went wrong, 0: nothing. */
  readonly #error: Uint32Array;
  /** Plaintext that is not encrypted yet: one buffer, -1: none. */
  readonly #tail: Int32Array;
  readonly #readBio: number;
  readonly #writeBio: number;
  readonly #scratch: number;

  constructor(parts: TlsParts) {
    this.#parts = parts;
    const { capacity } = parts.connections;
    this.#ssl = new Float64Array(capacity);
    this.#state = new Uint8Array(capacity);
    this.#isToServer = new Uint8Array(capacity);
    this.#error = new Uint32Array(capacity);
    this.#tail = new Int32Array(capacity).fill(-1);
    this.#readBio = openssl.newMemoryBio();
    this.#writeBio = openssl.newMemoryBio();
    assert(this.#readBio !== 0 && this.#writeBio !== 0, "TLS: no memory for two BIOs");
    this.#scratch = parts.arena.address(parts.arena.alloc(SCRATCH_BYTES, 64));
  }

  /** The row's SSL object for samples; 0: the row is not encrypted. */
  sslOf(slot: number): number {
    return this.#ssl[this.#parts.connections.carrier[slot]!]!;
  }

  /** OpenSSL's number of what went wrong with the row, 0: nothing. */
  errorOf(slot: number): number {
    return this.#error[this.#parts.connections.carrier[slot]!]!;
  }

  isOpen(slot: number): boolean {
    return this.#state[slot] === OPEN;
  }

  /** The handshake was done, whatever came afterwards. */
  wasOpen(slot: number): boolean {
    return this.#state[slot] === OPEN || this.#state[slot] === FAILED_OPEN;
  }

  /** The row belongs to a client that is to begin a handshake. False: no memory. */
  accept(slot: number, context: number): boolean {
    const ssl = this.#begin(slot, context);
    if (ssl !== 0) openssl.actAsServer(ssl);
    return ssl !== 0;
  }

  /**
   * The row is a connection to a server; `start` begins the handshake once it is established.
   * @param serverName SNI, "": none @param host the name that the certificate must be for, "": any
   * @param session to be resumed, 0: none; stays the caller's
   */
  connect(slot: number, context: number, serverName: string, host: string, session: number): boolean {
    const ssl = this.#begin(slot, context);
    if (ssl === 0) return false;
    openssl.actAsClient(ssl);
    this.#isToServer[slot] = 1;
    if (serverName !== "") openssl.setServerName(ssl, serverName);
    if (host !== "") openssl.expectHost(ssl, host);
    if (session !== 0) openssl.resumeSession(ssl, session);
    return true;
  }

  #begin(slot: number, context: number): number {
    assert(this.#ssl[slot] === 0, "TLS: a row has one SSL object");
    const ssl = openssl.newConnection(context);
    if (ssl === 0) {
      this.reason = openssl.takeError();
      return 0;
    }
    openssl.attachBios(ssl, this.#readBio, this.#writeBio);
    this.#ssl[slot] = ssl;
    this.#state[slot] = HANDSHAKING;
    this.alive++;
    return ssl;
  }

  /** A connection to a server is established: says hello. TLS_EVENT bits. */
  start(slot: number): number {
    return this.#handshake(slot);
  }

  /** Bytes from the socket; the buffer is free afterwards. TLS_EVENT bits. */
  feed(slot: number, buffer: number): number {
    const { pool, arena } = this.#parts;
    const bytes = pool.end[buffer]! - pool.start[buffer]!;
    const isDead = this.#state[slot]! >= FAILED;
    if (this.captures.helloBytesMax > 0 && this.#state[slot] === HANDSHAKING && this.#isToServer[slot] === 0)
      this.captures.hello(slot, arena.bytes, pool.start[buffer]!, pool.end[buffer]!);
    const written = isDead ? bytes : openssl.bioWrite(this.#readBio, arena.address(pool.start[buffer]!), bytes);
    pool.free(buffer);
    assert(written === bytes, "TLS: a memory BIO takes everything");
    if (isDead) return 0;
    let events = this.#state[slot] === HANDSHAKING ? this.#handshake(slot) : 0;
    if (this.#state[slot] === OPEN && openssl.bioPending(this.#readBio) > 0) events |= this.#read(slot);
    return events;
  }

  #handshake(slot: number): number {
    const ssl = this.#ssl[slot]!;
    this.current = slot;
    const result = openssl.handshake(ssl);
    if (result === 1) {
      this.#state[slot] = OPEN;
      this.#count(slot, isResumed(ssl) === 1);
      return this.#drain(slot) ? OPENED : this.#exhausted(slot);
    }
    if (openssl.errorOf(ssl, result) === WANT_READ) return this.#drain(slot) ? 0 : this.#exhausted(slot);
    return this.#fail(slot);
  }

  #count(slot: number, wasResumed: boolean): void {
    if (this.#isToServer[slot] === 1) {
      if (!wasResumed) this.serverKeys++;
      return;
    }
    this.handshakes++;
    if (!wasResumed) this.keys++;
  }

  #read(slot: number): number {
    const { pool, arena, received } = this.#parts;
    const ssl = this.#ssl[slot]!;
    this.current = slot;
    let events = 0;
    for (;;) {
      const buffer = pool.take();
      if (buffer < 0) return events | this.#exhausted(slot);
      const offset = pool.offsetOf(buffer);
      const limit = offset + pool.size;
      let end = offset;
      let result = 1;
      while (end < limit) {
        result = openssl.readPlain(ssl, arena.address(end), limit - end);
        if (result <= 0) break;
        end += result;
        if (end < limit && openssl.bioPending(this.#readBio) === 0) break;
      }
      pool.end[buffer] = end;
      if (end > offset) {
        received(slot, buffer);
        events |= DATA;
      } else pool.free(buffer);
      if (result > 0) {
        // Less than was asked for is all of a record, and no other one has begun: there is nothing to ask for.
        if (end < limit) return this.#drain(slot) ? events : events | this.#exhausted(slot);
        continue;
      }
      const error = openssl.errorOf(ssl, result);
      if (error === ZERO_RETURN) return events | ENDED;
      if (error !== WANT_READ) return events | this.#fail(slot);
      // Answers of the protocol's own: tickets were asked for anew, keys are to be changed.
      return this.#drain(slot) ? events : events | this.#exhausted(slot);
    }
  }

  /** Plaintext to be sent: the buffer is the layer's from now on. False: the connection is broken. */
  write(slot: number, buffer: number): boolean {
    const { pool, arena, connections } = this.#parts;
    const tail = this.#tail[slot]!;
    const bytes = pool.end[buffer]! - pool.start[buffer]!;
    connections.sendBytes[slot]! += bytes;
    if (tail >= 0 && bytes <= JOINED_BYTES_MAX && pool.end[tail]! + bytes <= pool.offsetOf(tail) + pool.size) {
      arena.bytes.copyWithin(pool.end[tail]!, pool.start[buffer]!, pool.end[buffer]!);
      pool.end[tail]! += bytes;
      pool.free(buffer);
      return true;
    }
    const isFine = this.push(slot);
    this.#tail[slot] = buffer;
    return isFine;
  }

  /** Encrypts what waits for more. False: the connection is broken. */
  push(slot: number): boolean {
    const buffer = this.#tail[slot]!;
    if (buffer < 0) return true;
    this.#tail[slot] = -1;
    const { pool, arena, connections } = this.#parts;
    const start = pool.start[buffer]!;
    const bytes = pool.end[buffer]! - start;
    connections.sendBytes[slot]! -= bytes;
    const written = this.#state[slot] === OPEN ? openssl.writePlain(this.#ssl[slot]!, arena.address(start), bytes) : 0;
    pool.free(buffer);
    if (written !== bytes) {
      if (this.#state[slot] === OPEN) this.#fail(slot);
      return false;
    }
    if (this.#drain(slot)) return true;
    this.#exhausted(slot);
    return false;
  }

  /** The end of what is sent: close_notify follows it. */
  end(slot: number): void {
    if (!this.push(slot) || this.#state[slot] !== OPEN) return;
    if (openssl.sayGoodbye(this.#ssl[slot]!) < 0) openssl.clearErrors();
    this.#drain(slot);
  }

  /** The row is closed. */
  free(slot: number): void {
    if (this.#tail[slot]! >= 0) this.#parts.pool.free(this.#tail[slot]!);
    this.#tail[slot] = -1;
    if (this.#ssl[slot] !== 0) {
      // However the connection ended, its session is as good as before.
      if (this.#isToServer[slot] === 1 && this.#state[slot] === OPEN) openssl.pretendGoodbyes(this.#ssl[slot]!, BOTH);
      openssl.freeConnection(this.#ssl[slot]!);
      this.alive--;
    }
    this.captures.forget(slot);
    this.#ssl[slot] = 0;
    this.#error[slot] = 0;
    this.#state[slot] = NONE;
    this.#isToServer[slot] = 0;
  }

  /** Moves the records that OpenSSL has written to the send queue. False: there are no buffers for them. */
  #drain(slot: number): boolean {
    const { pool, arena, toSend } = this.#parts;
    let pending = openssl.bioPending(this.#writeBio);
    while (pending > 0) {
      const buffer = pool.take();
      if (buffer < 0) return false;
      const offset = pool.offsetOf(buffer);
      const bytes = openssl.bioRead(this.#writeBio, arena.address(offset), pool.size);
      assert(bytes > 0, "TLS: what is pending can be read");
      pending -= bytes;
      pool.end[buffer] = offset + bytes;
      toSend(slot, buffer);
    }
    return true;
  }

  /** An alert may tell the peer why; it is sent as far as there are buffers. */
  #fail(slot: number): number {
    this.reason = openssl.takeError();
    this.#error[slot] = openssl.lastError;
    const result = openssl.verifyResult(this.#ssl[slot]!);
    if (result !== 0) this.reason += `: ${openssl.verifyText(result)}`;
    this.#drain(slot);
    if (this.#isToServer[slot] === 1) {
      const { error } = this.#parts.connections;
      error[slot] = result === HOSTNAME_MISMATCH ? CONNECTION_ERROR.sslMismatch : CONNECTION_ERROR.sslHandshake;
      this.onServerFailure(slot);
    }
    return this.#break(slot);
  }

  /** The peer closed the connection before the handshake was done. */
  endedEarly(slot: number): void {
    if (this.#state[slot] !== HANDSHAKING) return;
    this.reason = "Connection closed during SSL handshake";
    this.#parts.connections.error[slot] = CONNECTION_ERROR.sslEmpty;
    if (this.#isToServer[slot] === 1) this.onServerFailure(slot);
  }

  #exhausted(slot: number): number {
    this.reason = "no buffer is left";
    return this.#break(slot);
  }

  #break(slot: number): number {
    this.#empty();
    this.#state[slot] = this.#state[slot] === OPEN ? FAILED_OPEN : FAILED;
    return BROKEN;
  }

  /** What one connection left behind must not become the next one's. */
  #empty(): void {
    for (const bio of [this.#readBio, this.#writeBio])
      while (openssl.bioPending(bio) > 0) openssl.bioRead(bio, this.#scratch, SCRATCH_BYTES);
  }

  /** The worker ends. */
  destroy(): void {
    for (let slot = 0; slot < this.#ssl.length; slot++) if (this.#ssl[slot] !== 0) this.free(slot);
    openssl.freeBio(this.#readBio);
    openssl.freeBio(this.#writeBio);
  }
}
