// Socket calls for set-up and for the few things that have no io_uring operation on every supported kernel. Socket addresses are the
// bytes that shared/abi/sockaddr.ts encodes and decodes. Constants carry Linux's generic values (x86-64, arm64).

import { TCP_INFO_BYTES } from "../abi/tcp-info.ts";
import { library, valueOrErrno } from "./library.ts";

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_ERROR = 4;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_KEEPALIVE = 9;
export const SO_LINGER = 13;
/** struct linger { l_onoff 1, l_linger 0 } for SO_LINGER: close(2) resets; accepted sockets inherit it. */
export const NO_LINGER = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);
export const SO_REUSEPORT = 15;
export const SO_RCVTIMEO = 20;
export const SO_BINDTODEVICE = 25;
export const SO_ACCEPTCONN = 30;
export const SO_MARK = 36;
export const SO_INCOMING_CPU = 49;
export const IPPROTO_IP = 0;
export const IP_TRANSPARENT = 19;
export const IP_FREEBIND = 15;
export const IP_BIND_ADDRESS_NO_PORT = 24;
export const IPPROTO_TCP = 6;
export const TCP_NODELAY = 1;
export const TCP_MAXSEG = 2;
export const TCP_KEEPIDLE = 4;
export const TCP_KEEPINTVL = 5;
export const TCP_KEEPCNT = 6;
export const TCP_DEFER_ACCEPT = 9;
const TCP_INFO_OPTION = 11;
export const TCP_QUICKACK = 12;
export const TCP_USER_TIMEOUT = 18;
export const TCP_FASTOPEN = 23;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 26;
export const IPV6_TRANSPARENT = 75;

export const MSG_DONTWAIT = 0x40;
export const MSG_NOSIGNAL = 0x4000;
export const SHUT_RD = 0;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;

type Address = (fd: number, sockaddr: Uint8Array, bytes: number) => number;
type Name = (fd: number, sockaddr: Uint8Array, bytes: Int32Array) => number;
type Option = (fd: number, level: number, name: number, value: Uint8Array, bytes: number) => number;
type GetOption = (fd: number, level: number, name: number, value: Int32Array, bytes: Int32Array) => number;
type Send = (fd: number, bytes: Uint8Array, count: number, flags: number) => number;
type SendTo = (
  fd: number,
  bytes: Uint8Array,
  count: number,
  flags: number,
  sockaddr: Uint8Array,
  length: number,
) => number;

const socketC: (domain: number, type: number, protocol: number) => number = library.func(
  "int socket(int domain, int type, int protocol)",
);
const socketpairC: (domain: number, type: number, protocol: number, pair: Int32Array) => number = library.func(
  "int socketpair(int domain, int type, int protocol, void *pair)",
);
const bindC: Address = library.func("int bind(int fd, const void *sockaddr, uint32_t bytes)");
const connectC: Address = library.func("int connect(int fd, const void *sockaddr, uint32_t bytes)");
const listenC: (fd: number, backlog: number) => number = library.func("int listen(int fd, int backlog)");
const shutdownC: (fd: number, how: number) => number = library.func("int shutdown(int fd, int how)");
const setsockoptC: Option = library.func(
  "int setsockopt(int fd, int level, int name, const void *value, uint32_t bytes)",
);
const getsockoptC: GetOption = library.func("int getsockopt(int fd, int level, int name, void *value, void *bytes)");
const getsocknameC: Name = library.func("int getsockname(int fd, void *sockaddr, void *bytes)");
const getpeernameC: Name = library.func("int getpeername(int fd, void *sockaddr, void *bytes)");
const getpeernameAtC: (fd: number, sockaddr: number, bytes: number) => number = library.func(
  "int getpeername(int fd, intptr_t sockaddr, intptr_t bytes)",
);
const sendC: Send = library.func("intptr_t send(int fd, const void *bytes, size_t count, int flags)");
const recvC: Send = library.func("intptr_t recv(int fd, void *bytes, size_t count, int flags)");
const sendtoC: SendTo = library.func(
  "intptr_t sendto(int fd, const void *bytes, size_t count, int flags, const void *sockaddr, uint32_t length)",
);

/** Argument memory of `setsockoptInt`, `getsockopt…` and the name calls; nothing outlives the call that uses it. */
const optionValue = new Int32Array(1);
const optionValueBytes = new Uint8Array(optionValue.buffer);
const nameBytes = new Int32Array(1);

/** socket(2). The descriptor or -errno. SOCK_CLOEXEC is the caller's to give. */
export function socket(domain: number, type: number, protocol: number): number {
  return valueOrErrno(socketC(domain, type, protocol));
}

