// `show default-server [<backend>]`: the sets of settings that backends hold for servers to come.

import type { ProxyPlan } from "../../plan/plan.ts";
import { type Command, failure } from "./command.ts";
import { findBackend } from "./find.ts";

export const showDefaultServer: Command = {
  words: ["show", "default-server"],
  usage: "show default-server [<backend>]",
  description: "list default-server instances in all or a single backend",
  level: "user",
  run({ args }, context) {
    const name = args[0] ?? "";
    const one = name === "" ? undefined : findBackend(name, context);
    if (name !== "" && one === undefined) return failure("Can't find backend.\n");
    const proxies = one === undefined ? context.control.plan.proxies : [one];
    return { text: proxies.flatMap(linesOf).join("") };
  },
};

/** The first of a backend's is marked; the one without a name is called like the backend. */
function linesOf({ name, backend }: ProxyPlan): string[] {
  const names = backend?.defaultServers ?? [];
  return names.map((own, i) => `${i === 0 ? "*" : " "} ${name}${own === "" ? "" : `/${own}`}\n`);
}
