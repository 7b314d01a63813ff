// Timers for rows: each row (connection, stream, server …) has at most one deadline on the worker's int32 millisecond clock. Setting and
// clearing cost O(1) and allocate nothing, however many rows wait.
//
// A hierarchical wheel. A deadline is filed by the highest group of bits in which it differs from the time the wheel has reached:
// in the next 32 ms into a slot of its own millisecond, further away into ever coarser slots, whose rows are filed again, finer,
// when the slot's beginning is reached. A bitmap per level tells which slots hold rows, so empty time costs nothing.
//
//   level   6    5        4        3        2        1        0
//   bits    31…  29…25    24…20    19…15    14…10    9…5      4…0
//   slot    12 d 9.3 h    17 min   33 s     1 s      32 ms    1 ms
//
// Accuracy: a row expires in the first `advance` whose time has reached the deadline, to the millisecond.
//
// Activity usually only moves a deadline later. Then the row stays where it is filed, `set` is two loads and a store, and the row
// is filed again when its slot comes due: a busy connection pays for its time-out once per time-out, not once per byte.
//
// The clock wraps; deadlines may be at most TIMEOUT_MAX_MS ahead, so that differences keep their sign.

import { assert } from "../assert.ts";

/** Longest delay: 2^30 ms, 12.4 days. Longer time-outs are to be clamped by whoever adds them to the clock. */
export const TIMEOUT_MAX_MS = 2 ** 30;

/** Told of rows whose deadline has come. It may set and clear any row, this one included. */
export interface TimerHandler {
  onExpire(row: number): void;
}

const LEVELS = 7;
const SLOTS = 32;
const NONE = -1;

export class TimerWheel {
  readonly #deadline: Int32Array;
  /** The time a row is filed under: its deadline, or an earlier one that has been moved since. */
  readonly #filed: Int32Array;
  /** Bucket (level * 32 + slot) that holds the row, NONE: not armed. */
  readonly #bucket: Int16Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #head = new Int32Array(LEVELS * SLOTS).fill(NONE);
  /** Per level, a bit for every slot that holds rows. */
  readonly #occupied = new Int32Array(LEVELS);
  /** Everything up to and including this time has been expired. */
  #reached: number;
  #armed = 0;

  constructor(capacity: number, nowMs: number) {
    this.#deadline = new Int32Array(capacity);
    this.#filed = new Int32Array(capacity);
    this.#bucket = new Int16Array(capacity).fill(NONE);
    this.#next = new Int32Array(capacity);
    this.#previous = new Int32Array(capacity);
    this.#reached = nowMs | 0;
  }

  /** Rows that have a deadline. */
  get armed(): number {
    return this.#armed;
  }

  isSet(row: number): boolean {
    return this.#bucket[row] !== NONE;
  }

  /** The row's deadline; meaningless unless it is set. */
  deadlineOf(row: number): number {
    return this.#deadline[row]!;
  }

  /** Arms the row, or moves its deadline. A deadline that is past expires in the next `advance` to a later millisecond. */
  set(row: number, deadlineMs: number): void {
    this.#deadline[row] = deadlineMs;
    if (this.#bucket[row] !== NONE) {
      if (((deadlineMs - this.#filed[row]!) | 0) >= 0) return;
      this.#unlink(row);
    } else {
      this.#armed++;
    }
    this.#file(row);
  }

  /** `set` for an armed row, under the name of its usual reason: there was activity. */
  touch(row: number, deadlineMs: number): void {
    this.set(row, deadlineMs);
  }

  /** Disarms the row; nothing happens if it is not armed. */
  clear(row: number): void {
    if (this.#bucket[row] === NONE) return;
    this.#unlink(row);
    this.#bucket[row] = NONE;
    this.#armed--;
  }

  /** Expires every row whose deadline is not after `nowMs`. Returns how many. `nowMs` never runs backwards. */
  advance(nowMs: number, handler: TimerHandler): number {
    assert(
      ((nowMs - this.#reached) | 0) >= 0,
      "TimerWheel.advance: time runs forwards, and is not left alone for 24 days",
    );
    let expired = 0;
    for (;;) {
      const bucket = this.#nextBucket();
      if (bucket === NONE) break;
      const start = this.#startOf(bucket);
      if (((nowMs - start) | 0) < 0) break;
      this.#reached = start;
      // Filing never comes back to the bucket that is being emptied: it files by the difference to its very beginning.
      for (let row = this.#head[bucket]!; row !== NONE; row = this.#head[bucket]!) {
        this.#unlink(row);
        if (((this.#deadline[row]! - start) | 0) > 0) {
          this.#file(row);
          continue;
        }
        this.#bucket[row] = NONE;
        this.#armed--;
        expired++;
        handler.onExpire(row);
      }
    }
    this.#reached = nowMs | 0;
    return expired;
  }

  /**
   * How long a turn may wait from `nowMs` on: until the wheel has something to do, at most `limitMs`. It may be earlier than the first
   * deadline (rows to be filed finer), never later.
   */
  nextMs(nowMs: number, limitMs = 0x7fff_ffff): number {
    const bucket = this.#nextBucket();
    if (bucket === NONE) return limitMs;
    const wait = (this.#startOf(bucket) - nowMs) | 0;
    return wait <= 0 ? 0 : wait < limitMs ? wait : limitMs;
  }

  /** The bucket that comes due first: the first occupied slot of the finest level that has one. NONE: no row is armed. */
  #nextBucket(): number {
    const occupied = this.#occupied;
    for (let level = 0; level < LEVELS; level++) {
      const bits = occupied[level]!;
      if (bits === 0) continue;
      // Slots count from the one after the slot of `#reached`; only the last level, whose slots are the wrapping clock's upper two
      // bits, ever has some before it.
      const current = (this.#reached >>> (level * 5)) & (level === LEVELS - 1 ? 3 : SLOTS - 1);
      const ahead = current === SLOTS - 1 ? 0 : bits & (-1 << (current + 1));
      const candidates = ahead !== 0 ? ahead : bits;
      return level * SLOTS + (31 - Math.clz32(candidates & -candidates));
    }
    return NONE;
  }

  /** The time at which a bucket's slot begins, seen from `#reached`. */
  #startOf(bucket: number): number {
    const shift = (bucket >> 5) * 5;
    const slot = bucket & (SLOTS - 1);
    if (shift === 30) return slot << 30;
    return ((this.#reached >>> (shift + 5)) << (shift + 5)) | (slot << shift) | 0;
  }

  #file(row: number): void {
    const reached = this.#reached;
    let filed = this.#deadline[row]!;
    if (((filed - reached) | 0) <= 0) filed = (reached + 1) | 0;
    this.#filed[row] = filed;
    const level = ((31 - Math.clz32(filed ^ reached)) / 5) | 0;
    const slot = (filed >>> (level * 5)) & (SLOTS - 1);
    const bucket = level * SLOTS + slot;
    const head = this.#head[bucket]!;
    this.#next[row] = head;
    this.#previous[row] = NONE;
    if (head !== NONE) this.#previous[head] = row;
    this.#head[bucket] = row;
    this.#bucket[row] = bucket;
    this.#occupied[level]! |= 1 << slot;
  }

  #unlink(row: number): void {
    const bucket = this.#bucket[row]!;
    const next = this.#next[row]!;
    const previous = this.#previous[row]!;
    if (next !== NONE) this.#previous[next] = previous;
    if (previous !== NONE) {
      this.#next[previous] = next;
      return;
    }
    this.#head[bucket] = next;
    if (next === NONE) this.#occupied[bucket >> 5]! &= ~(1 << (bucket & (SLOTS - 1)));
  }
}
