// The io_uring engine: a worker's turn is one io_uring_enter, which submits what the last turn's completions caused and brings the next.
//
//   turn:  top up the buffer ring ─▶ io_uring_enter (submit, wait) ─▶ reap: one onCompletion per completion ─▶ back to the worker
//                                        │ new entries written by the handler wait in the submission queue ◀─┘
//
// Nothing on the way allocates. The handler is never called from inside a submission, so an owner's row is never changed behind
// the back of the code that submits for it.

import type { Arena } from "../../arena/arena.ts";
import type { BufferPool } from "../../arena/buffer-pool.ts";
import { assert } from "../../assert.ts";
import { close, eventfd } from "../../ffi/file.ts";
import { ioUringEnter } from "../../ffi/io-uring.ts";
import { shutdown } from "../../ffi/socket.ts";
import type { CompletionHandler, Reactor } from "../reactor.ts";
import { BufferRing } from "./buffer-ring.ts";
import { type MappedRing, type SetupFailure, setUpRing } from "./setup.ts";
import { ENGINE_TAG, enterFailed, handle, Submissions, writeTimespec } from "./submissions.ts";

const CQE_F_BUFFER = 1;
const CQE_F_MORE = 2;
const SQ_CQ_OVERFLOW = 2;
const ENTER_GETEVENTS = 1;
const ENTER_EXT_ARG = 8;
const GETEVENTS_ARG_BYTES = 24;
const EINTR = 4;
const EAGAIN = 11;
const EBUSY = 16;
const ENFILE = 23;
const EMFILE = 24;
const ETIME = 62;
const ENOBUFS = 105;
/** Answers of calls made on the spot that can wait for the next turn: a power of two. Beyond it, requests take the ring. */
const ANSWERS = 1024;
/** How long `destroy` waits for what is in flight. Sockets cancel at once; only a write to a stuck disk takes longer. */
const DESTROY_TURNS_MAX = 50;
const DESTROY_TURN_MS = 100;

export interface IoUringOptions {
  readonly arena: Arena;
  readonly pool: BufferPool;
  readonly handler: CompletionHandler;
  /** Entries of the submission queue: a power of two. Bigger batches are flushed in the middle. */
  readonly entries: number;
  /** Entries of the completion queue: a power of two, by default four times `entries`. */
  readonly completionEntries?: number;
  /** Most buffers that the kernel holds at a time: a power of two, by default what the pool has, up to 4096. */
  readonly bufferRingEntries?: number;
}

export type IoUringResult = { readonly ok: true; readonly reactor: IoUring } | SetupFailure;

/** Makes the engine, or says why it cannot be. To be called in the thread that will use it; takes its memory from the arena. */
export function createIoUring(options: IoUringOptions): IoUringResult {
  const { entries, completionEntries = entries * 4 } = options;
  assert(isPowerOfTwo(entries) && entries <= 32768, "createIoUring: entries are a power of two up to 32768");
  assert(
    isPowerOfTwo(completionEntries) && completionEntries >= entries && completionEntries <= 65536,
    "createIoUring: completion entries are a power of two, not fewer than entries, up to 65536",
  );
  const setup = setUpRing(entries, completionEntries);
  if (!setup.ok) return setup;
  const { mapped } = setup;
  const bufferRing = new BufferRing(
    options.arena,
    options.pool,
    options.bufferRingEntries ?? Math.min(4096, 2 ** Math.floor(Math.log2(options.pool.count))),
  );
  const registered = bufferRing.register(mapped.fd);
  if (registered < 0) {
    mapped.release();
    return { ok: false, reason: "the io_uring has no provided-buffer rings", errno: -registered };
  }
  const wakeFd = eventfd();
  if (wakeFd < 0) {
    mapped.release();
    return { ok: false, reason: "no descriptor is left for the wake-up eventfd (ulimit -n)", errno: -wakeFd };
  }
  return { ok: true, reactor: new IoUring(mapped, bufferRing, wakeFd, options) };
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & (value - 1)) === 0;
}

export class IoUring extends Submissions implements Reactor {
  readonly engine = "io_uring";
  readonly wakeFd: number;
  readonly #handler: CompletionHandler;
  readonly #pool: BufferPool;
  readonly #bufferRing: BufferRing;
  readonly #i32: Int32Array;
  readonly #cqHeadIndex: number;
  readonly #cqTailIndex: number;
  readonly #cqes: number;
  readonly #cqMask: number;
  readonly #sqFlagsIndex: number;
  /** Arena offsets: 8 bytes that the wake-up read fills; the time-out of io_uring_enter; address of its argument struct. */
  readonly #wakeBytes: number;
  readonly #timespec: number;
  readonly #argument: number;
  /** A ring of (tag, generation, result): see `shutdown`. */
  readonly #answers = new Int32Array(ANSWERS * 3);
  #answersHead = 0;
  #answersTail = 0;
  #woken = false;
  #state: "running" | "handling" | "destroyed" = "running";

