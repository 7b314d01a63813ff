// `set rate-limit connections|sessions|ssl-sessions|http-compression global <value>`: limits of the process that the workers read from the
// shared state.

import { HEADER, RATE } from "../../shared-state/layout.ts";
import { type Command, failure, NOTHING } from "./command.ts";

const USAGE = `'set rate-limit' only supports :
   - 'connections global' to set the per-process maximum connection rate
   - 'sessions global' to set the per-process maximum session rate
   - 'ssl-sessions global' to set the per-process maximum SSL session rate
   - 'http-compression global' to set the per-process maximum compression speed in kB/s
`;

const BYTES_PER_KILOBYTE = 1024;

/** The word of each limit, and what a unit of it is. */
const LIMITS: ReadonlyMap<string, { readonly word: number; readonly unit: number }> = new Map([
  ["connections", { word: HEADER.connectionRate + RATE.max, unit: 1 }],
  ["sessions", { word: HEADER.sessionRate + RATE.max, unit: 1 }],
  ["ssl-sessions", { word: HEADER.tlsRate + RATE.max, unit: 1 }],
  ["http-compression", { word: HEADER.compressionRateMax, unit: BYTES_PER_KILOBYTE }],
]);

export const setRateLimit: Command = {
  words: ["set", "rate-limit"],
  usage: "set rate-limit <setting> <value>",
  description: "change a rate limiting value",
  level: "admin",
  run({ args }, { control, states }) {
    const [what, where, text] = args;
    const limit = LIMITS.get(what ?? "");
    if (limit === undefined || where !== "global") return failure(USAGE);
    if (text === undefined || !/^-?\d+$/.test(text)) return failure("Expects an integer value.\n");
    const value = Number(text);
    if (value < 0 || value * limit.unit > 0x7fffffff) return failure("Value out of range.\n");
    Atomics.store(control.shared.words, limit.word, value * limit.unit);
    states.look();
    return NOTHING;
  },
};
