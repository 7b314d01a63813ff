// Converters between integers that are dates (seconds, milliseconds or microseconds since the epoch) and text. configuration.txt 7.3.1.
//
// Seconds are cut to 55 bits, which makes a date of any integer, as HAProxy does: one before 1970 is far in the future. Milliseconds
// and microseconds are not cut; dates before 1970 are then right (HAProxy's fractions are not), and exact to the year 2255.

import { Calendar, daysOf } from "../calendar.ts";
import { fillWords, setWords } from "../integer64.ts";
import { MONTHS, TimeFormat, WEEKDAYS } from "../strftime.ts";
import { TYPE } from "../types.ts";
import { type SampleValue, textBytes } from "../value.ts";
import { Words64 } from "../words64.ts";
import { integerArgument, textArgument } from "./arguments.ts";
import type { Converter, ConverterCompiler } from "./converter.ts";

const SECONDS_HIGH_MASK = 0x7fffff;
const SPACE = 32;
const DASH = 45;
const COMMA = 44;
const COLON = 58;
const ZERO = 48;

type Unit = "s" | "ms" | "us";
const PER_SECOND: Readonly<Record<Unit, number>> = { s: 1, ms: 1000, us: 1_000_000 };

type Zone = "http" | "local" | "utc";

/** Sets the calendar to the value plus an offset of the same unit. http_date cuts the sum, the others cut before they add. */
function setter(unit: Unit, offset: number, zone: Zone): (calendar: Calendar, value: SampleValue) => void {
  const isLocal = zone === "local";
  const isHttp = zone === "http";
  const perSecond = PER_SECOND[unit];
  const seconds = new Words64();
  const by = { int: offset, high: 0, low: 0 };
  fillWords(by);
  const offsetWords = new Words64(by.high, by.low);
  return (calendar, value) => {
    if (unit !== "s") {
      const sum = value.int + offset;
      const whole = Math.floor(sum / perSecond);
      if (isLocal) calendar.setLocal(whole);
      else calendar.setUtc(whole);
      calendar.microseconds = Math.floor(((sum - whole * perSecond) * 1_000_000) / perSecond);
      return;
    }
    fillWords(value);
    seconds.set(isHttp ? value.high : value.high & SECONDS_HIGH_MASK, value.low).add(offsetWords);
    setWords(value, isHttp ? seconds.high & SECONDS_HIGH_MASK : seconds.high, seconds.low);
    // Where a double does not do any more, there are no zones either.
    if (value.int > Number.MAX_SAFE_INTEGER) calendar.setUtcWords(value.high, value.low);
    else if (isLocal) calendar.setLocal(value.int);
    else calendar.setUtc(value.int);
  };
}

function formatted(format: TimeFormat, set: (calendar: Calendar, value: SampleValue) => void): Converter {
  const calendar = new Calendar();
  return (value) => {
    set(calendar, value);
    const scratch = value.scratch();
    const length = format.write(scratch, calendar);
    if (length < 0) return false;
    value.bytes = scratch;
    value.start = 0;
    value.end = length;
    value.type = TYPE.str;
    return true;
  };
}

function timeConverter(unit: Unit, isLocal: boolean): ConverterCompiler {
  return (_, args) =>
    formatted(
      new TimeFormat(textArgument(args, 0), { isLocal, hasFraction: unit !== "s" }),
      setter(unit, integerArgument(args, 1, 0), isLocal ? "local" : "utc"),
    );
}

const HTTP_FRACTION: Readonly<Record<Unit, string>> = { s: "", ms: ".%3N", us: ".%6N" };

/** RFC 9110 section 5.6.7, with a fraction where the unit has one. */
const httpDate: ConverterCompiler = (_, args) => {
  const unit = (textArgument(args, 1) || "s") as Unit;
  const format = `%a, %d %b %Y %H:%M:%S${HTTP_FRACTION[unit]} GMT`;
  return formatted(
    new TimeFormat(format, { isLocal: false, hasFraction: unit !== "s" }),
    setter(unit, integerArgument(args, 0, 0), "http"),
  );
};

const WEEKDAY_NAMES = WEEKDAYS.map(textBytes);
const SHORT_WEEKDAYS = WEEKDAYS.map((name) => textBytes(name.slice(0, 3)));
const SHORT_MONTHS = MONTHS.map((name) => textBytes(name.slice(0, 3)));
const GMT = textBytes(" GMT");

/** Reads the three forms of an HTTP date (RFC 9110 section 5.6.7). Each step goes on from `at`, and clears `ok` where the text is otherwise. */
class DateReader {
  #bytes: Uint8Array = GMT;
  #at = 0;
  #end = 0;
  #ok = false;

