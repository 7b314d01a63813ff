// The memory of one cache, shared by all workers: objects of a head and a body in blocks of 1 KB, found by their key, the least recently used given
// up first. The accounting is exact: a block is free, or it belongs to one entry.
//
//   header │ entries │ buckets │ next block of each block │ blocks
//
//   free ──begin──▶ filling ──complete──▶ complete ──remove, evict──▶ dead ──last reader ends──▶ free
//
// One lock per cache, held for a few memory accesses and never while bytes are copied: what is being filled is its writer's alone, and what is complete
// does not change. A reader holds a reference, counted per worker as well, so that what a worker had when it died is given back by its successor.
//
// Longer than 400 lines because the lists that the one lock protects are told of in one place.

import { randomBytes } from "node:crypto";
import { assert } from "../../shared/assert.ts";
import type { CachePlan } from "../plan/cache.ts";

export const BLOCK_BYTES = 1024;
/** Entries beyond one per this many blocks would never be used. */
const BLOCKS_PER_ENTRY = 2;
const ENTRIES_MAX = 1 << 20;

const LOCK = 0;
const FREE_BLOCK = 1;
const FREE_BLOCKS = 2;
const LRU_HEAD = 3;
const LRU_TAIL = 4;
const FREE_ENTRY = 5;
export const SEED_WORD = 6;
const HEADER_WORDS = 16;

/** Words of an entry. */
export const ENTRY = {
  state: 0,
  refs: 1,
  hashLow: 2,
  hashHigh: 3,
  bucketNext: 4,
  lruPrevious: 5,
  lruNext: 6,
  firstBlock: 7,
  lastBlock: 8,
  blocks: 9,
  /** Bytes of the key, of the head behind it, and of everything. */
  keyBytes: 10,
  headBytes: 11,
  bytes: 12,
  /** Seconds since the epoch: stale from then on, validated then, last modified then. */
  expires: 13,
  validated: 14,
  lastModified: 15,
  /** `Age` of the response when it came. */
  age: 16,
  /** Place of the ETag's value in the object; 0 bytes: it has none. */
  etagAt: 17,
  etagBytes: 18,
  /** Secondary key: which headers count (VARY), and what they were. */
  vary: 19,
  encodings: 20,
  refererLow: 21,
  refererHigh: 22,
  originLow: 23,
  originHigh: 24,
  /** Worker that fills it. */
  owner: 25,
  /** 1: the body ended with the connection, its length is to be told. */
  untilClose: 26,
  words: 28,
} as const;

export const STATE = { free: 0, filling: 1, complete: 2, dead: 3 } as const;
export const VARY = { encoding: 1, referer: 2, origin: 4 } as const;
const NONE = -1;
/** Spins before the thread sleeps a little; the lock is held for microseconds. */
const SPINS = 2000;

/** What an entry is found by. */
export interface CacheKey {
  readonly key: Uint8Array;
  readonly keyBytes: number;
  readonly hashLow: number;
  readonly hashHigh: number;
  /** Encodings that the client accepts, a bit each. */
  readonly accepted: number;
  readonly refererLow: number;
  readonly refererHigh: number;
  readonly originLow: number;
  readonly originHigh: number;
}

interface Layout {
  readonly blocks: number;
  readonly entries: number;
  readonly buckets: number;
  readonly entriesAt: number;
  readonly bucketsAt: number;
  readonly shadowsAt: number;
  readonly nextAt: number;
  readonly blocksAt: number;
  readonly bytes: number;
}

function layoutOf(plan: CachePlan, nbthread: number): Layout {
  const blocks = Math.max(4, Math.floor(plan.totalBytes / BLOCK_BYTES));
  const entries = Math.min(ENTRIES_MAX, Math.ceil(blocks / BLOCKS_PER_ENTRY));
  const buckets = 2 ** Math.ceil(Math.log2(entries));
  const entriesAt = HEADER_WORDS;
  const bucketsAt = entriesAt + entries * ENTRY.words;
  const shadowsAt = bucketsAt + buckets;
  const nextAt = shadowsAt + entries * nbthread;
  const blocksAt = Math.ceil(((nextAt + blocks) * 4) / BLOCK_BYTES) * BLOCK_BYTES;
  return {
    ...{ blocks, entries, buckets, entriesAt, bucketsAt, shadowsAt, nextAt, blocksAt },
    bytes: blocksAt + blocks * BLOCK_BYTES,
  };
}

