// epoll(7), and the socket calls as the epoll engine makes them: memory named by addresses inside its arena, used during the call only.

import { EPOLL_CTL, EPOLL_EVENT } from "../abi/epoll.ts";
import { library, valueOrErrno } from "./library.ts";

const EPOLL_CLOEXEC = 0o2000000;

const createC: (flags: number) => number = library.func("int epoll_create1(int flags)");
const controlC: (epoll: number, operation: number, fd: number, event: Uint8Array) => number = library.func(
  "int epoll_ctl(int epoll, int operation, int fd, void *event)",
);
const waitC: (epoll: number, events: number, most: number, timeoutMs: number) => number = library.func(
  "int epoll_wait(int epoll, intptr_t events, int most, int timeout)",
);
const sendmsgC: (fd: number, msghdr: number, flags: number) => number = library.func(
  "intptr_t sendmsg(int fd, intptr_t msghdr, int flags)",
);
const writeC: (fd: number, address: number, bytes: number) => number = library.func(
  "intptr_t write(int fd, intptr_t address, size_t bytes)",
);
const connectC: (fd: number, address: number, bytes: number) => number = library.func(
  "int connect(int fd, intptr_t address, uint32_t bytes)",
);
const acceptC: (fd: number, address: number, bytes: number, flags: number) => number = library.func(
  "int accept4(int fd, intptr_t address, intptr_t bytes, int flags)",
);

const event = new Uint8Array(EPOLL_EVENT.sizeof);
const eventView = new DataView(event.buffer);

/** epoll_create1(2), close-on-exec. The descriptor or -errno. */
export function epollCreate(): number {
  return valueOrErrno(createC(EPOLL_CLOEXEC));
}

/** epoll_ctl(2), EPOLL_CTL_ADD; events of `fd` come with `fd` as their data. 0 or -errno. */
export function epollAdd(epoll: number, fd: number, events: number): number {
  eventView.setUint32(EPOLL_EVENT.events, events, true);
  eventView.setInt32(EPOLL_EVENT.data, fd, true);
  return valueOrErrno(controlC(epoll, EPOLL_CTL.ADD, fd, event));
}

/** epoll_wait(2) into `most` entries at address `events`. How many there are, or -errno. */
export function epollWait(epoll: number, events: number, most: number, timeoutMs: number): number {
  const returned = waitC(epoll, events, most, timeoutMs);
  return returned < 0 ? valueOrErrno(returned) : returned;
}

/** sendmsg(2) of the struct msghdr at `msghdr`. Bytes sent or -errno. */
export function sendmsgAt(fd: number, msghdr: number, flags: number): number {
  return valueOrErrno(sendmsgC(fd, msghdr, flags));
}

/** write(2). Bytes written or -errno. */
export function writeAt(fd: number, address: number, bytes: number): number {
  return valueOrErrno(writeC(fd, address, bytes));
}

/** connect(2) to the sockaddr at `address`. 0 or -errno. */
export function connectAt(fd: number, address: number, bytes: number): number {
  return valueOrErrno(connectC(fd, address, bytes));
}

/** accept4(2) without the peer's name. The descriptor or -errno. */
export function accept4(fd: number, flags: number): number {
  return valueOrErrno(acceptC(fd, 0, 0, flags));
}
