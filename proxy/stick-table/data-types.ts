// The data that entries of stick-tables can have (configuration.txt, stick-table), with the numbers under which peers speak of them
// (peers protocol 2.1). Data only: config/ reads `store` with it, the workers count by it.

/**
 * How a value is kept: `sint` and `uint` one word, `ull` two, `frqp` (events over a period) six, `dict` one that names a word of the
 * table's dictionary.
 */
export type DataKind = "sint" | "uint" | "ull" | "frqp" | "dict";

export interface DataType {
  readonly name: string;
  /** HAProxy's number, which peers use. */
  readonly id: number;
  readonly kind: DataKind;
  readonly isArray: boolean;
  /** Takes a period: `conn_rate(10s)`. */
  readonly hasPeriod: boolean;
  /** Of this process alone: never sent to peers. */
  readonly isLocal: boolean;
}

type Row = readonly [name: string, kind: DataKind, mark?: "array" | "local"];

/** By HAProxy's number. */
// biome-ignore format: a table
const ROWS: readonly Row[] = [
  ["server_id", "sint"],          ["gpt0", "uint"],               ["gpc0", "uint"],
  ["gpc0_rate", "frqp"],          ["conn_cnt", "uint"],           ["conn_rate", "frqp"],
  ["conn_cur", "uint", "local"],  ["sess_cnt", "uint"],           ["sess_rate", "frqp"],
  ["http_req_cnt", "uint"],       ["http_req_rate", "frqp"],      ["http_err_cnt", "uint"],
  ["http_err_rate", "frqp"],      ["bytes_in_cnt", "ull"],        ["bytes_in_rate", "frqp"],
  ["bytes_out_cnt", "ull"],       ["bytes_out_rate", "frqp"],     ["gpc1", "uint"],
  ["gpc1_rate", "frqp"],          ["server_key", "dict"],         ["http_fail_cnt", "uint"],
  ["http_fail_rate", "frqp"],     ["gpt", "uint", "array"],       ["gpc", "uint", "array"],
  ["gpc_rate", "frqp", "array"],  ["glitch_cnt", "uint"],         ["glitch_rate", "frqp"],
];

export const DATA_TYPES: readonly DataType[] = ROWS.map(([name, kind, mark], id) => ({
  ...{ name, id, kind, isArray: mark === "array", hasPeriod: kind === "frqp", isLocal: mark === "local" },
}));

export const DATA_TYPE_BY_NAME: ReadonlyMap<string, DataType> = new Map(DATA_TYPES.map((type) => [type.name, type]));

/** Words of a value. */
export const KIND_WORDS: Readonly<Record<DataKind, number>> = { sint: 1, uint: 1, ull: 2, frqp: 7, dict: 1 };

/** Most elements of an array. */
export const ARRAY_MAX = 100;
