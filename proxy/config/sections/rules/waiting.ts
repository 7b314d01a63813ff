// `wait-for-body` and `pause`: actions that hold the stream up for a while.

import { canCast } from "../../../sample/types.ts";
import { parseSize, parseTime } from "../../arguments.ts";
import type { ActionParser } from "../../keywords/action.ts";

/** `wait-for-body time <time> [ at-least <bytes> ]` */
export const waitForBody: ActionParser = (reader) => {
  let timeoutMs = 0;
  let atLeastBytes = 0;
  let hasTime = false;
  for (; !reader.isAtEnd; reader.at += 2) {
    const { word } = reader;
    const text = reader.statement.text(reader.at + 1);
    if (word === "time") {
      if (text === "") return reader.fault("missing argument for 'time'.");
      const parsed = parseTime(text, "ms");
      if (!parsed.ok) return reader.fault(badTime(parsed.problem, text), { at: reader.at + 1 });
      timeoutMs = parsed.value.value;
      hasTime = true;
    } else if (word === "at-least") {
      if (text === "") return reader.fault("missing argument for 'at-least'.");
      const parsed = parseSize(text);
      if (!parsed.ok) return reader.fault(badSize(text), { at: reader.at + 1 });
      atLeastBytes = parsed.value;
    } else break;
  }
  if (!hasTime) return reader.fault("expects time <time> [ at-least <bytes> ].");
  return { kind: "wait-for-body", timeoutMs, atLeastBytes };
};

/** `pause { <timeout> | <expr> }`: an expression gives milliseconds. */
export const pause: ActionParser = (reader) => {
  const text = reader.word;
  if (text === "") return reader.fault("missing argument.");
  const parsed = parseTime(text, "ms");
  if (parsed.ok) {
    reader.at++;
    return { kind: "pause", timeoutMs: parsed.value.value, sample: null };
  }
  if (/^[0-9]/.test(text)) return reader.fault(`${badTime(parsed.problem, text).replace(/\.$/, "")} in rule 'pause'.`);
  const sample = reader.nextSample();
  if (sample === null) return null;
  if (!canCast(sample.type, "sint")) return reader.fault(`'${text}' is not a number.`, { at: reader.at - 1 });
  return { kind: "pause", timeoutMs: 0, sample: sample.sample };
};

function badTime(problem: { readonly kind: string; readonly character?: string }, text: string): string {
  return problem.kind === "overflow"
    ? `timer overflow in argument '${text}' (maximum value is 2147483647 ms or ~24.8 days).`
    : `unexpected character '${problem.character ?? ""}'.`;
}

function badSize(text: string): string {
  return `unexpected character '${/[^0-9]/.exec(text)?.[0] ?? text[0]}'.`;
}
