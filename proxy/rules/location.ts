// The Location of a redirect (configuration.txt, `redirect`):
//
//   location L     L [?query with keep-query, or &query when L has one already]
//   prefix P       P path [?query unless drop-query]; with append-slash and drop-query the path ends in a slash; P "/" is nothing
//   scheme S       S :// Host path [?query unless drop-query]; no path, or "*", is "/"

import { HEADER_INTS } from "../http1/message.ts";
import type { RedirectPlan } from "../plan/rules.ts";
import { textBytes } from "../sample/value.ts";
import type { Stream } from "../stream/stream.ts";
import type { RuleParts } from "./parts.ts";
import type { Value } from "./value.ts";

const ROW = HEADER_INTS;
const SLASH = 47;
const QUESTION_MARK = 63;
const AMPERSAND = 38;
const PATH_ROOT = textBytes("/");
const AUTHORITY = textBytes("://");

export class Location {
  readonly bytes: Uint8Array;
  /** The value of the rule came out empty. */
  isEmpty = false;
  readonly #arena: Uint8Array;
  readonly #value: Value;
  readonly #plan: RedirectPlan;
  /** `prefix /`: the request's own path. */
  readonly #isSame: boolean;
  #at = 0;
  #overflows = false;

  constructor(parts: RuleParts, plan: RedirectPlan) {
    this.bytes = new Uint8Array(parts.ctx.plan.global.bufsizeBytes);
    this.#arena = parts.ctx.bytes;
    this.#value = parts.values.compile(plan.value);
    this.#plan = plan;
    const [only] = plan.value;
    this.#isSame = plan.type === "prefix" && plan.value.length === 1 && only?.kind === "text" && only.text === "/";
  }

  /** Writes the location of the stream to `bytes`: its length, -1: too long. */
  make(stream: Stream): number {
    const value = this.#value;
    if (!value.evaluate(stream)) return -1;
    const { type, dropQuery, keepQuery } = this.#plan;
    this.isEmpty = value.length === 0;
    this.#at = 0;
    this.#overflows = false;
    if (!this.#isSame) this.#append(value.bytes, 0, value.length);
    if (type === "location") {
      if (keepQuery) this.#keepQuery(stream);
    } else {
      if (type === "scheme") this.#host(stream);
      this.#path(stream, !dropQuery);
    }
    return this.#overflows ? -1 : this.#at;
  }

  #append(from: Uint8Array, start: number, end: number): void {
    if (this.#at + end - start > this.bytes.length) {
      this.#overflows = true;
      return;
    }
    for (let i = start; i < end; i++) this.bytes[this.#at++] = from[i]!;
  }

  #byte(byte: number): void {
    if (this.#at === this.bytes.length) this.#overflows = true;
    else this.bytes[this.#at++] = byte;
  }

  #host({ request }: Stream): void {
    this.#append(AUTHORITY, 0, AUTHORITY.length);
    if (request.hostIndex < 0) return;
    const row = request.hostIndex * ROW;
    this.#append(this.#arena, request.headers[row + 2]!, request.headers[row + 3]!);
  }

  #path({ request }: Stream, withQuery: boolean): void {
    const arena = this.#arena;
    const { pathStart, queryStart } = request;
    if (pathStart === request.pathEnd || arena[pathStart] !== SLASH) {
      if (this.#plan.type === "scheme") this.#append(PATH_ROOT, 0, 1);
      return;
    }
    const end = queryStart === 0 ? request.pathEnd : queryStart - 1;
    this.#append(arena, pathStart, withQuery ? request.pathEnd : end);
    if (!withQuery && this.#plan.appendSlash && arena[end - 1] !== SLASH) this.#byte(SLASH);
  }

  #keepQuery({ request }: Stream): void {
    if (request.queryStart === 0) return;
    let joins = QUESTION_MARK;
    for (let i = 0; i < this.#at; i++) if (this.bytes[i] === QUESTION_MARK) joins = AMPERSAND;
    this.#byte(joins);
    this.#append(this.#arena, request.queryStart, request.pathEnd);
  }
}
