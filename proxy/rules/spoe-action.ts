// What an SPOE engine tells its agents at one place of the rules: messages whose condition holds, with their arguments, in one frame. The stream
// waits for the answer, at most `timeout processing`; an error switches the engine off for the rest of the stream (spoe/engines.ts).

import { compileCondition } from "../acl/condition.ts";
import type { SpoeMessagePlan } from "../plan/spoe.ts";
import type { SampleContext } from "../sample/context.ts";
import { compileSample } from "../sample/expression.ts";
import { textBytes } from "../sample/value.ts";
import { FAILURE } from "../spoe/engines.ts";
import { DATA, PACKED_BYTES_MAX, valueBytesMax, writeText, writeValue } from "../spoe/packed.ts";
import { STREAM, type Stream } from "../stream/stream.ts";
import type { RuleParts } from "./parts.ts";
import { type Action, VERDICT } from "./verdict.ts";

const CONTINUE = VERDICT.continue;
const PASS = 2;
const WAIT_IS_OVER = STREAM.waitIsOver;
const TOO_BIG = -1;
/** Of a frame that are not payload: type, flags, two numbers. */
const FRAME_HEAD_BYTES = 5 + 2 * PACKED_BYTES_MAX;

export function compileSpoe(parts: RuleParts, engine: number, messages: readonly SpoeMessagePlan[]): Action {
  const { ctx, samples, waiting } = parts;
  const { spoe } = ctx;
  const { frameBytesMax, processingMs } = ctx.plan.spoe[engine]!;
  const frame = new Uint8Array(frameBytesMax);
  const encode = compileMessages(samples, messages, frame, frameBytesMax - FRAME_HEAD_BYTES);
  return (stream) => {
    const use = spoe.useOf(stream);
    if (use.question !== 0) {
      if (use.isAnswered) spoe.finish(stream, use, engine, use.failure);
      else if ((stream.flags & WAIT_IS_OVER) !== 0) spoe.finish(stream, use, engine, FAILURE.timeout);
      else return waiting.wait(stream, 0);
      return waiting.end(stream);
    }
    if ((use.disabled & (1 << engine)) !== 0) return CONTINUE;
    const length = encode(stream);
    if (length === 0) return CONTINUE;
    use.startMs = ctx.clock.nowMs;
    if (length === TOO_BIG) {
      spoe.finish(stream, use, engine, FAILURE.tooBig);
      return CONTINUE;
    }
    // A timer of rules before this one is theirs.
    waiting.end(stream);
    spoe.ask(stream, use, engine, frame.slice(0, length));
    return waiting.wait(stream, processingMs);
  };
}

/** Writes the messages into `frame`: their bytes, 0: there is nothing to send, TOO_BIG: they do not fit into `limit`. */
function compileMessages(
  samples: SampleContext,
  plans: readonly SpoeMessagePlan[],
  frame: Uint8Array,
  limit: number,
): (stream: Stream) => number {
  const { value } = samples;
  const messages = plans.map(({ name, args, condition }) => ({
    holds: condition === null ? null : compileCondition(condition, samples, "final"),
    name: textBytes(name),
    args: args.map((arg) => ({ name: textBytes(arg.name), first: compileSample(arg.sample, samples, false).first })),
  }));
  return (stream) => {
    let at = 0;
    for (const { holds, name, args } of messages) {
      if (holds !== null && holds(stream) !== PASS) continue;
      if (at + name.length + PACKED_BYTES_MAX + 1 > limit) return TOO_BIG;
      at = writeText(frame, at, name);
      frame[at++] = args.length;
      for (const arg of args) {
        const isThere = arg.first(stream) === PASS;
        const needed = arg.name.length + PACKED_BYTES_MAX + (isThere ? valueBytesMax(value) : 1);
        if (at + needed > limit) return TOO_BIG;
        at = writeText(frame, at, arg.name);
        if (isThere) at = writeValue(frame, at, value);
        else frame[at++] = DATA.null;
      }
    }
    return at;
  };
}