/** Makes a cache's memory, empty. @param seed a secret of the process: who chooses keys must not choose buckets */
export function createCacheMemory(plan: CachePlan, nbthread: number, seed: number): SharedArrayBuffer {
  const layout = layoutOf(plan, nbthread);
  const buffer = new SharedArrayBuffer(layout.bytes);
  const words = new Int32Array(buffer, 0, layout.blocksAt >> 2);
  words[FREE_BLOCKS] = layout.blocks;
  words[SEED_WORD] = seed | 0;
  words[LRU_HEAD] = words[LRU_TAIL] = NONE;
  for (let entry = 0; entry < layout.entries; entry++)
    words[layout.entriesAt + entry * ENTRY.words + ENTRY.bucketNext] = entry + 1 < layout.entries ? entry + 1 : NONE;
  words.fill(NONE, layout.bucketsAt, layout.shadowsAt);
  for (let block = 0; block < layout.blocks; block++)
    words[layout.nextAt + block] = block + 1 < layout.blocks ? block + 1 : NONE;
  return buffer;
}

/** The memory of all caches of a plan. */
export function createCaches(plan: {
  caches: readonly CachePlan[];
  global: { nbthread: number };
}): SharedArrayBuffer[] {
  return plan.caches.map((cache) => createCacheMemory(cache, plan.global.nbthread, randomBytes(4).readInt32LE()));
}

export class CacheStore {
  readonly plan: CachePlan;
  /** Entries are rows of these words, see `at`. */
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  readonly #layout: Layout;
  /** -1: the control plane, which only looks. */
  readonly #worker: number;
  readonly #blocksMax: number;

  constructor(plan: CachePlan, buffer: SharedArrayBuffer, nbthread: number, worker: number) {
    this.plan = plan;
    this.#layout = layoutOf(plan, nbthread);
    this.#worker = worker;
    this.words = new Int32Array(buffer, 0, this.#layout.blocksAt >> 2);
    this.bytes = new Uint8Array(buffer, this.#layout.blocksAt);
    this.#blocksMax = Math.ceil(plan.objectBytesMax / BLOCK_BYTES) + 1;
    if (worker >= 0) this.#recover();
  }

  /** First word of an entry. */
  at(entry: number): number {
    return this.#layout.entriesAt + entry * ENTRY.words;
  }

  get freeBlocks(): number {
    return this.words[FREE_BLOCKS]!;
  }

  get seed(): number {
    return this.words[SEED_WORD]!;
  }

  get entryCount(): number {
    return this.#layout.entries;
  }

  // ---- the lock -----------------------------------------------------------------------------------------------------

  #lock(): void {
    const { words } = this;
    const mine = this.#worker + 2;
    for (let spins = 0; ; spins++) {
      const holder = Atomics.compareExchange(words, LOCK, 0, mine);
      if (holder === 0) return;
      if (spins > SPINS) Atomics.wait(words, LOCK, holder, 1);
    }
  }

  #unlock(): void {
    Atomics.store(this.words, LOCK, 0);
    Atomics.notify(this.words, LOCK, 1);
  }

  /** What this worker's predecessor held when it died: its lock, its references, what it was filling. */
  #recover(): void {
    const { words } = this;
    Atomics.compareExchange(words, LOCK, this.#worker + 2, 0);
    this.#lock();
    for (let entry = 0; entry < this.#layout.entries; entry++) {
      const at = this.at(entry);
      const shadow = this.#shadowAt(entry);
      const held = words[shadow]!;
      words[shadow] = 0;
      words[at + ENTRY.refs]! -= held;
      const isOurs = words[at + ENTRY.state] === STATE.filling && words[at + ENTRY.owner] === this.#worker;
      if (isOurs || (held > 0 && words[at + ENTRY.state] === STATE.dead && words[at + ENTRY.refs] === 0))
        this.#release(entry);
    }
    this.#unlock();
  }

  #shadowAt(entry: number): number {
    const workers = (this.#layout.nextAt - this.#layout.shadowsAt) / this.#layout.entries;
    return this.#layout.shadowsAt + entry * workers + this.#worker;
  }

  // ---- finding ------------------------------------------------------------------------------------------------------

