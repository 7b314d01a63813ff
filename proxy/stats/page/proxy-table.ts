// The table of one proxy: its frontend, its servers with the colours of their states, its backend; HAProxy's groups of columns in its order.

import type { ProxyPlan } from "../../plan/plan.ts";
import { PERCENTS } from "../percentiles.ts";
import type { StatRow, StatValues } from "../stat-row.ts";
import { ACTIONS } from "./admin.ts";
import type { PageInput } from "./document.ts";
import { grouped } from "./grouped.ts";
import { type Html, html, join } from "./html.ts";
import { pageAddress } from "./page-request.ts";

/** Groups of columns: a title, and the columns' titles with what they show. */
const GROUPS: readonly (readonly [string, readonly (readonly [string, (values: StatValues) => Html])[]])[] = [
  [
    "Queue",
    [
      ["Cur", count("qcur")],
      ["Max", count("qmax")],
      ["Limit", count("qlimit")],
    ],
  ],
  [
    "Session rate",
    [
      ["Cur", count("rate")],
      ["Max", count("rate_max")],
      ["Limit", count("rate_lim")],
    ],
  ],
  [
    "Sessions",
    [
      ["Cur", count("scur")],
      ["Max", count("smax")],
      ["Limit", count("slim")],
      ["Total", total],
      ["LbTot", count("lbtot")],
      ["Last", (values) => html`${values.lastsess === undefined ? "" : ago(Number(values.lastsess))}`],
    ],
  ],
  [
    "Bytes",
    [
      ["In", count("bin")],
      ["Out", count("bout")],
    ],
  ],
  [
    "Denied",
    [
      ["Req", count("dreq")],
      ["Resp", count("dresp")],
    ],
  ],
  [
    "Errors",
    [
      ["Req", count("ereq")],
      ["Conn", count("econ")],
      ["Resp", connectionErrors],
    ],
  ],
  [
    "Warnings",
    [
      ["Retr", count("wretr")],
      ["Redis", count("wredis")],
    ],
  ],
  [
    "Server",
    [
      ["Status", status],
      ["LastChk", lastCheck],
      ["Wght", weight],
      ["Act", active],
      ["Bck", backup],
      ["Chk", count("chkfail")],
      ["Dwn", count("chkdown")],
      ["Dwntme", (values) => html`${values.downtime === undefined ? "" : duration(Number(values.downtime))}`],
      ["Thrtle", (values) => html`${values.throttle === undefined ? "" : `${values.throttle}%`}`],
    ],
  ],
];

export function proxySection(proxy: ProxyPlan, rows: readonly StatRow[], input: PageInput): Html {
  const own = rows.filter((row) => row.proxy === proxy);
  const hasForm = input.isAdmin && own.some((row) => row.kind === "server");
  const description = proxy.description === null || input.stats.showDescription === null ? "" : proxy.description;
  const table = html`<div class="scroll"><table><thead><tr><th rowspan="2">Name</th>${join(
    GROUPS.map(([title, columns]) => html`<th colspan="${columns.length}">${title}</th>`),
  )}</tr><tr>${join(GROUPS.flatMap(([, columns]) => columns.map(([title]) => html`<th>${title}</th>`)))}</tr></thead><tbody>
${join(own.map((row) => tableRow(row, hasForm, input.stats.showLegends || input.isAdmin)))}</tbody></table></div>`;
  const { stats, request } = input;
  const body = hasForm
    ? html`<form method="post" action="${pageAddress(stats.uri, { ...request, outcome: "" })}">${table}${formControls(proxy)}</form>`
    : table;
  return html`<section id="${proxy.name}" data-proxy="${proxy.name}"><h2><a href="#${proxy.name}">${proxy.name}</a> <small>${proxy.mode}${description === "" ? "" : `, ${description}`}</small></h2>${body}</section>
`;
}

function formControls(proxy: ProxyPlan): Html {
  const options = [...ACTIONS].map(([name, { label }]) => html`<option value="${name}">${label}</option>`);
  return html`<p class="action"><label>Action for the checked servers <select name="action"><option value="">none</option>${join(options)}</select></label>
<input type="hidden" name="b" value="#${proxy.id}"><button>Apply</button></p>`;
}

function tableRow(row: StatRow, hasForm: boolean, showsAddress: boolean): Html {
  const { kind, server, values } = row;
  const name = kind === "server" ? String(values.svname) : kind === "frontend" ? "Frontend" : "Backend";
  const box =
    hasForm && server !== null
      ? html`<input type="checkbox" name="s" value="${server.name}" aria-label="${name}"> `
      : null;
  const title = showsAddress && values.addr !== undefined ? String(values.addr) : "";
  const cells = cellsOf(row).map((cell) => html`<td>${cell}</td>`);
  return html`<tr class="${rowClass(row)}" data-key="${rowKey(row)}"><th scope="row" title="${title}">${box}${name}</th>${join(cells)}</tr>
`;
}

