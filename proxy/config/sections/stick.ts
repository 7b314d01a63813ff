// `stick on | match | store-request | store-response <pattern> [table <table>] [{ if | unless } <condition>]` (4.2).

import type { ConditionPlan } from "../../plan/expression.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import { parseSample } from "../expression/sample.ts";
import { COLUMN, missingData } from "../keywords/fetch.ts";
import { FETCH_KEYWORDS } from "../keywords/fetches.ts";
import type { Statement } from "../statement.ts";
import { parseConditionOf, rememberReferences } from "./condition.ts";

export function stick(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const kind = statement.text(1);
  const isResponse = kind === "store-response";
  const text = statement.text(2);
  if (text === "") {
    statement.alert("missing-argument", "'stick' expects a fetch method.", { at: 2 });
    return;
  }
  const parsed = parseSample(text);
  if (!parsed.ok) {
    statement.alert("bad-sample", `'stick': ${parsed.message}`, {
      at: 2,
      ...(parsed.suggestions === undefined ? {} : { suggestions: parsed.suggestions }),
      ...(parsed.hint === undefined ? {} : { hint: parsed.hint }),
    });
    return;
  }
  const availability = FETCH_KEYWORDS.get(parsed.fetchName)?.availability;
  if (availability !== undefined && availability[COLUMN[isResponse ? "stickStore" : "balance"]] !== "Y") {
    const when = isResponse ? "for 'store-response'" : "during request";
    const message =
      `'stick': fetch method '${parsed.fetchName}' extracts information from '${missingData(availability)}', ` +
      `none of which is available ${when}.`;
    statement.alert("missing-data", message, { at: 2 });
    return;
  }
  rememberReferences(statement, proxy, configuration, parsed.fetchName, parsed.references);
  let at = 3;
  let table = "";
  if (statement.text(at) === "table") {
    table = statement.text(at + 1);
    at += 2;
  }
  let condition: ConditionPlan | null = null;
  if (statement.has(at)) {
    if (statement.text(at) !== "if" && statement.text(at) !== "unless") {
      statement.alert("unknown-word", `'stick': unknown keyword '${statement.text(at)}'.`, { at });
      return;
    }
    condition = parseConditionOf(statement, at, proxy, configuration, {
      context: isResponse ? "stickStore" : "balance",
      missing: null,
      broken: "'stick': error detected while parsing sticking condition",
    });
    if (condition === null) return;
  }
  const rule = {
    ...{ matches: kind === "on" || kind === "match", stores: kind !== "match" },
    ...{ sample: parsed.sample, table: -1, condition },
  };
  (isResponse ? proxy.stickResponse : proxy.stick).push(rule);
  configuration.tableUses.push({
    ...{ name: table, proxy, statement, type: parsed.type, by: "stick" },
    assign: (index) => {
      rule.table = index;
    },
  });
}
