// What stands before a log line: priority, date, host, tag and process id in the eight formats of HAProxy's `log` keyword.
//
//   rfc3164   <134>Nov 23 01:49:39 host haproxy[4711]: line
//   local     <134>Nov 23 01:49:39 haproxy[4711]: line
//   rfc5424   <134>1 2026-11-23T01:49:39.281000+00:00 host haproxy 4711 - - line
//   priority  <134>line
//   short     <6>line
//   timed     <6>2026-11-23T01:49:39.281000+00:00 line
//   iso       2026-11-23T01:49:39.281000+00:00 line
//   raw       line
//
// Accuracy: dates are local time; fractions of a second have the accuracy of the clock that is given (milliseconds).

import type { LogTargetPlan } from "../plan/plan.ts";
import { DateText } from "./date-text.ts";
import { textBytes } from "./names.ts";

/** Severities of syslog (RFC 5424, 6.2.1). */
export const SEVERITY = { emerg: 0, alert: 1, crit: 2, err: 3, warning: 4, notice: 5, info: 6, debug: 7 } as const;

const ZERO = 48;
const SPACE = 32;
const ISO_REST_BYTES = 13; // .123456+00:00

export class SyslogHeader {
  /** Bytes of the longest header that `write` makes. */
  readonly maxBytes: number;
  /** `<PRI>` for each severity. */
  readonly #priorities: readonly Uint8Array[];
  readonly #date: DateText | null;
  readonly #isIso: boolean;
  readonly #afterDate: Uint8Array;

  /** @param hostname of `log-send-hostname`, or null */
  constructor(target: LogTargetPlan, tag: string, pid: number, hostname: string | null) {
    const { format, facility } = target;
    this.takesData = format === "rfc5424";
    this.#isIso = format === "rfc5424" || format === "timed" || format === "iso";
    const hasDate = this.#isIso || format === "rfc3164" || format === "local";
    this.#date = hasDate ? new DateText(this.#isIso ? "iso" : "syslog", true) : null;
    this.#priorities = Array.from({ length: 8 }, (_, severity) => {
      if (format === "iso" || format === "raw") return textBytes("");
      if (format === "short" || format === "timed") return textBytes(`<${severity}>`);
      return textBytes(`<${facility * 8 + severity}>${format === "rfc5424" ? "1 " : ""}`);
    });
    this.#afterDate = textBytes(afterDate(format, tag, pid, hostname));
    const dateBytes = this.#date === null ? 0 : this.#date.bytes.length + ISO_REST_BYTES;
    this.maxBytes = this.#priorities[0]!.length + 2 + dateBytes + this.#afterDate.length;
  }

  /** RFC 5424's headers have a place for structured data. */
  readonly takesData: boolean;

  /** @param structured writes structured data at an offset and returns the one behind it. Writes the header for a line of `severity` at that moment into `bytes` at `at`; returns one past its end. */
  write(
    bytes: Uint8Array,
    at: number,
    severity: number,
    seconds: number,
    milliseconds: number,
    structured: ((at: number) => number) | null = null,
  ): number {
    let end = copy(this.#priorities[severity]!, bytes, at);
    if (this.#date !== null) {
      end = copy(this.#date.at(seconds), bytes, end);
      if (this.#isIso) end = this.#writeIsoRest(bytes, end, milliseconds);
    }
    end = copy(this.#afterDate, bytes, end);
    if (structured === null || !this.takesData) return end;
    // What stands there is `- `: no structured data.
    end = structured(end - 2);
    bytes[end] = SPACE;
    return end + 1;
  }

  #writeIsoRest(bytes: Uint8Array, at: number, milliseconds: number): number {
    bytes[at] = 46;
    bytes[at + 1] = ZERO + ((milliseconds / 100) | 0);
    bytes[at + 2] = ZERO + (((milliseconds / 10) | 0) % 10);
    bytes[at + 3] = ZERO + (milliseconds % 10);
    bytes[at + 4] = bytes[at + 5] = bytes[at + 6] = ZERO;
    const zone = this.#date!.zoneMinutes;
    const minutes = Math.abs(zone);
    bytes[at + 7] = zone < 0 ? 45 : 43;
    bytes[at + 8] = ZERO + ((minutes / 600) | 0);
    bytes[at + 9] = ZERO + (((minutes / 60) | 0) % 10);
    bytes[at + 10] = 58;
    bytes[at + 11] = ZERO + (((minutes % 60) / 10) | 0);
    bytes[at + 12] = ZERO + ((minutes % 60) % 10);
    return at + ISO_REST_BYTES;
  }
}

function afterDate(format: LogTargetPlan["format"], tag: string, pid: number, hostname: string | null): string {
  switch (format) {
    case "rfc3164":
      return ` ${hostname ?? "localhost"} ${tag}[${pid}]: `;
    case "local":
      return ` ${tag}[${pid}]: `;
    case "rfc5424":
      return ` ${hostname ?? "-"} ${tag} ${pid} - - `;
    case "timed":
    case "iso":
      return " ";
    default:
      return "";
  }
}

function copy(from: Uint8Array, to: Uint8Array, at: number): number {
  for (let i = 0; i < from.length; i++) to[at + i] = from[i]!;
  return at + from.length;
}
