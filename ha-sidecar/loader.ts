// Reads the configuration in a process of its own (load-process.ts says why).

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { deserialize } from "node:v8";
import type { HaPlan } from "./plan/plan.ts";

const PROGRAM = fileURLToPath(new URL("./load-process.js", import.meta.url));
/** A plan of some ten thousand instances. */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;

export interface ConfigurationSource {
  readonly path: string;
  readonly configId: string | null;
  readonly allConfig: boolean;
  /** The other machine's configuration, to be compared with this one; null: nothing is compared. */
  readonly peer: { readonly path: string; readonly configId: string | null } | null;
}

export interface LoadAnswer {
  readonly plan: HaPlan;
  /** The plan must not be used. */
  readonly isFatal: boolean;
  /** What `-t` exits with. */
  readonly testStatus: number;
  /** All diagnostics, rendered. */
  readonly messages: string;
}

/** The answer, or a text that says why there is none: a bug, or a machine that cannot start processes. */
export function loadConfiguration(source: ConfigurationSource): LoadAnswer | string {
  const { error, status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, JSON.stringify(source)], {
    maxBuffer: ANSWER_BYTES_MAX,
  });
  if (error !== undefined) return error.message;
  if (status !== 0) return `reading the configuration failed: ${stderr.toString("utf8")}`;
  return deserialize(stdout) as LoadAnswer;
}
