// Finding what a command names: `backend/server`, a frontend, a backend. The texts of failures are HAProxy's.

import type { ProxyPlan, ServerPlan } from "../../plan/plan.ts";
import { type Answer, failure, type RuntimeContext } from "./command.ts";

/** Something that was found, or the answer that says why not. */
export type Found<T> = { readonly found: T } | { readonly refusal: Answer };

/** `be/s1`; names may be written as `#id`, as in HAProxy. */
export function findServer(text: string | undefined, context: RuntimeContext): Found<ServerPlan> {
  const slash = text?.indexOf("/") ?? -1;
  if (text === undefined || slash < 0 || slash === text.length - 1)
    return { refusal: failure("Require 'backend/server'.\n") };
  const backend = findBackend(text.slice(0, slash), context);
  if (backend === undefined) return { refusal: failure("No such backend.\n") };
  const name = text.slice(slash + 1);
  const server = (backend.backend?.servers ?? [])
    .map((index) => context.control.plan.servers[index])
    .find((candidate) => candidate.name === name || `#${candidate.id}` === name);
  return server === undefined ? { refusal: failure("No such server.\n") } : { found: server };
}

export function findBackend(name: string, context: RuntimeContext): ProxyPlan | undefined {
  return context.control.plan.proxies.find(
    (proxy) => proxy.backend !== null && (proxy.name === name || `#${proxy.id}` === name),
  );
}

export function findFrontend(name: string | undefined, context: RuntimeContext): Found<ProxyPlan> {
  if (name === undefined) return { refusal: failure("A frontend name is expected.\n") };
  const proxy = context.control.plan.proxies.find(
    (candidate) => candidate.frontend !== null && (candidate.name === name || `#${candidate.id}` === name),
  );
  return proxy === undefined ? { refusal: failure("No such frontend.\n") } : { found: proxy };
}
