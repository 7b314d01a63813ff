// balance uri: the request target decides, up to the question mark or `whole`. configuration.txt, `balance`.
//
//   http://h/a/b/c?x=1    (nothing)  http://h/a/b/c      path-only        /a/b/c      whole      http://h/a/b/c?x=1
//   /a/b/c?x=1            depth 2    /a/b                len 3            /a/         depth 2 len 3   /a/
//
// As seen with HAProxy 3.2: the key ends before the slash that exceeds `depth`, and the slashes of `http://` count. An absolute URI
// without a path counts as one with the path `/`. `*` and the authority form have no path: with path-only their key is empty.

import { MESSAGE } from "../http1/message.ts";
import type { BalancePlan } from "../plan/balance.ts";
import type { SampleContext } from "../sample/context.ts";
import { STREAM, type Stream } from "../stream/stream.ts";
import { type HashKey, KeyHash } from "./hash-key.ts";

const HTTP = STREAM.http;
const ABSOLUTE_FORM = MESSAGE.absoluteForm;
const ASTERISK = 42;
const SLASH = 47;
const QUESTION_MARK = 63;

export class UriKey implements HashKey {
  hash = 0;
  readonly #ctx: SampleContext;
  readonly #keyHash: KeyHash;
  /** Bytes and slashes that count, at most; 0: all. */
  readonly #length: number;
  readonly #depth: number;
  readonly #isWhole: boolean;
  readonly #isPathOnly: boolean;

  constructor(ctx: SampleContext, balance: BalancePlan) {
    const words = balance.arguments;
    const numberAfter = (word: string): number => (words.includes(word) ? Number(words[words.indexOf(word) + 1]) : 0);
    this.#ctx = ctx;
    this.#keyHash = new KeyHash(balance);
    this.#length = numberAfter("len");
    this.#depth = numberAfter("depth");
    this.#isWhole = words.includes("whole");
    this.#isPathOnly = words.includes("path-only");
  }

  find(stream: Stream): boolean {
    const { request } = stream;
    if ((stream.flags & HTTP) === 0 || request.end === request.start) return false;
    const { bytes } = this.#ctx;
    const hasPath = request.pathStart < request.pathEnd && bytes[request.pathStart] !== ASTERISK;
    if (!hasPath && (request.flags & ABSOLUTE_FORM) !== 0)
      return this.#findWithoutPath(request.targetStart, request.targetEnd);
    const isEmpty = this.#isPathOnly && !hasPath;
    const start = this.#isPathOnly ? request.pathStart : request.targetStart;
    const end = isEmpty ? start : this.#isPathOnly ? request.pathEnd : request.targetEnd;
    this.hash = this.#keyHash.of(bytes, start, this.#keyEnd(bytes, start, end));
    return true;
  }

  /** `http://host`: the slash that is missing has to stand somewhere to be hashed. */
  #findWithoutPath(start: number, end: number): boolean {
    const scratch = this.#ctx.value.scratch();
    let length = 0;
    if (!this.#isPathOnly) {
      // A request line fits into a buffer with blanks and a version behind the target, so there is room for the slash.
      for (let i = start; i < end; i++) scratch[length++] = this.#ctx.bytes[i]!;
    }
    scratch[length++] = SLASH;
    this.hash = this.#keyHash.of(scratch, 0, this.#keyEnd(scratch, 0, length));
    return true;
  }

  #keyEnd(bytes: Uint8Array, start: number, end: number): number {
    const last = this.#length > 0 && this.#length < end - start ? start + this.#length : end;
    let slashes = 0;
    for (let i = start; i < last; i++) {
      const c = bytes[i];
      if (c === QUESTION_MARK && !this.#isWhole) return i;
      if (c === SLASH && this.#depth > 0 && slashes++ === this.#depth) return i;
    }
    return last;
  }
}
