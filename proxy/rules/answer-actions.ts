// deny, return and redirect: answers that a rule gives in place of a server. What differs between them is who is said to have ended the
// stream, and what is counted:
//
//                     flags    counters
//   request deny      PR       deniedRequests of frontend, listener and backend
//   request return    LR       intercepted of the frontend, while the stream is in no other proxy
//   response deny     PH       deniedResponses of all, the server included
//   response return   LH       as for requests

import { type LocalMessage, messageOfErrorFile, standardReason } from "../http1/error-messages.ts";
import type { AnswerPlan, RedirectPlan } from "../plan/rules.ts";
import { textBytes } from "../sample/value.ts";
import { COUNTER } from "../shared-state/layout.ts";
import type { Stream } from "../stream/stream.ts";
import { Location } from "./location.ts";
import { countEverywhere, type RuleParts } from "./parts.ts";
import type { Value } from "./value.ts";
import { type Action, VERDICT } from "./verdict.ts";

const CONTINUE = VERDICT.continue;
const ANSWERED = VERDICT.answered;
const BY_PROXY = 80; // P
const BY_LOCAL = 76; // L
const IN_REQUEST = 82; // R
const IN_HEADERS = 72; // H

const CRLF = textBytes("\r\n");
const CONTENT_LENGTH = textBytes("content-length: ");
const CONTENT_TYPE = textBytes("content-type: ");
const CONTENT_LENGTH_0 = textBytes("content-length: 0\r\n");
const LOCATION = textBytes("location: ");
const NO_CACHE = textBytes("cache-control: no-cache\r\n");
const SET_COOKIE = textBytes("set-cookie: ");
const NOTHING = new Uint8Array(0);

/** Ends the stream's way to a server: says who did it and counts it. */
function settle({ ctx, isResponse }: RuleParts, stream: Stream, denies: boolean): void {
  const { lifecycle } = ctx;
  lifecycle.endReason(stream, denies ? BY_PROXY : BY_LOCAL, isResponse ? IN_HEADERS : IN_REQUEST);
  if (denies && !isResponse && ctx.tracking.count > 0) ctx.tracking.error(stream);
  if (denies) countEverywhere(ctx, stream, isResponse ? COUNTER.deniedResponses : COUNTER.deniedRequests);
  else if (stream.backend < 0 || stream.backend === stream.frontend)
    lifecycle.count(lifecycle.frontendAt[stream.frontend]!, COUNTER.intercepted);
}

/** `deny …` and `return …` */
export function compileAnswer(parts: RuleParts, plan: AnswerPlan, denies: boolean): Action {
  const reply = compileReply(parts, plan);
  return (stream) => {
    settle(parts, stream, denies);
    return reply(stream);
  };
}

/** The answer itself, without a word on why it is given: rules', and `http-error`'s. */
export function compileReply(parts: RuleParts, plan: AnswerPlan): Action {
  const { ctx } = parts;
  const { body, status } = plan;
  if (body.kind === "errorfiles") {
    return (stream) => {
      ctx.replies.error(stream, status);
      return ANSWERED;
    };
  }
  if (body.kind === "errorfile") return compileErrorFile(parts, messageOfErrorFile(body.file), status);
  const headers = plan.headers.map(({ name, value }) => ({
    prefix: textBytes(`${name}: `),
    value: parts.values.compile(value),
  }));
  const content = body.kind === "format" ? parts.values.compileBody(body.format) : null;
  const constant = body.kind === "bytes" ? body.bytes : NOTHING;
  const contentType = plan.contentType === null ? null : textBytes(`${plan.contentType}\r\n`);
  const reason = standardReason(status);
  return (stream) => {
    if (content !== null && !content.evaluate(stream)) return tooLarge(parts, stream);
    const writer = ctx.replies.compose(stream, status, reason);
    if (writer === null) return ANSWERED;
    for (let i = 0; i < headers.length; i++) {
      const { prefix, value } = headers[i]!;
      if (!value.evaluate(stream) || value.length === 0) continue;
      writer.text(prefix);
      writer.part(value.bytes, value.length);
      writer.text(CRLF);
    }
    const length = content === null ? constant.length : content.length;
    writer.text(CONTENT_LENGTH);
    writer.decimal(length);
    writer.text(CRLF);
    if (contentType !== null) {
      writer.text(CONTENT_TYPE);
      writer.text(contentType);
    }
    if (content === null) ctx.replies.finish(stream, constant);
    else ctx.replies.finishCopied(stream, content.bytes, length);
    return ANSWERED;
  };
}

/** `errorfile <file>` of a rule; an empty one closes without a word. */
function compileErrorFile({ ctx }: RuleParts, message: LocalMessage | null, status: number): Action {
  return (stream) => {
    if (message === null) ctx.replies.silence(stream, status);
    else ctx.replies.send(stream, message);
    return ANSWERED;
  };
}

/** What a rule made is larger than a buffer: HAProxy answers 500. */
function tooLarge({ ctx }: RuleParts, stream: Stream): number {
  countEverywhere(ctx, stream, COUNTER.internalErrors);
  ctx.replies.error(stream, 500);
  return ANSWERED;
}

/** `redirect …`; passed over under ignore-empty when the value is empty. */
export function compileRedirect(parts: RuleParts, plan: RedirectPlan): Action {
  const { ctx } = parts;
  const location = new Location(parts, plan);
  const cookie: Value | null = plan.setCookie === null ? null : parts.values.compile(plan.setCookie);
  const reason = standardReason(plan.code);
  // Redirections that last may be cached, the others must not be.
  const mayBeCached = plan.code === 301 || plan.code === 308;
  return (stream) => {
    const length = location.make(stream);
    if (length < 0) {
      settle(parts, stream, false);
      return tooLarge(parts, stream);
    }
    if (plan.ignoreEmpty && location.isEmpty) return CONTINUE;
    settle(parts, stream, false);
    const writer = ctx.replies.compose(stream, plan.code, reason);
    if (writer === null) return ANSWERED;
    writer.text(CONTENT_LENGTH_0);
    writer.text(LOCATION);
    writer.part(location.bytes, length);
    writer.text(CRLF);
    if (!mayBeCached) writer.text(NO_CACHE);
    if (cookie?.evaluate(stream)) {
      writer.text(SET_COOKIE);
      writer.part(cookie.bytes, cookie.length);
      writer.text(CRLF);
    }
    ctx.replies.finish(stream, NOTHING);
    return ANSWERED;
  };
}
