// balance url_param: the value of a parameter of the query decides. configuration.txt, `balance`.
//
// As seen with HAProxy 3.2, and unlike the fetch url_param(): only `&` separates parameters, the first one of the name with a `=` counts,
// and one with an empty value has the empty key. Values are not decoded. With `check_post` a POST's body is looked at when the query has no
// such parameter, as far as it has come (`option http-buffer-request` sees to it that enough has); a value in
// which a byte that no token has comes before the next `&` or blank is binary and none (3.x; HAProxy 2.6 hashes it).

import { METHOD } from "../http1/message.ts";
import type { BalancePlan } from "../plan/balance.ts";
import type { SampleContext } from "../sample/context.ts";
import { compileSample } from "../sample/expression.ts";
import type { FetchFunction } from "../sample/fetch/fetch.ts";
import { textBytes } from "../sample/value.ts";
import { STREAM, type Stream } from "../stream/stream.ts";
import { type HashKey, KeyHash } from "./hash-key.ts";

const HTTP = STREAM.http;
const PASS = 2;
const POST = METHOD.post;
const AMPERSAND = 38;
const EQUALS = 61;
/** RFC 9110 section 5.6.2, beside letters and digits. */
const TOKEN_MARKS = new Set(textBytes("!#$%&'*+-.^_`|~"));

function isToken(byte: number): boolean {
  const letter = byte | 32;
  return (letter >= 97 && letter <= 122) || (byte >= 48 && byte <= 57) || TOKEN_MARKS.has(byte);
}

/** Blank, tab, CR, LF. */
function isBlank(byte: number): boolean {
  return byte === 32 || byte === 9 || byte === 13 || byte === 10;
}

const BODY = { fetch: "req.body", arguments: [], converters: [] } as const;

export class UrlParameterKey implements HashKey {
  hash = 0;
  readonly #ctx: SampleContext;
  readonly #keyHash: KeyHash;
  readonly #name: Uint8Array;
  /** `check_post`: makes what has come of a body the value; null: bodies are not looked at. */
  readonly #body: FetchFunction | null;

  constructor(ctx: SampleContext, balance: BalancePlan) {
    this.#ctx = ctx;
    this.#keyHash = new KeyHash(balance);
    this.#name = textBytes(balance.arguments[0]!);
    this.#body = balance.arguments.includes("check_post") ? compileSample(BODY, ctx, false, "bin").first : null;
  }

  find(stream: Stream): boolean {
    const { request } = stream;
    if ((stream.flags & HTTP) === 0 || request.end === request.start) return false;
    if (request.queryStart !== 0 && this.#findIn(this.#ctx.bytes, request.queryStart, request.pathEnd)) return true;
    if (this.#body === null || request.method !== POST || this.#body(stream) !== PASS) return false;
    const { bytes, start, end } = this.#ctx.value;
    return this.#findIn(bytes, start, end, true);
  }

  /** @param isBody values end at a blank, too, and binary ones are none */
  #findIn(bytes: Uint8Array, start: number, end: number, isBody = false): boolean {
    let at = start;
    while (at < end) {
      const value = this.#isNamed(bytes, at, end) ? at + this.#name.length + 1 : -1;
      if (value >= 0 && isBody) return this.#takeOfBody(bytes, value, end);
      while (at < end && bytes[at] !== AMPERSAND) at++;
      if (value >= 0) {
        this.hash = this.#keyHash.of(bytes, value, at);
        return true;
      }
      at++;
    }
    return false;
  }

  #takeOfBody(bytes: Uint8Array, start: number, end: number): boolean {
    let at = start;
    for (; at < end && bytes[at] !== AMPERSAND; at++) {
      if (isToken(bytes[at]!)) continue;
      if (!isBlank(bytes[at]!)) return false;
      break;
    }
    this.hash = this.#keyHash.of(bytes, start, at);
    return true;
  }

  /** Whether `name=` stands at `at`. */
  #isNamed(bytes: Uint8Array, at: number, end: number): boolean {
    const name = this.#name;
    if (at + name.length >= end || bytes[at + name.length] !== EQUALS) return false;
    for (let i = 0; i < name.length; i++) if (bytes[at + i] !== name[i]) return false;
    return true;
  }
}
