// For tests: a reactor with its arena and pool, a handler that keeps what it is told, and peers that are plain blocking sockets driven
// by system calls, so that a test reads as a conversation: submit, expect, look.

import { threadId } from "node:worker_threads";
import { encodeInternetAddress, encodeUnixAbstract, SOCKADDR_BYTES_MAX } from "../../abi/sockaddr.ts";
import { type Arena, createArena } from "../../arena/arena.ts";
import { BufferPool } from "../../arena/buffer-pool.ts";
import { close } from "../../ffi/file.ts";
import * as sockets from "../../ffi/socket.ts";
import { createReactor, type EngineChoice } from "../create.ts";
import type { CompletionHandler, Reactor } from "../reactor.ts";

export interface Completion {
  readonly op: number;
  readonly slot: number;
  readonly generation: number;
  readonly res: number;
  readonly buffer: number;
  readonly more: boolean;
}

/** The engine that the tests of this process are for: RINGWAY_ENGINE, or io_uring. */
export function testedEngine(): EngineChoice {
  return process.env["RINGWAY_ENGINE"] === "epoll" ? "epoll" : "io_uring";
}

export interface HarnessOptions {
  readonly entries?: number;
  readonly completionEntries?: number;
  readonly buffers?: number;
  readonly bufferBytes?: number;
  readonly bufferRingEntries?: number;
}

export const OP = {
  accept: 1,
  recv: 2,
  send: 3,
  connect: 4,
  shutdown: 5,
  close: 6,
  cancel: 7,
  timeout: 8,
  write: 9,
} as const;

export class Harness implements CompletionHandler {
  readonly arena: Arena;
  readonly pool: BufferPool;
  readonly reactor: Reactor;
  /** Completions that no `expect` has taken. */
  readonly seen: Completion[] = [];
  /** Called for every completion before it is kept. */
  hook: ((completion: Completion) => void) | null = null;
  /** Offset of 1 MiB for the test's own bytes. */
  readonly scratch: number;

  constructor(options: HarnessOptions = {}) {
    const buffers = options.buffers ?? 64;
    const bufferBytes = options.bufferBytes ?? 4096;
    const result = createArena(buffers * bufferBytes + (4 << 20));
    if (!result.ok) throw new Error(`no arena: errno ${result.errno}`);
    this.arena = result.arena;
    this.pool = new BufferPool(this.arena, buffers, bufferBytes);
    this.scratch = this.arena.alloc(1 << 20);
    const created = createReactor({
      arena: this.arena,
      pool: this.pool,
      handler: this,
      engine: testedEngine(),
      entries: options.entries ?? 64,
      completionEntries: options.completionEntries ?? 256,
      ...(options.bufferRingEntries === undefined ? {} : { bufferRingEntries: options.bufferRingEntries }),
    });
    if (!created.ok) throw new Error(created.reason);
    this.reactor = created.reactor;
    this.arena.freeze();
  }

  onCompletion(op: number, slot: number, generation: number, res: number, buffer: number, more: boolean): void {
    const completion = { op, slot, generation, res, buffer, more };
    this.hook?.(completion);
    this.seen.push(completion);
  }

  /** Turns until a completion of `op` (and `slot`) is there, and takes it. */
  expect(op: number, slot = -1, withinMs = 3000): Completion {
    const end = performance.now() + withinMs;
    for (;;) {
      const index = this.seen.findIndex((seen) => seen.op === op && (slot < 0 || seen.slot === slot));
      if (index >= 0) return this.seen.splice(index, 1)[0]!;
      if (performance.now() > end) throw new Error(`no completion of op ${op} within ${withinMs} ms`);
      this.reactor.turn(50);
    }
  }

  /** Turns for a while and returns what came. */
  drain(forMs: number): Completion[] {
    const end = performance.now() + forMs;
    while (performance.now() < end) this.reactor.turn(5);
    return this.seen.splice(0);
  }

