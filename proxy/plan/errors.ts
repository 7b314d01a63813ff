// Answers in place of HAProxy's error pages, as data.

import type { AnswerPlan } from "./rules.ts";

export interface ErrorFilePlan {
  readonly status: number;
  /** The file's bytes, sent as they are (null: `/dev/null`, close without an answer). */
  readonly bytes: Uint8Array | null;
}

/** `http-error`: an answer made as those of `http-request return` are. */
export interface ErrorReplyPlan {
  readonly status: number;
  readonly answer: AnswerPlan;
}
