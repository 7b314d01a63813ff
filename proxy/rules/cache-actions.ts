// `cache-use` and `cache-store`: what they do is cache/cache.ts.

import type { RuleParts } from "./parts.ts";
import { type Action, VERDICT } from "./verdict.ts";

const CONTINUE = VERDICT.continue;

function indexOf({ ctx }: RuleParts, name: string): number {
  return ctx.plan.caches.findIndex((cache) => cache.name === name);
}

export function compileCacheUse(parts: RuleParts, name: string): Action {
  const { ctx } = parts;
  const index = indexOf(parts, name);
  return (stream) => {
    ctx.cache!.use(stream, index, stream.backend >= 0 ? stream.backend : stream.frontend);
    return CONTINUE;
  };
}

export function compileCacheStore({ ctx }: RuleParts): Action {
  return (stream) => {
    ctx.cache!.store(stream);
    return CONTINUE;
  };
}
