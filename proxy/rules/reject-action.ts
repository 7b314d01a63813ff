// `reject`: the connection ends without a word, as the tcp rules and `http-request reject` have it.
//
//                                flags   counters
//   tcp-request connection       -       deniedConnections (the connection was no stream yet: it is not logged)
//   tcp-request session          -       deniedSessions
//   tcp-request content          PR      deniedRequests
//   http-request                 PR      deniedRequests
//   tcp-response content         PH/PD   deniedResponses of all, the server included

import { COUNTER } from "../shared-state/layout.ts";
import type { Stream } from "../stream/stream.ts";
import { countEverywhere, type RuleParts } from "./parts.ts";
import { type Action, VERDICT } from "./verdict.ts";

const ANSWERED = VERDICT.answered;
const BY_PROXY = 80; // P
const IN_REQUEST = 82; // R
const IN_DATA = 68; // D

export function compileReject(parts: RuleParts): Action {
  const { ctx, phase } = parts;
  if (phase === "connection") return (stream) => rejectBeforeStream(parts, stream, COUNTER.deniedConnections);
  if (phase === "session") return (stream) => rejectBeforeStream(parts, stream, COUNTER.deniedSessions);
  const isResponse = phase === "response";
  return (stream) => {
    countEverywhere(ctx, stream, isResponse ? COUNTER.deniedResponses : COUNTER.deniedRequests);
    ctx.lifecycle.endReason(stream, BY_PROXY, isResponse ? IN_DATA : IN_REQUEST);
    ctx.replies.drop(stream);
    return ANSWERED;
  };
}

/** The caller closes the connection. */
function rejectBeforeStream({ ctx }: RuleParts, stream: Stream, column: number): number {
  const { lifecycle } = ctx;
  lifecycle.count(lifecycle.frontendAt[stream.frontend]!, column);
  lifecycle.count(lifecycle.listenerAt[stream.listener]!, column);
  return ANSWERED;
}
