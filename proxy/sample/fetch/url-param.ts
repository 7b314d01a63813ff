// urlp / url_param: parameters of the query string, undecoded. configuration.txt 7.3.6.
//
// The list begins behind the first delimiter (`?`, or the one given: `urlp(JSESSIONID,;)`) of the target; `&`, `;` and the delimiter
// separate parameters, as seen with HAProxy 3.2. A parameter without `=` has no value and is passed over.

import { STREAM, type Stream } from "../../stream/stream.ts";
import type { SampleContext } from "../context.ts";
import { readInteger } from "../integer.ts";
import { TYPE } from "../types.ts";
import { type Result, textBytes } from "../value.ts";
import { type Fetch, type FetchCompiler, type FetchFunction, single, stringArgument } from "./fetch.ts";
import { ParameterWalk } from "./parameter-walk.ts";

const FAIL = 0;
const MISS = 1;
const PASS = 2;
const HTTP = STREAM.http | STREAM.peeked;
const QUESTION_MARK = 63;
const SEMICOLON = 59;

/** Finds the list and begins its walk; pass, or fail when there is none. */
function begin(walk: ParameterWalk, ctx: SampleContext, stream: Stream, delimiter: number): Result {
  if ((stream.flags & HTTP) === 0) return FAIL;
  const message = stream.request;
  if (message.end === message.start) return MISS;
  const { bytes } = ctx;
  for (let i = message.targetStart; i < message.targetEnd; i++) {
    if (bytes[i] !== delimiter) continue;
    walk.begin(bytes, i + 1, message.targetEnd);
    return PASS;
  }
  return FAIL;
}

function parameterFetch(asInteger: boolean): FetchCompiler {
  return (ctx, plan, iterate): Fetch => {
    const ignoreCase = stringArgument(plan, 2) === "i";
    const text = stringArgument(plan, 1);
    const delimiter = text === "" ? QUESTION_MARK : textBytes(text)[0]!;
    const walk = new ParameterWalk(ctx.value, stringArgument(plan, 0), ignoreCase, SEMICOLON, delimiter);
    const value = ctx.value;
    const next: FetchFunction = () => {
      const result = walk.advance();
      if (result === PASS && asInteger) {
        value.int = readInteger(value.bytes, value.start, value.end);
        value.type = TYPE.sint;
      }
      return result;
    };
    const first: FetchFunction = (stream) => {
      const ready = begin(walk, ctx, stream, delimiter);
      return ready === PASS ? next(stream) : ready;
    };
    return iterate ? { first, next } : single(first);
  };
}

/** By canonical name, see fetches.table.ts. */
export const PARAMETER_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  urlp: parameterFetch(false),
  urlp_val: parameterFetch(true),
};