  /** Seconds since the epoch, NaN: it is no date. */
  read({ bytes, start, end }: SampleValue): number {
    this.#bytes = bytes;
    this.#end = end;
    let seconds = this.#imfDate(start);
    if (!this.#ok) seconds = this.#rfc850Date(start);
    if (!this.#ok) seconds = this.#asctimeDate(start);
    return this.#ok ? seconds : Number.NaN;
  }

  /** Sun, 06 Nov 1994 08:49:37 GMT */
  #imfDate(start: number): number {
    this.#begin(start);
    this.#name(SHORT_WEEKDAYS);
    this.#byte(COMMA);
    this.#byte(SPACE);
    const day = this.#number(2, ZERO);
    this.#byte(SPACE);
    const month = this.#name(SHORT_MONTHS);
    this.#byte(SPACE);
    const year = this.#number(4, ZERO);
    this.#byte(SPACE);
    const time = this.#time();
    this.#text(GMT);
    return daysOf(year, month, day) * 86400 + time;
  }

  /** Sunday, 06-Nov-94 08:49:37 GMT: up to 60 the year is of this century. Four digits are taken, too. */
  #rfc850Date(start: number): number {
    this.#begin(start);
    this.#name(WEEKDAY_NAMES);
    this.#byte(COMMA);
    this.#byte(SPACE);
    const day = this.#number(2, ZERO);
    this.#byte(DASH);
    const month = this.#name(SHORT_MONTHS);
    this.#byte(DASH);
    let year = this.#number(2, ZERO);
    if (this.#bytes[this.#at] !== SPACE) year = year * 100 + this.#number(2, ZERO);
    else year += year <= 60 ? 2000 : 1900;
    this.#byte(SPACE);
    const time = this.#time();
    this.#text(GMT);
    return daysOf(year, month, day) * 86400 + time;
  }

  /** Sun Nov  6 08:49:37 1994 */
  #asctimeDate(start: number): number {
    this.#begin(start);
    this.#name(SHORT_WEEKDAYS);
    this.#byte(SPACE);
    const month = this.#name(SHORT_MONTHS);
    this.#byte(SPACE);
    const day = this.#number(2, SPACE);
    this.#byte(SPACE);
    const time = this.#time();
    this.#byte(SPACE);
    return daysOf(this.#number(4, ZERO), month, day) * 86400 + time;
  }

  #begin(start: number): void {
    this.#at = start;
    this.#ok = true;
  }

  #byte(code: number): void {
    if (this.#at >= this.#end || this.#bytes[this.#at++] !== code) this.#ok = false;
  }

  #text(text: Uint8Array): void {
    for (let i = 0; i < text.length; i++) this.#byte(text[i]!);
  }

  /** The index of the name that stands here, 0 when there is none. */
  #name(names: readonly Uint8Array[]): number {
    for (let index = 0; index < names.length; index++) {
      const name = names[index]!;
      let i = 0;
      while (i < name.length && this.#at + i < this.#end && this.#bytes[this.#at + i] === name[i]) i++;
      if (i < name.length) continue;
      this.#at += i;
      return index;
    }
    this.#ok = false;
    return 0;
  }

  /** As many digits; the first may be the pad instead. */
  #number(digits: number, pad: number): number {
    let number = 0;
    for (let i = 0; i < digits; i++) {
      const code = this.#at < this.#end ? this.#bytes[this.#at++]! : 0;
      if (i === 0 && code === pad) continue;
      if (code < ZERO || code > ZERO + 9) this.#ok = false;
      number = number * 10 + code - ZERO;
    }
    return number;
  }

  /** 08:49:37, in seconds. */
  #time(): number {
    const hours = this.#number(2, ZERO);
    this.#byte(COLON);
    const minutes = this.#number(2, ZERO);
    this.#byte(COLON);
    return (hours * 60 + minutes) * 60 + this.#number(2, ZERO);
  }
}

const date: ConverterCompiler = () => {
  const reader = new DateReader();
  return (value) => {
    const seconds = reader.read(value);
    if (Number.isNaN(seconds)) return false;
    value.int = seconds;
    value.type = TYPE.sint;
    return true;
  };
};

/** By name, see converters.table.ts. */
export const DATE_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  date,
  http_date: httpDate,
  ltime: timeConverter("s", true),
  ms_ltime: timeConverter("ms", true),
  ms_utime: timeConverter("ms", false),
  us_ltime: timeConverter("us", true),
  us_utime: timeConverter("us", false),
  utime: timeConverter("s", false),
};
