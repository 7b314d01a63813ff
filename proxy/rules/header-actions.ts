// add-header, set-header, del-header, replace-header, replace-value: edits of header lines, of requests and of responses alike.
//
// The headers that frame the body are never touched (config/ refuses rules that name them; patterns pass them over): a head and a body
// that contradict each other are how requests are smuggled.

import { compilePcre } from "../acl/pcre.ts";
import { HEADER_INTS as INTS, type Message } from "../http1/message.ts";
import type { LogNodePlan } from "../plan/log.ts";
import type { NameMatch } from "../plan/rules.ts";
import { latin1, textBytes } from "../sample/value.ts";
import type { Stream } from "../stream/stream.ts";
import { type RuleParts, rewriteFailed } from "./parts.ts";
import { Replacement } from "./replacement.ts";
import { type Action, VERDICT } from "./verdict.ts";

const HEADER_INTS = INTS;
const CONTINUE = VERDICT.continue;
const COMMA = 44;
const SPACE = 32;
const TAB = 9;
const FRAMING: readonly Uint8Array[] = [textBytes("content-length"), textBytes("transfer-encoding")];

/** `add-header`, and `set-header`, which takes out the lines of that name first (after its value was made of them). */
export function compileAddHeader(
  parts: RuleParts,
  name: string,
  nodes: readonly LogNodePlan[],
  replaces: boolean,
): Action {
  const { edits, values, isResponse } = parts;
  const value = values.compile(nodes);
  const nameBytes = textBytes(name);
  const prefix = textBytes(`${name}: `);
  const isHost = name === "host" && !isResponse;
  return (stream) => {
    if (!value.evaluate(stream)) return rewriteFailed(parts, stream);
    const message = edits.message(stream);
    if (replaces) edits.dropNamed(message, nameBytes);
    if (!edits.add(stream, prefix, value.bytes, value.length)) return rewriteFailed(parts, stream);
    if (isHost && !parts.target!.followHost(stream)) return rewriteFailed(parts, stream);
    return CONTINUE;
  };
}

/** `del-header <name> -m <match>` */
export function compileDelHeader({ edits }: RuleParts, name: string, match: NameMatch): Action {
  const text = textBytes(name);
  if (match === "str") {
    return (stream) => {
      edits.dropNamed(edits.message(stream), text);
      return CONTINUE;
    };
  }
  const { bytes } = edits;
  const matches = compileNameMatch(bytes, text, name, match);
  return (stream) => {
    const message = edits.message(stream);
    const { headers } = message;
    for (let index = 0; index < message.headerCount; index++) {
      const row = index * HEADER_INTS;
      const start = headers[row]!;
      const end = headers[row + 1]!;
      if (end === start || !matches(start, end)) continue;
      if (edits.isNamed(message, row, FRAMING[0]!) || edits.isNamed(message, row, FRAMING[1]!)) continue;
      edits.drop(message, index);
    }
    return CONTINUE;
  };
}

type NameTest = (start: number, end: number) => boolean;

function compileNameMatch(bytes: Uint8Array, text: Uint8Array, name: string, match: NameMatch): NameTest {
  const { length } = text;
  const isAt = (at: number): boolean => {
    for (let i = 0; i < length; i++) if (bytes[at + i] !== text[i]) return false;
    return true;
  };
  switch (match) {
    case "beg":
      return (start, end) => end - start >= length && isAt(start);
    case "end":
      return (start, end) => end - start >= length && isAt(end - length);
    case "sub":
      return (start, end) => {
        for (let at = start; at + length <= end; at++) if (isAt(at)) return true;
        return false;
      };
    case "reg": {
      const expression = compilePcre(name, false);
      return (start, end) => expression.test(latin1(bytes, start, end));
    }
    default:
      return (start, end) => end - start === length && isAt(start);
  }
}

/** `replace-header`: lines whose whole value the expression finds something in get the new value. */
export function compileReplaceHeader(
  parts: RuleParts,
  name: string,
  pattern: string,
  nodes: readonly LogNodePlan[],
): Action {
  const { edits, isResponse } = parts;
  const replacement = new Replacement(parts, pattern, nodes);
  const text = textBytes(name);
  const isHost = name === "host" && !isResponse;
  return (stream) => {
    const message = edits.message(stream);
    const { headers } = message;
    for (let row = 0; row < message.headerCount * HEADER_INTS; row += HEADER_INTS) {
      if (!edits.isNamed(message, row, text)) continue;
      const result = replacement.replace(stream, edits.bytes, headers[row + 2]!, headers[row + 3]!);
      if (result === null && !replacement.failed) continue;
      if (result === null || !edits.setValue(stream, row, result, result.length)) return rewriteFailed(parts, stream);
    }
    if (isHost && !parts.target!.followHost(stream)) return rewriteFailed(parts, stream);
    return CONTINUE;
  };
}

/** `replace-value`: the same for each of the comma-separated values of a line; what is not replaced stays. */
export function compileReplaceValue(
  parts: RuleParts,
  name: string,
  pattern: string,
  nodes: readonly LogNodePlan[],
): Action {
  const { edits } = parts;
  const replacement = new Replacement(parts, pattern, nodes);
  const text = textBytes(name);
  const line = new Uint8Array(parts.ctx.plan.global.bufsizeBytes);
  return (stream) => {
    const message = edits.message(stream);
    for (let row = 0; row < message.headerCount * HEADER_INTS; row += HEADER_INTS) {
      if (!edits.isNamed(message, row, text)) continue;
      const length = replaceValues(stream, message, row, line, edits.bytes, replacement);
      if (length === UNCHANGED) continue;
      if (length === TOO_LONG || !edits.setValue(stream, row, line, length)) return rewriteFailed(parts, stream);
    }
    return CONTINUE;
  };
}

const UNCHANGED = -1;
const TOO_LONG = -2;

/** Writes the line's value with replaced parts into `line`; its length, or what became of it. */
function replaceValues(
  stream: Stream,
  message: Message,
  row: number,
  line: Uint8Array,
  bytes: Uint8Array,
  replacement: Replacement,
): number {
  const lineEnd = message.headers[row + 3]!;
  let changed = false;
  let to = 0;
  for (let at = message.headers[row + 2]!; at <= lineEnd; ) {
    let next = at;
    let quoted = false;
    for (; next < lineEnd && (quoted || bytes[next] !== COMMA); next++) if (bytes[next] === 34) quoted = !quoted;
    let [start, end] = [at, next];
    while (start < end && isBlank(bytes[start]!)) start++;
    while (end > start && isBlank(bytes[end - 1]!)) end--;
    const result = replacement.replace(stream, bytes, start, end);
    if (replacement.failed) return TOO_LONG;
    const length = result === null ? end - start : result.length;
    if (to + (start - at) + length + (next - end) + 1 > line.length) return TOO_LONG;
    // As HAProxy does it, blanks in front of a replaced value go with it.
    if (result === null) {
      line.set(bytes.subarray(at, start), to);
      to += start - at;
    }
    line.set(result ?? bytes.subarray(start, end), to);
    to += length;
    line.set(bytes.subarray(end, next), to);
    to += next - end;
    if (result !== null) changed = true;
    if (next < lineEnd) line[to++] = COMMA;
    at = next + 1;
  }
  return changed ? to : UNCHANGED;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}
