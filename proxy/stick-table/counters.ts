// The values of an entry: plain words, 64-bit sums and rates. All are changed by atomic additions, so that no increment of any thread is
// lost. The entry is held by the caller.
//
// A rate over a period is HAProxy's: the events of the running period, and those of the last one in proportion to what of it still lies
// within one period from now. Its words:
//
//   total            all events ever, only added to
//   start | place    when the running period began (steps of 8 ms), and in the lowest two bits which base is its own
//   base0 … base3    `total` at the beginning of a period; the running one's is base[place], the last one's base[place - 1]
//   claim            since when somebody is beginning the next period; 0: nobody is
//
// A new period is begun by whoever gets the claim. It writes the bases of the new period where the old ones do not stand, and then the new
// start: events of others in between belong to the new period, and until then everybody sees the old one. Who does not get the claim only
// adds to the total. A claim whose thread died is taken over after a while.

import type { StickTable } from "./table.ts";

const TWO_32 = 4294967296;
const START = 1;
const BASE = 2;
const CLAIM = 6;
const PLACE = 3;
const TIME = ~7;
/** Nobody takes so long to begin a period; who does is dead. */
const ABANDONED_MS = 2000;

/** Adds to an unsigned word and returns the new value. */
export function addUint(rows: Int32Array, at: number, count: number): number {
  return (Atomics.add(rows, at, count) + count) >>> 0;
}

export function readUint(rows: Int32Array, at: number): number {
  return Atomics.load(rows, at) >>> 0;
}

/** Takes one away, never below zero. */
export function decrement(rows: Int32Array, at: number): void {
  let seen = Atomics.load(rows, at);
  while (seen !== 0) {
    const found = Atomics.compareExchange(rows, at, seen, seen - 1);
    if (found === seen) return;
    seen = found;
  }
}

/** Adds to a sum of two words, the lower one first. `count` is below 2^53. */
export function addLong(rows: Int32Array, at: number, count: number): void {
  const low = count % TWO_32;
  const high = (count - low) / TWO_32;
  const before = Atomics.add(rows, at, low | 0) >>> 0;
  const carry = before + low >= TWO_32 ? 1 : 0;
  if (high + carry > 0) Atomics.add(rows, at + 1, high + carry);
}

/** The sum; exact to 2^53. */
export function readLong(rows: Int32Array, at: number): number {
  for (;;) {
    const high = Atomics.load(rows, at + 1);
    const low = Atomics.load(rows, at) >>> 0;
    if (Atomics.load(rows, at + 1) === high) return (high >>> 0) * TWO_32 + low;
  }
}

export function writeLong(rows: Int32Array, at: number, value: number): void {
  const low = value % TWO_32;
  Atomics.store(rows, at + 1, ((value - low) / TWO_32) | 0);
  Atomics.store(rows, at, low | 0);
}

/** Counts events now. Returns the events of the running period. */
export function addRate(rows: Int32Array, at: number, periodMs: number, now: number, count: number): number {
  const seen = Atomics.load(rows, at + START);
  const elapsed = (now - (seen & TIME)) | 0;
  if (elapsed >= periodMs) beginPeriod(rows, at, periodMs, now, seen, elapsed);
  const total = Atomics.add(rows, at, count) + count;
  return (total - rows[at + BASE + (rows[at + START]! & PLACE)]!) >>> 0;
}

function beginPeriod(rows: Int32Array, at: number, periodMs: number, now: number, seen: number, elapsed: number): void {
  const held = Atomics.load(rows, at + CLAIM);
  if (held !== 0 && ((now - held) | 0) < ABANDONED_MS) return;
  // Never 0, which says that nobody has it.
  const claim = now | 1;
  if (Atomics.compareExchange(rows, at + CLAIM, held, claim) !== held) return;
  // Somebody may have begun the period between the look at its start and the claim.
  if (Atomics.load(rows, at + START) === seen) {
    const total = Atomics.load(rows, at);
    const next = (seen + 1) & PLACE;
    rows[at + BASE + next] = total;
    if (elapsed < 2 * periodMs) {
      Atomics.store(rows, at + START, (((seen & TIME) + periodMs) & TIME) | next);
    } else {
      // Nothing happened in the last period.
      rows[at + BASE + ((seen + 2) & PLACE)] = total;
      Atomics.store(rows, at + START, (now & TIME) | ((seen + 2) & PLACE));
    }
  }
  Atomics.compareExchange(rows, at + CLAIM, claim, 0);
}

/** What `snapshotRate` saw: milliseconds since the running period began, its events and those of the last one. One per thread. */
export const rate = { elapsedMs: 0, running: 0, last: 0 };

/** Reads a rate's parts as they stand together. */
export function snapshotRate(rows: Int32Array, at: number, now: number): void {
  for (let i = 0; i < 4; i++) {
    const seen = Atomics.load(rows, at + START);
    const place = seen & PLACE;
    const total = Atomics.load(rows, at);
    const running = Atomics.load(rows, at + BASE + place);
    const last = Atomics.load(rows, at + BASE + ((place + 3) & PLACE));
    rate.elapsedMs = Math.max(0, (now - (seen & TIME)) | 0);
    rate.running = (total - running) >>> 0;
    rate.last = (running - last) >>> 0;
    if (Atomics.load(rows, at + START) === seen) return;
  }
}

/** Events per period as HAProxy counts them. */
export function readRate(rows: Int32Array, at: number, periodMs: number, now: number): number {
  snapshotRate(rows, at, now);
  let { running, last } = rate;
  let remaining = periodMs - rate.elapsedMs;
  if (remaining < 0) {
    remaining += periodMs;
    last = remaining >= 0 ? running : 0;
    running = 0;
  }
  // A single event long ago is one event, not one and nothing by turns.
  if (running === 0 && last <= 1) return last;
  return Math.floor((last * remaining + running * periodMs) / periodMs);
}

/** Sets a rate: `running` and `last` events, the running period having begun `elapsedMs` ago. */
export function writeRate(
  rows: Int32Array,
  at: number,
  now: number,
  elapsedMs: number,
  running: number,
  last: number,
): void {
  const seen = Atomics.load(rows, at + START);
  const place = (seen + 2) & PLACE;
  const total = Atomics.load(rows, at);
  Atomics.store(rows, at + BASE + ((place + 3) & PLACE), total - running - last);
  Atomics.store(rows, at + BASE + place, total - running);
  Atomics.compareExchange(rows, at + START, seen, ((now - elapsedMs) & TIME) | place);
}

/** Word of an element of a data type in the rows of a slot, -1: the table does not store it. */
export function valueAt(table: StickTable, slot: number, type: number, element = 0, words = 1): number {
  const { dataAt, dataCount } = table.layout;
  if (dataAt[type]! < 0 || element >= dataCount[type]!) return -1;
  return table.rowAt(slot) + dataAt[type]! + element * words;
}
