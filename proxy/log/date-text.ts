// Dates as log lines need them, written once a second and copied from then on: rendering a calendar date costs as much as the
// rest of the line, and thousands of lines share the second.
//
// One DateText holds one second in one form. Lines about an older second (%t of a long connection) make it render again, which
// costs time, not correctness. Local time follows the process's time zone; its offset is looked up per quarter of an hour, the
// smallest step at which zones change.

const QUARTER_HOUR_SECONDS = 900;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/**
 * `log`: `23/Nov/2026:01:49:39`; `log-zone`: the same with ` +0000`; `syslog`: `Nov 23 01:49:39` (RFC 3164, the day padded with
 * a blank); `iso`: `2026-11-23T01:49:39` (the fraction and the zone follow).
 */
export type DateForm = "log" | "log-zone" | "syslog" | "iso";

export class DateText {
  /** The text of `second`, after `at(second)`. Always the same array. */
  readonly bytes: Uint8Array;
  /** `+hhmm` of the second shown, in minutes east of Greenwich. */
  zoneMinutes = 0;
  #second = Number.NaN;
  #zoneQuarter = Number.NaN;
  readonly #form: DateForm;
  readonly #local: boolean;

  constructor(form: DateForm, local: boolean) {
    this.#form = form;
    this.#local = local;
    this.bytes = new Uint8Array({ log: 20, "log-zone": 26, syslog: 15, iso: 19 }[form]);
  }

  /** The text for `second` (since the epoch, UTC). */
  at(second: number): Uint8Array {
    if (second !== this.#second) this.#render(second);
    return this.bytes;
  }

  #render(second: number): void {
    this.#second = second;
    if (this.#local) this.#lookUpZone(second);
    const shifted = second + this.zoneMinutes * 60;
    const days = Math.floor(shifted / 86400);
    const ofDay = shifted - days * 86400;
    // Civil date from days since 1970-01-01, with years that begin in March so that leap days come last.
    const shiftedDays = days + 719468;
    const era = Math.floor(shiftedDays / 146097);
    const dayOfEra = shiftedDays - era * 146097;
    const yearOfEra = Math.floor(
      (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
    );
    const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
    const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
    const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
    const month = marchMonth < 10 ? marchMonth + 2 : marchMonth - 10;
    const year = yearOfEra + era * 400 + (month < 2 ? 1 : 0);
    this.#write(year, month, day, ofDay);
  }

  #write(year: number, month: number, day: number, ofDay: number): void {
    switch (this.#form) {
      case "log":
      case "log-zone":
        this.#two(0, day);
        this.bytes[2] = 47;
        this.#month(3, month);
        this.bytes[6] = 47;
        this.#year(7, year);
        this.bytes[11] = 58;
        this.#time(12, ofDay);
        if (this.#form === "log-zone") this.#zone(20);
        break;
      case "syslog":
        this.#month(0, month);
        this.bytes[3] = 32;
        this.#two(4, day);
        if (day < 10) this.bytes[4] = 32;
        this.bytes[6] = 32;
        this.#time(7, ofDay);
        break;
      case "iso":
        this.#year(0, year);
        this.bytes[4] = 45;
        this.#two(5, month + 1);
        this.bytes[7] = 45;
        this.#two(8, day);
        this.bytes[10] = 84;
        this.#time(11, ofDay);
        break;
    }
  }

  #lookUpZone(second: number): void {
    const quarter = Math.floor(second / QUARTER_HOUR_SECONDS);
    if (quarter === this.#zoneQuarter) return;
    this.#zoneQuarter = quarter;
    this.zoneMinutes = -new Date(second * 1000).getTimezoneOffset();
  }

  #two(at: number, value: number): void {
    this.bytes[at] = 48 + Math.floor(value / 10);
    this.bytes[at + 1] = 48 + (value % 10);
  }

  #year(at: number, year: number): void {
    this.#two(at, Math.floor(year / 100));
    this.#two(at + 2, year % 100);
  }

  #month(at: number, month: number): void {
    const name = MONTHS[month]!;
    for (let i = 0; i < 3; i++) this.bytes[at + i] = name.charCodeAt(i);
  }

  #time(at: number, ofDay: number): void {
    this.#two(at, Math.floor(ofDay / 3600));
    this.bytes[at + 2] = 58;
    this.#two(at + 3, Math.floor(ofDay / 60) % 60);
    this.bytes[at + 5] = 58;
    this.#two(at + 6, ofDay % 60);
  }

  #zone(at: number): void {
    const minutes = Math.abs(this.zoneMinutes);
    this.bytes[at] = 32;
    this.bytes[at + 1] = this.zoneMinutes < 0 ? 45 : 43;
    this.#two(at + 2, Math.floor(minutes / 60));
    this.#two(at + 4, minutes % 60);
  }
}
