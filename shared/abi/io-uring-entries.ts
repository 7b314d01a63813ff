// struct io_uring_sqe (64 bytes), a request, and struct io_uring_cqe (16 bytes), its completion (linux/io_uring.h). The hot writers
// and readers (shared/reactor/io-uring) repeat what they need of these numbers as constants of their own, because an imported binding
// costs them as much as the whole write; their tests hold them against the tables here, and the test beside this file holds the
// tables against the C compiler.

//                                       offset   type   meaning
export const IO_URING_SQE = {
  opcode: /*                          */ 0, //    u8     IORING_OP_*
  flags: /*                           */ 1, //    u8     IOSQE_*
  ioprio: /*                          */ 2, //    u16    per operation: IORING_ACCEPT_MULTISHOT, IORING_RECV_MULTISHOT
  fd: /*                              */ 4, //    s32    descriptor
  off: /*                             */ 8, //    u64    file offset; addr2: length of a sockaddr (connect)
  addr: /*                            */ 16, //   u64    buffer, msghdr, sockaddr, timespec; user_data of what is cancelled
  len: /*                             */ 24, //   u32    bytes; how (shutdown); 1 (timeout)
  msg_flags: /*                       */ 28, //   u32    also accept_flags, cancel_flags, timeout_flags, rw_flags
  user_data: /*                       */ 32, //   u64    comes back in the completion
  buf_group: /*                       */ 40, //   u16    which provided-buffer ring
  personality: /*                     */ 42, //   u16
  file_index: /*                      */ 44, //   u32    direct descriptors; splice_fd_in
  addr3: /*                           */ 48, //   u64
  sizeof: /*                          */ 64,
} as const;

export const IO_URING_CQE = {
  user_data: /*                       */ 0, //    u64    the submission's
  res: /*                             */ 8, //    s32    result or -errno
  flags: /*                           */ 12, //   u32    IORING_CQE_F_*; the buffer's id in the upper 16 bits
  sizeof: /*                          */ 16,
} as const;

export const IORING_OP = {
  SENDMSG: 9,
  TIMEOUT: 11,
  ACCEPT: 13,
  ASYNC_CANCEL: 14,
  CONNECT: 16,
  CLOSE: 19,
  READ: 22,
  WRITE: 23,
  SEND: 26,
  RECV: 27,
  SHUTDOWN: 34,
} as const;

export const IOSQE_BUFFER_SELECT = 1 << 5;
export const IORING_ACCEPT_MULTISHOT = 1 << 0;
export const IORING_RECV_MULTISHOT = 1 << 1;
export const IORING_ASYNC_CANCEL = { ALL: 1 << 0, FD: 1 << 1, ANY: 1 << 2 } as const;
export const IORING_CQE_F = { BUFFER: 1 << 0, MORE: 1 << 1 } as const;
export const IORING_CQE_BUFFER_SHIFT = 16;
