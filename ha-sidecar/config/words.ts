// From the text of a statement to its words, in keepalived's two ways, and the search for what has a meaning in a line: comments, braces.
//
//   plain     blanks separate words, "…" is a word of its own (a"b c"d is three), nothing is escaped, ' is a letter like any other
//   command   for scripts: words are put together as a shell does, with '…' and "…" and escapes (\n \t \x41 \101 \cA, \C is C)
//
// Comments and braces are looked for outside of "…" only. The two differ as keepalived's do: a \ before # or ! or " keeps it from having a
// meaning to the search for comments, but not to the words.

import type { Place } from "../../shared/diagnostic/diagnostic.ts";
import type { PlacedText } from "./text.ts";

export interface Word {
  readonly text: string;
  readonly place: Place;
  readonly quoted: boolean;
}

export interface WordFault {
  readonly message: string;
  readonly place: Place;
}

/** Cuts a comment off and takes the backslash from \# and \!. */
export function withoutComment(line: PlacedText): PlacedText {
  let text = line;
  let inQuotes = false;
  for (let i = 0; i < text.text.length; i++) {
    const character = text.text[i];
    if (character === "\\") {
      const next = text.text[i + 1];
      if (!inQuotes && (next === "#" || next === "!")) text = text.replace(i, i + 2, next);
      else i++;
    } else if (character === '"') inQuotes = !inQuotes;
    else if (!inQuotes && (character === "#" || character === "!")) return text.slice(0, i);
  }
  return text;
}

export interface Part {
  /** What stands between braces, trimmed and not empty; or a brace. */
  readonly kind: "text" | "open" | "close";
  readonly text: PlacedText;
}

/** `{{ NAME }}` outside of quotes, as templates have it that nobody has filled in; null: there is none. */
export function findTemplate(line: PlacedText): Place | null {
  let inQuotes = false;
  for (let i = 0; i < line.text.length; i++) {
    if (line.text[i] === '"') inQuotes = !inQuotes;
    const template = inQuotes || line.text[i] !== "{" ? null : /^\{\{[^{}]*\}\}/.exec(line.text.slice(i));
    if (template !== null) return line.place(i, i + template[0].length);
  }
  return null;
}

/** A line cut at its braces. */
export function splitAtBraces(line: PlacedText): Part[] {
  const parts: Part[] = [];
  let start = 0;
  let inQuotes = false;
  const flush = (end: number) => {
    const text = line.slice(start, end).trim();
    if (text.text !== "") parts.push({ kind: "text", text });
  };
  for (let i = 0; i < line.text.length; i++) {
    const character = line.text[i];
    if (character === '"') inQuotes = !inQuotes;
    if (inQuotes || (character !== "{" && character !== "}")) continue;
    flush(i);
    parts.push({ kind: character === "{" ? "open" : "close", text: line.slice(i, i + 1) });
    start = i + 1;
  }
  flush(line.text.length);
  return parts;
}

const BLANK = /[ \t\r\f\v]/;

/** The words of a statement in the plain way. `fault`: a quote that is not closed; its word goes to the end of the line. */
export function plainWords(text: PlacedText): { words: Word[]; fault: WordFault | null } {
  const source = text.text;
  const words: Word[] = [];
  let fault: WordFault | null = null;
  let i = 0;
  while (i < source.length) {
    if (BLANK.test(source[i]!)) {
      i++;
    } else if (source[i] === '"') {
      const closing = source.indexOf('"', i + 1);
      const end = closing < 0 ? source.length : closing;
      const place = text.place(i, Math.min(end + 1, source.length));
      words.push({ text: source.slice(i + 1, end), place, quoted: true });
      if (closing < 0) fault = { message: `Unmatched quote: '${source}'`, place: text.place(i, i + 1) };
      i = end + 1;
    } else {
      let end = i;
      while (end < source.length && source[end] !== '"' && !BLANK.test(source[end]!)) end++;
      words.push({ text: source.slice(i, end), place: text.place(i, end), quoted: false });
      i = end;
    }
  }
  return { words, fault };
}

/** The words of a statement in the manner of a shell. */
export function commandWords(text: PlacedText): { words: Word[]; fault: WordFault | null } {
  const pieces = splitCommand(text.text);
  const words = pieces.words.map(({ text: word, start, end, quoted }) => {
    return { text: word, place: text.place(start, end), quoted };
  });
  const { unclosed } = pieces;
  const fault =
    unclosed === null
      ? null
      : { message: `Unmatched quote: '${text.text}'`, place: text.place(unclosed, unclosed + 1) };
  return { words, fault };
}

/** A command line (the value of a `script`) as its arguments; null: a quote is not closed. */
export function splitArguments(command: string): string[] | null {
  const { words, unclosed } = splitCommand(command);
  return unclosed === null ? words.map((word) => word.text) : null;
}

interface Piece {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly quoted: boolean;
}

function splitCommand(source: string): { words: Piece[]; unclosed: number | null } {
  const words: Piece[] = [];
  let i = 0;
  while (i < source.length) {
    if (BLANK.test(source[i]!)) {
      i++;
      continue;
    }
    const start = i;
    let text = "";
    let quote: string | null = null;
    let quoteAt = 0;
    let quoted = false;
    while (i < source.length && (quote !== null || !BLANK.test(source[i]!))) {
      const character = source[i]!;
      if (character === "\\" && i + 1 < source.length) {
        const escaped = readEscape(source, i);
        text += escaped.text;
        i = escaped.end;
      } else if (quote === null && (character === '"' || character === "'")) {
        quote = character;
        quoteAt = i++;
        quoted = true;
      } else if (character === quote) {
        quote = null;
        i++;
      } else {
        text += character;
        i++;
      }
    }
    // To keepalived a word is a C string: what follows a NUL that an escape put there is not part of it.
    const nul = text.indexOf("\0");
    words.push({ text: nul < 0 ? text : text.slice(0, nul), start, end: i, quoted });
    if (quote !== null) return { words, unclosed: quoteAt };
  }
  return { words, unclosed: null };
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  E: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** At a backslash that is not the last character. */
function readEscape(source: string, at: number): { text: string; end: number } {
  const octal = /^[0-7]{1,3}/.exec(source.slice(at + 1, at + 4))?.[0];
  if (octal !== undefined) return { text: byte(Number.parseInt(octal, 8)), end: at + 1 + octal.length };
  const next = source[at + 1]!;
  const hexadecimal = next === "x" ? /^[0-9a-fA-F]+/.exec(source.slice(at + 2, at + 18))?.[0] : undefined;
  if (hexadecimal !== undefined) {
    // As in C any number of digits is read, of which one byte remains.
    return { text: byte(Number.parseInt(hexadecimal.slice(-2), 16)), end: at + 2 + hexadecimal.length };
  }
  if (next === "c" && at + 2 < source.length) return { text: byte(source.charCodeAt(at + 2) & 31), end: at + 3 };
  return { text: ESCAPES[next] ?? next, end: at + 2 };
}

function byte(value: number): string {
  return String.fromCharCode(value & 255);
}
