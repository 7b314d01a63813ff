// HAProxy's sentences about servers, word for word: monitoring greps for them and its regression tests match them.
//
//   Server be/s1 is DOWN, reason: Layer4 connection problem, info: "Connection refused", check duration: 0ms. 1 active and …
//   └ subject ┘ └ verb ┘ └──────────────────── reason ─────────────────────────────────────────────────────┘ └ counts ┘
//
// Observed with HAProxy 3.2. 2.6 says the same with one exception: its `log-health-checks` does not drop the reason from the
// server's own line.

import type { ProxyPlan, ServerPlan } from "../../plan/plan.ts";
import { CHECK_STATUS, checkDescription, hasCheckCode } from "../health/check-status.ts";

/** How a check ended, as far as sentences are concerned. */
export interface CheckOutcome {
  /** CHECK_STATUS number. */
  readonly status: number;
  /** The response code, 0: none. */
  readonly code: number;
  /** What the peer or the kernel said, "" for nothing: `last_chk` of show stat. */
  readonly info: string;
  readonly durationMs: number;
}

/** What a backend has left, and what its queues hold, at the moment of an event. */
export interface BackendCounts {
  readonly active: number;
  readonly backup: number;
  /** Streams on the server. */
  readonly sessions: number;
  /** Streams that waited for the server and go back to the backend's queue. */
  readonly requeued: number;
  readonly queued: number;
}

/** Why a server changed: the last check, an administrator's command, the server that it tracks, or nothing that has to be said (again). */
export type Reason = { readonly check: CheckOutcome } | { readonly via: string } | "cli" | "unsaid";

/** `Server be/s1` or `Backup Server be/s1`. */
function subject(server: ServerPlan, backend: string): string {
  return `${server.backup ? "Backup " : ""}Server ${backend}/${server.name}`;
}

/** `, reason: …` as in check lines and state lines; starts with a comma because it follows a verb. */
function checkReason(outcome: CheckOutcome): string {
  const code = hasCheckCode(outcome.status) ? `, code: ${outcome.code}` : "";
  const info = outcome.info === "" ? "" : `, info: "${outcome.info}"`;
  const duration = outcome.status === CHECK_STATUS.HANA ? "" : `, check duration: ${outcome.durationMs}ms`;
  return `, reason: ${checkDescription(outcome.status)}${code}${info}${duration}`;
}

function reasonText(reason: Reason): string {
  if (reason === "cli") return ", changed from CLI";
  if (reason === "unsaid") return "";
  return "via" in reason ? viaText(reason.via) : checkReason(reason.check);
}

/** @param via the server that it tracks, null: it is the server's own affair */
function viaText(via: string | null): string {
  return via === null ? "" : ` via ${via}`;
}

function onBackup(counts: BackendCounts): string {
  return counts.active === 0 && counts.backup > 0 ? " Running on backup." : "";
}

/** The tail of sentences about a server that left. */
function countsLeft(counts: BackendCounts): string {
  return (
    `. ${counts.active} active and ${counts.backup} backup servers left.${onBackup(counts)}` +
    ` ${counts.sessions} sessions active, ${counts.requeued} requeued, ${counts.queued} remaining in queue.`
  );
}

/** The tail of sentences about a server that came, or that still serves what it has. */
function countsOnline(counts: BackendCounts): string {
  return (
    `. ${counts.active} active and ${counts.backup} backup servers online.${onBackup(counts)}` +
    ` ${counts.requeued} sessions requeued, ${counts.queued} total in queue.`
  );
}

export function downText(server: ServerPlan, backend: string, reason: Reason, counts: BackendCounts): string {
  return `${subject(server, backend)} is DOWN${reasonText(reason)}${countsLeft(counts)}`;
}

export function upText(server: ServerPlan, backend: string, reason: Reason, counts: BackendCounts): string {
  return `${subject(server, backend)} is UP${reasonText(reason)}${countsOnline(counts)}`;
}

export function stoppingText(server: ServerPlan, backend: string, reason: Reason, counts: BackendCounts): string {
  return `${subject(server, backend)} is stopping${reasonText(reason)}${countsOnline(counts)}`;
}

