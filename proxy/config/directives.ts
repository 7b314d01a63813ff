// The lines that begin with a dot: conditional blocks (`.if .elif .else .endif`) and messages (`.alert .warning .notice .diag`),
// configuration.txt §2.4.
//
// Each open `.if` is a level with one of four states:
//
//              .if true        .if false       .elif true      .elif false     .else
//   (open)     TAKE            SEEK            –               –               –
//   TAKE       (new level)     (new level)     DONE            DONE            DONE      lines count
//   SEEK       –               –               TAKE            SEEK            TAKE      no branch was true yet
//   DONE       –               –               DONE            DONE            DONE      a branch was taken, conditions are not looked at
//   SKIP       an .if inside lines that do not count: nothing of it counts, conditions are not looked at
//
// Faults do not end the reading, unlike in HAProxy, so that one run shows them all; a misplaced directive is then left out.

import type { Diagnostics } from "../../shared/diagnostic/diagnostic.ts";
import { suggest } from "../../shared/diagnostic/suggest.ts";
import { type ConditionContext, type ConditionProblem, evaluateCondition, PREDICATE_NAMES } from "./condition.ts";
import { type ConfigLine, placeOf, textAt } from "./line.ts";

type BranchState = "take" | "seek" | "done" | "skip";

interface Level {
  state: BranchState;
  sawElse: boolean;
  readonly opening: ConfigLine;
}

/** HAProxy refuses the hundredth level. */
const NESTING_MAX = 100;

const MESSAGES = { ".alert": "alert", ".warning": "warning", ".notice": "notice", ".diag": "diag" } as const;
const DIRECTIVE_NAMES: readonly string[] = [".if", ".elif", ".else", ".endif", ...Object.keys(MESSAGES)];

/** Conditional blocks of one file. */
export class Directives {
  readonly #diagnostics: Diagnostics;
  readonly #context: ConditionContext;
  readonly #levels: Level[] = [];

  constructor(diagnostics: Diagnostics, context: ConditionContext) {
    this.#diagnostics = diagnostics;
    this.#context = context;
  }

  /** True when ordinary lines count here. */
  get active(): boolean {
    return this.#levels.every((level) => level.state === "take");
  }

  /** Handles the line if it is a directive. False: it is an ordinary line. */
  handle(line: ConfigLine): boolean {
    const name = textAt(line, 0);
    if (name === ".if") this.#if(line);
    else if (name === ".elif") this.#elif(line);
    else if (name === ".else") this.#else(line);
    else if (name === ".endif") this.#endif(line);
    else if (Object.hasOwn(MESSAGES, name)) this.#message(line, name as keyof typeof MESSAGES);
    else if (name.startsWith(".")) this.#unknown(line, name);
    else return false;
    return true;
  }

  /** To be called at the end of the file: whatever is still open is a fault. */
  finish(lastLine: number): void {
    const open = this.#levels.pop();
    if (open === undefined) return;
    const place = { ...placeOf(open.opening), line: lastLine, sourceLine: "" };
    const hint = `The '.if' at line ${open.opening.line} has no '.endif'.`;
    this.#diagnostics.alert("unterminated-if", place, "non-terminated '.if' block.", { introduction: "tight", hint });
    this.#levels.length = 0;
  }

  #if(line: ConfigLine): void {
    if (this.#levels.length + 1 >= NESTING_MAX) {
      this.#alert("nesting-too-deep", line, 0, `too many nested '.if', max is ${NESTING_MAX}.`);
    }
    const state = this.active ? this.#branch(line) : "skip";
    this.#levels.push({ state, sawElse: false, opening: line });
  }

  #elif(line: ConfigLine): void {
    const level = this.#levels[this.#levels.length - 1];
    if (level === undefined) {
      this.#alert("lone-elif", line, 0, "lone '.elif' with no matching '.if'.");
    } else if (level.sawElse) {
      this.#alert("elif-after-else", line, 0, "'.elif' after '.else' is not permitted.");
    } else if (level.state === "take") {
      level.state = "done";
    } else if (level.state === "seek") {
      level.state = this.#branch(line);
    }
  }

  #else(line: ConfigLine): void {
    const level = this.#levels[this.#levels.length - 1];
    this.#refuseArguments(line, 1);
    if (level === undefined) {
      this.#alert("lone-else", line, 0, "lone '.else' with no matching '.if'.");
    } else if (level.sawElse) {
      this.#alert("else-after-else", line, 0, "'.else' after '.else' is not permitted.");
    } else {
      level.sawElse = true;
      if (level.state === "seek") level.state = "take";
      else if (level.state === "take") level.state = "done";
    }
  }

  #endif(line: ConfigLine): void {
    this.#refuseArguments(line, 1);
    if (this.#levels.pop() === undefined) {
      this.#alert("lone-endif", line, 0, "lone '.endif' with no matching '.if'.");
    }
  }

  #message(line: ConfigLine, name: keyof typeof MESSAGES): void {
    if (!this.active) return;
    if (this.#refuseArguments(line, 2, " Use quotes if the message should contain spaces.")) return;
    // No caret: the message is the configuration's own and nothing in the line is at fault.
    const message = `'${textAt(line, 1)}'.`;
    this.#diagnostics.report(MESSAGES[name], "message", placeOf(line), message, { introduction: "tight" });
  }

  #unknown(line: ConfigLine, name: string): void {
    if (!this.active) return;
    this.#diagnostics.alert("unknown-directive", placeOf(line, line.words[0]), `unknown directive '${name}'.`, {
      introduction: "tight",
      suggestions: suggest(name, DIRECTIVE_NAMES),
    });
  }

  /** Reports the first argument beyond those a directive takes; true when there was one. */
  #refuseArguments(line: ConfigLine, index: number, addition = ""): boolean {
    if (textAt(line, index) === "") return false;
    const message = `Unexpected argument '${textAt(line, index)}' for '${textAt(line, 0)}'.${addition}`;
    this.#alert("unexpected-argument", line, index, message);
    return true;
  }

  #branch(line: ConfigLine): BranchState {
    const text = conditionText(line);
    const result = evaluateCondition(text, this.#context);
    if (result.ok) return result.value ? "take" : "seek";
    this.#reportCondition(line, result.problem);
    // Nothing is known about the branches: none of them is read, so that no faults follow from this one.
    return "skip";
  }

  #reportCondition(line: ConfigLine, problem: ConditionProblem): void {
    const message = `${problem.message} in '${textAt(line, 0)}' at position ${problem.at + 1}:`;
    let offset = problem.at;
    let index = 1;
    while (index < line.words.length - 1 && offset > line.words[index]!.text.length) {
      offset -= line.words[index]!.text.length + 1;
      index++;
    }
    const word = line.words[index]!;
    const name = /^[!(]*([a-z_0-9]+)/i.exec(word.text.slice(offset))?.[1];
    this.#diagnostics.alert("invalid-condition", placeOf(line, word, offset, 1), message, {
      introduction: "tight",
      expected: problem.expected,
      suggestions: name === undefined ? [] : suggest(name, PREDICATE_NAMES),
    });
  }

  #alert(code: string, line: ConfigLine, index: number, message: string): void {
    this.#diagnostics.alert(code, placeOf(line, line.words[index]), message, { introduction: "tight" });
  }
}

/** The condition of an `.if` line: its words, joined by single spaces as HAProxy does before it looks at them. */
function conditionText(line: ConfigLine): string {
  return line.words
    .slice(1)
    .map((word) => word.text)
    .join(" ");
}
