// `http-request use-service prometheus-exporter`: the statistics in Prometheus' text format, version 0.0.4. All samples of a metric stand
// together, metric by metric in the order of metrics.table.ts.

import type { ProcessFacts, WorkerAnswer, WorkerQuestion } from "../../control/control-plane.ts";
import { checkStatusName } from "../../control/health/check-status.ts";
import type { ServerResolutions } from "../../control/resolvers/server-resolutions.ts";
import type { Plan } from "../../plan/plan.ts";
import { SERVER, type SharedState } from "../../shared-state/layout.ts";
import { COLUMNS, MODULE_COLUMNS_AT, type RowKind } from "../columns.ts";
import { describeColumn, describeInfo } from "../descriptions.ts";
import type { InfoField } from "../info.ts";
import { LATENCY_KINDS, type LatencyHistogram, type LatencyKind } from "../latencies.ts";
import type { StatRow } from "../stat-row.ts";
import type { Statistics } from "../statistics.ts";
import {
  BACKEND_METRICS,
  FRONTEND_METRICS,
  LISTENER_METRICS,
  type MetricType,
  PROCESS_METRICS,
  PROCESS_TEXTS,
  RESOLVER_METRICS,
  type RowMetric,
  SERVER_METRICS,
  type Special,
} from "./metrics.table.ts";
import { type MetricsQuery, parseMetricsQuery } from "./query.ts";

const SERVER_STATES = ["DOWN", "UP", "MAINT", "DRAIN", "NOLB"] as const;
const LISTENER_STATES = ["WAITING", "OPEN", "FULL"] as const;
const CHECK_STATES =
  "HANA SOCKERR L4OK L4TOUT L4CON L6OK L6TOUT L6RSP L7TOUT L7RSP L7OK L7OKC L7STS PROCERR PROCTOUT PROCOK".split(" ");
const CODES = ["1xx", "2xx", "3xx", "4xx", "5xx", "other"] as const;

const BAD_REQUEST = "<html><body><h1>400 Bad request</h1>\nYour browser sent an invalid request.\n</body></html>\n\n";

export interface ExporterOptions {
  readonly plan: Plan;
  readonly shared: SharedState;
  readonly statistics: Statistics;
  readonly facts: ProcessFacts;
  readonly resolutions: Pick<ServerResolutions, "sections">;
}

type Labels = Readonly<Record<string, string>>;

export class PrometheusExporter {
  readonly #options: ExporterOptions;

  constructor(options: ExporterOptions) {
    this.#options = options;
  }

  answer(question: WorkerQuestion): WorkerAnswer {
    const query = parseMetricsQuery(question.uri);
    const text = (status: number, type: string, body: string): WorkerAnswer => ({
      status,
      headers: [
        ["cache-control", "no-cache"],
        ["content-type", type],
      ],
      body: Buffer.from(body),
    });
    if (query === null) return text(400, "text/html", BAD_REQUEST);
    return text(200, "text/plain; version=0.0.4", this.text(query));
  }

