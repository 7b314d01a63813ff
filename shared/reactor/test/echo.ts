// A load for tests and measurements: clients and an echo server on one reactor, thread and pool. Every client sends a message, waits until
// all of it has come back, compares it, and begins again. Written as a data plane is: rows in typed arrays, nothing allocated per message.
//
//   client row 0 … n-1        ──send──▶  kernel  ──recv──▶   server row n … 2n-1
//              compare bytes  ◀──recv──          ◀──send──   queue of received buffers, one send in flight

import { type Arena, createArena } from "../../arena/arena.ts";
import { BufferPool } from "../../arena/buffer-pool.ts";
import { assert } from "../../assert.ts";
import { close } from "../../ffi/file.ts";
import * as sockets from "../../ffi/socket.ts";
import { createReactor } from "../create.ts";
import type { CompletionHandler, Reactor } from "../reactor.ts";
import { listen, must, testedEngine } from "./harness.ts";

const ACCEPT = 1;
const CONNECT = 2;
const RECV = 3;
const SEND = 4;
const CLOSE = 5;
const ENOBUFS = -105;

export interface EchoOptions {
  readonly connections: number;
  readonly kind: "tcp" | "unix";
  readonly messageBytes: number;
  /** Echoes per client, after which it closes. */
  readonly rounds: number;
  readonly buffers: number;
  readonly bufferBytes: number;
  readonly entries: number;
  readonly completionEntries: number;
}

export class Echo implements CompletionHandler {
  readonly reactor: Reactor;
  readonly pool: BufferPool;
  /** Messages that came back whole. */
  echoes = 0;
  /** Rows that are closed at the end: twice the connections. */
  closed = 0;
  /** Receives that had to wait for a buffer. */
  starvations = 0;
  readonly #arena: Arena;
  readonly #options: EchoOptions;
  readonly #listener: number;
  readonly #message: number;
  readonly #fd: Int32Array;
  readonly #head: Int32Array;
  readonly #tail: Int32Array;
  readonly #received: Int32Array;
  readonly #rounds: Int32Array;
  readonly #generation: Int32Array;
  readonly #starved: Int32Array;
  #starvedCount = 0;
  #accepted = 0;

