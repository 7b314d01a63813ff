// Which objects statistics files may speak of.

import type { StatsFilePlan, StatsObjectPlan } from "../../plan/stats-file.ts";
import type { BindDraft } from "../bind-draft.ts";
import { type ConfigurationDraft, hasBackend, hasFrontend } from "../draft.ts";

/** @param addressesOf how many sockets a bind line comes to */
export function buildStatsFile(
  configuration: ConfigurationDraft,
  addressesOf: (bind: BindDraft) => number,
): StatsFilePlan {
  const objects: StatsObjectPlan[] = [];
  let listener = 0;
  let server = 0;
  for (const [index, proxy] of configuration.proxies.entries()) {
    const guid = proxy.texts.get("guid");
    if (guid !== undefined && hasFrontend(proxy)) objects.push({ guid, kind: "frontend", index });
    for (const bind of proxy.binds) {
      const count = addressesOf(bind);
      const prefix = bind.options.guidPrefix;
      for (let i = 0; i < count; i++, listener++) {
        if (prefix !== null) objects.push({ guid: `${prefix}-${i}`, kind: "listener", index: listener });
      }
    }
    for (const { options } of proxy.servers) {
      const own = options.texts.get("guid");
      if (own !== undefined) objects.push({ guid: own, kind: "server", index: server });
      server++;
    }
    if (guid !== undefined && hasBackend(proxy)) objects.push({ guid, kind: "backend", index });
  }
  return { path: configuration.global.texts.get("stats-file") ?? null, objects };
}