/** socketpair(2) of UNIX streams, non-blocking and closed on exec: both descriptors, or -errno. */
export function socketPair(): readonly [number, number] | number {
  const pair = new Int32Array(2);
  const returned = valueOrErrno(socketpairC(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair));
  return returned < 0 ? returned : [pair[0]!, pair[1]!];
}

/** bind(2). 0 or -errno. `sockaddr` is borrowed during the call. */
export function bind(fd: number, sockaddr: Uint8Array): number {
  return valueOrErrno(bindC(fd, sockaddr, sockaddr.length));
}

/** connect(2). 0 or -errno (-EINPROGRESS on a non-blocking socket). `sockaddr` is borrowed during the call. */
export function connect(fd: number, sockaddr: Uint8Array): number {
  return valueOrErrno(connectC(fd, sockaddr, sockaddr.length));
}

/** listen(2). 0 or -errno. */
export function listen(fd: number, backlog: number): number {
  return valueOrErrno(listenC(fd, backlog));
}

/** shutdown(2). 0 or -errno. */
export function shutdown(fd: number, how: number): number {
  return valueOrErrno(shutdownC(fd, how));
}

/** setsockopt(2) with raw bytes (struct linger, interface names), borrowed during the call. 0 or -errno. */
export function setsockopt(fd: number, level: number, name: number, value: Uint8Array): number {
  return valueOrErrno(setsockoptC(fd, level, name, value, value.length));
}

/** setsockopt(2) of an int. 0 or -errno. */
export function setsockoptInt(fd: number, level: number, name: number, value: number): number {
  optionValue[0] = value;
  return valueOrErrno(setsockoptC(fd, level, name, optionValueBytes, 4));
}

/** getsockopt(2) of an int that is never negative (SO_ERROR, SO_SNDBUF, SO_ACCEPTCONN …). The value or -errno. */
export function getsockoptInt(fd: number, level: number, name: number): number {
  nameBytes[0] = 4;
  const returned = valueOrErrno(getsockoptC(fd, level, name, optionValue, nameBytes));
  return returned < 0 ? returned : optionValue[0]!;
}

const tcpInfo = new Int32Array(TCP_INFO_BYTES / 4);
const tcpInfoBytes = new Int32Array(1);

/** A u32 of the kernel's struct tcp_info (an offset of TCP_INFO); -errno, or -1 where the kernel has no such field. Costs a system call. */
export function getTcpInfo(fd: number, offset: number): number {
  tcpInfoBytes[0] = TCP_INFO_BYTES;
  const returned = valueOrErrno(getsockoptC(fd, IPPROTO_TCP, TCP_INFO_OPTION, tcpInfo, tcpInfoBytes));
  if (returned < 0) return returned;
  return offset + 4 <= tcpInfoBytes[0]! ? tcpInfo[offset / 4]! >>> 0 : -1;
}

/** getsockname(2) into `sockaddr`, borrowed during the call. The address's length in bytes or -errno. */
export function getsockname(fd: number, sockaddr: Uint8Array): number {
  nameBytes[0] = sockaddr.length;
  const returned = valueOrErrno(getsocknameC(fd, sockaddr, nameBytes));
  return returned < 0 ? returned : nameBytes[0]!;
}

/** getpeername(2) into `sockaddr`, borrowed during the call. The address's length in bytes or -errno. */
export function getpeername(fd: number, sockaddr: Uint8Array): number {
  nameBytes[0] = sockaddr.length;
  const returned = valueOrErrno(getpeernameC(fd, sockaddr, nameBytes));
  return returned < 0 ? returned : nameBytes[0]!;
}

/**
 * getpeername(2) for a worker: `sockaddr` and `length` (a socklen_t that holds the room, then the length) are addresses in its
 * arena, used during the call only. 0 or -errno.
 */
export function getpeernameAt(fd: number, sockaddr: number, length: number): number {
  return valueOrErrno(getpeernameAtC(fd, sockaddr, length));
}

/** send(2). Bytes sent or -errno. `bytes` is borrowed during the call. */
export function send(fd: number, bytes: Uint8Array, flags: number): number {
  return valueOrErrno(sendC(fd, bytes, bytes.length, flags));
}

/** recv(2) into `bytes`, borrowed during the call. Bytes received, 0 at the end, or -errno. */
export function recv(fd: number, bytes: Uint8Array, flags: number): number {
  return valueOrErrno(recvC(fd, bytes, bytes.length, flags));
}

/** sendto(2). Bytes sent or -errno. Both arrays are borrowed during the call. */
export function sendto(fd: number, bytes: Uint8Array, flags: number, sockaddr: Uint8Array): number {
  return valueOrErrno(sendtoC(fd, bytes, bytes.length, flags, sockaddr, sockaddr.length));
}
