// Programs that the end-to-end tests talk to (curl, wrk, varnishtest …) and rights that they need (root, unshare).
//
// A peer that is missing never makes a test pass by itself: outside CI the test is skipped and says what to install, with
// `CI=true` the same test fails, because there the peers are part of what was promised.

import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** The options that tap understands as "skip this test and say so". */
export interface SkipOption {
  readonly skip: string | false;
}

/** Full path of `program` in PATH (and in the sbin folders that a user's PATH often lacks), or null. */
export function findProgram(program: string): string | null {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin", "/usr/local/sbin"];
  for (const folder of folders) {
    if (folder === "") continue;
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder: the next one may have it.
    }
  }
  return null;
}

/**
 * For `t.test(name, needs("curl"), …)`: skips the test aloud when a program is missing.
 * @throws Error with `CI=true`, where a missing peer is a failure.
 */
export function needs(...programs: string[]): SkipOption {
  const missing = programs.filter((program) => findProgram(program) === null);
  return lacking(missing.length > 0, `needs ${missing.join(", ")} (not installed)`);
}

/** As `needs`, for tests that bind low ports, change user or mount. */
export function needsRoot(): SkipOption {
  return lacking(process.getuid?.() !== 0, "needs root");
}

/** As `needs`, for tests that make mounts or networks of their own, which some containers forbid even to root. */
export function needsUnshare(...flags: string[]): SkipOption {
  let possible = process.getuid?.() === 0 && findProgram("unshare") !== null;
  if (possible) {
    try {
      execFileSync("unshare", [...flags, "true"], { stdio: "ignore" });
    } catch {
      possible = false;
    }
  }
  return lacking(!possible, `needs root and unshare ${flags.join(" ")}`);
}

/** The first of several needs that is not met. */
export function allOf(...options: SkipOption[]): SkipOption {
  return options.find((option) => option.skip !== false) ?? { skip: false };
}

function lacking(isMissing: boolean, reason: string): SkipOption {
  if (!isMissing) return { skip: false };
  if (process.env.CI === "true") throw new Error(`${reason}, and with CI=true that is a failure`);
  return { skip: reason };
}
