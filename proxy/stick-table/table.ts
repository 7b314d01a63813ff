// One stick-table: finding, making, keeping and forgetting entries. All threads work on it at once, and nobody ever waits for anybody.
//
// A slot's `meta` word says who uses it, in its lowest two bits, and the rest of it by that:
//
//   free ──▶ claimed (ticket) ──▶ pending (ticket) ──▶ live (users) ──▶ free
//               key and data            │ somebody else makes the same key
//               are written             ▼
//                                      free
//
// - An entry is used only while it is held: `hold` adds one to the users of a live slot by compare-and-exchange, and only a slot without
//   users becomes free. So what is held is what it was, and its key is compared only then.
// - Two threads that make the same key must not both succeed, or counts would be split. Each publishes its slot as pending, then looks at
//   the whole window: a live slot of that key wins, another pending one is killed (set free), and then its own becomes live by
//   compare-and-exchange, which fails if it was killed itself. Of two, the one that published second sees the other, so at most one lives.
//   That both kill each other again and again is prevented by letting the lower slot go first a few times.
// - A ticket names the thread and its attempt, so that a slot which was set free and taken again is not mistaken for one's own, and what a
//   dead thread left behind can be found (`forgetThread`).
//
// Times are milliseconds of the shared clock (int32 that wraps): compare with `(a - b) | 0`.

import type { StickTablePlan } from "../plan/stick-table.ts";
import { ChangeRing } from "./changes.ts";
import { HEADER_WORDS, layOut, type StickTableLayout, TABLE_HEADER, WINDOW } from "./layout.ts";

const FREE = 0;
const CLAIMED = 1;
const PENDING = 2;
const LIVE = 3;
const STATE_BITS = 3;
/** One user, in the meta word of a live slot. */
const USER = 4;
const TICKET_THREAD_SHIFT = 24;
const TICKET_ATTEMPTS = 0x3fffff;
const COUNT = TABLE_HEADER.count;
const HAND = TABLE_HEADER.hand;
/** How often the higher of two slots for the same key stands back before it insists. */
const STAND_BACK_MAX = 8;
/** Slots among which an entry to be forgotten is looked for; smaller tables are searched as a whole. */
const VICTIM_SAMPLE = 1024;
const ATTEMPTS_MAX = 1000;

/** What a table needs to know of time: milliseconds that are the same in all threads. */
export interface SharedClock {
  readonly sharedMs: number;
}

/** Threads by number, as they stand in tickets: workers by their own, and the main thread. */
export const MAIN_THREAD = 254;

export class StickTable {
  readonly plan: StickTablePlan;
  readonly layout: StickTableLayout;
  /** Key and data of all slots; `rowAt(slot)` is where one begins. */
  readonly rows: Int32Array;
  readonly expiries: Int32Array;
  /** The key that `find` and `obtain` look for; the `key…` methods set it. */
  readonly key: Int32Array;
  readonly keyBytes: Uint8Array;
  readonly changes: ChangeRing | null;
  readonly #header: Int32Array;
  readonly #meta: Int32Array;
  readonly #hashes: Int32Array;
  readonly #clock: SharedClock;
  readonly #ticketBase: number;
  readonly #isText: boolean;
  #attempt = 0;
  #hash = 0;

