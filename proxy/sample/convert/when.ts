// The converter when: lets a value pass under a condition on the stream. configuration.txt 7.3.1.

import { HEADER } from "../../shared-state/layout.ts";
import { STREAM, type Stream } from "../../stream/stream.ts";
import { SampleValue } from "../value.ts";
import { type ArgumentCheck, textArgument } from "./arguments.ts";
import type { ConverterCompiler } from "./converter.ts";

const PASS = 2;
const DASH = 45;
const LOCAL = 76;

const NAMES: readonly string[] = ["error", "forwarded", "normal", "processed", "stopping", "toapplet", "acl"];

/** An error as `option dontlog-normal` sees it: an end before its time, or a server that took another's place. */
function isError(stream: Stream): boolean {
  const isEnded = stream.endBy !== DASH && stream.endBy !== LOCAL && stream.endBy !== 0;
  return isEnded || (stream.flags & STREAM.redispatched) !== 0;
}

function isForwarded(stream: Stream): boolean {
  return stream.serverIndex >= 0 && stream.connectDoneMs !== -1;
}

function toApplet(stream: Stream): boolean {
  return (stream.flags & STREAM.stats) !== 0;
}

const when: ConverterCompiler = (ctx, args, condition) => {
  const text = textArgument(args, 0);
  const isNegated = text.startsWith("!");
  const { words } = ctx.shared;
  const test = (stream: Stream): boolean => {
    switch (text.replace("!", "")) {
      case "error":
        return isError(stream);
      case "normal":
        return !isError(stream);
      case "forwarded":
        return isForwarded(stream);
      case "processed":
        return isForwarded(stream) || toApplet(stream);
      case "toapplet":
        return toApplet(stream);
      default:
        return words[HEADER.stopping] !== 0;
    }
  };
  if (condition === undefined) return (_, stream) => test(stream) !== isNegated;
  const holds = ctx.compileCondition(condition, ctx);
  const aside = new SampleValue(0);
  let room = new Uint8Array(0);
  return (value, stream) => {
    // The condition uses the same value and its scratch areas.
    const length = Math.max(value.end - value.start, 0);
    if (room.length < length) room = new Uint8Array(length);
    for (let i = 0; i < length; i++) room[i] = value.bytes[value.start + i]!;
    aside.take(value);
    const is = holds(stream) === PASS;
    value.take(aside);
    value.bytes = room;
    value.start = 0;
    value.end = length;
    return is !== isNegated;
  };
};

/** `when(condition,…)`. */
export const checkWhen: ArgumentCheck = (args) => {
  const name = textArgument(args, 0).replace("!", "");
  if (!NAMES.includes(name)) return `unknown condition '${name}'`;
  return name === "acl" && textArgument(args, 1) === "" ? "'acl' condition requires an ACL name" : null;
};

/** By name, see converters.table.ts. */
export const WHEN_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = { when };
