// `filter bwlim-in`, `filter bwlim-out` and the action that switches them on, `set-bandwidth-limit`.
//
//   filter bwlim-out calm default-limit 1m default-period 1s [min-size 2896]
//   http-request set-bandwidth-limit calm [limit { <size> | <expr> }] [period { <time> | <expr> }]

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import type { SamplePlan } from "../../plan/expression.ts";
import { canCast } from "../../sample/types.ts";
import { parseSize, parseTime } from "../arguments.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import type { ActionParser } from "../keywords/action.ts";
import type { Statement } from "../statement.ts";
import type { RuleReader } from "./rules/rule-reader.ts";

export function bandwidthFilter(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const keyword = statement.text(1);
  const name = statement.text(2);
  const fault = (message: string, at: number): void =>
    statement.alert("bad-filter", `'filter ${keyword}' : ${message}`, { at });
  if (name === "") {
    fault("a name is expected as first argument", 2);
    return;
  }
  const given = new Map<string, number>([["min-size", 0]]);
  for (let at = 3; at < statement.length; at += 2) {
    const word = statement.text(at);
    if (word === "limit" || word === "key" || word === "table") {
      statement.alert(
        "unserved",
        `'filter ${keyword}' with '${word}' is known to HAProxy but not served by ringway yet`,
        {
          at,
          hint: "Limits of one stream are: default-limit and default-period.",
        },
      );
      return;
    }
    const isTime = word === "default-period";
    if (!isTime && word !== "default-limit" && word !== "min-size") {
      fault(`unknown argument '${word}'`, at);
      return;
    }
    const text = statement.text(at + 1);
    const value = isTime ? timeOf(text) : sizeOf(text);
    if (value === null || (value === 0 && word !== "min-size")) {
      fault(`invalid value '${text}' for '${word}'`, at + 1);
      return;
    }
    given.set(word, value);
  }
  const bytes = given.get("default-limit");
  const periodMs = given.get("default-period");
  if (bytes === undefined || periodMs === undefined) {
    fault("'default-limit' and 'default-period' are expected", 1);
    return;
  }
  proxy.filters.push({ name: keyword, argument: name, statement });
  const direction = keyword === "bwlim-in" ? "in" : "out";
  configuration.filters.limits.push({
    proxy,
    plan: { name, direction, bytes, periodMs, bytesMin: given.get("min-size")! },
  });
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

/** Finds the filters that rules name. */
export function checkBandwidth({ filters }: ConfigurationDraft): void {
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