  text(query: MetricsQuery): string {
    const writer = new MetricWriter(query);
    const { statistics, shared } = this.#options;
    const { scopes } = query;
    if (scopes.has("global")) this.#process(writer, query);
    const rows = statistics.rows(query.noMaintenance ? { hide: "maintenance" } : {});
    const kinds: readonly (readonly [RowKind, readonly RowMetric[]])[] = [
      ["frontend", FRONTEND_METRICS],
      ["listener", LISTENER_METRICS],
      ["backend", BACKEND_METRICS],
      ["server", SERVER_METRICS],
    ];
    for (const [kind, metrics] of kinds) {
      if (!scopes.has(kind)) continue;
      const own = rows.filter((row) => row.kind === kind);
      for (const metric of metrics) this.#row(writer, kind, metric, own, query);
      if (query.extraCounters) this.#extra(writer, kind, own, query);
    }
    if (scopes.has("sticktable")) {
      const tables = shared.stickTables.tables;
      const samples = (value: (table: (typeof tables)[number]) => number) =>
        tables.map((table): Sample => [{ name: table.plan.name, type: table.plan.keyType }, value(table)]);
      writer.write(
        "haproxy_sticktable_size",
        "gauge",
        "Most entries of the stick-table",
        samples(({ plan }) => plan.size),
      );
      writer.write(
        "haproxy_sticktable_used",
        "gauge",
        "Entries of the stick-table",
        samples(({ count }) => count),
      );
    }
    if (scopes.has("resolver")) this.#resolvers(writer);
    for (const kind of ["frontend", "backend", "server"] as const) {
      if (scopes.has(kind))
        this.#histograms(
          writer,
          kind,
          rows.filter((row) => row.kind === kind),
          query,
        );
    }
    return writer.text;
  }

  /** What was asked of nameservers, and what became of it. */
  #resolvers(writer: MetricWriter): void {
    const nameservers = this.#options.resolutions.sections.flatMap(({ name: resolver, nameservers: own }) =>
      own.map(({ plan, counters }) => ({ labels: { resolver, nameserver: plan.name }, counters })),
    );
    for (const [name, counter, help] of RESOLVER_METRICS) {
      const samples = nameservers.map(({ labels, counters }): Sample => [labels, counters[counter]]);
      writer.write(`haproxy_resolver_${name}`, "gauge", help, samples);
    }
  }

  #process(writer: MetricWriter, { descriptionLabels }: MetricsQuery): void {
    const { statistics, plan } = this.#options;
    const fields = new Map(statistics.info().map((field): [string, InfoField] => [field.name, field]));
    const { description } = plan.global;
    const labels: Labels = descriptionLabels && description !== null ? { desc: description } : {};
    for (const [name, type, field] of PROCESS_METRICS) {
      const value = fields.get(field)?.value;
      const text = PROCESS_TEXTS.get(name);
      const metric = `haproxy_process_${name}`;
      if (text === undefined) writer.write(metric, type, describeInfo(field), [[labels, Number(value ?? 0)]]);
      else if (value !== undefined) {
        writer.write(metric, type, describeInfo(field), [[{ ...labels, [text.label]: String(value) }, 1]]);
      }
    }
  }

  #row(writer: MetricWriter, kind: RowKind, metric: RowMetric, rows: readonly StatRow[], query: MetricsQuery): void {
    const [name, type, source] = metric;
    const full = `haproxy_${kind}_${name}`;
    if (!writer.wants(full)) return;
    if (typeof source === "object") {
      const samples = rows.flatMap((row) => this.#special(source.special, row, labelsOf(row, query)));
      // One code after the other, as HAProxy has them, and not row by row.
      if (source.special === "responses") samples.sort((a, b) => codeOf(a) - codeOf(b));
      writer.write(full, type, SPECIAL_HELP[source.special], samples);
      return;
    }
    const samples = rows.flatMap((row): Sample[] => {
      const value = row.values[source];
      const isCheck = source === "check_code" || source === "check_duration";
      if (isCheck && row.values.check_status === undefined) return [];
      if (isHttp(source) && row.proxy.mode !== "http") return [];
      const number = value === undefined ? (isCheck ? 0 : Number.NaN) : Number(value);
      return [[labelsOf(row, query), metric[3] === "ms" ? (number / 1000).toFixed(6) : number]];
    });
    writer.write(full, type, describeColumn(source), samples);
  }

  #special(special: Special, row: StatRow, labels: Labels): Sample[] {
    const { values } = row;
    const states = (names: readonly string[], current: (name: string) => number): Sample[] =>
      names.map((state): Sample => [{ ...labels, state }, current(state)]);
    switch (special) {
      case "responses":
        if (row.proxy.mode !== "http") return [];
        return CODES.map((code): Sample => [{ ...labels, code }, Number(values[`hrsp_${code}`] ?? 0)]);
      case "status": {
        const state = stateOf(String(values.status));
        if (row.kind === "listener") return states(LISTENER_STATES, (name) => Number(name === String(values.status)));
        const names = row.kind === "server" ? SERVER_STATES : SERVER_STATES.slice(0, 2);
        return states(names, (name) => Number(name === state));
      }
      case "check_status": {
        if (values.check_status === undefined) return [];
        const current = String(values.check_status).replace(/^\* /, "");
        return states(CHECK_STATES, (name) => Number(name === current));
      }
      case "agg_server_status":
      case "agg_check_status": {
        const { servers } = row.proxy.backend ?? { servers: [] };
        if (servers.length === 0) return [];
        return special === "agg_server_status"
          ? states(SERVER_STATES, (name) => servers.filter((server) => this.#serverState(server) === name).length)
          : states(CHECK_STATES, (name) => servers.filter((server) => this.#checkState(server) === name).length);
      }
    }
  }

  #serverState(server: number): string {
    return stateOf(this.#options.statistics.statusOf(server));
  }

  #checkState(server: number): string {
    const { shared, plan } = this.#options;
    if (plan.servers[server]?.check === null) return "";
    return checkStatusName(shared.words[shared.serverAt(server) + SERVER.checkStatus]);
  }

  /** Counters of modules (HTTP/1, HTTP/2, TLS), with the module as a label. */
  #extra(writer: MetricWriter, kind: RowKind, rows: readonly StatRow[], query: MetricsQuery): void {
    for (const { name } of COLUMNS.slice(MODULE_COLUMNS_AT)) {
      const samples = rows.flatMap((row): Sample[] => {
        const value = row.values[name];
        return value === undefined
          ? []
          : [[{ ...labelsOf(row, query), mod: name.slice(0, name.indexOf("_")) }, Number(value)]];
      });
      writer.write(
        `haproxy_${kind}_${name}`,
        name.includes("_open_") ? "gauge" : "counter",
        describeColumn(name),
        samples,
      );
    }
  }

  /** Latencies, under names of our own: HAProxy has averages only. */
  #histograms(
    writer: MetricWriter,
    kind: "frontend" | "backend" | "server",
    rows: readonly StatRow[],
    query: MetricsQuery,
  ): void {
    const { latencies } = this.#options.statistics;
    for (const time of LATENCY_KINDS) {
      const name = `haproxy_${kind}_${time}_time_seconds`;
      if (!writer.wants(name)) continue;
      const lines = rows.flatMap(({ kind: _, ...row }) => {
        const index = row.server?.index ?? row.proxy.index;
        const labels = labelsOf({ kind, ...row }, query);
        return histogramLines(name, labels, latencies[kind](index, time));
      });
      writer.writeLines(name, "histogram", LATENCY_HELP[time], lines);
    }
  }
}

