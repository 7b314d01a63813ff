// A logical line of the configuration: its words, and where each of them stands in the file.
//
// This is what the language layer (source.ts) hands to the sections: quotes are removed, escapes and environment variables are resolved,
// comments are gone, continued lines are joined, conditional blocks are decided. What the words *mean* is not known here.
//
// Text is a byte string: one character per byte of the file (codes 0 … 255), so that a name with any bytes in it survives unchanged.
// To write it: `Buffer.from(text, "latin1")`, also for file names. Never `Buffer.from(text)`: that would encode a second time.

import type { Place } from "../../shared/diagnostic/diagnostic.ts";

/** A line of the file as it stands there. A logical line that is continued with `\` has several. */
export interface PhysicalLine {
  /** Counted from 1. */
  readonly number: number;
  /** Without the line end. */
  readonly raw: string;
}

export interface Word {
  /** The word after unquoting, unescaping and expansion. May be "" when it was quoted. */
  readonly text: string;
  /** The physical line on which the word begins. */
  readonly physical: PhysicalLine;
  /** Where the word begins in `physical.raw`, quotes included, counted from 1 in bytes. */
  readonly column: number;
  /** Bytes the word takes in `physical.raw`, quotes included (to the end of that line when it goes on in the next one). */
  readonly length: number;
  /** True when any part of it was quoted or escaped: `"if"` is a value even where `if` is a keyword to whoever cares. */
  readonly quoted: boolean;
}

export interface ConfigLine {
  readonly file: string;
  /** Number of the physical line on which it begins. */
  readonly line: number;
  /** That physical line, as it stands in the file. */
  readonly raw: string;
  /** At least one. `words[0]` is the keyword. */
  readonly words: readonly Word[];
}

/** The place of a word for a diagnostic, or of `length` bytes from `offset` in its text; without a word, the whole line. */
export function placeOf(line: ConfigLine, word?: Word, offset = 0, length?: number): Place {
  if (word === undefined) return { file: line.file, line: line.line, column: 0, length: 0, sourceLine: line.raw };
  // Offsets count in the resolved text; they hold in the file only when nothing was quoted, escaped or expanded.
  const verbatim = word.text.length === word.length;
  return {
    file: line.file,
    line: word.physical.number,
    column: word.column + (verbatim ? offset : 0),
    length: verbatim ? (length ?? word.length - offset) : word.length,
    sourceLine: word.physical.raw,
  };
}

/** The place just behind the last word, where a missing argument should have been. */
export function placeAfter(line: ConfigLine): Place {
  const last = line.words[line.words.length - 1]!;
  return {
    file: line.file,
    line: last.physical.number,
    column: last.column + last.length + 1,
    length: 1,
    sourceLine: last.physical.raw,
  };
}

/** Text of the word at `index`, or "" when the line has no such word: HAProxy does not tell a missing from an empty argument. */
export function textAt(line: ConfigLine, index: number): string {
  return line.words[index]?.text ?? "";
}
