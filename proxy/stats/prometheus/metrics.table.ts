// Which metrics there are: names, types and what each one is read from. Names and their order are HAProxy's exporter's, so that dashboards and
// alerts made for it work; our own (histograms, exporter.ts) have names that it does not use.

import type { NameserverCounter } from "../../control/resolvers/nameserver.ts";
import type { ColumnName } from "../columns.ts";
import type { InfoName } from "../info.ts";

export type MetricType = "gauge" | "counter";

/** `haproxy_process_<name>`: a field of `show info`. */
export type ProcessMetric = readonly [name: string, type: MetricType, field: InfoName];

/** Labels whose value is the text; the sample is 1. */
export const PROCESS_TEXTS: ReadonlyMap<string, { readonly label: string; readonly field: InfoName }> = new Map([
  ["node", { label: "node", field: "node" }],
  ["description", { label: "desc", field: "description" }],
  ["build_info", { label: "version", field: "Version" }],
]);

/** Metrics that have one line per state or code; written by exporter.ts. */
export type Special = "status" | "responses" | "check_status" | "agg_server_status" | "agg_check_status";

/** `haproxy_<scope>_<name>`: a column of `show stat`; `ms`: milliseconds that are told as seconds. */
export type RowMetric =
  | readonly [name: string, type: MetricType, column: ColumnName]
  | readonly [name: string, type: MetricType, column: ColumnName, unit: "ms"]
  | readonly [name: string, type: MetricType, special: { readonly special: Special }];

// biome-ignore format: a table
export const PROCESS_METRICS: readonly ProcessMetric[] = [
  ["nbthread", "gauge", "Nbthread"], ["nbproc", "gauge", "Nbproc"], ["relative_process_id", "gauge", "Process_num"],
  ["uptime_seconds", "gauge", "Uptime_sec"], ["pool_failures_total", "counter", "PoolFailed"],
  ["max_fds", "gauge", "Ulimit-n"], ["max_sockets", "gauge", "Maxsock"], ["max_connections", "gauge", "Maxconn"],
  ["hard_max_connections", "gauge", "Hard_maxconn"], ["current_connections", "gauge", "CurrConns"],
  ["connections_total", "counter", "CumConns"], ["requests_total", "counter", "CumReq"],
  ["max_ssl_connections", "gauge", "MaxSslConns"], ["current_ssl_connections", "gauge", "CurrSslConns"],
  ["ssl_connections_total", "counter", "CumSslConns"], ["max_pipes", "gauge", "Maxpipes"],
  ["pipes_used_total", "counter", "PipesUsed"], ["pipes_free_total", "counter", "PipesFree"],
  ["current_connection_rate", "gauge", "ConnRate"], ["limit_connection_rate", "gauge", "ConnRateLimit"],
  ["max_connection_rate", "gauge", "MaxConnRate"], ["current_session_rate", "gauge", "SessRate"],
  ["limit_session_rate", "gauge", "SessRateLimit"], ["max_session_rate", "gauge", "MaxSessRate"],
  ["current_ssl_rate", "gauge", "SslRate"], ["limit_ssl_rate", "gauge", "SslRateLimit"],
  ["max_ssl_rate", "gauge", "MaxSslRate"], ["current_frontend_ssl_key_rate", "gauge", "SslFrontendKeyRate"],
  ["max_frontend_ssl_key_rate", "gauge", "SslFrontendMaxKeyRate"],
  ["frontend_ssl_reuse", "gauge", "SslFrontendSessionReuse_pct"],
  ["current_backend_ssl_key_rate", "gauge", "SslBackendKeyRate"],
  ["max_backend_ssl_key_rate", "gauge", "SslBackendMaxKeyRate"], ["ssl_cache_lookups_total", "counter", "SslCacheLookups"],
  ["ssl_cache_misses_total", "counter", "SslCacheMisses"], ["http_comp_bytes_in_total", "counter", "CompressBpsIn"],
  ["http_comp_bytes_out_total", "counter", "CompressBpsOut"], ["limit_http_comp", "gauge", "CompressBpsRateLim"],
  ["current_zlib_memory", "gauge", "ZlibMemUsage"], ["max_zlib_memory", "gauge", "MaxZlibMemUsage"],
  ["current_tasks", "gauge", "Tasks"], ["current_run_queue", "gauge", "Run_queue"], ["idle_time_percent", "gauge", "Idle_pct"],
  ["node", "gauge", "node"], ["description", "gauge", "description"], ["stopping", "gauge", "Stopping"],
  ["jobs", "gauge", "Jobs"], ["unstoppable_jobs", "gauge", "Unstoppable Jobs"], ["listeners", "gauge", "Listeners"],
  ["active_peers", "gauge", "ActivePeers"], ["connected_peers", "gauge", "ConnectedPeers"],
  ["dropped_logs_total", "counter", "DroppedLogs"], ["busy_polling_enabled", "gauge", "BusyPolling"],
  ["failed_resolutions", "counter", "FailedResolutions"], ["bytes_out_total", "counter", "TotalBytesOut"],
  ["spliced_bytes_out_total", "counter", "TotalSplicedBytesOut"], ["bytes_out_rate", "gauge", "BytesOutRate"],
  ["recv_logs_total", "counter", "CumRecvLogs"], ["build_info", "gauge", "Version"],
  ["max_memory_bytes", "gauge", "Memmax_bytes"], ["pool_allocated_bytes", "gauge", "PoolAlloc_bytes"],
  ["pool_used_bytes", "gauge", "PoolUsed_bytes"], ["start_time_seconds", "gauge", "Start_time_sec"],
  ["total_warnings", "counter", "TotalWarnings"],
];

