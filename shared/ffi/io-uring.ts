// The three system calls of io_uring(7). The C library has no wrappers for them, so they go through syscall(2); their numbers are
// the same on every architecture that Node runs on (they are younger than the unified table).

import { library, valueOrErrno } from "./library.ts";

const SYS_IO_URING_SETUP = 425;
const SYS_IO_URING_ENTER = 426;
const SYS_IO_URING_REGISTER = 427;

type Setup = (number: number, entries: number, params: Uint8Array) => number;
type Enter = (
  number: number,
  fd: number,
  submit: number,
  wait: number,
  flags: number,
  argument: number,
  argumentBytes: number,
) => number;
type Register = (number: number, fd: number, operation: number, argument: Uint8Array | null, count: number) => number;

const setupC: Setup = library.func("long syscall(long number, uint32_t entries, void *params)");
const enterC: Enter = library.func(
  "long syscall(long number, int fd, uint32_t submit, uint32_t wait, uint32_t flags, intptr_t argument, size_t bytes)",
);
const registerC: Register = library.func(
  "long syscall(long number, int fd, uint32_t operation, void *argument, uint32_t count)",
);

/** io_uring_setup(2). `params` (struct io_uring_params) is read and filled during the call. Returns the ring's descriptor or -errno. */
export function ioUringSetup(entries: number, params: Uint8Array): number {
  return valueOrErrno(setupC(SYS_IO_URING_SETUP, entries, params));
}

/**
 * io_uring_enter(2). `argument` is the address of a struct io_uring_getevents_arg (IORING_ENTER_EXT_ARG) that stays valid during
 * the call, or 0. Returns the number of entries consumed or -errno.
 *
 * What the submission entries themselves point to belongs to the kernel until their completions.
 */
export function ioUringEnter(
  fd: number,
  submit: number,
  wait: number,
  flags: number,
  argument: number,
  argumentBytes: number,
): number {
  const returned = enterC(SYS_IO_URING_ENTER, fd, submit, wait, flags, argument, argumentBytes);
  return returned < 0 ? valueOrErrno(returned) : returned;
}

/** io_uring_register(2). `argument` is borrowed during the call; what it points to (a buffer ring) stays registered until the ring is closed. */
export function ioUringRegister(fd: number, operation: number, argument: Uint8Array | null, count: number): number {
  return valueOrErrno(registerC(SYS_IO_URING_REGISTER, fd, operation, argument, count));
}
