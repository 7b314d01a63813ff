// The statistics page (`stats enable`, `stats uri` …): who may see it, in which form, and what its forms change. Workers ask for it with
// the request they received and send what is answered here; nothing of it runs on the data plane.

import { createHash, timingSafeEqual } from "node:crypto";
import type { ProcessFacts, WorkerAnswer, WorkerQuestion } from "../../control/control-plane.ts";
import type { HaReports } from "../../control/ha/ha-reports.ts";
import type { News } from "../../control/server-state/news.ts";
import type { ServerStates } from "../../control/server-state/server-states.ts";
import type { Plan, ProxyPlan } from "../../plan/plan.ts";
import type { StatsPagePlan } from "../../plan/stats-page.ts";
import { schemaText } from "../schema.ts";
import type { StatRow } from "../stat-row.ts";
import { csvText, jsonText, typedText } from "../stat-writers.ts";
import type { Statistics } from "../statistics.ts";
import { runForm } from "./admin.ts";
import { renderPage } from "./document.ts";
import { liveText } from "./live.ts";
import { type PageRequest, pageAddress, parsePageRequest } from "./page-request.ts";
import { SECURITY_POLICY } from "./script.ts";

export interface StatsPageOptions {
  readonly plan: Plan;
  readonly states: ServerStates;
  readonly statistics: Statistics;
  readonly facts: ProcessFacts;
  readonly ha: HaReports;
  readonly news: News;
}

/** HAProxy's own page for 401. */
const UNAUTHORIZED = `<html><body><h1>401 Unauthorized</h1>
You need a valid user and password to access this content.
</body></html>
`;

export class StatsPage {
  readonly #options: StatsPageOptions;

  constructor(options: StatsPageOptions) {
    this.#options = options;
  }

  answer(question: WorkerQuestion): WorkerAnswer {
    const proxy = this.#options.plan.proxies[question.proxy];
    const stats = settingsOf(proxy);
    if (!question.admitted && !isAuthorized(stats, question.authorization)) {
      const challenge = `Basic realm="${stats.realm.replaceAll(/["\\]/g, "\\$&")}"`;
      return answer(401, "text/html", UNAUTHORIZED, [["www-authenticate", challenge]]);
    }
    const at = question.uri.indexOf(stats.uri);
    const request = parsePageRequest(at < 0 ? "" : question.uri.slice(at + stats.uri.length));
    return question.method === "POST"
      ? this.#change(question, proxy, stats, request)
      : this.#show(question, proxy, stats, request);
  }

  #show(question: WorkerQuestion, proxy: ProxyPlan, stats: StatsPagePlan, request: PageRequest): WorkerAnswer {
    const rows = this.#rows(proxy, stats, request);
    if (request.format === "csv") return answer(200, "text/plain", csvText(rows));
    if (request.format === "json") return answer(200, "application/json", jsonText(rows));
    if (request.format === "typed") return answer(200, "text/plain", typedText(rows));
    if (request.format === "schema") return answer(200, "application/json", schemaText());
    const { plan, facts, statistics, ha, news } = this.#options;
    if (request.format === "live") {
      const proxies = plan.proxies.filter((candidate) => rows.some((row) => row.proxy === candidate));
      const text = liveText({ statistics, news, rows, proxies, ha: ha.current(performance.now()) }, request.known);
      return answer(200, "application/json", text, [["x-content-type-options", "nosniff"]]);
    }
    const page = renderPage({
      ...{ plan, facts, rows, stats, request },
      info: statistics.info(),
      ha: ha.current(performance.now()),
      isAdmin: question.admin,
    });
    return answer(200, "text/html; charset=utf-8", page, [
      ["content-security-policy", SECURITY_POLICY],
      ["x-content-type-options", "nosniff"],
      ["referrer-policy", "same-origin"],
    ]);
  }

  #change(question: WorkerQuestion, proxy: ProxyPlan, stats: StatsPagePlan, request: PageRequest): WorkerAnswer {
    const { plan, states } = this.#options;
    const outcome = question.admin
      ? runForm(question.body, plan, states, (index) => isInScope(plan.proxies[index], proxy, stats))
      : "DENY";
    return answer(303, "text/plain", "", [["location", pageAddress(stats.uri, { ...request, outcome })]]);
  }

  #rows(proxy: ProxyPlan, stats: StatsPagePlan, request: PageRequest): StatRow[] {
    return this.#options.statistics.rows({
      wants: (_kind, candidate) => isInScope(candidate, proxy, stats) && candidate.name.includes(request.scope),
      ...(request.hide === undefined ? {} : { hide: request.hide }),
    });
  }
}

function settingsOf(proxy: ProxyPlan): StatsPagePlan {
  const stats = proxy.frontend?.stats ?? proxy.backend?.stats ?? null;
  if (stats === null) throw new Error(`proxy ${proxy.name} has no statistics page`);
  return stats;
}

/** `stats scope`: names of proxies, "." stands for the one that shows the page; none: all of them. */
function isInScope(candidate: ProxyPlan, own: ProxyPlan, stats: StatsPagePlan): boolean {
  if (stats.scope.length === 0) return true;
  return stats.scope.some((name) => candidate.name === (name === "." ? own.name : name));
}

/** Compares digests, so that the time taken says nothing about how much of a password was right. */
function isAuthorized(stats: StatsPagePlan, authorization: string | null): boolean {
  if (stats.auth.length === 0) return true;
  const given = /^Basic[ \t]+([A-Za-z0-9+/=]+)[ \t]*$/i.exec(authorization ?? "");
  if (given === null) return false;
  const credentials = digest(Buffer.from(given[1], "base64"));
  let isKnown = false;
  for (const { user, password } of stats.auth) {
    if (timingSafeEqual(credentials, digest(Buffer.from(`${user}:${password}`)))) isKnown = true;
  }
  return isKnown;
}

function digest(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

function answer(
  status: number,
  contentType: string,
  body: string,
  headers: readonly (readonly [string, string])[] = [],
): WorkerAnswer {
  return {
    status,
    headers: [["cache-control", "no-cache"], ["content-type", contentType], ...headers],
    body: Buffer.from(body),
  };
}
