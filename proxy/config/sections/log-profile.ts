// The section `log-profile` (8.3.5), and `log-steps` of proxies: at which moments of a stream lines are written, and how targets change them.

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import { LOG_ORIGINS, LOG_STEPS } from "../../plan/log.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import { parseLogFormat } from "../expression/log-format.ts";
import type { ConfigLine } from "../line.ts";
import type { LogProfileDraft } from "../log-draft.ts";
import { Statement } from "../statement.ts";

/** Opens a section. */
export function openLogProfile(statement: Statement, configuration: ConfigurationDraft): LogProfileDraft {
  const name = statement.text(1);
  if (name === "") statement.alert("missing-name", "missing name for log-profile section.", { at: 1 });
  if (configuration.logProfiles.some((profile) => profile.name === name)) {
    statement.alert("duplicate-name", `log-profile section '${name}' already exists.`, { at: 1 });
  }
  const draft: LogProfileDraft = { name, tag: null, steps: new Map() };
  configuration.logProfiles.push(draft);
  return draft;
}

/** `log-tag <string>`, `on <step> [drop] [format <fmt>] [sd <fmt>]` */
export function logProfileLine(line: ConfigLine, profile: LogProfileDraft, configuration: ConfigurationDraft): void {
  const statement = new Statement(line, configuration.diagnostics);
  const keyword = statement.text(0);
  if (keyword === "log-tag") {
    if (!statement.has(1)) statement.alert("missing-argument", "'log-tag' expects a tag for use in syslog.", { at: 1 });
    else profile.tag = statement.text(1);
  } else if (keyword === "on") stepLine(statement, profile);
  else {
    const suggestions = suggest(keyword, ["log-tag", "on"]);
    statement.alert("unknown-keyword", `unknown keyword '${keyword}' in log-profile section`, { at: 0, suggestions });
  }
}

function stepLine(statement: Statement, profile: LogProfileDraft): void {
  const step = statement.text(1);
  const known: readonly string[] = [...LOG_ORIGINS.map(({ step }) => step), "any"];
  if (!known.includes(step)) {
    const suggestions = suggest(step, known);
    statement.alert("log-step", `on : unexpected step '${step}'`, { at: 1, suggestions, expected: known.join(", ") });
    return;
  }
  let drop = false;
  let format = null;
  let structured = null;
  for (let at = 2; statement.has(at); at++) {
    const word = statement.text(at);
    if (word === "drop") {
      drop = true;
      continue;
    }
    if (word !== "format" && word !== "sd") {
      const message = `'on' in log-profile: unexpected '${word}'`;
      statement.alert("unknown-word", message, { at, expected: "'drop', 'format' or 'sd'" });
      return;
    }
    const parsed = parseLogFormat(statement.text(++at));
    if (!parsed.ok) {
      statement.alert("bad-log-format", `failed to parse '${word}' : ${parsed.message}`, { at });
      return;
    }
    if (word === "format") format = parsed.nodes;
    else structured = parsed.nodes;
  }
  profile.steps.set(step, { drop, format, structured });
}

/** `log-steps <steps>`: `all`, or some of them with commas between. */
export function logSteps(statement: Statement, proxy: ProxyDraft): void {
  let bits = 0;
  for (const step of statement.text(1).split(",")) {
    const bit = step === "all" ? LOG_STEPS.all : LOG_STEPS[step as keyof typeof LOG_STEPS];
    if (bit === undefined) {
      const message = `'log-steps': invalid step '${step}'`;
      const expected = "all, or accept, request, connect, response, close with commas between";
      statement.alert("log-step", message, { at: 1, expected, suggestions: suggest(step, Object.keys(LOG_STEPS)) });
      return;
    }
    bits |= bit;
  }
  if (statement.takesAtMost(1, 1)) proxy.numbers.set("log-steps", bits);
}
