// How many header lines rules may add to one head: what Message.headers must have room for behind the received lines.

import type { Plan, ProxyPlan } from "../plan/plan.ts";
import type { RulePlan } from "../plan/rules.ts";

function additions(rules: readonly RulePlan[]): number {
  return rules.filter(({ action }) => action.kind === "add-header" || action.kind === "set-header" || isUri(action))
    .length;
}

/** A new URI in absolute form brings a Host header. */
function isUri(action: RulePlan["action"]): boolean {
  return (action.kind === "set-part" || action.kind === "replace-part") && action.part === "uri";
}

/** `cookie insert` adds Set-Cookie and, with nocache, Cache-Control. */
const COOKIE_LINES = 2;

/** A head passes through the rules of one frontend and of one backend, and each rule adds one line at most. */
export function addedHeadersMax({ proxies }: Plan): number {
  const most = (proxy: ProxyPlan): number => {
    const cookies = proxy.backend?.persistence.cookie?.mode === "insert" ? COOKIE_LINES : 0;
    return Math.max(
      additions(proxy.rules.httpRequest),
      additions(proxy.rules.httpResponse) + additions(proxy.rules.httpAfterResponse) + cookies,
    );
  };
  const frontends = proxies.filter((proxy) => proxy.frontend !== null).map(most);
  const backends = proxies.filter((proxy) => proxy.backend !== null).map(most);
  return Math.max(0, ...frontends) + Math.max(0, ...backends);
}

/** Whether any proxy edits response heads, which needs an area to write in. */
export function editsResponses({ proxies }: Plan): boolean {
  return proxies.some(({ rules }) => rules.httpResponse.length > 0 || rules.httpAfterResponse.length > 0);
}
