// The shape of a compiled fetch, and small helpers that several families share.

import type { SamplePlan } from "../../plan/expression.ts";
import type { Stream } from "../../stream/stream.ts";
import type { SampleContext } from "../context.ts";
import type { Result } from "../value.ts";

/** Writes the context's value and returns pass, or leaves it undefined: fail (no such thing), miss (not yet). */
export type FetchFunction = (stream: Stream) => Result;

export interface Fetch {
  readonly first: FetchFunction;
  /** The next value after a pass of `first` or `next`, null: there is only one. */
  readonly next: FetchFunction | null;
}

/**
 * Builds a fetch for its arguments. `iterate`: an ACL asks, which tries every value; otherwise one value is wanted
 * (which one is the fetch's business: the last header, the first parameter).
 */
export type FetchCompiler = (ctx: SampleContext, plan: SamplePlan, iterate: boolean) => Fetch;

/** A string argument, empty when left out. */
export function stringArgument(plan: SamplePlan, index: number): string {
  const argument = plan.arguments[index];
  return argument === undefined ? "" : String(argument);
}

/** An integer argument, `missing` when left out. */
export function integerArgument(plan: SamplePlan, index: number, missing: number): number {
  const argument = plan.arguments[index];
  return argument === undefined || argument === "" ? missing : Number(argument);
}

/** `hdr`, `cookie`: of the request, and once the response is there of the response. */
export function ofEitherSide(request: FetchCompiler, response: FetchCompiler): FetchCompiler {
  return (ctx, plan, iterate) => {
    const before = request(ctx, plan, iterate);
    const after = response(ctx, plan, iterate);
    return {
      first: (stream) => (stream.inResponse ? after : before).first(stream),
      next: before.next && ((stream) => (stream.inResponse ? after : before).next!(stream)),
    };
  };
}

/** The one value of a fetch that does not iterate. */
export function single(first: FetchFunction): Fetch {
  return { first, next: null };
}
