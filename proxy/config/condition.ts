// Conditions of `.if`, `.elif` and `-cc`: `streq("$MODE",test) && !feature(OPENSSL) || 1` (configuration.txt §2.4).
//
//   or    := and [ "||" or ]
//   and   := term [ "&&" and ]
//   term  := "!" term | "(" or ")" | integer | predicate [ "(" arguments ")" ]
//
// The whole text is parsed even where the result is known early, so that a fault is found whichever way the branches go; a predicate
// costs nothing and has no effect, so it is evaluated at once. The wording of faults, and where they are said to be, is HAProxy's.

import { splitArguments } from "./argument-list.ts";
import type { Parsed } from "./arguments.ts";
import type { Environment } from "./environment.ts";
import { COMPATIBLE_VERSION, compareVersions, FEATURES, TLS_LIBRARY_NAME, TLS_LIBRARY_VERSION } from "./features.ts";

export interface ConditionContext {
  readonly environment: Environment;
  /** Names for which `enabled()` is true. */
  readonly enabledOptions: ReadonlySet<string>;
}

export interface ConditionProblem {
  /** HAProxy's wording, without ` in '.if' at position N`. */
  readonly message: string;
  /** Index into the condition's text. */
  readonly at: number;
  readonly expected?: string;
}

interface Predicate {
  readonly arguments: 1 | 2;
  readonly test: (first: string, second: string, context: ConditionContext) => boolean;
}

/** All predicates. `awslc_api_*` are known and never true: the TLS library is Node's OpenSSL. */
const PREDICATES: Readonly<Record<string, Predicate>> = {
  defined: { arguments: 1, test: (name, _, context) => context.environment.has(name) },
  feature: { arguments: 1, test: (name) => name === "" || FEATURES[name] === true },
  streq: { arguments: 2, test: (a, b) => a === b },
  strneq: { arguments: 2, test: (a, b) => a !== b },
  strstr: { arguments: 2, test: (a, b) => a.includes(b) },
  version_atleast: { arguments: 1, test: (version) => compareVersions(COMPATIBLE_VERSION, version) >= 0 },
  version_before: { arguments: 1, test: (version) => compareVersions(COMPATIBLE_VERSION, version) < 0 },
  openssl_version_atleast: { arguments: 1, test: (version) => compareVersions(TLS_LIBRARY_VERSION, version) >= 0 },
  openssl_version_before: { arguments: 1, test: (version) => compareVersions(TLS_LIBRARY_VERSION, version) < 0 },
  ssllib_name_startswith: { arguments: 1, test: (name) => TLS_LIBRARY_NAME.startsWith(name) },
  awslc_api_atleast: { arguments: 1, test: () => false },
  awslc_api_before: { arguments: 1, test: () => false },
  enabled: { arguments: 1, test: (name, _, context) => context.enabledOptions.has(name) },
};

/** For messages and suggestions. */
export const PREDICATE_NAMES: readonly string[] = Object.keys(PREDICATES);

/** Evaluates a condition. An empty one is false. */
export function evaluateCondition(text: string, context: ConditionContext): Parsed<boolean, ConditionProblem> {
  const evaluation = new Evaluation(text, context);
  const value = evaluation.run();
  return evaluation.problem === null ? { ok: true, value } : { ok: false, problem: evaluation.problem };
}

const INTEGER = /[+-]?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
/** How deep parentheses and negations may nest: a bound for our stack, far beyond any real condition. */
const DEPTH_MAX = 1000;

class Evaluation {
  problem: ConditionProblem | null = null;
  readonly #text: string;
  readonly #context: ConditionContext;
  #position = 0;
  #depth = 0;

  constructor(text: string, context: ConditionContext) {
    this.#text = text;
    this.#context = context;
  }

  run(): boolean {
    this.#skipBlanks();
    if (this.#position >= this.#text.length) return false;
    const value = this.#or();
    this.#skipBlanks();
    if (this.problem === null && this.#position < this.#text.length) {
      const character = this.#text[this.#position]!;
      this.#fail(
        `unexpected character '${character}' at the end of conditional expression '${this.#text}'`,
        "&& or ||",
      );
    }
    return value;
  }

  #or(): boolean {
    const start = this.#position;
    let value = this.#and();
    while (this.problem === null && this.#accept("||")) {
      if (this.#atEnd()) return this.#unparsable(start);
      // Not `value || this.#and()`: the right side has to be parsed in any case.
      const right = this.#and();
      value = value || right;
    }
    return value;
  }

