// The language layer's front door: a file name goes in, nested statements come out.
//
//   file ─▶ physical lines ─▶ include? ─▶ comment off ─▶ @condition ─▶ $NAME=… ─▶ ~SEQ ~LST ─▶ ${NAME} replaced ─▶ cut at { } ─▶ words
//                                             ▲                                                       │
//                                             └──────────── lines of a multi-line value ◀─────────────┘
//
// Faults go to the report; what could be read is delivered all the same. Which words have a meaning is not known here, with one
// exception: `include_check` and `random_seed` change how the next lines are read.

import { NOWHERE, type Place } from "../../shared/diagnostic/diagnostic.ts";
import { INCLUDE_CHECKS, INCLUDE_KEYWORDS, type IncludeCheck, openFiles, pathOf, type SourceFile } from "./include.ts";
import { type Parameters, readDefinition } from "./parameters.ts";
import type { Report } from "./report.ts";
import { readSequence } from "./sequence.ts";
import { keywordOf, placeOf, type Statement } from "./statement.ts";
import { type PhysicalLine, PlacedText } from "./text.ts";
import { findTemplate, plainWords, splitAtBraces, withoutComment } from "./words.ts";

/** Files within files. keepalived goes on until it runs out of descriptors. */
const INCLUDES_DEEP_MAX = 50;
/** Values within values and sequences within sequences. */
const EXPANSIONS_DEEP_MAX = 64;
/** Lines that parameters and sequences may add up to; the manual's largest example has a million. */
const LINES_MAX = 3_000_000;

export interface ReadOptions {
  readonly path: string;
  readonly configId: string;
  readonly parameters: Parameters;
  readonly report: Report;
  /** -e: everything that is included must be there. */
  readonly allConfig: boolean;
  /** For tests. */
  readonly linesMax?: number;
}

/** Reads a configuration file and all that it includes. */
export function readStatements(options: ReadOptions): Statement[] {
  return new Reader(options).run();
}

class Reader {
  readonly #options: ReadOptions;
  readonly #report: Report;
  readonly #statements: Statement[] = [];
  /** Statements whose block is open, outermost first. */
  readonly #open: Statement[] = [];
  /** The statement that a `{` would belong to. */
  #last: Statement | null = null;
  #checks: ReadonlySet<IncludeCheck>;
  readonly #files: SourceFile[] = [];
  #lines = 0;
  #stopped = false;

  constructor(options: ReadOptions) {
    this.#options = options;
    this.#report = options.report;
    this.#checks = new Set(options.allConfig ? INCLUDE_CHECKS : []);
  }

