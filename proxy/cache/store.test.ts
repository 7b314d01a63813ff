// The cache's memory: whatever is stored, read, given up and abandoned in whatever order, every block belongs to exactly one entry or is free.

import t from "tap";
import type { CachePlan } from "../plan/cache.ts";
import { BLOCK_BYTES, type CacheKey, CacheStore, createCacheMemory, ENTRY, STATE, VARY } from "./store.ts";

const PLAN: CachePlan = {
  name: "c",
  totalBytes: 64 * BLOCK_BYTES,
  objectBytesMax: 16 * BLOCK_BYTES,
  maxAgeSeconds: 60,
  processVary: true,
  secondaryEntriesMax: 3,
};

function keyOf(text: string, accepted = 1, hashLow = text.length): CacheKey {
  const key = new Uint8Array(Buffer.from(text));
  const rest = { refererLow: 0, refererHigh: 0, originLow: 0, originHigh: 0 };
  return { key, keyBytes: key.length, hashLow, hashHigh: 0, accepted, ...rest };
}

/** Stores an object; -1: it could not be. */
function put(store: CacheStore, key: CacheKey, body: Uint8Array, expires = 100, vary = 0, encodings = 0): number {
  const entry = store.begin(key, vary, encodings, 0);
  if (entry < 0) return -1;
  store.words[store.at(entry) + ENTRY.expires] = expires;
  if (!store.append(entry, body, 0, body.length)) {
    store.abandon(entry);
    return -1;
  }
  store.complete(entry);
  return entry;
}

/** Blocks of all entries and free ones: their number is that of the cache. */
function account(store: CacheStore): number {
  let used = 0;
  for (let entry = 0; entry < store.entryCount; entry++) {
    const at = store.at(entry);
    if (store.words[at + ENTRY.state] === STATE.free) continue;
    const blocks = store.words[at + ENTRY.blocks]!;
    let walked = 0;
    for (let block = store.words[at + ENTRY.firstBlock]!; block >= 0; block = store.nextBlock(block)) walked++;
    if (walked !== blocks) return -1;
    used += blocks;
  }
  return used + store.freeBlocks;
}

t.test("what is found is what was stored, under its own key only", (t) => {
  const store = new CacheStore(PLAN, createCacheMemory(PLAN, 1, 7), 1, 0);
  const body = Uint8Array.from({ length: 3000 }, (_, i) => i & 255);
  put(store, keyOf("http://a/one", 1, 5), body);
  t.equal(store.find(keyOf("http://a/two", 1, 5), 0), -1, "the same hash, another key");
  const found = store.find(keyOf("http://a/one", 1, 5), 0);
  t.ok(found >= 0);
  const at = store.words[store.at(found) + ENTRY.keyBytes]!;
  const read = body.map((_, i) => {
    const offset = at + i;
    return store.bytes[store.blockOf(found, offset) * BLOCK_BYTES + (offset % BLOCK_BYTES)]!;
  });
  t.same(read, body);
  t.equal(store.find(keyOf("http://a/one", 1, 5), 100), -1, "stale");
  store.invalidate(keyOf("http://a/one", 1, 5));
  t.equal(store.find(keyOf("http://a/one", 1, 5), 0), -1);
  t.equal(store.freeBlocks, 64 - 3, "somebody still reads it");
  store.unref(found);
  t.equal(store.freeBlocks, 64);
  t.end();
});

t.test("the whole secondary key decides, and there are so many of them", (t) => {
  const store = new CacheStore(PLAN, createCacheMemory(PLAN, 1, 7), 1, 0);
  const one = Uint8Array.of(1);
  for (let bit = 1; bit <= 8; bit <<= 1) {
    const entry = put(store, keyOf("k", bit), one, 100, VARY.encoding, bit);
    t.equal(entry >= 0, bit <= 4, `encoding ${bit}`);
  }
  t.ok(store.find(keyOf("k", 2 | 4), 0) >= 0);
  t.equal(store.find(keyOf("k", 8), 0), -1);
  const origin = (low: number): CacheKey => ({ ...keyOf("o"), originLow: low, originHigh: 9 });
  put(store, origin(1), one, 100, VARY.origin);
  t.equal(store.find({ ...origin(1), originHigh: 8 }, 0), -1, "half of a hash is not enough");
  t.ok(store.find(origin(1), 0) >= 0);
  t.end();
});

t.test("an object that is too large, or that another worker fills", (t) => {
  const buffer = createCacheMemory(PLAN, 2, 7);
  const [first, second] = [new CacheStore(PLAN, buffer, 2, 0), new CacheStore(PLAN, buffer, 2, 1)];
  t.equal(put(first, keyOf("large"), new Uint8Array(20 * BLOCK_BYTES)), -1);
  t.equal(first.freeBlocks, 64);
  const entry = first.begin(keyOf("x"), 0, 0, 0);
  t.ok(entry >= 0);
  t.equal(second.begin(keyOf("x"), 0, 0, 0), -1);
  t.equal(second.find(keyOf("x"), 0), -1);
  first.complete(entry);
  first.words[first.at(entry) + ENTRY.expires] = 100;
  const read = second.find(keyOf("x"), 0);
  t.equal(read, entry);
  // The second worker dies in the middle of reading, and of filling.
  second.begin(keyOf("y"), 0, 0, 0);
  const successor = new CacheStore(PLAN, buffer, 2, 1);
  t.equal(successor.words[successor.at(entry) + ENTRY.refs], 0, "its references are taken back");
  t.equal(account(successor), 64);
  t.ok(successor.begin(keyOf("y"), 0, 0, 0) >= 0, "and what it was filling");
  t.end();
});

t.test("random work", (t) => {
  const store = new CacheStore(PLAN, createCacheMemory(PLAN, 1, 7), 1, 0);
  const held: number[] = [];
  let seed = 1;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let step = 0; step < 20_000; step++) {
    const key = keyOf(`key${random(40)}`, 1 << random(3), random(5));
    const what = random(10);
    if (what < 5) {
      const vary = random(2) * VARY.encoding;
      put(store, key, new Uint8Array(random(18 * BLOCK_BYTES)), random(3) * 50, vary, vary === 0 ? 0 : key.accepted);
    } else if (what < 8) {
      const entry = store.find(key, 10);
      if (entry >= 0) held.push(entry);
    } else if (what < 9 && held.length > 0) store.unref(held.splice(random(held.length), 1)[0]!);
    else if (random(4) === 0) store.invalidate(key);
    if (held.length > 3) store.unref(held.shift()!);
    if (step % 500 === 0 && account(store) !== 64) t.fail(`blocks are lost at step ${step}`);
  }
  for (const entry of held) store.unref(entry);
  t.equal(account(store), 64);
  t.end();
});
