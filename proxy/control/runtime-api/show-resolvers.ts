// `show resolvers [<section>]`: what was asked of nameservers, and what became of it.

import { type Command, failure } from "./command.ts";

export const showResolvers: Command = {
  words: ["show", "resolvers"],
  usage: "show resolvers [id]",
  description: "dumps counters from all resolvers section and associated name servers",
  level: "user",
  run({ args }, { resolutions }) {
    const text = resolutions.show(args[0]);
    return text === null ? failure("Can't find that resolvers section\n") : { text };
  },
};
