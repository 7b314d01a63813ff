// A track_file: a file that holds a number. Its folder is watched (inotify through node:fs), so that a file that is written anew, replaced
// or not there yet is noticed; a missing or unreadable number counts as 0. Whoever writes it anew empties it first: an empty file is looked at
// again before it counts.

import { existsSync, type FSWatcher, readFileSync, watch, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Log } from "../log.ts";
import type { TrackFilePlan } from "../plan/track.ts";

/** An empty file is believed after this. */
const SETTLE_MS = 100;

export class FileTracker {
  readonly #plan: TrackFilePlan;
  readonly #log: Log;
  readonly #onChange: (value: number) => void;
  #watcher: FSWatcher | null = null;
  #again: NodeJS.Timeout | null = null;
  #value: number | null = null;

  constructor(plan: TrackFilePlan, log: Log, onChange: (value: number) => void) {
    this.#plan = plan;
    this.#log = log;
    this.#onChange = onChange;
  }

  start(): void {
    const { path, initFile, name } = this.#plan;
    try {
      if (initFile !== null && (initFile.overwrite || !existsSync(path))) writeFileSync(path, `${initFile.value}\n`);
      this.#watcher = watch(dirname(path), { persistent: true }, (_, changed) => {
        if (changed === null || changed === basename(path)) this.#read();
      });
      this.#watcher.on("error", (error) => this.#log("error", `track_file ${name}: ${error.message}`));
    } catch (error) {
      this.#log("error", `track_file ${name}: ${(error as Error).message}`);
    }
    this.#read();
  }

  stop(): void {
    this.#watcher?.close();
    if (this.#again !== null) clearTimeout(this.#again);
  }

  #read(isLate = false): void {
    const text = readText(this.#plan.path);
    if (this.#again !== null) clearTimeout(this.#again);
    this.#again = null;
    if (text === "" && !isLate && this.#value !== null) {
      this.#again = setTimeout(() => this.#read(true), SETTLE_MS);
      return;
    }
    const value = Number.parseInt(text ?? "", 10) || 0;
    if (value === this.#value) return;
    this.#value = value;
    this.#onChange(value);
  }
}

/** null: not there (yet), which the documentation says is 0. */
function readText(path: string): string | null {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return null;
  }
}
