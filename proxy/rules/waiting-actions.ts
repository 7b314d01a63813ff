// `wait-for-body` and `pause`: actions that hold a stream up (waiting.ts). A body that does not come in time is answered with 408, a server's
// with 504.

import { chunkedBodyBytes } from "../http1/chunks.ts";
import { MESSAGE } from "../http1/message.ts";
import type { SamplePlan } from "../plan/expression.ts";
import { compileSample } from "../sample/expression.ts";
import { STREAM, type Stream } from "../stream/stream.ts";
import type { RuleParts } from "./parts.ts";
import { type Action, VERDICT } from "./verdict.ts";

const BY_CLIENT_TIMEOUT = 99; // c
const BY_SERVER_TIMEOUT = 115; // s
const IN_REQUEST = 82; // R
const IN_HEADERS = 72; // H
const PASS = 2;
const ANSWERED = VERDICT.answered;
const WAIT_IS_OVER = STREAM.waitIsOver;
const CHUNKED = MESSAGE.chunked;
const CONTENT_LENGTH = MESSAGE.contentLength;

/** `wait-for-body time <ms> [ at-least <bytes> ]` */
export function compileWaitForBody(parts: RuleParts, timeoutMs: number, atLeastBytes: number): Action {
  const { isResponse, waiting } = parts;
  const isThere = isResponse ? responseBodyIsThere : requestBodyIsThere;
  return (stream) => {
    if (!isResponse && !waiting.collect(stream)) return ANSWERED;
    if (isThere(parts, stream, atLeastBytes)) return waiting.end(stream);
    if ((stream.flags & WAIT_IS_OVER) === 0)
      return isResponse ? waiting.wait(stream, timeoutMs) : waiting.waitForBody(stream, timeoutMs);
    waiting.end(stream);
    if (isResponse) parts.ctx.front.abort(stream, BY_SERVER_TIMEOUT, IN_HEADERS, 504);
    else parts.ctx.front.abort(stream, BY_CLIENT_TIMEOUT, IN_REQUEST, 408);
    return ANSWERED;
  };
}

function requestBodyIsThere({ input }: RuleParts, stream: Stream, atLeastBytes: number): boolean {
  const body = stream.requestBody;
  if (body.done || (atLeastBytes > 0 && body.received >= atLeastBytes)) return true;
  input.request(stream);
  return input.isComplete;
}

function responseBodyIsThere({ input, ctx }: RuleParts, stream: Stream, atLeastBytes: number): boolean {
  const { response } = stream;
  if ((stream.flags & STREAM.noBody) !== 0 || response.status === 204 || response.status === 304) return true;
  input.response(stream);
  if (input.isComplete) return true;
  let bytes = input.end - input.start;
  if ((response.flags & CHUNKED) !== 0) {
    bytes = chunkedBodyBytes(ctx.bytes, input.start, input.end);
    if (bytes < 0) return true;
  } else if ((response.flags & CONTENT_LENGTH) !== 0 && bytes >= response.contentLength) return true;
  return atLeastBytes > 0 && bytes >= atLeastBytes;
}

/** `pause { <timeout> | <expr> }`; an expression that gives no number pauses nothing. */
export function compilePause(parts: RuleParts, timeoutMs: number, sample: SamplePlan | null): Action {
  const { samples, waiting } = parts;
  const first = sample === null ? null : compileSample(sample, samples, false, "sint").first;
  const { value } = samples;
  return (stream) => {
    if ((stream.flags & WAIT_IS_OVER) !== 0) return waiting.end(stream);
    // Data that comes meanwhile is no reason to go on.
    if ((stream.flags & STREAM.waits) !== 0) return waiting.wait(stream, 0);
    const ms = first === null ? timeoutMs : first(stream) === PASS ? value.int : 0;
    return ms > 0 ? waiting.wait(stream, Math.min(ms, PAUSE_MAX_MS)) : waiting.end(stream);
  };
}

/** As long as the timer wheel reaches. */
const PAUSE_MAX_MS = 2 ** 30;
