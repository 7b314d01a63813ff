// Rows of statistics as text: CSV, `typed` and JSON, each as HAProxy writes it.

import { COLUMNS, MODULE_COLUMNS_AT, ROW_KIND, type Tags, tagsOf } from "./columns.ts";
import { describeColumn } from "./descriptions.ts";
import type { StatRow } from "./stat-row.ts";

/** Header and rows; every line ends with a comma, the header begins with "# ". */
export function csvText(rows: readonly StatRow[]): string {
  const names = COLUMNS.map(({ name }) => name as string);
  const lines = [`# ${withDash(names)}`];
  for (const { values } of rows) lines.push(withDash(COLUMNS.map(({ name }) => csvCell(values[name]))));
  return `${lines.join("\n")}\n`;
}

function withDash(cells: readonly string[]): string {
  return `${[...cells.slice(0, MODULE_COLUMNS_AT), "-", ...cells.slice(MODULE_COLUMNS_AT)].join(",")},`;
}

/** Quoted as in RFC 4180 when it has to be. */
function csvCell(value: string | number | undefined): string {
  if (value === undefined) return "";
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** `S.3.1.4.scur.1:MGP:u32:0`: kind, proxy, id, position, name, process, tags, type, value. */
export function typedText(rows: readonly StatRow[], describe = false): string {
  let text = "";
  for (const { kind, values } of rows) {
    COLUMNS.forEach((column, position) => {
      const value = values[column.name];
      if (value === undefined) return;
      const id = `${ROW_KIND[kind].letter}.${values.iid}.${values.sid}.${position}.${column.name}.1`;
      text += `${id}:${tagsOf(column, kind)}:${column.type}:${value}${describe ? `:"${describeColumn(column.name)}"` : ""}\n`;
    });
  }
  return text;
}

export function jsonText(rows: readonly StatRow[]): string {
  const objects = rows.map(({ kind, values }) =>
    COLUMNS.flatMap((column, position) => {
      const value = values[column.name];
      if (value === undefined) return [];
      const { objectType } = ROW_KIND[kind];
      const object = { objType: objectType, proxyId: values.iid, id: values.sid };
      return [{ ...object, ...jsonField(position, column.name, tagsOf(column, kind), column.type, value) }];
    }),
  );
  return `${JSON.stringify(objects)}\n`;
}

const ORIGINS: Readonly<Record<string, string>> = {
  M: "Metric",
  S: "Status",
  K: "Key",
  C: "Config",
  P: "Product",
};
const NATURES: Readonly<Record<string, string>> = {
  G: "Gauge",
  L: "Limit",
  m: "Min",
  M: "Max",
  R: "Rate",
  C: "Counter",
  D: "Duration",
  A: "Age",
  T: "Time",
  N: "Name",
  O: "Output",
  a: "Avg",
};
/** For the schema. */
export const ORIGIN_NAMES = Object.values(ORIGINS);
export const NATURE_NAMES = Object.values(NATURES);
const SCOPES: Readonly<Record<string, string>> = { C: "Cluster", P: "Process", S: "Service", M: "System" };

export const SCOPE_NAMES = Object.values(SCOPES);

/** One field as `show stat json` and `show info json` write it. */
export function jsonField(position: number, name: string, tags: Tags, type: string, value: string | number) {
  return {
    field: { pos: position, name },
    processNum: 1,
    tags: { origin: ORIGINS[tags[0]], nature: NATURES[tags[1]], scope: SCOPES[tags[2]] },
    value: { type, value },
  };
}
