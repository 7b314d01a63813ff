// `filter bwlim-in`, `filter bwlim-out` and the action that switches them on, `set-bandwidth-limit`.
//
//   filter bwlim-out calm default-limit 1m default-period 1s [min-size 2896]
//   filter bwlim-out fair limit 10m key src [table t] [min-size 2896]
//   http-request set-bandwidth-limit calm [limit { <size> | <expr> }] [period { <time> | <expr> }]

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import type { BandwidthLimitPlan } from "../../plan/bandwidth.ts";
import type { SamplePlan } from "../../plan/expression.ts";
import { canCast } from "../../sample/types.ts";
import { parseSize, parseTime } from "../arguments.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import { parseSample } from "../expression/sample.ts";
import type { ActionParser } from "../keywords/action.ts";
import type { Statement } from "../statement.ts";
import { rememberReferences } from "./condition.ts";
import type { RuleReader } from "./rules/rule-reader.ts";

/** What may stand on the line, and which of the two kinds it belongs to. */
const WORDS: Readonly<Record<string, "own" | "shared" | "both">> = {
  ...{ "default-limit": "own", "default-period": "own", limit: "shared", key: "shared", table: "shared" },
  "min-size": "both",
};

/** Positions of the values; null: the diagnostics say what is wrong. */
function readWords(statement: Statement, fault: (message: string, at: number) => void): Map<string, number> | null {
  const given = new Map<string, number>();
  for (let at = 3; at < statement.length; at += 2) {
    const word = statement.text(at);
    const kind = WORDS[word];
    const other = kind === "own" ? "shared" : "own";
    if (kind === undefined) fault(`unknown argument '${word}'`, at);
    else if (statement.text(at + 1) === "") fault(`the value of '${word}' is missing`, at + 1);
    else if (kind !== "both" && [...given.keys()].some((each) => WORDS[each] === other))
      fault("cannot mix per-stream and shared parameter", at);
    else {
      given.set(word, at + 1);
      continue;
    }
    return null;
  }
  return given;
}

export function bandwidthFilter(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const keyword = statement.text(1);
  const name = statement.text(2);
  const fault = (message: string, at: number): void =>
    statement.alert("bad-filter", `'filter' : '${keyword}' : ${message}`, { at });
  if (name === "") {
    fault("a name is expected as first argument", 2);
    return;
  }
  const given = readWords(statement, fault);
  if (given === null) return;
  const number = (word: string, read: (text: string) => number | null, least = 1): number | null => {
    const at = given.get(word);
    if (at === undefined && word === "min-size") return 0;
    if (at === undefined) {
      fault(`<${word}> option is missing`, 1);
      return null;
    }
    const value = read(statement.text(at));
    if (value !== null && value >= least) return value;
    fault(`invalid value '${statement.text(at)}' for '${word}'`, at);
    return null;
  };
  const isShared = [...given.keys()].some((word) => WORDS[word] === "shared");
  const bytesMin = number("min-size", sizeOf, 0);
  const bytes = number(isShared ? "limit" : "default-limit", sizeOf);
  const periodMs = isShared ? 0 : number("default-period", timeOf);
  const shared = isShared ? sharedOf(statement, proxy, configuration, given) : null;
  if (bytesMin === null || bytes === null || periodMs === null || (isShared && shared === null)) return;
  proxy.filters.push({ name: keyword, argument: name, statement });
  const direction = keyword === "bwlim-in" ? "in" : "out";
  configuration.filters.limits.push({ proxy, statement, plan: { name, direction, bytes, periodMs, shared, bytesMin } });
}

/** Whose rate is shared; null: the diagnostics say what is wrong. */
function sharedOf(
  statement: Statement,
  proxy: ProxyDraft,
  configuration: ConfigurationDraft,
  given: ReadonlyMap<string, number>,
): BandwidthLimitPlan["shared"] {
  const at = given.get("key");
  const keyword = statement.text(1);
  if (at === undefined) {
    statement.alert("bad-filter", `'filter' : '${keyword}' : <key> option is missing`, { at: 1 });
    return null;
  }
  const parsed = parseSample(statement.text(at));
  if (!parsed.ok) {
    statement.alert("bad-filter", `'filter' : ${parsed.message}`, { at });
    return null;
  }
  const found = { key: parsed.sample, table: -1 };
  rememberReferences(statement, proxy, configuration, parsed.fetchName, parsed.references);
  const table = given.get("table");
  configuration.tableUses.push({
    ...{ name: table === undefined ? "" : statement.text(table), proxy, statement, type: parsed.type },
    by: `filter ${keyword}`,
    assign: (index) => Object.assign(found, { table: index }),
  });
  return found;
}

function timeOf(text: string): number | null {
  const parsed = parseTime(text, "ms");
  return parsed.ok ? parsed.value.value : null;
}

function sizeOf(text: string): number | null {
  const parsed = parseSize(text);
  return parsed.ok ? parsed.value : null;
}

/** A constant, or an expression of a number, at the cursor; null after a report. */
function amount(reader: RuleReader, constant: (text: string) => number | null): number | SamplePlan | null {
  const value = /^\d/.test(reader.word) ? constant(reader.word) : null;
  if (value !== null) {
    reader.at++;
    return value;
  }
  const written = reader.word;
  const parsed = reader.nextSample();
  if (parsed === null) return null;
  if (canCast(parsed.type, "sint")) return parsed.sample;
  return reader.fault(`'${written}' gives a value of type ${parsed.type}, which is no number.`, { at: reader.at - 1 });
}

export const setBandwidthLimit: ActionParser = (reader) => {
  const { proxy, statement, configuration } = reader;
  const name = reader.word;
  if (reader.isAtEnd) return reader.fault("missing filter name.");
  reader.at++;
  const action: {
    kind: "set-bandwidth-limit";
    filter: number;
    bytes: number | SamplePlan | null;
    periodMs: number | SamplePlan | null;
  } = { kind: "set-bandwidth-limit", filter: -1, bytes: null, periodMs: null };
  while (!reader.isAtEnd) {
    const { word } = reader;
    if (word !== "limit" && word !== "period") break;
    reader.at++;
    const value = amount(reader, word === "limit" ? sizeOf : timeOf);
    if (value === null) return null;
    if (word === "limit") action.bytes = value;
    else action.periodMs = value;
  }
  const found = (filter: number): void => {
    action.filter = filter;
  };
  configuration.filters.limitUses.push({ ...{ name, proxy, statement, found } });
  return action;
};

/** Finds the filters that rules name, and looks at the tables that filters share. */
export function checkBandwidth({ filters, stickTables }: ConfigurationDraft): void {
  for (const { plan, proxy, statement } of filters.limits) {
    const table = stickTables[plan.shared?.table ?? -1];
    const store = `bytes_${plan.direction}_rate`;
    if (table === undefined || table.stores.some((each) => each.name === store)) continue;
    const message = `Proxy '${proxy.name}': stick-table '${table.name}' must store ${store} for filter bwlim-${plan.direction} '${plan.name}'.`;
    statement.alert("missing-store", message, { introduction: "none" });
  }
  for (const { name, proxy, statement, found } of filters.limitUses) {
    const filter = filters.limits.findIndex((limit) => limit.proxy === proxy && limit.plan.name === name);
    if (filter >= 0) found(filter);
    else {
      const names = filters.limits.filter((limit) => limit.proxy === proxy).map(({ plan }) => plan.name);
      const message = `unable to find bwlim filter '${name}' referenced by set-bandwidth-limit rule`;
      statement.alert("unknown-filter", message, { suggestions: suggest(name, names) });
    }
  }
}
