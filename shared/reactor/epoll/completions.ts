// Completions that the epoll engine has made and not yet handed over: a ring that grows when it has to. Requests are answered on the spot where
// they can be, but the handler hears of it only inside `turn`, as with a kernel that queues completions itself.

import { grown } from "./requests.ts";

const WORDS = 6;
const ENTRIES_INITIAL = 1024;

export class Completions {
  #words = new Int32Array(ENTRIES_INITIAL * WORDS);
  #mask = ENTRIES_INITIAL - 1;
  #head = 0;
  #tail = 0;
  /** The entry that `take` took. */
  op = 0;
  slot = 0;
  generation = 0;
  res = 0;
  buffer = 0;
  more = false;

  get count(): number {
    return (this.#tail - this.#head) | 0;
  }

  put(op: number, slot: number, generation: number, res: number, buffer: number, more: boolean): void {
    if (this.count > this.#mask) this.#grow();
    const at = (this.#tail & this.#mask) * WORDS;
    const words = this.#words;
    words[at] = op;
    words[at + 1] = slot;
    words[at + 2] = generation;
    words[at + 3] = res;
    words[at + 4] = buffer;
    words[at + 5] = more ? 1 : 0;
    this.#tail = (this.#tail + 1) | 0;
  }

  /** Takes the oldest into the fields. */
  take(): void {
    const at = (this.#head & this.#mask) * WORDS;
    const words = this.#words;
    this.op = words[at]!;
    this.slot = words[at + 1]!;
    this.generation = words[at + 2]!;
    this.res = words[at + 3]!;
    this.buffer = words[at + 4]!;
    this.more = words[at + 5] === 1;
    this.#head = (this.#head + 1) | 0;
  }

  /** Doubles: the part that had wrapped around goes behind the other. */
  #grow(): void {
    const entries = this.#mask + 1;
    const words = grown(this.#words, new Int32Array(entries * 2 * WORDS));
    const first = this.#head & this.#mask;
    words.copyWithin(entries * WORDS, 0, first * WORDS);
    this.#words = words;
    this.#mask = entries * 2 - 1;
    const count = this.count;
    this.#head = first;
    this.#tail = first + count;
  }
}
