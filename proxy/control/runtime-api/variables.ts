// `get var`, `set var`: variables of scope proc (management.txt §9.3). Texts are HAProxy's.

import { parseLogFormat } from "../../config/expression/log-format.ts";
import { parseSample } from "../../config/expression/sample.ts";
import { COLUMN, missingData } from "../../config/keywords/fetch.ts";
import { FETCH_KEYWORDS } from "../../config/keywords/fetches.ts";
import type { SamplePlan } from "../../plan/expression.ts";
import type { LogNodePlan } from "../../plan/log.ts";
import { parseVariableName } from "../../variables/name.ts";
import { type Answer, type Command, failure, message, NOTHING } from "./command.ts";

export const getVar: Command = {
  words: ["get", "var"],
  usage: "get var <name>",
  description: "retrieve contents of a process-wide variable",
  level: "operator",
  run({ args: [name] }, { variables }): Answer {
    if (name === undefined || name === "") return failure("Missing process-wide variable identifier.\n");
    const found = variables.get(name);
    if (found === null) return failure("Variable not found.\n");
    return { text: `${name}: type=${found.type} value=<${found.text}>\n` };
  },
};

export const setVar: Command = {
  words: ["set", "var"],
  usage: "set var <name> [fmt|expr] {<fmt>|<expr>}",
  description: "set variable from an arbitrary expression or format",
  level: "operator",
  run({ args: [name = "", first = "", ...rest], session }, { variables }): Answer {
    if (!session.experimental) return failure("This command is restricted to experimental mode only.\n");
    if (name === "") return failure("Missing process-wide variable identifier.\n");
    if (first === "") return failure("Missing either 'expr', 'fmt' or expression.\n");
    const parsed = parseVariableName(name);
    if (typeof parsed === "string") return failure(`${parsed}\n`);
    if (parsed.scope !== "proc") {
      return failure(`'set var': cannot set variable '${name}', only scope 'proc' is permitted here.\n`);
    }
    const isFormat = first === "fmt";
    const text = isFormat || first === "expr" ? (rest[0] ?? "") : first;
    const value = isFormat ? formatOf(text) : expressionOf(name, text);
    if (typeof value === "string") return failure(`${value}\n`);
    return variables.set(parsed.name, value) ? NOTHING : message("Failed to process the expression.\n");
  },
};

/** Only what the process itself knows is there. */
function missing(fetchName: string): string | null {
  const availability = FETCH_KEYWORDS.get(fetchName)?.availability;
  return availability === undefined || availability[COLUMN.cli] === "Y" ? null : missingData(availability);
}

function expressionOf(name: string, text: string): SamplePlan | string {
  const parsed = parseSample(text);
  if (!parsed.ok) return parsed.message;
  const needs = missing(parsed.fetchName);
  if (needs !== null) {
    return `fetch method 'set-var(${name})' extracts information from '${needs}', none of which is available here`;
  }
  return parsed.references.length === 0 ? parsed.sample : `'${text}' names a proxy, which is not available here`;
}

function formatOf(text: string): readonly LogNodePlan[] | string {
  const parsed = parseLogFormat(text, { keepsBlanks: true, missing });
  if (!parsed.ok) return parsed.message;
  const isPlain = parsed.references.length === 0 && parsed.nodes.every(({ kind }) => kind !== "variable");
  return isPlain ? parsed.nodes : `'${text}' needs a stream, which is not available here`;
}
