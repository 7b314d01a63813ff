// What can be tracked besides scripts and interfaces: `vrrp_track_process`, `track_file`. (`bfd_instance`: bfd-instance.ts,
// `track_proxy`: track-proxy.ts)

import type { TrackFileDraft, TrackProcessDraft } from "../drafts.ts";
import { type Context, type Keyword, readSection, type Section } from "../keyword.ts";
import { placeOf, type Statement } from "../statement.ts";
import { flag, integer, line, parseInteger, requireWord, seconds } from "../values.ts";
import { commandWords } from "../words.ts";
import { readWeight } from "./vrrp-script.ts";

const DELAY = { min: 0.000001, max: 3600 };

function processDelay(
  name: string,
  about: string,
  set: (draft: TrackProcessDraft, ms: number) => void,
): Keyword<TrackProcessDraft> {
  const invalid = (value: string, draft: TrackProcessDraft) =>
    `${name} (${value}) for vrrp_track_process ${draft.name} must be between [0.000001..3600] inclusive. Ignoring...`;
  return seconds({ name, ...DELAY, text: about, invalid }, set);
}

function processCount(name: "quorum" | "quorum_max", min: number, about: string): Keyword<TrackProcessDraft> {
  const shown = name === "quorum" ? "Quorum" : name;
  return integer(
    {
      name,
      min,
      max: 65535,
      text: about,
      invalid: (value, draft) =>
        `${shown} (${value}) for vrrp_track_process ${draft.name} must be between [${min}..65535] inclusive. Ignoring...`,
    },
    (draft, value) => {
      draft[name === "quorum" ? "quorum" : "quorumMax"] = value;
    },
  );
}

/** `weight` of processes and files: without a word it is only ignored. @param called `track process p` @param named `vrrp_track_process p` */
function weightKeyword<Draft extends { readonly name: string; weight: number; reverse: boolean }>(
  called: string,
  named: string,
): Keyword<Draft> {
  return line(
    { name: "weight", syntax: "<-254..254> [reverse]", text: "Its weight where a tracker names none; default 1." },
    (draft, statement, context) => {
      if (statement.words.length < 2) {
        const message = `No weight specified for ${called} ${draft.name} - ignoring`;
        context.report.fault("missing-parameter", placeOf(statement, 1), message);
        return;
      }
      const wording = {
        invalid: (value: string) =>
          `Weight (${value}) for ${named} ${draft.name} must be between [-254..254] inclusive. Ignoring...`,
        option: (value: string) => `unknown ${called} ${draft.name} weight option ${value} - ignoring`,
      };
      Object.assign(draft, readWeight(statement, 254, wording, context) ?? {});
    },
  );
}

export const VRRP_TRACK_PROCESS: Section<TrackProcessDraft> = {
  name: "vrrp_track_process",
  keywords: [
    line(
      {
        name: "process",
        syntax: "<COMMAND> [<PARAMETER> …]",
        text: "The name of the command, and parameters it must have.",
      },
      (draft, statement, context) => {
        const first = requireWord(statement, 1, context);
        if (first === null) return;
        if (draft.process !== null) {
          const message = `Process already set for track process ${draft.name} - ignoring ${first.text}`;
          context.report.fault("already-specified", first.place, message);
        } else
          draft.process = commandWords(statement.text)
            .words.slice(1)
            .map((word) => word.text);
      },
    ),
    line(
      {
        name: "param_match",
        syntax: "[initial|partial]",
        text: "How parameters are compared: the last may be a beginning, or there may be more of them.",
      },
      (draft, statement, context) => {
        const word = statement.words[1];
        if (word === undefined || word.text === "initial" || word.text === "partial") {
          draft.parameterMatch = word === undefined ? "exact" : (word.text as "initial" | "partial");
        } else {
          const message = `Invalid param_match type ${word.text} - ignoring`;
          context.report.fault("invalid-value", word.place, message, { expected: "initial or partial" });
        }
      },
    ),
    weightKeyword<TrackProcessDraft>("track process", "vrrp_track_process"),
    processCount("quorum", 1, "At least so many must run; default 1."),
    processCount("quorum_max", 0, "At most so many may run."),
    processDelay("fork_delay", "Seconds that they must run before they count.", (draft, ms) => {
      draft.forkDelayMs = ms;
    }),
    processDelay("terminate_delay", "Seconds that they must be gone before they are missed.", (draft, ms) => {
      draft.terminateDelayMs = ms;
    }),
    processDelay("delay", "Both delays.", (draft, ms) => {
      draft.forkDelayMs = ms;
      draft.terminateDelayMs = ms;
    }),
    flag(
      { name: "full_command", text: "The whole command line is compared instead of the process's name." },
      (draft) => {
        draft.fullCommand = true;
      },
    ),
  ],
};

