// `vrrp_script NAME { … }`: a command that is run again and again; what it exits with is what instances track.

import type { TrackScriptDraft } from "../drafts.ts";
import { type Context, type Keyword, readSection, type Section } from "../keyword.ts";
import type { Statement } from "../statement.ts";
import { flag, integer, line, parseDecimal, parseInteger, requireWord, SECONDS_MAX } from "../values.ts";
import { readScript, warnOfLostArguments } from "./script-words.ts";

/** Since 2.3.2 fractions are understood; 2.2.7 refuses them. @param invalid what it says */
function time(
  name: "interval" | "timeout",
  about: string,
  invalid: (text: string, draft: TrackScriptDraft) => string,
  set: (draft: TrackScriptDraft, ms: number) => void,
): Keyword<TrackScriptDraft> {
  return line({ name, syntax: "<SECONDS>", text: about }, (draft, statement, context) => {
    const word = requireWord(statement, 1, context);
    if (word === null) return;
    const value = parseDecimal(word.text, { min: 0, max: SECONDS_MAX });
    if (value === null) {
      const details = { expected: `seconds, at most ${SECONDS_MAX}` };
      context.report.fault("invalid-number", word.place, invalid(word.text, draft), details);
    } else if (value === 0) {
      const message = `(${draft.name}): vrrp script ${name} must be greater than 0, setting to 1`;
      context.report.fault("invalid-number", word.place, message);
      set(draft, 1000);
    } else set(draft, value * 1000);
  });
}

function count(name: "rise" | "fall", about: string): Keyword<TrackScriptDraft> {
  return integer(
    {
      name,
      min: 1,
      max: 2147483647,
      text: about,
      invalid: (value, draft) => `(${draft.name}): vrrp script ${name} value '${value}' invalid, defaulting to 1`,
    },
    (draft, value) => {
      draft[name] = value;
    },
  );
}

/** Reads `weight N [reverse]`, and complains in the words given. Returns null when nothing is to be set. */
export function readWeight(
  statement: Statement,
  max: number,
  wording: { invalid(value: string): string; option(value: string): string },
  context: Context,
): { weight: number; reverse: boolean } | null {
  const [, weight, option] = statement.words;
  const value = parseInteger(weight!.text, { min: -max, max });
  if (value === null) {
    const details = { expected: `a number from -${max} to ${max}` };
    context.report.fault("invalid-number", weight!.place, wording.invalid(weight!.text), details);
  }
  if (option !== undefined && option.text !== "reverse") {
    context.report.fault("unknown-option", option.place, wording.option(option.text), {
      expected: "reverse, or nothing",
    });
  }
  return value === null ? null : { weight: value, reverse: option?.text === "reverse" };
}

export const VRRP_SCRIPT: Section<TrackScriptDraft> = {
  name: "vrrp_script",
  keywords: [
    line(
      {
        name: "script",
        syntax: "<COMMAND>",
        text: "What is run, directly and not by a shell; quote it when it has arguments. Exit status 0 is success.",
      },
      (draft, statement, context) => {
        if (statement.words.length < 2) return;
        draft.script = readScript(statement, context);
        warnOfLostArguments(statement, context);
      },
    ),
    time(
      "interval",
      "Seconds between two runs; default 1. Fractions since keepalived 2.3.2.",
      (value, draft) => `(${draft.name}): vrrp script interval '${value}' must be between 1 and 4294 - ignoring`,
      (draft, ms) => {
        draft.intervalMs = ms;
      },
    ),
    time(
      "timeout",
      "Seconds until a run has failed and gets SIGTERM, two later SIGKILL; default: the interval.",
      (value, draft) => `(${draft.name}): vrrp script timeout '${value}' invalid - ignoring`,
      (draft, ms) => {
        draft.timeoutMs = ms;
      },
    ),
    line(
      {
        name: "weight",
        syntax: "<-253..253> [reverse]",
        text: "Added to the priority while it succeeds (above 0), taken from it while it fails (below 0); 0, the default: failure is FAULT.",
      },
      (draft, statement, context) => {
        if (requireWord(statement, 1, context) === null) return;
        const wording = {
          invalid: (value: string) => `vrrp_script ${draft.name} weight ${value} must be in [-253, 253]`,
          option: (value: string) => `vrrp_script ${draft.name} unknown weight option ${value}`,
        };
        Object.assign(draft, readWeight(statement, 253, wording, context) ?? {});
      },
    ),
    count("rise", "Successes until it is up; default 1."),
    count("fall", "Failures until it is down; default 1."),
    line(
      { name: "user", syntax: "<USER> [<GROUP>]", text: "Who it runs as; by default script_user." },
      (draft, statement, context) => {
        const user = requireWord(statement, 1, context);
        if (user !== null) draft.user = { user: user.text, group: statement.words[2]?.text ?? null, place: user.place };
      },
    ),
    flag({ name: "init_fail", text: "Down until the first results say otherwise." }, (draft) => {
      draft.initFail = true;
    }),
  ],
};

export function readTrackScript(statement: Statement, context: Context): void {
  const name = requireWord(statement, 1, context);
  if (name === null) return;
  const draft: TrackScriptDraft = {
    name: name.text,
    place: name.place,
    script: null,
    user: null,
    intervalMs: 1000,
    timeoutMs: null,
    weight: 0,
    reverse: false,
    rise: 1,
    fall: 1,
    initFail: false,
  };
  readSection(VRRP_SCRIPT, draft, statement.block!, context);
  const { scripts } = context.configuration;
  if (draft.script === null) {
    context.report.fault("missing-script", name.place, `No script set for vrrp_script ${name.text} - removing`);
  } else if (scripts.some((other) => other.name === name.text)) {
    // keepalived keeps both and finds the first; nobody can have meant that.
    context.report.warning("duplicate-name", name.place, `vrrp_script ${name.text} is defined twice; the first counts`);
  } else scripts.push(draft);
}