const LATENCY_HELP: Readonly<Record<LatencyKind, string>> = {
  queue: "Time that streams waited in the queue",
  connect: "Time to connect to a server",
  response: "Time until the response's head",
  total: "Time of whole streams",
};

/** Upper ends of buckets, seconds. */
const LATENCY_ENDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

function histogramLines(name: string, labels: Labels, histogram: LatencyHistogram): string[] {
  const buckets = LATENCY_ENDS.map((end) => [String(end), histogram.countAtMost(Math.round(end * 1e6))] as const);
  return [
    ...[...buckets, ["+Inf", histogram.count] as const].map(
      ([le, count]) => `${name}_bucket${labelText({ ...labels, le })} ${count}`,
    ),
    `${name}_sum${labelText(labels)} ${(histogram.sumUs / 1e6).toFixed(6)}`,
    `${name}_count${labelText(labels)} ${histogram.count}`,
  ];
}

type Sample = readonly [labels: Labels, value: number | string];

const SPECIAL_HELP: Readonly<Record<Special, string>> = {
  status: "1 for the state that it is in, 0 for the others",
  responses: "HTTP responses by class of their status",
  check_status: "1 for the outcome of the last health check, 0 for the others",
  agg_server_status: "Servers by state",
  agg_check_status: "Servers by outcome of their last health check",
};

function codeOf([labels]: Sample): number {
  return (CODES as readonly (string | undefined)[]).indexOf(labels["code"]);
}

const HTTP_ONLY = /^(req_rate|req_tot|intercepted|cache_|comp_rsp$)/;

function isHttp(column: string): boolean {
  return HTTP_ONLY.test(column);
}

/** `UP 1/3`, `no check`, `MAINT (via x)` … as the exporter's five words. */
function stateOf(status: string): string {
  if (status === "no check" || status.startsWith("UP") || status === "OPEN" || status === "PAUSED" || status === "FULL")
    return "UP";
  if (status.startsWith("MAINT")) return "MAINT";
  if (status.startsWith("DRAIN")) return "DRAIN";
  return status.startsWith("NOLB") ? "NOLB" : "DOWN";
}

function labelsOf({ kind, proxy, values }: StatRow, { descriptionLabels }: MetricsQuery): Labels {
  const labels: Record<string, string> = { proxy: proxy.name };
  if (kind === "server") labels["server"] = String(values.svname);
  if (kind === "listener") labels["listener"] = String(values.svname);
  if (descriptionLabels && proxy.description !== null) labels["desc"] = proxy.description;
  return labels;
}

class MetricWriter {
  text = "";
  readonly #query: MetricsQuery;

  constructor(query: MetricsQuery) {
    this.#query = query;
  }

  wants(name: string): boolean {
    const { only, without } = this.#query;
    return !without.has(name) && (only === null || only.has(name));
  }

  write(name: string, type: MetricType, help: string, samples: readonly Sample[]): void {
    if (!this.wants(name)) return;
    this.writeLines(
      name,
      type,
      help,
      samples.map(([labels, value]) => `${name}${labelText(labels)} ${value}`),
    );
  }

  /** Nothing is written for a metric without samples. */
  writeLines(name: string, type: MetricType | "histogram", help: string, lines: readonly string[]): void {
    if (lines.length === 0) return;
    this.text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("\n")}\n`;
  }
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
