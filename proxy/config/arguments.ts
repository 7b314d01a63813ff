// Parsers for the argument forms that many keywords share: times, sizes, integers, percentages.
//
// Each returns the value or what is wrong with the text and where. The wording is the keyword's, because HAProxy words the same fault
// differently from keyword to keyword.

export type Parsed<Value, Problem> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problem: Problem };

export interface ArgumentProblem {
  /**
   * `overflow`: above what is allowed; `underflow`: below it; `character`: the character at `at` does not belong there ("" when the
   * text ends too early); `empty`: nothing was given.
   */
  readonly kind: "overflow" | "underflow" | "character" | "empty";
  /** Index into the text. */
  readonly at: number;
  /** The character at `at`, "" when there is none to blame. */
  readonly character: string;
}

export type TimeUnit = "us" | "ms" | "s" | "m" | "h" | "d";

/** Microseconds in each unit. */
const UNIT_MICROSECONDS: Readonly<Record<TimeUnit, number>> = {
  us: 1,
  ms: 1000,
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
};

/** The greatest time HAProxy's timers hold, in whatever unit they count. */
const TIME_MAX = 2147483647;

export interface TimeArgument {
  /** In the unit that was asked for, rounded up: nothing above zero becomes zero. */
  readonly value: number;
  /** True when a unit was written. */
  readonly hasUnit: boolean;
  /** A character that stands behind the unit, "" usually. HAProxy warns of it (`trailingTimeMessage`) and goes on. */
  readonly trailing: string;
}

/**
 * A time: digits and a unit (`us ms s m h d`), without one `unit` (configuration.txt §2.5).
 * @param unit the unit of the result and of a number without unit
 */
export function parseTime(text: string, unit: TimeUnit = "ms"): Parsed<TimeArgument, ArgumentProblem> {
  const digits = /^[0-9]*/.exec(text)![0];
  if (digits === "") return characterProblem(text, 0);
  const written = /^(?:us|ms|s|m|h|d)/.exec(text.slice(digits.length))?.[0] as TimeUnit | undefined;
  const end = digits.length + (written?.length ?? 0);
  if (written === undefined && end < text.length) return characterProblem(text, end);
  const value = Math.ceil((Number(digits) * UNIT_MICROSECONDS[written ?? unit]) / UNIT_MICROSECONDS[unit]);
  if (value > TIME_MAX) return { ok: false, problem: { kind: "overflow", at: 0, character: "" } };
  return { ok: true, value: { value, hasUnit: written !== undefined, trailing: text[end] ?? "" } };
}

/** HAProxy's warning of a time that goes on behind its unit; it is given without a place (`introduction: "none"`). */
export function trailingTimeMessage(text: string, trailing: string): string {
  return (
    `unexpected character '${trailing}' after the timer value '${text}', only ` +
    "(us=microseconds,ms=milliseconds,s=seconds,m=minutes,h=hours,d=days) are supported. " +
    "This will be reported as an error in next versions."
  );
}

const SIZE_UNITS: Readonly<Record<string, number>> = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 };
const SIZE_MAX = 4294967295;

/**
 * A size in bytes: digits and `k`, `m` or `g` in either case (configuration.txt §2.6), below 4 GB. The problem's `at` is where HAProxy
 * stops reading, which for a number that is too big is the digit or unit that makes it so; its messages quote the rest from there.
 */
export function parseSize(text: string): Parsed<number, ArgumentProblem> {
  const digits = /^[0-9]*/.exec(text)![0];
  if (digits === "") return characterProblem(text, 0);
  for (let length = 1; length <= digits.length; length++) {
    if (Number(digits.slice(0, length)) > SIZE_MAX) return characterProblem(text, length - 1, "overflow");
  }
  const suffix = text.slice(digits.length);
  if (suffix === "") return { ok: true, value: Number(digits) };
  const factor = SIZE_UNITS[suffix[0]!.toLowerCase()];
  if (factor === undefined) return characterProblem(text, digits.length);
  if (suffix.length > 1) return characterProblem(text, digits.length + 1);
  const value = Number(digits) * factor;
  return value > SIZE_MAX ? characterProblem(text, digits.length, "overflow") : { ok: true, value };
}

/** A decimal integer within [minimum, maximum]. */
export function parseInteger(text: string, minimum: number, maximum: number): Parsed<number, ArgumentProblem> {
  const integer = /^[+-]?[0-9]+/.exec(text)?.[0];
  if (integer === undefined) return characterProblem(text, /^[+-]/.test(text) ? 1 : 0);
  if (integer.length < text.length) return characterProblem(text, integer.length);
  const value = Number(integer);
  if (value < minimum) return { ok: false, problem: { kind: "underflow", at: 0, character: "" } };
  if (value > maximum) return { ok: false, problem: { kind: "overflow", at: 0, character: "" } };
  return { ok: true, value };
}

/** An integer of percent, with or without `%`. */
export function parsePercent(text: string, minimum = 0, maximum = 100): Parsed<number, ArgumentProblem> {
  return parseInteger(text.endsWith("%") ? text.slice(0, -1) : text, minimum, maximum);
}

function characterProblem(
  text: string,
  at: number,
  kind: "character" | "overflow" = "character",
): { readonly ok: false; readonly problem: ArgumentProblem } {
  if (text === "") return { ok: false, problem: { kind: "empty", at: 0, character: "" } };
  return { ok: false, problem: { kind, at, character: text[at] ?? "" } };
}
