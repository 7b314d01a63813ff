// Keywords of global_defs about who is told of what: mails, the users that scripts run as, FIFOs, scripts at the start and the end.

import type { GlobalDraft } from "../drafts.ts";
import { type Keyword, listLines, reportExtraWords } from "../keyword.ts";
import { placeOf } from "../statement.ts";
import { boolean, flag, integer, line, parseInteger, SECONDS_MAX, text } from "../values.ts";
import { readScript } from "./script-words.ts";

const invalidSwitch = (name: string) => (value: string) => `Invalid value '${value}' for global ${name} specified`;
const invalidValue = (name: string) => () => `Invalid value for ${name} specified`;

export const MAIL: readonly Keyword<GlobalDraft>[] = [
  {
    name: "notification_email",
    syntax: "{ <ADDRESS> … }",
    text: "Who gets mails about transitions.",
    effect: "served",
    section: null,
    takesList: true,
    read(draft, statement, context) {
      reportExtraWords(statement, context);
      for (const entry of listLines(statement, context)) draft.recipients.push(...entry.words.map((word) => word.text));
    },
  },
  text(
    {
      name: "notification_email_from",
      syntax: "<ADDRESS>",
      text: "The sender; by default the user who runs this, @ the host's name.",
      missing: () => "emailfrom missing - ignoring",
    },
    (draft, value) => {
      draft.mailFrom = value;
    },
  ),
  text(
    {
      name: "smtp_server",
      syntax: "<HOST> [<PORT>]",
      text: "Where mails are handed in. Names are looked up when a mail is sent, so a missing name server does not matter before.",
    },
    (draft, host, statement, context) => {
      const word = statement.words[2];
      const port = word === undefined ? 25 : parseInteger(word.text, { min: 1, max: 65535 });
      if (port === null)
        context.report.fault("invalid-number", word!.place, `Invalid smtp server ${host} ${word!.text}`);
      else draft.smtpServer = { host, port };
    },
  ),
  line(
    { name: "smtp_helo_name", syntax: "<STRING>", text: "The name in HELO; by default the host's." },
    (draft, statement) => {
      draft.smtpHeloName = statement.words[1]?.text ?? null;
    },
  ),
  integer(
    {
      name: "smtp_connect_timeout",
      min: 0,
      max: SECONDS_MAX,
      text: "Seconds until a mail server that does not answer is given up; default 30.",
      invalid: (value) => `smtp_connect_timeout '${value}' must be in [0, 4294] - ignoring`,
    },
    (draft, value, statement, context) => {
      // The spelling is keepalived's.
      const message = "smtp_conect_timeout must be greater than 0, setting to 1";
      if (value === 0) context.report.fault("invalid-number", placeOf(statement, 1), message);
      draft.smtpConnectTimeoutMs = Math.max(1, value) * 1000;
    },
  ),
  boolean(
    {
      name: "smtp_alert",
      text: "Mails for everything, unless a block says otherwise.",
      invalid: invalidSwitch("smtp_alert"),
    },
    (draft, value) => {
      draft.smtpAlert = value;
    },
  ),
  boolean(
    {
      name: "smtp_alert_vrrp",
      text: "Mails for instances and groups, unless they say otherwise.",
      invalid: invalidSwitch("smtp_alert_vrrp"),
    },
    (draft, value) => {
      draft.smtpAlertVrrp = value;
    },
  ),
  boolean(
    {
      name: "smtp_alert_checker",
      text: "Mails for virtual and real servers, unless they say otherwise.",
      invalid: invalidSwitch("smtp_alert_checker"),
    },
    (draft, value) => {
      draft.smtpAlertChecker = value;
    },
  ),
  boolean(
    {
      name: "checker_log_all_failures",
      text: "Every failed check of a real server is logged.",
      invalid: invalidValue("checker_log_all_failures"),
    },
    (draft, value) => {
      draft.checkerLogAllFailures = value;
    },
  ),
  flag({ name: "no_email_faults", text: "No mails about FAULT." }, (draft) => {
    draft.noEmailFaults = true;
  }),
  boolean(
    {
      name: "no_checker_emails",
      text: "Mails only when a real server is added or removed.",
      invalid: invalidSwitch("no_checker_emails"),
    },
    (draft, value) => {
      draft.noCheckerEmails = value;
    },
  ),
];

