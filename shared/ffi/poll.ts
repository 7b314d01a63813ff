// poll(2) with a timeout in nanoseconds and recvmsg(2): for threads that wait in the kernel instead of in Node's event loop.

import { library, valueOrErrno } from "./library.ts";

type Ppoll = (entries: Int32Array, count: number, timeout: Int32Array, mask: null) => number;

const ppollC: Ppoll = library.func("int ppoll(void *entries, uint64_t count, const void *timeout, const void *mask)");
const recvmsgC: (fd: number, msghdr: number, flags: number) => number = library.func(
  "intptr_t recvmsg(int fd, intptr_t msghdr, int flags)",
);

/** struct timespec of the running call. */
const timespec = new Int32Array(4);

/**
 * ppoll(2). `entries` are `count` structs pollfd of two words: descriptor; events in the lower half, what happened in the upper half.
 * Waits up to `timeoutMs` milliseconds, fractions included. The number of entries in which something happened, 0, or -errno (-EINTR).
 */
export function ppoll(entries: Int32Array, count: number, timeoutMs: number): number {
  const seconds = Math.floor(timeoutMs / 1000);
  timespec[0] = seconds;
  timespec[2] = Math.floor((timeoutMs - seconds * 1000) * 1_000_000);
  return valueOrErrno(ppollC(entries, count, timespec, null));
}

/** recvmsg(2) with the struct msghdr at address `msghdr`, used during the call. Bytes received or -errno. */
export function recvmsgAt(fd: number, msghdr: number, flags: number): number {
  return valueOrErrno(recvmsgC(fd, msghdr, flags));
}