// biome-ignore format: a table
export const FRONTEND_METRICS: readonly RowMetric[] = [
  ["current_sessions", "gauge", "scur"], ["max_sessions", "gauge", "smax"], ["limit_sessions", "gauge", "slim"],
  ["sessions_total", "counter", "stot"], ["bytes_in_total", "counter", "bin"], ["bytes_out_total", "counter", "bout"],
  ["requests_denied_total", "counter", "dreq"], ["responses_denied_total", "counter", "dresp"],
  ["request_errors_total", "counter", "ereq"], ["status", "gauge", { special: "status" }],
  ["current_session_rate", "gauge", "rate"], ["limit_session_rate", "gauge", "rate_lim"],
  ["max_session_rate", "gauge", "rate_max"], ["http_responses_total", "counter", { special: "responses" }],
  ["http_requests_rate_max", "gauge", "req_rate_max"], ["http_requests_total", "counter", "req_tot"],
  ["http_comp_bytes_in_total", "counter", "comp_in"], ["http_comp_bytes_out_total", "counter", "comp_out"],
  ["http_comp_bytes_bypassed_total", "counter", "comp_byp"], ["http_comp_responses_total", "counter", "comp_rsp"],
  ["connections_rate_max", "gauge", "conn_rate_max"], ["connections_total", "counter", "conn_tot"],
  ["intercepted_requests_total", "counter", "intercepted"], ["denied_connections_total", "counter", "dcon"],
  ["denied_sessions_total", "counter", "dses"], ["failed_header_rewriting_total", "counter", "wrew"],
  ["http_cache_lookups_total", "counter", "cache_lookups"], ["http_cache_hits_total", "counter", "cache_hits"],
  ["internal_errors_total", "counter", "eint"], ["req_bytes_in_total", "counter", "reqbin"],
  ["req_bytes_out_total", "counter", "reqbout"], ["res_bytes_in_total", "counter", "resbin"],
  ["res_bytes_out_total", "counter", "resbout"],
];

// biome-ignore format: a table
export const LISTENER_METRICS: readonly RowMetric[] = [
  ["current_sessions", "gauge", "scur"], ["max_sessions", "gauge", "smax"], ["limit_sessions", "gauge", "slim"],
  ["sessions_total", "counter", "stot"], ["bytes_in_total", "counter", "bin"], ["bytes_out_total", "counter", "bout"],
  ["requests_denied_total", "counter", "dreq"], ["responses_denied_total", "counter", "dresp"],
  ["request_errors_total", "counter", "ereq"], ["status", "gauge", { special: "status" }],
  ["connections_total", "counter", "conn_tot"], ["denied_connections_total", "counter", "dcon"],
  ["denied_sessions_total", "counter", "dses"], ["failed_header_rewriting_total", "counter", "wrew"],
  ["internal_errors_total", "counter", "eint"], ["req_bytes_in_total", "counter", "reqbin"],
  ["req_bytes_out_total", "counter", "reqbout"], ["res_bytes_in_total", "counter", "resbin"],
  ["res_bytes_out_total", "counter", "resbout"],
];

