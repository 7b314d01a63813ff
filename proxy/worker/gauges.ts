// Current values that all workers share (connections, sessions, served, queued): words of the shared state, changed with Atomics,
// and a shadow of this worker's part in them. When a worker dies the control plane takes its shadow out again.

import type { SharedState } from "../shared-state/layout.ts";

export class Gauges {
  readonly #words: Int32Array;
  readonly #shadows: Int32Array;
  readonly #shadowAt: number;

  constructor(shared: SharedState, worker: number) {
    this.#words = shared.words;
    this.#shadows = shared.shadows;
    this.#shadowAt = shared.shadowAt(worker);
  }

  /** Adds one to the word and returns the new value. */
  increment(word: number): number {
    this.#shadows[this.#shadowAt + word]!++;
    return Atomics.add(this.#words, word, 1) + 1;
  }

  /** Adds one and keeps the highest value seen in `maxWord`. */
  incrementWithMax(word: number, maxWord: number): number {
    const value = this.increment(word);
    // Racing writers may lose a maximum that was passed for an instant; it is a statistic, not a limit.
    if (value > this.#words[maxWord]!) this.#words[maxWord] = value;
    return value;
  }

  /** Adds one if the word is below `limit`; false: it is not. Exact over all workers: the word never exceeds the limit by this. */
  incrementBelow(word: number, limit: number): boolean {
    let value = Atomics.load(this.#words, word);
    while (value < limit) {
      const found = Atomics.compareExchange(this.#words, word, value, value + 1);
      if (found === value) {
        this.#shadows[this.#shadowAt + word]!++;
        return true;
      }
      value = found;
    }
    return false;
  }

  decrement(word: number): void {
    this.#shadows[this.#shadowAt + word]!--;
    Atomics.sub(this.#words, word, 1);
  }

  read(word: number): number {
    return this.#words[word]!;
  }

  /** This worker's part in the word. */
  own(word: number): number {
    return this.#shadows[this.#shadowAt + word]!;
  }
}
