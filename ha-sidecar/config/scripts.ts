// From a command as it was written to one that may be run: who it runs as, where it is, whether it is safe. keepalived.conf(5), "SCRIPTS".
//
// A command without a slash is looked for in keepalived's path, and links are followed: what is checked is what is run. With
// enable_script_security a command that would run as root must not be changeable by others than root, nor any directory above it. Without
// it such a command runs, and the whole configuration gets the SECURITY VIOLATION of keepalived.
//
// What is checked here is the state of the file system now. Whoever runs a script much later may look again; the plan says what was found.

import { accessSync, constants, realpathSync, type Stats, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { NOWHERE, type Place } from "../../shared/diagnostic/diagnostic.ts";
import type { ScriptPlan } from "../plan/track.ts";
import type { GlobalDraft, ScriptDraft } from "./drafts.ts";
import type { Host } from "./host.ts";
import type { Report } from "./report.ts";

/** Where keepalived looks for commands without a slash. */
const PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

const DEFAULT_USER = "keepalived_script";

interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** What is wrong with a command, in keepalived's words; null: nothing. */
type Verdict = "not found/accessible" | "insecure" | null;

export class Scripts {
  readonly #host: Host;
  readonly #report: Report;
  readonly #security: boolean;
  readonly #keepsLinks: boolean;
  /** Who scripts run as by default; null: nobody can be found. */
  readonly #default: Identity | null;
  #running = 0;
  #insecure = 0;
  #firstPlace: Place = NOWHERE;

  constructor(global: GlobalDraft, host: Host, report: Report) {
    this.#host = host;
    this.#report = report;
    this.#security = global.scriptSecurity;
    this.#keepsLinks = global.useSymlinkPaths;
    this.#default = this.#defaultIdentity(global);
  }

  #defaultIdentity(global: GlobalDraft): Identity | null {
    const configured = global.scriptUser;
    if (configured !== null) {
      const identity = this.#identity(configured.user, configured.group);
      if (identity !== null) return identity;
      this.#report.fault("unknown-user", configured.place, "Error setting global script uid/gid", {
        hint: `There is no user '${configured.user}'${configured.group === null ? "" : `, or no group '${configured.group}'`}.`,
      });
    }
    const fallback = this.#host.user(DEFAULT_USER);
    if (fallback !== null) return fallback;
    // Without script security keepalived falls back to whoever it runs as.
    return this.#security ? null : { uid: this.#host.uid, gid: this.#host.gid };
  }

  #identity(user: string, group: string | null): Identity | null {
    const found = this.#host.user(user);
    if (found === null || group === null) return found;
    const gid = this.#host.group(group);
    return gid === null ? null : { uid: found.uid, gid };
  }

  /**
   * A command that is only run on an occasion (notify, quorum_up, …): what is not there is silently not run, as with keepalived.
   * @param what `notify script`, for messages
   */
  notify(script: ScriptDraft | null, what: string): ScriptPlan | null {
    if (script === null) return null;
    const identity = this.#identityOf(script, what);
    if (identity === null) return null;
    return this.#plan(script, identity, (verdict, path) => {
      if (verdict === null) return;
      const problem = verdict === "insecure" ? "is insecure" : "is not found or cannot be run";
      const message = `${what} '${path}' ${problem} - it will not be run`;
      this.#report.warning("script-disabled", script.place, message, { hint: this.#hint(verdict) });
    });
  }

  /** `startup_script`, `shutdown_script`: one that is not there is a fault, and the rest starts without it. */
  lifecycle(script: ScriptDraft | null, which: "startup" | "shutdown"): ScriptPlan | null {
    if (script === null) return null;
    const identity = this.#identityOf(script, `${which} script`);
    if (identity === null) return null;
    return this.#plan(script, identity, (verdict) => {
      if (verdict === null) return;
      this.#report.fault("script-disabled", script.place, `Invalid ${which} script`, { hint: this.#hint(verdict) });
    });
  }

  /** The command of a vrrp_script or MISC_CHECK: one that is not there is a fault. null: nobody can be found to run it. */
  track(script: ScriptDraft, user: ScriptDraft["user"], group: ScriptDraft["group"], what: string): ScriptPlan | null {
    const identity = this.#identityOf({ ...script, user, group }, what);
    if (identity === null) return null;
    return this.#plan(script, identity, (verdict) => {
      if (verdict === null) return;
      // keepalived finds out about the command of a check when it runs it.
      if (what.startsWith("misc checker")) {
        const message = `${what} '${script.argv[0]}' is ${verdict} - the check fails`;
        this.#report.warning("script-disabled", script.place, message, { hint: this.#hint(verdict) });
        return;
      }
      const message =
        verdict === "insecure" ? `Disabling ${what} due to insecure` : `Disabling ${what} since ${verdict}`;
      this.#report.fault("script-disabled", script.place, message, { hint: this.#hint(verdict) });
    });
  }

  /** A file's owner, for FIFOs. */
  owner(user: string | null, group: string | null, place: Place): Identity {
    const nobody = { uid: this.#host.uid, gid: this.#host.gid };
    if (user === null) return this.#default ?? nobody;
    const identity = this.#identity(user, group);
    if (identity === null) {
      this.#report.fault("unknown-user", place, `Invalid user/group for fifo - ignoring`, {
        hint: `There is no user '${user}'.`,
      });
    }
    return identity ?? nobody;
  }

  /** To be called when everything has been resolved. */
  finish(): void {
    if (this.#security || this.#running === 0) return;
    const insecure = this.#insecure > 0 ? " There are insecure scripts." : "";
    const message = `SECURITY VIOLATION - scripts are being executed but script_security not enabled.${insecure}`;
    this.#report.security("script-security", this.#firstPlace, message, {
      introduction: "none",
      hint: "Write enable_script_security into global_defs, and script_user with a user of little power.",
    });
  }

  #identityOf(script: ScriptDraft, what: string): Identity | null {
    if (script.user !== null) {
      const identity = this.#identity(script.user, script.group);
      if (identity !== null) return identity;
      const message = what.startsWith("track script")
        ? `Unable to set uid/gid for script '${script.text}'`
        : what.startsWith("misc checker")
          ? `Failed to set uid/gid for misc checker script '${script.text}' - removing`
          : `Invalid user/group for ${what} ${script.argv[0]} - ignoring`;
      const hint = `There is no user '${script.user}'${script.group === null ? "" : ` or no group '${script.group}'`}.`;
      this.#report.fault("unknown-user", script.place, message, { hint });
      return null;
    }
    if (this.#default === null) {
      this.#report.fault("unknown-user", script.place, `Unable to set default user ${DEFAULT_USER} for script`, {
        hint: "With enable_script_security there must be a script_user, or a user of that name.",
      });
    }
    return this.#default;
  }

  #plan(script: ScriptDraft, identity: Identity, tell: (verdict: Verdict, path: string) => void): ScriptPlan {
    const command = script.argv[0] ?? "";
    const { path, written } = findCommand(command);
    const { verdict, isInsecure } = this.#examine(path, identity);
    tell(verdict, command);
    const enabled = verdict === null;
    if (enabled) {
      if (this.#running++ === 0) this.#firstPlace = script.place;
      if (isInsecure) this.#insecure++;
    }
    return {
      argv: [(this.#keepsLinks ? written : path) ?? command, ...script.argv.slice(1)],
      text: script.text,
      ...identity,
      enabled,
    };
  }

  #examine(path: string | null, identity: Identity): { verdict: Verdict; isInsecure: boolean } {
    if (path === null) return { verdict: "not found/accessible", isInsecure: false };
    const status = statSync(path);
    if (!status.isFile()) return { verdict: "insecure", isInsecure: true };
    if (!isExecutable(path, status, identity)) return { verdict: "not found/accessible", isInsecure: false };
    const isInsecure = identity.uid === 0 && isChangeableByOthers(path);
    return { verdict: isInsecure && this.#security ? "insecure" : null, isInsecure };
  }

  #hint(verdict: Verdict): string {
    return verdict === "insecure"
      ? "It runs as root, but others than root can change it or a directory above it. Let script_user be another user, or change its owner and mode."
      : "The command must exist and be executable; it is not run by a shell.";
  }
}

