// Rise and fall: when a row of good or bad results makes a tracked thing up or down. As keepalived counts, the very first result decides at once:
// one success is enough at the start, and one failure too.

export class Threshold {
  readonly #rise: number;
  readonly #fall: number;
  #up: boolean | null;
  #row = 0;

  /** `initially` false: down until `rise` successes (init_fail). */
  constructor(rise: number, fall: number, initially: false | null) {
    this.#rise = rise;
    this.#fall = fall;
    this.#up = initially;
  }

  get up(): boolean | null {
    return this.#up;
  }

  /** Takes a result; `decisive`: it counts as many as are needed. True when `up` has changed. */
  take(isGood: boolean, decisive = false): boolean {
    if (this.#up === null || (decisive && this.#up !== isGood)) {
      this.#up = isGood;
      this.#row = 0;
      return true;
    }
    if (isGood === this.#up) {
      this.#row = 0;
      return false;
    }
    this.#row++;
    if (this.#row < (isGood ? this.#rise : this.#fall)) return false;
    this.#up = isGood;
    this.#row = 0;
    return true;
  }
}
