// What the page asks for while it is open (`;live`): JSON with the cells of every row as the page itself renders them, tiles, workers, errors,
// news and the newest values of the charts. The first question gets the whole history, later ones say what they have: `live=<ticks>.<news>`.

import type { HaReports } from "../../control/ha/ha-reports.ts";
import type { News } from "../../control/server-state/news.ts";
import type { ProxyPlan } from "../../plan/plan.ts";
import { SERIES, type SeriesName } from "../history.ts";
import type { InfoField, InfoName } from "../info.ts";
import type { StatRow } from "../stat-row.ts";
import type { Statistics } from "../statistics.ts";
import { grouped } from "./grouped.ts";
import { haRows } from "./ha-section.ts";
import { cellsOf, rowClass, rowKey } from "./proxy-table.ts";

/** Errors by kind: a title, and the columns of frontends (`f`) or backends (`b`) that are added up for it. */
const ERROR_KINDS: readonly (readonly [string, "f" | "b", readonly (keyof StatRow["values"])[]])[] = [
  ["bad requests", "f", ["ereq"]],
  ["denied requests", "f", ["dreq", "dcon", "dses"]],
  ["denied responses", "b", ["dresp"]],
  ["connect failures", "b", ["econ"]],
  ["bad responses", "b", ["eresp"]],
  ["retries", "b", ["wretr"]],
  ["redispatches", "b", ["wredis"]],
  ["client aborts", "b", ["cli_abrt"]],
  ["server aborts", "b", ["srv_abrt"]],
  ["4xx", "f", ["hrsp_4xx"]],
  ["5xx", "f", ["hrsp_5xx"]],
  ["internal errors", "f", ["eint"]],
];

export interface LiveSources {
  readonly statistics: Statistics;
  readonly news: News;
  readonly ha: ReturnType<HaReports["current"]>;
  readonly rows: readonly StatRow[];
  readonly proxies: readonly ProxyPlan[];
}

/** @param known `<ticks>.<news>` that the page has, "": nothing yet */
export function liveText(sources: LiveSources, known: string): string {
  const { statistics, news, rows, proxies, ha } = sources;
  const [ticks, newsNumber] = known.split(".").map((text) => Number.parseInt(text, 10));
  const { history } = statistics;
  const missing = Number.isSafeInteger(ticks) && ticks <= history.ticks ? history.ticks - ticks : undefined;
  const recent = news.since(Number.isSafeInteger(newsNumber) ? newsNumber : 0);
  const names = new Set(proxies.map(({ name }) => name));
  return JSON.stringify({
    known: `${history.ticks}.${recent.at(-1)?.number ?? newsNumber ?? 0}`,
    atMs: Date.now(),
    tiles: tilesOf(statistics.info()),
    rows: [
      ...haRows(ha).map(({ key, style, cells }) => ({ key, style, reason: "", cells: cells.map(({ text }) => text) })),
      ...rows.map((row) => ({
        ...{ key: rowKey(row), style: rowClass(row), reason: reasonOf(row) },
        cells: cellsOf(row).map(({ text }) => text),
      })),
    ],
    errors: errorsOf(rows),
    workers: statistics.workers(),
    news: recent.filter(({ proxy }) => names.has(proxy)),
    charts: proxies.flatMap((proxy) => {
      const series = SERIES.map((name): [SeriesName, number[] | null] => [
        name,
        history.series(proxy.index, name, missing),
      ]);
      if (series.some(([, values]) => values === null)) return [];
      return [{ name: proxy.name, isFrontend: proxy.frontend !== null, series: Object.fromEntries(series) }];
    }),
  });
}

/** The facts that an operator looks for first; `show info` has the rest. */
export function tilesOf(info: readonly InfoField[]): (readonly [string, string])[] {
  const value = (name: InfoName): string => String(info.find((field) => field.name === name)?.value ?? "");
  return [
    ["uptime", value("Uptime")],
    ["workers", value("Nbthread")],
    ["connections", `${value("CurrConns")} of ${value("Maxconn")}`],
    ["connection rate", `${value("ConnRate")}/s`],
    ["session rate", `${value("SessRate")}/s`],
    ["bytes out", `${grouped(Number(value("BytesOutRate")))}/s`],
    ["requests", grouped(Number(value("CumReq")))],
    ["idle", `${value("Idle_pct")} %`],
  ];
}

export function errorsOf(rows: readonly StatRow[]): (readonly [string, number])[] {
  return ERROR_KINDS.map(([title, kind, columns]) => {
    const wanted = rows.filter((row) => row.kind === (kind === "f" ? "frontend" : "backend"));
    const sum = wanted.flatMap(({ values }) => columns.map((column) => Number(values[column] ?? 0)));
    return [title, sum.reduce((total, count) => total + count, 0)] as const;
  });
}

/** Why a server is in its state: what the last check said. */
function reasonOf({ values }: StatRow): string {
  const said = [values.check_desc, values.last_chk].filter((text) => text !== undefined && text !== "");
  return said.join(": ");
}
