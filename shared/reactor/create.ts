// Chooses the engine of a worker's reactor: io_uring where the kernel gives one, otherwise epoll, which works everywhere.

import type { Arena } from "../arena/arena.ts";
import type { BufferPool } from "../arena/buffer-pool.ts";
import { createEpoll, EPOLL_ARENA_BYTES } from "./epoll/epoll.ts";
import { createIoUring } from "./io-uring/io-uring.ts";
import type { CompletionHandler, Reactor } from "./reactor.ts";

/** `auto`: the best that can be had. */
export type EngineChoice = "auto" | "io_uring" | "epoll";

export interface ReactorOptions {
  /** Default: `auto`. */
  readonly engine?: EngineChoice;
  readonly arena: Arena;
  /** Allocated from `arena`. */
  readonly pool: BufferPool;
  readonly handler: CompletionHandler;
  /** Requests that can be queued between two turns without a flush in the middle: a power of two. */
  readonly entries: number;
  /** Completions that can wait: a power of two, by default four times `entries`. */
  readonly completionEntries?: number;
  /** Most buffers that the kernel holds at a time: a power of two, by default what the pool has, up to 4096. */
  readonly bufferRingEntries?: number;
}

export type ReactorResult =
  | {
      readonly ok: true;
      readonly reactor: Reactor;
      /** Why `auto` did not give the better engine; null: it did, or nothing better was asked for. */
      readonly fallback: string | null;
    }
  | {
      readonly ok: false;
      /** What failed and what would help, for the start-up line. */
      readonly reason: string;
      /** Positive errno, 0 when no system call failed. */
      readonly errno: number;
    };

/**
 * Arena bytes that `createReactor` takes for its own use beside the pool: the buffer ring, a timespec per entry, argument structs and
 * what alignment costs.
 */
export function reactorArenaBytes(entries: number, bufferRingEntries: number): number {
  return entries * 16 + bufferRingEntries * 16 + 2 * 4096 + EPOLL_ARENA_BYTES;
}

/** To be called in the thread that will use the reactor, before the arena is frozen. */
export function createReactor(options: ReactorOptions): ReactorResult {
  const { engine = "auto" } = options;
  let fallback: string | null = null;
  if (engine !== "epoll") {
    const created = createIoUring(options);
    if (created.ok) return { ok: true, reactor: created.reactor, fallback };
    if (engine === "io_uring") return created;
    fallback = created.reason;
  }
  const created = createEpoll(options);
  return created.ok ? { ok: true, reactor: created.reactor, fallback } : created;
}
