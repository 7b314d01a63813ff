// The page itself: what the process is, charts, a line of choices, and a table per proxy. One document without anything from elsewhere; it fits a
// phone (tables scroll on their own) and follows the reader's choice of light or dark. Complete without its script, which keeps it up to date
// and draws the charts (live-page.ts); a browser without scripts reloads it with `stats refresh`.

import type { ProcessFacts } from "../../control/control-plane.ts";
import type { HaReports } from "../../control/ha/ha-reports.ts";
import type { Plan } from "../../plan/plan.ts";
import type { StatsPagePlan } from "../../plan/stats-page.ts";
import type { InfoField } from "../info.ts";
import type { StatRow } from "../stat-row.ts";
import { isOutcome, OUTCOME_TEXT } from "./admin.ts";
import { haSection } from "./ha-section.ts";
import { type Html, html, join } from "./html.ts";
import { tilesOf } from "./live.ts";
import { type PageRequest, pageAddress } from "./page-request.ts";
import { proxySection } from "./proxy-table.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";

const LIVE_DEFAULT_MS = 2_000;

export interface PageInput {
  readonly plan: Plan;
  readonly facts: ProcessFacts;
  readonly rows: readonly StatRow[];
  readonly info: readonly InfoField[];
  /** What the HA sidecar said; null: there is none. */
  readonly ha: ReturnType<HaReports["current"]>;
  readonly stats: StatsPagePlan;
  readonly request: PageRequest;
  /** Show the forms that change servers. */
  readonly isAdmin: boolean;
}

export function renderPage(input: PageInput): string {
  const { stats, request, rows, plan } = input;
  const node = stats.showNode === null ? "" : ` on ${stats.showNode || plan.global.node}`;
  const description = stats.showDescription === null ? "" : stats.showDescription || (plan.global.description ?? "");
  const proxies = plan.proxies.filter((proxy) => rows.some((row) => row.proxy === proxy));
  const refreshes = stats.refreshSeconds > 0 && !request.noRefresh;
  const page = html`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Statistics Report for HAProxy${node}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
${refreshes ? html`<noscript><meta http-equiv="refresh" content="${stats.refreshSeconds}"></noscript>` : null}<style>${STYLE}</style></head>
<body id="page" data-live="${liveAddress(input)}" data-every="${everyMs(stats)}" data-paused="${request.noRefresh ? 1 : 0}">
<header><h1>ringway${stats.hideVersion ? null : html` <small>${input.facts.version}, ${input.facts.releaseDate}</small>`}</h1>
<p>Statistics Report for pid ${input.facts.pid}${node}${description === "" ? "" : `: ${description}`}</p></header>
${outcomeNote(request)}${processSection(input.info)}${haSection(input.ha)}${OVERVIEW}${choices(input)}
<main>${join(proxies.map((proxy) => proxySection(proxy, rows, input)))}${proxies.length === 0 ? NOTHING : null}</main>
<script>${SCRIPT}</script></body></html>
`;
  return page.text;
}

const NOTHING = html`<p class="note">No proxy matches.</p>`;

function outcomeNote({ outcome }: PageRequest): Html | null {
  if (outcome === "") return null;
  const text = isOutcome(outcome) ? OUTCOME_TEXT[outcome] : OUTCOME_TEXT.UNKN;
  return html`<p class="note ${outcome === "DONE" ? "good" : "bad"}" role="status">${text}</p>`;
}

/** What the script appends what it knows to. */
function liveAddress({ stats, request }: PageInput): string {
  const address = pageAddress(stats.uri, { ...request, format: "html", outcome: "" });
  return `${address}${address.includes("?") ? "&" : ";"}live=`;
}

/** How often the open page asks for what is new: `stats refresh`, by default every two seconds. */
function everyMs({ refreshSeconds }: StatsPagePlan): number {
  return refreshSeconds > 0 ? refreshSeconds * 1000 : LIVE_DEFAULT_MS;
}

function processSection(info: readonly InfoField[]): Html {
  const tiles = tilesOf(info).map(
    ([name, text]) => html`<div><dt>${name}</dt><dd data-tile="${name}">${text}</dd></div>`,
  );
  return html`<dl class="facts">${join(tiles)}</dl>
`;
}

/** Filled by the page's script, and hidden without it. */
const OVERVIEW = html`<div class="needs-script" hidden><p class="tools"><button type="button" id="live">live</button>
<label>Filter <input id="filter" type="search" size="14" placeholder="proxy or server"></label>
<label><input id="only-trouble" type="checkbox"> only trouble</label>
<label>Charts of <select id="chart-of"><option value="">all frontends</option></select></label>
<label>Colours <select id="theme"><option value="">as the system</option><option value="light">light</option><option value="dark">dark</option></select></label></p>
<div class="charts"><figure id="chart-rate"></figure><figure id="chart-latency"></figure><figure id="chart-sessions"></figure></div>
<ul id="errors" class="chips" aria-label="Errors by kind"></ul>
<details><summary>Workers</summary><ul id="workers" class="plain"></ul></details>
<details><summary>History of servers</summary><p id="no-news">Nothing has happened yet.</p><ol id="news" class="plain"></ol></details></div>
`;

function choices({ stats, request }: PageInput): Html {
  const to = (change: Partial<PageRequest>): string => pageAddress(stats.uri, { ...request, outcome: "", ...change });
  const toggle = request.noRefresh
    ? html`<a href="${to({ noRefresh: false })}">Enable refresh</a>`
    : html`<a href="${to({ noRefresh: true })}">Disable refresh</a>`;
  return html`<nav><a href="${to({})}">Refresh now</a>${stats.refreshSeconds > 0 ? toggle : null}
<a href="${to({ hide: request.hide === "down" ? undefined : "down" })}">${request.hide === "down" ? "Show all servers" : "Hide DOWN servers"}</a>
<a href="${to({ hide: request.hide === "maintenance" ? undefined : "maintenance" })}">${request.hide === "maintenance" ? "Show all servers" : "Hide MAINT servers"}</a>
<a href="${to({ format: "csv" })}">CSV export</a><a href="${to({ format: "json" })}">JSON export</a>
<form method="get" action="${to({ scope: "" })}"><label>Scope <input name="scope" value="${request.scope}" size="8" maxlength="20"></label></form></nav>
<ul class="legend"><li class="up">UP</li><li class="going-down">UP, going down</li><li class="down">DOWN</li><li class="going-up">DOWN, going up</li>
<li class="drain">DRAIN or NOLB</li><li class="maint">MAINT</li><li class="unchecked">not checked</li></ul>
`;
}
