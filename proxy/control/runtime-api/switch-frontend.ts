// `enable|disable|shutdown frontend`.

import type { ProxyPlan } from "../../plan/plan.ts";
import { type Answer, type Command, failure, NOTHING, type RuntimeContext } from "./command.ts";
import { findFrontend } from "./find.ts";

function onFrontend(change: (proxy: ProxyPlan, context: RuntimeContext) => Answer): Command["run"] {
  return ({ args }, context) => {
    const proxy = findFrontend(args[0], context);
    return "refusal" in proxy ? proxy.refusal : change(proxy.found, context);
  };
}

export const disableFrontend: Command = {
  words: ["disable", "frontend"],
  usage: "disable frontend <frontend>",
  description: "temporarily disable specific frontend",
  level: "admin",
  run: onFrontend((proxy, { frontends }) => {
    const state = frontends.state(proxy);
    if (state === "stopped") return failure("Frontend was previously shut down, cannot disable.\n");
    if (state === "paused") return failure("All sockets are already disabled.\n");
    frontends.pause(proxy);
    return NOTHING;
  }),
};

export const enableFrontend: Command = {
  words: ["enable", "frontend"],
  usage: "enable frontend <frontend>",
  description: "re-enable specific frontend",
  level: "admin",
  run: onFrontend((proxy, { frontends }) => {
    const state = frontends.state(proxy);
    if (state === "stopped") return failure("Frontend was previously shut down, cannot enable.\n");
    if (state !== "paused") return failure("All sockets are already enabled.\n");
    frontends.resume(proxy);
    return NOTHING;
  }),
};

export const shutdownFrontend: Command = {
  words: ["shutdown", "frontend"],
  usage: "shutdown frontend <frontend>",
  description: "stop a specific frontend",
  level: "admin",
  run: onFrontend((proxy, { frontends }) => {
    if (frontends.state(proxy) === "stopped") return failure("Frontend was already shut down.\n");
    frontends.stop(proxy);
    return NOTHING;
  }),
};
