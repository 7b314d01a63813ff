// Splits one physical line into words: quotes, escapes, comments and environment variables (configuration.txt §2.2 and §2.3).
//
//   blank  between words    a#b  comment      \x20  escape       '…'  strong quotes, nothing is interpreted inside
//   "…"    weak quotes: escapes and  $NAME  ${NAME}  ${NAME-default}  ${NAME[*]}  ${NAME[*]-default}  are interpreted inside
//
// A word is what stands between unprotected blanks, so `a"b c"'d'` is one. `${NAME[*]}` is the only thing that makes several words of
// one: its value is cut at runs of blanks (at either end of the value that gives an empty word, as in HAProxy).
//
// A line whose last word is a lone `\` goes on in the next line. HAProxy itself takes that backslash for a word; the form is ours,
// and a word that merely ends in a backslash keeps its meaning.
//
// The first fault ends the line: what follows an unmatched quote cannot be told from what it should have contained.
// Variables are expanded by expansion.ts.

import { expandVariable, type Variables } from "./expansion.ts";
import type { PhysicalLine, Word } from "./line.ts";

/** Words a line may have, the keyword included. */
export const WORDS_MAX = 64;

export interface LexicalFault {
  readonly code: string;
  /** HAProxy's wording, the position included. */
  readonly message: string;
  readonly column: number;
  readonly length: number;
  readonly hint?: string;
}

export interface LexedLine {
  readonly words: Word[];
  readonly fault: LexicalFault | null;
  /** The line ends in a lone `\`: the words of the next one belong to it. */
  readonly continues: boolean;
}

const TAB = 9;
const SPACE = 32;
const DOUBLE_QUOTE = 34;
const HASH = 35;
const DOLLAR = 36;
const QUOTE = 39;
const BACKSLASH = 92;

/** @param variables resolves names inside weak quotes, at the moment the line is read. */
export function splitWords(physical: PhysicalLine, variables: Variables): LexedLine {
  return new Lexer(physical, variables).run();
}

/** The state of one line. A class, because a word in the making is touched by quotes, escapes and expansions alike. */
class Lexer {
  readonly #physical: PhysicalLine;
  readonly #raw: string;
  readonly #variables: Variables;
  readonly #words: Word[] = [];
  #position = 0;
  #fault: LexicalFault | null = null;

  /** The word in the making; `#start` is -1 between words. */
  #text = "";
  #start = -1;
  #quoted = false;

  constructor(physical: PhysicalLine, variables: Variables) {
    this.#physical = physical;
    this.#variables = variables;
    // HAProxy ends a line at the first carriage return, not only at its end; that is how DOS line ends work.
    const carriageReturn = physical.raw.indexOf("\r");
    this.#raw = carriageReturn < 0 ? physical.raw : physical.raw.slice(0, carriageReturn);
  }

  run(): LexedLine {
    const raw = this.#raw;
    let comment = false;
    while (this.#position < raw.length && this.#fault === null && !comment) {
      const code = raw.charCodeAt(this.#position);
      if (code === SPACE || code === TAB) {
        this.#endWord(this.#position++);
      } else if (code === HASH) {
        comment = true;
      } else {
        if (this.#start < 0) this.#start = this.#position;
        if (code === DOUBLE_QUOTE) this.#weakQuotes();
        else if (code === QUOTE) this.#strongQuotes();
        else if (code === BACKSLASH) this.#escape();
        else this.#text += raw[this.#position++];
      }
    }
    if (this.#fault === null) this.#endWord(this.#position);
    return this.#finish(comment);
  }

  #finish(comment: boolean): LexedLine {
    const words = this.#words;
    const last = words[words.length - 1];
    const continues = !comment && last !== undefined && last.text === "\\" && !last.quoted;
    if (this.#fault !== null) return { words: [], fault: this.#fault, continues: false };
    if (continues) words.pop();
    return { words, fault: null, continues };
  }

  #endWord(end: number): void {
    if (this.#start < 0) return;
    // To HAProxy a word is a C string: what follows a NUL that an escape put there is not part of it.
    const nul = this.#text.indexOf("\0");
    this.#words.push({
      text: nul < 0 ? this.#text : this.#text.slice(0, nul),
      physical: this.#physical,
      column: this.#start + 1,
      length: end - this.#start,
      quoted: this.#quoted,
    });
    this.#start = -1;
    this.#text = "";
    this.#quoted = false;
  }

  #strongQuotes(): void {
    this.#quoted = true;
    const end = this.#raw.indexOf("'", this.#position + 1);
    if (end < 0) {
      this.#unmatchedQuote(this.#position);
      return;
    }
    this.#text += this.#raw.slice(this.#position + 1, end);
    this.#position = end + 1;
  }

  #weakQuotes(): void {
    this.#quoted = true;
    const raw = this.#raw;
    const opening = this.#position++;
    while (this.#fault === null) {
      if (this.#position >= raw.length) {
        this.#unmatchedQuote(opening);
        return;
      }
      const code = raw.charCodeAt(this.#position);
      if (code === DOUBLE_QUOTE) {
        this.#position++;
        return;
      }
      if (code === BACKSLASH) this.#escape();
      else if (code === DOLLAR) this.#expand();
      else this.#text += raw[this.#position++];
    }
  }

  #unmatchedQuote(opening: number): void {
    this.#stop(
      "unmatched-quote",
      `unmatched quote at position ${opening + 1}:`,
      opening,
      1,
      "A quote must be closed on its own line.",
    );
  }

  /** At a backslash, outside of strong quotes. One that escapes nothing known stands for itself. */
  #escape(): void {
    const raw = this.#raw;
    const next = raw[this.#position + 1];
    const replacement = next === undefined ? undefined : ESCAPES[next];
    if (replacement !== undefined) {
      this.#quoted = true;
      this.#text += replacement;
      this.#position += 2;
    } else if (next === "x") {
      const digits = /^[0-9a-fA-F]{2}/.exec(raw.slice(this.#position + 2, this.#position + 4))?.[0];
      if (digits === undefined) {
        const message = `truncated or invalid hexadecimal sequence at position ${this.#position + 1}:`;
        this.#stop("invalid-escape", message, this.#position, 2, "\\x takes exactly two hexadecimal digits.");
        return;
      }
      this.#quoted = true;
      this.#text += String.fromCharCode(Number.parseInt(digits, 16));
      this.#position += 4;
    } else {
      this.#text += "\\";
      this.#position++;
    }
  }

  /** At a dollar sign inside weak quotes. */
  #expand(): void {
    const expansion = expandVariable(this.#raw, this.#position, this.#variables);
    if (!expansion.ok) {
      const { code, message, at, hint } = expansion.problem;
      this.#stop(code, `${message} at position ${at + 1}:`, at, 1, hint);
      return;
    }
    const { parts, end } = expansion.value;
    for (let i = 0; i < parts.length; i++) {
      if (i > 0) this.#breakWord(end);
      this.#text += parts[i]!;
    }
    this.#position = end;
  }

  /** Ends the word inside an expansion that gives several; all of them stand where the variable is named. */
  #breakWord(end: number): void {
    const start = this.#start;
    this.#endWord(end);
    this.#start = start;
    this.#quoted = true;
  }

  #stop(code: string, message: string, at: number, length: number, hint?: string): void {
    this.#fault = { code, message, column: at + 1, length, hint };
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  " ": " ",
  "\t": "\t",
  "\\": "\\",
  "#": "#",
  '"': '"',
  "'": "'",
  $: "$",
  n: "\n",
  r: "\r",
  t: "\t",
};
