// `clear counters` forgets the maxima (operators may), `clear counters all` everything, `clear counters server` everything of one server (both
// administrators only).

import { allows, type Command, message, NOTHING, PERMISSION_DENIED } from "./command.ts";
import { findServer } from "./find.ts";

export const clearCounters: Command = {
  words: ["clear", "counters"],
  usage: "clear counters [all|server <bk>/<srv> [force]]",
  description: "clear max statistics counters (or all, or one server's)",
  level: "operator",
  run({ args, session }, context) {
    const { statistics } = context;
    const [what, name] = args;
    if (what !== "all" && what !== "server") {
      statistics.clearMaxima();
      return NOTHING;
    }
    if (!allows(session.level, "admin")) return PERMISSION_DENIED;
    if (what === "all") {
      statistics.clearAll();
      return NOTHING;
    }
    const server = findServer(name, context);
    if ("refusal" in server) return server.refusal;
    statistics.clearServer(server.found);
    return message("Server counters cleared.\n");
  },
};
