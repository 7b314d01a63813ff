// `log`: where log lines go. In `global` and in proxies, section 4.2.
//
//   log <target> [len <length>] [format <format>] <facility> [<level> [<minlevel>]]
//   log global                                   everything that `global` has (proxies only)
//   no log                                       nothing (proxies only)

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import type { LogSamplePlan } from "../../plan/log.ts";
import type { LogTargetPlan } from "../../plan/plan.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import type { LogDraft } from "../log-draft.ts";
import type { Statement } from "../statement.ts";
import { logAddress } from "../values.ts";

/** Syslog facilities by their code, as HAProxy names them. */
export const FACILITIES: readonly string[] = [
  "kern",
  "user",
  "mail",
  "daemon",
  "auth",
  "syslog",
  "lpr",
  "news",
  "uucp",
  "cron",
  "auth2",
  "ftp",
  "ntp",
  "audit",
  "alert",
  "cron2",
  "local0",
  "local1",
  "local2",
  "local3",
  "local4",
  "local5",
  "local6",
  "local7",
];

/** Severities by their number. */
export const LEVELS: readonly string[] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

export const FORMATS: ReadonlySet<string> = new Set([
  "rfc3164",
  "rfc5424",
  "local",
  "priority",
  "short",
  "timed",
  "iso",
  "raw",
]);

const LENGTH_MIN = 80;
const LENGTH_MAX = 65535;
const LENGTH_DEFAULT = 1024;

interface Options {
  format: LogTargetPlan["format"] | null;
  maxBytes: number;
  sample: LogSamplePlan | null;
  profile: string | null;
  /** Index of the facility. */
  next: number;
}

/** Parses a `log` line and adds it to `log`; faults are reported. @param isGlobal in the `global` section */
export function parseLog(
  statement: Statement,
  log: LogDraft[],
  isGlobal: boolean,
  configuration: ConfigurationDraft,
): void {
  if (statement.text(1) === "global" && !statement.has(2)) {
    if (isGlobal) {
      statement.alert("log-global", "log : 'global' is not supported for a global syslog server", { at: 1 });
    } else {
      log.push({ kind: "global", statement });
    }
    return;
  }
  const place = isGlobal ? "and <facility>  as arguments" : "and <facility> or global as arguments";
  if (!statement.has(1) || !statement.has(2)) {
    statement.alert("log-arguments", `log : expects <address> ${place}`, {
      at: statement.length,
      expected: "a target such as /dev/log or 127.0.0.1:514, then a facility such as local0",
    });
    return;
  }
  const options = parseOptions(statement);
  if (options === null) return;
  const facility = oneOf(statement, options.next, FACILITIES, "unknown log facility");
  const level = optionalLevel(statement, options.next + 1, "unknown optional log level", 7);
  if (facility === null || level === null) return;
  const minLevel = optionalLevel(statement, options.next + 2, "unknown optional minimum log level", 0);
  const [, kind, hubName = ""] = /^(ring|backend)@(.*)/.exec(statement.text(1)) ?? [];
  const slot = kind === undefined ? logAddress(statement, 1, configuration) : null;
  if (minLevel === null || (kind === undefined && slot === null)) return;
  const target = {
    facility,
    level,
    minLevel,
    maxBytes: options.maxBytes,
    ...(options.profile === null ? {} : { profile: options.profile }),
    ...(options.sample === null ? {} : { sample: options.sample }),
  };
  if (slot !== null) {
    log.push({ kind: "target", slot, target, format: options.format });
    return;
  }
  const hub = { kind: kind as "ring" | "backend", ring: hubName, statement } as const;
  log.push({ ...hub, target, format: options.format });
  configuration.ringReferences.push(hub);
}

function parseOptions(statement: Statement): Options | null {
  const options: Options = { format: null, maxBytes: LENGTH_DEFAULT, sample: null, profile: null, next: 2 };
  for (;;) {
    const keyword = statement.text(options.next);
    const value = statement.text(options.next + 1);
    if (keyword === "len") {
      const length = /^\d+$/.test(value) ? Number(value) : -1;
      if (length < LENGTH_MIN || length > LENGTH_MAX) {
        const message = `log : invalid log length '${value}', must be between ${LENGTH_MIN} and ${LENGTH_MAX}`;
        statement.alert("log-length", message, { at: options.next + 1 });
        return null;
      }
      options.maxBytes = length;
    } else if (keyword === "format") {
      if (!FORMATS.has(value)) {
        const suggestions = suggest(value, FORMATS);
        statement.alert("log-format-name", `log : unknown log format '${value}'`, {
          at: options.next + 1,
          suggestions,
        });
        return null;
      }
      options.format = value as LogTargetPlan["format"];
    } else if (keyword === "sample") {
      options.sample = parseSampleRanges(statement, options.next + 1);
      if (options.sample === null) return null;
    } else if (keyword === "profile" && value !== "") {
      options.profile = value;
    } else if (keyword === "profile") {
      statement.alert("unserved", `log : '${keyword}' is known to HAProxy but not served yet`, { at: options.next });
      return null;
    } else {
      return options;
    }
    options.next += 2;
  }
}

/** `1,3-4:5`: which of every five lines. */
function parseSampleRanges(statement: Statement, at: number): LogSamplePlan | null {
  const text = statement.text(at);
  const [, list = "", size = ""] = /^(.+):(\d+)$/.exec(text) ?? [];
  const refuse = (message: string): null => {
    statement.alert("log-sample", `log : ${message}`, { at, expected: "ranges and a size, such as 1,3-4:5" });
    return null;
  };
  if (list === "") return refuse(`missing sample size in '${text}'`);
  const ranges: { first: number; last: number }[] = [];
  for (const part of list.split(",")) {
    const [, low = "", high = low] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    const first = Number(low);
    const last = Number(high);
    if (low === "" || first < 1 || last < first) return refuse(`wrong sample range '${part}'`);
    if (last > Number(size)) return refuse(`wrong sample size '${size}' for range '${part}'`);
    if (ranges.some((other) => first <= other.last && last >= other.first))
      return refuse(`sample ranges are overlapping`);
    ranges.push({ first, last });
  }
  return { ranges, size: Number(size) };
}

/** Position of the word in `names`; null after a report. */
function oneOf(statement: Statement, at: number, names: readonly string[], complaint: string): number | null {
  const word = statement.text(at);
  const index = names.indexOf(word);
  if (index >= 0) return index;
  const expected = `one of ${names.join(", ")}`;
  const suggestions = suggest(word, names);
  statement.alert("log-word", `log : ${complaint} '${word}'`, { at, expected, suggestions });
  return null;
}

function optionalLevel(statement: Statement, at: number, complaint: string, absent: number): number | null {
  return statement.has(at) ? oneOf(statement, at, LEVELS, complaint) : absent;
}

/** `log` and `no log` of a proxy. */
export function proxyLog(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  if (statement.negated) proxy.log.length = 0;
  else parseLog(statement, proxy.log, false, configuration);
}
