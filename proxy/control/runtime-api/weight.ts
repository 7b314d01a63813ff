// `get weight` and `set weight`.

import type { BackendPlan, ServerPlan } from "../../plan/plan.ts";
import { SERVER } from "../../shared-state/layout.ts";
import { parseWeight } from "../server-state/weight.ts";
import { type Answer, type Command, failure, NOTHING, type RuntimeContext } from "./command.ts";
import { findServer } from "./find.ts";

export const getWeight: Command = {
  words: ["get", "weight"],
  usage: "get weight <bk>/<srv>",
  description: "report a server's current weight",
  level: "user",
  run({ args }, context) {
    const server = findServer(args[0], context);
    if ("refusal" in server) return server.refusal;
    const { words } = context.control.shared;
    const at = context.control.shared.serverAt(server.found.index);
    return { text: `${words[at + SERVER.userWeight]} (initial ${words[at + SERVER.initialWeight]})\n` };
  },
};

export const setWeight: Command = {
  words: ["set", "weight"],
  usage: "set weight <bk>/<srv>  (DEPRECATED)",
  description: "change a server's weight (use 'set server' instead)",
  level: "admin",
  run({ args }, context) {
    const server = findServer(args[0], context);
    return "refusal" in server ? server.refusal : setWeightOf(server.found, args[1] ?? "", context);
  },
};

/** Shared with `set server … weight`. */
export function setWeightOf(server: ServerPlan, text: string, { control, states }: RuntimeContext): Answer {
  const initial = control.shared.words[control.shared.serverAt(server.index) + SERVER.initialWeight];
  const result = parseWeight(text, initial);
  if ("error" in result) return failure(result.error);
  const { backend } = control.plan.proxies[server.proxy];
  if (backend !== null && isStatic(backend) && result.weight !== 0 && result.weight !== initial) {
    return failure("Backend is using a static LB algorithm and only accepts weights '0%' and '100%'.\n");
  }
  states.setWeight(server, result.weight);
  return NOTHING;
}

/** Whether the balancing map is built once from the configured weights (configuration.txt, `balance`, `hash-type`). */
function isStatic({ balance }: BackendPlan): boolean {
  const hashes = !["roundrobin", "leastconn", "first", "random"].includes(balance.algorithm);
  return balance.algorithm === "static-rr" || (hashes && balance.hashType === "map-based");
}
