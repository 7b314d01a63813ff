// `get map` and `get acl`: what each expression that uses a list would find for a text, in HAProxy's words.

import { MATCH_INPUT } from "../../acl/keywords.table.ts";
import type { PatternList } from "../../acl/patterns/pattern-lists.ts";
import type { PatternUse } from "../../plan/expression.ts";
import { castBetween } from "../../sample/cast.ts";
import { TYPE } from "../../sample/types.ts";
import { SampleValue, textBytes } from "../../sample/value.ts";

/** A line of the runtime API is no longer than this. */
const SCRATCH_BYTES = 1 << 16;
const OUTPUT_TYPES = { str: "str", key: "str", int: "sint", ip: "ipv4" } as const;

/** One line per way in which the list is used. */
export function lookUp(list: PatternList, key: string, isMap: boolean): string {
  const { uses } = list.plan;
  const different = uses.filter((use, i) => uses.findIndex((other) => isSame(use, other)) === i);
  return different.map((use) => `${lookUpOne(list, use, key, isMap)}\n`).join("");
}

function isSame(a: PatternUse, b: PatternUse): boolean {
  return (
    a.match === b.match && a.ignoreCase === b.ignoreCase && a.isMethod === b.isMethod && outputOf(a) === outputOf(b)
  );
}

function outputOf({ output }: PatternUse): PatternUse["output"] {
  return output === "key" ? "str" : output;
}

function lookUpOne(list: PatternList, use: PatternUse, key: string, isMap: boolean): string {
  const { match, ignoreCase, isMethod, output } = use;
  const words = [`type=${isMethod ? "meth" : match}`, `case=${ignoreCase ? "insensitive" : "sensitive"}`];
  const entry = match === "found" || match === "bool" ? null : findEntry(list, use, key);
  const said = isMap ? "found" : "match";
  if (entry === null) return [...words, `${said}=no`].join(", ");
  const isTree = !ignoreCase && (match === "str" || match === "beg" || match === "ip") && !isMethod;
  words.push(`${said}=yes`, `idx=${isTree ? "tree" : "list"}`);
  if (!isMap) words.push(`pattern="${entry.key}"`);
  else if (output === null) words.push(`key="${entry.key}"`, "value=none");
  else {
    const isIpv6 = output === "ip" && (entry.value ?? "").includes(":");
    words.push(`key="${entry.key}"`, `value="${entry.value}"`, `type="${isIpv6 ? "ipv6" : OUTPUT_TYPES[output]}"`);
  }
  return words.join(", ");
}

function findEntry(list: PatternList, { match, ignoreCase, isMethod }: PatternUse, key: string) {
  const value = new SampleValue(SCRATCH_BYTES);
  value.bytes = textBytes(key);
  value.end = value.bytes.length;
  value.type = TYPE.str;
  const input = isMethod ? "meth" : MATCH_INPUT[match];
  const cast = input === null ? null : castBetween("str", input);
  if (cast !== null && !cast(value)) return null;
  return list.view({ match, ignoreCase, isMethod }).set.find(value);
}
