// Resident memory of a process, once or watched over time.

import { readFileSync } from "node:fs";

/** Resident bytes (VmRSS) of the process, its threads and its shared mappings. Throws when it is gone. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
  if (match === null) throw new Error(`process ${pid} has no memory any more`);
  return Number(match[1]) * 1024;
}

/** Samples a process's memory until it is told to stop. A process that ends meanwhile keeps its last sample. */
export class MemoryWatch {
  readonly #pid: number;
  readonly #startBytes: number;
  readonly #timer: NodeJS.Timeout;
  #maxBytes: number;

  constructor(pid: number, everyMs: number) {
    this.#pid = pid;
    this.#startBytes = this.#maxBytes = residentBytes(pid);
    this.#timer = setInterval(() => this.#sample(), everyMs);
  }

  /** By how many bytes the process was larger at its largest than at the start. */
  get growthBytes(): number {
    return this.#maxBytes - this.#startBytes;
  }

  /** Takes a last sample. */
  stop(): void {
    clearInterval(this.#timer);
    this.#sample();
  }

  #sample(): void {
    try {
      this.#maxBytes = Math.max(this.#maxBytes, residentBytes(this.#pid));
    } catch {
      clearInterval(this.#timer); // it ended; whoever uses it will find out in better words
    }
  }
}
