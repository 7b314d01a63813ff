// `http-request early-hint <name> <fmt>`: a 103 answer with that line, ahead of the final one (RFC 8297). Clients that speak HTTP/1.0 get
// none. Each rule sends an answer of its own; HAProxy puts those of rules that follow each other into one.

import { HeadWriter } from "../http1/edit.ts";
import { MESSAGE } from "../http1/message.ts";
import type { LogNodePlan } from "../plan/log.ts";
import { textBytes } from "../sample/value.ts";
import { STREAM_BYTES } from "../stream/stream.ts";
import { type RuleParts, rewriteFailed } from "./parts.ts";
import { type Action, VERDICT } from "./verdict.ts";

const CONTINUE = VERDICT.continue;
const VERSION11 = MESSAGE.version11;
const START = textBytes("HTTP/1.1 103 Early Hints\r\n");
const END = textBytes("\r\n\r\n");

export function compileEarlyHint(parts: RuleParts, name: string, nodes: readonly LogNodePlan[]): Action {
  const { ctx, values } = parts;
  const { bytes, pool, streams, transport } = ctx;
  const writer = new HeadWriter(bytes);
  const prefix = textBytes(`${name}: `);
  const value = values.compile(nodes);
  return (stream) => {
    if ((stream.request.flags & VERSION11) === 0) return CONTINUE;
    const buffer = value.evaluate(stream) ? pool.take() : -1;
    if (buffer < 0) return rewriteFailed(parts, stream);
    writer.begin(pool.start[buffer]!, pool.offsetOf(buffer) + pool.size);
    writer.text(START);
    writer.text(prefix);
    writer.part(value.bytes, value.length);
    writer.text(END);
    if (writer.failed) {
      pool.free(buffer);
      return rewriteFailed(parts, stream);
    }
    pool.end[buffer] = writer.at;
    streams.bytes[stream.slot * STREAM_BYTES.columns + STREAM_BYTES.toClient]! += writer.at - pool.start[buffer]!;
    transport.queue(stream.client, buffer);
    transport.flush(stream.client);
    return CONTINUE;
  };
}
