// `redirect { location | prefix | scheme } <value> [options]`, as a rule of its own and as an action. In the keyword of old, the value is
// text; as an action it is a log-format string.

import type { LogNodePlan } from "../../../plan/log.ts";
import type { RedirectPlan } from "../../../plan/rules.ts";
import type { ActionParser } from "../../keywords/action.ts";
import type { RuleReader } from "./rule-reader.ts";

const CODES: readonly number[] = [301, 302, 303, 307, 308];

type Draft = { -readonly [Field in keyof RedirectPlan]: RedirectPlan[Field] } & { hasType: boolean };

/** What follows a word that takes an argument; null after a report. */
function argumentOf(reader: RuleReader): string | null {
  const option = reader.word;
  const argument = reader.statement.text(reader.at + 1);
  if (argument === "") return reader.fault(`missing argument for '${option}'.`, { at: reader.at + 1 });
  reader.at += 2;
  return argument;
}

function redirectValue(reader: RuleReader, text: string): readonly LogNodePlan[] | null {
  return reader.ruleSet === "redirect" ? [{ kind: "text", text }] : reader.format(text);
}

/** Reads one option with its argument; false after a report. */
function option(reader: RuleReader, draft: Draft): boolean {
  const name = reader.word;
  switch (name) {
    case "drop-query":
      draft.dropQuery = true;
      break;
    case "keep-query":
      draft.keepQuery = true;
      break;
    case "append-slash":
      draft.appendSlash = true;
      break;
    case "ignore-empty":
      draft.ignoreEmpty = true;
      break;
    default:
      return optionWithArgument(reader, draft, name);
  }
  reader.at++;
  return true;
}

function optionWithArgument(reader: RuleReader, draft: Draft, name: string): boolean {
  switch (name) {
    case "location":
    case "prefix":
    case "scheme": {
      if (reader.ruleSet === "http-response" && name !== "location") {
        reader.fault("response only supports redirect type 'location'.");
        return false;
      }
      const text = argumentOf(reader);
      const value = text === null ? null : redirectValue(reader, text);
      if (value === null) return false;
      Object.assign(draft, { type: name, value, hasType: true });
      return true;
    }
    case "code":
      return code(reader, draft);
    case "set-cookie":
    case "clear-cookie": {
      const text = argumentOf(reader);
      if (text === null) return false;
      const attributes = name === "set-cookie" ? "; path=/;" : "; path=/; Max-Age=0;";
      draft.setCookie = [{ kind: "text", text: `${text}${attributes}` }];
      return true;
    }
    case "set-cookie-fmt": {
      const text = argumentOf(reader);
      const value = text === null ? null : reader.format(text);
      if (value === null) return false;
      draft.setCookie = [...value, { kind: "text", text: "; path=/;" }];
      return true;
    }
    default:
      reader.fault(
        "expects 'code', 'prefix', 'location', 'scheme', 'set-cookie', 'set-cookie-fmt', 'clear-cookie', 'drop-query', " +
          `'keep-query', 'ignore-empty' or 'append-slash' (was '${name}').`,
      );
      return false;
  }
}

function code(reader: RuleReader, draft: Draft): boolean {
  const text = argumentOf(reader);
  if (text === null) return false;
  draft.code = Number(text);
  if (CODES.includes(draft.code)) return true;
  const message = `'code': unsupported HTTP code '${text}' (must be one of 301, 302, 303, 307 or 308).`;
  reader.fault(message, { at: reader.at - 1 });
  return false;
}

export const redirectAction: ActionParser = (reader) => {
  const draft: Draft = {
    ...{ type: "location", value: [], hasType: false, code: 302, dropQuery: false, keepQuery: false },
    ...{ appendSlash: false, ignoreEmpty: false, setCookie: null },
  };
  while (!reader.isAtEnd) if (!option(reader, draft)) return null;
  if (!draft.hasType) return reader.fault("redirection type expected ('prefix', 'location', or 'scheme').");
  const { hasType: _, ...redirect } = draft;
  return { kind: "redirect", redirect };
};
