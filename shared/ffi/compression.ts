// zlib's and brotli's encoders as the Node binary links them. Streams and buffers are addresses in memory that V8 does not move; zlib and
// brotli keep their own state on the C heap until `deflateEnd` and `brotliDestroy`.

import { Z_DEFLATED, Z_STREAM } from "../abi/zlib.ts";
import { library } from "./library.ts";

const versionC: () => string = library.func("const char *zlibVersion()");
const initC: (
  stream: number,
  level: number,
  method: number,
  windowBits: number,
  memLevel: number,
  strategy: number,
  version: string,
  bytes: number,
) => number = library.func(
  "int deflateInit2_(intptr_t stream, int level, int method, int windowBits, int memLevel, int strategy, const char *version, int bytes)",
);

/** deflate(stream, flush): Z_OK, Z_STREAM_END, or an error. */
export const deflate: (stream: number, flush: number) => number = library.func(
  "int deflate(intptr_t stream, int flush)",
);
/** Makes the stream as after its init, without giving memory back. */
export const deflateReset: (stream: number) => number = library.func("int deflateReset(intptr_t stream)");
export const deflateEnd: (stream: number) => number = library.func("int deflateEnd(intptr_t stream)");

/** deflateInit2. `windowBits`: 9 … 15 for zlib's format, + 16 for gzip's, negative for none. Z_OK or an error (no memory). */
export function deflateInit(stream: number, level: number, windowBits: number, memLevel: number): number {
  return initC(stream, level, Z_DEFLATED, windowBits, memLevel, 0, versionC(), Z_STREAM.bytes);
}

export const BROTLI_PARAMETER = { quality: 1, window: 2 } as const;
export const BROTLI_OPERATION = { process: 0, flush: 1, finish: 2 } as const;

/** A new encoder's address, 0: no memory. */
export const brotliCreate: (alloc: number, free: number, opaque: number) => number = library.func(
  "intptr_t BrotliEncoderCreateInstance(intptr_t alloc, intptr_t free, intptr_t opaque)",
);
export const brotliDestroy: (encoder: number) => void = library.func(
  "void BrotliEncoderDestroyInstance(intptr_t encoder)",
);
export const brotliSet: (encoder: number, parameter: number, value: number) => number = library.func(
  "int BrotliEncoderSetParameter(intptr_t encoder, int parameter, uint32_t value)",
);
export const brotliHasMore: (encoder: number) => number = library.func(
  "int BrotliEncoderHasMoreOutput(intptr_t encoder)",
);
/** The four pointers are addresses of size_t, pointer, size_t, pointer, read and written by the call. 1, or 0 for a misuse. */
export const brotliCompress: (
  encoder: number,
  operation: number,
  availableIn: number,
  nextIn: number,
  availableOut: number,
  nextOut: number,
  totalOut: number,
) => number = library.func(
  "int BrotliEncoderCompressStream(intptr_t encoder, int operation, intptr_t availableIn, intptr_t nextIn, intptr_t availableOut, intptr_t nextOut, intptr_t totalOut)",
);
