// Recognises an instance that flaps: one that several times lately was MASTER for less than a down time only. Two nodes whose views of
// an election contradict each other (crossed priorities in sync groups, adverts that arrive in one direction only) do that in step for
// ever; a random addition to the waiting time of each breaks the step.

const WINDOW_MS = 60_000;
const SHORT_REIGNS_MAX = 2;

export class Flaps {
  readonly #shortReignsMs: number[] = [];

  /** A time as MASTER ended. */
  onReignEnded(nowMs: number, lastedMs: number, downMs: number): void {
    if (lastedMs >= downMs) return;
    this.#shortReignsMs.push(nowMs);
    if (this.#shortReignsMs.length > SHORT_REIGNS_MAX) this.#shortReignsMs.shift();
  }

  /** True after SHORT_REIGNS_MAX short reigns within the last minute. */
  isFlapping(nowMs: number): boolean {
    return this.#shortReignsMs.length === SHORT_REIGNS_MAX && nowMs - this.#shortReignsMs[0]! < WINDOW_MS;
  }
}
