// Plans of configurations that tests write. For tests only.

import { writeFileSync } from "node:fs";
import type { Plan, ProxyPlan } from "../plan/plan.ts";
import { type LoadOptions, loadConfiguration } from "./load.ts";

/** What is needed of tap. */
export interface Asserts {
  testdir(): string;
}

/** The plan of a configuration without errors. @throws when it has some */
export async function plan(t: Asserts, text: string, options: Partial<LoadOptions> = {}): Promise<Plan> {
  const file = `${t.testdir()}/t.cfg`;
  writeFileSync(file, `${text.trimEnd()}\n`, "latin1");
  const loaded = await loadConfiguration({ lookup: async () => null, ...options, files: [file] });
  const alerts = loaded.diagnostics.list.filter((one) => one.severity === "alert");
  if (loaded.plan === null) throw new Error(alerts.map((one) => `${one.line}: ${one.message}`).join("\n"));
  return loaded.plan;
}

export function proxyOf({ proxies }: Plan, name: string): ProxyPlan {
  return proxies.find((proxy) => proxy.name === name)!;
}
