// set-path, set-pathq, set-query, set-uri and replace-path, replace-pathq, replace-uri: another target for the request.
//
//   http://host/path?query
//   └ uri ───────────────┘     path: /path     pathq: /path?query     query: query
//
// What is not replaced stays. A query that is set always has its question mark, as in HAProxy, even when it is empty.

import { MESSAGE, type Message } from "../http1/message.ts";
import type { LogNodePlan } from "../plan/log.ts";
import type { RequestPart } from "../plan/rules.ts";
import type { Stream } from "../stream/stream.ts";
import { type RuleParts, rewriteFailed } from "./parts.ts";
import { Replacement } from "./replacement.ts";
import type { RequestTarget } from "./request-target.ts";
import { type Action, VERDICT } from "./verdict.ts";

const CONTINUE = VERDICT.continue;
const AUTHORITY_FORM = MESSAGE.authorityForm;
const QUESTION_MARK = new Uint8Array([63]);

/** Where the part begins and ends in the present target; a query that is not there begins and ends at the end. */
function partStart(part: RequestPart, message: Message): number {
  if (part === "uri") return message.targetStart;
  if (part === "query") return message.queryStart === 0 ? message.targetEnd : message.queryStart;
  return message.pathStart;
}

function partEnd(part: RequestPart, message: Message): number {
  return part === "path" && message.queryStart !== 0 ? message.queryStart - 1 : message.targetEnd;
}

/** Puts `value` in place of the part. @returns false: a failed rewrite */
function setPart(
  part: RequestPart,
  target: RequestTarget,
  stream: Stream,
  bytes: Uint8Array,
  value: Uint8Array,
  length: number,
): boolean {
  const message = stream.request;
  target.begin();
  target.append(bytes, message.targetStart, partStart(part, message));
  if (part === "query" && message.queryStart === 0) target.append(QUESTION_MARK, 0, 1);
  target.append(value, 0, length);
  target.append(bytes, partEnd(part, message), message.targetEnd);
  return target.commit(stream) && (part !== "uri" || target.followTarget(stream));
}

/** Another path and query. @returns false: a failed rewrite */
export function replacePathAndQuery({ edits, target }: RuleParts, stream: Stream, value: Uint8Array): boolean {
  return setPart("pathq", target!, stream, edits.bytes, value, value.length);
}

/** `set-<part> <fmt>`. CONNECT has a host for a target and no part of it can be set. */
export function compileSetPart(parts: RuleParts, part: RequestPart, nodes: readonly LogNodePlan[]): Action {
  const { edits, values } = parts;
  const target = parts.target!;
  const value = values.compile(nodes);
  return (stream) => {
    if ((stream.request.flags & AUTHORITY_FORM) !== 0) return CONTINUE;
    const done = value.evaluate(stream) && setPart(part, target, stream, edits.bytes, value.bytes, value.length);
    return done ? CONTINUE : rewriteFailed(parts, stream);
  };
}

/** `replace-<part> <match-regex> <replace-fmt>` */
export function compileReplacePart(
  parts: RuleParts,
  part: RequestPart,
  pattern: string,
  nodes: readonly LogNodePlan[],
): Action {
  const { edits } = parts;
  const target = parts.target!;
  const replacement = new Replacement(parts, pattern, nodes);
  return (stream) => {
    const message = stream.request;
    if ((message.flags & AUTHORITY_FORM) !== 0) return CONTINUE;
    const result = replacement.replace(stream, edits.bytes, partStart(part, message), partEnd(part, message));
    if (result === null) return replacement.failed ? rewriteFailed(parts, stream) : CONTINUE;
    return setPart(part, target, stream, edits.bytes, result, result.length) ? CONTINUE : rewriteFailed(parts, stream);
  };
}
