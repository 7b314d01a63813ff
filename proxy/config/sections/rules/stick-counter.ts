// `track-sc<n> <key> [table <table>]` and what changes an entry that is followed: `sc-inc-gpc(<gpc>,<sc>)`, `sc-inc-gpc0(<sc>)`,
// `sc-add-gpc(…) { <int> | <expr> }`, `sc-set-gpt(…) …`, `sc-set-gpt0(<sc>) …`.

import type { SamplePlan } from "../../../plan/expression.ts";
import type { ActionParser } from "../../keywords/action.ts";
import type { RuleReader } from "./rule-reader.ts";

const COUNTERS_DEFAULT = 3;

function countersOf(reader: RuleReader): number {
  return reader.configuration.global.numbers.get("tune.stick-counters") ?? COUNTERS_DEFAULT;
}

/** The action's word as written, with what belongs to its name. */
function written(reader: RuleReader): string {
  return reader.statement.text(reader.at - 1);
}

/** `track-sc0 src table t` */
export const trackCounter: ActionParser = (reader) => {
  const word = written(reader);
  const index = Number(word.slice("track-sc".length));
  const counters = countersOf(reader);
  if (counters === 0) {
    const message = `${index} track-sc number not usable, stick-counters are disabled by tune.stick-counters.`;
    return reader.fault(message, { at: reader.at - 1 });
  }
  if (index >= counters) {
    const message = `${index} track-sc number exceeding ${counters - 1} (tune.stick-counters-1) value.`;
    return reader.fault(message, { at: reader.at - 1 });
  }
  const parsed = reader.nextSample();
  if (parsed === null) return null;
  let table = "";
  if (reader.word === "table") {
    table = reader.statement.text(reader.at + 1);
    if (table === "") return reader.fault("missing table name.", { at: reader.at + 1 });
    reader.at += 2;
  }
  const action = { kind: "track-sc", index, sample: parsed.sample, table: -1 } as const;
  const { statement, proxy } = reader;
  reader.configuration.tableUses.push({
    ...{ name: table, proxy, statement, type: parsed.type, by: word },
    assign: (found) => Object.assign(action, { table: found }),
  });
  return action;
};

/** What stands in the parentheses of an action's word. */
interface Place {
  readonly element: number;
  readonly single: boolean;
  readonly index: number;
}

/** @param name `sc-inc-gpc`; `kind` is what its first argument is called */
function placeOf(reader: RuleReader, name: string, kind: "gpc" | "gpt", singles: string): Place | null {
  const word = written(reader);
  const fail = (message: string): null => reader.fault(`${message}.`, { at: reader.at - 1 });
  const counters = countersOf(reader);
  if (counters === 0) return fail(`Cannot use '${word}', stick-counters are disabled via tune.stick-counters`);
  const rest = word.slice(name.length);
  const expects = `Expects ${name}(<${kind.toUpperCase()} ID>,<Track ID>)`;
  const checked = (element: number, single: boolean, index: number): Place | null => {
    if (index < counters) return { element, single, index };
    return fail(`invalid stick table track ID '${word}'. The max allowed ID is ${counters - 1} (tune.stick-counters)`);
  };
  const array = /^\((\d+)(,(\d+)\))?/.exec(rest);
  if (array !== null) {
    if (array[2] === undefined) return fail(`Missing ${kind} ID '${word}'. ${expects}`);
    return checked(Number(array[1]), false, Number(array[3]));
  }
  if (rest === "" || rest.startsWith("(") || !singles.includes(rest[0]!)) {
    return fail(`invalid ${kind} ID '${word}'. ${expects}`);
  }
  const single = /^\d(?:\((\d+)\))?$/.exec(rest);
  if (single === null) return fail(`invalid stick table track ID. Expects ${name}${rest[0]}(<Track ID>)`);
  return checked(Number(rest[0]), true, Number(single[1] ?? 0));
}

/** An integer, or an expression that gives one; null after a report. */
function amount(reader: RuleReader): number | SamplePlan | null {
  if (/^[+-]?\d+$/.test(reader.word)) return Number(reader.statement.text(reader.at++));
  return reader.nextSample()?.sample ?? null;
}

export const increment: ActionParser = (reader) => {
  const place = placeOf(reader, "sc-inc-gpc", "gpc", "01");
  return place && { kind: "sc-add-gpc", ...place, value: 1 };
};

export const add: ActionParser = (reader) => {
  const place = placeOf(reader, "sc-add-gpc", "gpc", "");
  const value = place === null ? null : amount(reader);
  return value === null ? null : { kind: "sc-add-gpc", ...place!, value };
};

export const setTag: ActionParser = (reader) => {
  const place = placeOf(reader, "sc-set-gpt", "gpt", "0");
  const value = place === null ? null : amount(reader);
  return value === null ? null : { kind: "sc-set-gpt", ...place!, value };
};