  /**
   * @param at byte offset of the table in `buffer`
   * @param thread number of this thread, 0 … 254
   */
  constructor(plan: StickTablePlan, buffer: SharedArrayBuffer, at: number, clock: SharedClock, thread: number) {
    const layout = layOut(plan);
    const view = (words: number, length: number) => new Int32Array(buffer, at + words * 4, length);
    this.plan = plan;
    this.layout = layout;
    this.#header = view(0, HEADER_WORDS);
    this.#meta = view(layout.metaAt, layout.slots);
    this.#hashes = view(layout.hashesAt, layout.slots);
    this.expiries = view(layout.expiriesAt, layout.slots);
    this.rows = view(layout.rowsAt, layout.slots * layout.rowWords);
    this.changes =
      layout.ringSlots === 0
        ? null
        : new ChangeRing(this.#header, view(layout.changedAt, layout.slots), view(layout.ringAt, layout.ringSlots));
    this.key = new Int32Array(layout.keyWords);
    this.keyBytes = new Uint8Array(this.key.buffer);
    this.#isText = plan.keyType === "string";
    this.#clock = clock;
    this.#ticketBase = ((thread + 1) << TICKET_THREAD_SHIFT) >>> 0;
  }

  // ---- keys -------------------------------------------------------------------------------------------------------

  keyInteger(value: number): void {
    this.key[0] = value;
  }

  /** An address, or any key whose bytes are as long as the table's. What is shorter ends in zeros. */
  keyBinary(bytes: Uint8Array, start: number, end: number): void {
    const length = Math.min(end - start, this.plan.keyBytes);
    const key = this.keyBytes;
    let at = 0;
    for (; at < length; at++) key[at] = bytes[start + at]!;
    while (at < key.length) key[at++] = 0;
  }

  /** A text; longer ones are cut. */
  keyText(bytes: Uint8Array, start: number, end: number): void {
    const length = Math.min(end - start, this.plan.keyBytes);
    const key = this.keyBytes;
    this.key[0] = length;
    let at = 4;
    for (let from = start; from < start + length; ) key[at++] = bytes[from++]!;
    while (at < key.length) key[at++] = 0;
  }

  /** The key of a slot, as a table of the same type has it. */
  keyOf(other: StickTable, slot: number): void {
    const at = other.rowAt(slot);
    for (let i = 0; i < this.key.length; i++) this.key[i] = other.rows[at + i]!;
  }

  /** Bytes of the key that is set: where they begin in `keyBytes`, and how many. */
  get keyLength(): number {
    return this.#isText ? this.key[0]! : this.plan.keyBytes;
  }
  get keyStart(): number {
    return this.#isText ? 4 : 0;
  }

  #rehash(): number {
    let hash = 0x9747b28c | 0;
    const key = this.key;
    for (let i = 0; i < key.length; i++) {
      let word = Math.imul(key[i]!, 0xcc9e2d51 | 0);
      word = (word << 15) | (word >>> 17);
      hash ^= Math.imul(word, 0x1b873593);
      hash = (hash << 13) | (hash >>> 19);
      hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b | 0);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35 | 0);
    this.#hash = hash ^ (hash >>> 16);
    return (this.#hash >>> 0) % this.layout.homes;
  }

  rowAt(slot: number): number {
    return slot * this.layout.rowWords;
  }

  // ---- entries ----------------------------------------------------------------------------------------------------

  /** The entry of the key, held; -1: there is none. */
  find(): number {
    return this.#findFrom(this.#rehash());
  }