export function readTrackProcess(statement: Statement, context: Context): void {
  const name = requireWord(statement, 1, context);
  if (name === null) return;
  const draft: TrackProcessDraft = {
    name: name.text,
    place: name.place,
    process: null,
    parameterMatch: "exact",
    weight: 1,
    reverse: false,
    quorum: 1,
    quorumMax: null,
    forkDelayMs: 0,
    terminateDelayMs: 0,
    fullCommand: false,
  };
  readSection(VRRP_TRACK_PROCESS, draft, statement.block!, context);
  if (draft.process === null) {
    context.report.fault("missing-process", name.place, `track process '${name.text}' process name not specified`);
  } else context.configuration.processes.push(draft);
}

export const TRACK_FILE: Section<TrackFileDraft> = {
  name: "track_file",
  keywords: [
    line(
      { name: "file", syntax: "<PATH>", text: "The file; its first line is a number." },
      (draft, statement, context) => {
        const word = commandWords(statement.text).words[1];
        if (word === undefined) {
          context.report.fault("missing-parameter", placeOf(statement, 1), "track file file name missing");
        } else if (draft.path !== null) {
          const message = `File already set for track file ${draft.name} - ignoring ${word.text}`;
          context.report.fault("already-specified", word.place, message);
        } else draft.path = word.text;
      },
    ),
    weightKeyword<TrackFileDraft>("track file", "track_file"),
    line(
      {
        name: "init_file",
        syntax: "[<VALUE>] [overwrite]",
        text: "The file is made with this value (default 0), or, with overwrite, always set to it.",
      },
      readInitFile,
    ),
  ],
};

function readInitFile(draft: TrackFileDraft, statement: Statement, context: Context): void {
  let value = 0;
  let overwrite = false;
  for (const word of statement.words.slice(1)) {
    if (word.text === "overwrite") overwrite = true;
    else if (!/^[+-]?[\d.]+$/.test(word.text)) {
      const details = { expected: "a number, or overwrite" };
      context.report.fault("unknown-option", word.place, `Unknown track file init option ${word.text}`, details);
    } else {
      const number = parseInteger(word.text, { min: -(2 ** 31), max: 2 ** 31 - 1 });
      const problem =
        number === null
          ? `Track file ${draft.name} init value ${word.text} is invalid`
          : Math.abs(number) > 254
            ? `Track file ${draft.name} init value ${word.text} is outside sensible range [-254, 254]`
            : null;
      if (problem !== null) context.report.fault("invalid-number", word.place, problem);
      value = number ?? value;
    }
  }
  draft.initFile = { value, overwrite };
}

export function readTrackFile(statement: Statement, context: Context): void {
  const name = requireWord(statement, 1, context);
  if (name === null) return;
  const draft: TrackFileDraft = {
    name: name.text,
    place: name.place,
    path: null,
    weight: 1,
    reverse: false,
    initFile: null,
  };
  readSection(TRACK_FILE, draft, statement.block!, context);
  if (draft.path === null) {
    context.report.fault("missing-file", name.place, `No file set for track_file ${name.text} - ignoring`);
  } else context.configuration.files.push(draft);
}
