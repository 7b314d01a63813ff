// The columns of `show stat` and of the statistics page's CSV: HAProxy 3.2's, in its order, with the types and tags of `typed` and `json`.
//
// Many readers index by position (17 status, 32 type, 36 check_status …), so nothing may ever be inserted. 2.6 has the same columns up
// to agg_check_status; the ones after that came with 2.7 to 3.2.

/** How a value is typed in `show stat typed`. */
export type ColumnType = "str" | "u32" | "s32" | "u64";

/** Three letters: origin (Metric, Status, Key, Config), nature (Gauge, Counter, Max, Rate …), scope (Process, Service). */
export type Tags = string;

// biome-ignore format: three columns of the manual to a line read better than one
const TABLE = [
  ["pxname", "str", "KNS"], ["svname", "str", "KNS"], ["qcur", "u32", "MGP"], ["qmax", "u32", "MMP"],
  ["scur", "u32", "MGP"], ["smax", "u32", "MMP"], ["slim", "u32", "CLP"], ["stot", "u64", "MCP"],
  ["bin", "u64", "MCP"], ["bout", "u64", "MCP"], ["dreq", "u64", "MCP"], ["dresp", "u64", "MCP"],
  ["ereq", "u64", "MCP"], ["econ", "u64", "MCP"], ["eresp", "u64", "MCP"], ["wretr", "u64", "MCP"],
  ["wredis", "u64", "MCP"], ["status", "str", "SGP"], ["weight", "u32", "MaP"], ["act", "u32", "SGP"],
  ["bck", "u32", "SGP"], ["chkfail", "u64", "MCP"], ["chkdown", "u64", "MCP"], ["lastchg", "u32", "MAP"],
  ["downtime", "u32", "MCP"], ["qlimit", "u32", "CGS"], ["pid", "u32", "KGP"], ["iid", "u32", "KGS"],
  ["sid", "u32", "KGS"], ["throttle", "u32", "MaP"], ["lbtot", "u64", "MCP"], ["tracked", "str", "CNS"],
  ["type", "u32", "CGS"], ["rate", "u32", "MRP"], ["rate_lim", "u32", "CLP"], ["rate_max", "u32", "MMP"],
  ["check_status", "str", "MOP"], ["check_code", "u32", "MOP"], ["check_duration", "u64", "MDP"],
  ["hrsp_1xx", "u64", "MCP"], ["hrsp_2xx", "u64", "MCP"], ["hrsp_3xx", "u64", "MCP"], ["hrsp_4xx", "u64", "MCP"],
  ["hrsp_5xx", "u64", "MCP"], ["hrsp_other", "u64", "MCP"], ["hanafail", "u64", "MCP"], ["req_rate", "u32", "MRP"],
  ["req_rate_max", "u32", "MMP"], ["req_tot", "u64", "MCP"], ["cli_abrt", "u64", "MCP"],
  ["srv_abrt", "u64", "MCP"], ["comp_in", "u64", "MCP"], ["comp_out", "u64", "MCP"], ["comp_byp", "u64", "MCP"],
  ["comp_rsp", "u64", "MCP"], ["lastsess", "s32", "MAP"], ["last_chk", "str", "MOP"], ["last_agt", "str", "MOP"],
  ["qtime", "u32", "MaP"], ["ctime", "u32", "MaP"], ["rtime", "u32", "MaP"], ["ttime", "u32", "MaP"],
  ["agent_status", "str", "MOP"], ["agent_code", "u32", "MOP"], ["agent_duration", "u64", "MDP"],
  ["check_desc", "str", "MOP"], ["agent_desc", "str", "MOP"], ["check_rise", "u32", "CGS"],
  ["check_fall", "u32", "CGS"], ["check_health", "u32", "CGS"], ["agent_rise", "u32", "CGS"],
  ["agent_fall", "u32", "CGS"], ["agent_health", "u32", "CGS"], ["addr", "str", "CGS"], ["cookie", "str", "CNS"],
  ["mode", "str", "CGS"], ["algo", "str", "CGS"], ["conn_rate", "u32", "MRP"], ["conn_rate_max", "u32", "MMP"],
  ["conn_tot", "u64", "MCP"], ["intercepted", "u64", "MCP"], ["dcon", "u64", "MCP"], ["dses", "u64", "MCP"],
  ["wrew", "u64", "MCP"], ["connect", "u64", "MCP"], ["reuse", "u64", "MCP"], ["cache_lookups", "u64", "MCP"],
  ["cache_hits", "u64", "MCP"], ["srv_icur", "u32", "MGP"], ["src_ilim", "u32", "CLP"],
  ["qtime_max", "u32", "MMP"], ["ctime_max", "u32", "MMP"], ["rtime_max", "u32", "MMP"],
  ["ttime_max", "u32", "MMP"], ["eint", "u64", "MCP"], ["idle_conn_cur", "u32", "MGP"],
  ["safe_conn_cur", "u32", "MGP"], ["used_conn_cur", "u32", "MGP"], ["need_conn_est", "u32", "MGP"],
  ["uweight", "u32", "MaP"], ["agg_server_status", "u32", "MGP"], ["agg_server_check_status", "u32", "MGP"],
  ["agg_check_status", "u32", "MGP"], ["srid", "u32", "MCP"], ["sess_other", "u64", "MCP"],
  ["h1sess", "u64", "MCP"], ["h2sess", "u64", "MCP"], ["h3sess", "u64", "MCP"], ["req_other", "u64", "MCP"],
  ["h1req", "u64", "MCP"], ["h2req", "u64", "MCP"], ["h3req", "u64", "MCP"], ["proto", "str", "SGP"],
  ["priv_idle_cur", "u32", "MGP"], ["reqbin", "u64", "MCP"], ["reqbout", "u64", "MCP"], ["resbin", "u64", "MCP"],
  ["resbout", "u64", "MCP"],
  // Here a "-" stands in the header: what comes behind it are the counters of HAProxy's modules (TLS, HTTP/2, HTTP/1).
  ["ssl_sess", "u64", "MCP"], ["ssl_reused_sess", "u64", "MCP"], ["ssl_failed_handshake", "u64", "MCP"],
  ["ssl_ocsp_staple", "u64", "MCP"], ["ssl_failed_ocsp_staple", "u64", "MCP"], ["h2_headers_rcvd", "u64", "MCP"],
  ["h2_data_rcvd", "u64", "MCP"], ["h2_settings_rcvd", "u64", "MCP"], ["h2_rst_stream_rcvd", "u64", "MCP"],
  ["h2_goaway_rcvd", "u64", "MCP"], ["h2_detected_conn_protocol_errors", "u64", "MCP"],
  ["h2_detected_strm_protocol_errors", "u64", "MCP"], ["h2_rst_stream_resp", "u64", "MCP"],
  ["h2_goaway_resp", "u64", "MCP"], ["h2_open_connections", "u64", "MGP"],
  ["h2_backend_open_streams", "u64", "MGP"], ["h2_total_connections", "u64", "MCP"],
  ["h2_backend_total_streams", "u64", "MCP"], ["h1_open_connections", "u64", "MGP"],
  ["h1_open_streams", "u64", "MGP"], ["h1_total_connections", "u64", "MCP"], ["h1_total_streams", "u64", "MCP"],
  ["h1_bytes_in", "u64", "MCP"], ["h1_bytes_out", "u64", "MCP"], ["h1_spliced_bytes_in", "u64", "MCP"],
  ["h1_spliced_bytes_out", "u64", "MCP"],
  // Ours: percentiles of times, in microseconds, since the start or the last clearing of counters.
  ["qtime_p50_us", "u64", "MDP"], ["qtime_p90_us", "u64", "MDP"], ["qtime_p99_us", "u64", "MDP"], ["qtime_p999_us", "u64", "MDP"],
  ["ctime_p50_us", "u64", "MDP"], ["ctime_p90_us", "u64", "MDP"], ["ctime_p99_us", "u64", "MDP"], ["ctime_p999_us", "u64", "MDP"],
  ["rtime_p50_us", "u64", "MDP"], ["rtime_p90_us", "u64", "MDP"], ["rtime_p99_us", "u64", "MDP"], ["rtime_p999_us", "u64", "MDP"],
  ["ttime_p50_us", "u64", "MDP"], ["ttime_p90_us", "u64", "MDP"], ["ttime_p99_us", "u64", "MDP"], ["ttime_p999_us", "u64", "MDP"],
] as const satisfies readonly (readonly [string, ColumnType, Tags])[];

export type ColumnName = (typeof TABLE)[number][0];

export interface Column {
  readonly name: ColumnName;
  readonly type: ColumnType;
  readonly tags: Tags;
}

export const COLUMNS: readonly Column[] = TABLE.map(([name, type, tags]) => ({ name, type, tags }));

/** Index of the first column that belongs to a module; in CSV a "-" comes before it. */
export const MODULE_COLUMNS_AT = COLUMNS.findIndex(({ name }) => name === "ssl_sess");

/** The four kinds of rows, with their letter in `typed`, their `type` column and their name in JSON. */
export const ROW_KIND = {
  frontend: { letter: "F", type: 0, objectType: "Frontend" },
  backend: { letter: "B", type: 1, objectType: "Backend" },
  server: { letter: "S", type: 2, objectType: "Server" },
  listener: { letter: "L", type: 3, objectType: "Listener" },
} as const;
export type RowKind = keyof typeof ROW_KIND;

/** What differs between kinds of rows: a backend's counts are measured, a server's are its state. */
export function tagsOf(column: Column, kind: RowKind): Tags {
  if (kind === "backend" && (column.name === "act" || column.name === "bck" || column.name === "rate_max"))
    return "MGP";
  return column.tags;
}
