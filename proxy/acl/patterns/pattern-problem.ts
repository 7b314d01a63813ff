// What is wrong with a pattern, or with a map's value, in HAProxy's words. Asked when a configuration is read, and by the runtime API.

import { parseNetwork } from "../../../shared/ip/text.ts";
import type { MapOutput, PatternUse } from "../../plan/expression.ts";
import { castBetween } from "../../sample/cast.ts";
import { TYPE } from "../../sample/types.ts";
import { SampleValue, textBytes } from "../../sample/value.ts";
import { translatePcre } from "../pcre.ts";

const STR = TYPE.str;

/** null: the method can compile it. */
export function patternProblem({ match, ignoreCase }: PatternUse, pattern: string): string | null {
  switch (match) {
    case "int":
    case "len":
      return integerProblem(pattern);
    case "ip":
      return parseNetwork(pattern) !== null ? null : `'${pattern}' is not a valid IPv4 or IPv6 address`;
    case "bin":
      return hexProblem(pattern);
    case "reg":
      return regexProblem(pattern, ignoreCase);
    default:
      return null;
  }
}

/** `5`, `1:10`, `1:`, `:10`. */
function integerProblem(word: string): string | null {
  const parts = /^(-?\d+)?(:)?(-?\d+)?$/.exec(word);
  if (parts === null || word === "" || word === ":") return `'${word}' is not a number`;
  const [, low, colon, high] = parts;
  const isBackwards = colon !== undefined && low !== undefined && high !== undefined && Number(low) > Number(high);
  return isBackwards ? `'${word}' is not a valid number range` : null;
}

/** What is wrong with a regular expression, nearly in PCRE2's words. The translation is the one that the workers run. */
export function regexProblem(source: string, ignoreCase = false): string | null {
  const translation = translatePcre(source, ignoreCase);
  return translation.ok
    ? null
    : `regex '${source}' is invalid (error=${translation.error}, erroffset=${translation.at})`;
}

function hexProblem(word: string): string | null {
  const wrong = /[^0-9A-Fa-f]/.exec(word);
  if (wrong !== null) return `an hex digit is expected (found '${wrong[0]}')`;
  return word.length % 2 === 0 ? null : "an even number of hex digit is expected";
}

/** A value of a map must be what the map gives. */
export function valueProblem(output: MapOutput | null, text: string): string | null {
  if (output === "int") return /^[+-]?\d+$/.test(text) ? null : `unable to parse '${text}'`;
  if (output !== "ip") return null;
  const value = new SampleValue(0);
  value.bytes = textBytes(text);
  value.end = value.bytes.length;
  value.type = STR;
  return castBetween("str", "addr")!(value) ? null : `unable to parse '${text}'`;
}
