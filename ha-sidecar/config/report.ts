// Faults of a configuration in keepalived's own grades. keepalived mostly goes on: it ignores what is wrong, says so, and `-t` fails.
//
//   fatal     keepalived stops here; so do we, but only after the rest has been looked at   [ALERT]    -t: 2, or 5
//   fault     something was ignored or changed; a daemon runs all the same                   [ALERT]    -t: 5
//   security  scripts without script security                                                [WARNING]  -t: 6
//   warning   a keyword without effect, a lint: keepalived says nothing of it                [WARNING]  -t: unchanged
//
// Messages are keepalived's wording (without its `(FILE: Line N)`, which the renderer's `parsing [FILE:N]` replaces) where it has one.

import type { DiagnosticDetails, Diagnostics, Place } from "../../shared/diagnostic/diagnostic.ts";

/** Exit statuses of `keepalived -t`, as 2.2.7 gives them (its manual page counts the last two from 4). */
export const TEST_STATUS = { ok: 0, unusable: 2, faulty: 5, insecure: 6 } as const;
export type TestStatus = (typeof TEST_STATUS)[keyof typeof TEST_STATUS];

export class Report {
  readonly diagnostics: Diagnostics;
  #fatalStatus: TestStatus | null = null;
  #status: TestStatus = TEST_STATUS.ok;

  constructor(diagnostics: Diagnostics) {
    this.diagnostics = diagnostics;
  }

  /** Nothing may be started with this configuration. */
  get isFatal(): boolean {
    return this.#fatalStatus !== null;
  }

  /** What `-t` exits with: the first fault that stops keepalived goes before everything, insecure scripts before other faults. */
  get testStatus(): TestStatus {
    return this.#fatalStatus ?? this.#status;
  }

  fatal(code: string, place: Place, message: string, details?: DiagnosticDetails, status: TestStatus = 2): void {
    this.#fatalStatus ??= status;
    this.diagnostics.alert(code, place, message, details);
  }

  fault(code: string, place: Place, message: string, details?: DiagnosticDetails): void {
    this.#raise(TEST_STATUS.faulty);
    this.diagnostics.alert(code, place, message, details);
  }

  security(code: string, place: Place, message: string, details?: DiagnosticDetails): void {
    this.#raise(TEST_STATUS.insecure);
    this.diagnostics.warning(code, place, message, details);
  }

  warning(code: string, place: Place, message: string, details?: DiagnosticDetails): void {
    this.diagnostics.warning(code, place, message, details);
  }

  #raise(status: TestStatus): void {
    if (status > this.#status) this.#status = status;
  }
}
