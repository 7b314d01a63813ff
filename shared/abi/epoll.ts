// struct epoll_event — sys/epoll.h. On x86-64 alone it is packed, so that 32-bit programs see the same.

const PACKED = process.arch === "x64";

//                                       offset   type   meaning
export const EPOLL_EVENT = {
  events: /*                          */ 0, //                  u32    EPOLL bits
  data: /*                            */ PACKED ? 4 : 8, //     u64    the caller's: here a descriptor
  sizeof: /*                          */ PACKED ? 12 : 16,
} as const;

export const EPOLL = {
  IN: 0x1,
  OUT: 0x4,
  ERR: 0x8,
  HUP: 0x10,
  RDHUP: 0x2000,
  /** Told once per change, not as long as it holds. */
  ET: 0x8000_0000,
} as const;

export const EPOLL_CTL = { ADD: 1 } as const;
