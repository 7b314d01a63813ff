// `enable|disable dynamic-cookie backend`, `set dynamic-cookie-key backend`: cookies of servers that are made of a key and their addresses.

import { type Command, failure, NOTHING } from "./command.ts";
import { findBackend } from "./find.ts";

function switchCookies(enabled: boolean): Command {
  const verb = enabled ? "enable" : "disable";
  return {
    words: [verb, "dynamic-cookie", "backend"],
    usage: `${verb} dynamic-cookie backend <bk>`,
    description: `${verb} dynamic cookies on a specific backend`,
    level: "admin",
    run({ args: [name] }, context) {
      if (name === undefined) return failure("A backend name is expected.\n");
      const backend = findBackend(name, context);
      if (backend === undefined) return failure("No such backend.\n");
      context.states.cookies.switch(backend, enabled);
      return NOTHING;
    },
  };
}

export const enableDynamicCookie = switchCookies(true);
export const disableDynamicCookie = switchCookies(false);

export const setDynamicCookieKey: Command = {
  words: ["set", "dynamic-cookie-key", "backend"],
  usage: "set dynamic-cookie-key backend <bk> <k>",
  description: "change a backend secret key for dynamic cookies",
  level: "admin",
  run({ args: [name, key] }, context) {
    if (name === undefined) return failure("A backend name is expected.\n");
    const backend = findBackend(name, context);
    if (backend === undefined) return failure("No such backend.\n");
    if (key === undefined) return failure("String value expected.\n");
    context.states.cookies.setKey(backend, key);
    return NOTHING;
  },
};