/** Where a command was found, as it is written and with all links followed; null: nowhere. */
function findCommand(command: string): { path: string | null; written: string | null } {
  const candidates = command.includes("/") ? [command] : PATH.map((directory) => join(directory, command));
  for (const candidate of command === "" ? [] : candidates) {
    const path = realPath(candidate);
    if (path !== null && (command.includes("/") || statSync(path).isFile())) return { path, written: candidate };
  }
  return { path: null, written: null };
}

function realPath(path: string): string | null {
  try {
    return realpathSync(path);
  } catch (error) {
    if (error instanceof Error && "syscall" in error) return null;
    throw error;
  }
}

function isExecutable(path: string, status: Stats, identity: Identity): boolean {
  const { mode } = status;
  if (identity.uid === 0) return (mode & 0o111) !== 0;
  if (identity.uid === process.getuid?.()) {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  }
  const bit = status.uid === identity.uid ? 0o100 : status.gid === identity.gid ? 0o010 : 0o001;
  return (mode & bit) !== 0;
}

/** Others than root can write to the file or to a directory above it. A directory with the sticky bit protects what root owns in it. */
function isChangeableByOthers(path: string): boolean {
  for (let current = path, below: Stats | null = null; ; current = dirname(current)) {
    const status = statSync(current);
    const isSticky = status.isDirectory() && (status.mode & 0o1000) !== 0 && below?.uid === 0;
    const isGroupWritable = (status.mode & 0o020) !== 0 && status.gid !== 0;
    const isWritable = isGroupWritable || (status.mode & 0o002) !== 0;
    if (status.uid !== 0 || (isWritable && !isSticky)) return true;
    if (current === "/") return false;
    below = status;
  }
}
