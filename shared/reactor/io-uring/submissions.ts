// The submitting half of the io_uring engine: one small writer per request, and the flush that hands the queue to the kernel.
// The completing half (io-uring.ts) extends it, so that a worker calls these methods straight on its reactor.
//
// An entry is 16 words of 32 bits; the layout stands in abi/io-uring-entries.ts. Only words 0 … 9 are ever written: the others
// (buffer group, personality, direct descriptor, addr3) are zero from the mapping's birth and always what we mean.
//
//   word   0                        1    2, 3   4, 5     6     7          8                9
//          opcode|flags|ioprio<<16  fd   off    address  len   msg_flags  op | slot << 8   generation
//
// Memory safety: every address is made here, from an arena offset whose range is checked here.
//
// Why nothing is atomic: without a polling kernel thread (SQPOLL) and with deferred task work the kernel touches the rings only while
// this thread is inside io_uring_enter. The call is the barrier.

import type { Arena } from "../../arena/arena.ts";
import { AssertionError } from "../../assert.ts";
import { ioUringEnter } from "../../ffi/io-uring.ts";
import type { ReactorCounters } from "../reactor.ts";
import type { MappedRing } from "./setup.ts";

// Repeated from abi/io-uring-entries.ts: an imported binding read here would cost more than the store it is for.
const OP_SENDMSG = 9;
const OP_TIMEOUT = 11;
const OP_ACCEPT = 13;
const OP_ASYNC_CANCEL = 14;
const OP_CONNECT = 16;
const OP_CLOSE = 19;
const OP_READ = 22;
const OP_WRITE = 23;
const OP_SEND = 26;
const OP_RECV = 27;
const OP_SHUTDOWN = 34;
const BUFFER_SELECT = 1 << 13; // IOSQE_BUFFER_SELECT in the flags byte
const ACCEPT_MULTISHOT = 1 << 16; // IORING_ACCEPT_MULTISHOT in ioprio
const RECV_MULTISHOT = 2 << 16; // IORING_RECV_MULTISHOT in ioprio
const RECVSEND_BUNDLE = 16 << 16; // IORING_RECVSEND_BUNDLE in ioprio
const CANCEL_ALL = 1;
const CANCEL_FD = 2;
const CANCEL_ANY = 4;
const ACCEPT_FLAGS = 0o2000000 | 0o4000; // SOCK_CLOEXEC | SOCK_NONBLOCK
const SEND_FLAGS = 0x4000 | 0x100; // MSG_NOSIGNAL | MSG_WAITALL
const MSG_MORE = 0x8000;
const MSGHDR_BYTES = 56;

const ENTER_REGISTERED_RING = 1 << 4;
const EAGAIN = 11;
const EINTR = 4;
const EBUSY = 16;
/** So many refusals in a row in the middle of a batch mean that the kernel is out of memory, not out of breath. */
const FLUSH_ATTEMPTS_MAX = 1000;

/** The engine's own requests (the wake-up read, the last cancel): op 255, all ones as slot. Op 255 is therefore not for callers. */
export const ENGINE_TAG = -1;

export class Submissions {
  readonly counters: ReactorCounters = {
    enters: 0,
    completions: 0,
    cqOverflows: 0,
    noBuffers: 0,
    sqFull: 0,
    retries: 0,
    descriptorsExhausted: 0,
  };
  /** Requests submitted or queued whose last completion has not been seen. */
  inFlight = 0;
  /** Ops that were used for `accept`: their late completions carry descriptors that somebody must close. */
  protected readonly acceptOps = new Uint8Array(256);
  protected readonly mapped: MappedRing;
  protected ring: Int32Array;
  protected readonly enterFlags: number;
  #sqes: Int32Array;
  readonly #entries: number;
  readonly #headIndex: number;
  readonly #tailIndex: number;
  readonly #baseLo: number;
  readonly #baseHi: number;
  readonly #arenaBytes: number;
  /** Size of a provided buffer. */
  readonly #bufferBytes: number;
  readonly #i32: Int32Array;
  /** A struct __kernel_timespec per entry of the queue, so that queued time-outs do not share one. */
  readonly #timespecs: number;
  #tail: number;
  /** The tail at which the queue would be full, by the kernel's head as it was read last. */
  #full: number;

