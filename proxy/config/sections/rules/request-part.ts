// `set-path`, `set-pathq`, `set-query`, `set-uri` with a format, and `replace-path`, `replace-pathq`, `replace-uri` with a regular
// expression in front of it.

import type { RequestPart } from "../../../plan/rules.ts";
import type { ActionParser } from "../../keywords/action.ts";

/** `set-<part> <fmt>` */
export function setPart(part: RequestPart): ActionParser {
  return (reader) => {
    const [format, next] = [reader.word, reader.statement.text(reader.at + 1)];
    if (format === "" || (next !== "" && next !== "if" && next !== "unless")) {
      return reader.fault("expects exactly 1 argument <format>.");
    }
    const value = reader.nextFormat();
    return value === null ? null : { kind: "set-part", part, value };
  };
}

/** `replace-<part> <match-regex> <replace-fmt>` */
export function replacePart(part: RequestPart): ActionParser {
  return (reader) => {
    const [pattern, format, next] = [0, 1, 2].map((offset) => reader.statement.text(reader.at + offset));
    if (pattern === "" || format === "" || (next !== "" && next !== "if" && next !== "unless")) {
      return reader.fault("expects exactly 2 arguments <match-regex> and <replace-format>.");
    }
    if (reader.nextPattern("failed to parse the regex : ") === null) return null;
    const value = reader.nextFormat();
    return value === null ? null : { kind: "replace-part", part, pattern: pattern!, value };
  };
}
