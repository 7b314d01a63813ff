// Who may see a statistics page: `stats http-request` rules, and `stats admin`. What `stats auth` asks for is looked at where the page is made
// (stats/page/stats-page.ts), unless a rule has let the request in.

import { type Condition, compileCondition } from "../acl/condition.ts";

import type { StatsPagePlan } from "../plan/stats-page.ts";
import type { SampleContext } from "../sample/context.ts";
import { textBytes } from "../sample/value.ts";
import type { Stream } from "../stream/stream.ts";
import type { WorkerContext } from "../worker/context.ts";

/** Bits of what a request may do, and wants. */
export const STATS_ACCESS = {
  /** Change servers. */
  admin: 1,
  /** See the page without a password. */
  admitted: 2,
  /** It is no page that is asked for but the metrics (`use-service prometheus-exporter`). */
  metrics: 4,
} as const;

export const STATS_REFUSED = -1;
const PASS = 2;

export class StatsAccess {
  readonly #ctx: WorkerContext;
  readonly #admin: readonly Condition[];
  readonly #rules: readonly {
    readonly action: "allow" | "deny" | "auth";
    readonly challenge: Uint8Array;
    readonly condition: Condition | null;
  }[];

  constructor(ctx: WorkerContext, stats: StatsPagePlan, samples: SampleContext) {
    const compile = (condition: StatsPagePlan["httpRequest"][number]["condition"]): Condition | null =>
      condition === null ? null : compileCondition(condition, samples, "final");
    this.#ctx = ctx;
    this.#admin = (stats.admin ?? []).map((condition) => compileCondition(condition, samples, "final"));
    this.#rules = stats.httpRequest.map(({ action, realm, condition }) => {
      const name = (realm ?? stats.realm).replace(/["\\]/g, "\\$&");
      const challenge = textBytes(`www-authenticate: Basic realm="${name}"\r\n`);
      return { action, challenge, condition: compile(condition) };
    });
  }

  /** Bits of STATS_ACCESS, or STATS_REFUSED: the stream has its answer. */
  decide(stream: Stream): number {
    let access = this.#admin.some((condition) => condition(stream) === PASS) ? STATS_ACCESS.admin : 0;
    for (const { action, condition, challenge } of this.#rules) {
      if (condition !== null && condition(stream) !== PASS) continue;
      if (action === "deny") this.#ctx.replies.error(stream, 403);
      else if (action === "auth") this.#ctx.replies.challenge(stream, 401, challenge);
      else {
        access |= STATS_ACCESS.admitted;
        break;
      }
      return STATS_REFUSED;
    }
    return access;
  }
}
