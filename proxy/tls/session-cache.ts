// Sessions of clients that come back without a ticket (`no-tls-tickets`, old clients): one memory for all workers, so that a session made by one
// is resumed by another. What OpenSSL wants to keep is its own encoding of a session, under an identifier of 32 random bytes.
//
//   header    lock, where the next session goes, how many blocks were ever used, look-ups, misses
//   index     buckets of four block numbers (+ 1, 0: none); the bucket is told by the identifier's first word
//   blocks    256 bytes each; a session takes as many in a row as it needs: length, identifier, bytes
//
// Sessions are overwritten in the order in which they came. The index is not told: a block is only believed when it bears the identifier. Nobody
// waits for the lock: a session that cannot be kept or found at once costs its client a whole handshake, nothing more; of a worker that died with
// it the lock is taken over.

/** Bytes of a block; HAProxy's hold a session without the client's certificate, too. */
const BLOCK_BYTES = 256;
const ID_BYTES = 32;
/** Of an entry: its length, its identifier. */
const ENTRY_HEAD_BYTES = 4 + ID_BYTES;
/** Larger sessions (of clients with long chains of certificates) are not kept. */
export const SESSION_BYTES_MAX = 8192;
const WAYS = 4;
const HEADER_WORDS = 16;
const LOCK = 0;
const HEAD = 1;
const USED = 2;
const LOOKUPS = 3;
const MISSES = 4;
const TRIES_MAX = 1000;
/** Nobody holds the lock so long; who does is dead. */
const ABANDONED_MS = 2000;

/** @param blocks `tune.ssl.cachesize` */
export function newSessionCache(blocks: number): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER_WORDS * 4 + bucketsOf(blocks) * WAYS * 4 + blocks * BLOCK_BYTES);
}

const bucketsOf = (blocks: number): number => 1 << Math.max(0, Math.ceil(Math.log2(blocks / 2)));

export class SessionCache {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #index: Int32Array;
  readonly #buckets: number;
  readonly #blocks: number;
  /** Milliseconds that are the same in all threads. */
  readonly #now: () => number;

  constructor(buffer: SharedArrayBuffer, blocks: number, now: () => number) {
    this.#blocks = blocks;
    this.#buckets = bucketsOf(blocks);
    this.#words = new Int32Array(buffer, 0, HEADER_WORDS);
    this.#index = new Int32Array(buffer, HEADER_WORDS * 4, this.#buckets * WAYS);
    this.#bytes = new Uint8Array(buffer, (HEADER_WORDS + this.#buckets * WAYS) * 4);
    this.#now = now;
  }