  #findFrom(home: number): number {
    const hashes = this.#hashes;
    const hash = this.#hash;
    for (let slot = home; slot < home + WINDOW; slot++) {
      if (hashes[slot] !== hash || !this.#hold(slot)) continue;
      if (!this.#hasKey(slot)) this.release(slot);
      else if (!this.#dropIfExpired(slot)) return slot;
    }
    return -1;
  }

  /** The entry of the key, held, made if there is none yet; -1: the table is full of entries that cannot go. */
  obtain(): number {
    const home = this.#rehash();
    const found = this.#findFrom(home);
    if (found >= 0) return found;
    // The place in the table is taken before the slot is, so that there are never more entries than `size`.
    if (Atomics.add(this.#header, COUNT, 1) >= this.plan.size && !this.#makeRoom()) {
      Atomics.sub(this.#header, COUNT, 1);
      return -1;
    }
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const slot = this.#make(home, attempt);
      if (slot === RETRY) continue;
      // Somebody else made it, or there is no slot: our place is not needed.
      if (slot < 0 || this.#isOurs === 0) Atomics.sub(this.#header, COUNT, 1);
      return slot;
    }
    Atomics.sub(this.#header, COUNT, 1);
    return -1;
  }

  /** Whether the last `obtain` made the entry. */
  get wasMade(): boolean {
    return this.#isOurs === 1;
  }
  #isOurs = 0;

  /** One attempt: the slot, held; RETRY; or -1, there is no free slot. */
  #make(home: number, attempt: number): number {
    this.#isOurs = 0;
    const meta = this.#meta;
    const live = this.#findFrom(home);
    if (live >= 0) return live;
    this.#attempt = (this.#attempt + 1) & TICKET_ATTEMPTS;
    const ticket = (this.#ticketBase + (this.#attempt << 2)) | 0;
    const slot = this.#claim(home, ticket | CLAIMED);
    if (slot < 0) return this.#freeInWindow(home) ? RETRY : -1;
    this.#write(slot);
    Atomics.store(meta, slot, ticket | PENDING);
    for (let other = home; other < home + WINDOW; other++) {
      if (other === slot) continue;
      const seen = Atomics.load(meta, other);
      const state = seen & STATE_BITS;
      if ((state !== LIVE && state !== PENDING) || this.#hashes[other] !== this.#hash) continue;
      if (state === LIVE) {
        if (!this.#hold(other)) continue;
        if (this.#hasKey(other)) {
          Atomics.compareExchange(meta, slot, ticket | PENDING, FREE);
          return other;
        }
        this.release(other);
      } else if (this.#hasKey(other)) {
        if (other < slot && attempt < STAND_BACK_MAX) {
          Atomics.compareExchange(meta, slot, ticket | PENDING, FREE);
          return RETRY;
        }
        // If it has become live meanwhile, it is looked at again.
        if (Atomics.compareExchange(meta, other, seen, FREE) !== seen) other--;
      }
    }
    if (Atomics.compareExchange(meta, slot, ticket | PENDING, LIVE + USER) !== (ticket | PENDING)) return RETRY;
    this.#isOurs = 1;
    return slot;
  }

  #claim(home: number, claim: number): number {
    const meta = this.#meta;
    for (let slot = home; slot < home + WINDOW; slot++) {
      if (meta[slot] === FREE && Atomics.compareExchange(meta, slot, FREE, claim) === FREE) return slot;
    }
    return -1;
  }

  /** Key, no data, and a whole life ahead. */
  #write(slot: number): void {
    const { rows, key } = this;
    const at = this.rowAt(slot);
    for (let i = 0; i < key.length; i++) rows[at + i] = key[i]!;
    rows.fill(0, at + key.length, at + this.layout.rowWords);
    this.#hashes[slot] = this.#hash;
    this.expiries[slot] = (this.#clock.sharedMs + this.plan.expireMs) | 0;
  }

  #hasKey(slot: number): boolean {
    const { rows, key } = this;
    const at = this.rowAt(slot);
    for (let i = 0; i < key.length; i++) if (rows[at + i] !== key[i]) return false;
    return true;
  }

  #hold(slot: number): boolean {
    const meta = this.#meta;
    let seen = Atomics.load(meta, slot);
    while ((seen & STATE_BITS) === LIVE) {
      const found = Atomics.compareExchange(meta, slot, seen, seen + USER);
      if (found === seen) return true;
      seen = found;
    }
    return false;
  }

  /** Holds a slot that an iteration came upon; false: there is no entry any more. */
  hold(slot: number): boolean {
    return (this.#meta[slot]! & STATE_BITS) === LIVE && this.#hold(slot);
  }

  /** One more user of an entry that is held. */
  share(slot: number): void {
    Atomics.add(this.#meta, slot, USER);
  }

  release(slot: number): void {
    Atomics.sub(this.#meta, slot, USER);
  }

  /** Users of an entry that is held, this one among them. */
  users(slot: number): number {
    return Atomics.load(this.#meta, slot) >>> 2;
  }

  /** Releases the entry and forgets it. False: others use it; then it is only released. */
  remove(slot: number): boolean {
    if (this.#dropHeld(slot)) return true;
    this.release(slot);
    return false;
  }

  #dropHeld(slot: number): boolean {
    if (Atomics.compareExchange(this.#meta, slot, LIVE + USER, FREE) !== LIVE + USER) return false;
    Atomics.sub(this.#header, COUNT, 1);
    return true;
  }

  /** Of an entry that is held and that nobody else uses: whether its time is over; then it is gone. */
  #dropIfExpired(slot: number): boolean {
    return this.isExpired(slot) && this.#dropHeld(slot);
  }

  isExpired(slot: number): boolean {
    return this.plan.expireMs > 0 && ((this.#clock.sharedMs - this.expiries[slot]!) | 0) >= 0;
  }

  /** Milliseconds that are left. */
  remainingMs(slot: number): number {
    return (this.expiries[slot]! - this.#clock.sharedMs) | 0;
  }

  /** The entry was used: its life begins anew, and peers shall know. It is held. */
  touch(slot: number): void {
    this.expiries[slot] = (this.#clock.sharedMs + this.plan.expireMs) | 0;
    if (this.changes !== null) this.changes.note(slot);
  }

  // ---- forgetting -------------------------------------------------------------------------------------------------

  get count(): number {
    return Atomics.load(this.#header, COUNT);
  }

  /** Forgets the oldest entry that nobody uses, or (with `nopurge`) one whose time is over. */
  #makeRoom(): boolean {
    const { slots } = this.layout;
    const sample = Math.min(slots, VICTIM_SAMPLE);
    for (let rounds = Math.ceil(slots / sample); rounds > 0; rounds--) {
      const from = sample === slots ? 0 : (Atomics.add(this.#header, HAND, sample) >>> 0) % slots;
      const victim = this.#oldest(from, sample);
      if (victim >= 0 && this.#forget(victim)) return true;
    }
    return false;
  }

  /** A window without a free slot, which is rare: its oldest entry goes. */
  #freeInWindow(home: number): boolean {
    const victim = this.#oldest(home, WINDOW);
    return victim >= 0 && this.#forget(victim);
  }

  #oldest(from: number, count: number): number {
    const { slots } = this.layout;
    const meta = this.#meta;
    const now = this.#clock.sharedMs;
    let victim = -1;
    let age = -0x80000000;
    for (let i = 0; i < count; i++) {
      const slot = from + i < slots ? from + i : from + i - slots;
      if (meta[slot] !== LIVE || (this.plan.noPurge && !this.isExpired(slot))) continue;
      const itsAge = (now - this.expiries[slot]!) | 0;
      if (victim >= 0 && itsAge <= age) continue;
      victim = slot;
      age = itsAge;
    }
    return victim;
  }

  #forget(slot: number): boolean {
    if (Atomics.compareExchange(this.#meta, slot, LIVE, FREE) !== LIVE) return false;
    Atomics.sub(this.#header, COUNT, 1);
    return true;
  }

  /** Forgets the entries in [from, to) whose time is over. */
  sweep(from: number, to: number): void {
    const meta = this.#meta;
    for (let slot = from; slot < to; slot++) if (meta[slot] === LIVE && this.isExpired(slot)) this.#forget(slot);
  }

  /** A thread died: what it was making is given back. Its users are the trackers' business (tracking.ts). */
  forgetThread(thread: number): void {
    const meta = this.#meta;
    for (let slot = 0; slot < meta.length; slot++) {
      const seen = meta[slot]!;
      const state = seen & STATE_BITS;
      if ((state !== CLAIMED && state !== PENDING) || seen >>> TICKET_THREAD_SHIFT !== thread + 1) continue;
      if (Atomics.compareExchange(meta, slot, seen, FREE) === seen) Atomics.sub(this.#header, COUNT, 1);
    }
  }
}

const RETRY = -2;
