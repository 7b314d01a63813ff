// `set-var <name> <expr>` and `set-var-fmt <name> <fmt>` in `global`: what variables of scope proc hold when the process starts.

import { parseVariableName } from "../../variables/name.ts";
import type { ConfigurationDraft } from "../draft.ts";
import { parseLogFormat } from "../expression/log-format.ts";
import { parseSample } from "../expression/sample.ts";
import { COLUMN, missingData } from "../keywords/fetch.ts";
import { FETCH_KEYWORDS } from "../keywords/fetches.ts";
import type { Statement } from "../statement.ts";

/** The name without its scope; null after a report. */
function nameOf(statement: Statement, what: string): string | null {
  const keyword = statement.text(0);
  const text = statement.text(1);
  if (text === "" || !statement.has(2)) {
    const message = `'${keyword}' requires a process-wide variable name ('proc.<name>') and ${what}.`;
    statement.alert("missing-argument", message, { at: text === "" ? 1 : 2 });
    return null;
  }
  const parsed = parseVariableName(text);
  if (typeof parsed === "string") {
    statement.alert("bad-name", parsed.replace(/\.$/, ""), { at: 1 });
    return null;
  }
  if (parsed.scope === "proc") return parsed.name;
  const message = `'${keyword}': cannot set variable '${text}', only scope 'proc' is permitted in the global section.`;
  statement.alert("bad-name", message, { at: 1 });
  return null;
}

/** Only what the process itself knows is there. */
function missing(fetchName: string): string | null {
  const availability = FETCH_KEYWORDS.get(fetchName)?.availability;
  return availability === undefined || availability[COLUMN.parser] === "Y" ? null : missingData(availability);
}

export function setVariable(statement: Statement, { global }: ConfigurationDraft): void {
  const name = nameOf(statement, "a sample expression");
  if (name === null) return;
  const parsed = parseSample(statement.text(2));
  if (!parsed.ok) {
    statement.alert("bad-expression", parsed.message, { at: 2, suggestions: parsed.suggestions ?? [] });
    return;
  }
  const needs = missing(parsed.fetchName);
  if (needs !== null) {
    const what = `'set-var(${statement.text(1)})'`;
    const message = `fetch method ${what} extracts information from '${needs}', none of which is available here`;
    statement.alert("missing-data", message, { at: 2 });
    return;
  }
  global.variables.push({ name, value: parsed.sample });
}

export function setVariableFormat(statement: Statement, { global }: ConfigurationDraft): void {
  const name = nameOf(statement, "a format string");
  if (name === null) return;
  const parsed = parseLogFormat(statement.text(2), { keepsBlanks: true, missing });
  if (!parsed.ok) {
    statement.alert("bad-format", parsed.message.replace(/\.$/, ""), { at: 2, suggestions: parsed.suggestions ?? [] });
    return;
  }
  global.variables.push({ name, value: parsed.nodes });
}