  constructor(options: EchoOptions) {
    const { connections, messageBytes, buffers, bufferBytes } = options;
    const result = createArena(buffers * bufferBytes + messageBytes + (8 << 20));
    if (!result.ok) throw new Error(`no arena: errno ${result.errno}`);
    this.#options = options;
    this.#arena = result.arena;
    this.pool = new BufferPool(this.#arena, buffers, bufferBytes);
    const created = createReactor({
      ...options,
      engine: testedEngine(),
      arena: this.#arena,
      pool: this.pool,
      handler: this,
    });
    if (!created.ok) throw new Error(created.reason);
    this.reactor = created.reactor;
    this.#message = this.#arena.alloc(messageBytes);
    for (let i = 0; i < messageBytes; i++) this.#arena.bytes[this.#message + i] = (i * 7 + (i >> 8)) & 255;
    const rows = 2 * connections;
    this.#fd = new Int32Array(rows).fill(-1);
    this.#head = new Int32Array(rows).fill(-1);
    this.#tail = new Int32Array(rows).fill(-1);
    this.#received = new Int32Array(rows);
    this.#rounds = new Int32Array(rows);
    this.#generation = Int32Array.from({ length: rows }, (_, row) => Math.imul(row, 0x9e3779b1));
    this.#starved = new Int32Array(rows);

    const { fd, sockaddr } = listen(options.kind, 4096);
    this.#listener = fd;
    const address = this.#arena.alloc(sockaddr.length);
    this.#arena.bytes.set(sockaddr, address);
    this.#arena.freeze();
    this.reactor.accept(ACCEPT, 0, 0, fd);
    for (let row = 0; row < connections; row++) {
      const client = must(sockets.socket(sockaddr[0]!, sockets.SOCK_STREAM | sockets.SOCK_CLOEXEC, 0));
      this.#fd[row] = client;
      this.reactor.connect(CONNECT, row, this.#generation[row]!, client, address, sockaddr.length);
    }
  }

  /** Turns until every client is done, or `echoes` more have been made, at most `withinMs`. True: done. */
  run(withinMs: number, echoes = Number.POSITIVE_INFINITY): boolean {
    const rows = this.#fd.length;
    const goal = this.echoes + echoes;
    const end = performance.now() + withinMs;
    while (this.closed < rows && this.echoes < goal) {
      for (let turn = 0; turn < 64 && this.closed < rows && this.echoes < goal; turn++) {
        this.reactor.turn(10);
        this.#feed();
      }
      if (performance.now() > end) return false;
    }
    return true;
  }

  destroy(): void {
    this.reactor.destroy();
    close(this.reactor.wakeFd);
    close(this.#listener);
    for (const fd of this.#fd) if (fd >= 0) close(fd);
    this.#arena.destroy();
  }

  onCompletion(op: number, row: number, generation: number, res: number, buffer: number, more: boolean): void {
    if (op === ACCEPT) {
      assert(res >= 0, "accepts");
      if (!more) this.reactor.accept(ACCEPT, 0, 0, this.#listener);
      const server = this.#options.connections + this.#accepted++;
      this.#fd[server] = res;
      this.reactor.recv(RECV, server, this.#generation[server]!, res);
      return;
    }
    assert(generation === this.#generation[row], "generations come back as they were given");
    if (op === RECV) this.#onReceive(row, res, buffer, more);
    else if (op === SEND) this.#onSent(row, res);
    else if (op === CONNECT) {
      assert(res === 0, "connects");
      this.reactor.recv(RECV, row, generation, this.#fd[row]!);
      this.#say(row);
    } else if (op === CLOSE) {
      this.#fd[row] = -1;
      this.closed++;
    }
  }

  /** Receives that found no buffer are armed again when there are some. */
  #feed(): void {
    while (this.#starvedCount > 0 && this.pool.available + this.pool.lent > 0) {
      const row = this.#starved[--this.#starvedCount]!;
      this.reactor.recv(RECV, row, this.#generation[row]!, this.#fd[row]!);
    }
  }

  #onReceive(row: number, res: number, buffer: number, more: boolean): void {
    if (res === ENOBUFS) {
      this.starvations++;
      this.#starved[this.#starvedCount++] = row;
      return;
    }
    if (res <= 0) {
      assert(res === 0 && !more && buffer === -1, "a stream ends cleanly");
      this.reactor.close(CLOSE, row, this.#generation[row]!, this.#fd[row]!);
      return;
    }
    if (!more) this.reactor.recv(RECV, row, this.#generation[row]!, this.#fd[row]!);
    if (row < this.#options.connections) this.#compare(row, buffer);
    else this.#echo(row, buffer);
  }

  #compare(row: number, buffer: number): void {
    const { start, end } = this.pool;
    const bytes = end[buffer]! - start[buffer]!;
    const from = this.#message + this.#received[row]!;
    const same = this.#arena.bytes.compare(this.#arena.bytes, from, from + bytes, start[buffer], end[buffer]);
    assert(same === 0, "what comes back is what was sent");
    this.pool.free(buffer);
    this.#received[row]! += bytes;
    if (this.#received[row]! < this.#options.messageBytes) return;
    this.echoes++;
    if (++this.#rounds[row]! < this.#options.rounds) this.#say(row);
    else this.reactor.shutdown(0, row, this.#generation[row]!, this.#fd[row]!, 1);
  }

  #say(row: number): void {
    this.#received[row] = 0;
    this.#send(row, this.#message, this.#options.messageBytes);
  }

  #echo(row: number, buffer: number): void {
    const { start, end, next } = this.pool;
    const tail = this.#tail[row]!;
    this.#tail[row] = buffer;
    if (tail >= 0) {
      next[tail] = buffer;
      return;
    }
    this.#head[row] = buffer;
    this.#send(row, start[buffer]!, end[buffer]! - start[buffer]!);
  }

  #send(row: number, offset: number, bytes: number): void {
    this.reactor.send(SEND, row, this.#generation[row]!, this.#fd[row]!, offset, bytes, false);
  }

  #onSent(row: number, res: number): void {
    if (row < this.#options.connections) {
      assert(res === this.#options.messageBytes, "a client sends all of its message");
      return;
    }
    const { start, end, next } = this.pool;
    const sent = this.#head[row]!;
    assert(res === end[sent]! - start[sent]!, "the server sends all of a buffer");
    const following = next[sent]!;
    this.pool.free(sent);
    this.#head[row] = following;
    if (following < 0) this.#tail[row] = -1;
    else this.#send(row, start[following]!, end[following]! - start[following]!);
  }
}
