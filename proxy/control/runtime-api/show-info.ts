// `show info [typed|json] [desc] [float]`: what the process is and does.

import { infoJsonText, infoText, infoTypedText } from "../../stats/info.ts";
import type { Command } from "./command.ts";

export const showInfo: Command = {
  words: ["show", "info"],
  usage: "show info [desc|json|typed|float]*",
  description: "report information about the running process",
  level: "user",
  run({ args }, { statistics }) {
    const fields = statistics.info();
    const options = { describe: args.includes("desc"), float: args.includes("float") };
    if (args.includes("json")) return { text: infoJsonText(fields, options) };
    return { text: args.includes("typed") ? infoTypedText(fields, options) : infoText(fields, options) };
  },
};
