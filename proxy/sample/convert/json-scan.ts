// Finds a value in JSON text by a path, without building anything: one pass, a count of open brackets instead of recursion, time linear in
// the text whatever it holds. What stands behind the value that was asked for is not looked at, so that a text cut short still answers.
//
//   $.a.b[1].c      from the root, member `a`, its member `b`, its second element, its member `c`; `\.` is a dot in a name
//
// Names are compared as they stand in the text, escapes included; of equal names the first one counts. That is what HAProxy does.

import { textBytes } from "../value.ts";

const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const COLON = 58;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/** A member's name, or an element's index. */
export type JsonStep = { readonly name: Uint8Array } | { readonly index: number };

/** The steps of a path, null: it is none. */
export function parseJsonPath(path: string): readonly JsonStep[] | null {
  if (!path.startsWith("$")) return null;
  const steps: JsonStep[] = [];
  for (const [whole, name, index] of path.slice(1).matchAll(/\.((?:\\.|[^.[\\])*)|\[(\d+)\]|[\s\S]/g)) {
    if (name !== undefined) steps.push({ name: textBytes(name.replace(/\\(.)/g, "$1")) });
    else if (index !== undefined) steps.push({ index: Number(index) });
    else return whole === "" ? steps : null;
  }
  return steps;
}

export function skipJsonBlanks(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && (bytes[at] === 32 || (bytes[at]! >= 9 && bytes[at]! <= 13))) at++;
  return at;
}

/** The offset behind the string that begins at the quote `start`, -1: it does not end. */
export function jsonStringEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start + 1; at < end; at++) {
    const c = bytes[at];
    if (c === BACKSLASH) at++;
    else if (c === QUOTE) return at + 1;
  }
  return -1;
}

/** The offset behind the value at `start`, -1: it does not end. */
export function jsonValueEnd(bytes: Uint8Array, start: number, end: number): number {
  let depth = 0;
  for (let at = start; at < end; at++) {
    const c = bytes[at];
    if (c === QUOTE) {
      at = jsonStringEnd(bytes, at, end) - 1;
      if (at < 0) return -1;
      if (depth === 0) return at + 1;
    } else if (c === OPEN_BRACE || c === OPEN_BRACKET) depth++;
    else if (c === CLOSE_BRACE || c === CLOSE_BRACKET) {
      // The end of what is around a number or a word.
      if (depth === 0) return at;
      if (--depth === 0) return at + 1;
    } else if (c === COMMA && depth === 0) return at;
  }
  return depth === 0 ? end : -1;
}

/** Where the value of the path begins, -1: it is not there. */
export function findJson(bytes: Uint8Array, start: number, end: number, steps: readonly JsonStep[]): number {
  let at = skipJsonBlanks(bytes, start, end);
  for (let i = 0; i < steps.length && at >= 0; i++) {
    const step = steps[i]!;
    at = "name" in step ? findMember(bytes, at, end, step.name) : findElement(bytes, at, end, step.index);
  }
  return at < end ? at : -1;
}

function findMember(bytes: Uint8Array, start: number, end: number, name: Uint8Array): number {
  if (bytes[start] !== OPEN_BRACE) return -1;
  let at = start;
  do {
    at = skipJsonBlanks(bytes, at + 1, end);
    if (at >= end || bytes[at] !== QUOTE) return -1;
    const nameStart = at + 1;
    const nameEnd = jsonStringEnd(bytes, at, end);
    if (nameEnd < 0) return -1;
    at = skipJsonBlanks(bytes, nameEnd, end);
    if (at >= end || bytes[at] !== COLON) return -1;
    at = skipJsonBlanks(bytes, at + 1, end);
    if (nameEnd - 1 - nameStart === name.length) {
      let i = 0;
      while (i < name.length && bytes[nameStart + i] === name[i]) i++;
      if (i === name.length) return at;
    }
    at = jsonValueEnd(bytes, at, end);
    if (at < 0) return -1;
    at = skipJsonBlanks(bytes, at, end);
  } while (at < end && bytes[at] === COMMA);
  return -1;
}

function findElement(bytes: Uint8Array, start: number, end: number, index: number): number {
  if (bytes[start] !== OPEN_BRACKET) return -1;
  let at = start;
  for (let i = 0; ; i++) {
    at = skipJsonBlanks(bytes, at + 1, end);
    if (at >= end || bytes[at] === CLOSE_BRACKET) return -1;
    if (i === index) return at;
    at = jsonValueEnd(bytes, at, end);
    if (at < 0) return -1;
    at = skipJsonBlanks(bytes, at, end);
    if (at >= end || bytes[at] !== COMMA) return -1;
  }
}
