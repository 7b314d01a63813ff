// `enable|disable server` and `enable|disable health`: the older spellings of maintenance, and the switch for checks.

import type { ServerPlan } from "../../plan/plan.ts";
import { type Answer, type Command, failure, NOTHING, type RuntimeContext } from "./command.ts";
import { findServer } from "./find.ts";

function onServer(change: (server: ServerPlan, context: RuntimeContext) => Answer): Command["run"] {
  return ({ args }, context) => {
    const server = findServer(args[0], context);
    return "refusal" in server ? server.refusal : change(server.found, context);
  };
}

export const disableServer: Command = {
  words: ["disable", "server"],
  usage: "disable server (DEPRECATED)",
  description: "disable a server for maintenance (use 'set server' instead)",
  level: "admin",
  run: onServer((server, { states }) => {
    states.disable(server);
    return NOTHING;
  }),
};

export const enableServer: Command = {
  words: ["enable", "server"],
  usage: "enable server  (DEPRECATED)",
  description: "enable a disabled server (use 'set server' instead)",
  level: "admin",
  run: onServer((server, { states }) => {
    states.enable(server);
    return NOTHING;
  }),
};

export const disableHealth: Command = {
  words: ["disable", "health"],
  usage: "disable health",
  description: "disable health checks",
  level: "admin",
  run: onServer((server, { states }) => {
    states.setCheckEnabled(server, false);
    return NOTHING;
  }),
};

export const enableHealth: Command = {
  words: ["enable", "health"],
  usage: "enable health",
  description: "enable health checks",
  level: "admin",
  run: onServer((server, { states }) => {
    if (server.check === null) return failure("Health check was not configured on this server, cannot enable.\n");
    states.setCheckEnabled(server, true);
    return NOTHING;
  }),
};

export const disableAgent: Command = {
  words: ["disable", "agent"],
  usage: "disable agent",
  description: "disable agent checks",
  level: "admin",
  run: onServer((server, { checks }) => {
    const agent = checks.agents.of(server);
    if (agent !== null) agent.enabled = false;
    return NOTHING;
  }),
};

export const enableAgent: Command = {
  words: ["enable", "agent"],
  usage: "enable agent",
  description: "enable agent checks",
  level: "admin",
  run: onServer((server, { checks }) => {
    const agent = checks.agents.of(server);
    if (agent === null) return failure("Agent was not configured on this server, cannot enable.\n");
    agent.enabled = true;
    return NOTHING;
  }),
};
