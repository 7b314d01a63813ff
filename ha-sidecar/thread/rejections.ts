// Counts dropped packets by reason and says so in the log without filling it: a reason is named at once when it is new, afterwards at most
// every ten seconds with the number of packets in between.

import { REJECTION_TEXTS, type Rejection } from "../vrrp/rejection.ts";

const SILENCE_MS = 10_000;

export class Rejections {
  readonly #counts = new Float64Array(REJECTION_TEXTS.length);
  readonly #loggedMs = new Float64Array(REJECTION_TEXTS.length).fill(Number.NEGATIVE_INFINITY);
  readonly #loggedCounts = new Float64Array(REJECTION_TEXTS.length);

  /** How many packets of this kind there were since the last line, this one included; 0: say nothing now. */
  take(rejection: Rejection, nowMs: number): number {
    const count = ++this.#counts[rejection]!;
    if (nowMs - this.#loggedMs[rejection]! < SILENCE_MS) return 0;
    const since = count - this.#loggedCounts[rejection]!;
    this.#loggedMs[rejection] = nowMs;
    this.#loggedCounts[rejection] = count;
    return since;
  }

  /** By reason, those that occurred. */
  counts(): Record<string, number> {
    const entries = [...this.#counts].map((count, rejection) => [REJECTION_TEXTS[rejection]!, count] as const);
    return Object.fromEntries(entries.filter(([, count]) => count > 0));
  }
}
