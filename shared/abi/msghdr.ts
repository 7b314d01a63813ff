// struct msghdr and struct iovec (bits/socket.h, 64-bit): the argument of sendmsg(2). An owner lays them out in its arena once and
// later changes only addresses and lengths; the kernel reads them while the request is being submitted and keeps copies, but until the
// completion the bytes that they point to are the kernel's.

import { AssertionError } from "../assert.ts";

//                                       offset   type   meaning
export const MSGHDR = {
  msg_name: /*                        */ 0, //    ptr    peer's address, 0 on a connected socket
  msg_namelen: /*                     */ 8, //    u32
  msg_iov: /*                         */ 16, //   ptr    struct iovec[]
  msg_iovlen: /*                      */ 24, //   u64
  msg_control: /*                     */ 32, //   ptr
  msg_controllen: /*                  */ 40, //   u64
  msg_flags: /*                       */ 48, //   s32    not read by sendmsg
  sizeof: /*                          */ 56,
} as const;

export const IOVEC = {
  iov_base: /*                        */ 0, //    ptr
  iov_len: /*                         */ 8, //    u64
  sizeof: /*                          */ 16,
} as const;

/** The two words of memory that the writers below need to know of an arena. */
interface Memory {
  readonly i32: Int32Array;
  readonly baseLo: number;
  readonly baseHi: number;
}

/** Writes a struct msghdr at arena offset `at` (8-byte aligned): no name, no control data, `count` iovecs at arena offset `iovec`. */
export function writeMsghdr(memory: Memory, at: number, iovec: number, count: number): void {
  const i32 = memory.i32;
  const word = at >> 2;
  for (let i = 0; i < 14; i++) i32[word + i] = 0;
  i32[word + 4] = (memory.baseLo + iovec) | 0;
  i32[word + 5] = memory.baseHi;
  i32[word + 6] = count;
}

/** Names the receiver of a datagram: the socket address of `bytes` bytes at arena offset `sockaddr`. */
export function writeMsghdrName(memory: Memory, at: number, sockaddr: number, bytes: number): void {
  const i32 = memory.i32;
  const word = at >> 2;
  i32[word] = (memory.baseLo + sockaddr) | 0;
  i32[word + 1] = memory.baseHi;
  i32[word + 2] = bytes;
}

/** The bytes that an iovec names must be the arena's: the kernel takes them from wherever it says. */
function outOfRange(): never {
  throw new AssertionError("an iovec's bytes lie inside the arena");
}

/** Writes a struct iovec at arena offset `at` (8-byte aligned): `bytes` bytes at arena offset `offset`. */
export function writeIovec(memory: Memory, at: number, offset: number, bytes: number): void {
  const i32 = memory.i32;
  if (offset < 0 || bytes < 0 || offset + bytes > i32.length * 4) outOfRange();
  const word = at >> 2;
  i32[word] = (memory.baseLo + offset) | 0;
  i32[word + 1] = memory.baseHi;
  i32[word + 2] = bytes;
  i32[word + 3] = 0;
}
