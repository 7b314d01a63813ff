// The second level of quoting: the arguments in parentheses behind a predicate, a sample fetch or a converter, `name(a,"b,c",d)`
// (configuration.txt §2.2, from "There is one particular case").
//
// Works on a word's text, after the lexer has removed the first level. Quotes work as there; of the escapes, `\#`, `\$` and `\xNN` are
// not known here, and a comma or parenthesis is protected by quotes only. Blanks belong to the argument.

import type { Parsed } from "./arguments.ts";

export interface ArgumentList {
  readonly arguments: readonly string[];
  /** Index at which each argument begins. */
  readonly starts: readonly number[];
  /** Index behind the closing parenthesis. */
  readonly end: number;
}

export interface ArgumentListProblem {
  /** `unterminated`: no closing parenthesis, or a quote that hides it; `escape`: a backslash with nothing behind it. */
  readonly kind: "unterminated" | "escape";
  /** Index of the opening parenthesis, or of the lone backslash. */
  readonly at: number;
  /** The arguments read so far, the unfinished one included. */
  readonly arguments: readonly string[];
}

const ESCAPES: Readonly<Record<string, string>> = {
  " ": " ",
  "\\": "\\",
  '"': '"',
  "'": "'",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** Reads the list that begins with the `(` at `opening`. `()` is a list of one empty argument. */
export function splitArguments(text: string, opening: number): Parsed<ArgumentList, ArgumentListProblem> {
  const list: string[] = [];
  const starts = [opening + 1];
  let current = "";
  let quote = "";
  let i = opening + 1;
  for (; i < text.length; i++) {
    const character = text[i]!;
    if (character === "\\" && quote !== "'") {
      const next = text[i + 1];
      if (next === undefined) {
        return { ok: false, problem: { kind: "escape", at: i, arguments: [...list, current] } };
      }
      const replacement = ESCAPES[next];
      current += replacement ?? character;
      if (replacement !== undefined) i++;
    } else if (quote !== "") {
      if (character === quote) quote = "";
      else current += character;
    } else if (character === '"' || character === "'") {
      quote = character;
    } else if (character === ",") {
      list.push(current);
      starts.push(i + 1);
      current = "";
    } else if (character === ")") {
      list.push(current);
      return { ok: true, value: { arguments: list, starts, end: i + 1 } };
    } else {
      current += character;
    }
  }
  return { ok: false, problem: { kind: "unterminated", at: opening, arguments: [...list, current] } };
}
