// Which entries of a table changed: workers note them, the control plane takes them and tells the peers.
//
// A ring of slots. An entry that is in the ring already is not noted again (`changed` is 1 while it is), so the ring, which has as many places as
// there are slots, cannot overflow. A place that is taken but not written yet ends the taking until it is.

import { TABLE_HEADER } from "./layout.ts";

const HEAD = TABLE_HEADER.changesHead;
const TAIL = TABLE_HEADER.changesTail;

export class ChangeRing {
  readonly #header: Int32Array;
  readonly #changed: Int32Array;
  readonly #ring: Int32Array;
  readonly #mask: number;

  constructor(header: Int32Array, changed: Int32Array, ring: Int32Array) {
    this.#header = header;
    this.#changed = changed;
    this.#ring = ring;
    this.#mask = ring.length - 1;
  }

  note(slot: number): void {
    if (Atomics.exchange(this.#changed, slot, 1) === 1) return;
    const place = Atomics.add(this.#header, HEAD, 1) & this.#mask;
    Atomics.store(this.#ring, place, slot + 1);
  }

  /** The slot of the next change, -1: there is none. What happens to the entry from now on is a new change. Main thread only. */
  take(): number {
    const header = this.#header;
    const tail = header[TAIL]!;
    if (tail === Atomics.load(header, HEAD)) return -1;
    const place = tail & this.#mask;
    const slot = Atomics.exchange(this.#ring, place, 0) - 1;
    if (slot < 0) return -1;
    header[TAIL] = (tail + 1) | 0;
    Atomics.store(this.#changed, slot, 0);
    return slot;
  }

  /** A place was taken that is not written yet. */
  get hasHole(): boolean {
    const header = this.#header;
    return header[TAIL] !== Atomics.load(header, HEAD);
  }

  /** A thread died between taking a place and writing it: the place is passed over. Only while no thread is inside `note`. */
  skipHole(): void {
    const header = this.#header;
    if (header[TAIL] !== Atomics.load(header, HEAD)) header[TAIL] = (header[TAIL]! + 1) | 0;
  }
}
