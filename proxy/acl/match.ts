// The match methods (`-m`): functions that look at the worker's sample value and at the lists of an ACL. configuration.txt 7.1.
//
//   method   on      patterns                          method   on      patterns
//   bool     sint    -                                 found    any     -
//   int len  sint    hash, and ranges as segments      ip       addr    radix trees
//   str bin  bytes   hash                              beg end  bytes   hash, asked at each pattern length
//   sub dir dom      hash, asked at each place         reg      text    one by one
//
// The sample has the type that MATCH_INPUT names (the expression casts it). The sets stand in patterns/; they change at run time, so that
// what is compiled here holds a view on each list and asks it anew every time.

import type { AclTestPlan, MatchMethod } from "../plan/expression.ts";
import type { SampleContext } from "../sample/context.ts";
import { FETCHES } from "../sample/fetches.table.ts";
import type { SampleValue } from "../sample/value.ts";
import type { AddressSet } from "./patterns/address-tree.ts";
import type { IntegerSet } from "./patterns/integer-set.ts";
import type { MethodSet } from "./patterns/method-set.ts";
import type { PatternView } from "./patterns/pattern-lists.ts";
import type { RegexSet } from "./patterns/regex-set.ts";
import type { BlockSet, ExactSet, PrefixSet, SubstringSet, SuffixSet, WordSet } from "./patterns/text-sets.ts";

/** Whether the context's value matches one of the patterns. */
export type Match = () => boolean;

/** Whether the sample is the request's method itself. */
function isMethod(test: AclTestPlan): boolean {
  return FETCHES.get(test.sample.fetch)?.type === "meth" && test.sample.converters.length === 0;
}

/** One function per class of sets, so that each call in them meets one class only and is inlined. */
function compileView(match: MatchMethod, isMethodSet: boolean, view: PatternView, value: SampleValue): Match {
  switch (match) {
    case "found":
    case "bool":
      throw new Error(`the method ${match} has no patterns`);
    case "int":
    case "len": {
      const integers = view as PatternView<IntegerSet>;
      return () => integers.set.has(value);
    }
    case "ip": {
      const networks = view as PatternView<AddressSet>;
      return () => networks.set.has(value);
    }
    case "bin": {
      const blocks = view as PatternView<BlockSet>;
      return () => blocks.set.has(value);
    }
    case "str": {
      if (isMethodSet) {
        const methods = view as PatternView<MethodSet>;
        return () => methods.set.has(value);
      }
      const texts = view as PatternView<ExactSet>;
      return () => texts.set.has(value);
    }
    case "beg": {
      const prefixes = view as PatternView<PrefixSet>;
      return () => prefixes.set.has(value);
    }
    case "end": {
      const suffixes = view as PatternView<SuffixSet>;
      return () => suffixes.set.has(value);
    }
    case "sub": {
      const parts = view as PatternView<SubstringSet>;
      return () => parts.set.has(value);
    }
    case "dir":
    case "dom": {
      const words = view as PatternView<WordSet>;
      return () => words.set.has(value);
    }
    case "reg": {
      const expressions = view as PatternView<RegexSet>;
      return () => expressions.set.has(value);
    }
  }
}

/** Compiles a test's match. @throws when config/ let pass what cannot be compiled (a bug). */
export function compileMatch(test: AclTestPlan, ctx: SampleContext): Match {
  const { match } = test;
  const value = ctx.value;
  if (match === "found") return () => true;
  if (match === "bool") return () => value.int !== 0;
  const isMethodSet = match === "str" && isMethod(test);
  const matches = test.lists.map(({ list, ignoreCase }) =>
    compileView(match, isMethodSet, ctx.patterns.list(list).view({ match, ignoreCase, isMethod: isMethodSet }), value),
  );
  const [only] = matches;
  if (matches.length === 1 && only !== undefined) return only;
  return () => {
    for (let i = 0; i < matches.length; i++) if (matches[i]!()) return true;
    return false;
  };
}
