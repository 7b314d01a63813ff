// Dates of certificates as OpenSSL prints them.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** "Apr 23 14:20:52 2021 GMT" of `YYMMDDhhmmssZ`; years below 50 are of this century (RFC 5280 4.1.2.5.1). */
export function longDate(text: string): string {
  const [, year, month, day, hour, minute, second] = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  if (year === undefined) return text;
  const century = Number(year) < 50 ? 20 : 19;
  return `${MONTHS[Number(month) - 1]} ${String(Number(day)).padStart(2)} ${hour}:${minute}:${second} ${century}${year} GMT`;
}