export function enterMaintenanceText(
  server: ServerPlan,
  backend: string,
  wasDown: boolean,
  counts: BackendCounts,
  cause: { readonly via: string } | { readonly resolution: string } | null = null,
): string {
  const why = cause === null ? "" : "via" in cause ? viaText(cause.via) : ` (${cause.resolution})`;
  if (wasDown) return `${subject(server, backend)} was DOWN and now enters maintenance${why}.`;
  return `${subject(server, backend)} is going DOWN for maintenance${why}${countsLeft(counts)}`;
}

/** Out of the maintenance that a failing resolution had brought. */
export function resolvesAgainText(
  server: ServerPlan,
  backend: string,
  hostname: string,
  words: LeftMaintenance,
): string {
  const state = `${words.isUp ? "UP" : "DOWN"}/${words.isDraining ? "DRAIN" : "READY"}`;
  return `${subject(server, backend)} ('${hostname}') is ${state} (resolves again).`;
}

export function leaveMaintenanceText(server: ServerPlan, backend: string, words: LeftMaintenance): string {
  const state = `${words.isUp ? "UP" : "DOWN"}/${words.isDraining ? "DRAIN" : "READY"}`;
  return `${subject(server, backend)} is ${state} (leaving ${words.wasForced ? "forced " : ""}maintenance).`;
}

/** How a server comes out of maintenance. */
export interface LeftMaintenance {
  readonly isUp: boolean;
  readonly isDraining: boolean;
  /** Its own maintenance, not that of the server that it tracks. */
  readonly wasForced: boolean;
}

export function enterDrainText(
  server: ServerPlan,
  backend: string,
  counts: BackendCounts,
  via: string | null = null,
): string {
  return `${subject(server, backend)} enters drain state${viaText(via)}${countsOnline(counts)}`;
}

export function remainInDrainText(server: ServerPlan, backend: string, via: string | null = null): string {
  const kind = via === null ? "forced drain mode" : `drain mode via ${via}`;
  return `${subject(server, backend)} remains in ${kind}.`;
}

export function leaveDrainText(server: ServerPlan, backend: string, up: boolean, via: string | null = null): string {
  const state = up ? "UP" : "DOWN";
  return via === null
    ? `${subject(server, backend)} is ${state} (leaving forced drain).`
    : `${subject(server, backend)} is ${state} (leaving drain) via ${via}.`;
}

/** Two spellings of one event: with quotes on stderr, without in the log. A `listen` is called a proxy. */
export function noServerText(proxy: ProxyPlan): { readonly log: string; readonly stderr: string } {
  const kind = proxy.kind === "listen" ? "proxy" : "backend";
  return {
    log: `${kind} ${proxy.name} has no server available!`,
    stderr: `${kind} '${proxy.name}' has no server available!`,
  };
}

/** The line of `option log-health-checks`. `health` runs from 0 to rise + fall - 1; the server counts as up from `rise` on. */
export function healthCheckText(
  server: ServerPlan,
  backend: string,
  verdict: "failed" | "succeeded" | "conditionally succeeded",
  outcome: CheckOutcome,
  health: number,
): string {
  const check = server.check;
  if (check === null) throw new Error(`${backend}/${server.name} has no checks, so none can have ended`);
  const status = health >= check.rise ? `${health - check.rise + 1}/${check.fall} UP` : `${health}/${check.rise} DOWN`;
  const backup = server.backup ? "backup " : "";
  return (
    `Health check for ${backup}server ${backend}/${server.name} ${verdict}` +
    `${checkReason(outcome)}, status: ${status}.`
  );
}

/** @param health 1 or 0: an agent needs one word to change its mind */
export function agentCheckText(server: ServerPlan, backend: string, outcome: CheckOutcome, health: 0 | 1): string {
  const backup = server.backup ? "backup " : "";
  const verdict = health === 1 ? "succeeded" : "failed";
  const status = health === 1 ? "1/1 UP" : "0/1 DOWN";
  return (
    `Agent check for ${backup}server ${backend}/${server.name} ${verdict}` +
    `${checkReason(outcome)}, status: ${status}.`
  );
}
