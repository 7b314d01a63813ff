// `vrrp_sync_group NAME { … }`: instances that are master all together or not at all.

import type { SyncGroupDraft } from "../drafts.ts";
import { type Context, type Keyword, listLines, readSection, reportExtraWords, type Section } from "../keyword.ts";
import { newNotifyDraft, newTrackingDraft } from "../new-drafts.ts";
import { placeOf, type Statement } from "../statement.ts";
import { flag, line } from "../values.ts";
import { type NotifyWording, notifyKeywords } from "./notify.ts";
import { trackingKeywords } from "./tracking.ts";

const WORDING: NotifyWording = {
  script: (name) => `vrrp group ${name}: `,
  block: "vrrp_group",
  invalidPriorityChanges: (name, value) =>
    `(${name}) Invalid value '${value}' for sync group notify_priority_changes specified`,
};

const GROUP: Keyword<SyncGroupDraft> = {
  name: "group",
  syntax: "{ <INSTANCE> … }",
  text: "The instances of the group.",
  effect: "served",
  section: null,
  takesList: true,
  read(draft, statement, context) {
    reportExtraWords(statement, context);
    if (draft.members !== null) {
      const message = `Group list already specified for sync group ${draft.name}`;
      context.report.fault("already-specified", placeOf(statement), message);
      return;
    }
    const words = listLines(statement, context).flatMap((entry) => entry.words);
    draft.members = words.map((word) => ({ name: word.text, place: word.place }));
  },
};

export const VRRP_SYNC_GROUP: Section<SyncGroupDraft> = {
  name: "vrrp_sync_group",
  keywords: [
    GROUP,
    flag(
      {
        name: "sync_group_tracking_weight",
        text: "Weights of the members' trackers count; otherwise they are 0, which means FAULT.",
      },
      (draft) => {
        draft.trackingWeight = true;
      },
    ),
    line(
      { name: "global_tracking", syntax: "", text: "Deprecated: track in the group instead." },
      (draft, statement, context) => {
        const message = `(${draft.name}) global_tracking is deprecated. Use track_interface/script/file on the sync group`;
        context.report.fault("deprecated", placeOf(statement), message);
      },
    ),
    ...trackingKeywords<SyncGroupDraft>(),
    ...notifyKeywords<SyncGroupDraft>(WORDING),
  ],
};

export function readSyncGroup(statement: Statement, context: Context): void {
  const name = statement.words[1]?.text;
  if (name === undefined || statement.words.length > 2) {
    const at = placeOf(statement, name === undefined ? 1 : 2);
    context.report.fault("missing-name", at, "vrrp_sync_group must have a name - skipping");
    return;
  }
  const { syncGroups } = context.configuration;
  if (syncGroups.some((other) => other.name === name)) {
    const message = `vrrp sync group ${name} already defined`;
    context.report.fault("duplicate-name", placeOf(statement, 1), message, { hint: "The second block is left out." });
    return;
  }
  const draft: SyncGroupDraft = {
    name,
    place: placeOf(statement, 1),
    members: null,
    tracking: newTrackingDraft(),
    trackingWeight: false,
    notify: newNotifyDraft(),
  };
  syncGroups.push(draft);
  readSection(VRRP_SYNC_GROUP, draft, statement.block!, context);
}
