// Results as a table for people and as JSON for later comparison.

import { cpus, release } from "node:os";
import type { Cores } from "../cores.ts";
import { type Spread, spreadOf } from "../measure/statistics.ts";
import type { Options } from "../options.ts";
import type { Entry, ScenarioResult } from "../runner.ts";
import { COLUMNS, type Column } from "./columns.ts";

/** A proxy's results in a scenario, all rounds together. */
export interface Row {
  readonly proxy: string;
  readonly metrics: Readonly<Record<string, Spread>>;
  readonly requests: number;
  readonly errors: number;
}

export interface Report {
  readonly startedAt: string;
  readonly machine: {
    readonly processor: string;
    readonly cores: number;
    readonly kernel: string;
    readonly node: string;
    readonly proxyCore: number | null;
    /** Load average of the last minute before the run: what else the machine was doing. */
    readonly loadBefore: number;
  };
  readonly options: Options;
  readonly scenarios: readonly {
    readonly name: string;
    readonly title: string;
    readonly origin: string;
    readonly rows: readonly Row[];
    readonly leftOut: ScenarioResult["leftOut"];
  }[];
}

/** When a run began, and how busy the machine was by then. */
export interface Run {
  readonly startedAt: Date;
  readonly loadBefore: number;
}

export function rowOf(entry: Entry): Row {
  const names = new Set(entry.samples.flatMap((sample) => Object.keys(sample.metrics)));
  const metrics: Record<string, Spread> = {};
  for (const name of names) {
    metrics[name] = spreadOf(entry.samples.flatMap((sample) => sample.metrics[name] ?? []));
  }
  const sum = (count: "requests" | "errors") => entry.samples.reduce((total, sample) => total + sample[count], 0);
  return { proxy: entry.proxy, metrics, requests: sum("requests"), errors: sum("errors") };
}

export function reportOf(run: Run, results: readonly ScenarioResult[], options: Options, cores: Cores): Report {
  return {
    startedAt: run.startedAt.toISOString(),
    machine: {
      ...{ processor: cpus()[0]?.model ?? "unknown", cores: cpus().length, kernel: release(), node: process.version },
      proxyCore: cores.proxy,
      loadBefore: run.loadBefore,
    },
    options,
    scenarios: results.map(({ scenario, origin, entries, leftOut }) => {
      return { name: scenario.name, title: scenario.title, origin, rows: entries.map(rowOf), leftOut };
    }),
  };
}

/** The scenario as an aligned table: medians, spreads in brackets, and the factor to the first HAProxy in it. */
export function tableOf(result: ScenarioResult): string {
  const rows = result.entries.map(rowOf);
  const columns = COLUMNS[result.scenario.kind];
  const reference = rows.find(({ proxy }) => proxy.startsWith("haproxy"));
  const lines = [
    ["", ...columns.map(({ heading }) => heading), "errors"],
    ...rows.map((row) => [row.proxy, ...columns.map((column) => cell(row, column, reference)), String(row.errors)]),
  ];
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  const text = lines.map((line) =>
    line.map((value, i) => (i === 0 ? value.padEnd(widths[i]!) : value.padStart(widths[i]!))).join("  "),
  );
  const leftOut = result.leftOut.map(({ proxy, why }) => `${proxy}: left out, ${why}`);
  return `${result.scenario.name}: ${result.scenario.title}\n${[...text, ...leftOut].map((line) => `  ${line}`).join("\n")}\n`;
}

function cell(row: Row, column: Column, reference: Row | undefined): string {
  const spread = row.metrics[column.metric];
  if (spread === undefined || Number.isNaN(spread.median)) return "-";
  const number = (value: number) => value.toFixed(column.digits);
  const range = column.spread === true && spread.rounds > 1 ? ` (${number(spread.min)}–${number(spread.max)})` : "";
  const base = reference?.metrics[column.metric]?.median;
  const ratio = column.ratio === true && base !== undefined ? ` ${(spread.median / base).toFixed(2)}×` : "";
  return `${number(spread.median)}${range}${ratio}`;
}
