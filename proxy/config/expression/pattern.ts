// Patterns of an ACL or a map: the values a sample is compared with, and what is right for each method.
//
// They go into the plan as text; here they are checked, so that a worker never meets a pattern it cannot compile; the runtime API asks the
// same questions about what it adds. The forms are those of section 7.1: integers with operators and ranges, addresses with masks, regular
// expressions, hex blocks, strings. Where lists of them come from is pattern-source.ts.

import { patternProblem } from "../../acl/patterns/pattern-problem.ts";
import type { PatternUse } from "../../plan/expression.ts";

/** Patterns that can be used, or what is wrong with one of them. */
export type PatternsResult =
  | { readonly ok: true; readonly patterns: string[] }
  | { readonly ok: false; readonly message: string };

const OPERATORS = new Set(["eq", "ge", "gt", "le", "lt"]);

/** Checks the words of an ACL line; an operator (`gt 5`) goes into the pattern that follows it. */
export function checkPatterns(use: PatternUse, words: readonly string[]): PatternsResult {
  const isInteger = use.match === "int" || use.match === "len";
  const patterns: string[] = [];
  let operator = "";
  for (const word of words) {
    if (isInteger && OPERATORS.has(word)) {
      operator = word;
      continue;
    }
    const problem = patternProblem(use, word);
    if (problem !== null) {
      const message = operator === "" ? problem : `'${word}' is neither a number nor a supported operator`;
      return { ok: false, message };
    }
    patterns.push(isInteger ? ranged(operator, word) : word);
  }
  return { ok: true, patterns };
}

/** An operator and what follows it, as the range that HAProxy makes of them. It holds until the next operator, and for plain numbers only. */
function ranged(operator: string, word: string): string {
  if (!/^\d+$/.test(word)) return word;
  switch (operator) {
    case "gt":
      return `${BigInt(word) + 1n}:`;
    case "ge":
      return `${word}:`;
    case "lt":
      return `:${BigInt(word) - 1n}`;
    case "le":
      return `:${word}`;
    default:
      return word;
  }
}
