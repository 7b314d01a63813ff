// balance hdr(name): the first value of a request header decides. configuration.txt, `balance`.
//
//   use_domain_only    www.example.com:80 → example     example.com → example     localhost → localhost
//
// As seen with HAProxy 3.2: the first value of the first line counts, even if it is empty, which is as good as absent. With use_domain_only the
// key is the label before the last dot, at least one byte; without a dot that has something before it, it is all. (HAProxy 3.2 also looks
// at the byte behind the value, so that a dot left over from an earlier request may show there. We do not.)

import type { BalancePlan } from "../plan/balance.ts";
import type { SampleContext } from "../sample/context.ts";
import { compileSample } from "../sample/expression.ts";
import type { FetchFunction } from "../sample/fetch/fetch.ts";
import type { SampleValue } from "../sample/value.ts";
import type { Stream } from "../stream/stream.ts";
import { type HashKey, KeyHash } from "./hash-key.ts";

const PASS = 2;
const DOT = 46;
const FIRST_OCCURRENCE = 1;

export class HeaderKey implements HashKey {
  hash = 0;
  readonly #value: SampleValue;
  readonly #keyHash: KeyHash;
  readonly #fetch: FetchFunction;
  readonly #isDomainOnly: boolean;

  constructor(ctx: SampleContext, balance: BalancePlan) {
    const [name, modifier] = balance.arguments;
    this.#value = ctx.value;
    this.#keyHash = new KeyHash(balance);
    this.#fetch = compileSample(
      { fetch: "req.hdr", arguments: [name!, FIRST_OCCURRENCE], converters: [] },
      ctx,
      false,
    ).first;
    this.#isDomainOnly = modifier === "use_domain_only";
  }

  find(stream: Stream): boolean {
    if (this.#fetch(stream) !== PASS) return false;
    const { bytes, start, end } = this.#value;
    if (start === end) return false;
    if (this.#isDomainOnly) this.#hashDomain(bytes, start, end);
    else this.hash = this.#keyHash.of(bytes, start, end);
    return true;
  }

  #hashDomain(bytes: Uint8Array, start: number, end: number): void {
    let dot = end - 1;
    while (dot > start && bytes[dot] !== DOT) dot--;
    if (dot === start) {
      this.hash = this.#keyHash.of(bytes, start, end);
      return;
    }
    let label = dot - 1;
    while (label > start && bytes[label - 1] !== DOT) label--;
    this.hash = this.#keyHash.of(bytes, label, dot);
  }
}
