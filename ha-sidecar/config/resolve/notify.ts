// Notifications of instances and groups: scripts that may be run, and what the global definitions say of mails and FIFOs.

import type { NotifyPlan } from "../../plan/vrrp.ts";
import type { NotifyDraft, ScriptDraft } from "../drafts.ts";
import type { Resolver } from "./resolver.ts";

/** `group`: of an instance, what its sync group says of priority changes counts when it says nothing itself. */
export function resolveNotify(draft: NotifyDraft, resolver: Resolver, group: NotifyDraft | null = null): NotifyPlan {
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
    priorityChanges: draft.priorityChanges ?? group?.priorityChanges ?? global.notifyPriorityChanges,
    mail: draft.mail ?? global.smtpAlertVrrp ?? global.smtpAlert ?? false,
  };
}
