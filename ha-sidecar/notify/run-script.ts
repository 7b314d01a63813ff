// Runs a script once, as its user, without a shell and without waiting. What it prints is its own business.

import { spawn } from "node:child_process";
import type { Log } from "../log.ts";
import type { ScriptPlan } from "../plan/track.ts";

/** Resolves when it has ended, however; null for nothing to run. `timeoutMs`: then it is killed. */
export function runScript(
  script: ScriptPlan | null,
  extra: readonly string[],
  log: Log,
  timeoutMs?: number,
): Promise<void> | null {
  if (script === null || !script.enabled) return null;
  const [program, ...parameters] = script.argv;
  const child = spawn(program!, [...parameters, ...extra], {
    uid: script.uid,
    gid: script.gid,
    stdio: "ignore",
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
  });
  return new Promise<void>((resolve) => {
    child.on("error", (error) => {
      log("error", `script ${script.text}: ${error.message}`);
      resolve();
    });
    child.on("exit", (_, signal) => {
      if (signal !== null) log("warn", `script ${script.text}: ended by ${signal}`);
      resolve();
    });
  });
}
