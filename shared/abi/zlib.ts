// z_stream of zlib.h on 64-bit Linux, 112 bytes: what deflate() reads and writes. The library is the one that Node links.

//                              offset   type   meaning
export const Z_STREAM = {
  nextIn: 0, //                    0     ptr    next byte of input
  availIn: 8, //                   8     u32    bytes of input
  nextOut: 24, //                 24     ptr    where the next byte of output goes
  availOut: 32, //                32     u32    room for output
  bytes: 112,
} as const;

export const Z_NO_FLUSH = 0;
export const Z_SYNC_FLUSH = 2;
export const Z_FINISH = 4;
export const Z_OK = 0;
export const Z_STREAM_END = 1;
export const Z_BUF_ERROR = -5;
export const Z_DEFLATED = 8;
