// Notifications of instances and groups: scripts that may be run, and what the global definitions say of mails and FIFOs.

import type { NotifyPlan } from "../../plan/vrrp.ts";
import type { NotifyDraft, ScriptDraft } from "../drafts.ts";
import type { Resolver } from "./resolver.ts";

export function resolveNotify(draft: NotifyDraft, resolver: Resolver): NotifyPlan {
  const { global } = resolver.draft;
  const script = (written: ScriptDraft | null) => resolver.scripts.notify(written, "notify script");
  return {
    master: script(draft.master),
    backup: script(draft.backup),
    fault: script(draft.fault),
    stop: script(draft.stop),
    deleted: script(draft.deleted),
    tellsDeleted: draft.tellsDeleted,
    masterReceivedLowerPriority: script(draft.masterReceivedLowerPriority),
    any: script(draft.any),
    priorityChanges: draft.priorityChanges ?? global.notifyPriorityChanges,
    mail: draft.mail ?? global.smtpAlertVrrp ?? global.smtpAlert ?? false,
  };
}