  constructor(mapped: MappedRing, arena: Arena, bufferBytes: number) {
    this.mapped = mapped;
    this.ring = mapped.ring;
    this.enterFlags = mapped.registered ? ENTER_REGISTERED_RING : 0;
    this.#sqes = mapped.sqes;
    this.#entries = mapped.sqEntries;
    this.#headIndex = mapped.sqHead;
    this.#tailIndex = mapped.sqTail;
    this.#baseLo = arena.baseLo;
    this.#baseHi = arena.baseHi;
    this.#arenaBytes = arena.byteLength;
    this.#bufferBytes = bufferBytes;
    this.#i32 = arena.i32;
    this.#timespecs = arena.alloc(mapped.sqEntries * 16);
    this.#tail = mapped.ring[mapped.sqTail]!;
    this.#full = (this.#tail + mapped.sqEntries) | 0;
  }

  accept(op: number, slot: number, generation: number, fd: number): void {
    this.acceptOps[op] = 1;
    this.#put(OP_ACCEPT | ACCEPT_MULTISHOT, fd, 0, 0, 0, 0, ACCEPT_FLAGS, handle(op, slot), generation);
  }

  recv(op: number, slot: number, generation: number, fd: number): void {
    this.#put(OP_RECV | BUFFER_SELECT | RECV_MULTISHOT, fd, 0, 0, 0, 0, 0, handle(op, slot), generation);
  }

  recvOnce(op: number, slot: number, generation: number, fd: number, bytes: number): void {
    const bundle = bytes > this.#bufferBytes && this.mapped.bundles;
    const word = bundle ? OP_RECV | BUFFER_SELECT | RECVSEND_BUNDLE : OP_RECV | BUFFER_SELECT;
    this.#put(word, fd, 0, 0, 0, bundle ? bytes : 0, 0, handle(op, slot), generation);
  }

  send(op: number, slot: number, generation: number, fd: number, offset: number, bytes: number, more: boolean): void {
    const lo = this.#lower(offset, bytes);
    const flags = more ? SEND_FLAGS | MSG_MORE : SEND_FLAGS;
    this.#put(OP_SEND, fd, 0, lo, this.#baseHi, bytes, flags, handle(op, slot), generation);
  }

  sendmsg(op: number, slot: number, generation: number, fd: number, msghdr: number): void {
    const lo = this.#lower(msghdr, MSGHDR_BYTES);
    this.#put(OP_SENDMSG, fd, 0, lo, this.#baseHi, 1, SEND_FLAGS, handle(op, slot), generation);
  }

  write(op: number, slot: number, generation: number, fd: number, offset: number, bytes: number): void {
    // Offset -1: at the file's own position.
    this.#put(OP_WRITE, fd, -1, this.#lower(offset, bytes), this.#baseHi, bytes, 0, handle(op, slot), generation);
  }

  connect(op: number, slot: number, generation: number, fd: number, offset: number, bytes: number): void {
    this.#put(OP_CONNECT, fd, bytes, this.#lower(offset, bytes), this.#baseHi, 0, 0, handle(op, slot), generation);
  }

  shutdown(op: number, slot: number, generation: number, fd: number, how: number): void {
    this.#put(OP_SHUTDOWN, fd, 0, 0, 0, how, 0, handle(op, slot), generation);
  }

  close(op: number, slot: number, generation: number, fd: number): void {
    this.#put(OP_CLOSE, fd, 0, 0, 0, 0, 0, handle(op, slot), generation);
  }

  cancel(op: number, slot: number, generation: number, targetOp: number): void {
    const target = handle(targetOp, slot);
    this.#put(OP_ASYNC_CANCEL, -1, 0, target, generation, 0, 0, handle(op, slot), generation);
  }

  cancelFd(op: number, slot: number, generation: number, fd: number): void {
    this.#put(OP_ASYNC_CANCEL, fd, 0, 0, 0, 0, CANCEL_FD | CANCEL_ALL, handle(op, slot), generation);
  }

