// Keywords that all checks of real servers have: where they connect to, and how often.

import type { Context, Keyword } from "../keyword.ts";
import { placeOf, type Statement } from "../statement.ts";
import { boolean, integer, parseIp, seconds, text, UNSIGNED_MAX, withoutEffect } from "../values.ts";
import type { CheckDraft, TargetDraft } from "../virtual-server-drafts.ts";

const LONGEST = 18446744073709;

function address(name: "connect_ip" | "bindto", about: string): Keyword<TargetDraft> {
  return text({ name, syntax: "<ADDRESS>", text: about }, (draft, value, statement, context) => {
    const parsed = parseIp(value);
    if (parsed !== null) draft[name === "connect_ip" ? "address" : "bindAddress"] = parsed;
    else context.report.fault("invalid-address", placeOf(statement, 1), `Invalid ${name} address ${value} - ignoring`);
  });
}

function port(name: "connect_port" | "bind_port", about: string): Keyword<TargetDraft> {
  return integer(
    { name, min: 1, max: 65535, text: about, invalid: (value) => `Invalid checker ${name} '${value}'` },
    (draft, value) => {
      if (name === "connect_port") draft.port = value;
      else draft.bindPort = value;
    },
  );
}

export const TARGET_KEYWORDS: readonly Keyword<TargetDraft>[] = [
  address("connect_ip", "Where it connects to; default: the real server."),
  port("connect_port", "The port; default: the real server's."),
  address("bindto", "Where it connects from."),
  port("bind_port", "The port it connects from."),
  withoutEffect(
    text({ name: "bind_if", syntax: "<INTERFACE>", text: "" }, (draft, value) => {
      draft.bindInterface = value;
    }),
    "Checks go out as the routes say.",
  ),
  withoutEffect(
    integer(
      {
        name: "fwmark",
        min: 0,
        max: UNSIGNED_MAX,
        text: "",
        invalid: (value) => `Invalid fwmark connection value '${value}'`,
      },
      (draft, value) => {
        draft.fwmark = value;
      },
    ),
    "Packets of checks are not marked.",
  ),
];

/** The same, for a check with one target. */
const OF_CHECK: readonly Keyword<CheckDraft>[] = TARGET_KEYWORDS.map((keyword) => ({
  ...keyword,
  read: (draft: CheckDraft, statement: Statement, context: Context) => keyword.read(draft.target, statement, context),
}));

const CONNECT_TIMEOUT: Keyword<CheckDraft> = seconds(
  {
    name: "connect_timeout",
    min: 0.000001,
    max: 4294.967295,
    text: "Seconds until a connection has failed; default 5.",
    invalid: (value) => `connect_timeout ${value} invalid - ignoring`,
  },
  (draft, ms) => {
    draft.timing.connectTimeoutMs = ms;
  },
);

export const CHECK_TIMING: readonly Keyword<CheckDraft>[] = [
  boolean(
    { name: "alpha", text: "Down until it has passed.", invalid: (value) => `Invalid alpha parameter ${value}` },
    (draft, value) => {
      draft.timing.alpha = value;
    },
  ),
  integer(
    {
      name: "retry",
      min: 0,
      max: UNSIGNED_MAX,
      text: "More attempts before the server is down.",
      invalid: (value) => `Invalid retry connection value '${value}'`,
    },
    (draft, value) => {
      draft.timing.retry = value;
    },
  ),
  seconds(
    {
      name: "delay_before_retry",
      min: 0,
      max: LONGEST,
      text: "Seconds before another attempt.",
      invalid: (value) => `Invalid delay_before_retry connection value '${value}'`,
    },
    (draft, ms) => {
      draft.timing.delayBeforeRetryMs = ms;
    },
  ),
  seconds(
    {
      name: "warmup",
      min: 0,
      max: LONGEST,
      text: "The first check begins at random within so many seconds.",
      invalid: (value) => `Invalid warmup connection value '${value}'`,
    },
    (draft, ms) => {
      draft.timing.warmupMs = ms;
    },
  ),
  seconds(
    {
      name: "delay_loop",
      min: 0.000001,
      max: LONGEST,
      text: "Seconds between two checks.",
      invalid: (value) => `delay_loop '${value}' is invalid - ignoring`,
    },
    (draft, ms) => {
      draft.timing.delayLoopMs = ms;
    },
  ),
  boolean(
    {
      name: "log_all_failures",
      text: "Every failure is logged.",
      invalid: (value) => `Invalid log_all_failures parameter ${value}`,
    },
    (draft, value) => {
      draft.logAllFailures = value;
    },
  ),
];

/** What every check that connects has. */
export const CONNECTING: readonly Keyword<CheckDraft>[] = [...OF_CHECK, CONNECT_TIMEOUT, ...CHECK_TIMING];