  /** A fresh, complete object for the key, with a reference that `unref` gives back; -1: there is none. */
  find(key: CacheKey, nowSeconds: number): number {
    this.#lock();
    let found = NONE;
    for (
      let entry = this.#bucket(key.hashLow);
      entry !== NONE;
      entry = this.words[this.at(entry) + ENTRY.bucketNext]!
    ) {
      const at = this.at(entry);
      if (this.words[at + ENTRY.state] !== STATE.complete || this.words[at + ENTRY.expires]! <= nowSeconds) continue;
      if (!this.#hasKey(entry, key) || !this.#serves(at, key)) continue;
      found = entry;
      break;
    }
    if (found !== NONE) {
      this.words[this.at(found) + ENTRY.refs]!++;
      this.words[this.#shadowAt(found)]!++;
      this.#unlink(found);
      this.#linkFirst(found);
    }
    this.#unlock();
    return found;
  }

  #bucket(hashLow: number): number {
    return this.words[this.#layout.bucketsAt + (hashLow & (this.#layout.buckets - 1))]!;
  }

  /** The hash may be another's: the key itself decides. */
  #hasKey(entry: number, { hashLow, hashHigh, key, keyBytes }: CacheKey): boolean {
    const { bytes, words } = this;
    const at = this.at(entry);
    if (words[at + ENTRY.hashLow] !== hashLow || words[at + ENTRY.hashHigh] !== hashHigh) return false;
    if (words[at + ENTRY.keyBytes] !== keyBytes) return false;
    let block = words[at + ENTRY.firstBlock]!;
    for (let i = 0; i < keyBytes; i++) {
      const offset = i & (BLOCK_BYTES - 1);
      if (i > 0 && offset === 0) block = words[this.#layout.nextAt + block]!;
      if (bytes[block * BLOCK_BYTES + offset] !== key[i]) return false;
    }
    return true;
  }

  /** Whether what the entry varies by is as in the request: the whole secondary key. */
  #serves(at: number, key: CacheKey): boolean {
    const { words } = this;
    const vary = words[at + ENTRY.vary]!;
    if ((vary & VARY.encoding) !== 0 && (words[at + ENTRY.encodings]! & key.accepted) !== words[at + ENTRY.encodings])
      return false;
    return this.#isSame(at, key, vary);
  }

  #isSame(at: number, key: CacheKey, vary: number): boolean {
    const { words } = this;
    if (
      (vary & VARY.referer) !== 0 &&
      (words[at + ENTRY.refererLow] !== key.refererLow || words[at + ENTRY.refererHigh] !== key.refererHigh)
    )
      return false;
    return (
      (vary & VARY.origin) === 0 ||
      (words[at + ENTRY.originLow] === key.originLow && words[at + ENTRY.originHigh] === key.originHigh)
    );
  }

  /** Gives a reference back. */
  unref(entry: number): void {
    this.#lock();
    const at = this.at(entry);
    this.words[this.#shadowAt(entry)]!--;
    if (--this.words[at + ENTRY.refs]! === 0 && this.words[at + ENTRY.state] === STATE.dead) this.#release(entry);
    this.#unlock();
  }

  // ---- storing ------------------------------------------------------------------------------------------------------

  /**
   * A new entry that its worker fills (`append`, then `complete` or `abandon`), in place of one of the same keys. -1: another worker is at it, or
   * there are `max-secondary-entries` already.
   */
  begin(key: CacheKey, vary: number, encodings: number, nowSeconds: number): number {
    this.#lock();
    const entry = this.#makeRoomFor(key, vary, encodings, nowSeconds) ? this.#takeEntry() : NONE;
    if (entry !== NONE) this.#index(entry, key, vary, encodings, nowSeconds);
    this.#unlock();
    if (entry !== NONE && !this.append(entry, key.key, 0, key.keyBytes)) {
      this.abandon(entry);
      return NONE;
    }
    return entry;
  }

  /** Removes what the new entry replaces. False: it may not be made. */
  #makeRoomFor(key: CacheKey, vary: number, encodings: number, nowSeconds: number): boolean {
    const { words } = this;
    let others = 0;
    for (let entry = this.#bucket(key.hashLow); entry !== NONE; ) {
      const at = this.at(entry);
      const next = words[at + ENTRY.bucketNext]!;
      if (this.#hasKey(entry, key)) {
        const isSame =
          words[at + ENTRY.vary] !== vary ||
          (this.#isSame(at, key, vary) && ((vary & VARY.encoding) === 0 || words[at + ENTRY.encodings] === encodings));
        const isFilling = words[at + ENTRY.state] === STATE.filling;
        if (isSame && isFilling) return false;
        if (isSame || (!isFilling && words[at + ENTRY.expires]! <= nowSeconds)) this.#remove(entry);
        else others++;
      }
      entry = next;
    }
    return vary === 0 || others < this.plan.secondaryEntriesMax;
  }

  #takeEntry(): number {
    const { words } = this;
    if (words[FREE_ENTRY] === NONE) this.#evict();
    const entry = words[FREE_ENTRY]!;
    if (entry !== NONE) words[FREE_ENTRY] = words[this.at(entry) + ENTRY.bucketNext]!;
    return entry;
  }