  #and(): boolean {
    let value = this.#term();
    this.#skipBlanks();
    let operator = this.#position;
    while (this.problem === null && this.#accept("&&")) {
      if (this.#atEnd()) return this.#unparsable(operator);
      const right = this.#term();
      value = value && right;
      this.#skipBlanks();
      operator = this.#position;
    }
    return value;
  }

  #term(): boolean {
    this.#skipBlanks();
    const start = this.#position;
    if (++this.#depth > DEPTH_MAX) return this.#unparsable(start);
    const value = this.#termAt(start);
    this.#depth--;
    return value;
  }

  /** Negations belong to the term: what is wrong with it is said to begin with the first of them. */
  #termAt(start: number): boolean {
    let negated = false;
    while (this.#accept("!")) negated = !negated;
    if (this.#atEnd()) return this.#unparsable(start);
    return this.#operand(start) !== negated;
  }

  #operand(start: number): boolean {
    if (this.#accept("(")) {
      if (this.#atEnd()) return this.#unparsable(start);
      const value = this.#or();
      if (this.problem !== null) return false;
      if (!this.#accept(")")) {
        this.#position = start;
        this.#fail(`expected ')' after conditional expression '${this.#text.slice(start)}'`, "a closing parenthesis");
      }
      return value;
    }
    const integer = this.#match(INTEGER);
    if (integer !== null) return /[1-9a-fA-F]/.test(integer.replace(/^[+-]?0[xX]/, ""));
    const name = this.#match(NAME);
    const predicate = name !== null && Object.hasOwn(PREDICATES, name) ? PREDICATES[name] : undefined;
    if (predicate === undefined) return this.#unparsable(start);
    return this.#predicate(name!, predicate);
  }

  #predicate(name: string, predicate: Predicate): boolean {
    const where = `of predicate '${name}' used in conditional expression`;
    let given: readonly string[] = [""];
    if (this.#text[this.#position] === "(") {
      const parsed = splitArguments(this.#text, this.#position);
      if (!parsed.ok) {
        const { kind, at, arguments: read } = parsed.problem;
        if (kind === "escape") {
          const before = read.length - 1;
          const found = `failed to parse '\\' after '${read[before]}' as type 'string'`;
          this.#position = at;
          this.#fail(`${found} at position ${before + 1} in argument ${before} ${where}`, "a character after \\");
        } else if (read.length < predicate.arguments) {
          this.#missingArguments(predicate, where);
        } else {
          this.#position = this.#text.length;
          this.#fail(`expected ')' in argument 1 ${where}`, "a closing parenthesis");
        }
        return false;
      }
      given = parsed.value.arguments;
      if (given.length > predicate.arguments) {
        const excess = parsed.value.starts[predicate.arguments]! - 1;
        this.#position = excess;
        this.#fail(`expected ')' before '${this.#text.slice(excess)}' in argument 1 ${where}`, "a closing parenthesis");
        return false;
      }
      this.#position = given.length < predicate.arguments ? parsed.value.end - 1 : parsed.value.end;
    }
    if (given.length < predicate.arguments) return this.#missingArguments(predicate, where);
    return predicate.test(given[0] ?? "", given[1] ?? "", this.#context);
  }

  #missingArguments(predicate: Predicate, where: string): boolean {
    this.#fail(
      `missing arguments (got 1/${predicate.arguments}), type 'string' expected in argument 1 ${where}`,
      "two arguments: (a,b)",
    );
    return false;
  }

  #unparsable(at: number): boolean {
    this.#position = at;
    this.#fail(`unparsable conditional expression '${this.#text.slice(at)}'`, "an integer, a predicate or (…)");
    return false;
  }

  #fail(message: string, expected: string): void {
    this.problem ??= { message, at: this.#position, expected };
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#position;
    const found = pattern.exec(this.#text)?.[0] ?? null;
    if (found !== null) this.#position += found.length;
    return found;
  }

  #accept(token: string): boolean {
    this.#skipBlanks();
    if (!this.#text.startsWith(token, this.#position)) return false;
    this.#position += token.length;
    return true;
  }

  #atEnd(): boolean {
    this.#skipBlanks();
    return this.#position >= this.#text.length;
  }

  #skipBlanks(): void {
    while (this.#text[this.#position] === " " || this.#text[this.#position] === "\t") this.#position++;
  }
}
