// What a tcp proxy ignores because it needs HTTP. HAProxy warns of each and drops it; so do we, in the draft, so that the plan is clean.

import type { ProxyDraft } from "../draft.ts";

/** @param who `frontend 'web'` */
export function warnAboutMode(proxy: ProxyDraft, who: string): void {
  if (proxy.mode === "http") return;
  // With `switch-mode http` they have their use, for the connections that it upgrades.
  if (proxy.rules.tcpRequestContent.some(({ action }) => action.kind === "switch-mode")) return;
  const warn = (code: string, message: string): void =>
    proxy.statement.warning(code, message, { introduction: "none" });
  if (proxy.stats !== null) {
    warn("needs-http", `'stats' statement ignored for ${who} as it requires HTTP mode.`);
    proxy.stats = null;
  }
  if (proxy.texts.has("monitor-uri") && proxy.kind !== "backend") {
    warn("needs-http", `'monitor-uri' statement ignored for ${who} as it requires HTTP mode.`);
  }
  proxy.texts.delete("monitor-uri");
  for (const [name, key] of [
    ["http-request", "httpRequest"],
    ["http-response", "httpResponse"],
    ["http-after-response", "httpAfterResponse"],
    ["redirect", "redirect"],
  ] as const) {
    const rules = proxy.rules[key];
    if (rules.length > 0) warn("needs-http", `'${name}' rules ignored for ${who} as they require HTTP mode.`);
    rules.length = proxy.inheritedRules[key].length = 0;
  }
  if (proxy.cookie !== null && proxy.kind !== "frontend") {
    warn("needs-http", `cookie will be ignored for ${who} (needs 'mode http').`);
    proxy.cookie = null;
  }
  for (const server of proxy.servers) {
    if (server.options.texts.delete("cookie")) {
      warn("needs-http", `${who} : ignoring cookie for server '${server.name}' as HTTP mode is disabled.`);
    }
  }
  if (proxy.forwardFor !== null) {
    warn("needs-http", `'option forwardfor' ignored for ${who} as it requires HTTP mode.`);
    proxy.forwardFor = null;
  }
  if (proxy.forwarded !== null) {
    if (proxy.kind !== "frontend")
      warn("needs-http", `'option forwarded' ignored for ${who} as it requires HTTP mode.`);
    proxy.forwarded = null;
  }
  if (proxy.originalTo !== null) {
    warn("needs-http", `'option originalto' ignored for ${who} as it requires HTTP mode.`);
    proxy.originalTo = null;
  }
}
