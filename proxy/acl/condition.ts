// Compiles conditions (`if`/`unless` with named and anonymous ACLs) to one generated function each.
//
// A condition has three values, as in HAProxy: fail 0, miss 1 (needs data that is not there yet), pass 2. With the values in that order,
// `and` is the minimum, `or` the maximum, and `not` is 2 - x.
//
//   ConditionPlan      or(and(static, not(admin)), local)
//   generated          function (stream) { var r, a, b … r = t0(stream); … }
//
// Generated, because a tree of closures makes every call in it megamorphic: with one call site per test V8 inlines fetch and match (eight
// mixed rules took 230-300 ns, as closures 470). The source is made of fixed fragments and small integers only; what comes from the
// configuration enters as arguments, never as text. condition.bench.ts has more figures.

import type { AclTestPlan, ConditionPlan } from "../plan/expression.ts";
import type { SampleContext } from "../sample/context.ts";
import { compileSample } from "../sample/expression.ts";
import type { FetchFunction } from "../sample/fetch/fetch.ts";
import { VOLATILE_FETCHES } from "../sample/fetches.table.ts";
import type { Result } from "../sample/value.ts";
import { STREAM, type Stream } from "../stream/stream.ts";
import { MATCH_INPUT } from "./keywords.table.ts";
import { compileMatch, type Match } from "./match.ts";

/** Fail 0, miss 1, pass 2. */
export type Condition = (stream: Stream) => Result;

/**
 * What a test means whose data is not there: `three-valued`, miss; `final`, fail, because nothing more will come (HAProxy's SMP_OPT_FINAL);
 * `may-miss`, miss until STREAM.dataIsFinal says that the waiting is over.
 */
export type MissingData = "three-valued" | "final" | "may-miss";

/** Fetches whose value grows: not to match means little before the end of the data. */
const GROWING: ReadonlySet<string> = new Set(["req.len", "res.len", "req.body_len"]);

const DATA_IS_FINAL = STREAM.dataIsFinal;

/** Writes the source of one condition and collects the functions that it calls. */
class Writer {
  readonly #ctx: SampleContext;
  readonly #missing: MissingData;
  readonly functions: (FetchFunction | Match)[] = [];
  /** One generated function per ACL test, and per node of the tree an expression that calls them. */
  readonly statements: string[] = [];
  #variables = 0;

  constructor(ctx: SampleContext, missing: MissingData) {
    this.#ctx = ctx;
    this.#missing = missing;
  }

  #use(fn: FetchFunction | Match): string {
    this.functions.push(fn);
    return `f[${this.functions.length - 1}]`;
  }

  /** Declares `name = functions[i]` and returns the name. */
  #bind(fn: FetchFunction | Match): string {
    const reference = this.#use(fn);
    const name = `f${this.functions.length - 1}`;
    this.statements.push(`const ${name} = ${reference};`);
    return name;
  }

  /** Statements that leave the test's result in a new variable, whose name is returned. */
  #test(test: AclTestPlan, body: string[]): string {
    const sample = compileSample(test.sample, this.#ctx, true, MATCH_INPUT[test.match]);
    const first = this.#bind(sample.first);
    const match = this.#bind(compileMatch(test, this.#ctx));
    const r = `r${this.#variables++}`;
    if (VOLATILE_FETCHES.has(test.sample.fetch)) {
      body.push(`value.mayChange = false;`, `let ${r} = ${first}(stream);`);
      const miss = `if (${r} === 2 && !${match}()) ${r} = value.mayChange ? 1 : 0;`;
      if (sample.next === null) body.push(miss);
      else {
        const next = this.#bind(sample.next);
        body.push(`while (${r} === 2 && !${match}()) ${r} = ${next}(stream);`);
        body.push(`if (${r} === 0 && value.mayChange) ${r} = 1;`);
      }
    } else if (sample.next === null) {
      body.push(`let ${r} = ${first}(stream);`, `if (${r} === 2 && !${match}()) ${r} = 0;`);
    } else {
      const next = this.#bind(sample.next);
      body.push(`let ${r} = ${first}(stream);`, `while (${r} === 2 && !${match}()) ${r} = ${next}(stream);`);
    }
    if (this.#missing === "final") body.push(`if (${r} === 1) ${r} = 0;`);
    else if (this.#missing === "may-miss") {
      const unsure = GROWING.has(test.sample.fetch) ? `${r} !== 2` : `${r} === 1`;
      body.push(`if (${unsure}) ${r} = (stream.flags & ${DATA_IS_FINAL}) === 0 ? 1 : 0;`);
    }
    return r;
  }

  /** Statements that leave the condition's result in a variable. `body` is executed in order; later terms are skipped once the result is certain. */
  write(condition: ConditionPlan, body: string[]): string {
    switch (condition.kind) {
      case "not": {
        const r = this.write(condition.term, body);
        body.push(`${r} = 2 - ${r};`);
        return r;
      }
      case "and":
        return this.#sequence(
          condition.terms.map((term) => (inner: string[]) => this.write(term, inner)),
          body,
          2,
        );
      case "or":
        return this.#sequence(
          condition.terms.map((term) => (inner: string[]) => this.write(term, inner)),
          body,
          0,
        );
      case "acl":
        return this.#sequence(
          condition.tests.map((test) => (inner: string[]) => this.#test(test, inner)),
          body,
          0,
        );
    }
  }

  /** `and` (neutral 2: the minimum counts, 0 decides) or `or` (neutral 0: the maximum counts, 2 decides). */
  #sequence(terms: readonly ((body: string[]) => string)[], body: string[], neutral: 0 | 2): string {
    const r = `r${this.#variables++}`;
    body.push(`let ${r} = ${neutral};`);
    const decided = 2 - neutral;
    const label = `l${this.#variables++}`;
    body.push(`${label}: {`);
    for (const term of terms) {
      const inner: string[] = [];
      const t = term(inner);
      body.push(...inner, `if (${t} ${neutral === 2 ? "<" : ">"} ${r}) ${r} = ${t};`);
      body.push(`if (${r} === ${decided}) break ${label};`);
    }
    body.push("}");
    return r;
  }
}

/** @throws when config/ let pass what cannot be compiled (a bug) */
export function compileCondition(
  plan: ConditionPlan,
  ctx: SampleContext,
  missing: MissingData = "three-valued",
): Condition {
  const writer = new Writer(ctx, missing);
  const body: string[] = [];
  const result = writer.write(plan, body);
  const source = `"use strict";
${writer.statements.join("\n")}
return function condition(stream) {
${body.join("\n")}
return ${result};
};`;
  return new Function("f", "value", source)(writer.functions, ctx.value) as Condition;
}
