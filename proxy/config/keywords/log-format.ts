// The aliases of log formats (`%ci`) and the formats that HAProxy's options stand for. Section 8.2 of the manual.

import type { Standing } from "./keyword.ts";

export interface LogAlias {
  readonly name: string;
  readonly meaning: string;
  /** `http`: has a value in mode http only; `tls`: on TLS connections only. */
  readonly restriction: "" | "http" | "tls";
  readonly standing: Standing;
  readonly remark: string;
}

/** One space between words, as HAProxy writes them (section 8.2.2 ff.). */
export const TCP_LOG_FORMAT = "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq";
export const HTTP_LOG_FORMAT =
  "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r";
export const HTTPS_LOG_FORMAT =
  `${HTTP_LOG_FORMAT} %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed] ` +
  "%[ssl_fc_sni]/%sslv/%sslc";
/** `option httplog json`: httplog's fields under the names that section 8.2.3 gives them. */
export const HTTP_JSON_LOG_FORMAT =
  "%{+json}o %(client_ip)ci %(client_port)cp %(request_date)tr %(frontend_name)ft %(backend_name)b %(server_name)s " +
  "%(TR)TR %(Tw)Tw %(Tc)Tc %(Tr)Tr %(Ta)Ta %(status_code)ST %(bytes_read)B %(captured_request_cookie)CC " +
  "%(captured_response_cookie)CS %(termination_state)tsc %(actconn)ac %(feconn)fc %(beconn)bc %(srv_conn)sc " +
  "%(retries)rc %(srv_queue)sq %(backend_queue)bq %(captured_request_headers)hr %(captured_response_headers)hs " +
  "%(http_request)r %(http_method)HM %(http_uri)HU %(http_version)HV";
export const HTTP_CLF_LOG_FORMAT =
  '%{+Q}o %{-Q}ci - - [%trg] %r %ST %B "" "" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta %tsc %ac %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl';
export const TCP_CLF_LOG_FORMAT =
  '%{+Q}o %{-Q}ci - - [%T] "TCP " 000 %B "" "" %cp %ms %ft %b %s %Th %Tw %Tc %Tt %U %ts-- %ac %fc %bc %sc %rc %sq %bq "" "" ';

type AliasRow = readonly [
  name: string,
  meaning: string,
  restriction?: "http" | "tls",
  standing?: Standing,
  remark?: string,
];

// biome-ignore format: a table
const ROWS: readonly AliasRow[] = [
  ["o", "no output: its flags hold for all items behind it"],
  // Dates
  ["T", "accept date, UTC"],
  ["Tl", "accept date, local"],
  ["Ts", "accept date, seconds since the epoch"],
  ["t", "accept date, local, with milliseconds"],
  ["ms", "milliseconds of the accept date"],
  ["tr", "request date, local, with milliseconds", "http"],
  ["trg", "request date, UTC", "http"],
  ["trl", "request date, local", "http"],
  // Timers, milliseconds
  ["Ta", "active time of the request, from its first byte to the end of the response", "http"],
  ["Tc", "time to connect to the server"],
  ["Td", "data transfer time: Tt - (Tq + Tw + Tc + Tr)"],
  ["Th", "handshake time of the connection"],
  ["Ti", "idle time before the request", "http"],
  ["Tq", "Th + Ti + TR", "http"],
  ["TR", "time to receive the request", "http"],
  ["Tr", "response time of the server", "http"],
  ["Tt", "total time"],
  ["Tu", "time as the user sees it: Tt - Ti"],
  ["Tw", "time in queues"],
  // The rest
  ["B", "bytes sent to the client"],
  ["CC", "captured request cookie", "http"],
  ["CS", "captured response cookie", "http"],
  ["H", "host name of the machine"],
  ["HM", "method", "http"],
  ["HP", "request URI without its query", "http"],
  ["HPO", "path without host and query", "http"],
  ["HQ", "query with its question mark", "http"],
  ["HU", "request URI", "http"],
  ["HV", "HTTP version", "http"],
  ["ID", "unique ID"],
  ["OG", "origin of the log line"],
  ["ST", "status"],
  ["U", "bytes received from the client"],
  ["ac", "connections of the process"],
  ["b", "backend"],
  ["bc", "connections of the backend"],
  ["bi", "source address of the connection to the server"],
  ["bp", "source port of the connection to the server"],
  ["bq", "position in the backend's queue"],
  ["ci", "client address"],
  ["cp", "client port"],
  ["f", "frontend"],
  ["fc", "connections of the frontend"],
  ["fi", "address the client connected to"],
  ["fp", "port the client connected to"],
  ["ft", "frontend, with ~ when the connection uses TLS"],
  ["hr", "captured request headers", "http"],
  ["hrl", "captured request headers, CLF", "http"],
  ["hs", "captured response headers", "http"],
  ["hsl", "captured response headers, CLF", "http"],
  ["lc", "log line counter of the frontend"],
  ["pid", "process ID"],
  ["r", "request line", "http"],
  ["rc", "connection retries, with + after a redispatch"],
  ["rt", "request counter"],
  ["s", "server"],
  ["sc", "connections of the server"],
  ["si", "server address"],
  ["sp", "server port"],
  ["sq", "position in the server's queue"],
  ["sslc", "TLS cipher", "tls"],
  ["sslv", "TLS version", "tls"],
  ["ts", "termination state, two characters"],
  ["tsc", "termination state with cookie state, four characters", "http"],
];

export const LOG_ALIASES: ReadonlyMap<string, LogAlias> = new Map(
  ROWS.map(([name, meaning, restriction, standing = "served", remark = ""]) => [
    name,
    { name, meaning, restriction: restriction ?? "", standing, remark },
  ]),
);
