// What keeps clients on their server: runs between the backend's rules and balancing for requests, and behind the rules for responses.
//
//   request    ignore-persist, force-persist ─▶ backend rules ─▶ cookie ─▶ (no server yet: balance)
//   response   http-response rules ─▶ the server's cookie ─▶ cookie inserted
//
// A backend without any of it costs one look at an array.

import { type Condition, compileCondition } from "../acl/condition.ts";
import type { Plan, ProxyPlan } from "../plan/plan.ts";
import { countEverywhere } from "../rules/parts.ts";
import type { SampleContext } from "../sample/context.ts";
import { COUNTER } from "../shared-state/layout.ts";
import { STREAM, type Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";
import { type BackendCookie, compileCookie, valuesOf } from "./backend-cookie.ts";
import { exposesCookie } from "./cacheability.ts";
import { RequestCookies } from "./request-cookies.ts";
import { ResponseCookies } from "./response-cookies.ts";
import { releaseUnstored, StickRules } from "./stick-rules.ts";

/** A server that does it always must not fill the process log. */
const WARNINGS_APART_MS = 1000;
const PASS = 2;
const BY_PROXY = 80; // P
const BY_INTERNAL = 73; // I
const IN_HEADERS = 72; // H
const S_HTTP = STREAM.http;

/** One proxy's part, null where nothing of it is configured. */
interface BackendPersistence {
  readonly stick: StickRules | null;
  readonly cookie: BackendCookie | null;
  readonly checksCache: boolean;
  readonly conditions: readonly Condition[];
  /** STREAM bit that each condition sets. */
  readonly flags: readonly number[];
}

/** Whether any backend writes cookies into responses, which needs an area to write in. */
export function editsCookies({ proxies }: Plan): boolean {
  return proxies.some(({ backend }) => backend !== null && backend.persistence.cookie !== null);
}

export class Persistence {
  readonly #ctx: WorkerContext;
  #warnedMs = -WARNINGS_APART_MS;
  readonly #backends: readonly (BackendPersistence | null)[];
  readonly #requestCookies: RequestCookies;
  readonly #responseCookies: ResponseCookies;

  /** @param area arena offset of a buffer's size of bytes, anything where `editsCookies` says no */
  constructor(ctx: WorkerContext, samples: SampleContext, area: number) {
    this.#ctx = ctx;
    this.#requestCookies = new RequestCookies(ctx);
    this.#responseCookies = new ResponseCookies(ctx, area);
    this.#backends = ctx.plan.proxies.map((proxy) => {
      const rules = proxy.backend?.persistence.rules ?? [];
      const cookie = compileCookie(ctx.plan, proxy);
      const stick = this.#stickRules(proxy, samples);
      const checksCache = proxy.backend?.persistence.checksCache === true;
      if (cookie === null && rules.length === 0 && stick === null && !checksCache) return null;
      return {
        ...{ cookie, stick, checksCache },
        conditions: rules.map(({ condition }) => compileCondition(condition, samples)),
        flags: rules.map(({ kind }) => (kind === "force" ? STREAM.forcePersist : STREAM.ignorePersist)),
      };
    });
  }

  #stickRules(proxy: ProxyPlan, samples: SampleContext): StickRules | null {
    const plan = proxy.backend?.persistence;
    if (plan === undefined || plan.stick.length + plan.stickResponse.length === 0) return null;
    return new StickRules(this.#ctx, samples, proxy);
  }

  /** The runtime API changed what servers are called in cookies. */
  setCookies(proxy: number, cookies: readonly (string | null)[]): void {
    const cookie = this.#backends[proxy]?.cookie ?? null;
    const name = this.#ctx.plan.proxies[proxy]?.backend?.persistence.cookie?.name;
    if (cookie === null || name === undefined) return;
    const { values, inserted } = valuesOf(name, cookies);
    cookie.values = values;
    cookie.inserted = inserted;
  }

  /** The stream has just entered its backend: `force-persist` and `ignore-persist`. */
  enter(stream: Stream): void {
    const backend = this.#backends[stream.backend]!;
    if (backend === null) return;
    const { conditions } = backend;
    for (let i = 0; i < conditions.length; i++) {
      if (conditions[i]!(stream) !== PASS) continue;
      stream.flags |= backend.flags[i]!;
      return;
    }
  }

  /** The backend's rules are through: who is the stream's server? */
  request(stream: Stream): void {
    const backend = this.#backends[stream.backend]!;
    if (backend === null) return;
    if (backend.cookie !== null && (stream.flags & S_HTTP) !== 0) this.#requestCookies.read(stream, backend.cookie);
    if (backend.stick !== null) backend.stick.request(stream);
  }

  /** A stream that got no answer from a server is over: what it would have stored is released. */
  forgetStores(stream: Stream): void {
    const { tables } = this.#ctx.shared.stickTables;
    for (let i = 0; i < stream.storeCount; i++)
      releaseUnstored(tables[stream.stores![2 * i]!]!, stream.stores![2 * i + 1]!);
    stream.storeCount = 0;
  }

  /** A tcp server is connected: what it may say decides nothing, so that its place is known now. */
  connected(stream: Stream): void {
    this.#backends[stream.backend]?.stick?.response(stream);
  }

  /** The final response head is through its rules. False: it cannot be given to the client, and the stream has its answer. */
  response(stream: Stream): boolean {
    const backend = this.#backends[stream.backend]!;
    if (backend === null) return true;
    if (backend.checksCache && exposesCookie(this.#ctx.bytes, stream)) {
      this.#refuse(stream);
      return false;
    }
    if (backend.stick !== null) backend.stick.response(stream);
    if (backend.cookie === null) return true;
    if (this.#responseCookies.write(stream, backend.cookie)) return true;
    const { lifecycle, replies } = this.#ctx;
    lifecycle.count(lifecycle.backendAt[stream.backend]!, COUNTER.failedRewrites);
    lifecycle.count(lifecycle.frontendAt[stream.frontend]!, COUNTER.failedRewrites);
    lifecycle.endReason(stream, BY_INTERNAL, IN_HEADERS);
    replies.error(stream, 500);
    return false;
  }

  /** HAProxy means to answer 502 (configuration.txt, `option checkcache`), and says 200 with its own page. */
  #refuse(stream: Stream): void {
    const { clock, lifecycle, mailbox, plan, replies } = this.#ctx;
    if (((clock.nowMs - this.#warnedMs) | 0) >= WARNINGS_APART_MS) {
      this.#warnedMs = clock.nowMs;
      const [proxy, server] = [plan.proxies[stream.backend]!.name, plan.servers[stream.serverIndex]!.name];
      mailbox.event("warn", `Blocking cacheable cookie in response from instance ${proxy}, server ${server}.`);
    }
    countEverywhere(this.#ctx, stream, COUNTER.deniedResponses);
    lifecycle.endReason(stream, BY_PROXY, IN_HEADERS);
    replies.error(stream, 502);
  }
}
