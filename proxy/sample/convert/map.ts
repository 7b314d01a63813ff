// The converters map, map_beg, map_ip_int …: a value is looked up in a list of patterns, and what stands beside the pattern that matches
// comes out, or the default. configuration.txt 7.3.1.
//
//   map_<method>[_<output>](file[,default])         method: str beg sub dir dom end reg regm int ip          output: str int ip key
//
// The lists, how they are searched and how they change stand in ../../acl/patterns/.

import type { RegexSet } from "../../acl/patterns/regex-set.ts";
import type { MapOutput, MatchMethod, PatternUse, SampleType } from "../../plan/expression.ts";
import { castBetween } from "../cast.ts";
import { TYPE } from "../types.ts";
import { type SampleValue, textBytes } from "../value.ts";
import { type Arguments, textArgument } from "./arguments.ts";
import type { ConverterCompiler } from "./converter.ts";

const STR = TYPE.str;
const BACKSLASH = 92;

export interface MapKind {
  readonly match: MatchMethod;
  readonly output: MapOutput;
  readonly input: SampleType;
  readonly type: SampleType;
  /** `map_regm`: \0 to \9 in a value stand for what the expression and its groups matched. */
  readonly expands: boolean;
}

const INPUTS: readonly (readonly [MatchMethod, SampleType])[] = [
  ["str", "str"],
  ["beg", "str"],
  ["dir", "str"],
  ["dom", "str"],
  ["end", "str"],
  ["reg", "str"],
  ["sub", "str"],
  ["int", "sint"],
  ["ip", "addr"],
];
const OUTPUTS: readonly (readonly [MapOutput, SampleType])[] = [
  ["str", "str"],
  ["int", "sint"],
  ["ip", "addr"],
  ["key", "str"],
];

function kinds(): ReadonlyMap<string, MapKind> {
  const table = new Map<string, MapKind>();
  for (const [match, input] of INPUTS) {
    for (const [output, type] of OUTPUTS) {
      const kind = { match, output, input, type, expands: false };
      table.set(output === "str" ? `map_${match}` : `map_${match}_${output}`, kind);
    }
  }
  table.set("map", table.get("map_str")!);
  table.set("map_regm", { match: "reg", output: "str", input: "str", type: "str", expands: true });
  return table;
}

/** By the converter's name. */
export const MAP_KINDS: ReadonlyMap<string, MapKind> = kinds();

/** How such a converter looks its list up. */
export function useOf(kind: MapKind): PatternUse {
  return { match: kind.match, ignoreCase: false, isMethod: false, output: kind.output };
}

/** Text, one character per byte, becomes the value; what does not fit is not found. */
function setText(value: SampleValue, text: string): boolean {
  const scratch = value.scratch();
  const { length } = text;
  if (length > scratch.length) return false;
  for (let i = 0; i < length; i++) scratch[i] = text.charCodeAt(i);
  value.bytes = scratch;
  value.start = 0;
  value.end = length;
  value.type = STR;
  return true;
}

/** Puts the groups of a match in the place of \0 … \9. */
function expanded(template: string, groups: RegExpExecArray): string {
  let text = "";
  for (let at = 0; at < template.length; at++) {
    const digit = template.charCodeAt(at + 1) - 48;
    if (template.charCodeAt(at) !== BACKSLASH) text += template[at]!;
    else if (digit >= 0 && digit <= 9) {
      text += groups[digit] ?? "";
      at++;
    } else if (at + 1 < template.length) text += template[++at]!;
    else text += "\\";
  }
  return text;
}

function compilerOf(kind: MapKind): ConverterCompiler {
  return (ctx, args: Arguments) => {
    const view = ctx.patterns.list(Number(args[0])).view(useOf(kind));
    const given = args.length > 1 ? textBytes(textArgument(args, 1)) : null;
    const cast = kind.type === "str" ? null : castBetween("str", kind.type);
    const missing = (value: SampleValue): boolean => {
      if (given === null) return false;
      value.bytes = given;
      value.start = 0;
      value.end = given.length;
      value.type = STR;
      return cast === null || cast(value);
    };
    if (kind.expands) {
      return (value) => {
        const found = (view.set as RegexSet).match(value);
        if (found === null) return missing(value);
        return setText(value, expanded(found.entry.value ?? "", found.groups));
      };
    }
    const isKey = kind.output === "key";
    return (value) => {
      const entry = view.set.find(value);
      if (entry === null) return missing(value);
      return setText(value, isKey ? entry.key : (entry.value ?? "")) && (cast === null || cast(value));
    };
  };
}

/** By name, see converters.table.ts. */
export const MAP_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = Object.fromEntries(
  [...MAP_KINDS].map(([name, kind]) => [name, compilerOf(kind)]),
);