  run(): Statement[] {
    const { path } = this.#options;
    const files = openFiles(path, process.cwd(), new Set(INCLUDE_CHECKS), NOWHERE, this.#report);
    for (const file of files) this.#file(file);
    for (const statement of this.#open) statement.closed = false;
    const innermost = this.#open.at(-1);
    if (innermost !== undefined) {
      const keyword = innermost.words.map((word) => word.text).join(" ");
      this.#report.fault(
        "missing-brace",
        innermost.openedAt!,
        `There are ${this.#open.length} missing '}'s or extra '{'s`,
        { hint: `The innermost block that is not closed is '${keyword}', line ${innermost.openedAt!.line}.` },
      );
    }
    return this.#statements;
  }

  #file(file: SourceFile): void {
    const checks = this.#checks;
    this.#files.push(file);
    const lines = file.text.split(/\r?\n/);
    let pending: Definition | null = null;
    for (const [index, text] of lines.entries()) {
      if (this.#stopped) break;
      const line: PhysicalLine = { file: file.name, number: index + 1, text };
      if (pending !== null) pending = this.#continueDefinition(pending, line);
      else pending = this.#physicalLine(this.#withoutNul(PlacedText.of(line)), file);
    }
    if (pending !== null) this.#define(pending);
    this.#files.pop();
    this.#checks = checks;
  }

  /** What stands behind a NUL, keepalived never sees. */
  #withoutNul(line: PlacedText): PlacedText {
    const nul = line.text.indexOf("\0");
    if (nul < 0) return line;
    this.#report.fault("stray-nul", line.place(nul, nul + 1), `Stray NUL character at position ${nul + 1}`, {
      hint: "The line ends there; the rest of it is left out.",
    });
    return line.slice(0, nul);
  }

  /** A definition that goes on in the next line, or null. */
  #physicalLine(line: PlacedText, file: SourceFile): Definition | null {
    const text = withoutComment(line).trim();
    const include = /^(include[rmwba]?)[ \t]+(.+)$/.exec(text.text);
    if (include !== null) {
      this.#include(text, include[1]!, include[2]!, file);
      return null;
    }
    return this.#line(text, line, 0);
  }

  #include(line: PlacedText, keyword: string, pattern: string, file: SourceFile): void {
    const checks = new Set([...this.#checks, ...INCLUDE_KEYWORDS.get(keyword)!]);
    const place = line.place(line.text.length - pattern.length, line.text.length);
    if (this.#files.length >= INCLUDES_DEEP_MAX) {
      const isLoop = this.#files.some((other) => pathOf(other) === pathOf(file) && other !== file);
      const message = `Configuration file '${pattern}' open problem (Too many open files) - skipping`;
      const hint = isLoop ? "The file includes itself." : `Files may include each other ${INCLUDES_DEEP_MAX} deep.`;
      this.#report.fault("include-too-deep", place, message, { hint });
      this.#stopped = true;
      return;
    }
    for (const source of openFiles(pattern, file.directory, checks, place, this.#report)) this.#file(source);
  }

  /** @param text without comment and outer blanks @param raw the line as it was, for the `\` at its end */
  #line(text: PlacedText, raw: PlacedText, depth: number): Definition | null {
    if (++this.#lines > (this.#options.linesMax ?? LINES_MAX) || depth > EXPANSIONS_DEEP_MAX) {
      this.#overflow(text, true);
      return null;
    }
    if (text.text.startsWith("@")) {
      const rest = this.#condition(text);
      return rest === null ? null : this.#line(rest, raw, depth + 1);
    }
    const definition = readDefinition(text);
    if (definition !== null) {
      const continues = /\\[ \t]*$/.test(raw.text);
      const value = definition.value.text.replace(/\\[ \t]*$/, "").trim();
      const started = { name: definition.name, lines: value === "" && continues ? [] : [value], continues };
      if (continues) return started;
      this.#define(started);
    } else if (text.text.startsWith("~")) this.#sequence(text, depth);
    else if (text.text !== "") this.#replaced(text, depth);
    return null;
  }

  /** The line behind a condition that holds, or null. */
  #condition(text: PlacedText): PlacedText | null {
    const match = /^@(\^?)(\S*)[ \t]*/.exec(text.text)!;
    const holds = (match[2] === this.#options.configId) === (match[1] === "");
    return holds ? text.slice(match[0].length) : null;
  }

  #continueDefinition(pending: Definition, line: PhysicalLine): Definition | null {
    const { text } = this.#withoutNul(PlacedText.of(line));
    const continues = /\\[ \t]*$/.test(text);
    pending.lines.push(text.replace(/\\[ \t]*$/, ""));
    if (continues) return pending;
    this.#define(pending);
    return null;
  }

  #define(definition: Definition): void {
    this.#options.parameters.define(definition.name, definition.lines.join("\n"));
  }

  #sequence(text: PlacedText, depth: number): void {
    const sequence = readSequence(text.text);
    if (sequence === null) {
      this.#replaced(text, depth);
    } else if (typeof sequence === "string") {
      this.#report.fault("invalid-sequence", text.place(0, text.text.length), sequence, {
        expected: "~SEQ(NAME, start, step, end), all but the end may be left out, or ~LST(NAME, value, …)",
      });
    } else {
      const rest = text.slice(sequence.end).trim();
      if (rest.text === "") return;
      for (const round of sequence.rounds) {
        if (this.#stopped) return;
        for (const { name, value } of round) this.#options.parameters.define(name, value);
        this.#line(rest, rest, depth + 1);
      }
    }
  }

  /** Puts values in. What comes of it is a line (or several) like any other, with conditions and definitions of its own. */
  #replaced(text: PlacedText, depth: number): void {
    const directory = this.#files.at(-1)!.directory;
    const { text: result, overflow } = this.#options.parameters.replace(text, directory);
    if (overflow) this.#overflow(text, false);
    else if (result.text === text.text) this.#statementsOf(text);
    else if (result.text.includes("\n")) {
      for (const line of result.lines()) {
        const bare = withoutComment(line).trim();
        if (!this.#stopped && bare.text !== "") this.#line(bare, bare, depth + 1);
      }
    } else {
      const first = result.trim();
      if (/^[@~$]/.test(first.text)) this.#line(first, first, depth + 1);
      else this.#statementsOf(first);
    }
  }

  /** @param isAll not the line alone: nothing more is read */
  #overflow(text: PlacedText, isAll: boolean): void {
    if (this.#stopped) return;
    this.#stopped = isAll;
    this.#report.fatal("endless-expansion", text.place(0, text.text.length), "Parameter substitution does not end", {
      hint: "A parameter that contains itself, or a ~SEQ with too many values. keepalived hangs on it or dies.",
    });
  }

  #statementsOf(line: PlacedText): void {
    const template = findTemplate(line);
    if (template !== null) {
      // Taken as braces it would open and close blocks; keepalived stops at it, as a rule, or runs without the value.
      this.#report.fatal("unfilled-template", template, "Unexpected '{' - ignoring", {
        hint: "'{{ … }}' looks like a template that has not been filled in; the line is left out.",
      });
      this.#last = null;
      return;
    }
    for (const part of splitAtBraces(line)) {
      if (part.kind === "open") this.#openBlock(part.text);
      else if (part.kind === "close") this.#closeBlock(part.text);
      else this.#statement(part.text);
    }
  }

  #statement(text: PlacedText): void {
    const { words, fault } = plainWords(text);
    if (fault !== null) {
      this.#report.fault("unmatched-quote", fault.place, fault.message, {
        hint: "A quote must be closed on its own line.",
      });
    }
    const statement: Statement = { words, text, block: null, openedAt: null, closed: true };
    this.#list().push(statement);
    this.#last = statement;
    const isGlobal = this.#open.length === 1 && keywordOf(this.#open[0]!) === "global_defs";
    if (isGlobal) this.#readingOption(statement);
  }

  /** Options that change how the lines below are read. */
  #readingOption(statement: Statement): void {
    const [keyword, ...values] = statement.words.map((word) => word.text);
    if (keyword === "include_check") {
      this.#checks = includeChecks(this.#checks, values);
    } else if (keyword === "random_seed" && /^\d{1,10}$/.test(values[0] ?? "")) {
      this.#options.parameters.seed(Number(values[0]));
    }
  }

  #openBlock(brace: PlacedText): void {
    const place = brace.place(0, 1);
    let owner = this.#last;
    if (owner === null || owner.block !== null) {
      this.#unexpectedBrace(place);
      // Its closing brace must not close something else, and its lines are those of the block around it, as in keepalived.
      const words = [{ text: "{", place, quoted: false }];
      owner = { words, text: brace, block: this.#list(), openedAt: null, closed: true };
    }
    owner.block ??= [];
    owner.openedAt = place;
    this.#open.push(owner);
    this.#last = null;
  }

  #unexpectedBrace(place: Place): void {
    this.#report.fault("unexpected-brace", place, "Unexpected '{' - ignoring", {
      hint: "A block opens behind its keyword, or on the line below it.",
    });
  }

  #closeBlock(brace: PlacedText): void {
    this.#last = null;
    if (this.#open.pop() !== undefined) return;
    this.#report.fault("extra-brace", brace.place(0, 1), "Extra '}' found", {
      hint: "A block above is closed too early, or this brace closes nothing.",
    });
  }

  #list(): Statement[] {
    return this.#open.at(-1)?.block ?? this.#statements;
  }
}

/** A definition in the making. */
interface Definition {
  readonly name: string;
  readonly lines: string[];
  readonly continues: boolean;
}

/** `include_check [+|-][OPTION] …`: without words all checks; `+` and `-` add and remove, others replace. Unknown words change nothing. */
function includeChecks(current: ReadonlySet<IncludeCheck>, words: readonly string[]): Set<IncludeCheck> {
  if (words.length === 0) return new Set(INCLUDE_CHECKS);
  const checks = new Set(/^[+-]/.test(words[0]!) ? current : []);
  for (const word of words) {
    const name = INCLUDE_CHECKS.find((check) => check === word.replace(/^[+-]/, ""));
    if (name === undefined) continue;
    if (word.startsWith("-")) checks.delete(name);
    else checks.add(name);
  }
  return checks;
}

/** Used where a statement's own place is wanted as a whole: the keyword and all that follows it. */
export function wholePlace(statement: Statement): Place {
  const place = placeOf(statement);
  const last = statement.words.at(-1)!.place;
  return last.line === place.line ? { ...place, length: last.column + last.length - place.column } : place;
}
