// What an action, and a whole rule set, says about how the stream goes on. Small integers, because they are passed for every request.
//
//   continue   the next rule, or behind the last one: the stream goes on its way
//   answered   the stream has got its answer (or its end) and is not the caller's any more: it must not be touched
//   wait       the rule needs something that is not there yet. `Stream.ruleAt` says where the set goes on; until when, and what the stream
//              listens to meanwhile, is rules/waiting.ts. An action is called again, with STREAM.waits set, until it says something else.
//
// `allow` (`accept`) ends its rule set with `continue`; the compiler knows that, so it has no number.

import type { Stream } from "../stream/stream.ts";

export const VERDICT = { continue: 0, answered: 1, wait: 2 } as const;

/** Does what the rule says and gives a VERDICT. */
export type Action = (stream: Stream) => number;
