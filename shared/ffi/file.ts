// Calls on descriptors of any kind, and the eventfd by which one thread wakes another.

import { library, valueOrErrno } from "./library.ts";

export const EFD_CLOEXEC = 0o2000000;
export const F_DUPFD_CLOEXEC = 1030;
export const F_GETFD = 1;
export const F_SETFD = 2;
export const F_GETFL = 3;
export const F_SETFL = 4;
export const FD_CLOEXEC = 1;
export const O_NONBLOCK = 0o4000;

const closeC: (fd: number) => number = library.func("int close(int fd)");
const fcntlC: (fd: number, command: number, argument: number) => number = library.func(
  "int fcntl(int fd, int command, intptr_t argument)",
);
const dup2C: (fd: number, target: number) => number = library.func("int dup2(int fd, int target)");
const writeC: (fd: number, bytes: Uint8Array, count: number) => number = library.func(
  "intptr_t write(int fd, const void *bytes, size_t count)",
);
const unlinkC: (path: Uint8Array) => number = library.func("int unlink(const void *path)");
const eventfdC: (initial: number, flags: number) => number = library.func(
  "int eventfd(unsigned int initial, int flags)",
);
const eventfdWriteC: (fd: number, value: number) => number = library.func("int eventfd_write(int fd, uint64_t value)");

const mkfifoC: (path: Uint8Array, mode: number) => number = library.func("int mkfifo(const void *path, uint32_t mode)");
const eventfdReadC: (fd: number, value: BigUint64Array) => number = library.func(
  "int eventfd_read(int fd, void *value)",
);
const eventfdValue = new BigUint64Array(1);

/** close(2). 0 or -errno; the descriptor is gone either way (Linux closes even on EINTR). */
export function close(fd: number): number {
  return valueOrErrno(closeC(fd));
}

/** dup2(2): `target` becomes another name of `fd`; what it was before is closed. `target` or -errno. It is not close-on-exec. */
export function duplicateTo(fd: number, target: number): number {
  return valueOrErrno(dup2C(fd, target));
}

/** fcntl(2) with an integer argument. The command's value or -errno. */
export function fcntl(fd: number, command: number, argument: number): number {
  return valueOrErrno(fcntlC(fd, command, argument));
}

/** write(2) of all of `bytes`, borrowed during the call. Bytes written (may be fewer) or -errno. */
export function write(fd: number, bytes: Uint8Array): number {
  return valueOrErrno(writeC(fd, bytes, bytes.length));
}

/** unlink(2). 0 or -errno. Unlike node:fs it does not throw for a path that is not there. */
export function unlink(path: string): number {
  return valueOrErrno(unlinkC(Buffer.from(`${path}\0`)));
}

/** eventfd(2), close-on-exec. The descriptor or -errno. */
export function eventfd(): number {
  return valueOrErrno(eventfdC(0, EFD_CLOEXEC));
}

/**
 * Ends the `turn` in which the reactor with this `wakeFd` waits; callable from any thread. Returns 0 or -errno (EBADF: the reactor
 * is gone). Wake-ups between two turns count as one.
 */
export function wakeReactor(wakeFd: number): number {
  return valueOrErrno(eventfdWriteC(wakeFd, 1));
}

/** Takes what was written to an eventfd, so that it is not readable any more. 0 or -errno. */
export function readEventfd(fd: number): number {
  return valueOrErrno(eventfdReadC(fd, eventfdValue));
}

/** mkfifo(3). 0 or -errno (EEXIST: something of that name is there). */
export function mkfifo(path: string, mode: number): number {
  return valueOrErrno(mkfifoC(Buffer.from(`${path}\0`), mode));
}
