// balance hash <expression>: any sample decides. configuration.txt, `balance`.
//
// The sample is hashed as binary: text as it is, addresses as 4 or 16 bytes, integers and booleans as 8 bytes, the most significant first
// (as seen with HAProxy 3.2). An empty text is a key; a sample that is not found is none.

import type { BalancePlan } from "../plan/balance.ts";
import type { SampleContext } from "../sample/context.ts";
import { compileSample } from "../sample/expression.ts";
import type { FetchFunction } from "../sample/fetch/fetch.ts";
import type { SampleValue } from "../sample/value.ts";
import type { Stream } from "../stream/stream.ts";
import { type HashKey, KeyHash } from "./hash-key.ts";

const PASS = 2;

export class ExpressionKey implements HashKey {
  hash = 0;
  readonly #value: SampleValue;
  readonly #keyHash: KeyHash;
  readonly #fetch: FetchFunction;

  /** @throws without an expression, which config/ has to give (a bug) */
  constructor(ctx: SampleContext, balance: BalancePlan) {
    if (balance.sample === undefined) throw new Error("balance hash has no expression");
    this.#value = ctx.value;
    this.#keyHash = new KeyHash(balance);
    this.#fetch = compileSample(balance.sample, ctx, false, "bin").first;
  }

  find(stream: Stream): boolean {
    if (this.#fetch(stream) !== PASS) return false;
    const { bytes, start, end } = this.#value;
    this.hash = this.#keyHash.of(bytes, start, end);
    return true;
  }
}
