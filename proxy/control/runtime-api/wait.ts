// `wait {-h|<duration>} [<condition> [args...]]`: delays the commands behind it, until a condition holds or the time is over.

import { parseTime } from "../../config/arguments.ts";
import { SERVER } from "../../shared-state/layout.ts";
import { type Answer, type Command, failure, message, type RuntimeContext } from "./command.ts";
import { findServer } from "./find.ts";

const USAGE = `Usage: wait {-h|<duration>} [condition [args...]]
  - '-h' displays this help
  - <duration> is the maximum wait time, optionally suffixed by the unit among
    'us', 'ms', 's', 'm', 'h', and 'd'. ; the default unit is milliseconds.
  - <condition> indicates what to wait for, no longer than the specified
    duration. Supported conditions are:
    - <none> : by default, just sleep for the specified duration.
    - srv-removable <px>/<sv> : wait for this server to become removable.
`;

const LOOK_EVERY_MS = 20;
const DAY_MS = 86_400_000;

export const wait: Command = {
  words: ["wait"],
  usage: "wait {-h|<delay_ms>} cond [args...]",
  description: "wait the specified delay or condition (-h to see list)",
  level: "admin",
  run({ args, session }, context) {
    const [duration, condition, name] = args;
    if (duration === undefined) return failure("Expects a duration in milliseconds.\n");
    if (duration === "-h") return message(USAGE);
    const time = parseTime(duration, "ms");
    if (!time.ok || time.value.trailing !== "") return failure("Invalid duration.\n");
    const limitMs = Math.min(DAY_MS, time.value.value);
    if (condition === undefined) return sleep(limitMs, () => session.quit).then(() => message("Done.\n"));
    if (condition !== "srv-removable") return failure(USAGE);
    if (name === undefined) return failure("Missing server name (<backend>/<server>).\n");
    return untilRemovable(name, limitMs, context, () => session.quit);
  },
};

async function untilRemovable(
  name: string,
  limitMs: number,
  context: RuntimeContext,
  isOver: () => boolean,
): Promise<Answer> {
  const until = performance.now() + limitMs;
  for (;;) {
    const obstacle = removalObstacle(name, context);
    if (obstacle === null) return message("Done.\n");
    if (obstacle.final) return failure(`Failed. ${obstacle.text}\n`);
    const leftMs = until - performance.now();
    if (leftMs <= 0) return failure("Wait delay expired.\n");
    if (isOver()) return failure("Interrupted.\n");
    await sleep(Math.min(LOOK_EVERY_MS, leftMs), isOver);
  }
}

interface Obstacle {
  readonly text: string;
  /** Waiting does not help. */
  readonly final: boolean;
}

/** Why a server cannot be removed now; null: it can. */
export function removalObstacle(name: string, context: RuntimeContext): Obstacle | null {
  const server = findServer(name, context);
  if ("refusal" in server) return { text: server.refusal.text.trimEnd(), final: true };
  const { shared } = context.control;
  if (!context.states.inMaintenance(server.found)) {
    return { text: "Only servers in maintenance mode can be deleted.", final: true };
  }
  const at = shared.serverAt(server.found.index);
  const busy = [SERVER.served, SERVER.queued, SERVER.idle].some((word) => Atomics.load(shared.words, at + word) > 0);
  return busy ? { text: "Server still has connections attached to it, cannot remove it.", final: false } : null;
}

function sleep(durationMs: number, isOver: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      clearInterval(look);
      resolve();
    }, durationMs);
    const look = setInterval(() => {
      if (!isOver()) return;
      clearTimeout(timer);
      clearInterval(look);
      resolve();
    }, LOOK_EVERY_MS * 5);
  });
}
