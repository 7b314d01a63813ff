// Values of keywords: numbers, times, on and off, addresses. Each reader gives the value or null and has then reported what is wrong, in
// keepalived's words. The builders at the end make rows of the keyword table of them.
//
// keepalived says two things of a bad number (`invalid number 'x'`, then what it means for the keyword); we give the second, which names
// the keyword, and put the bounds below it.

import { formatAddress, parseAddress, parseIpv4, parseIpv6 } from "../../shared/ip/text.ts";
import type { IpAddressPlan } from "../plan/network.ts";
import { type Context, type Keyword, missingParameter } from "./keyword.ts";
import { keywordOf, placeOf, type Statement } from "./statement.ts";
import type { Word } from "./words.ts";

/** The word at an index, without which keepalived would stop. */
export function requireWord(statement: Statement, index: number, context: Context): Word | null {
  const word = statement.words[index];
  if (word === undefined) missingParameter(statement, index, context.report);
  return word ?? null;
}

export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** keepalived's largest unsigned number, where it names no other bound. */
export const UNSIGNED_MAX = 4294967295;
/** Seconds that fit 32 bits of microseconds. */
export const SECONDS_MAX = 4294;

/** A whole number in bounds, or null. */
export function parseInteger(text: string, { min, max }: Bounds): number | null {
  if (!/^[+-]?\d{1,20}$/.test(text)) return null;
  const value = Number(text);
  return value >= min && value <= max ? value : null;
}

/** A number in bounds, with or without a fraction, or null. */
export function parseDecimal(text: string, { min, max }: Bounds): number | null {
  if (!/^[+-]?(\d{1,20}(\.\d*)?|\.\d+)$/.test(text)) return null;
  const value = Number(text);
  return value >= min && value <= max ? value : null;
}

/** `on|off|true|false|yes|no`, or null. */
export function parseBoolean(text: string): boolean | null {
  if (text === "on" || text === "true" || text === "yes") return true;
  if (text === "off" || text === "false" || text === "no") return false;
  return null;
}

export function describeBounds({ min, max }: Bounds): string {
  return max >= UNSIGNED_MAX ? `a number of at least ${min}` : `a number from ${min} to ${max}`;
}

/** @param invalid what is said of a bad value */
export function readInteger(
  statement: Statement,
  index: number,
  bounds: Bounds,
  invalid: (text: string) => string,
  context: Context,
): number | null {
  const word = requireWord(statement, index, context);
  if (word === null) return null;
  const value = parseInteger(word.text, bounds);
  if (value === null) {
    const details = { expected: `${describeBounds(bounds)}` };
    context.report.fault("invalid-number", word.place, invalid(word.text), details);
  }
  return value;
}

/** Seconds, given as milliseconds. */
export function readSeconds(
  statement: Statement,
  index: number,
  bounds: Bounds,
  invalid: (text: string) => string,
  context: Context,
): number | null {
  const word = requireWord(statement, index, context);
  if (word === null) return null;
  const value = parseDecimal(word.text, bounds);
  if (value === null) {
    const expected = `seconds, ${describeBounds(bounds)}, with or without a fraction`;
    context.report.fault("invalid-number", word.place, invalid(word.text), { expected });
    return null;
  }
  // Microseconds are keepalived's resolution; more digits would only be noise of the multiplication.
  return Math.round(value * 1e6) / 1e3;
}

/** A switch whose word may be left out, which means on. */
export function readBoolean(
  statement: Statement,
  index: number,
  invalid: (text: string) => string,
  context: Context,
): boolean | null {
  const word = statement.words[index];
  if (word === undefined) return true;
  const value = parseBoolean(word.text);
  if (value === null) {
    const details = { expected: "on, off, true, false, yes or no" };
    context.report.fault("invalid-boolean", word.place, invalid(word.text), details);
  }
  return value;
}

export function toAddress(bytes: Uint8Array): IpAddressPlan {
  return { family: bytes.length === 4 ? 4 : 6, bytes, text: formatAddress(bytes) };
}

/** An address of either family, or null. */
export function parseIp(text: string): IpAddressPlan | null {
  const bytes = parseAddress(text);
  return bytes === null ? null : toAddress(bytes);
}

/** An address of one family, or null. */
export function parseIpOf(family: 4 | 6, text: string): IpAddressPlan | null {
  const bytes = family === 4 ? parseIpv4(text) : parseIpv6(text);
  return bytes === null ? null : toAddress(bytes);
}