  /** The text of a received buffer, which is given back. */
  text(completion: Completion): string {
    const { buffer } = completion;
    if (buffer < 0) throw new Error(`no buffer: res ${completion.res}`);
    const text = this.arena.bytes.toString("latin1", this.pool.start[buffer], this.pool.end[buffer]);
    this.pool.free(buffer);
    return text;
  }

  /** Copies text into the scratch memory and returns its offset. */
  put(text: string | Uint8Array, at = 0): number {
    this.arena.bytes.set(typeof text === "string" ? Buffer.from(text, "latin1") : text, this.scratch + at);
    return this.scratch + at;
  }

  destroy(): void {
    this.reactor.destroy();
    close(this.reactor.wakeFd);
    this.arena.destroy();
  }
}

export interface Listener {
  readonly fd: number;
  /** What `connect` takes. */
  readonly sockaddr: Uint8Array;
}

const EINTR = 4;
let names = 0;

/** A listening socket on loopback, or an abstract UNIX one. */
export function listen(kind: "tcp" | "unix", backlog = 128): Listener {
  const family = kind === "tcp" ? sockets.AF_INET : sockets.AF_UNIX;
  const fd = must(sockets.socket(family, sockets.SOCK_STREAM | sockets.SOCK_CLOEXEC, 0));
  const wanted =
    kind === "tcp"
      ? encodeInternetAddress(Uint8Array.of(127, 0, 0, 1), 0)
      : encodeUnixAbstract(`ringway-test-${process.pid}-${threadId}-${names++}`, false)!;
  must(sockets.bind(fd, wanted));
  must(sockets.listen(fd, backlog));
  const name = new Uint8Array(SOCKADDR_BYTES_MAX);
  const length = must(sockets.getsockname(fd, name));
  return { fd, sockaddr: name.slice(0, length) };
}

/** struct timeval of three seconds: a peer that hears nothing fails instead of blocking the thread for ever. */
const THREE_SECONDS = Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

/** A blocking connection to a listener. */
export function connect(listener: Listener): number {
  const family = listener.sockaddr[0]!;
  const fd = must(sockets.socket(family, sockets.SOCK_STREAM | sockets.SOCK_CLOEXEC, 0));
  must(sockets.setsockopt(fd, sockets.SOL_SOCKET, sockets.SO_RCVTIMEO, THREE_SECONDS));
  must(sockets.connect(fd, listener.sockaddr));
  return fd;
}

/** A peer and the descriptor that the reactor accepted for it; the accept stays armed. */
export function accepted(h: Harness, kind: "tcp" | "unix" = "tcp"): { peer: number; fd: number; listener: number } {
  const listener = listen(kind);
  h.reactor.accept(OP.accept, 900, 1, listener.fd);
  const peer = connect(listener);
  const { res } = h.expect(OP.accept);
  return { peer, fd: must(res), listener: listener.fd };
}

/** Sends all of `text`, blocking. */
export function say(fd: number, text: string): void {
  const bytes = Buffer.from(text, "latin1");
  if (must(sockets.send(fd, bytes, sockets.MSG_NOSIGNAL)) !== bytes.length) throw new Error("short send");
}

/** What the peer has received, blocking until there is something; "" at the end of the stream. */
export function hear(fd: number, bytesMax = 65536): string {
  const bytes = new Uint8Array(bytesMax);
  let heard = -EINTR;
  // The end of a ring interrupts what its thread is blocked in.
  while (heard === -EINTR) heard = sockets.recv(fd, bytes, 0);
  return Buffer.from(bytes.subarray(0, must(heard))).toString("latin1");
}

/** What has arrived, or -errno: never blocks. */
export function hearNow(fd: number, bytes: Uint8Array): number {
  return sockets.recv(fd, bytes, sockets.MSG_DONTWAIT);
}

/** Closes with a reset instead of an end. */
export const LINGER_RESET = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);

export function must(result: number): number {
  if (result < 0) throw new Error(`errno ${-result}`);
  return result;
}
