// Encoders of one worker: gzip, deflate (zlib's format and raw) and brotli, as a pool. A deflate stream is made when load first needs it and then
// reset for the next body, so that in steady state nothing is allocated; brotli has no reset, its encoders are made anew.
//
//   begin(algorithm) ─▶ [ input ─▶ run(flush) ─▶ take output ]* ─▶ end
//
// Whoever uses one gives it input and room for output by arena offsets and runs it until it has taken all and has no more to give.

import { Z_FINISH, Z_NO_FLUSH, Z_OK, Z_STREAM, Z_STREAM_END, Z_SYNC_FLUSH } from "../../shared/abi/zlib.ts";
import type { Arena } from "../../shared/arena/arena.ts";
import { assert } from "../../shared/assert.ts";
import {
  BROTLI_OPERATION,
  BROTLI_PARAMETER,
  brotliCompress,
  brotliCreate,
  brotliDestroy,
  brotliHasMore,
  brotliSet,
  deflate,
  deflateEnd,
  deflateInit,
  deflateReset,
} from "../../shared/ffi/compression.ts";
import type { CompressionAlgorithm, CompressionLimitsPlan } from "../plan/compression.ts";

/** Encoders in use at a time; who comes later is not compressed. */
const ENCODERS_MAX = 2048;
const GZIP_WRAPPER = 16;
const BROTLI_WINDOW_BITS = 18;
/** Brotli's qualities go further for the same price: 4 costs about what zlib's 1 … 3 do. */
const BROTLI_QUALITY_MIN = 3;

const NEXT_IN_WORD = Z_STREAM.nextIn >> 2;
const AVAIL_IN_WORD = Z_STREAM.availIn >> 2;
const NEXT_OUT_WORD = Z_STREAM.nextOut >> 2;
const AVAIL_OUT_WORD = Z_STREAM.availOut >> 2;
const WORDS = Z_STREAM.bytes >> 2;

/** What a step is to bring out. */
export const FLUSH = { none: 0, sync: 1, finish: 2 } as const;
const Z_FLUSH = [Z_NO_FLUSH, Z_SYNC_FLUSH, Z_FINISH] as const;
const BROTLI_FLUSH = [BROTLI_OPERATION.process, BROTLI_OPERATION.flush, BROTLI_OPERATION.finish] as const;

/** Numbers of the formats, see `formatOf`. */
const GZIP = 0;
const ZLIB = 1;
const RAW = 2;
const BROTLI = 3;

export function formatOf(algorithm: CompressionAlgorithm): number {
  switch (algorithm) {
    case "gzip":
      return GZIP;
    case "deflate":
      return ZLIB;
    case "br":
      return BROTLI;
    default:
      return RAW;
  }
}

/** Arena bytes that the encoders need. */
export const ENCODERS_BYTES: number = ENCODERS_MAX * Z_STREAM.bytes + 64;

export class Encoders {
  readonly #arena: Arena;
  readonly #at: number;
  readonly #limits: CompressionLimitsPlan;
  readonly #countMax: number;
  readonly #format = new Uint8Array(ENCODERS_MAX);
  /** Brotli's encoders by address, 0: none. */
  readonly #brotli = new Float64Array(ENCODERS_MAX);
  /** Per format: encoders that wait to be used, and those that never were. */
  readonly #free: readonly number[][] = [[], [], [], []];
  #made = 0;
  /** Output bytes that the last `run` did not fill. */
  roomLeft = 0;
  /** The last `run` may have more to give. */
  hasMore = false;

  constructor(arena: Arena, limits: CompressionLimitsPlan, nbthread: number) {
    this.#arena = arena;
    this.#limits = limits;
    this.#at = arena.alloc(ENCODERS_MAX * Z_STREAM.bytes, 64);
    // zlib.h: (1 << (windowBits + 2)) + (1 << (memLevel + 9)) bytes a stream, and a few kilobytes.
    const streamBytes = 2 ** (limits.windowBits + 2) + 2 ** (limits.memLevel + 9) + 8192;
    const affordable =
      limits.memoryMaxBytes > 0 ? Math.floor(limits.memoryMaxBytes / nbthread / streamBytes) : ENCODERS_MAX;
    this.#countMax = Math.min(ENCODERS_MAX, affordable);
  }

