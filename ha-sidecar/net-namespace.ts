// net_namespace and -s: the program starts itself again inside the network namespace, as the same process (execve), by way of ip(8), which also
// brings /sys and /etc/netns along. What was done before that is lost on purpose: all of it was done in the wrong place.

import { existsSync } from "node:fs";
import { errnoMeaning } from "../shared/abi/errno.ts";
import { F_SETFD, fcntl } from "../shared/ffi/file.ts";
import { execvp } from "../shared/ffi/process.ts";

/** Tells the second start that it is one. Nobody else is to see it. */
const ENTERED = "RINGWAY_HA_NETNS";
const FOLDER = "/run/netns";
const STANDARD_STREAMS = [0, 1, 2];

/** The namespace that this program has been started again in; null: none. */
export const enteredNamespace: string | null = process.env[ENTERED] ?? null;
delete process.env[ENTERED];

/** Does not return, unless we are there already (null) or cannot get there: a text says why. */
export function enterNamespace(name: string): string | null {
  if (name === enteredNamespace) return null;
  if (!existsSync(`${FOLDER}/${name}`)) return `network namespace ${name} does not exist (ip netns add ${name})`;
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  process.env[ENTERED] = name;
  // Node's start has marked them as not to be inherited.
  for (const fd of STANDARD_STREAMS) fcntl(fd, F_SETFD, 0);
  const result = execvp("ip", ["ip", "netns", "exec", name, ...again]);
  return `network namespace ${name}: ip: ${errnoMeaning(result)}`;
}
