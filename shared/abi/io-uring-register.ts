// The arguments of io_uring_register(2) and of io_uring_enter(2)'s extended form (linux/io_uring.h, linux/time_types.h).

//                                       offset   type   meaning
/** An entry of a provided-buffer ring. The ring's tail (u16) lies over `resv` of entry 0. */
export const IO_URING_BUF = {
  addr: /*                            */ 0, //    u64    the buffer
  len: /*                             */ 8, //    u32    its bytes
  bid: /*                             */ 12, //   u16    the id that a completion names
  resv: /*                            */ 14, //   u16    entry 0: tail
  sizeof: /*                          */ 16,
} as const;

export const IO_URING_BUF_REG = {
  ring_addr: /*                       */ 0, //    u64    page-aligned
  ring_entries: /*                    */ 8, //    u32    a power of two, at most 32768
  bgid: /*                            */ 12, //   u16    the group's id
  flags: /*                           */ 14, //   u16    (called pad before Linux 6.4)
  //                                     16               zero (newer kernels give some of it a meaning; 0 stays the default)
  sizeof: /*                          */ 40,
} as const;

export const IO_URING_GETEVENTS_ARG = {
  sigmask: /*                         */ 0, //    u64    0: signals as they are
  sigmask_sz: /*                      */ 8, //    u32    8
  pad: /*                             */ 12, //   u32    (min_wait_usec since Linux 6.12)
  ts: /*                              */ 16, //   u64    address of a struct __kernel_timespec, 0: wait for ever
  sizeof: /*                          */ 24,
} as const;

export const KERNEL_TIMESPEC = {
  tv_sec: /*                          */ 0, //    s64
  tv_nsec: /*                         */ 8, //    s64
  sizeof: /*                          */ 16,
} as const;

export const IO_URING_PROBE = {
  last_op: /*                         */ 0, //    u8     last operation that the kernel knows
  ops_len: /*                         */ 1, //    u8     entries of `ops`
  resv: /*                            */ 2, //    u16
  resv2: /*                           */ 4, //    u32×3
  ops: /*                             */ 16, //          struct io_uring_probe_op[]
  sizeof: /*                          */ 16,
} as const;

export const IO_URING_PROBE_OP = {
  op: /*                              */ 0, //    u8
  resv: /*                            */ 1, //    u8
  flags: /*                           */ 2, //    u16    bit 0: supported
  resv2: /*                           */ 4, //    u32
  sizeof: /*                          */ 8,
} as const;

export const IO_URING_RSRC_UPDATE = {
  offset: /*                          */ 0, //    u32    in: -1 (any); out: the index of a registered ring
  resv: /*                            */ 4, //    u32
  data: /*                            */ 8, //    u64    the ring's descriptor
  sizeof: /*                          */ 16,
} as const;

export const IORING_REGISTER = { PROBE: 8, RING_FDS: 20, UNREGISTER_RING_FDS: 21, PBUF_RING: 22 } as const;

export const IORING_ENTER = { GETEVENTS: 1 << 0, EXT_ARG: 1 << 3, REGISTERED_RING: 1 << 4 } as const;
/** Bits of the submission ring's `flags`. */
export const IORING_SQ = { CQ_OVERFLOW: 1 << 1 } as const;
