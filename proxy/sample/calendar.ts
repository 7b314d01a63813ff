// Seconds since the epoch and the days, months and years of the Gregorian calendar, without making Date objects: the arithmetic that
// date converters need per request. The zone of `setLocal` is the process's (TZ), which V8 knows; one Date object is kept to ask it.

const DAY_SECONDS = 86400;
const WORD = 4294967296;
/** Days from 0000-03-01 to 1970-01-01: years are counted from March, so that leap days come last. */
const EPOCH_DAYS = 719468;
const ERA_DAYS = 146097;
/** Beyond this V8's Date has no zone. */
const DATE_SECONDS_MAX = 8.64e12;

/** Days since the epoch of a date; day and month may be beyond what their month and year have. */
export function daysOf(year: number, month: number, day: number): number {
  const marchYear = month < 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const marchMonth = (month + 10) % 12;
  const dayOfYear = Math.floor((153 * marchMonth + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * ERA_DAYS + dayOfEra - EPOCH_DAYS;
}

/** A moment, taken apart. Each converter has its own. */
export class Calendar {
  /** Seconds since the epoch, as they were set. */
  epochSeconds = 0;
  year = 1970;
  /** 0 … 11. */
  month = 0;
  /** 1 … 31. */
  day = 1;
  hour = 0;
  minute = 0;
  second = 0;
  /** 0 is Sunday. */
  weekday = 4;
  /** 0 … 365. */
  yearDay = 0;
  /** East of Greenwich. */
  zoneMinutes = 0;
  /** Microseconds of the second. */
  microseconds = 0;
  readonly #date = new Date(0);

  setUtc(seconds: number): void {
    this.epochSeconds = seconds;
    this.zoneMinutes = 0;
    const days = Math.floor(seconds / DAY_SECONDS);
    this.#set(days, seconds - days * DAY_SECONDS);
  }

  /** Of an integer with up to 55 bits, which a double does not hold exactly. */
  setUtcWords(high: number, low: number): void {
    const rest = (high % DAY_SECONDS) * WORD + (low >>> 0);
    this.epochSeconds = high * WORD + (low >>> 0);
    this.zoneMinutes = 0;
    this.#set(Math.floor(high / DAY_SECONDS) * WORD + Math.floor(rest / DAY_SECONDS), rest % DAY_SECONDS);
  }

  setLocal(seconds: number): void {
    let zoneMinutes = 0;
    if (Math.abs(seconds) <= DATE_SECONDS_MAX) {
      this.#date.setTime(seconds * 1000);
      zoneMinutes = -this.#date.getTimezoneOffset();
    }
    this.setUtc(seconds + zoneMinutes * 60);
    this.epochSeconds = seconds;
    this.zoneMinutes = zoneMinutes;
  }

  #set(days: number, secondOfDay: number): void {
    this.hour = Math.floor(secondOfDay / 3600);
    this.minute = Math.floor(secondOfDay / 60) % 60;
    this.second = secondOfDay % 60;
    this.weekday = (((days + 4) % 7) + 7) % 7;
    const shifted = days + EPOCH_DAYS;
    const era = Math.floor(shifted / ERA_DAYS);
    const dayOfEra = shifted - era * ERA_DAYS;
    const leaps = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36524) + Math.floor(dayOfEra / 146096);
    const yearOfEra = Math.floor((dayOfEra - leaps) / 365);
    const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
    const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
    this.day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
    this.month = (marchMonth + 2) % 12;
    this.year = yearOfEra + era * 400 + (this.month < 2 ? 1 : 0);
    this.yearDay = days - daysOf(this.year, 0, 1);
  }

  /** The week of the year, weeks beginning with `firstWeekday`; days before the first such day are week 0. */
  weekOfYear(firstWeekday: number): number {
    return Math.floor((this.yearDay + 7 - ((this.weekday - firstWeekday + 7) % 7)) / 7);
  }

  /** The year to which the ISO 8601 week belongs: the one that has its Thursday. */
  isoYear(): number {
    const thursday = this.yearDay + 3 - ((this.weekday + 6) % 7);
    if (thursday < 0) return this.year - 1;
    return thursday >= daysOf(this.year + 1, 0, 1) - daysOf(this.year, 0, 1) ? this.year + 1 : this.year;
  }

  /** The number of the ISO 8601 week, 1 … 53. */
  isoWeek(): number {
    const days = daysOf(this.year, 0, 1) + this.yearDay;
    const thursday = days + 3 - ((this.weekday + 6) % 7);
    return Math.floor((thursday - daysOf(this.isoYear(), 0, 1)) / 7) + 1;
  }
}
