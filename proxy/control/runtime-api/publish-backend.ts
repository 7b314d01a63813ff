// `publish backend` and `unpublish backend`: whether content switching may choose it.

import { PROXY } from "../../shared-state/layout.ts";
import { type Command, failure, message } from "./command.ts";

function switchTo(unpublished: 0 | 1): Command["run"] {
  const done = unpublished === 1 ? "Backend unpublished.\n" : "Backend published.\n";
  return ({ args }, { control: { plan, shared } }) => {
    const proxy = plan.proxies.find(({ name, backend }) => backend !== null && name === args[0]);
    if (proxy === undefined) return failure("No such backend.\n");
    if (proxy.disabled) return failure("No effect on a disabled backend.\n");
    Atomics.store(shared.words, shared.proxyAt(proxy.index) + PROXY.unpublished, unpublished);
    return message(done);
  };
}

export const publishBackend: Command = {
  words: ["publish", "backend"],
  usage: "publish backend <backend>",
  description: "mark backend as ready for traffic",
  level: "admin",
  run: switchTo(0),
};

export const unpublishBackend: Command = {
  words: ["unpublish", "backend"],
  usage: "unpublish backend <backend>",
  description: "remove backend for any traffic processing",
  level: "admin",
  run: switchTo(1),
};
