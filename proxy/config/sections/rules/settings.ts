// Actions that set something for the rest of the stream: set-timeout, set-log-level, set-retries, set-priority-*, set-nice, marks and TOS.

import type { SamplePlan } from "../../../plan/expression.ts";
import { canCast } from "../../../sample/types.ts";
import { SILENT, TIMEOUT } from "../../../stream/settings.ts";
import { parseTime } from "../../arguments.ts";
import { hasBackend, hasFrontend } from "../../draft.ts";
import type { ActionParser } from "../../keywords/action.ts";
import type { RuleReader } from "./rule-reader.ts";

const LEVELS = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

/** An expression at the cursor that gives a number; null after a report. */
function numberSample(reader: RuleReader): SamplePlan | null {
  const written = reader.word;
  const parsed = reader.nextSample();
  if (parsed === null) return null;
  if (canCast(parsed.type, "sint")) return parsed.sample;
  return reader.fault(`'${written}' gives a value of type ${parsed.type}, which is no number.`, { at: reader.at - 1 });
}

/** `set-timeout { client | server | tunnel | connect | queue | tarpit } { <timeout> | <expr> }` */
export const setTimeout: ActionParser = (reader) => {
  const name = reader.word;
  const text = reader.statement.text(reader.at + 1);
  if (reader.isAtEnd || text === "" || text === "if" || text === "unless") {
    return reader.fault("expects exactly 2 arguments.");
  }
  if (!(name in TIMEOUT)) {
    const names = "'client'/'connect'/'queue'/'server'/'tarpit'/'tunnel'";
    return reader.fault(`'set-timeout' rule supports ${names} (got '${name}').`);
  }
  const timeout = TIMEOUT[name as keyof typeof TIMEOUT];
  if (name !== "tarpit" && lacks(reader, name === "client" ? "frontend" : "backend")) return null;
  reader.at++;
  const parsed = parseTime(text, "ms");
  if (parsed.ok) {
    if (parsed.value.value === 0) return reader.fault(`null value is not valid for a 'set-timeout ${name}' rule.`);
    reader.at++;
    return { kind: "set-timeout", timeout, value: parsed.value.value };
  }
  const sample = numberSample(reader);
  return sample && { kind: "set-timeout", timeout, value: sample };
};

/** `set-log-level { <level> | silent }` */
export const setLogLevel: ActionParser = (reader) => {
  const { word } = reader;
  const level = word === "silent" ? SILENT : LEVELS.indexOf(word);
  if (level === -1) return reader.fault("expects exactly 1 argument (log level name or 'silent').");
  reader.at++;
  return { kind: "set-log-level", level };
};

/** True after a report: the rule is about a side that its proxy does not have. */
function lacks(reader: RuleReader, side: "frontend" | "backend"): boolean {
  const { proxy } = reader;
  const has = side === "frontend" ? hasFrontend(proxy) : hasBackend(proxy);
  if (has || proxy.kind === "defaults") return false;
  reader.fault(`'${proxy.name}' has no ${side} capability.`);
  return true;
}

/** `set-retries <int> | <expr>` */
export const setRetries: ActionParser = (reader) => {
  if (lacks(reader, "backend")) return null;
  const { word } = reader;
  if (/^\d+$/.test(word)) {
    reader.at++;
    return { kind: "set-retries", value: Number(word) };
  }
  const sample = numberSample(reader);
  return sample && { kind: "set-retries", value: sample };
};

/** `set-priority-class <expr>`, `set-priority-offset <expr>` */
export function setPriority(what: "class" | "offset"): ActionParser {
  return (reader) => {
    const sample = numberSample(reader);
    return sample && { kind: "set-priority", what, value: sample };
  };
}

/** `set-nice <nice>`: read for its faults; streams have no turns among which one could come later. */
export const setNice: ActionParser = (reader) => {
  if (!/^[+-]?\d+$/.test(reader.word)) return reader.fault("expects exactly 1 argument (integer value).");
  reader.at++;
  return { kind: "set-nice" };
};

/** `set-fc-mark`, `set-fc-tos`, `set-bc-mark`, `set-bc-tos`, `set-mark`, `set-tos`: a number, also in hexadecimal, or an expression. */
export function setMark(side: "client" | "server", what: "mark" | "tos"): ActionParser {
  return (reader) => {
    const { word } = reader;
    if (reader.isAtEnd) return reader.fault("expects an argument.");
    if (/^(0x[0-9a-fA-F]+|\d+)$/.test(word)) {
      reader.at++;
      return { kind: "set-mark", side, what, value: Number(word) };
    }
    const sample = numberSample(reader);
    return sample && { kind: "set-mark", side, what, value: sample };
  };
}
