// When to replace a worker that died: at once for single deaths, slower and slower for deaths in a row, and not at all for a crash loop.
// Then the process ends with a status that is not 0: whoever starts it anew, or a human, can do more than it can itself.

const DEATHS_MAX = 10;
const DEATHS_WINDOW_MS = 10_000;
/** So many deaths within the window are answered at once; the next ones after 40, 80, 160 … ms. */
const DEATHS_FREE = 2;
const BACKOFF_FIRST_MS = 40;
const BACKOFF_MAX_MS = 1_000;

/** Remembers deaths of the last DEATHS_WINDOW_MS. */
export class CrashLoop {
  #deaths: number[] = [];

  /**
   * Notes a death and says how long to wait before the replacement starts.
   * @param nowMs monotonic milliseconds
   * @returns milliseconds, or -1: too many deaths, give up
   */
  died(nowMs: number): number {
    this.#deaths = this.#deaths.filter((death) => nowMs - death < DEATHS_WINDOW_MS);
    this.#deaths.push(nowMs);
    const count = this.#deaths.length;
    if (count >= DEATHS_MAX) return -1;
    if (count <= DEATHS_FREE) return 0;
    return Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (count - DEATHS_FREE - 1));
  }

  /** For the last words. */
  get summary(): string {
    return `${this.#deaths.length} workers died within ${DEATHS_WINDOW_MS / 1000} seconds`;
  }
}
