// The `track_…` blocks of instances and sync groups: `NAME [weight N [reverse|noreverse]]` per line. The words of complaints differ from
// kind to kind, as keepalived's do.

import type { TrackDraft, TrackingDraft } from "../drafts.ts";
import { type Context, type Keyword, listLines, reportExtraWords } from "../keyword.ts";
import { placeOf, type Statement } from "../statement.ts";
import { parseInteger } from "../values.ts";

interface TrackedBlock {
  readonly draft: keyof TrackingDraft;
  /** Name of the keyword, `track_script`. */
  readonly name: string;
  readonly text: string;
  /** How messages call one of them: `track script`. */
  readonly what: string;
  readonly weightMax: number;
  readonly since?: string;
  /** Is something of that name defined? Interfaces are asked of the host later. */
  isKnown(name: string, context: Context): boolean;
  /** `weight for track process p must be …`, with the weight as written. */
  invalidWeight(name: string, weight: string): string;
  unknownOption(name: string, option: string): string;
  unknownWeightOption(name: string, option: string): string;
}

const KINDS: readonly TrackedBlock[] = [
  {
    draft: "interfaces",
    name: "track_interface",
    text: "Interfaces that must be up.",
    what: "track_interface",
    weightMax: 253,
    isKnown: () => true,
    invalidWeight: (name, weight) => `weight ${weight} for ${name} must be between [-253..253] inclusive. Ignoring...`,
    unknownOption: (name, option) => `unknown track_interface ${name} option ${option} - ignoring`,
    // The spelling is keepalived's.
    unknownWeightOption: (name, option) => `unknown track_interace ${name} weight option ${option} - ignoring`,
  },
  {
    draft: "scripts",
    name: "track_script",
    text: "Scripts (vrrp_script) that must succeed.",
    what: "track script",
    weightMax: 253,
    isKnown: (name, context) => context.configuration.scripts.some((script) => script.name === name),
    invalidWeight: (name) => `track script ${name}: weight must be between [-253..253] inclusive, ignoring...`,
    unknownOption: (_name, option) => `unknown track script option ${option} - ignoring`,
    unknownWeightOption: (name, option) => `unknown track_script ${name} weight option ${option} - ignoring`,
  },
  {
    draft: "processes",
    name: "track_process",
    text: "Processes (vrrp_track_process) that must run.",
    what: "track process",
    weightMax: 254,
    isKnown: (name, context) => context.configuration.processes.some((process) => process.name === name),
    invalidWeight: (name) => `weight for track process ${name} must be in [-254..254] inclusive. Ignoring...`,
    unknownOption: (_name, option) => `unknown track process option ${option} - ignoring`,
    unknownWeightOption: (name, option) => `unknown track_process ${name} weight option ${option} - ignoring`,
  },
  {
    draft: "files",
    name: "track_file",
    text: "Files (track_file) whose number is added to the priority.",
    what: "track file",
    weightMax: 254,
    isKnown: (name, context) => context.configuration.files.some((file) => file.name === name),
    invalidWeight: (name) => `weight for track file ${name} must be in [-254..254] inclusive. Ignoring...`,
    unknownOption: (_name, option) => `unknown track file option ${option} - ignoring`,
    unknownWeightOption: (name, option) => `unknown track file ${name} weight option ${option} - ignoring`,
  },
  {
    draft: "bfds",
    name: "track_bfd",
    text: "BFD sessions (bfd_instance) that must be up.",
    what: "track bfd",
    weightMax: 253,
    isKnown: (name, context) => context.configuration.bfds.some((bfd) => bfd.name === name && bfd.forVrrp),
    invalidWeight: (name) => `weight for track bfd ${name} must be in [-253..253] inclusive. Ignoring...`,
    unknownOption: (name, option) => `unknown track bfd ${name} option ${option} - ignoring`,
    unknownWeightOption: (name, option) => `unknown track bfd ${name} weight option ${option} - ignoring`,
  },
  {
    draft: "proxies",
    name: "track_proxy",
    text: "Proxies (track_proxy) that must live and have enough servers.",
    what: "track proxy",
    weightMax: 253,
    since: "ringway",
    isKnown: (name, context) => context.configuration.proxies.some((proxy) => proxy.name === name),
    invalidWeight: (name) => `weight for track proxy ${name} must be in [-253..253] inclusive. Ignoring...`,
    unknownOption: (name, option) => `unknown track proxy ${name} option ${option} - ignoring`,
    unknownWeightOption: (name, option) => `unknown track proxy ${name} weight option ${option} - ignoring`,
  },
];

/** The six blocks for drafts that have a name and a tracking draft. */
export function trackingKeywords<
  Draft extends { readonly name: string; readonly tracking: TrackingDraft },
>(): Keyword<Draft>[] {
  return KINDS.map((kind) => ({
    name: kind.name,
    syntax: `{ <NAME> [weight <-${kind.weightMax}..${kind.weightMax}> [reverse]] … }`,
    text: kind.text,
    effect: "served",
    since: kind.since,
    section: null,
    takesList: true,
    read(draft, statement, context) {
      reportExtraWords(statement, context);
      for (const entry of listLines(statement, context))
        readEntry(kind, draft.name, draft.tracking[kind.draft], entry, context);
    },
  }));
}

function readEntry(kind: TrackedBlock, owner: string, list: TrackDraft[], entry: Statement, context: Context): void {
  const name = entry.words[0]!.text;
  const fault = (code: string, index: number, message: string, hint?: string) =>
    context.report.fault(code, placeOf(entry, index), `(${owner}) ${message}`, { hint });
  if (list.some((other) => other.name === name)) {
    fault("duplicate-track", 0, `duplicate ${kind.name} ${name} - ignoring`);
    return;
  }
  const known = kind.isKnown(name, context);
  const tracked: TrackDraft = { name, weight: null, reverse: null, known, place: placeOf(entry) };
  list.push(tracked);
  // keepalived says nothing of the options of what it does not know.
  if (known) readOptions(kind, tracked, entry, fault);
}

function readOptions(
  kind: TrackedBlock,
  tracked: TrackDraft,
  entry: Statement,
  fault: (code: string, index: number, message: string, hint?: string) => void,
): void {
  const { name } = tracked;
  const [, option, weight, direction] = entry.words;
  if (option === undefined) return;
  if (option.text !== "weight") {
    const hint = option.text === "reverse" ? "'reverse' follows a weight: weight 5 reverse." : undefined;
    fault("unknown-option", 1, kind.unknownOption(name, option.text), hint);
    return;
  }
  if (weight === undefined) {
    fault("missing-parameter", 2, `weight without value specified for ${kind.what} ${name} - ignoring`);
    return;
  }
  const value = parseInteger(weight.text, { min: -254, max: 254 });
  if (value === null || (Math.abs(value) > kind.weightMax && !isClamped(kind))) {
    fault("invalid-number", 2, kind.invalidWeight(name, weight.text));
    return;
  }
  if (Math.abs(value) > kind.weightMax)
    fault("invalid-number", 2, `weight for ${name} cannot be +/-254. Setting to +/-253`);
  tracked.weight = Math.max(-kind.weightMax, Math.min(kind.weightMax, value));
  tracked.reverse = false;
  if (direction === undefined) return;
  if (direction.text === "reverse") tracked.reverse = true;
  else if (direction.text !== "noreverse" || kind.draft === "interfaces") {
    fault("unknown-option", 3, kind.unknownWeightOption(name, direction.text));
  }
}

/** keepalived sets 254 to 253 for these. */
function isClamped(kind: TrackedBlock): boolean {
  return kind.draft === "scripts" || kind.draft === "interfaces";
}
