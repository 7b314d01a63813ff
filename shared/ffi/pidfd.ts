// pidfd_open(2): a descriptor that becomes readable when a process ends, and a poll(2) that waits for it in a thread of libuv.

import { library, valueOrErrno } from "./library.ts";

/** The same number on every architecture. */
const SYS_PIDFD_OPEN = 434;
const POLLIN = 1;

const syscallC: (number: number, pid: number, flags: number) => number = library.func(
  "long syscall(long number, long pid, long flags)",
);
const pollC = library.func("int poll(void *entries, unsigned long count, int timeoutMs)") as unknown as {
  async(
    entries: Int32Array,
    count: number,
    timeoutMs: number,
    onDone: (error: Error | null, result: number) => void,
  ): void;
};

/** The descriptor (close-on-exec) or -errno. */
export function pidfdOpen(pid: number): number {
  return valueOrErrno(syscallC(SYS_PIDFD_OPEN, pid, 0));
}

/**
 * Waits in another thread until one of `fds` is readable. `onDone` gets how many are; 0 after the time limit, a negative number for a failure.
 * The descriptors must stay open until then.
 */
export function pollLater(fds: readonly number[], timeoutMs: number, onDone: (ready: number) => void): void {
  // The kernel writes to it until `onDone`, which keeps it alive by naming it.
  const entries = Int32Array.from(fds.flatMap((fd) => [fd, POLLIN]));
  pollC.async(entries, fds.length, timeoutMs, (error, result) => {
    onDone(error === null && entries.length > 0 ? result : -1);
  });
}