// Rows of the table.

interface Row {
  readonly name: string;
  readonly text: string;
  readonly since?: string;
}

const LINE = { effect: "served", section: null, takesList: false } as const;

/** A keyword with words of its own. */
export function line<Draft>(
  row: Row & { readonly syntax: string },
  read: (draft: Draft, statement: Statement, context: Context) => void,
): Keyword<Draft> {
  return { ...LINE, ...row, read };
}

/** A keyword that stands alone. */
export function flag<Draft>(row: Row, set: (draft: Draft) => void): Keyword<Draft> {
  return { ...LINE, ...row, syntax: "", read: (draft) => set(draft) };
}

/** A keyword with one whole number. */
export function integer<Draft>(
  row: Row & Bounds & { readonly invalid: (text: string, draft: Draft) => string },
  set: (draft: Draft, value: number, statement: Statement, context: Context) => void,
): Keyword<Draft> {
  return line({ ...row, syntax: syntaxOf(row) }, (draft, statement, context) => {
    const value = readInteger(statement, 1, row, (text) => row.invalid(text, draft), context);
    if (value !== null) set(draft, value, statement, context);
  });
}

/** A keyword with a time in seconds; `set` gets milliseconds. */
export function seconds<Draft>(
  row: Row & Bounds & { readonly invalid: (text: string, draft: Draft) => string },
  set: (draft: Draft, ms: number, statement: Statement, context: Context) => void,
): Keyword<Draft> {
  return line({ ...row, syntax: "<SECONDS>" }, (draft, statement, context) => {
    const value = readSeconds(statement, 1, row, (text) => row.invalid(text, draft), context);
    if (value !== null) set(draft, value, statement, context);
  });
}

/** A keyword that is on, or what its word says. */
export function boolean<Draft>(
  row: Row & { readonly invalid: (text: string, draft: Draft) => string },
  set: (draft: Draft, value: boolean) => void,
): Keyword<Draft> {
  return line({ ...row, syntax: "[<BOOL>]" }, (draft, statement, context) => {
    const value = readBoolean(statement, 1, (text) => row.invalid(text, draft), context);
    if (value !== null) set(draft, value);
  });
}

/** A keyword with one word of text. @param missing what is said when there is none; without it keepalived stops */
export function text<Draft>(
  row: Row & { readonly syntax?: string; readonly missing?: (draft: Draft) => string },
  set: (draft: Draft, value: string, statement: Statement, context: Context) => void,
): Keyword<Draft> {
  return line({ ...row, syntax: row.syntax ?? "<STRING>" }, (draft, statement, context) => {
    const word = statement.words[1];
    if (word !== undefined) set(draft, word.text, statement, context);
    else if (row.missing === undefined) missingParameter(statement, 1, context.report);
    else context.report.fault("missing-parameter", placeOf(statement, 1), row.missing(draft));
  });
}

/** A keyword that is read and has no effect here. `text` says why, or what to use instead. */
export function ignored<Draft>(name: string, why: string, syntax = ""): Keyword<Draft> {
  return { name, syntax, text: why, effect: "ignored", section: null, takesList: false, read: () => {} };
}

/** A keyword whose words are read and judged all the same. */
export function withoutEffect<Draft>(keyword: Keyword<Draft>, why: string): Keyword<Draft> {
  return { ...keyword, text: why, effect: "ignored" };
}

/** A value of some kind that must be one of a few words. */
export function readChoice<Choice extends string>(
  statement: Statement,
  index: number,
  choices: readonly Choice[],
  invalid: (text: string) => string,
  context: Context,
): Choice | null {
  const word = requireWord(statement, index, context);
  if (word === null) return null;
  const choice = choices.find((candidate) => candidate === word.text);
  if (choice === undefined) {
    const listed = choices.length > 1 ? `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}` : choices[0]!;
    context.report.fault("invalid-value", word.place, invalid(word.text), { expected: listed });
  }
  return choice ?? null;
}

function syntaxOf({ min, max }: Bounds): string {
  return max >= UNSIGNED_MAX ? "<INTEGER>" : `<${min}..${max}>`;
}

/** `WHAT is deprecated - please use 'INSTEAD'` in keepalived's manner. */
export function deprecated(statement: Statement, message: string, context: Context): void {
  context.report.fault("deprecated", placeOf(statement), message, {
    hint: `'${keywordOf(statement)}' still works.`,
  });
}
