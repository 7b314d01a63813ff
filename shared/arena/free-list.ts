// A LIFO of row numbers: the row freed last is warm in the cache and is taken first.

import { assert } from "../assert.ts";

export class FreeList {
  readonly #stack: Int32Array;
  /** 1: the row is taken. It makes giving a row back twice, after which two owners would share it, an assertion. */
  readonly #taken: Uint8Array;
  #count: number;

  constructor(capacity: number) {
    this.#stack = Int32Array.from({ length: capacity }, (_, i) => capacity - 1 - i);
    this.#taken = new Uint8Array(capacity);
    this.#count = capacity;
  }

  get available(): number {
    return this.#count;
  }

  /** A free row, or -1. */
  take(): number {
    if (this.#count === 0) return -1;
    const row = this.#stack[--this.#count]!;
    this.#taken[row] = 1;
    return row;
  }

  /** Gives a row back. Giving one that is not taken is a bug and asserts. */
  give(row: number): void {
    assert(this.#taken[row] === 1, "FreeList.give: the row is not taken");
    this.#taken[row] = 0;
    this.#stack[this.#count++] = row;
  }
}
