// How diagnostics look: HAProxy's line first, so that scripts which look for it go on working, then what helps a human.
//
//   [ALERT]    (4711) : config : parsing [haproxy.cfg:12] : unknown keyword 'maxcon' in 'global' section
//     maxcon 1000
//     ^^^^^^
//     did you mean 'maxconn'?
//
// Snippets are indented by two blanks and stripped of their own indentation, as HAProxy's are. Tabs become single blanks, bytes that are
// no printable UTF-8 become `\xHH`, long lines are clipped around the caret; the caret line is drawn over what is shown, not over what
// the file holds. There is no colour: the same text goes to terminals, logs and tests.

import type { Diagnostic, Severity } from "./diagnostic.ts";

/** Columns of a snippet that are shown. */
const SNIPPET_COLUMNS_MAX = 100;
const ELLIPSIS = "...";

/** The longest label, `[WARNING]`, and two blanks. */
const LABEL_COLUMNS = 11;

/** HAProxy's line for a message of any kind: `[ALERT]    (pid) : text`. */
export function renderMessage(severity: Severity, pid: number, text: string): string {
  return `${`[${severity.toUpperCase()}]`.padEnd(LABEL_COLUMNS)}(${pid}) : ${printable(text, true)}\n`;
}

/** What stands before the message, by `Diagnostic.introduction`. */
const INTRODUCTIONS: Readonly<Record<Diagnostic["introduction"], (place: string) => string>> = {
  spaced: (place) => `parsing ${place} : `,
  tight: (place) => `parsing ${place}: `,
  located: (place) => `${place} : `,
  none: () => "",
};

/** A diagnostic with its snippet and its advice; ends in a line feed. @param pid shown as HAProxy shows it, usually `process.pid` */
export function renderDiagnostic(diagnostic: Diagnostic, pid: number): string {
  const { severity, message, introduction } = diagnostic;
  const lead = INTRODUCTIONS[introduction](`[${diagnostic.file}:${diagnostic.line}]`);
  const lines = [...snippet(diagnostic), ...advice(diagnostic)].map((line) => `  ${line}\n`);
  return renderMessage(severity, pid, `config : ${lead}${message}`) + lines.join("");
}

/** The source line and the caret line, or nothing when there is no place to point at. */
function snippet(diagnostic: Diagnostic): string[] {
  const { sourceLine, column, length } = diagnostic;
  if (column < 1 || sourceLine.trim() === "") return [];
  const indentation = sourceLine.length - sourceLine.trimStart().length;
  const start = Math.max(column - 1, indentation);
  const before = printable(sourceLine.slice(indentation, start), false);
  const marked = printable(sourceLine.slice(start, start + length), false);
  const after = printable(sourceLine.slice(start + length).trimEnd(), false);
  // A fault behind the end of the line (something is missing there) still gets its caret.
  const gap = " ".repeat(Math.max(0, start - sourceLine.length));
  return clip(before + gap, marked, after);
}

/** Cuts a snippet to SNIPPET_COLUMNS_MAX columns so that the beginning of the marked part stays in sight. */
function clip(before: string, marked: string, after: string): string[] {
  const text = [...(before + marked + after)];
  let caret = [...before].length;
  let width = Math.max(1, [...marked].length);
  let shown = text;
  if (text.length > SNIPPET_COLUMNS_MAX) {
    const from = Math.max(0, Math.min(caret - SNIPPET_COLUMNS_MAX / 2, text.length - SNIPPET_COLUMNS_MAX));
    const to = Math.min(text.length, from + SNIPPET_COLUMNS_MAX);
    const head = from > 0 ? ELLIPSIS : "";
    shown = [...head, ...text.slice(from, to), ...(to < text.length ? ELLIPSIS : "")];
    caret = caret - from + head.length;
    width = Math.min(width, to - from + head.length - caret);
  }
  return [shown.join("").trimEnd(), " ".repeat(caret) + "^".repeat(Math.max(1, width))];
}

function advice(diagnostic: Diagnostic): string[] {
  const { expected, suggestions, hint } = diagnostic;
  const lines: string[] = [];
  if (expected !== null) lines.push(`expected ${expected}`);
  if (suggestions.length > 0) lines.push(`did you mean ${alternatives(suggestions)}?`);
  if (hint !== null) lines.push(hint);
  return lines.map((line) => printable(line, false));
}

/** `'a'`, `'a' or 'b'`, `'a', 'b' or 'c'`. */
function alternatives(words: readonly string[]): string {
  const quoted = words.map((word) => `'${word}'`);
  const last = quoted.pop()!;
  return quoted.length === 0 ? last : `${quoted.join(", ")} or ${last}`;
}

/**
 * Byte strings for the eye: valid UTF-8 is decoded, other bytes and control characters are written `\xHH` (HAProxy writes them raw; a
 * terminal should not obey a configuration file), tabs become blanks.
 */
function printable(text: string, keepLineFeeds: boolean): string {
  let shown = "";
  for (const character of decodeUtf8(text)) {
    const code = character.codePointAt(0)!;
    if (character === "\t") shown += " ";
    else if (character === "\n" && keepLineFeeds) shown += "\n";
    else if (code < 32 || (code >= 127 && code < 160)) shown += `\\x${code.toString(16).padStart(2, "0")}`;
    else shown += character;
  }
  return shown;
}

/** One or more bytes of UTF-8 beyond ASCII. */
const UTF8_SEQUENCES = /(?:[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})+/g;

function decodeUtf8(text: string): string {
  // Our own words may hold other characters; they are text already.
  if (/[\u0100-\uffff]/.test(text)) return text;
  return text.replace(/[\x80-\xff]+/g, (run) => {
    let result = "";
    let end = 0;
    for (const match of run.matchAll(UTF8_SEQUENCES)) {
      result += escapeBytes(run.slice(end, match.index)) + Buffer.from(match[0], "latin1").toString("utf8");
      end = match.index + match[0].length;
    }
    return result + escapeBytes(run.slice(end));
  });
}

function escapeBytes(bytes: string): string {
  return Array.from(bytes, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`).join("");
}
