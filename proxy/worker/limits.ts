// Every capacity of a worker, derived once from maxconn and the buffer size, each term with its reason. Nothing grows afterwards.
//
// All memory here is reserved, not used: pages of the arena and of the tables cost nothing until a row or a buffer is first taken,
// and rows and buffers are taken last-in-first-out, so that what is in use stays what was needed at most at once.

import { ARENA_BYTES_MAX } from "../../shared/arena/arena.ts";
import { reactorArenaBytes } from "../../shared/reactor/create.ts";
import type { GlobalPlan, Plan } from "../plan/plan.ts";

/** Submissions between two turns before a flush in the middle; completions wait in four times as many. */
const RING_ENTRIES = 4096;
/** Buffers lent to the kernel at a time: receives of one turn that can be served without going back to the pool. */
const BUFFER_RING_ENTRIES = 1024;
/** Buffers that the kernel can name (16 bits). */
const BUFFERS_MAX = 65536;
/** A multishot receive may fill 32 buffers before back-pressure stops it. Not everybody does; when they get scarce receives are paced. */
const BURST_BUFFERS = 8;
/** Rows beyond two per client connection: idle server connections above maxconn, connections that are closing. */
const SPARE_ROWS = 1024;
/** Streams of HTTP/2 that may be under way beyond one for each connection. */
const HTTP2_STREAMS = 8192;
/** Row numbers travel in 24 bits of a completion. */
const ROWS_MAX = 1 << 24;
/** Fewest connections to plan for, whatever maxconn says. */
const CONNECTIONS_MIN = 256;
/** Part of the arena that may be buffers, the rest is lists and addresses. */
const BUFFER_SHARE = 0.9;

export interface Limits {
  readonly ringEntries: number;
  readonly bufferRingEntries: number;
  readonly bufferCount: number;
  readonly bufferBytes: number;
  /** Connection rows of both sides. */
  readonly rows: number;
  readonly streams: number;
  readonly arenaBytes: number;
}

export function deriveLimits(plan: Plan, maxconn: number, rowBytes: number, fixedBytes: number): Limits {
  const connections = Math.max(maxconn, CONNECTIONS_MIN);
  let rows = connections; // a client each
  rows += connections; // a server each
  rows += SPARE_ROWS;
  // HTTP/2: a row for each stream of a client, and one for its server. Beyond that streams are refused, not connections.
  const multiplexed = plan.proxies.some(({ mode, frontend }) => mode === "http" && frontend !== null)
    ? HTTP2_STREAMS
    : 0;
  rows += 2 * multiplexed;
  rows = Math.min(rows, ROWS_MAX);

  const bufferBytes = bufferBytesOf(plan.global);
  let buffers = BUFFER_RING_ENTRIES; // in the kernel's hands
  buffers += connections; // request heads, kept until the exchange ends
  buffers += 2 * connections; // one under way in each direction
  buffers += BURST_BUFFERS * connections; // what a receive brings before it is held back, for some connections at a time
  const affordable = Math.floor((ARENA_BYTES_MAX * BUFFER_SHARE) / bufferBytes);
  const bufferCount = Math.min(buffers, BUFFERS_MAX, affordable);

  let arenaBytes = reactorArenaBytes(RING_ENTRIES, BUFFER_RING_ENTRIES);
  arenaBytes += bufferCount * bufferBytes + 4096;
  arenaBytes += rows * rowBytes; // gather lists, addresses that depend on the client
  arenaBytes += fixedBytes; // addresses, log lines
  return {
    ringEntries: RING_ENTRIES,
    bufferRingEntries: BUFFER_RING_ENTRIES,
    bufferCount,
    bufferBytes,
    rows,
    streams: connections + multiplexed + SPARE_ROWS,
    arenaBytes,
  };
}

/** Buffers are whole cache lines. */
export function bufferBytesOf(global: GlobalPlan): number {
  return Math.ceil(global.bufsizeBytes / 64) * 64;
}
