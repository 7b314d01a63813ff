// Bytes in and out of connections: receive queues, send queues, half-close, close, back-pressure. Turns the reactor's completions
// into calls on whoever owns the connection (http1/front.ts, http1/back.ts, tcp/relay.ts). Knows neither HTTP nor proxies; the bytes of
// encrypted rows go through tls/tls.ts on their way.
//
// Ownership of buffers: a received buffer belongs to the connection's receive queue until its owner takes it; a buffer given to
// `queue` belongs to the send queue, and its memory to the kernel from `flush` until the send's completion. A row is freed
// when its last completion has arrived, never earlier, so that no completion can meet a stranger in its slot.
//
// Longer than 400 lines because what can happen to a row, and in which state, has to be seen in one place.

import type { Arena } from "../../shared/arena/arena.ts";
import type { BufferPool } from "../../shared/arena/buffer-pool.ts";
import { assert } from "../../shared/assert.ts";
import type { Reactor } from "../../shared/reactor/reactor.ts";
import type { TimerWheel } from "../../shared/time/timer-wheel.ts";
import { TLS_EVENT, Tls } from "../tls/tls.ts";
import { ReceiveQueue } from "./receive-queue.ts";
import { SendQueue } from "./send-queue.ts";
import { CONNECTION, type Connections, KIND } from "./table.ts";

/** Operation numbers in completions: `receive` to `cancel` are this file's, the others listener/'s and log/'s. */
export const OP = {
  accept: 1,
  receive: 2,
  send: 3,
  connect: 4,
  shutdown: 5,
  close: 6,
  cancel: 7,
  cancelAccept: 8,
  log: 9,
} as const;

// The same again for this file's hot paths: imported bindings do not fold.
const OP_RECEIVE = 2;
const OP_SEND = 3;
const OP_CONNECT = 4;
const OP_SHUTDOWN = 5;
const OP_CLOSE = 6;
const OP_CANCEL = 7;
const RECEIVING = CONNECTION.receiving;
const SENDING = CONNECTION.sending;
const CONNECTING = CONNECTION.connecting;
const READ_CLOSED = CONNECTION.readClosed;
const SHUTDOWN_QUEUED = CONNECTION.shutdownQueued;
const WRITE_CLOSED = CONNECTION.writeClosed;
const CLOSE_QUEUED = CONNECTION.closeQueued;
const CLOSING = CONNECTION.closing;
const STARVED = CONNECTION.starved;
const PAUSED = CONNECTION.paused;
const FAILED = CONNECTION.failed;
const CANCELLING = CONNECTION.cancelling;
const PACED = CONNECTION.paced;
const OUTPUT_FAILED = CONNECTION.outputFailed;
const VIRTUAL = CONNECTION.virtual;
const TLS = CONNECTION.tls;
const MULTIPLEXED = CONNECTION.multiplexed;
const TLS_DATA = TLS_EVENT.data;
const TLS_OPEN = TLS_EVENT.open;
const TLS_ENDED = TLS_EVENT.ended;
const TLS_FAILED = TLS_EVENT.failed;
const ONCE = CONNECTION.receivesOnce;
const SEVERAL = CONNECTION.receivesSeveral;

/** Nothing is received: not now, not any more, or not from a socket. */
const NOT_RECEIVED = RECEIVING | READ_CLOSED | CLOSING | FAILED | PAUSED | CONNECTING | VIRTUAL | MULTIPLEXED;

/** Buffers that a paced receive may fill: what one gather sends. */
const PACED_BUFFERS = 8;
/**
 * Messages of clients' handshakes that one turn takes. Half of them, those with a signature, cost half a millisecond or more, and everybody else
 * waits as long; those that are left go on with the next turn, which does not sleep. With 4 the others' latency was three times as high.
 */
const HANDSHAKES_PER_TURN = 1;
const KIND_CLIENT = KIND.client;
const KIND_SERVER = KIND.server;
const KIND_HANDSHAKE = KIND.handshake;
const KIND_TLS_HANDSHAKE = KIND.tlsHandshake;
const KIND_HTTP2_CLIENT = KIND.http2Client;
const KIND_HTTP2_SERVER = KIND.http2Server;

const ENOBUFS = -105;
const ECANCELED = -125;
const EINTR = -4;
const EAGAIN = -11;
/** What a broken record or handshake is to its owner. */
const EPROTO = 71;

