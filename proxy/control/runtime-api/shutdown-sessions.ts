// `shutdown sessions server <backend>/<server>`: the workers close every stream that they have on it.

import { type Command, NOTHING } from "./command.ts";
import { findServer } from "./find.ts";

export const shutdownSessionsServer: Command = {
  words: ["shutdown", "sessions", "server"],
  usage: "shutdown sessions server <bk>/<srv>",
  description: "kill sessions on a server",
  level: "admin",
  run({ args }, context) {
    const server = findServer(args[0], context);
    if ("refusal" in server) return server.refusal;
    context.states.shutdownSessions(server.found, true);
    return NOTHING;
  },
};
