// Short blocks about interfaces and groups: `garp_group`, `track_group`, `interface_up_down_delays`, `linkbeat_interfaces`.

import type { ConfigurationDraft, GarpGroupDraft } from "../drafts.ts";
import { type Context, listLines, readSection, type Section } from "../keyword.ts";
import { placeOf, type Statement } from "../statement.ts";
import { parseDecimal, requireWord, seconds, text } from "../values.ts";

export const GARP_GROUP: Section<GarpGroupDraft> = {
  name: "garp_group",
  keywords: [
    ...(["garp_interval", "gna_interval"] as const).map((name) =>
      seconds<GarpGroupDraft>(
        {
          name,
          min: 0,
          max: 2147.483647,
          text: "Seconds between two packets.",
          invalid: (value) => `garp_group ${name} '${value}' invalid`,
        },
        (draft, ms) => {
          draft[name === "garp_interval" ? "garpIntervalMs" : "gnaIntervalMs"] = ms;
        },
      ),
    ),
    text(
      { name: "interface", syntax: "<INTERFACE>", text: "The interface that it is for." },
      (draft, name, statement) => {
        draft.interfaces.push({ name, place: placeOf(statement, 1) });
      },
    ),
    {
      name: "interfaces",
      syntax: "{ <INTERFACE> … }",
      text: "Interfaces that share the intervals, because one switch is behind them.",
      effect: "served",
      section: null,
      takesList: true,
      read(draft, statement, context) {
        for (const word of listLines(statement, context).flatMap((entry) => entry.words)) {
          draft.interfaces.push({ name: word.text, place: word.place });
        }
      },
    },
  ],
};

export function readGarpGroup(statement: Statement, context: Context): void {
  const draft: GarpGroupDraft = {
    place: placeOf(statement),
    interfaces: [],
    garpIntervalMs: null,
    gnaIntervalMs: null,
  };
  readSection(GARP_GROUP, draft, statement.block!, context);
  const { garpGroups } = context.configuration;
  if (draft.garpIntervalMs !== null || draft.gnaIntervalMs !== null) garpGroups.push(draft);
  else {
    const message = `garp group ${garpGroups.length} does not have any delay set - removing`;
    context.report.fault("missing-delay", draft.place, message);
  }
}

interface TrackGroupDraft {
  readonly members: string[];
}

export const TRACK_GROUP: Section<TrackGroupDraft> = {
  name: "track_group",
  keywords: [
    {
      name: "group",
      syntax: "{ <INSTANCE> … }",
      text: "Instances that leave MASTER when a static address, route or rule of the group is removed.",
      effect: "served",
      section: null,
      takesList: true,
      read(draft, statement, context) {
        draft.members.push(...listLines(statement, context).flatMap((entry) => entry.words.map((word) => word.text)));
      },
    },
  ],
};

export function readTrackGroup(statement: Statement, context: Context): void {
  const name = requireWord(statement, 1, context);
  if (name === null) return;
  const draft = { name: name.text, members: [], place: name.place };
  readSection<TrackGroupDraft>(TRACK_GROUP, draft, statement.block!, context);
  context.configuration.trackGroups.push(draft);
}

/** `IFNAME DOWN [UP]`, seconds. */
export function readDelay(draft: ConfigurationDraft, entry: Statement, context: Context): void {
  const [name, down, up] = entry.words;
  const bounds = { min: 0, max: 255 };
  const values = [down, up].map((word) => {
    const value = word === undefined ? 0 : parseDecimal(word.text, bounds);
    if (value === null) {
      const message = `number '${word!.text}' outside range [0.000000, 255.000000]`;
      context.report.fault("invalid-number", word!.place, message, { expected: "seconds, at most 255" });
    }
    return value;
  });
  if (!context.host.interfaces.has(name!.text)) {
    const message = `unknown interface ${name!.text} specified for up/down delay`;
    context.report.fault("unknown-interface", name!.place, message);
  }
  const [downS, upS] = values;
  if (downS === null || upS === null) return;
  const downDelayMs = downS! * 1000;
  const upDelayMs = up === undefined ? downDelayMs : upS! * 1000;
  draft.interfaceDelays.push({ interface: name!.text, downDelayMs, upDelayMs, place: name!.place });
}

export function readLinkbeat(_draft: ConfigurationDraft, entry: Statement, context: Context): void {
  context.report.warning("ignored-keyword", placeOf(entry), "linkbeat_interfaces has no effect here", {
    hint: "The kernel reports changes of links; nothing is polled.",
  });
}