/** Who moves the bytes of rows that are streams of HTTP/2. */
export interface RowMultiplexer {
  flush(slot: number): void;
  /** What was received has been taken: the peer may send more. */
  resume(slot: number): void;
  endOutput(slot: number): void;
  closeAfterOutput(slot: number): void;
  close(slot: number): void;
}

/** Owner of a connection: told of what happened to it. May close the connection from inside any call. */
export interface ConnectionUser {
  /** Bytes were appended to the receive queue. */
  onReceived(slot: number): void;
  /** The peer ended its direction; what it sent before is in the receive queue. */
  onReceiveEnd(slot: number): void;
  /** A send was completed; `Connections.sendBytes` says what is still queued. */
  onSent(slot: number): void;
  /**
   * Receiving or sending failed (reset, timeout of the kernel …). The connection is to be closed. Of a server connection only receiving
   * is told: it fails or ends soon after sending does.
   */
  onFailed(slot: number, errno: number): void;
  /** Connecting ended: `errno` 0 is success. */
  onConnected(slot: number, errno: number): void;
}

export class Transport {
  readonly reactor: Reactor;
  readonly connections: Connections;
  readonly pool: BufferPool;
  readonly wheel: TimerWheel;
  readonly received: ReceiveQueue;
  readonly queued: SendQueue;
  /** Requests of a row whose last completion has not arrived. */
  readonly #inFlight: Uint8Array;
  /** Rows whose receive found no buffer. */
  readonly #starved: Int32Array;
  #starvedCount = 0;
  /** Clients whose handshake waits for a later turn: a ring of rows, some of them closed since. */
  readonly #deferred: Int32Array;
  readonly #isDeferred: Uint8Array;
  #deferredAt = 0;
  #deferredCount = 0;
  #handshakesLeft = HANDSHAKES_PER_TURN;
  /** Owners by kind; set once at boot. */
  client!: ConnectionUser;
  server!: ConnectionUser;
  relay!: ConnectionUser;
  /** Connections that begin with a header (listener/proxy-protocol.ts). */
  handshake!: ConnectionUser;
  /** Clients whose TLS handshake is under way. */
  tlsHandshake!: ConnectionUser;
  /** Connections that carry streams of HTTP/2, and the streams themselves. */
  http2!: ConnectionUser;
  multiplexer!: RowMultiplexer;
  /** Encrypted rows go through it. */
  readonly tls: Tls;
  /** Told when a row is freed: everything it counted can be taken back. */
  onRowFreed: (slot: number) => void = () => {};

  constructor(reactor: Reactor, connections: Connections, pool: BufferPool, wheel: TimerWheel, arena: Arena) {
    this.reactor = reactor;
    this.connections = connections;
    this.pool = pool;
    this.wheel = wheel;
    this.received = new ReceiveQueue(connections, pool, arena.bytes);
    this.queued = new SendQueue(connections, pool, arena);
    this.#inFlight = new Uint8Array(connections.capacity);
    this.#starved = new Int32Array(connections.capacity);
    this.#deferred = new Int32Array(connections.capacity * 2);
    this.#isDeferred = new Uint8Array(connections.capacity);
    this.tls = new Tls({
      ...{ arena, pool, connections },
      received: (slot, buffer) => this.received.append(slot, buffer),
      toSend: (slot, buffer) => this.queued.append(slot, buffer),
    });
  }

  /** Takes a row for `fd`; -1 when the table is full (the caller keeps the descriptor). */
  open(kind: number, fd: number, owner: number, nowMs: number): number {
    const table = this.connections;
    const slot = table.free.take();
    if (slot < 0) return -1;
    table.kind[slot] = kind;
    table.flags[slot] = 0;
    table.fd[slot] = fd;
    table.owner[slot] = owner;
    table.stream[slot] = -1;
    table.sendBytes[slot] = 0;
    table.streams[slot] = 0;
    table.glitches[slot] = 0;
    table.error[slot] = 0;
    table.sinceMs[slot] = nowMs;
    return slot;
  }

  /** Takes a row for a stream of HTTP/2 that the connection in row `carrier` carries; -1 when the table is full. */
  openMultiplexed(kind: number, carrier: number, owner: number, nowMs: number): number {
    const slot = this.open(kind, -1, owner, nowMs);
    if (slot < 0) return -1;
    this.connections.carrier[slot] = carrier;
    this.connections.flags[slot] = MULTIPLEXED;
    return slot;
  }

