// A track_file: a file that holds a number. Its folder is watched (inotify through node:fs), so that a file that is written anew, replaced
// or not there yet is noticed; a missing or unreadable number counts as 0.

import { existsSync, type FSWatcher, readFileSync, watch, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Log } from "../log.ts";
import type { TrackFilePlan } from "../plan/track.ts";

export class FileTracker {
  readonly #plan: TrackFilePlan;
  readonly #log: Log;
  readonly #onChange: (value: number) => void;
  #watcher: FSWatcher | null = null;
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
  }

  #read(): void {
    const value = readNumber(this.#plan.path);
    if (value === this.#value) return;
    this.#value = value;
    this.#onChange(value);
  }
}

function readNumber(path: string): number {
  try {
    const value = Number.parseInt(readFileSync(path, "latin1"), 10);
    return Number.isNaN(value) ? 0 : value;
  } catch {
    // Not there (yet): the documentation's meaning of a missing file is 0.
    return 0;
  }
}
