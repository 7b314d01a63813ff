// A worker's clock: read once a turn, so that everything that happens in a turn happens at one time and nothing on the data path asks the
// kernel. Two views of the same moment:
//
// - `nowMs`, milliseconds since the clock was made, as int32. It wraps after 24.8 days; compare with `(a - b) | 0`, never with `<`.
//   It is CLOCK_MONOTONIC, so it neither jumps nor runs backwards.
// - wall-clock time, for log lines: monotonic time plus an offset that is read again every second, so that a stepped or slewed
//   system clock is followed. Seconds and milliseconds stand apart, because milliseconds since 1970 do not fit an int32.

import { CLOCK_MONOTONIC, CLOCK_REALTIME, clockGettime } from "../ffi/time.ts";

const SYNCHRONISE_EVERY_MS = 1000;

export class Clock {
  /** Milliseconds since the clock was made, int32 that wraps. */
  nowMs = 0;
  /** Microseconds of the same moment, int32 that wraps after 71 minutes: for differences that are shorter. */
  nowUs = 0;
  readonly #timespec = new Int32Array(4);
  readonly #startSeconds: number;
  readonly #sharedOffsetMs: number;
  /** Monotonic milliseconds since `#startSeconds`, not wrapped; and what to add to get milliseconds since 1970. */
  #elapsedMs = 0;
  #wallOffsetMs = 0;
  #synchronisedMs = 0;

  constructor() {
    clockGettime(CLOCK_MONOTONIC, this.#timespec);
    this.#startSeconds = this.#timespec[0]!;
    this.#sharedOffsetMs = Math.imul(this.#startSeconds, 1000);
    this.update();
    this.#synchronise();
  }

  /** Reads the time. Called at the start of a turn. */
  update(): void {
    const timespec = this.#timespec;
    clockGettime(CLOCK_MONOTONIC, timespec);
    this.#elapsedMs = (timespec[0]! - this.#startSeconds) * 1000 + timespec[2]! / 1_000_000;
    this.nowMs = this.#elapsedMs | 0;
    this.nowUs = (Math.imul(timespec[0]! - this.#startSeconds, 1_000_000) + ((timespec[2]! / 1000) | 0)) | 0;
    if (this.#elapsedMs - this.#synchronisedMs >= SYNCHRONISE_EVERY_MS) this.#synchronise();
  }

  /** Seconds since 1970. */
  wallSeconds(): number {
    return Math.floor((this.#elapsedMs + this.#wallOffsetMs) / 1000);
  }

  /** Milliseconds within the second, 0 … 999. */
  wallMilliseconds(): number {
    return Math.floor(this.#elapsedMs + this.#wallOffsetMs) % 1000;
  }

  /** Milliseconds of the system's monotonic clock, int32 that wraps: the same in all threads. */
  get sharedMs(): number {
    return (this.nowMs + this.#sharedOffsetMs) | 0;
  }

  #synchronise(): void {
    const timespec = this.#timespec;
    clockGettime(CLOCK_REALTIME, timespec);
    // Seconds since 1970 as an unsigned word: good until 2106, and the upper word is there for whoever reads this then.
    const wallMs = (timespec[0]! >>> 0) * 1000 + timespec[2]! / 1_000_000;
    this.#wallOffsetMs = wallMs - this.#elapsedMs;
    this.#synchronisedMs = this.#elapsedMs;
  }
}
