// A statement: one line of a section as its keyword's parser sees it. The keyword may have several words (`timeout client`,
// `option httplog`), a `no` or `default` may stand before it; `at` counts from the first word of the keyword.
//
// It also knows how HAProxy words the faults that all keywords share, so that each parser names only what is its own.

import type { DiagnosticDetails, Diagnostics, Place, Severity } from "../../shared/diagnostic/diagnostic.ts";
import type { SourceLocation } from "../plan/plan.ts";
import { type ConfigLine, placeAfter, placeOf, type Word } from "./line.ts";

/** Details of a diagnostic, and the word it is about: an index into the statement, by default the keyword. */
export interface Fault extends DiagnosticDetails {
  readonly at?: number;
}

export class Statement {
  readonly line: ConfigLine;
  readonly diagnostics: Diagnostics;
  /** The words from the keyword on (a leading `no` or `default` is not among them). */
  readonly words: readonly Word[];
  /** `no option x`: the opposite is wanted. */
  readonly negated: boolean;
  /** `default option x`: HAProxy's default is wanted, whatever the `defaults` section said. */
  readonly resetting: boolean;

  constructor(line: ConfigLine, diagnostics: Diagnostics, prefix: "no" | "default" | null = null) {
    this.line = line;
    this.diagnostics = diagnostics;
    this.words = prefix === null ? line.words : line.words.slice(1);
    this.negated = prefix === "no";
    this.resetting = prefix === "default";
  }

  get length(): number {
    return this.words.length;
  }

  /** The text of word `index`; "" when there is none, as for HAProxy. */
  text(index: number): string {
    return this.words[index]?.text ?? "";
  }

  has(index: number): boolean {
    return this.text(index) !== "";
  }

  /** Texts from word `index` to the end. */
  textsFrom(index: number): string[] {
    return this.words.slice(index).map((word) => word.text);
  }

  /** For the plan: where this was written. */
  get location(): SourceLocation {
    return { file: this.line.file, line: this.line.line };
  }

  place(index = 0): Place {
    const word = this.words[index];
    return word === undefined ? placeAfter(this.line) : placeOf(this.line, word);
  }

  alert(code: string, message: string, fault: Fault = {}): void {
    this.report("alert", code, message, fault);
  }

  warning(code: string, message: string, fault: Fault = {}): void {
    this.report("warning", code, message, fault);
  }

  report(severity: Severity, code: string, message: string, fault: Fault = {}): void {
    this.diagnostics.report(severity, code, this.place(fault.at ?? 0), message, fault);
  }

  /**
   * True when at most `count` arguments follow the keyword; otherwise reports the first that is too many.
   * @param keywordWords how many words the keyword itself has
   */
  takesAtMost(count: number, keywordWords = 1): boolean {
    const index = keywordWords + count;
    if (!this.has(index)) return true;
    const keyword = this.textsOf(keywordWords);
    this.alert("extra-argument", `'${keyword}' cannot handle unexpected argument '${this.text(index)}'.`, {
      at: index,
      expected: count === 0 ? "nothing more on this line" : `${count} argument${count === 1 ? "" : "s"} at most`,
    });
    return false;
  }

  /** The first `count` words, joined. */
  textsOf(count: number): string {
    return this.words
      .slice(0, count)
      .map((word) => word.text)
      .join(" ");
  }
}
