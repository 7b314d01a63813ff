// How much may be compressed: `maxcomprate` (bytes taken in per second, over all workers) and `maxcompcpuusage` (share of the worker's time). Over
// a limit no further body begins to be compressed; those under way go on.

import { clockGettime } from "../../shared/ffi/time.ts";
import type { CompressionLimitsPlan } from "../plan/compression.ts";
import { HEADER } from "../shared-state/layout.ts";
import type { WorkerContext } from "../worker/context.ts";

const CLOCK_THREAD_CPUTIME_ID = 3;
const PERIOD_MS = 500;

export class CompressionLimits {
  readonly #ctx: WorkerContext;
  readonly #plan: CompressionLimitsPlan;
  readonly #timespec = new Int32Array(4);
  #sinceMs = 0;
  #cpuMs = 0;
  #usedPercent = 0;

  constructor(ctx: WorkerContext, plan: CompressionLimitsPlan) {
    this.#ctx = ctx;
    this.#plan = plan;
  }

  /** Whether another body may be compressed now. */
  allow(): boolean {
    const { cpuMaxPercent } = this.#plan;
    const rateMaxBytes = this.#ctx.shared.words[HEADER.compressionRateMax]!;
    if (rateMaxBytes > 0 && this.#takenThisSecond() > rateMaxBytes) return false;
    return cpuMaxPercent >= 100 || this.#cpuPercent() <= cpuMaxPercent;
  }

  /** Bytes were given to an encoder. */
  count(bytes: number): void {
    if (this.#ctx.shared.words[HEADER.compressionRateMax] === 0) return;
    this.#takenThisSecond();
    Atomics.add(this.#ctx.shared.words, HEADER.compressionBytes, bytes);
  }

  /** Who first meets a new second starts its count. */
  #takenThisSecond(): number {
    const { words } = this.#ctx.shared;
    const second = this.#ctx.clock.wallSeconds() | 0;
    const counted = Atomics.load(words, HEADER.compressionSecond);
    if (counted !== second && Atomics.compareExchange(words, HEADER.compressionSecond, counted, second) === counted)
      Atomics.store(words, HEADER.compressionBytes, 0);
    return Atomics.load(words, HEADER.compressionBytes);
  }

  /** Share of the last half second that this thread computed. */
  #cpuPercent(): number {
    const nowMs = this.#ctx.clock.nowMs;
    const passedMs = (nowMs - this.#sinceMs) | 0;
    if (passedMs < PERIOD_MS) return this.#usedPercent;
    clockGettime(CLOCK_THREAD_CPUTIME_ID, this.#timespec);
    const cpuMs = this.#timespec[0]! * 1000 + Math.floor(this.#timespec[2]! / 1e6);
    this.#usedPercent = Math.round((100 * (cpuMs - this.#cpuMs)) / passedMs);
    this.#cpuMs = cpuMs;
    this.#sinceMs = nowMs;
    return this.#usedPercent;
  }
}
