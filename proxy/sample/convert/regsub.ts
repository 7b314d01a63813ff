// The converter regsub: replaces what a regular expression matches, the first time or (flag `g`) every time. configuration.txt 7.3.1.
//
// The replacement knows \0 to \9 (the match and its groups), \xHH (a byte) and \ before any other character. Expressions are those of the match
// method `reg`, with the same bounds on what they may cost (../../acl/regex.ts, which is imported for the engine's flags that it sets). Like
// that method it makes strings of its input, hence garbage, of at most a buffer's size.

import "../../acl/regex.ts";
import { compilePcre } from "../../acl/pcre.ts";
import { TYPE } from "../types.ts";
import { type SampleValue, textBytes } from "../value.ts";
import { textArgument } from "./arguments.ts";
import type { ConverterCompiler } from "./converter.ts";

/** Texts, and numbers of groups between them. */
type Replacement = readonly (Uint8Array | number)[];

function parseReplacement(text: string): Replacement {
  const parts: (Uint8Array | number)[] = [];
  for (const [whole, group, hex, other] of text.matchAll(/\\(?:(\d)|x([0-9A-Fa-f]{2})|([\s\S]))|[^\\]+|\\/g)) {
    if (group !== undefined) parts.push(Number(group));
    else if (hex !== undefined) parts.push(Uint8Array.of(Number.parseInt(hex, 16)));
    else parts.push(textBytes(other ?? whole));
  }
  return parts;
}

/** Where text is being put together. What does not fit is cut off. */
class Target {
  bytes: Uint8Array = new Uint8Array(0);
  length = 0;

  pushText(text: string, start: number, end: number): void {
    for (let i = start; i < end && this.length < this.bytes.length; i++) this.bytes[this.length++] = text.charCodeAt(i);
  }

  pushBytes(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length && this.length < this.bytes.length; i++) this.bytes[this.length++] = bytes[i]!;
  }
}

const regsub: ConverterCompiler = (_, args) => {
  const flags = textArgument(args, 2);
  const pattern = compilePcre(textArgument(args, 0), flags.includes("i"), "g");
  const isGlobal = flags.includes("g");
  const replacement = parseReplacement(textArgument(args, 1));
  const target = new Target();
  return (value: SampleValue) => {
    const text = value.text();
    target.bytes = value.scratch();
    target.length = 0;
    let done = 0;
    pattern.lastIndex = 0;
    for (let match = pattern.exec(text); match !== null; match = isGlobal ? pattern.exec(text) : null) {
      target.pushText(text, done, match.index);
      for (const part of replacement) {
        if (typeof part !== "number") target.pushBytes(part);
        else target.pushText(match[part] ?? "", 0, match[part]?.length ?? 0);
      }
      done = match.index + match[0].length;
      if (match[0] === "") pattern.lastIndex++;
    }
    target.pushText(text, done, text.length);
    value.bytes = target.bytes;
    value.start = 0;
    value.end = target.length;
    value.type = TYPE.str;
    return true;
  };
};

/** By name, see converters.table.ts. */
export const REGSUB_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = { regsub };
