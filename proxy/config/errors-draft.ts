// Error pages of a section while it is being read: what stands later in the section takes the place of what stood before.

import type { AnswerPlan } from "../plan/rules.ts";
import type { Statement } from "./statement.ts";

/** A line that says what is answered: a file (null: nothing, the connection is closed), an answer, or those of an `http-errors` section. */
export type ErrorUse =
  | { readonly kind: "file"; readonly status: number; readonly bytes: Uint8Array | null }
  | { readonly kind: "reply"; readonly status: number; readonly answer: AnswerPlan }
  /** `statuses` null: all that the section has. */
  | {
      readonly kind: "section";
      readonly name: string;
      readonly statuses: readonly number[] | null;
      readonly statement: Statement;
    };

/** An `http-errors` section. */
export interface HttpErrorsDraft {
  readonly name: string;
  readonly files: Map<number, Uint8Array | null>;
}

/** An answer whose page is that of an `http-errors` section, which may only be read later: `settle` gives it the file. */
export interface HttpErrorsUse {
  readonly name: string;
  readonly statement: Statement;
  readonly proxy: { readonly name: string };
  readonly settle: (section: HttpErrorsDraft) => void;
}

/** What is answered by status, when all sections have been read. */
export function settleErrors(
  uses: readonly ErrorUse[],
  sections: readonly HttpErrorsDraft[],
): Map<number, Exclude<ErrorUse, { readonly kind: "section" }>> {
  const settled = new Map<number, Exclude<ErrorUse, { readonly kind: "section" }>>();
  for (const use of uses) {
    if (use.kind !== "section") {
      settled.set(use.status, use);
      continue;
    }
    for (const [status, bytes] of sections.find(({ name }) => name === use.name)?.files ?? []) {
      if (use.statuses === null || use.statuses.includes(status)) settled.set(status, { kind: "file", status, bytes });
    }
  }
  return settled;
}
