// `add-header`, `set-header`, `del-header`, `replace-header`, `replace-value`.
//
// What frames a body is not theirs to change: a rule that names content-length or transfer-encoding is refused. HAProxy takes it and then
// sends a message that contradicts itself, cuts the body off, or answers 500, whichever the case.

import type { NameMatch } from "../../../plan/rules.ts";
import type { ActionParser } from "../../keywords/action.ts";
import type { RuleReader } from "./rule-reader.ts";

const FRAMING: ReadonlySet<string> = new Set(["content-length", "transfer-encoding"]);
const MATCHES: readonly string[] = ["str", "beg", "end", "sub", "reg"] satisfies NameMatch[];

/** False after a report. */
function mayEdit(reader: RuleReader, name: string): boolean {
  if (!FRAMING.has(name.toLowerCase())) return true;
  const { statement } = reader;
  const message = `editing '${name}' by a rule is known to HAProxy but not served by ringway: it would contradict the body`;
  statement.alert("unserved", message, {
    at: 2,
    hint: "ringway itself keeps the framing headers as the body needs them.",
  });
  return false;
}

/** `add-header <name> <fmt>`, `set-header <name> <fmt>`, `early-hint <name> <fmt>` */
export function addHeader(kind: "add-header" | "set-header" | "early-hint"): ActionParser {
  return (reader) => {
    const name = reader.word;
    if (name === "" || reader.statement.text(reader.at + 1) === "") return reader.fault("expects exactly 2 arguments.");
    if (!mayEdit(reader, name)) return null;
    reader.checkName(name);
    reader.at++;
    const value = reader.nextFormat();
    return value === null ? null : { kind, name: name.toLowerCase(), value };
  };
}

/** `replace-header <name> <match-regex> <replace-fmt>`, `replace-value …` */
export function replaceHeader(kind: "replace-header" | "replace-value"): ActionParser {
  return (reader) => {
    const [name, pattern, format] = [0, 1, 2].map((offset) => reader.statement.text(reader.at + offset));
    if (name === "" || pattern === "" || format === "") return reader.fault("expects exactly 3 arguments.");
    if (!mayEdit(reader, name!)) return null;
    reader.at++;
    if (reader.nextPattern() === null) return null;
    const value = reader.nextFormat();
    return value === null ? null : { kind, name: name!.toLowerCase(), pattern: pattern!, value };
  };
}

/** `del-header <name> [ -m <meth> ]` */
export const delHeader: ActionParser = (reader) => {
  const name = reader.word;
  if (name === "") return reader.fault("expects at least 1 argument.");
  if (!mayEdit(reader, name)) return null;
  reader.at++;
  if (reader.word !== "-m") return { kind: "del-header", name: name.toLowerCase(), match: "str" };
  const method = reader.statement.text(reader.at + 1);
  if (method === "" || method === "if" || method === "unless") {
    return reader.fault("-m flag expects exactly 1 argument.");
  }
  if (!MATCHES.includes(method)) {
    const fault = { at: reader.at + 1, expected: MATCHES.map((one) => `'${one}'`).join(", ") };
    return reader.fault(`-m with unsupported matching method '${method}'.`, fault);
  }
  if (method === "reg") {
    reader.at--;
    if (reader.nextPattern() === null) return null;
  }
  reader.at += 2;
  return { kind: "del-header", name: method === "reg" ? name : name.toLowerCase(), match: method as NameMatch };
};
