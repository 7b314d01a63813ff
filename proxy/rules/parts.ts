// What the actions of one rule set close over, and what they all do when a rewrite fails.

import type { SampleContext } from "../sample/context.ts";
import { COUNTER } from "../shared-state/layout.ts";
import type { Input } from "../stream/input.ts";
import type { Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import type { HeadEdits } from "./head-edits.ts";
import type { RequestTarget } from "./request-target.ts";
import type { Values } from "./value.ts";
import { VERDICT } from "./verdict.ts";
import type { Waiting } from "./waiting.ts";

const BY_PROXY = 80; // P
const IN_REQUEST = 82; // R
const IN_HEADERS = 72; // H
const CONTINUE = VERDICT.continue;
const ANSWERED = VERDICT.answered;

export interface RuleParts {
  readonly ctx: WorkerContext;
  readonly samples: SampleContext;
  readonly values: Values;
  /** Of the head that the rule set edits. */
  readonly edits: HeadEdits;
  /** null in responses. */
  readonly target: RequestTarget | null;
  /** `request` and `response`: of the content rules and the http rules; the phases before have no stream of their own yet (rules.ts). */
  readonly phase: "connection" | "session" | "request" | "response";
  readonly isResponse: boolean;
  readonly waiting: Waiting;
  readonly input: Input;
}

/** Counts in the rows of everyone who has a part in the stream: frontend, listener, and (as far as they are known) backend and server. */
export function countEverywhere({ lifecycle }: WorkerContext, stream: Stream, column: number): void {
  lifecycle.count(lifecycle.frontendAt[stream.frontend]!, column);
  lifecycle.count(lifecycle.listenerAt[stream.listener]!, column);
  if (stream.backend >= 0) lifecycle.count(lifecycle.backendAt[stream.backend]!, column);
  if (stream.serverIndex >= 0) lifecycle.count(lifecycle.serverAt[stream.serverIndex]!, column);
}

/**
 * A rewrite did not fit: counted, and under `strict-mode on` (the default) the end of the stream with 500.
 * @returns the action's verdict
 */
export function rewriteFailed(
  { ctx, edits, isResponse }: Pick<RuleParts, "ctx" | "edits" | "isResponse">,
  stream: Stream,
): number {
  countEverywhere(ctx, stream, COUNTER.failedRewrites);
  if (!edits.strict) return CONTINUE;
  countEverywhere(ctx, stream, COUNTER.internalErrors);
  ctx.lifecycle.endReason(stream, BY_PROXY, isResponse ? IN_HEADERS : IN_REQUEST);
  ctx.replies.error(stream, 500);
  return ANSWERED;
}
