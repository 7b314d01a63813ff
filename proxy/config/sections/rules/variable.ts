// `set-var(<name>[,<condition>…]) <expr>`, `set-var-fmt(<name>[,<condition>…]) <fmt>`, `unset-var(<name>)`.

import { conditionProblem, parseVariableName } from "../../../variables/name.ts";
import { splitArguments } from "../../argument-list.ts";
import type { ActionParser } from "../../keywords/action.ts";
import type { RuleReader } from "./rule-reader.ts";

const EXPECTS = "Expects 'set-var(<var-name>)', 'set-var-fmt(<var-name>)' or 'unset-var(<var-name>)'.";

/** The name and the conditions between the parentheses of the action's word; null after a report. */
function target(reader: RuleReader): { name: string; conditions: string[] } | null {
  const word = reader.actionWord;
  const at = reader.at - 1;
  const opening = word.indexOf("(");
  if (opening < 0) return reader.fault(`invalid or incomplete action '${word}'. ${EXPECTS}`, { at });
  const split = splitArguments(word, opening);
  if (!split.ok || split.value.end !== word.length) {
    return reader.fault(`incomplete argument after action '${word}'. ${EXPECTS}`, { at });
  }
  const [name = "", ...conditions] = split.value.arguments;
  const parsed = parseVariableName(name);
  if (typeof parsed === "string") return reader.fault(`${parsed.replace(/\.$/, "")}.`, { at });
  const problem = conditionProblem(conditions);
  return problem === null ? { name, conditions } : reader.fault(`${problem}.`, { at });
}

export const setVariable: ActionParser = (reader) => {
  const found = target(reader);
  if (found === null) return null;
  if (reader.isAtEnd) return reader.fault("missing fetch method.");
  const parsed = reader.nextSample();
  return parsed && { kind: "set-var", ...found, sample: parsed.sample };
};

export const setVariableFormat: ActionParser = (reader) => {
  const found = target(reader);
  if (found === null) return null;
  const format = reader.isAtEnd ? [] : reader.nextFormat();
  return format && { kind: "set-var-fmt", ...found, format };
};

export const unsetVariable: ActionParser = (reader) => {
  const found = target(reader);
  return found && { kind: "unset-var", name: found.name };
};
