// What a stream has to do with caches.

import type { CacheKey } from "./store.ts";

/** What a stream has to do with caches; borrowed while it lasts. */
export class CacheUse implements CacheKey {
  /** Index of the cache that `cache-use` named. */
  cache = 0;
  key = new Uint8Array(512);
  keyBytes = 0;
  hashLow = 0;
  hashHigh = 0;
  accepted = 0;
  refererLow = 0;
  refererHigh = 0;
  originLow = 0;
  originHigh = 0;
  mayStore = false;
  /** The object that answers, -1: none; and where serving it is. */
  entry = -1;
  block = -1;
  position = 0;
  isNotModified = false;
  /** The entry that the response fills, -1: none. */
  fill = -1;
  /** Body bytes come without chunks and are stored in some. */
  reframes = false;
}
