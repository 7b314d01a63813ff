// Caches against those that use them, and their sizes.

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import type { CachePlan } from "../../plan/cache.ts";
import { type ConfigurationDraft, kindInMessages } from "../draft.ts";

const MEGABYTE = 2 ** 20;
const OBJECT_SHARE = 256;

export function checkCaches(configuration: ConfigurationDraft): void {
  for (const cache of configuration.caches) {
    if (cache.totalMegabytes === 0) {
      cache.statement.alert("no-size", `Size not specified for cache '${cache.name}'`, { introduction: "none" });
    } else if (cache.objectBytesMax > (cache.totalMegabytes * MEGABYTE) / 2) {
      const half = (cache.totalMegabytes * MEGABYTE) / 2;
      const message = `"max-object-size" is limited to an half of "total-max-size" => ${half}`;
      cache.statement.alert("too-large", message, { introduction: "none" });
    }
  }
  const names = configuration.caches.map(({ name }) => name);
  for (const { name, proxy, statement } of configuration.cacheReferences) {
    if (names.includes(name)) continue;
    const who = `${kindInMessages(proxy)} '${proxy.name}'`;
    const message = `config: ${who}: unable to find the cache '${name}' referenced by the filter 'cache'.`;
    statement.alert("unknown-cache", message, { introduction: "none", suggestions: suggest(name, names) });
  }
}

export function buildCaches({ caches }: ConfigurationDraft): CachePlan[] {
  return caches.map(({ name, totalMegabytes, objectBytesMax, maxAgeSeconds, processVary, secondaryEntriesMax }) => ({
    name,
    totalBytes: totalMegabytes * MEGABYTE,
    objectBytesMax: objectBytesMax || Math.floor((totalMegabytes * MEGABYTE) / OBJECT_SHARE),
    ...{ maxAgeSeconds, processVary, secondaryEntriesMax },
  }));
}