  constructor(mapped: MappedRing, bufferRing: BufferRing, wakeFd: number, options: IoUringOptions) {
    super(mapped, options.arena, options.pool.size);
    this.wakeFd = wakeFd;
    this.#handler = options.handler;
    this.#pool = options.pool;
    this.#bufferRing = bufferRing;
    this.#i32 = options.arena.i32;
    this.#cqHeadIndex = mapped.cqHead;
    this.#cqTailIndex = mapped.cqTail;
    this.#cqes = mapped.cqes;
    this.#cqMask = mapped.cqEntries - 1;
    this.#sqFlagsIndex = mapped.sqFlags;
    this.#wakeBytes = options.arena.alloc(8);
    this.#timespec = options.arena.alloc(16);
    const argument = options.arena.alloc(GETEVENTS_ARG_BYTES);
    this.#argument = options.arena.address(argument);
    // struct io_uring_getevents_arg: no signal mask, and `ts` points to the timespec for ever.
    this.#i32[(argument + 16) >> 2] = (options.arena.baseLo + this.#timespec) | 0;
    this.#i32[(argument + 20) >> 2] = options.arena.baseHi;
    this.readWake(wakeFd, this.#wakeBytes);
  }

  /**
   * Made on the spot by shutdown(2), and answered in the next turn like any other. io_uring hands every shutdown to a kernel
   * thread, which costs five times as much and ends connections out of order.
   */
  override shutdown(op: number, slot: number, generation: number, fd: number, how: number): void {
    const tail = this.#answersTail;
    if (((tail - this.#answersHead) | 0) === ANSWERS) {
      super.shutdown(op, slot, generation, fd, how);
      return;
    }
    const at = (tail & (ANSWERS - 1)) * 3;
    this.#answers[at] = handle(op, slot);
    this.#answers[at + 1] = generation;
    this.#answers[at + 2] = shutdown(fd, how);
    this.#answersTail = (tail + 1) | 0;
  }

  turn(waitMs: number): number {
    assert(this.#state === "running", "Reactor.turn: neither from inside a completion nor after destroy");
    this.#bufferRing.topUp();
    let wait = this.#answersHead === this.#answersTail ? waitMs : 0;
    if ((this.ring[this.#sqFlagsIndex]! & SQ_CQ_OVERFLOW) !== 0) {
      // The kernel keeps completions back. They come first, and without new submissions that would add to them.
      this.counters.cqOverflows++;
      this.#enter(0, 0);
      wait = 0;
    }
    this.#enter(this.publish(), wait);
    this.#state = "handling";
    try {
      this.#handler.onAwake?.();
      return this.#answer() + this.#reap();
    } finally {
      this.#state = "running";
    }
  }

  takeWoken(): boolean {
    const woken = this.#woken;
    this.#woken = false;
    return woken;
  }

  /** Submits and waits. Refusals are no errors: what was not consumed stays queued and goes with the next turn. */
  #enter(submit: number, waitMs: number): void {
    this.counters.enters++;
    let flags = this.enterFlags | ENTER_GETEVENTS;
    let argument = 0;
    let argumentBytes = 0;
    if (waitMs > 0) {
      writeTimespec(this.#i32, this.#timespec >> 2, waitMs);
      flags |= ENTER_EXT_ARG;
      argument = this.#argument;
      argumentBytes = GETEVENTS_ARG_BYTES;
    }
    const result = ioUringEnter(this.mapped.enterFd, submit, waitMs > 0 ? 1 : 0, flags, argument, argumentBytes);
    if (result >= 0) return;
    switch (-result) {
      case ETIME: // Nothing happened in time.
      case EINTR: // A signal; the worker looks around and comes back.
        return;
      case EBUSY: // Completions must be reaped first, which is what happens next.
      case EAGAIN: // No memory for requests right now.
        this.counters.retries++;
        return;
      default: // EBADF, EFAULT, EINVAL, EEXIST (wrong thread): bugs. EBADR: the kernel lost completions, rows would wait for ever.
        enterFailed(result);
    }
  }

  /** Hands over what was answered on the spot before this turn. */
  #answer(): number {
    const tail = this.#answersTail;
    let handled = 0;
    while (this.#answersHead !== tail) {
      const at = (this.#answersHead & (ANSWERS - 1)) * 3;
      const tag = this.#answers[at]!;
      const generation = this.#answers[at + 1]!;
      const res = this.#answers[at + 2]!;
      this.#answersHead = (this.#answersHead + 1) | 0;
      handled++;
      this.#handler.onCompletion(tag & 255, tag >>> 8, generation, res, -1, false);
    }
    this.counters.completions += handled;
    return handled;
  }

  /** Hands every completion that is there to the handler. */
  #reap(): number {
    const ring = this.ring;
    const handler = this.#handler;
    const cqes = this.#cqes;
    const mask = this.#cqMask;
    const headIndex = this.#cqHeadIndex;
    const bufferRing = this.#bufferRing;
    const size = this.#pool.size;
    const tail = ring[this.#cqTailIndex]!;
    let handled = 0;
    for (let head = ring[headIndex]!; head !== tail; ) {
      const at = cqes + ((head & mask) << 2);
      const tag = ring[at]!;
      const generation = ring[at + 1]!;
      const res = ring[at + 2]!;
      const flags = ring[at + 3]!;
      // The entry is read and given back before the handler runs: it may throw, and it may submit, which may complete at once.
      head = (head + 1) | 0;
      ring[headIndex] = head;
      const more = (flags & CQE_F_MORE) !== 0;
      if (!more) this.inFlight--;
      if (tag === ENGINE_TAG) {
        this.#onEngineCompletion(res);
        continue;
      }
      if (res < 0) this.#countFailure(res);
      handled++;
      let buffer = -1;
      let bytes = res;
      if ((flags & CQE_F_BUFFER) !== 0) {
        buffer = flags >>> 16;
        for (; bytes > size; bytes -= size) {
          const next = bufferRing.nextOf(buffer);
          handler.onCompletion(tag & 255, tag >>> 8, generation, size, this.#takeBuffer(buffer, size), true);
          buffer = next;
        }
        buffer = this.#takeBuffer(buffer, bytes);
      }
      handler.onCompletion(tag & 255, tag >>> 8, generation, bytes, buffer, more);
    }
    this.counters.completions += handled;
    return handled;
  }

  /** The buffer that a completion names, ours from now on; -1 if there is nothing in it. */
  #takeBuffer(id: number, res: number): number {
    const pool = this.#pool;
    if (res > 0) {
      pool.returnFromKernel(id, res);
      return id;
    }
    pool.returnFromKernel(id, 0);
    pool.free(id);
    return -1;
  }

  #countFailure(res: number): void {
    if (res === -ENOBUFS) {
      this.counters.noBuffers++;
      this.#bufferRing.ranDry();
    } else if (res === -EMFILE || res === -ENFILE) {
      this.counters.descriptorsExhausted++;
    }
  }

  /** The wake-up read, which is armed again at once; or the last cancel, which has nothing to say. */
  #onEngineCompletion(res: number): void {
    if (res !== 8 || this.#state === "destroyed") return;
    this.#woken = true;
    this.readWake(this.wakeFd, this.#wakeBytes);
  }

  destroy(): void {
    assert(this.#state === "running", "Reactor.destroy: once, and not from inside a completion");
    this.#state = "destroyed";
    for (let turn = 0; turn < DESTROY_TURNS_MAX && this.inFlight > 0; turn++) {
      // Again every time: a multishot that is just being served when the cancel looks for it arms itself once more afterwards.
      this.cancelAll();
      this.#enter(this.publish(), 0);
      this.#discard();
      if (this.inFlight === 0) break;
      this.#enter(0, DESTROY_TURN_MS);
      this.#discard();
    }
    assert(this.inFlight === 0, "Reactor.destroy: a request cannot be cancelled, so its memory must stay mapped");
    this.forgetRing();
    this.mapped.release();
    this.#pool.reclaim();
  }

  /** Frees the buffers that `bytes` received bytes fill, `id` first. */
  #discardBuffers(id: number, bytes: number): void {
    let buffer = id;
    for (let left = bytes; ; left -= this.#pool.size) {
      const next = this.#bufferRing.nextOf(buffer);
      this.#takeBuffer(buffer, 0);
      if (left <= this.#pool.size) return;
      buffer = next;
    }
  }

  /** Takes completions that nobody wants any more: their buffers are free again, accepted connections are closed. */
  #discard(): void {
    const ring = this.ring;
    const tail = ring[this.#cqTailIndex]!;
    for (let head = ring[this.#cqHeadIndex]!; head !== tail; head = (head + 1) | 0) {
      const at = this.#cqes + ((head & this.#cqMask) << 2);
      const tag = ring[at]!;
      const res = ring[at + 2]!;
      const flags = ring[at + 3]!;
      if ((flags & CQE_F_MORE) === 0) this.inFlight--;
      if ((flags & CQE_F_BUFFER) !== 0) this.#discardBuffers(flags >>> 16, res);
      if (tag !== ENGINE_TAG && res >= 0 && this.acceptOps[tag & 255] === 1) close(res);
    }
    ring[this.#cqHeadIndex] = tail;
  }
}