function readFifo(which: "all" | "vrrp" | "checker", name: string): Keyword<GlobalDraft> {
  const row = {
    name,
    syntax: "<PATH> [<USER> [<GROUP>]]",
    text: "A FIFO that a line is written to for every transition.",
    missing: () => `No ${name} name specified`,
  };
  return text(row, (draft, path, statement) => {
    Object.assign(draft.fifos[which], {
      path,
      user: statement.words[2]?.text ?? null,
      group: statement.words[3]?.text ?? null,
      place: placeOf(statement, 1),
    });
  });
}

function readFifoScript(which: "all" | "vrrp" | "checker", name: string): Keyword<GlobalDraft> {
  const row = {
    name,
    syntax: "<COMMAND> [<USER> [<GROUP>]]",
    text: "A command that reads the FIFO; its path is the last argument.",
  };
  return line(row, (draft, statement, context) => {
    if (statement.words.length < 2) {
      context.report.fault("missing-parameter", placeOf(statement, 1), `No ${name} specified`);
    } else draft.fifos[which].script = readScript(statement, context);
  });
}

export const SCRIPTS: readonly Keyword<GlobalDraft>[] = [
  line(
    {
      name: "script_user",
      syntax: "<USER> [<GROUP>]",
      text: "Who scripts run as; by default keepalived_script if that user exists.",
    },
    (draft, statement, context) => {
      const [, user, group] = statement.words;
      if (user === undefined) {
        context.report.fault("missing-parameter", placeOf(statement, 1), "No script username specified");
      } else draft.scriptUser = { user: user.text, group: group?.text ?? null, place: user.place };
    },
  ),
  boolean(
    {
      name: "use_symlink_paths",
      since: "2.3.0",
      text: "Commands are run by the path that is written, links included. What the links lead to is checked all the same.",
      invalid: invalidValue("use_symlink_paths"),
    },
    (draft, value) => {
      draft.useSymlinkPaths = value;
    },
  ),
  flag(
    { name: "enable_script_security", text: "Nothing is run as root that others than root can change." },
    (draft) => {
      draft.scriptSecurity = true;
    },
  ),
  readFifo("all", "notify_fifo"),
  readFifoScript("all", "notify_fifo_script"),
  readFifo("vrrp", "vrrp_notify_fifo"),
  readFifoScript("vrrp", "vrrp_notify_fifo_script"),
  readFifo("checker", "lvs_notify_fifo"),
  readFifoScript("checker", "lvs_notify_fifo_script"),
  flag({ name: "fifo_write_vrrp_states_on_reload", text: "A reload writes all states to the FIFOs." }, (draft) => {
    draft.fifoStatesOnReload = true;
  }),
  ...(["startup", "shutdown"] as const).flatMap(lifecycleScript),
];

/** `startup_script` and its timeout, `shutdown_script` and its. */
function lifecycleScript(which: "startup" | "shutdown"): Keyword<GlobalDraft>[] {
  const name = `${which}_script`;
  const when = which === "startup" ? "before anything else" : "when everything has ended";
  return [
    line({ name, syntax: "<COMMAND> [<USER> [<GROUP>]]", text: `Run once, ${when}.` }, (draft, statement, context) => {
      if (statement.words.length < 2) {
        context.report.fault("missing-parameter", placeOf(statement, 1), `${which} script missing`);
      } else draft[`${which}Script`] = readScript(statement, context);
    }),
    line(
      { name: `${name}_timeout`, syntax: "<1..1000>", text: "Seconds it may take; default 10." },
      (draft, statement, context) => {
        const word = statement.words[1];
        if (word === undefined) {
          context.report.fault("missing-parameter", placeOf(statement, 1), `${name}_timeout requires value`);
          return;
        }
        const value = parseInteger(word.text, { min: 1, max: 1000 });
        const message = `${name}_timeout '${word.text}' must be in [1, 1000] - ignoring`;
        if (value === null)
          context.report.fault("invalid-number", word.place, message, { expected: "a number from 1 to 1000" });
        else draft[`${which}ScriptTimeoutMs`] = value * 1000;
      },
    ),
  ];
}