  #index(entry: number, key: CacheKey, vary: number, encodings: number, nowSeconds: number): void {
    const { words } = this;
    const at = this.at(entry);
    words.fill(0, at, at + ENTRY.words);
    words[at + ENTRY.state] = STATE.filling;
    words[at + ENTRY.owner] = this.#worker;
    words[at + ENTRY.firstBlock] = words[at + ENTRY.lastBlock] = NONE;
    words[at + ENTRY.hashLow] = key.hashLow;
    words[at + ENTRY.hashHigh] = key.hashHigh;
    words[at + ENTRY.keyBytes] = key.keyBytes;
    words[at + ENTRY.vary] = vary;
    words[at + ENTRY.encodings] = encodings;
    words[at + ENTRY.refererLow] = key.refererLow;
    words[at + ENTRY.refererHigh] = key.refererHigh;
    words[at + ENTRY.originLow] = key.originLow;
    words[at + ENTRY.originHigh] = key.originHigh;
    words[at + ENTRY.validated] = words[at + ENTRY.expires] = nowSeconds;
    words[at + ENTRY.lruPrevious] = words[at + ENTRY.lruNext] = NONE;
    const bucket = this.#layout.bucketsAt + (key.hashLow & (this.#layout.buckets - 1));
    words[at + ENTRY.bucketNext] = words[bucket]!;
    words[bucket] = entry;
  }

  /** Adds bytes to an entry that this worker fills. False: it would be too large, or nothing can be given up for it. */
  append(entry: number, from: Uint8Array, start: number, end: number): boolean {
    const { bytes, words } = this;
    const at = this.at(entry);
    for (let position = start; position < end; ) {
      const used = words[at + ENTRY.bytes]! & (BLOCK_BYTES - 1);
      if (used === 0 && !this.#addBlock(at)) return false;
      const count = Math.min(BLOCK_BYTES - used, end - position);
      const to = words[at + ENTRY.lastBlock]! * BLOCK_BYTES + used;
      for (let i = 0; i < count; i++) bytes[to + i] = from[position + i]!;
      position += count;
      words[at + ENTRY.bytes]! += count;
    }
    return true;
  }

  #addBlock(at: number): boolean {
    const { words } = this;
    if (words[at + ENTRY.blocks]! >= this.#blocksMax) return false;
    this.#lock();
    while (words[FREE_BLOCKS] === 0 && this.#evict());
    const block = words[FREE_BLOCKS] === 0 ? NONE : words[FREE_BLOCK]!;
    if (block !== NONE) {
      words[FREE_BLOCK] = words[this.#layout.nextAt + block]!;
      words[FREE_BLOCKS]!--;
      words[this.#layout.nextAt + block] = NONE;
      const last = words[at + ENTRY.lastBlock]!;
      if (last === NONE) words[at + ENTRY.firstBlock] = block;
      else words[this.#layout.nextAt + last] = block;
      words[at + ENTRY.lastBlock] = block;
      words[at + ENTRY.blocks]!++;
    }
    this.#unlock();
    return block !== NONE;
  }

  /** The object is whole: others may have it. */
  complete(entry: number): void {
    this.#lock();
    this.words[this.at(entry) + ENTRY.state] = STATE.complete;
    this.#linkFirst(entry);
    this.#unlock();
  }

  /** Gives up what was being filled. */
  abandon(entry: number): void {
    this.#lock();
    this.#release(entry);
    this.#unlock();
  }

  /** RFC 9111 4.4: an unsafe request succeeded, everything under its key is out of date. */
  invalidate(key: CacheKey): void {
    this.#lock();
    for (let entry = this.#bucket(key.hashLow); entry !== NONE; ) {
      const next = this.words[this.at(entry) + ENTRY.bucketNext]!;
      if (this.words[this.at(entry) + ENTRY.state] === STATE.complete && this.#hasKey(entry, key)) this.#remove(entry);
      entry = next;
    }
    this.#unlock();
  }

  // ---- under the lock -------------------------------------------------------------------------------------------------

  /** Gives up the object that was not used for the longest time and is not being read. False: there is none. */
  #evict(): boolean {
    const { words } = this;
    for (let entry = words[LRU_TAIL]!; entry !== NONE; entry = words[this.at(entry) + ENTRY.lruPrevious]!) {
      if (words[this.at(entry) + ENTRY.refs] !== 0) continue;
      this.#remove(entry);
      return true;
    }
    return false;
  }

  /** Nobody finds a complete entry any more; its memory lasts as long as somebody reads it. */
  #remove(entry: number): void {
    const at = this.at(entry);
    this.#unindex(entry);
    this.#unlink(entry);
    this.words[at + ENTRY.state] = STATE.dead;
    if (this.words[at + ENTRY.refs] === 0) this.#release(entry);
  }

  #unindex(entry: number): void {
    const { words } = this;
    let place = this.#layout.bucketsAt + (words[this.at(entry) + ENTRY.hashLow]! & (this.#layout.buckets - 1));
    while (words[place] !== entry) {
      assert(words[place] !== NONE, "an entry stands in its bucket");
      place = this.at(words[place]!) + ENTRY.bucketNext;
    }
    words[place] = words[this.at(entry) + ENTRY.bucketNext]!;
  }

  /** The entry (filling, or dead) and its blocks are free. */
  #release(entry: number): void {
    const { words } = this;
    const at = this.at(entry);
    if (words[at + ENTRY.state] === STATE.filling) this.#unindex(entry);
    const first = words[at + ENTRY.firstBlock]!;
    if (first !== NONE) {
      words[this.#layout.nextAt + words[at + ENTRY.lastBlock]!] = words[FREE_BLOCKS]! > 0 ? words[FREE_BLOCK]! : NONE;
      words[FREE_BLOCK] = first;
      words[FREE_BLOCKS]! += words[at + ENTRY.blocks]!;
    }
    words[at + ENTRY.state] = STATE.free;
    words[at + ENTRY.bucketNext] = words[FREE_ENTRY]!;
    words[FREE_ENTRY] = entry;
  }

  #linkFirst(entry: number): void {
    const { words } = this;
    const at = this.at(entry);
    const head = words[LRU_HEAD]!;
    words[at + ENTRY.lruPrevious] = NONE;
    words[at + ENTRY.lruNext] = head;
    if (head === NONE) words[LRU_TAIL] = entry;
    else words[this.at(head) + ENTRY.lruPrevious] = entry;
    words[LRU_HEAD] = entry;
  }

  #unlink(entry: number): void {
    const { words } = this;
    const at = this.at(entry);
    const previous = words[at + ENTRY.lruPrevious]!;
    const next = words[at + ENTRY.lruNext]!;
    if (previous === NONE) words[LRU_HEAD] = next;
    else words[this.at(previous) + ENTRY.lruNext] = next;
    if (next === NONE) words[LRU_TAIL] = previous;
    else words[this.at(next) + ENTRY.lruPrevious] = previous;
  }

  // ---- reading --------------------------------------------------------------------------------------------------------

  /** The block behind `block`, -1: it was the last. */
  nextBlock(block: number): number {
    return this.words[this.#layout.nextAt + block]!;
  }

  /** The block that holds byte `offset` of a complete entry. */
  blockOf(entry: number, offset: number): number {
    let block = this.words[this.at(entry) + ENTRY.firstBlock]!;
    for (let skipped = BLOCK_BYTES; skipped <= offset; skipped += BLOCK_BYTES) block = this.nextBlock(block);
    return block;
  }
}

/** Bytes of a complete entry as text (latin1). */
export function storedText(store: CacheStore, entry: number, offset: number, length: number): string {
  const part = Buffer.alloc(length);
  let block = store.blockOf(entry, offset);
  for (let i = 0; i < length; i++) {
    const inBlock = (offset + i) & (BLOCK_BYTES - 1);
    if (i > 0 && inBlock === 0) block = store.nextBlock(block);
    part[i] = store.bytes[block * BLOCK_BYTES + inBlock]!;
  }
  return part.toString("latin1");
}
