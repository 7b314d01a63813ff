// What the epoll engine has been asked for and has not answered: rows in typed arrays, each in the queue of its descriptor (one for reading, one
// for writing) and in a list of its slot, by which `cancel` finds it. Rows are reused; the arrays grow when load first needs it and stay.

/** KIND of a request. */
export const REQUEST = {
  accept: 1,
  receive: 2,
  receiveOnce: 3,
  send: 4,
  sendmsg: 5,
  write: 6,
  connect: 7,
  /** A send with more to follow (MSG_MORE). */
  sendMore: 8,
} as const;

const ROWS_INITIAL = 1024;

export class Requests {
  kind = new Uint8Array(ROWS_INITIAL);
  op = new Uint8Array(ROWS_INITIAL);
  slot = new Int32Array(ROWS_INITIAL);
  generation = new Int32Array(ROWS_INITIAL);
  fd = new Int32Array(ROWS_INITIAL);
  /** Arena offset and length of what is sent, written or connected to; `bytes` of a receive: how many at most. */
  offset = new Int32Array(ROWS_INITIAL);
  bytes = new Int32Array(ROWS_INITIAL);
  /** Bytes sent so far. */
  done = new Int32Array(ROWS_INITIAL);
  /** Next in the descriptor's queue; in the slot's list, both ways. -1: none. */
  next = new Int32Array(ROWS_INITIAL);
  #slotNext = new Int32Array(ROWS_INITIAL);
  #slotPrevious = new Int32Array(ROWS_INITIAL);
  /** First request of each slot. */
  #ofSlot = new Int32Array(ROWS_INITIAL).fill(-1);
  #free: Int32Array;
  #freeCount: number;

  constructor() {
    this.#free = Int32Array.from({ length: ROWS_INITIAL }, (_, i) => ROWS_INITIAL - 1 - i);
    this.#freeCount = ROWS_INITIAL;
  }

  /** Requests that are not answered. */
  get count(): number {
    return this.kind.length - this.#freeCount;
  }

  take(kind: number, op: number, slot: number, generation: number, fd: number): number {
    if (this.#freeCount === 0) this.#grow();
    if (slot >= this.#ofSlot.length) this.#growSlots(slot);
    const row = this.#free[--this.#freeCount]!;
    this.kind[row] = kind;
    this.op[row] = op;
    this.slot[row] = slot;
    this.generation[row] = generation;
    this.fd[row] = fd;
    this.done[row] = 0;
    this.next[row] = -1;
    const first = this.#ofSlot[slot]!;
    this.#slotNext[row] = first;
    this.#slotPrevious[row] = -1;
    if (first >= 0) this.#slotPrevious[first] = row;
    this.#ofSlot[slot] = row;
    return row;
  }

  give(row: number): void {
    const next = this.#slotNext[row]!;
    const previous = this.#slotPrevious[row]!;
    if (previous >= 0) this.#slotNext[previous] = next;
    else this.#ofSlot[this.slot[row]!] = next;
    if (next >= 0) this.#slotPrevious[next] = previous;
    this.kind[row] = 0;
    this.#free[this.#freeCount++] = row;
  }

  /** The request that was submitted with exactly these; -1: there is none. */
  find(op: number, slot: number, generation: number): number {
    if (slot >= this.#ofSlot.length) return -1;
    for (let row = this.#ofSlot[slot]!; row >= 0; row = this.#slotNext[row]!)
      if (this.op[row] === op && this.generation[row] === generation) return row;
    return -1;
  }

  #grow(): void {
    const from = this.kind.length;
    const to = from * 2;
    this.kind = grown(this.kind, new Uint8Array(to));
    this.op = grown(this.op, new Uint8Array(to));
    this.slot = grown(this.slot, new Int32Array(to));
    this.generation = grown(this.generation, new Int32Array(to));
    this.fd = grown(this.fd, new Int32Array(to));
    this.offset = grown(this.offset, new Int32Array(to));
    this.bytes = grown(this.bytes, new Int32Array(to));
    this.done = grown(this.done, new Int32Array(to));
    this.next = grown(this.next, new Int32Array(to));
    this.#slotNext = grown(this.#slotNext, new Int32Array(to));
    this.#slotPrevious = grown(this.#slotPrevious, new Int32Array(to));
    this.#free = grown(this.#free, new Int32Array(to));
    for (let row = to - 1; row >= from; row--) this.#free[this.#freeCount++] = row;
  }

  #growSlots(slot: number): void {
    let length = this.#ofSlot.length;
    while (length <= slot) length *= 2;
    this.#ofSlot = grown(this.#ofSlot, new Int32Array(length).fill(-1));
  }
}

/** `from` copied to the start of the longer `to`. */
export function grown<T extends Uint8Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