/** What stands in the columns behind the name. */
export function cellsOf({ values }: StatRow): Html[] {
  return GROUPS.flatMap(([, columns]) => columns.map(([, show]) => show(values)));
}

export function rowClass({ kind, values }: StatRow): string {
  return kind === "server" ? `server ${stateClass(String(values.status))}` : kind;
}

/** The same for a row as long as the configuration lives. */
export function rowKey({ values }: StatRow): string {
  return `${values.pxname}/${values.svname}`;
}

/** The colour of a server's row follows from its status word. */
function stateClass(text: string): string {
  if (text === "no check") return "unchecked";
  if (text.startsWith("MAINT")) return "maint";
  if (text.startsWith("DRAIN") || text.startsWith("NOLB")) return "drain";
  if (text.startsWith("UP")) return text === "UP" ? "up" : "going-down";
  return text === "DOWN" ? "down" : "going-up";
}

function count(column: keyof StatValues): (values: StatValues) => Html {
  return (values) => {
    const value = values[column];
    return html`${value === undefined || value === "" ? "" : grouped(Number(value))}`;
  };
}

const PERCENTILE_TIMES = [
  ["Queue", "qtime"],
  ["Connect", "ctime"],
  ["Response", "rtime"],
  ["Total", "ttime"],
] as const;

/** Three digits are enough: `0.412 ms`, `17.3 ms`, `1250 ms`. */
function millisecondsText(us: number): string {
  const ms = us / 1000;
  return `${ms < 10 ? ms.toFixed(3) : ms < 100 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** Total sessions, with the responses by class and the average times behind them. */
function total(values: StatValues): Html {
  const lines = [`Sessions: ${values.stot}`];
  if (values.req_tot !== undefined) lines.push(`HTTP requests: ${values.req_tot}`);
  for (const kind of ["1xx", "2xx", "3xx", "4xx", "5xx", "other"] as const) {
    const responses = values[`hrsp_${kind}`];
    if (responses !== undefined) lines.push(`HTTP ${kind} responses: ${responses}`);
  }
  if (values.ttime !== undefined) {
    lines.push(
      `Average times: ${values.qtime} queue, ${values.ctime} connect, ${values.rtime} response, ${values.ttime} total ms`,
    );
  }
  for (const [name, time] of PERCENTILE_TIMES) {
    const shown = PERCENTS.map(([percent, suffix]) => [percent, values[`${time}_${suffix}_us`]] as const);
    if (shown.some(([, us]) => us === undefined)) continue;
    lines.push(`${name}: ${shown.map(([percent, us]) => `p${percent} ${millisecondsText(Number(us))}`).join(", ")}`);
  }
  return html`<abbr title="${lines.join("\n")}">${grouped(Number(values.stot ?? 0))}</abbr>`;
}

function connectionErrors(values: StatValues): Html {
  if (values.eresp === undefined) return html``;
  const title = `Aborted by the client: ${values.cli_abrt}, by the server: ${values.srv_abrt}`;
  return html`<abbr title="${title}">${grouped(Number(values.eresp))}</abbr>`;
}

function status(values: StatValues): Html {
  const since = values.lastchg === undefined ? "" : `${duration(Number(values.lastchg))} `;
  return html`${since}${values.status}`;
}

function lastCheck(values: StatValues): Html {
  if (values.check_status === undefined) return html``;
  const code = values.check_code === undefined || values.check_code === 0 ? "" : `/${values.check_code}`;
  const time = values.check_duration === undefined ? "" : ` in ${values.check_duration}ms`;
  const info = values.last_chk === undefined || values.last_chk === "" ? "" : `: ${values.last_chk}`;
  return html`<abbr title="${`${values.check_desc ?? ""}${info}`}">${`${values.check_status}${code}${time}`}</abbr>`;
}

function weight(values: StatValues): Html {
  if (values.weight === undefined) return html``;
  const same = values.weight === values.uweight;
  return html`${same ? String(values.weight) : `${values.weight}/${values.uweight}`}`;
}

function active(values: StatValues): Html {
  if (values.type === 2) return html`${values.act === 1 ? "Y" : "-"}`;
  return html`${values.act}`;
}

function backup(values: StatValues): Html {
  if (values.type === 2) return html`${values.bck === 1 ? "Y" : "-"}`;
  return html`${values.bck}`;
}

function ago(seconds: number): string {
  return seconds < 0 ? "?" : duration(seconds);
}

/** HAProxy's two greatest units: `3d4h`, `5m12s`. */
export function duration(seconds: number): string {
  if (seconds >= 86400) return `${Math.floor(seconds / 86400)}d${Math.floor((seconds % 86400) / 3600)}h`;
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)}h${Math.floor((seconds % 3600) / 60)}m`;
  if (seconds >= 60) return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
  return `${seconds}s`;
}
