// `debug dev …`: what HAProxy offers its developers, as far as it means something here.

import { SEVERITY } from "../server-state/announcer.ts";
import { type Command, failure, NOTHING } from "./command.ts";

/** A way to see whether and where the process's log lines arrive. */
export const debugDevLog: Command = {
  words: ["debug", "dev", "log"],
  usage: null,
  description: "send this message to global logs",
  level: "admin",
  run({ args, session }, { control }) {
    if (!session.expert) return failure("This command is restricted to expert mode only.\n");
    control.syslog.send(null, SEVERITY.info, args.join(" "));
    return NOTHING;
  },
};
