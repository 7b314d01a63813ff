// Which ACLs a proxy's conditions name, wherever they stand: rules, backends, servers, persistence, the statistics page. The plan is plain data,
// so it is walked whole: a new place for conditions needs no line here.

import type { ProxyPlan } from "../../plan/plan.ts";

export function usedAcls(proxy: ProxyPlan): ReadonlySet<string> {
  const names = new Set<string>();
  walk(proxy, names);
  return names;
}

function walk(value: unknown, names: Set<string>): void {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return;
  if (value instanceof Map) {
    for (const each of value.values()) walk(each, names);
    return;
  }
  const { kind, name } = value as { readonly kind?: unknown; readonly name?: unknown };
  if (kind === "acl" && typeof name === "string" && name !== "") names.add(name);
  for (const each of Object.values(value)) walk(each, names);
}