  timeout(op: number, slot: number, generation: number, timeoutMs: number): void {
    if (this.#tail === this.#full) this.#makeRoom();
    const at = this.#timespecs + (this.#tail & (this.#entries - 1)) * 16;
    writeTimespec(this.#i32, at >> 2, timeoutMs);
    const lo = (this.#baseLo + at) | 0;
    this.#put(OP_TIMEOUT, -1, 0, lo, this.#baseHi, 1, 0, handle(op, slot), generation);
  }

  /** For the engine: reads 8 bytes of the wake-up eventfd to arena `offset`. */
  protected readWake(fd: number, offset: number): void {
    this.#put(OP_READ, fd, -1, this.#lower(offset, 8), this.#baseHi, 8, 0, ENGINE_TAG, 0);
  }

  /** For the engine's end: cancels everything. */
  protected cancelAll(): void {
    this.#put(OP_ASYNC_CANCEL, -1, 0, 0, 0, 0, CANCEL_ANY | CANCEL_ALL, ENGINE_TAG, 1);
  }

  /** Entries queued that the kernel has not consumed. */
  protected get queued(): number {
    return (this.#tail - this.ring[this.#headIndex]!) | 0;
  }

  /** Publishes the queue to the kernel, which looks at it in the next io_uring_enter. Returns how many entries that are. */
  protected publish(): number {
    this.ring[this.#tailIndex] = this.#tail;
    return (this.#tail - this.ring[this.#headIndex]!) | 0;
  }

  #put(
    word0: number,
    fd: number,
    off: number,
    addressLo: number,
    addressHi: number,
    length: number,
    flags: number,
    tag: number,
    generation: number,
  ): void {
    if (this.#tail === this.#full) this.#makeRoom();
    const sqes = this.#sqes;
    const tail = this.#tail;
    const at = (tail & (this.#entries - 1)) << 4;
    sqes[at] = word0;
    sqes[at + 1] = fd;
    sqes[at + 2] = off;
    sqes[at + 3] = off >> 31;
    sqes[at + 4] = addressLo;
    sqes[at + 5] = addressHi;
    sqes[at + 6] = length;
    sqes[at + 7] = flags;
    sqes[at + 8] = tag;
    sqes[at + 9] = generation;
    this.#tail = (tail + 1) | 0;
    this.inFlight++;
  }

  /** Lower half of the address of `offset`, after a check that the kernel stays inside the arena. */
  #lower(offset: number, bytes: number): number {
    if (offset < 0 || bytes <= 0 || offset + bytes > this.#arenaBytes) outOfRange();
    return (this.#baseLo + offset) | 0;
  }

  /**
   * The queue looks full. If the kernel has not consumed entries since `#full` was set, it is, in the middle of a batch: then it
   * is submitted without asking for completions, so that no handler runs inside a submission. Completions that arise are found
   * by the next turn.
   */
  #makeRoom(): void {
    if (this.ring.length === 0) throw new AssertionError("Reactor: nothing is submitted after destroy");
    if (this.#lookForRoom()) return;
    this.counters.sqFull++;
    for (let attempt = 0; attempt < FLUSH_ATTEMPTS_MAX; attempt++) {
      const submitted = ioUringEnter(this.mapped.enterFd, this.publish(), 0, this.enterFlags, 0, 0);
      this.counters.enters++;
      if (this.#lookForRoom()) return;
      if (submitted < 0 && submitted !== -EAGAIN && submitted !== -EBUSY && submitted !== -EINTR)
        enterFailed(submitted);
      this.counters.retries++;
    }
    throw new AssertionError("io_uring: the kernel takes no submissions any more");
  }

  /** Lets go of the mapped memory, which is about to go: later submissions assert instead of writing to it. */
  protected forgetRing(): void {
    this.ring = new Int32Array(0);
    this.#sqes = new Int32Array(0);
    this.#full = this.#tail;
  }

  #lookForRoom(): boolean {
    this.#full = (this.ring[this.#headIndex]! + this.#entries) | 0;
    return this.#full !== this.#tail;
  }
}

/** The lower word of user_data. */
export function handle(op: number, slot: number): number {
  if (op >>> 0 >= 255 || slot >>> 24 !== 0) badHandle();
  return op | (slot << 8);
}

/** A struct __kernel_timespec (two s64) at word `at`. */
export function writeTimespec(i32: Int32Array, at: number, milliseconds: number): void {
  const seconds = (milliseconds / 1000) | 0;
  i32[at] = seconds;
  i32[at + 1] = 0;
  i32[at + 2] = (milliseconds - seconds * 1000) * 1_000_000;
  i32[at + 3] = 0;
}

/** An answer of io_uring_enter that only a bug of ours can bring about. */
export function enterFailed(result: number): never {
  throw new AssertionError(`io_uring_enter failed with errno ${-result}`);
}

function badHandle(): never {
  throw new AssertionError("a request is named by an op of 0 … 254 and a slot of 24 bits");
}

function outOfRange(): never {
  throw new AssertionError("a request's memory lies inside the arena and is not empty");
}
