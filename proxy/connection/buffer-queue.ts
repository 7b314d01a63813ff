// What receive and send queues do with buffers that follow each other through BufferPool.next.

import type { BufferPool } from "../../shared/arena/buffer-pool.ts";

/** Moves what stands in the buffer to its first byte. */
export function compact(pool: BufferPool, bytes: Uint8Array, buffer: number): void {
  const offset = pool.offsetOf(buffer);
  if (pool.start[buffer]! === offset) return;
  bytes.copyWithin(offset, pool.start[buffer]!, pool.end[buffer]!);
  pool.end[buffer]! -= pool.start[buffer]! - offset;
  pool.start[buffer] = offset;
}

/**
 * Moves bytes of the buffer behind `first`, of which there is one, to the end of `first`, as far as they fit. One that is used up is freed; when it was
 * the queue's last, `first` is (its `next` is -1).
 * @returns bytes moved
 */
export function drawFromNext(pool: BufferPool, bytes: Uint8Array, first: number): number {
  const second = pool.next[first]!;
  const room = pool.offsetOf(first) + pool.size - pool.end[first]!;
  const length = Math.min(room, pool.end[second]! - pool.start[second]!);
  bytes.copyWithin(pool.end[first]!, pool.start[second]!, pool.start[second]! + length);
  pool.end[first]! += length;
  pool.start[second]! += length;
  if (pool.start[second] === pool.end[second]) {
    pool.next[first] = pool.next[second]!;
    pool.free(second);
  }
  return length;
}
