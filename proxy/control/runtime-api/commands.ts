// All commands of the runtime API, in the order of `help`: HAProxy sorts by name and puts help, prompt and quit last.

import { clearCounters } from "./clear-counters.ts";
import type { Command } from "./command.ts";
import { debugDevLog } from "./debug.ts";
import { dumpStatsFile } from "./dump-stats-file.ts";
import { disableDynamicCookie, enableDynamicCookie, setDynamicCookieKey } from "./dynamic-cookie.ts";
import { setHaState, showHa } from "./ha.ts";
import { help } from "./help.ts";
import { showDev, showFd, showLibs, showPools, showStartupLogs, showThreads } from "./internals.ts";
import { PATTERN_COMMANDS } from "./patterns.ts";
import { publishBackend, unpublishBackend } from "./publish-backend.ts";
import {
  echo,
  experimentalMode,
  expertMode,
  operator,
  prompt,
  quit,
  setSeverityOutput,
  setTimeoutCli,
  showCliLevel,
  user,
} from "./session-commands.ts";
import { setMaxconnFrontend, setMaxconnGlobal, setMaxconnServer } from "./set-maxconn.ts";
import { setRateLimit } from "./set-rate-limit.ts";
import { setServer } from "./set-server.ts";
import { showActivity } from "./show-activity.ts";
import { showCache } from "./show-cache.ts";
import { showDefaultServer } from "./show-default-server.ts";
import { showErrors } from "./show-errors.ts";
import { showEvents } from "./show-events.ts";
import { showInfo } from "./show-info.ts";
import { showPeers } from "./show-peers.ts";
import { showBackend, showCliSockets, showEnv, showVersion } from "./show-process.ts";
import { showResolvers } from "./show-resolvers.ts";
import { showSchema } from "./show-schema.ts";
import { showServersConn, showServersState } from "./show-servers.ts";
import { showSess, shutdownSession } from "./show-sess.ts";
import { showStat } from "./show-stat.ts";
import { shutdownSessionsServer } from "./shutdown-sessions.ts";
import { CERTIFICATE_COMMANDS } from "./ssl/ssl-cert.ts";
import { CRT_LIST_COMMANDS } from "./ssl/ssl-crt-list.ts";
import { OCSP_COMMANDS } from "./ssl/ssl-ocsp.ts";
import { TRUST_COMMANDS } from "./ssl/ssl-trust.ts";
import { TICKET_KEY_COMMANDS } from "./ssl/tls-keys.ts";
import { disableFrontend, enableFrontend, shutdownFrontend } from "./switch-frontend.ts";
import {
  disableAgent,
  disableHealth,
  disableServer,
  enableAgent,
  enableHealth,
  enableServer,
} from "./switch-server.ts";
import { clearTable, setTable, showTable } from "./table-commands.ts";
import { getVar, setVar } from "./variables.ts";
import { wait } from "./wait.ts";
import { getWeight, setWeight } from "./weight.ts";

/** Adding a verb is: a file, and a line here. */
const LISTED: readonly Command[] = [
  clearCounters,
  clearTable,
  debugDevLog,
  disableAgent,
  disableFrontend,
  publishBackend,
  unpublishBackend,
  disableHealth,
  disableServer,
  disableDynamicCookie,
  dumpStatsFile,
  enableDynamicCookie,
  setDynamicCookieKey,
  echo,
  enableAgent,
  enableFrontend,
  enableHealth,
  enableServer,
  experimentalMode,
  expertMode,
  getVar,
  getWeight,
  operator,
  setHaState,
  setMaxconnFrontend,
  setMaxconnGlobal,
  setMaxconnServer,
  setServer,
  setRateLimit,
  setSeverityOutput,
  setTable,
  setTimeoutCli,
  setVar,
  setWeight,
  showActivity,
  showCache,
  showEvents,
  showBackend,
  showCliLevel,
  showCliSockets,
  showDefaultServer,
  showDev,
  showEnv,
  showErrors,
  showFd,
  showLibs,
  showPools,
  showSchema,
  showSess,
  showStartupLogs,
  showThreads,
  showHa,
  showInfo,
  showPeers,
  showResolvers,
  showServersConn,
  showServersState,
  showStat,
  showTable,
  showVersion,
  shutdownFrontend,
  shutdownSession,
  shutdownSessionsServer,
  user,
  wait,
  ...PATTERN_COMMANDS,
  ...CERTIFICATE_COMMANDS,
  ...CRT_LIST_COMMANDS,
  ...OCSP_COMMANDS,
  ...TICKET_KEY_COMMANDS,
  ...TRUST_COMMANDS,
];

function byName(a: Command, b: Command): number {
  return a.words.join(" ") < b.words.join(" ") ? -1 : 1;
}

/** In the order of `help`. */
export const COMMANDS: readonly Command[] = [...[...LISTED].sort(byName), help(() => COMMANDS), prompt, quit];
/** The command whose words begin the line; the longest one when several do. */
export function findCommand(words: readonly string[]): Command | undefined {
  let best: Command | undefined;
  for (const command of COMMANDS) {
    const matches = command.words.every((word, i) => word === words[i]);
    if (matches && command.words.length > (best?.words.length ?? 0)) best = command;
  }
  return best;
}