  /** Arms the receive unless it is armed, held back or over. */
  receive(slot: number): void {
    const flags = this.connections.flags[slot]!;
    if ((flags & NOT_RECEIVED) !== 0) return;
    this.connections.flags[slot] = flags | RECEIVING;
    this.#inFlight[slot]!++;
    const generation = this.connections.generation[slot]!;
    // When buffers are scarce nobody gets several before it is known whether the other side takes them.
    if (this.pool.isScarce) this.#receiveOnce(slot, generation, 1);
    else if ((flags & PACED) !== 0) this.#receiveOnce(slot, generation, PACED_BUFFERS);
    else this.reactor.recv(OP_RECEIVE, slot, generation, this.connections.fd[slot]!);
  }

  #receiveOnce(slot: number, generation: number, buffers: number): void {
    this.connections.flags[slot]! |= ONCE;
    this.reactor.recvOnce(OP_RECEIVE, slot, generation, this.connections.fd[slot]!, buffers * this.pool.size);
  }

  /** Back-pressure: lets nothing more in (a few buffers under way may still come). */
  pause(slot: number): void {
    const flags = this.connections.flags[slot]!;
    if ((flags & PAUSED) !== 0) return;
    this.connections.flags[slot] = flags | PAUSED;
    if ((flags & (RECEIVING | CANCELLING)) === RECEIVING) this.#cancelReceive(slot);
  }

  resume(slot: number): void {
    this.connections.flags[slot]! &= ~PAUSED;
    if ((this.connections.flags[slot]! & MULTIPLEXED) !== 0) this.multiplexer.resume(slot);
    else this.receive(slot);
  }

  #cancelReceive(slot: number): void {
    this.connections.flags[slot]! |= CANCELLING;
    this.#inFlight[slot]!++;
    this.reactor.cancel(OP_CANCEL, slot, this.connections.generation[slot]!, OP_RECEIVE);
  }

  /** Connects `fd` of the row to the address at arena `offset`; the bytes must stay until `onConnected`. */
  connect(slot: number, offset: number, bytes: number): void {
    this.connections.flags[slot]! |= CONNECTING;
    this.#inFlight[slot]!++;
    this.reactor.connect(
      OP_CONNECT,
      slot,
      this.connections.generation[slot]!,
      this.connections.fd[slot]!,
      offset,
      bytes,
    );
  }

  /** Appends a buffer (its pool.start … pool.end) to what is to be sent. `flush` starts the sending. */
  queue(slot: number, buffer: number): void {
    assert(
      (this.connections.flags[slot]! & (SHUTDOWN_QUEUED | WRITE_CLOSED)) === 0,
      "nothing is queued behind the end of output",
    );
    if ((this.connections.flags[slot]! & TLS) !== 0) this.tls.write(slot, buffer);
    else this.queued.append(slot, buffer);
  }

  /** As `queue`, of what goes out as it is before an encrypted row's handshake. */
  queuePlain(slot: number, buffer: number): void {
    this.queued.append(slot, buffer);
  }

  /** Sends what is queued, if nothing is under way. */
  flush(slot: number): void {
    const table = this.connections;
    const flags = table.flags[slot]!;
    if ((flags & (SENDING | CONNECTING | CLOSING | FAILED | OUTPUT_FAILED | MULTIPLEXED)) !== 0) {
      if ((flags & MULTIPLEXED) !== 0) this.multiplexer.flush(slot);
      return;
    }
    if ((flags & TLS) !== 0) this.tls.push(slot);
    const head = table.sendHead[slot]!;
    if (head < 0) {
      this.#outputDrained(slot);
      return;
    }
    const pool = this.pool;
    table.flags[slot] = flags | SENDING;
    this.#inFlight[slot]!++;
    if (pool.next[head]! < 0) {
      const start = pool.start[head]!;
      this.reactor.send(OP_SEND, slot, table.generation[slot]!, table.fd[slot]!, start, pool.end[head]! - start, false);
    } else this.reactor.sendmsg(OP_SEND, slot, table.generation[slot]!, table.fd[slot]!, this.queued.writeGather(slot));
  }

  /** Half-close: our end follows the last queued byte. */
  endOutput(slot: number): void {
    const flags = this.connections.flags[slot]!;
    if ((flags & (SHUTDOWN_QUEUED | WRITE_CLOSED | CLOSING)) !== 0) return;
    if ((flags & MULTIPLEXED) !== 0) {
      this.multiplexer.endOutput(slot);
      return;
    }
    this.connections.flags[slot] = flags | SHUTDOWN_QUEUED;
    if ((flags & TLS) !== 0) this.tls.end(slot);
    if (this.connections.sendHead[slot]! < 0) this.#outputDrained(slot);
    else this.flush(slot);
  }

  /** Closes once everything queued has been sent. */
  closeAfterOutput(slot: number): void {
    const flags = this.connections.flags[slot]!;
    if ((flags & MULTIPLEXED) !== 0) {
      this.multiplexer.closeAfterOutput(slot);
      return;
    }
    this.connections.flags[slot] = flags | CLOSE_QUEUED;
    if ((flags & (TLS | SHUTDOWN_QUEUED | CLOSING)) === TLS) this.tls.end(slot);
    if (this.connections.sendHead[slot]! < 0) this.close(slot);
    else this.flush(slot);
  }

  /** Closes now; queued bytes are thrown away. The row lives until its completions are in. */
  close(slot: number): void {
    const table = this.connections;
    const flags = table.flags[slot]!;
    if ((flags & CLOSING) !== 0) return;
    if ((flags & MULTIPLEXED) !== 0) {
      this.multiplexer.close(slot);
      return;
    }
    const generation = table.generation[slot]!;
    table.flags[slot] = flags | CLOSING;
    this.wheel.clear(slot);
    this.#isDeferred[slot] = 0;
    if ((flags & (RECEIVING | CANCELLING)) === RECEIVING) this.#cancelReceive(slot);
    if ((flags & SENDING) !== 0) this.#cancelOther(slot, generation, OP_SEND);
    if ((flags & CONNECTING) !== 0) this.#cancelOther(slot, generation, OP_CONNECT);
    this.#inFlight[slot]!++;
    this.reactor.close(OP_CLOSE, slot, generation, table.fd[slot]!);
    this.received.freeAll(slot);
    if ((flags & SENDING) === 0) this.queued.freeAll(slot);
  }

  #cancelOther(slot: number, generation: number, op: number): void {
    this.#inFlight[slot]!++;
    this.reactor.cancel(OP_CANCEL, slot, generation, op);
  }

  /** Completions of connection rows; ops of others never come here. */
  onCompletion(op: number, slot: number, generation: number, res: number, buffer: number, more: boolean): void {
    const table = this.connections;
    assert(table.generation[slot] === generation && table.kind[slot] !== 0, "a row outlives its completions");
    if (!more) this.#inFlight[slot]!--;
    switch (op) {
      case OP_RECEIVE:
        this.#onReceive(slot, res, buffer, more);
        break;
      case OP_SEND:
        this.#sent(slot, res);
        break;
      case OP_CONNECT:
        table.flags[slot]! &= ~CONNECTING;
        if ((table.flags[slot]! & CLOSING) !== 0) break;
        if (res >= 0 && (table.flags[slot]! & TLS) !== 0) this.#startTls(slot);
        else this.#user(slot).onConnected(slot, res < 0 ? -res : 0);
        break;
      default: // shutdown, close, cancel: only counted
        break;
    }
    if (this.#inFlight[slot] === 0 && (table.flags[slot]! & CLOSING) !== 0) this.#freeRow(slot);
  }

  // What the multiplexer needs of a stream's row.

  /** Who owns the row. */
  userOf(slot: number): ConnectionUser {
    return this.#user(slot);
  }

  /** A stream's row that was closed is free. */
  releaseMultiplexed(slot: number): void {
    this.#freeRow(slot);
  }

  #user(slot: number): ConnectionUser {
    const kind = this.connections.kind[slot];
    if (kind === KIND_CLIENT) return this.client;
    if (kind === KIND_SERVER) return this.server;
    if (kind === KIND_HTTP2_CLIENT || kind === KIND_HTTP2_SERVER) return this.http2;
    if (kind === KIND_TLS_HANDSHAKE) return this.tlsHandshake;
    return kind === KIND_HANDSHAKE ? this.handshake : this.relay;
  }

  #onReceive(slot: number, res: number, buffer: number, more: boolean): void {
    const table = this.connections;
    const flags = table.flags[slot]!;
    if (!more) table.flags[slot] = flags & ~(RECEIVING | CANCELLING | ONCE | SEVERAL);
    if ((flags & CLOSING) !== 0) {
      if (buffer >= 0) this.pool.free(buffer);
      return;
    }
    if (res > 0) {
      if ((flags & TLS) !== 0) {
        this.#setPace(slot, flags, res, more);
        if (!this.#defers(slot, buffer)) this.#decrypt(slot, buffer);
        if (!more) this.receive(slot);
        return;
      }
      this.received.append(slot, buffer);
      if (more && (flags & ONCE) !== 0) {
        // The rest is right behind: the owner is told once, of all of it.
        table.flags[slot] = flags | SEVERAL;
        return;
      }
      this.#setPace(slot, flags, res, more);
      this.#user(slot).onReceived(slot);
      if (!more) this.receive(slot);
      return;
    }
    if (buffer >= 0) this.pool.free(buffer);
    if (res === 0) {
      if ((flags & READ_CLOSED) !== 0) return; // TLS had said so before.
      table.flags[slot]! |= READ_CLOSED;
      if ((flags & TLS) !== 0 && table.kind[slot] !== KIND_TLS_HANDSHAKE && !this.tls.isOpen(slot)) {
        this.tls.endedEarly(slot);
        this.#tlsFailed(slot);
      } else this.#user(slot).onReceiveEnd(slot);
    } else if (res === ENOBUFS) {
      if ((flags & STARVED) === 0) {
        table.flags[slot]! |= STARVED;
        this.#starved[this.#starvedCount++] = slot;
      }
    } else if (res === ECANCELED || res === EINTR || res === EAGAIN) this.receive(slot);
    else this.#fail(slot, -res);
  }

  /** Records that were received with something else before them (a PROXY header) are decrypted now. */
  decryptReceived(slot: number): void {
    const { received, pool } = this;
    // All of them leave the queue before the first plaintext comes into it.
    const buffers: number[] = [];
    for (let buffer = received.take(slot); buffer >= 0; buffer = received.take(slot)) buffers.push(buffer);
    for (const buffer of buffers) {
      if ((this.connections.flags[slot]! & CLOSING) !== 0) pool.free(buffer);
      else this.#decrypt(slot, buffer);
    }
  }

  /** Whether a client's handshake waits for the next turn, because others have had their share of this one. Its bytes wait in the receive queue. */
  #defers(slot: number, buffer: number): boolean {
    if (this.connections.kind[slot] !== KIND_TLS_HANDSHAKE) return false;
    const isFull = this.#deferredCount === this.#deferred.length;
    if (this.#isDeferred[slot] === 0 && (this.#handshakesLeft > 0 || isFull)) {
      this.#handshakesLeft--;
      return false;
    }
    this.received.append(slot, buffer);
    if (this.#isDeferred[slot] === 1) return true;
    this.#isDeferred[slot] = 1;
    this.#deferred[(this.#deferredAt + this.#deferredCount++) % this.#deferred.length] = slot;
    return true;
  }

  /** Once a turn: handshakes that waited, in their order. True: more of them wait, nobody may sleep. */
  continueHandshakes(): boolean {
    this.#handshakesLeft = HANDSHAKES_PER_TURN;
    while (this.#deferredCount > 0 && this.#handshakesLeft > 0) {
      const slot = this.#deferred[this.#deferredAt]!;
      this.#deferredAt = (this.#deferredAt + 1) % this.#deferred.length;
      this.#deferredCount--;
      if (this.#isDeferred[slot] === 0) continue; // Closed in the meantime.
      this.#isDeferred[slot] = 0;
      this.#handshakesLeft--;
      this.decryptReceived(slot);
    }
    return this.#deferredCount > 0;
  }

  /** The connection to a server is there; its owner hears of it when the handshake is done. */
  #startTls(slot: number): void {
    this.#tlsEvents(slot, this.tls.start(slot));
    this.receive(slot);
  }

  #decrypt(slot: number, buffer: number): void {
    this.#tlsEvents(slot, this.tls.feed(slot, buffer));
  }

  #tlsEvents(slot: number, events: number): void {
    const flags = this.connections.flags;
    // Handshake messages, tickets, alerts.
    if (this.connections.sendHead[slot]! >= 0) this.flush(slot);
    if ((events & TLS_OPEN) !== 0) this.#user(slot).onConnected(slot, 0);
    if ((events & TLS_DATA) !== 0 && (flags[slot]! & CLOSING) === 0) this.#user(slot).onReceived(slot);
    if ((flags[slot]! & CLOSING) !== 0) return;
    if ((events & TLS_ENDED) !== 0) {
      flags[slot]! |= READ_CLOSED;
      this.#user(slot).onReceiveEnd(slot);
    } else if ((events & TLS_FAILED) !== 0) this.#tlsFailed(slot);
  }

  /** Handshakes fail as connecting does, records as receiving. */
  #tlsFailed(slot: number): void {
    const kind = this.connections.kind[slot];
    const connecting = kind === KIND_TLS_HANDSHAKE || (kind === KIND_SERVER && !this.tls.wasOpen(slot));
    if (connecting) this.#user(slot).onConnected(slot, EPROTO);
    else this.#fail(slot, EPROTO);
  }

  /**
   * A full buffer means that the peer sends in bulk, and a receive that goes on by itself would drain all it has sent into our buffers
   * before back-pressure can act: from now on one receive at a time, of a few buffers, until one comes that does not fill its first.
   */
  #setPace(slot: number, before: number, bytes: number, more: boolean): void {
    const flags = this.connections.flags[slot]!;
    if (bytes < this.pool.size) {
      if (!more && (before & SEVERAL) === 0) this.connections.flags[slot] = flags & ~PACED;
    } else if ((flags & PACED) === 0) {
      this.connections.flags[slot] = flags | PACED;
      if (more && (flags & CANCELLING) === 0) this.#cancelReceive(slot);
    }
  }

  #sent(slot: number, res: number): void {
    const table = this.connections;
    table.flags[slot]! &= ~SENDING;
    if ((table.flags[slot]! & CLOSING) !== 0) {
      this.queued.freeAll(slot);
      return;
    }
    if (res < 0) {
      if (res === EINTR || res === EAGAIN) this.flush(slot);
      else if (table.kind[slot] === KIND_SERVER) this.#outputFailed(slot);
      else this.#fail(slot, -res);
      return;
    }
    this.queued.dropSent(slot, res);
    // Of encrypted rows there may be plaintext that waited for this send.
    if (table.sendHead[slot]! >= 0 || (table.flags[slot]! & TLS) !== 0) this.flush(slot);
    else this.#outputDrained(slot);
    if ((table.flags[slot]! & CLOSING) === 0) this.#user(slot).onSent(slot);
  }

  #outputDrained(slot: number): void {
    const table = this.connections;
    const flags = table.flags[slot]!;
    if ((flags & CLOSE_QUEUED) !== 0) this.close(slot);
    else if ((flags & (SHUTDOWN_QUEUED | WRITE_CLOSED)) === SHUTDOWN_QUEUED) {
      table.flags[slot] = flags | WRITE_CLOSED;
      this.#inFlight[slot]!++;
      this.reactor.shutdown(OP_SHUTDOWN, slot, table.generation[slot]!, table.fd[slot]!, 1);
    }
  }

  /** A server that takes no more may have said why (413 to a body that it does not want). Receiving comes to its end by itself. */
  #outputFailed(slot: number): void {
    this.connections.flags[slot]! |= OUTPUT_FAILED;
    this.queued.freeAll(slot);
    this.receive(slot);
  }

  #fail(slot: number, errno: number): void {
    this.connections.flags[slot]! |= FAILED;
    if ((this.connections.flags[slot]! & SENDING) === 0) this.queued.freeAll(slot);
    this.#user(slot).onFailed(slot, errno);
  }

  /** Gives the receive another try where it found no buffer; called once a turn. */
  feedStarved(): void {
    // Buffers may have gone straight from whoever freed them to the kernel: those count as well, or the last starved row waits for ever.
    while (this.#starvedCount > 0 && this.pool.available + this.pool.lent > 0) {
      const slot = this.#starved[--this.#starvedCount]!;
      this.connections.flags[slot]! &= ~STARVED;
      this.receive(slot);
    }
  }

  #freeRow(slot: number): void {
    const table = this.connections;
    if ((table.flags[slot]! & STARVED) !== 0) this.#forgetStarved(slot);
    // Not when it was closed: the log line of what it served may still ask.
    if ((table.flags[slot]! & TLS) !== 0) this.tls.free(slot);
    this.onRowFreed(slot);
    table.generation[slot] = (table.generation[slot]! + 1) | 0;
    table.kind[slot] = KIND.free;
    table.fd[slot] = -1;
    table.carrier[slot] = slot;
    table.free.give(slot);
  }

  #forgetStarved(slot: number): void {
    for (let i = 0; i < this.#starvedCount; i++) {
      if (this.#starved[i] === slot) {
        this.#starved[i] = this.#starved[--this.#starvedCount]!;
        return;
      }
    }
  }
}
