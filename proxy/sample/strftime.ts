// strftime(3) of the C locale, with the specifiers of glibc that dates in logs use. A format is compiled once to a list of writers; writing
// then allocates nothing. What is no specifier is copied as it stands, as glibc does.
//
//   %-d %_d %0d    no padding, blanks, zeros      %^a    upper case      %Ey %Od    the modifiers mean nothing in the C locale
//   %3N            the first digits of the fraction of the second, at most 9: only where the caller has a fraction
//
// Not served, and copied: field widths (`%10Y`) and `%#Z`.

import type { Calendar } from "./calendar.ts";
import { textBytes } from "./value.ts";

type Writer = (target: Uint8Array, at: number, calendar: Calendar) => number;

export const WEEKDAYS: readonly string[] = [
  "Sunday",
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
];
export const MONTHS: readonly string[] = [
  ...["January", "February", "March", "April", "May", "June"],
  ...["July", "August", "September", "October", "November", "December"],
];

const ZERO = 48;
const SPACE = 32;
const MINUS = 45;
const PLUS = 43;
/** The longest that one specifier writes is a year of 2^55 seconds or a count of seconds. */
const FIELD_BYTES_MAX = 40;

/** How a number is filled up: the pad's code, 0: not at all. */
type Pad = number;

function writeNumber(target: Uint8Array, start: number, number: number, width: number, pad: Pad): number {
  let at = start;
  let rest = Math.abs(number);
  if (number < 0) target[at++] = MINUS;
  let digits = 1;
  for (let limit = 10; limit <= rest; limit *= 10) digits++;
  if (pad !== 0) for (let i = digits; i < width; i++) target[at++] = pad;
  for (let i = at + digits - 1; i >= at; i--) {
    target[i] = ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return at + digits;
}

function writeBytes(target: Uint8Array, at: number, bytes: Uint8Array): number {
  for (let i = 0; i < bytes.length; i++) target[at + i] = bytes[i]!;
  return at + bytes.length;
}

const hour12 = (calendar: Calendar): number => ((calendar.hour + 11) % 12) + 1;

/** Specifiers that are numbers: value, width, usual padding. */
const NUMBERS: Readonly<Record<string, readonly [read: (calendar: Calendar) => number, width: number, pad: Pad]>> = {
  C: [(c) => Math.floor(c.year / 100), 2, ZERO],
  d: [(c) => c.day, 2, ZERO],
  e: [(c) => c.day, 2, SPACE],
  g: [(c) => ((c.isoYear() % 100) + 100) % 100, 2, ZERO],
  G: [(c) => c.isoYear(), 1, ZERO],
  H: [(c) => c.hour, 2, ZERO],
  I: [hour12, 2, ZERO],
  j: [(c) => c.yearDay + 1, 3, ZERO],
  k: [(c) => c.hour, 2, SPACE],
  l: [hour12, 2, SPACE],
  m: [(c) => c.month + 1, 2, ZERO],
  M: [(c) => c.minute, 2, ZERO],
  s: [(c) => c.epochSeconds, 1, ZERO],
  S: [(c) => c.second, 2, ZERO],
  u: [(c) => ((c.weekday + 6) % 7) + 1, 1, ZERO],
  U: [(c) => c.weekOfYear(0), 2, ZERO],
  V: [(c) => c.isoWeek(), 2, ZERO],
  w: [(c) => c.weekday, 1, ZERO],
  W: [(c) => c.weekOfYear(1), 2, ZERO],
  y: [(c) => ((c.year % 100) + 100) % 100, 2, ZERO],
  Y: [(c) => c.year, 1, ZERO],
};

/** Specifiers that are names: the list and the index in it. */
const NAMES: Readonly<Record<string, readonly [names: readonly string[], read: (calendar: Calendar) => number]>> = {
  a: [WEEKDAYS.map((name) => name.slice(0, 3)), (c) => c.weekday],
  A: [WEEKDAYS, (c) => c.weekday],
  b: [MONTHS.map((name) => name.slice(0, 3)), (c) => c.month],
  B: [MONTHS, (c) => c.month],
  h: [MONTHS.map((name) => name.slice(0, 3)), (c) => c.month],
  p: [["AM", "PM"], (c) => (c.hour < 12 ? 0 : 1)],
  P: [["am", "pm"], (c) => (c.hour < 12 ? 0 : 1)],
};

/** Specifiers that stand for a format. */
const FORMATS: Readonly<Record<string, string>> = {
  c: "%a %b %e %H:%M:%S %Y",
  D: "%m/%d/%y",
  F: "%Y-%m-%d",
  n: "\n",
  r: "%I:%M:%S %p",
  R: "%H:%M",
  t: "\t",
  T: "%H:%M:%S",
  x: "%m/%d/%y",
  X: "%H:%M:%S",
  "%": "%",
};

function writeZone(target: Uint8Array, start: number, calendar: Calendar): number {
  const minutes = Math.abs(calendar.zoneMinutes);
  target[start] = calendar.zoneMinutes < 0 ? MINUS : PLUS;
  return writeNumber(target, start + 1, Math.floor(minutes / 60) * 100 + (minutes % 60), 4, ZERO);
}

/** The zone's abbreviation. V8 has no list of them for all zones: where it has none, it says `GMT+1`. */
function zoneNameWriter(isLocal: boolean): Writer {
  const greenwich = textBytes("GMT");
  if (!isLocal) return (target, at) => writeBytes(target, at, greenwich);
  const format = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" });
  let knownMinutes = Number.NaN;
  let name = greenwich;
  return (target, at, calendar) => {
    if (calendar.zoneMinutes !== knownMinutes) {
      // A few times a year, when summer time begins and ends.
      knownMinutes = calendar.zoneMinutes;
      const parts = format.formatToParts(calendar.epochSeconds * 1000);
      name = textBytes(parts.find(({ type }) => type === "timeZoneName")?.value ?? "");
    }
    return writeBytes(target, at, name);
  };
}

/** The first digits of the fraction. */
function fractionWriter(digits: number): Writer {
  const count = Math.min(digits, 9);
  return (target, at, calendar) => {
    let rest = calendar.microseconds * 1000;
    for (let i = 8; i >= 0; i--) {
      if (i < count) target[at + i] = ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    return at + count;
  };
}

const PADS: Readonly<Record<string, Pad>> = { "-": 0, _: SPACE, "0": ZERO };
const SPECIFIER = /%(?:(\d*)(N)|([-_0^]?)[EO]?([A-Za-z%]))|[^%]+|%/g;

export interface TimeFormatOptions {
  /** Times are local: `%Z` is the zone's name, else GMT. */
  readonly isLocal: boolean;
  /** `%N` is known. */
  readonly hasFraction: boolean;
}

export class TimeFormat {
  readonly #writers: Writer[] = [];
  /** Bytes that the writers may write together. */
  #bytesMax = 0;

  constructor(format: string, options: TimeFormatOptions) {
    this.#compile(format, options);
  }

  #compile(format: string, options: TimeFormatOptions): void {
    for (const [text, width, fraction, flag, letter] of format.matchAll(SPECIFIER)) {
      if (fraction !== undefined && options.hasFraction) this.#push(fractionWriter(width === "" ? 9 : Number(width)));
      else if (letter === undefined) this.#pushText(text);
      else if (FORMATS[letter] !== undefined && flag === "") this.#compileNested(FORMATS[letter], options);
      else this.#pushField(text, flag!, letter, options);
    }
  }

  #compileNested(format: string, options: TimeFormatOptions): void {
    if (format.length === 1) this.#pushText(format);
    else this.#compile(format, options);
  }

  #pushField(text: string, flag: string, letter: string, { isLocal }: TimeFormatOptions): void {
    const number = NUMBERS[letter];
    const name = NAMES[letter];
    if (number !== undefined && flag !== "^") {
      const [read, width, usual] = number;
      const pad = PADS[flag] ?? usual;
      this.#push((target, at, calendar) => writeNumber(target, at, read(calendar), width, pad));
    } else if (name !== undefined && (flag === "" || flag === "^")) {
      const bytes = name[0].map((word) => textBytes(flag === "^" ? word.toUpperCase() : word));
      this.#push((target, at, calendar) => writeBytes(target, at, bytes[name[1](calendar)]!));
    } else if (letter === "z" && flag === "") this.#push(writeZone);
    else if (letter === "Z" && flag === "") this.#push(zoneNameWriter(isLocal));
    else this.#pushText(text);
  }

  #pushText(text: string): void {
    const bytes = textBytes(text);
    this.#bytesMax += bytes.length;
    this.#writers.push((target, at) => writeBytes(target, at, bytes));
  }

  #push(writer: Writer): void {
    this.#bytesMax += FIELD_BYTES_MAX;
    this.#writers.push(writer);
  }

  /** Writes the time to the beginning of `target` and returns the bytes written, -1: they might not fit. */
  write(target: Uint8Array, calendar: Calendar): number {
    if (this.#bytesMax > target.length) return -1;
    let at = 0;
    for (let i = 0; i < this.#writers.length; i++) at = this.#writers[i]!(target, at, calendar);
    return at;
  }
}
