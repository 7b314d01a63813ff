// struct io_uring_params with its struct io_sqring_offsets and struct io_cqring_offsets (linux/io_uring.h): what io_uring_setup(2) is
// asked and what it answers. 120 bytes. Used at boot only; the test beside it compares the tables with the C compiler.

//                                       offset   type   meaning
export const IO_URING_PARAMS = {
  sq_entries: /*                      */ 0, //    u32    out: submission entries
  cq_entries: /*                      */ 4, //    u32    in (IORING_SETUP_CQSIZE) and out: completion entries
  flags: /*                           */ 8, //    u32    in: IORING_SETUP_*
  sq_thread_cpu: /*                   */ 12, //   u32    in: for IORING_SETUP_SQ_AFF
  sq_thread_idle: /*                  */ 16, //   u32    in: for IORING_SETUP_SQPOLL
  features: /*                        */ 20, //   u32    out: IORING_FEAT_*
  wq_fd: /*                           */ 24, //   u32    in: for IORING_SETUP_ATTACH_WQ
  resv: /*                            */ 28, //   u32×3  zero
  sq_off: /*                          */ 40, //          struct io_sqring_offsets
  cq_off: /*                          */ 80, //          struct io_cqring_offsets
  sizeof: /*                          */ 120,
} as const;

/** Where the words of the submission queue lie in the ring mapping, in bytes. */
export const IO_SQRING_OFFSETS = {
  head: /*                            */ 0, //    u32    consumed by the kernel
  tail: /*                            */ 4, //    u32    produced by us
  ring_mask: /*                       */ 8, //    u32
  ring_entries: /*                    */ 12, //   u32
  flags: /*                           */ 16, //   u32    IORING_SQ_*
  dropped: /*                         */ 20, //   u32    entries that the kernel could not make sense of
  array: /*                           */ 24, //   u32    not there with IORING_SETUP_NO_SQARRAY
  resv1: /*                           */ 28, //   u32
  user_addr: /*                       */ 32, //   u64    in, for IORING_SETUP_NO_MMAP (called resv2 before Linux 6.5)
  sizeof: /*                          */ 40,
} as const;

/** Where the words of the completion queue lie in the ring mapping, in bytes. */
export const IO_CQRING_OFFSETS = {
  head: /*                            */ 0, //    u32    consumed by us
  tail: /*                            */ 4, //    u32    produced by the kernel
  ring_mask: /*                       */ 8, //    u32
  ring_entries: /*                    */ 12, //   u32
  overflow: /*                        */ 16, //   u32    completions that were lost for want of memory
  cqes: /*                            */ 20, //   u32    the entries
  flags: /*                           */ 24, //   u32    IORING_CQ_*
  resv1: /*                           */ 28, //   u32
  user_addr: /*                       */ 32, //   u64    as above
  sizeof: /*                          */ 40,
} as const;

/** Bits of `flags`. */
export const IORING_SETUP = {
  /** `cq_entries` is given. */
  CQSIZE: 1 << 3,
  /** A bad entry does not stop the batch that it is in; its error comes as its completion. */
  SUBMIT_ALL: 1 << 7,
  /** Only the thread that made the ring submits. */
  SINGLE_ISSUER: 1 << 12,
  /** Completion work runs when we ask for completions, in our thread, not at any interrupt. */
  DEFER_TASKRUN: 1 << 13,
  /** No index array between queue and entries. Linux 6.6. */
  NO_SQARRAY: 1 << 16,
} as const;

/** Bits of `features`. */
export const IORING_FEAT = {
  /** One mapping holds both rings. */
  SINGLE_MMAP: 1 << 0,
  /** Completions that find no room are kept, not dropped. */
  NODROP: 1 << 1,
  /** Argument memory (timespec, msghdr, iovec) is read before io_uring_enter returns. */
  SUBMIT_STABLE: 1 << 2,
  /** Sockets that are not ready are polled for, not handed to a kernel thread. */
  FAST_POLL: 1 << 5,
  /** io_uring_enter takes a time-out. */
  EXT_ARG: 1 << 8,
  /** One receive fills several provided buffers (Linux 6.10). */
  RECVSEND_BUNDLE: 1 << 14,
} as const;

/** mmap(2) offsets of the ring's descriptor. */
export const IORING_OFF_SQ_RING = 0;
export const IORING_OFF_SQES = 0x1000_0000;