  get lookups(): number {
    return Atomics.load(this.#words, LOOKUPS) >>> 0;
  }
  get misses(): number {
    return Atomics.load(this.#words, MISSES) >>> 0;
  }

  /** Keeps a session. Identifiers of other lengths than ours are nobody's. */
  put(id: Uint8Array, session: Uint8Array): void {
    const blocks = Math.ceil((ENTRY_HEAD_BYTES + session.length) / BLOCK_BYTES);
    if (id.length !== ID_BYTES || session.length > SESSION_BYTES_MAX || blocks > this.#blocks || !this.#lock()) return;
    const words = this.#words;
    const at = words[HEAD]! + blocks > this.#blocks ? 0 : words[HEAD]!;
    words[HEAD] = at + blocks;
    words[USED] = Math.max(words[USED]!, at + blocks);
    const offset = at * BLOCK_BYTES;
    this.#setLength(offset, session.length);
    this.#bytes.set(id, offset + 4);
    this.#bytes.set(session, offset + ENTRY_HEAD_BYTES);
    this.#enter(id, at);
    this.#unlock();
  }

  /** The session of the identifier, copied into `to`: its length; 0: there is none. */
  get(id: Uint8Array, to: Uint8Array): number {
    Atomics.add(this.#words, LOOKUPS, 1);
    let length = 0;
    if (this.#lock()) {
      const offset = this.#find(id);
      length = offset < 0 ? 0 : this.#lengthAt(offset);
      if (length > to.length) length = 0;
      if (length > 0) to.set(this.#bytes.subarray(offset + ENTRY_HEAD_BYTES, offset + ENTRY_HEAD_BYTES + length));
      this.#unlock();
    }
    if (length === 0) Atomics.add(this.#words, MISSES, 1);
    return length;
  }

  /** The session is not to be resumed any more: something was wrong with a connection that had it. */
  remove(id: Uint8Array): void {
    if (!this.#lock()) return;
    const offset = this.#find(id);
    if (offset >= 0) {
      this.#setLength(offset, 0);
      this.#bytes.fill(0, offset + 4, offset + ENTRY_HEAD_BYTES);
    }
    this.#unlock();
  }

  /** All that there is, for a successor with a cache of the same size. */
  export(): Uint8Array {
    const end = this.#bytes.byteOffset + this.#words[USED]! * BLOCK_BYTES;
    return new Uint8Array(this.#words.buffer, 0, end).slice();
  }

  /** @param state of another process's cache; one of another size is not for us */
  import(state: Uint8Array): void {
    const header = state.slice(0, HEADER_WORDS * 4);
    if (header.length < HEADER_WORDS * 4) return;
    const used = new Int32Array(header.buffer)[USED]!;
    if (used > this.#blocks || state.length !== this.#bytes.byteOffset + used * BLOCK_BYTES) return;
    new Uint8Array(this.#words.buffer).set(state);
    this.#words.fill(0, LOOKUPS, MISSES + 1);
    this.#words[LOCK] = 0;
  }

  #bucketOf(id: Uint8Array): number {
    const hash = id[0]! | (id[1]! << 8) | (id[2]! << 16);
    return (hash & (this.#buckets - 1)) * WAYS;
  }

  #enter(id: Uint8Array, block: number): void {
    const bucket = this.#bucketOf(id);
    const index = this.#index;
    let way = block % WAYS;
    for (let i = 0; i < WAYS; i++) if (!this.#isOf(bucket, index[bucket + i]! - 1)) way = i;
    index[bucket + way] = block + 1;
  }

  /** Whether the block holds a session of the bucket still. */
  #isOf(bucket: number, block: number): boolean {
    if (block < 0) return false;
    const offset = block * BLOCK_BYTES;
    return this.#lengthAt(offset) > 0 && this.#bucketOf(this.#bytes.subarray(offset + 4, offset + 8)) === bucket;
  }

  /** Where the entry begins, -1: nowhere. */
  #find(id: Uint8Array): number {
    if (id.length !== ID_BYTES) return -1;
    const bucket = this.#bucketOf(id);
    for (let way = 0; way < WAYS; way++) {
      const block = this.#index[bucket + way]! - 1;
      if (block >= 0 && this.#hasId(block * BLOCK_BYTES + 4, id)) return block * BLOCK_BYTES;
    }
    return -1;
  }

  #hasId(offset: number, id: Uint8Array): boolean {
    for (let i = 0; i < ID_BYTES; i++) if (this.#bytes[offset + i] !== id[i]) return false;
    return true;
  }

  #lengthAt(offset: number): number {
    return this.#bytes[offset]! | (this.#bytes[offset + 1]! << 8);
  }

  #setLength(offset: number, length: number): void {
    this.#bytes[offset] = length & 255;
    this.#bytes[offset + 1] = length >> 8;
  }

  #lock(): boolean {
    const words = this.#words;
    const mine = this.#now() | 1;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const holder = Atomics.compareExchange(words, LOCK, 0, mine);
      if (holder === 0) return true;
      if (((mine - holder) | 0) < ABANDONED_MS) continue;
      if (Atomics.compareExchange(words, LOCK, holder, mine) === holder) return true;
    }
    return false;
  }

  #unlock(): void {
    Atomics.store(this.#words, LOCK, 0);
  }
}
