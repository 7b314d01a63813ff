// `set maxconn server|frontend|global`: limits that the workers read from the shared state.

import { HEADER } from "../../shared-state/layout.ts";
import { type Command, failure, NOTHING } from "./command.ts";
import { findFrontend, findServer } from "./find.ts";

export const setMaxconnServer: Command = {
  words: ["set", "maxconn", "server"],
  usage: "set maxconn server <bk>/<srv>",
  description: "change a server's maxconn setting",
  level: "admin",
  run({ args }, context) {
    const server = findServer(args[0], context);
    if ("refusal" in server) return server.refusal;
    const text = args[1];
    if (text === undefined) return failure("Require <maxconn>.\n");
    const match = /^(\d+)(.*)$/s.exec(text);
    if (match === null) return failure("maxconn string empty or preceded by garbage\n");
    if (match[2] !== "") return failure("Trailing garbage in maxconn string\n");
    context.states.setMaxconn(server.found, Number(match[1]));
    return NOTHING;
  },
};

export const setMaxconnFrontend: Command = {
  words: ["set", "maxconn", "frontend"],
  usage: "set maxconn frontend <frontend> <value>",
  description: "change a frontend's maxconn setting",
  level: "admin",
  run({ args }, context) {
    const proxy = findFrontend(args[0], context);
    if ("refusal" in proxy) return proxy.refusal;
    const value = integer(args[1]);
    if (value === null) return failure("Integer value expected.\n");
    if (value < 0) return failure("Value out of range.\n");
    context.frontends.setMaxconn(proxy.found, value);
    return NOTHING;
  },
};

export const setMaxconnGlobal: Command = {
  words: ["set", "maxconn", "global"],
  usage: "set maxconn global <value>",
  description: "change the per-process maxconn setting",
  level: "admin",
  run({ args }, { control, states }) {
    const value = integer(args[0]);
    if (value === null) return failure("Expects an integer value.\n");
    const hardMaxconn = control.process.maxconn;
    if (value < 0 || value > hardMaxconn) return failure("Value out of range.\n");
    // 0 goes back to the limit that the process started with.
    Atomics.store(control.shared.words, HEADER.maxconn, value === 0 ? hardMaxconn : value);
    states.look();
    return NOTHING;
  },
};

function integer(text: string | undefined): number | null {
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : null;
}
