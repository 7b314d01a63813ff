// `show events [<ring>]`: which rings there are, and what one of them holds.

import { type Command, failure } from "./command.ts";

export const showEvents: Command = {
  words: ["show", "events"],
  usage: "show events [<sink>] [-w] [-n] [-0]",
  description: "show event sink state",
  level: "user",
  run({ args }, { control }) {
    const name = args[0];
    if (name === undefined) {
      const lines = [...control.rings.values()].map(
        ({ plan }) => `  ${plan.name.padEnd(10)} : type=buffer, ${0} dropped, ${plan.description}\n`,
      );
      return { text: `Supported events sinks are listed below. Add -0 to end with a NUL byte.\n${lines.join("")}` };
    }
    const ring = control.rings.get(name);
    if (ring === undefined) return failure(`No such event sink\n`);
    if (args.includes("-w")) return failure("'-w' is not served yet: a session does not wait\n");
    if (args.includes("-n")) return { text: "" };
    return {
      text: ring
        .after(0)
        .lines.map((line) => `${line}\n`)
        .join(""),
    };
  },
};
