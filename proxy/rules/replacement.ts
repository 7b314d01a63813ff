// Regular expression and replacement of the replace-* actions. What the expression finds something in is replaced as a whole; the
// replacement is a format whose result holds back references \0 … \9 and \xHH, as in HAProxy.
//
//   replace-path /foo/(.*) /\1        /foo/bar  ──▶  /bar
//
// This works on JavaScript strings, hence makes garbage; an input is at most a head. Expressions are those of acl/pcre.ts, run as
// described in acl/regex.ts, so that no input can make one take more than linear time where V8's linear engine knows the pattern.

import "../acl/regex.ts";
import { compilePcre } from "../acl/pcre.ts";
import type { LogNodePlan } from "../plan/log.ts";
import { latin1, textBytes } from "../sample/value.ts";
import type { Stream } from "../stream/stream.ts";
import type { RuleParts } from "./parts.ts";
import type { Value } from "./value.ts";

const REFERENCE = /\\(?:([0-9])|x([0-9A-Fa-f]{2})|([\s\S]))/g;

/** Puts the groups of `found` in place of their references. */
function expand(format: string, found: RegExpExecArray): string {
  if (!format.includes("\\")) return format;
  return format.replace(
    REFERENCE,
    (_, group: string | undefined, hex: string | undefined, other: string | undefined) => {
      if (group !== undefined) return found[Number(group)] ?? "";
      return hex === undefined ? other! : String.fromCharCode(Number.parseInt(hex, 16));
    },
  );
}

export class Replacement {
  /** The last `replace` found something, but what it makes of it is larger than a buffer. */
  failed = false;
  readonly #expression: RegExp;
  readonly #value: Value;

  constructor(parts: RuleParts, pattern: string, nodes: readonly LogNodePlan[]) {
    this.#expression = compilePcre(pattern, false);
    this.#value = parts.values.compile(nodes);
  }

  /** What bytes[start, end) becomes; null: the expression finds nothing in it, or `failed`. */
  replace(stream: Stream, bytes: Uint8Array, start: number, end: number): Uint8Array | null {
    this.failed = false;
    const found = this.#expression.exec(latin1(bytes, start, end));
    if (found === null) return null;
    const value = this.#value;
    this.failed = !value.evaluate(stream);
    return this.failed ? null : textBytes(expand(latin1(value.bytes, 0, value.length), found));
  }
}
