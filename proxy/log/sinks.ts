// Where a worker's log lines go: sockets that take one datagram per line, and files that take a stream of lines.
//
// Both give memory to write a line into, submit it, and keep it untouched until the kernel is done with it. Neither ever waits: when
// the other end is slow, there is no memory for the next line and the caller drops it.
//
//   DatagramSink   |line|line|free|line|free| …   a slot per line in flight
//   StreamSink     |line line line …| being written      |line line  …| being filled     (two halves that swap)

import { FreeList } from "../../shared/arena/free-list.ts";
import type { Reactor } from "../../shared/reactor/reactor.ts";
import { SLACK } from "./line-writer.ts";

/** Most lines in flight to one socket; the receive queue of a busy syslog server holds about as many. */
const DATAGRAMS_IN_FLIGHT = 128;
/** Memory of one datagram sink is bounded: with a large `len`, fewer lines are in flight. */
const DATAGRAM_SINK_BYTES_MAX = 1 << 20;
const STREAM_HALF_BYTES_MIN = 64 << 10;

/** Part of a sink's slot number that is its own; the rest is the endpoint's index. */
export const SINK_SLOT_BITS = 8;
const SINK_SLOT_MASK = (1 << SINK_SLOT_BITS) - 1;

export interface LogSink {
  /** Lines that were given up: no room, or refused by the kernel. */
  readonly dropped: number;
  /** Submissions that the kernel answered with an error. */
  readonly refused: number;
  /** Arena offset for a line of up to the endpoint's `maxBytes` (and SLACK bytes more), or -1: the line must be dropped. */
  begin(): number;
  /** Hands over the line of `bytes` bytes at the offset that the last `begin` gave. */
  commit(bytes: number): void;
  /** A submission ended with `res`. */
  complete(slot: number, res: number): void;
}

export interface SinkOptions {
  readonly reactor: Pick<Reactor, "send" | "write">;
  /** The number that completions of log lines carry. */
  readonly op: number;
  /** Position in `logTargets(plan)`. */
  readonly endpoint: number;
  /** -1: could not be opened; every line is dropped. */
  readonly fd: number;
  /** Bytes that a line may have with its header, and where in the arena the sink's memory begins. */
  readonly lineBytesMax: number;
  readonly arenaOffset: number;
}

/** Bytes of arena that a sink needs. */
export function sinkBytes(kind: "datagram" | "stream", lineBytesMax: number): number {
  const line = lineBytesMax + SLACK;
  return kind === "datagram" ? datagramSlots(line) * line : 2 * streamHalfBytes(line);
}

/** A connected UDP or UNIX datagram socket. */
export class DatagramSink implements LogSink {
  dropped = 0;
  refused = 0;
  readonly #options: SinkOptions;
  readonly #slotBytes: number;
  readonly #free: FreeList;
  #slot = -1;

  constructor(options: SinkOptions) {
    this.#options = options;
    this.#slotBytes = options.lineBytesMax + SLACK;
    this.#free = new FreeList(datagramSlots(this.#slotBytes));
  }

  begin(): number {
    if (this.#slot === -1) this.#slot = this.#options.fd < 0 ? -1 : this.#free.take();
    if (this.#slot === -1) {
      this.dropped++;
      return -1;
    }
    return this.#options.arenaOffset + this.#slot * this.#slotBytes;
  }

  commit(bytes: number): void {
    const { reactor, op, endpoint, fd, arenaOffset } = this.#options;
    const slot = this.#slot;
    this.#slot = -1;
    reactor.send(op, (endpoint << SINK_SLOT_BITS) | slot, 0, fd, arenaOffset + slot * this.#slotBytes, bytes, false);
  }

  complete(slot: number, res: number): void {
    this.#free.give(slot & SINK_SLOT_MASK);
    if (res >= 0) return;
    this.dropped++;
    this.refused++;
  }
}

/** stdout, stderr, fd@N: one write at a time, so that lines stay whole and in order; lines that come meanwhile go together. */
export class StreamSink implements LogSink {
  dropped = 0;
  refused = 0;
  readonly #options: SinkOptions;
  readonly #halfBytes: number;
  readonly #lineBytes: number;
  /** The half that is filled (0 or 1), its bytes and lines. */
  #half = 0;
  #filled = 0;
  #lines = 0;
  /** What the kernel has of the other half; 0 bytes: nothing is in flight. */
  #writingAt = 0;
  #writingBytes = 0;
  #writingLines = 0;

  constructor(options: SinkOptions) {
    this.#options = options;
    this.#lineBytes = options.lineBytesMax + SLACK;
    this.#halfBytes = streamHalfBytes(this.#lineBytes);
  }

  begin(): number {
    if (this.#options.fd < 0 || this.#filled + this.#lineBytes > this.#halfBytes) {
      this.dropped++;
      return -1;
    }
    return this.#halfOffset() + this.#filled;
  }

  commit(bytes: number): void {
    this.#filled += bytes;
    this.#lines++;
    if (this.#writingBytes === 0) this.#swap();
  }

  complete(_slot: number, res: number): void {
    if (res < 0) {
      this.dropped += this.#writingLines;
      this.refused++;
      this.#writingBytes = 0;
    } else {
      this.#writingAt += res;
      this.#writingBytes -= res;
    }
    if (this.#writingBytes > 0) this.#submit();
    else if (this.#filled > 0) this.#swap();
  }

  #swap(): void {
    this.#writingAt = this.#halfOffset();
    this.#writingBytes = this.#filled;
    this.#writingLines = this.#lines;
    this.#half = 1 - this.#half;
    this.#filled = this.#lines = 0;
    this.#submit();
  }

  #submit(): void {
    const { reactor, op, endpoint, fd } = this.#options;
    reactor.write(op, endpoint << SINK_SLOT_BITS, 0, fd, this.#writingAt, this.#writingBytes);
  }

  #halfOffset(): number {
    return this.#options.arenaOffset + this.#half * this.#halfBytes;
  }
}

function datagramSlots(slotBytes: number): number {
  return Math.max(4, Math.min(DATAGRAMS_IN_FLIGHT, Math.floor(DATAGRAM_SINK_BYTES_MAX / slotBytes)));
}

function streamHalfBytes(lineBytes: number): number {
  return Math.max(STREAM_HALF_BYTES_MIN, 8 * lineBytes);
}
