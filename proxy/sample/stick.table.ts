// Names and signatures of what reads and counts in stick-tables: fetches `sc_http_req_rate(0)`, `sc0_…`, `src_…` and converters `table_…`. All
// of them are the same few things in three forms, so the registry is made from a list of these things. Data only, as fetches.table.ts.

/** What is read of an entry. `element`: the first argument names an element of an array. */
export interface StickReading {
  readonly name: string;
  readonly element: boolean;
  /** Also as a converter; some names lose a word there (`get_gpc0` is `table_gpc0`). */
  readonly converter: string | null;
  /** Not as `src_…`: it is about what is followed. */
  readonly trackedOnly: boolean;
}

type Row = readonly [name: string, marks?: string];

/** Marks: e element, n no converter, t of what is followed only, g the converter drops `get_`. */
// biome-ignore format: a table
const ROWS: readonly Row[] = [
  ["bytes_in_rate"], ["bytes_out_rate"], ["clr_gpc", "e"], ["clr_gpc0"], ["clr_gpc1"], ["conn_cnt"], ["conn_cur"], ["conn_rate"],
  ["get_gpc", "eg"], ["get_gpc0", "g"], ["get_gpc1", "g"], ["get_gpt", "eg"], ["get_gpt0", "g"],
  ["glitch_cnt"], ["glitch_rate"], ["gpc0_rate"], ["gpc1_rate"], ["gpc_rate", "e"],
  ["http_err_cnt"], ["http_err_rate"], ["http_fail_cnt"], ["http_fail_rate"], ["http_req_cnt"], ["http_req_rate"],
  ["inc_gpc", "e"], ["inc_gpc0"], ["inc_gpc1"], ["kbytes_in"], ["kbytes_out"], ["sess_cnt"], ["sess_rate"],
  ["tracked", "tn"], ["trackers", "t"],
];

export const STICK_READINGS: readonly StickReading[] = ROWS.map(([name, marks = ""]) => ({
  name,
  element: marks.includes("e"),
  converter: marks.includes("n") ? null : `table_${marks.includes("g") ? name.slice("get_".length) : name}`,
  trackedOnly: marks.includes("t"),
}));

/** Forms for the first counters, from times when there were only these. */
export const NUMBERED_COUNTERS = [0, 1, 2] as const;
