// The `cache` section (6.2.1), and what refers to one: `cache-use`, `cache-store`, `filter cache`.

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import type { ActionPlan } from "../../plan/rules.ts";
import type { ConfigurationDraft } from "../draft.ts";
import type { CacheDraft } from "../filter-draft.ts";
import { OTHER_SECTIONS } from "../keywords/sections.ts";
import type { ConfigLine } from "../line.ts";
import { Statement } from "../statement.ts";
import type { RuleReader } from "./rules/rule-reader.ts";

const NAME_MAX = 32;
const TOTAL_MAX_MEGABYTES = 4095;

export function openCache(statement: Statement, configuration: ConfigurationDraft): CacheDraft {
  let name = statement.text(1);
  if (name === "") statement.alert("missing-name", "'cache' expects a <name> argument", { at: 1 });
  if (name.length > NAME_MAX) {
    name = name.slice(0, NAME_MAX);
    statement.warning("long-name", `cache name is limited to 32 characters, truncate to '${name}'.`, { at: 1 });
  }
  if (configuration.caches.some((cache) => cache.name === name))
    statement.alert("duplicate-name", `Duplicate cache name '${name}'.`, { at: 1 });
  const draft: CacheDraft = {
    ...{ name, statement, totalMegabytes: 0, objectBytesMax: 0, maxAgeSeconds: 60 },
    ...{ processVary: false, secondaryEntriesMax: 10 },
  };
  configuration.caches.push(draft);
  return draft;
}

export function cacheLine(line: ConfigLine, cache: CacheDraft, configuration: ConfigurationDraft): void {
  const statement = new Statement(line, configuration.diagnostics);
  const word = statement.text(0);
  const number = (complaint: string, min: number, max: number): number | null => {
    if (!statement.takesAtMost(1)) return null;
    const text = statement.text(1);
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    statement.alert("bad-value", complaint, { at: 1, expected: `an integer from ${min} to ${max}` });
    return null;
  };
  const text = statement.text(1);
  switch (word) {
    case "total-max-size":
      cache.totalMegabytes =
        number(
          /^\d+$/.test(text)
            ? `"total-max-size" (${text}) must not be greater than 4095`
            : `total-max-size wrong value '${text}'`,
          1,
          TOTAL_MAX_MEGABYTES,
        ) ?? cache.totalMegabytes;
      break;
    case "max-age":
      cache.maxAgeSeconds =
        number("'max-age' expects an age parameter in seconds.", 0, 2 ** 31 - 1) ?? cache.maxAgeSeconds;
      break;
    case "max-object-size":
      cache.objectBytesMax = number(`max-object-size wrong value '${text}'`, 1, 2 ** 31 - 1) ?? cache.objectBytesMax;
      break;
    case "max-secondary-entries":
      cache.secondaryEntriesMax =
        number("'max-secondary-entries' expects a strictly positive number.", 1, 2 ** 31 - 1) ??
        cache.secondaryEntriesMax;
      break;
    case "process-vary":
      if (text === "on" || text === "off") cache.processVary = text === "on";
      else {
        const message = `'process-vary' expects "on" or "off" (enable or disable vary processing).`;
        statement.alert("bad-value", message, { at: 1 });
      }
      break;
    default:
      unknown(statement, word);
  }
}

function unknown(statement: Statement, word: string): void {
  if (word === "early-hints") {
    const message = "the keyword 'early-hints' is known to HAProxy 3.5 but not served by ringway yet";
    statement.alert("unserved", message, { hint: "Served is what HAProxy 3.2 has." });
    return;
  }
  const suggestions = suggest(word, OTHER_SECTIONS.get("cache")!.keywords);
  statement.alert("unknown-keyword", `unknown keyword '${word}' in 'cache' section`, { suggestions });
}

/** `cache-use <name>`, `cache-store <name>` */
export function cacheAction(kind: "cache-use" | "cache-store") {
  return (reader: RuleReader): ActionPlan | null => {
    const name = reader.word;
    if (name === "" || reader.isAtEnd) return reader.fault("expects a cache name");
    reader.configuration.cacheReferences.push({ name, proxy: reader.proxy, statement: reader.statement });
    reader.at++;
    return { kind, cache: name };
  };
}