  /** An encoder ready for a body, -1: there is none, or no memory for it. */
  begin(format: number): number {
    const free = this.#free[format]!;
    const reused = free.pop();
    if (format === BROTLI) return this.#beginBrotli(reused);
    if (reused !== undefined) {
      deflateReset(this.#arena.address(this.#at + reused * Z_STREAM.bytes));
      return reused;
    }
    if (this.#made >= this.#countMax) return -1;
    const { maxLevel, memLevel, windowBits } = this.#limits;
    const bits = format === GZIP ? windowBits + GZIP_WRAPPER : format === ZLIB ? windowBits : -windowBits;
    const id = this.#made;
    if (deflateInit(this.#arena.address(this.#at + id * Z_STREAM.bytes), maxLevel, bits, memLevel) !== Z_OK) return -1;
    this.#made++;
    this.#format[id] = format;
    return id;
  }

  #beginBrotli(reused: number | undefined): number {
    if (reused === undefined && this.#made >= this.#countMax) return -1;
    const encoder = brotliCreate(0, 0, 0);
    if (encoder === 0) return -1;
    brotliSet(encoder, BROTLI_PARAMETER.quality, Math.max(BROTLI_QUALITY_MIN, Math.min(9, this.#limits.maxLevel)));
    brotliSet(encoder, BROTLI_PARAMETER.window, BROTLI_WINDOW_BITS);
    const id = reused ?? this.#made++;
    this.#format[id] = BROTLI;
    this.#brotli[id] = encoder;
    return id;
  }

  /** The body is over, or given up. */
  end(id: number): void {
    const format = this.#format[id]!;
    if (format === BROTLI) {
      brotliDestroy(this.#brotli[id]!);
      this.#brotli[id] = 0;
    }
    this.#free[format]!.push(id);
  }

  /** The bytes [offset, offset + bytes) are read by the next runs. */
  input(id: number, offset: number, bytes: number): void {
    const { i32, baseLo, baseHi } = this.#arena;
    const word = (this.#at >> 2) + id * WORDS;
    i32[word + NEXT_IN_WORD] = (baseLo + offset) | 0;
    i32[word + NEXT_IN_WORD + 1] = baseHi;
    i32[word + AVAIL_IN_WORD] = bytes;
    i32[word + AVAIL_IN_WORD + 1] = 0;
  }

  /** Writes output to [offset, offset + bytes). Sets `roomLeft` and `hasMore`; false: the encoder is broken. */
  run(id: number, offset: number, bytes: number, flush: number): boolean {
    const { i32, baseLo, baseHi } = this.#arena;
    const word = (this.#at >> 2) + id * WORDS;
    i32[word + NEXT_OUT_WORD] = (baseLo + offset) | 0;
    i32[word + NEXT_OUT_WORD + 1] = baseHi;
    i32[word + AVAIL_OUT_WORD] = bytes;
    i32[word + AVAIL_OUT_WORD + 1] = 0;
    const at = this.#arena.address(this.#at + id * Z_STREAM.bytes);
    if (this.#format[id] === BROTLI) {
      const encoder = this.#brotli[id]!;
      const [availIn, availOut] = [at + Z_STREAM.availIn, at + Z_STREAM.availOut];
      const done = brotliCompress(encoder, BROTLI_FLUSH[flush]!, availIn, at, availOut, at + Z_STREAM.nextOut, 0);
      this.roomLeft = i32[word + AVAIL_OUT_WORD]!;
      this.hasMore = i32[word + AVAIL_IN_WORD]! > 0 || brotliHasMore(encoder) !== 0;
      return done !== 0;
    }
    const result = deflate(at, Z_FLUSH[flush]!);
    this.roomLeft = i32[word + AVAIL_OUT_WORD]!;
    this.hasMore = i32[word + AVAIL_IN_WORD]! > 0 || (this.roomLeft === 0 && result !== Z_STREAM_END);
    // Z_BUF_ERROR: nothing to do, which is no fault.
    return result >= Z_OK || result === -5;
  }

  /** Gives all memory back; for a worker that ends. */
  destroy(): void {
    for (let id = 0; id < this.#made; id++) {
      if (this.#format[id] !== BROTLI) deflateEnd(this.#arena.address(this.#at + id * Z_STREAM.bytes));
      else if (this.#brotli[id] !== 0) brotliDestroy(this.#brotli[id]!);
    }
    assert(this.#made <= ENCODERS_MAX, "encoders are counted");
    this.#made = 0;
  }
}
