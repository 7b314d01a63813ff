// Fetches of what the cache did for the response: res.cache_hit, res.cache_name. configuration.txt 7.3.6.

import { TYPE } from "../types.ts";
import { textBytes } from "../value.ts";
import { type FetchCompiler, single } from "./fetch.ts";

const FAIL = 0;
const PASS = 2;

const cacheHit: FetchCompiler = (ctx) => {
  const { value } = ctx;
  return single((stream) => {
    value.type = TYPE.bool;
    value.int = stream.cache !== null && stream.cache.entry >= 0 ? 1 : 0;
    return PASS;
  });
};

const cacheName: FetchCompiler = (ctx) => {
  const { value } = ctx;
  const names = ctx.plan.caches.map(({ name }) => textBytes(name));
  return single((stream) => {
    if (stream.cache === null || stream.cache.entry < 0) return FAIL;
    const name = names[stream.cache.cache]!;
    value.type = TYPE.str;
    value.bytes = name;
    value.start = 0;
    value.end = name.length;
    return PASS;
  });
};

/** By canonical name, see fetches.table.ts. */
export const CACHE_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  "res.cache_hit": cacheHit,
  "res.cache_name": cacheName,
};
