// `real_server … { … }` and the keywords that it shares with its virtual server.

import type { ScriptDraft } from "../drafts.ts";
import type { Keyword, Section } from "../keyword.ts";
import { placeOf } from "../statement.ts";
import { boolean, integer, line, seconds, text, UNSIGNED_MAX, withoutEffect } from "../values.ts";
import type { RealServerDraft, TimingDraft } from "../virtual-server-drafts.ts";
import { CHECK_KEYWORDS } from "./check.ts";
import { readForwarding } from "./forwarding.ts";
import { readScript } from "./script-words.ts";

/** keepalived's bound for the times of checks, in seconds. */
const LONGEST = 18446744073709;

/** Timing that checks inherit. @param what `virtual server`, `real server`: how messages begin */
export function timingKeywords<Draft extends { readonly timing: TimingDraft }>(
  what: "virtual server" | "real server",
): Keyword<Draft>[] {
  const loop = what === "virtual server" ? "delay loop" : "delay_loop";
  const before = what === "virtual server" ? "delay before retry" : "delay_before_retry";
  return [
    seconds(
      {
        name: "delay_loop",
        min: 0.000001,
        max: LONGEST,
        text: "Seconds between two checks; default 60.",
        invalid: (value) => `${what} ${loop} '${value}' invalid - ignoring`,
      },
      (draft, ms) => {
        draft.timing.delayLoopMs = ms;
      },
    ),
    seconds(
      {
        name: "connect_timeout",
        min: 0.000001,
        max: 4294.967295,
        text: "Seconds until a connection has failed; default 5.",
        invalid: (value) => `${what} connect_timeout ${value} invalid - ignoring`,
      },
      (draft, ms) => {
        draft.timing.connectTimeoutMs = ms;
      },
    ),
    integer(
      {
        name: "retry",
        min: 1,
        max: UNSIGNED_MAX,
        text: "More attempts before a server is down.",
        invalid: (value) => `retry value invalid - ${value}`,
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
        invalid: (value) => `${what} ${before} '${value}' invalid - ignoring`,
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
        text: "The first check begins at random within so many seconds; default: delay_loop.",
        invalid: (value) => `${what} warmup '${value}' invalid - ignoring`,
      },
      (draft, ms) => {
        draft.timing.warmupMs = ms;
      },
    ),
  ];
}

export function serverScript<Draft>(
  name: string,
  about: string,
  set: (draft: Draft, script: ScriptDraft) => void,
): Keyword<Draft> {
  return line({ name, syntax: "<COMMAND> [<USER> [<GROUP>]]", text: about }, (draft, statement, context) => {
    const script = readScript(statement, context);
    if (script !== null) set(draft, script);
  });
}

function threshold(name: "uthreshold" | "lthreshold", about: string): Keyword<RealServerDraft> {
  return integer(
    {
      name,
      min: 0,
      max: UNSIGNED_MAX,
      text: about,
      invalid: (value) => `Invalid real_server ${name} '${value}' - ignoring`,
    },
    (draft, value) => {
      draft[name === "uthreshold" ? "connectionsMax" : "connectionsMin"] = value;
    },
  );
}

export const REAL_SERVER: Section<RealServerDraft> = {
  name: "real_server",
  keywords: [
    integer(
      {
        name: "weight",
        min: 0,
        max: 2147483647,
        text: "Its share; default 1, or the virtual server's.",
        invalid: (value) => `Real server weight ${value} is outside range 0-2147483647`,
      },
      (draft, value) => {
        draft.weight = value;
      },
    ),
    line(
      { name: "lvs_method", syntax: "NAT|DR|TUN …", text: "How packets reach it; default: the virtual server's." },
      (draft, statement, context) => {
        draft.forwarding = readForwarding(statement, "real server", context);
      },
    ),
    ...timingKeywords<RealServerDraft>("real server"),
    boolean(
      { name: "alpha", text: "Down until a check has passed.", invalid: (value) => `Invalid alpha parameter ${value}` },
      (draft, value) => {
        draft.timing.alpha = value;
      },
    ),
    boolean(
      {
        name: "inhibit_on_failure",
        text: "Weight 0 instead of removal when a check fails.",
        invalid: (value) => `Invalid inhibit_on_failure parameter ${value}`,
      },
      (draft, value) => {
        draft.inhibitOnFailure = value;
      },
    ),
    threshold("uthreshold", "Connections from which on it gets no more."),
    threshold("lthreshold", "Connections below which it gets some again."),
    serverScript<RealServerDraft>("notify_up", "Run when it comes up.", (draft, script) => {
      draft.notifyUp = script;
    }),
    serverScript<RealServerDraft>("notify_down", "Run when it goes down.", (draft, script) => {
      draft.notifyDown = script;
    }),
    boolean(
      {
        name: "smtp_alert",
        text: "Mails on its changes.",
        invalid: (value) => `Invalid real_server smtp_alert parameter ${value}`,
      },
      (draft, value) => {
        draft.mail = value;
      },
    ),
    text(
      { name: "virtualhost", text: "The Host of HTTP checks.", missing: () => "real server virtualhost missing" },
      (draft, value) => {
        draft.virtualhost = value;
      },
    ),
    withoutEffect(
      line({ name: "snmp_name", syntax: "<STRING>", text: "" }, (draft, statement, context) => {
        if (statement.words.length === 2) draft.snmpName = statement.words[1]!.text;
        else
          context.report.fault(
            "missing-parameter",
            placeOf(statement, 1),
            "real server snmp_name missing or extra parameters",
          );
      }),
      "There is no SNMP agent.",
    ),
    ...CHECK_KEYWORDS,
  ],
};
