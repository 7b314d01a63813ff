// HTTP samples in mode tcp: `tcp-request content` rules and `use_backend` may ask for the path or a header, and HAProxy then parses what the client
// has sent so far. So do we, on a copy, because the parser writes (names in lower case) and these bytes go on as they are.
//
//   begin ─▶ incomplete: the samples miss data     complete: `stream.request` is the head     no HTTP: they find nothing
//   end   ─▶ the stream is one of mode tcp again
//
// Only proxies whose rules name such a sample pay for it.

import { frameRequest } from "../http1/framing.ts";
import { parseRequest } from "../http1/parser.ts";
import type { ProxyPlan } from "../plan/plan.ts";
import { AUTH_FETCHES } from "../sample/fetch/auth.ts";
import { COOKIE_FETCHES } from "../sample/fetch/cookie.ts";
import { HEADER_FETCHES } from "../sample/fetch/header.ts";
import { REQUEST_LINE_FETCHES } from "../sample/fetch/request-line.ts";
import { PARAMETER_FETCHES } from "../sample/fetch/url-param.ts";
import type { Input } from "../stream/input.ts";
import { STREAM, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";

const HTTP = STREAM.http;
const PEEKED = STREAM.peeked;

const FETCHES: ReadonlySet<string> = new Set([
  ...[REQUEST_LINE_FETCHES, HEADER_FETCHES, COOKIE_FETCHES, PARAMETER_FETCHES, AUTH_FETCHES].flatMap(Object.keys),
  "req.proto_http",
]);

/** Whether a part of the plan holds an expression with such a fetch. */
function asks(part: unknown): boolean {
  if (typeof part !== "object" || part === null || ArrayBuffer.isView(part)) return false;
  if (Array.isArray(part)) return part.some(asks);
  return Object.entries(part).some(([key, value]) => (key === "fetch" ? FETCHES.has(value as string) : asks(value)));
}

export class HttpPeek {
  readonly #ctx: WorkerContext;
  readonly #input: Input;
  /** Per proxy, 1: content rules ask; 2: `use_backend` does. */
  readonly #asks: Uint8Array;
  #buffer = -1;

  constructor(ctx: WorkerContext, input: Input) {
    this.#ctx = ctx;
    this.#input = input;
    this.#asks = Uint8Array.from(ctx.plan.proxies, ({ mode, rules, frontend }: ProxyPlan) =>
      mode === "http" ? 0 : (asks(rules.tcpRequestContent) ? 1 : 0) | (asks(frontend?.useBackend) ? 2 : 0),
    );
  }

  /** Before the content rules of a proxy are evaluated, after `input` was told of the stream. */
  beforeContent(stream: Stream, proxy: number): void {
    if ((this.#asks[proxy]! & 1) !== 0) this.#begin(stream);
  }

  /** Before a backend is chosen. */
  beforeSwitch(stream: Stream): void {
    if ((this.#asks[stream.frontend]! & 2) === 0) return;
    this.#input.request(stream);
    this.#begin(stream);
  }

  #begin(stream: Stream): void {
    if ((stream.flags & HTTP) !== 0) return;
    const { bytes, pool } = this.#ctx;
    const buffer = pool.take();
    if (buffer < 0) return;
    this.#buffer = buffer;
    const { start, end } = this.#input;
    const to = pool.start[buffer]!;
    bytes.copyWithin(to, start, end);
    let result = parseRequest(bytes, to, to + end - start, stream.request);
    if (result > 0) result = frameRequest(bytes, stream.request);
    if (result <= 0) stream.request.reset();
    if (result >= 0) stream.flags |= PEEKED;
  }

  /** The rules have run. */
  end(stream: Stream): void {
    if (this.#buffer < 0) return;
    this.#ctx.pool.free(this.#buffer);
    this.#buffer = -1;
    stream.flags &= ~PEEKED;
    stream.request.reset();
  }
}
