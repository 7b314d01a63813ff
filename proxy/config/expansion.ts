// Environment variables inside weak quotes: `$NAME`, `${NAME}`, `${NAME-default}`, `${NAME[*]}`, `${NAME[*]-default}` and the
// pseudo-variables `.FILE`, `.LINE`, `.SECTION` (configuration.txt §2.3).
//
// A default runs to the next closing brace, as it stands: no quote, escape or further variable is interpreted in it. It replaces a
// variable that does not exist, not one that is empty.

import type { Parsed } from "./arguments.ts";

/** What names stand for while a line is being read. */
export interface Variables {
  /** The value of an environment variable, null when there is none. */
  get(name: string): string | null;
  /** The value of `.FILE`, `.LINE` or `.SECTION` (with its dot), null when there is no such pseudo-variable. */
  getPseudo(name: string): string | null;
}

export interface Expansion {
  /** One part, or for `[*]` one per word of the value. */
  readonly parts: readonly string[];
  /** Index behind the expression. */
  readonly end: number;
}

export interface ExpansionProblem {
  readonly code: string;
  /** HAProxy's wording up to `at position`. */
  readonly message: string;
  /** Index of the offending character. */
  readonly at: number;
  readonly hint?: string;
}

const NAME = /[A-Za-z_.][A-Za-z0-9_]*/y;

/** Expands what begins with the dollar sign at `dollar`. */
export function expandVariable(raw: string, dollar: number, variables: Variables): Parsed<Expansion, ExpansionProblem> {
  const braced = raw[dollar + 1] === "{";
  const start = dollar + (braced ? 2 : 1);
  NAME.lastIndex = start;
  const name = NAME.exec(raw)?.[0];
  if (name === undefined) return forbiddenFirstCharacter(start);
  const isPseudo = name.startsWith(".");
  const value = isPseudo ? variables.getPseudo(name) : variables.get(name);
  if (isPseudo && value === null) return forbiddenFirstCharacter(start);

  let end = start + name.length;
  if (!braced) return { ok: true, value: { parts: [value ?? ""], end } };

  const split = raw[end] === "[";
  if (split) {
    if (!raw.startsWith("[*]", end)) {
      const message = "truncated or invalid word expansion sequence";
      return {
        ok: false,
        problem: { code: "invalid-word-expansion", message, at: end, hint: "Only [*] may follow a name." },
      };
    }
    end += 3;
  }
  let fallback = "";
  if (raw[end] === "-") {
    const brace = raw.indexOf("}", end);
    if (brace < 0) return unmatchedBrace(dollar + 1);
    fallback = raw.slice(end + 1, brace);
    end = brace;
  }
  if (raw[end] !== "}") return unmatchedBrace(dollar + 1);
  const text = value ?? fallback;
  return { ok: true, value: { parts: split ? text.split(/[ \t]+/) : [text], end: end + 1 } };
}

function forbiddenFirstCharacter(at: number): Parsed<Expansion, ExpansionProblem> {
  return {
    ok: false,
    problem: {
      code: "invalid-variable-name",
      message: "forbidden first char in environment variable name",
      at,
      hint: "A name begins with a letter or an underscore. For a plain dollar sign write \\$ or use single quotes.",
    },
  };
}

function unmatchedBrace(at: number): Parsed<Expansion, ExpansionProblem> {
  return {
    ok: false,
    problem: {
      code: "unmatched-brace",
      message: "unmatched brace in environment variable name",
      at,
      hint: `A name consists of letters, digits and underscores; a default follows a dash: \${NAME-default}.`,
    },
  };
}