// biome-ignore format: a table
export const BACKEND_METRICS: readonly RowMetric[] = [
  ["current_queue", "gauge", "qcur"], ["max_queue", "gauge", "qmax"], ["current_sessions", "gauge", "scur"],
  ["max_sessions", "gauge", "smax"], ["limit_sessions", "gauge", "slim"], ["sessions_total", "counter", "stot"],
  ["bytes_in_total", "counter", "bin"], ["bytes_out_total", "counter", "bout"], ["requests_denied_total", "counter", "dreq"],
  ["responses_denied_total", "counter", "dresp"], ["connection_errors_total", "counter", "econ"],
  ["response_errors_total", "counter", "eresp"], ["retry_warnings_total", "counter", "wretr"],
  ["redispatch_warnings_total", "counter", "wredis"], ["status", "gauge", { special: "status" }],
  ["weight", "gauge", "weight"], ["active_servers", "gauge", "act"], ["backup_servers", "gauge", "bck"],
  ["check_up_down_total", "counter", "chkdown"], ["check_last_change_seconds", "gauge", "lastchg"],
  ["downtime_seconds_total", "gauge", "downtime"], ["loadbalanced_total", "counter", "lbtot"],
  ["current_session_rate", "gauge", "rate"], ["max_session_rate", "gauge", "rate_max"],
  ["http_responses_total", "counter", { special: "responses" }], ["http_requests_total", "counter", "req_tot"],
  ["client_aborts_total", "counter", "cli_abrt"], ["server_aborts_total", "counter", "srv_abrt"],
  ["http_comp_bytes_in_total", "counter", "comp_in"], ["http_comp_bytes_out_total", "counter", "comp_out"],
  ["http_comp_bytes_bypassed_total", "counter", "comp_byp"], ["http_comp_responses_total", "counter", "comp_rsp"],
  ["last_session_seconds", "gauge", "lastsess"], ["queue_time_average_seconds", "gauge", "qtime", "ms"],
  ["connect_time_average_seconds", "gauge", "ctime", "ms"], ["response_time_average_seconds", "gauge", "rtime", "ms"],
  ["total_time_average_seconds", "gauge", "ttime", "ms"], ["failed_header_rewriting_total", "counter", "wrew"],
  ["connection_attempts_total", "counter", "connect"], ["connection_reuses_total", "counter", "reuse"],
  ["http_cache_lookups_total", "counter", "cache_lookups"], ["http_cache_hits_total", "counter", "cache_hits"],
  ["max_queue_time_seconds", "gauge", "qtime_max", "ms"], ["max_connect_time_seconds", "gauge", "ctime_max", "ms"],
  ["max_response_time_seconds", "gauge", "rtime_max", "ms"], ["max_total_time_seconds", "gauge", "ttime_max", "ms"],
  ["internal_errors_total", "counter", "eint"], ["uweight", "gauge", "uweight"],
  ["agg_server_status", "gauge", { special: "agg_server_status" }],
  ["agg_server_check_status", "gauge", { special: "agg_server_status" }],
  ["agg_check_status", "gauge", { special: "agg_check_status" }], ["req_bytes_in_total", "counter", "reqbin"],
  ["req_bytes_out_total", "counter", "reqbout"], ["res_bytes_in_total", "counter", "resbin"],
  ["res_bytes_out_total", "counter", "resbout"],
];

