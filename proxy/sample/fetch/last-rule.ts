// Fetches of the rule that decided last: last_rule_file, last_rule_line. configuration.txt 7.3.2.

import { ruleLocations } from "../../rules/locations.ts";
import { TYPE } from "../types.ts";
import { textBytes } from "../value.ts";
import { type FetchCompiler, single } from "./fetch.ts";

const FAIL = 0;
const PASS = 2;

const lastRuleFile: FetchCompiler = (ctx) => {
  const { value } = ctx;
  const files = ruleLocations(ctx.plan).map(({ file }) => textBytes(file));
  return single((stream) => {
    const file = files[stream.finalRule];
    if (file === undefined) return FAIL;
    value.type = TYPE.str;
    value.bytes = file;
    value.start = 0;
    value.end = file.length;
    return PASS;
  });
};

const lastRuleLine: FetchCompiler = (ctx) => {
  const { value } = ctx;
  const lines = ruleLocations(ctx.plan).map(({ line }) => line);
  return single((stream) => {
    const line = lines[stream.finalRule];
    if (line === undefined) return FAIL;
    value.type = TYPE.sint;
    value.int = line;
    return PASS;
  });
};

/** By canonical name, see fetches.table.ts. */
export const LAST_RULE_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  last_rule_file: lastRuleFile,
  last_rule_line: lastRuleLine,
};
