// The hand-over of a master that leaves or yields: how long is waited for the successor, and when it was heard.

import { LINGER_MS } from "./timing.ts";

const NEVER = Number.POSITIVE_INFINITY;

export class Handover {
  /** When it is over, one way or the other; NEVER: none is under way. */
  dueMs = NEVER;
  startedMs = 0;
  /** When the successor was heard first; NEVER: it was not. */
  heardMs = NEVER;

  start(nowMs: number, waitMs: number): void {
    this.startedMs = nowMs;
    this.heardMs = NEVER;
    this.dueMs = nowMs + waitMs;
  }

  /** The first advert of a successor. */
  onHeard(nowMs: number): void {
    this.heardMs = nowMs;
    this.dueMs = nowMs + LINGER_MS;
  }

  disarm(): void {
    this.dueMs = NEVER;
  }

  /** One is under way and has its successor. */
  get hasSuccessor(): boolean {
    return this.dueMs !== NEVER && this.heardMs !== NEVER;
  }
}