// biome-ignore format: a table
export const SERVER_METRICS: readonly RowMetric[] = [
  ["current_queue", "gauge", "qcur"], ["max_queue", "gauge", "qmax"], ["current_sessions", "gauge", "scur"],
  ["max_sessions", "gauge", "smax"], ["limit_sessions", "gauge", "slim"], ["sessions_total", "counter", "stot"],
  ["bytes_in_total", "counter", "bin"], ["bytes_out_total", "counter", "bout"], ["responses_denied_total", "counter", "dresp"],
  ["connection_errors_total", "counter", "econ"], ["response_errors_total", "counter", "eresp"],
  ["retry_warnings_total", "counter", "wretr"], ["redispatch_warnings_total", "counter", "wredis"],
  ["status", "gauge", { special: "status" }], ["weight", "gauge", "weight"], ["active", "gauge", "act"],
  ["backup", "gauge", "bck"], ["check_failures_total", "gauge", "chkfail"], ["check_up_down_total", "gauge", "chkdown"],
  ["check_last_change_seconds", "gauge", "lastchg"], ["downtime_seconds_total", "gauge", "downtime"],
  ["queue_limit", "gauge", "qlimit"], ["current_throttle", "gauge", "throttle"], ["loadbalanced_total", "counter", "lbtot"],
  ["current_session_rate", "gauge", "rate"], ["max_session_rate", "gauge", "rate_max"],
  ["check_status", "gauge", { special: "check_status" }], ["check_code", "gauge", "check_code"],
  ["check_duration_seconds", "gauge", "check_duration", "ms"], ["http_responses_total", "counter", { special: "responses" }],
  ["http_requests_total", "counter", "req_tot"], ["client_aborts_total", "counter", "cli_abrt"],
  ["server_aborts_total", "counter", "srv_abrt"], ["last_session_seconds", "gauge", "lastsess"],
  ["queue_time_average_seconds", "gauge", "qtime", "ms"], ["connect_time_average_seconds", "gauge", "ctime", "ms"],
  ["response_time_average_seconds", "gauge", "rtime", "ms"], ["total_time_average_seconds", "gauge", "ttime", "ms"],
  ["failed_header_rewriting_total", "counter", "wrew"], ["connection_attempts_total", "counter", "connect"],
  ["connection_reuses_total", "counter", "reuse"], ["idle_connections_current", "gauge", "srv_icur"],
  ["idle_connections_limit", "gauge", "src_ilim"], ["max_queue_time_seconds", "gauge", "qtime_max", "ms"],
  ["max_connect_time_seconds", "gauge", "ctime_max", "ms"], ["max_response_time_seconds", "gauge", "rtime_max", "ms"],
  ["max_total_time_seconds", "gauge", "ttime_max", "ms"], ["internal_errors_total", "counter", "eint"],
  ["unsafe_idle_connections_current", "gauge", "idle_conn_cur"], ["safe_idle_connections_current", "gauge", "safe_conn_cur"],
  ["used_connections_current", "gauge", "used_conn_cur"], ["need_connections_current", "gauge", "need_conn_est"],
  ["uweight", "gauge", "uweight"], ["private_idle_connections_current", "gauge", "priv_idle_cur"],
  ["req_bytes_in_total", "counter", "reqbin"], ["req_bytes_out_total", "counter", "reqbout"],
  ["res_bytes_in_total", "counter", "resbin"], ["res_bytes_out_total", "counter", "resbout"],
];

/** Counters of nameservers: the metric's name, ours, and HAProxy's words. */
export const RESOLVER_METRICS: readonly (readonly [name: string, counter: NameserverCounter, help: string])[] = [
  ["sent", "sent", "Sent"],
  ["send_error", "snd_error", "Send error"],
  ["valid", "valid", "Valid"],
  ["update", "update", "Update"],
  ["cname", "cname", "CNAME"],
  ["cname_error", "cname_error", "CNAME error"],
  ["any_err", "any_err", "Any errors"],
  ["nx", "nx", "NX"],
  ["timeout", "timeout", "Timeout"],
  ["refused", "refused", "Refused"],
  ["other", "other", "Other"],
  ["invalid", "invalid", "Invalid"],
  ["too_big", "too_big", "Too big"],
  ["truncated", "truncated", "Truncated"],
  ["outdated", "outdated", "Outdated"],
];
