// Text that remembers where it stands in a file, however often `$PARAMETER`s have been replaced in it: that is how a caret finds its
// column. A piece of replaced text points at the `${NAME}` it came from.

import type { Place } from "../../shared/diagnostic/diagnostic.ts";

/** One line of a file; `number` counts from 1. */
export interface PhysicalLine {
  readonly file: string;
  readonly number: number;
  /** Byte string (one character per byte), without the line end. */
  readonly text: string;
}

/** text[start … end) stands at `column` (from 1) and is `length` columns wide there. */
interface Span {
  readonly start: number;
  readonly end: number;
  readonly column: number;
  readonly length: number;
  /** Character by character; false: as a whole, because it was replaced. */
  readonly verbatim: boolean;
}

export class PlacedText {
  readonly text: string;
  readonly line: PhysicalLine;
  readonly #spans: readonly Span[];

  private constructor(text: string, line: PhysicalLine, spans: readonly Span[]) {
    this.text = text;
    this.line = line;
    this.#spans = spans;
  }

  /** A line as it is. */
  static of(line: PhysicalLine): PlacedText {
    const { length } = line.text;
    return new PlacedText(line.text, line, [{ start: 0, end: length, column: 1, length, verbatim: true }]);
  }

  slice(from: number, to: number = this.text.length): PlacedText {
    const spans: Span[] = [];
    for (const span of this.#spans) {
      const start = Math.max(span.start, from);
      const end = Math.min(span.end, to);
      if (start >= end) continue;
      const column = span.verbatim ? span.column + start - span.start : span.column;
      const length = span.verbatim ? end - start : span.length;
      spans.push({ start: start - from, end: end - from, column, length, verbatim: span.verbatim });
    }
    return new PlacedText(this.text.slice(from, to), this.line, spans);
  }

  /** The same with text[from … to) replaced; the replacement stands where the replaced text stood. */
  replace(from: number, to: number, replacement: string): PlacedText {
    const at = this.place(from, to);
    const before = this.slice(0, from);
    const after = this.slice(to);
    const grown = from + replacement.length;
    const shifted = after.#spans.map((span) => ({ ...span, start: span.start + grown, end: span.end + grown }));
    const middle = { start: from, end: grown, column: at.column, length: at.length, verbatim: false };
    return new PlacedText(before.text + replacement + after.text, this.line, [...before.#spans, middle, ...shifted]);
  }

  /** The lines of a text in which a multi-line value was put in; all of them point at the line where that happened. */
  lines(): PlacedText[] {
    const lines: PlacedText[] = [];
    let start = 0;
    for (let end = this.text.indexOf("\n"); end >= 0; end = this.text.indexOf("\n", start)) {
      lines.push(this.slice(start, end));
      start = end + 1;
    }
    lines.push(this.slice(start));
    return lines;
  }

  trim(): PlacedText {
    const start = this.text.length - this.text.trimStart().length;
    return this.slice(start, Math.max(start, this.text.trimEnd().length));
  }

  /** Where text[from … to) stands; from = to: just behind what is before it. */
  place(from: number, to: number): Place {
    const { file, number, text } = this.line;
    const first = this.#spans.find((span) => from >= span.start && from < span.end);
    const last = this.#spans.find((span) => to > span.start && to <= span.end);
    const start = first === undefined ? this.#endColumn() : columnOf(first, from);
    const end = last === undefined ? start + 1 : last.verbatim ? columnOf(last, to) : last.column + last.length;
    return { file, line: number, column: start, length: Math.max(1, end - start), sourceLine: text };
  }

  #endColumn(): number {
    const last = this.#spans.at(-1);
    return last === undefined ? this.line.text.length + 1 : last.column + last.length;
  }
}

function columnOf(span: Span, position: number): number {
  return span.verbatim ? span.column + position - span.start : span.column;
}

/** The line as a whole, without a caret. */
export function placeOfLine(line: PhysicalLine): Place {
  return { file: line.file, line: line.number, column: 0, length: 0, sourceLine: line.text };
}
