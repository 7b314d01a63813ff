// The reactor's interface: what a worker asks of the kernel, in completions. Engines (io-uring/, later epoll/) implement it.
//
// Every request carries (op, slot, generation). The three come back in its completions, so that the owner of a row can tell
// a stale completion (generation differs) from its own. Nothing here knows of HTTP, connections or configuration.
//
// Memory: every offset is an offset into the worker's Arena, whose pages the kernel reads or writes until the completion of the
// request arrives; the caller must keep its hands off them that long. Provided buffers belong to the kernel until a completion names
// one; from then on to whoever handles the completion, until `BufferPool.free`.
//
// A multishot request may end at any time with a good result and `more` false (the completion queue was full): the owner handles the
// result as always and arms it again. Only a negative result, or 0 of a receive, says that there is nothing more to come.
//
// Results: `res` is the system call's result or a negative errno. Callers never see -ENOBUFS of a receive as a hang-up: it is
// delivered as such, with `more` false, and the owner re-arms once buffers are back.

/** Receives completions. One object per worker; called from inside `Reactor.turn`, never from inside a submission. */
export interface CompletionHandler {
  /** Once in every turn, after the wait and before its completions: time to look at the clock, for the wait may have been long. */
  onAwake?(): void;
  /**
   * @param op what the submitter named the request (0 … 254)
   * @param slot the submitter's row (24 bits)
   * @param generation the row's generation when the request was submitted (32 bits)
   * @param res result, or -errno
   * @param buffer id of the provided buffer that holds `res` bytes, or -1
   * @param more true: a multishot request that goes on; false: this was its last completion
   */
  onCompletion(op: number, slot: number, generation: number, res: number, buffer: number, more: boolean): void;
}

/** One per worker thread, used by that thread only (but for `wake`). No method throws for what a peer or the kernel did. */
export interface Reactor {
  readonly engine: "io_uring" | "epoll";

  /**
   * Accepts for ever: one completion per connection, `res` its descriptor (SOCK_CLOEXEC | SOCK_NONBLOCK). -EMFILE, -ENFILE and -ENOMEM
   * end it (`more` false) and leave the connection in the backlog: back off, then arm it again.
   */
  accept(op: number, slot: number, generation: number, fd: number): void;
  /** Receives until the peer ends, each time into a buffer of the pool's ring that the kernel picks. */
  recv(op: number, slot: number, generation: number, fd: number): void;
  /**
   * As `recv`, but once: the paced form, for bodies under back-pressure. Up to about `bytes` bytes at a time, where the engine can fill
   * several buffers; each is a completion of its own, one directly behind the other, all but the last with `more`.
   */
  recvOnce(op: number, slot: number, generation: number, fd: number, bytes: number): void;
  /** Sends `bytes` at arena `offset`. The engine asks the kernel for all of it (MSG_WAITALL | MSG_NOSIGNAL); `res` may still be short. */
  send(op: number, slot: number, generation: number, fd: number, offset: number, bytes: number, more: boolean): void;
  /** sendmsg(2) of the `struct msghdr` at arena offset `msghdr`; it, its iovec and their targets stay untouched until completion. */
  sendmsg(op: number, slot: number, generation: number, fd: number, msghdr: number): void;
  /** write(2) at the file's own position: for pipes, terminals and files. */
  write(op: number, slot: number, generation: number, fd: number, offset: number, bytes: number): void;
  /** connect(2) to the sockaddr of `bytes` bytes at arena `offset`. */
  connect(op: number, slot: number, generation: number, fd: number, offset: number, bytes: number): void;
  /** shutdown(2); `how` is 0 (read), 1 (write) or 2 (both). It overtakes sends that have not completed: wait for them first. */
  shutdown(op: number, slot: number, generation: number, fd: number, how: number): void;
  /**
   * close(2). The descriptor must not be used in later submissions. A request in flight on it keeps the socket alive, and the peer
   * sees no end: `cancelFd` in the same batch (before it), or `shutdown`, ends both.
   */
  close(op: number, slot: number, generation: number, fd: number): void;
  /** Cancels the request that was submitted with exactly (op, slot, generation) `targetOp`; that request completes with -ECANCELED (or as it would have). */
  cancel(op: number, slot: number, generation: number, targetOp: number): void;
  /** Cancels every request on `fd`. */
  cancelFd(op: number, slot: number, generation: number, fd: number): void;
  /** One completion with -ETIME after `timeoutMs` (for tests and rare one-shots; rows use the timer wheel). */
  timeout(op: number, slot: number, generation: number, timeoutMs: number): void;

  /**
   * Submits what is queued, waits up to `waitMs` (0: not at all) for at least one completion, hands all completions to the
   * handler and refills the buffer ring. Returns the number of completions handled (wake-ups not counted).
   */
  turn(waitMs: number): number;
  /** True once after `wake` was called from another thread (or signal path); reading clears it. The worker then yields to Node's event loop. */
  takeWoken(): boolean;
  /**
   * The eventfd whose 8-byte write from any thread ends a `turn` early: `wakeReactor(fd)` in shared/ffi/file.ts does it. It outlives
   * `destroy`: a thread that does not know yet that the reactor is gone must not write into whatever got its number. Whoever has told
   * all threads to forget it closes it.
   */
  readonly wakeFd: number;
  /** Counters of rare events, for `show activity` and tests. */
  readonly counters: ReactorCounters;
  /**
   * Cancels what is in flight, waits until the kernel has let go of it, unmaps and closes (but for `wakeFd`). Buffers that the kernel
   * held are free again, connections accepted too late are closed. The handler is not called any more. Not from inside a completion.
   */
  destroy(): void;
}

export interface ReactorCounters {
  /** Calls of io_uring_enter (epoll_wait). */
  enters: number;
  completions: number;
  /** Times the completion queue overflowed and the kernel had to keep completions back. */
  cqOverflows: number;
  /** Receives that found no buffer in the ring. */
  noBuffers: number;
  /** Times the submission queue was full and had to be flushed in the middle of a batch. */
  sqFull: number;
  /** io_uring_enter results -EBUSY/-EAGAIN that were tried again. */
  retries: number;
  /** Results -EMFILE/-ENFILE: connections that could not be accepted. */
  descriptorsExhausted: number;
}
