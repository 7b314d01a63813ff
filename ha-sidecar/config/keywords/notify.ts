// `notify_…` and `smtp_alert` of instances and sync groups.

import type { NotifyDraft, ScriptDraft } from "../drafts.ts";
import type { Context, Keyword } from "../keyword.ts";
import { placeOf, type Statement } from "../statement.ts";
import { boolean, line } from "../values.ts";
import { readScript } from "./script-words.ts";

type ScriptKey = "master" | "backup" | "fault" | "stop" | "deleted" | "masterReceivedLowerPriority" | "any";

const COMMON: readonly { readonly name: string; readonly key: ScriptKey; readonly text: string }[] = [
  { name: "notify_master", key: "master", text: "Run on becoming master." },
  { name: "notify_backup", key: "backup", text: "Run on becoming backup." },
  { name: "notify_fault", key: "fault", text: "Run on entering FAULT." },
  { name: "notify_stop", key: "stop", text: "Run when VRRP is stopped." },
  {
    name: "notify",
    key: "any",
    text: "Run on every transition, after the special one, with INSTANCE or GROUP, the name, the state and the priority appended.",
  },
];

interface HasNotify {
  readonly name: string;
  readonly notify: NotifyDraft;
}

/** How messages call the block: instances `(V) `, groups `vrrp group g: `. */
export interface NotifyWording {
  /** In front of complaints about scripts. */
  script(name: string): string;
  /** `vrrp_instance`, `vrrp_group`. */
  readonly block: string;
  invalidPriorityChanges(name: string, value: string): string;
}

export function notifyKeywords<Draft extends HasNotify>(wording: NotifyWording): Keyword<Draft>[] {
  const script = (name: string, key: ScriptKey, text: string): Keyword<Draft> =>
    line({ name, syntax: "<COMMAND> [<USER> [<GROUP>]]", text }, (draft, statement, context) => {
      setScript(draft, key, statement, context, wording);
    });
  return [
    ...COMMON.map(({ name, key, text }) => script(name, key, text)),
    boolean(
      {
        name: "notify_priority_changes",
        text: "Changes of priority are written to the FIFOs.",
        invalid: (value, draft) => wording.invalidPriorityChanges(draft.name, value),
      },
      (draft, value) => {
        draft.notify.priorityChanges = value;
      },
    ),
    boolean(
      {
        name: "smtp_alert",
        text: "Mails on transitions.",
        invalid: (value) => `Invalid ${wording.block} smtp_alert parameter ${value}`,
      },
      (draft, value) => {
        draft.notify.mail = value;
      },
    ),
  ];
}

/** What only instances have. */
export function instanceNotifyKeywords<Draft extends HasNotify>(wording: NotifyWording): Keyword<Draft>[] {
  return [
    line(
      {
        name: "notify_deleted",
        syntax: "[<COMMAND> [<USER> [<GROUP>]]]",
        text: "DELETED instead of FAULT is told when a reload removes the instance.",
      },
      (draft, statement, context) => {
        draft.notify.tellsDeleted = true;
        if (statement.words.length > 1) setScript(draft, "deleted", statement, context, wording);
      },
    ),
    line(
      {
        name: "notify_master_rx_lower_pri",
        syntax: "<COMMAND> [<USER> [<GROUP>]]",
        text: "Run when a master hears an advert of lower priority.",
      },
      (draft, statement, context) => {
        setScript(draft, "masterReceivedLowerPriority", statement, context, wording);
      },
    ),
  ];
}

function setScript(
  draft: HasNotify,
  key: ScriptKey,
  statement: Statement,
  context: Context,
  wording: NotifyWording,
): void {
  const script: ScriptDraft | null = readScript(statement, context);
  if (script === null) return;
  if (draft.notify[key] === null) {
    draft.notify[key] = script;
    return;
  }
  const keyword = statement.words[0]!.text;
  const message = `${wording.script(draft.name)}${keyword} script already specified - ignoring ${script.text}`;
  context.report.fault("already-specified", placeOf(statement), message);
}
