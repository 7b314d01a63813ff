// What a command of the runtime API is: words to recognise it by, a level that it needs, and a function that answers.
//
// Every verb has a file in this folder that exports its commands; commands.ts puts them together. A command never writes to a socket and
// never throws for what a user typed: it returns the answer, session.ts does the rest (empty line, prompt, severity, closing).

import type { Statistics } from "../../stats/statistics.ts";
import type { ControlPlane } from "../control-plane.ts";
import type { HaReports } from "../ha/ha-reports.ts";
import type { HealthChecks } from "../health/health-checks.ts";
import type { InvalidMessages } from "../invalid-messages.ts";
import type { LiveStreams } from "../live-streams.ts";
import type { PatternStore } from "../patterns/pattern-store.ts";
import type { Peers } from "../peers/peers.ts";
import type { ServerResolutions } from "../resolvers/server-resolutions.ts";
import type { EventSender } from "../server-state/announcer.ts";
import type { FrontendStates } from "../server-state/frontend-states.ts";
import type { ServerStates } from "../server-state/server-states.ts";
import type { LiveTlsFiles } from "../tls/live-files.ts";
import type { OcspUpdates } from "../tls/ocsp-updates.ts";
import type { ProcessVariables } from "../variables/process-variables.ts";
import type { SessionSettings } from "./session-settings.ts";

export type Level = "user" | "operator" | "admin";

const RANK: Readonly<Record<Level, number>> = { user: 0, operator: 1, admin: 2 };

export function allows(level: Level, needed: Level): boolean {
  return RANK[level] >= RANK[needed];
}

/** What the commands work on. */
export interface RuntimeContext {
  readonly control: Pick<ControlPlane, "plan" | "rings" | "shared" | "process" | "workers" | "statsSockets"> & {
    readonly syslog: EventSender;
    /** What the process said while starting. */
    readonly startupLog: () => string;
    readonly listeningFds: ControlPlane["listeningFds"];
  };
  readonly states: ServerStates;
  readonly frontends: FrontendStates;
  readonly checks: HealthChecks;
  readonly statistics: Statistics;
  readonly patterns: PatternStore;
  readonly variables: ProcessVariables;
  readonly peers: Peers;
  /** Servers whose addresses DNS gives. */
  readonly resolutions: ServerResolutions;
  readonly ha: HaReports;
  readonly streams: LiveStreams;
  readonly invalid: InvalidMessages;
  readonly tlsFiles: LiveTlsFiles;
  readonly ocspUpdates: OcspUpdates;
}

export interface CommandCall {
  /** What follows the command's own words, unescaped. */
  readonly args: readonly string[];
  /** The lines after `<<`, without their end mark; "" when there are none. */
  readonly payload: string;
  readonly session: SessionSettings;
}

/**
 * A dump, or a message with a syslog severity that is shown when the user asked for it. Text ends with a line feed unless it is empty;
 * the empty line that ends every answer is not part of it.
 */
export interface Answer {
  readonly text: string;
  readonly severity?: number;
}

export interface Command {
  readonly words: readonly string[];
  /** Left half of the command's line in `help`, e.g. `show stat [desc|json|no-maint|typed|up]*`; null: not listed. */
  readonly usage: string | null;
  readonly description: string;
  readonly level: Level;
  run(call: CommandCall, context: RuntimeContext): Answer | Promise<Answer>;
}

const SEVERITY_ERROR = 3;
const SEVERITY_INFO = 6;

/** A refusal; HAProxy's LOG_ERR. */
export function failure(text: string): Answer {
  return { text, severity: SEVERITY_ERROR };
}

/** A message that is no dump; HAProxy's LOG_INFO. */
export function message(text: string): Answer {
  return { text, severity: SEVERITY_INFO };
}

/** Done, nothing to say. */
export const NOTHING: Answer = { text: "" };

/** More right than the session has. */
export const PERMISSION_DENIED = failure("Permission denied\n");
