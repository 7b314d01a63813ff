// A syslog message taken apart (RFC 3164, RFC 5424, or only `<priority>text`) and put together in another format. What cannot be understood is
// text, with the facility and severity that the target has.

import type { HostStrategy } from "../../plan/log-hub.ts";
import type { LogTargetPlan } from "../../plan/plan.ts";

export interface SyslogMessage {
  /** -1: the message had no priority. */
  readonly facility: number;
  readonly severity: number;
  /** Milliseconds since the epoch, null: not told. */
  readonly timeMs: number | null;
  readonly hostname: string;
  readonly tag: string;
  readonly pid: string;
  readonly messageId: string;
  readonly structuredData: string;
  readonly text: string;
  readonly raw: string;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const PRIORITY = /^<(\d{1,3})>/;
const RFC5424 = /^1 (\S+) (\S+) (\S+) (\S+) (\S+) (-|(?:\[(?:[^\]\\"]|\\.|"(?:[^"\\]|\\.)*")*\])+) ?/;
const RFC3164 = /^([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d) /;
const TAG = /^([^\s:[\]]{1,48})(?:\[([^\]\s]{1,128})\])?: ?/;
const INFO = 6;

/** Reads a message. Never fails: what is not understood is text. @param parses `option dont-parse-log` is not set */
export function parseSyslog(raw: string, parses = true): SyslogMessage {
  const nothing = { timeMs: null, hostname: "", tag: "", pid: "", messageId: "", structuredData: "" };
  const priority = parses ? PRIORITY.exec(raw) : null;
  if (priority === null || Number(priority[1]) > 191)
    return { ...nothing, facility: -1, severity: INFO, text: raw, raw };
  const code = Number(priority[1]);
  const known = { facility: code >> 3, severity: code & 7, raw };
  const rest = raw.slice(priority[0].length);
  const modern = RFC5424.exec(rest);
  const nil = (field: string): string => (field === "-" ? "" : field);
  if (modern !== null) {
    const timeMs = Date.parse(modern[1]!);
    return {
      ...known,
      timeMs: Number.isNaN(timeMs) ? null : timeMs,
      ...{ hostname: nil(modern[2]!), tag: nil(modern[3]!), pid: nil(modern[4]!), messageId: nil(modern[5]!) },
      ...{ structuredData: nil(modern[6]!), text: rest.slice(modern[0].length).replace(/^\ufeff/, "") },
    };
  }
  const old = RFC3164.exec(rest);
  if (old === null) return { ...nothing, ...known, ...tagOf(rest) };
  const date = new Date(
    new Date().getFullYear(),
    MONTHS.indexOf(old[1]!),
    Number(old[2]),
    Number(old[3]),
    Number(old[4]),
    Number(old[5]),
  );
  let behind = rest.slice(old[0].length);
  let hostname = "";
  // HAProxy's own lines have no host name: what ends in a colon is the tag already.
  const host = /^(\S+) /.exec(behind);
  if (host !== null && !/[:\]]$/.test(host[1]!)) {
    hostname = host[1]!;
    behind = behind.slice(host[0].length);
  }
  return { ...nothing, ...known, timeMs: date.getTime(), hostname, ...tagOf(behind) };
}

function tagOf(text: string): { tag: string; pid: string; text: string } {
  const match = TAG.exec(text);
  if (match === null) return { tag: "", pid: "", text };
  return { tag: match[1]!, pid: match[2] ?? "", text: text.slice(match[0].length) };
}

/** The host name that a message is passed on with, "": none. @param sender the address of who sent it, "": unknown */
export function hostnameOf(own: string, sender: string, strategy: HostStrategy): string {
  switch (strategy) {
    case "replace":
      return sender || own;
    case "fill":
      return own || sender;
    case "keep":
      return own;
    case "append":
      return [own, sender].filter(Boolean).join();
  }
}

/** The message as a target wants it, without a line feed at its end. */
export function formatSyslog(message: SyslogMessage, target: LogTargetPlan, nowMs: number): string {
  const facility = message.facility < 0 ? target.facility : message.facility;
  const severity = Math.max(message.severity, target.minLevel);
  const priority = `<${facility * 8 + severity}>`;
  const date = new Date(message.timeMs ?? nowMs);
  const tag = message.tag === "" ? "" : `${message.tag}${message.pid === "" ? "" : `[${message.pid}]`}: `;
  switch (target.format) {
    case "raw":
      return message.raw;
    case "priority":
      return `${priority}${message.text}`;
    case "short":
      return `<${severity}>${message.text}`;
    case "timed":
      return `<${severity}>${date.toISOString()} ${message.text}`;
    case "iso":
      return `${date.toISOString()} ${tag}${message.text}`;
    case "rfc5424": {
      const or = (field: string): string => field || "-";
      const head = [or(message.hostname), or(message.tag), or(message.pid), or(message.messageId)].join(" ");
      return `${priority}1 ${isoLocal(date)} ${head} ${or(message.structuredData)} ${message.text}`;
    }
    default: {
      const host = target.format === "local" ? "" : `${message.hostname || "localhost"} `;
      const pad = (value: number): string => String(value).padStart(2, "0");
      const clock = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
      return `${priority}${MONTHS[date.getMonth()]} ${String(date.getDate()).padStart(2)} ${clock} ${host}${tag}${message.text}`;
    }
  }
}

function isoLocal(date: Date): string {
  const offset = -date.getTimezoneOffset();
  const pad = (value: number): string => String(Math.abs(value)).padStart(2, "0");
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, -1);
  return `${local}${offset < 0 ? "-" : "+"}${pad(Math.trunc(offset / 60))}:${pad(offset % 60)}`;
}
