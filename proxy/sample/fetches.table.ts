// The registry of sample fetches: names, arguments and types. Data only, so that config/ checks expressions against it (and derives
// suggestions and the reference page) without importing worker code. The workers' implementations stand in fetch/, keyed by `name`
// of the canonical entry; a test checks that every entry has one. Semantics: configuration.txt 7.3.

import type { SampleType } from "../plan/expression.ts";
import {
  type ArgumentCheck,
  checkBinary,
  checkDateUnit,
  checkTimeUnit,
  checkUuid,
  checkVariable,
} from "./convert/arguments.ts";
import { NUMBERED_COUNTERS, STICK_READINGS } from "./stick.table.ts";
import { TLS_ALIASES, TLS_ROWS } from "./tls.table.ts";
import { tlvType } from "./tlv-type.ts";

/**
 * Kinds of arguments and how they stand in `SamplePlan.arguments`:
 * `string` as text, `integer` as number, `backend` and `frontend` as the proxy's index, `server` as the server's index in the plan, `table` as
 * that of the stick-table.
 * `mask4` and `mask6`, numbers of bits or the masks themselves, as text.
 * An optional proxy argument that was left out is filled in by config/ with the proxy in which the expression stands.
 */
export type ArgumentKind =
  | "string"
  | "integer"
  | "backend"
  | "frontend"
  | "server"
  | "table"
  | "userlist"
  | "ipv4"
  | "ipv6"
  | "mask4"
  | "mask6";

export interface ArgumentSpec {
  readonly kind: ArgumentKind;
  readonly optional: boolean;
}

/** Where the data comes from, hence where the fetch may be used. */
export type FetchSource = "internal" | "client" | "request" | "response";

export interface FetchSignature {
  readonly name: string;
  /** The canonical name when `name` is another spelling (deprecated or short), else null. */
  readonly aliasOf: string | null;
  readonly type: SampleType;
  readonly arguments: readonly ArgumentSpec[];
  readonly source: FetchSource;
  /** In an ACL every value is tried until one matches (`hdr`); elsewhere the fetch gives one. */
  readonly iterates: boolean;
  /** Looks at arguments whose kinds are right; null: any do. */
  readonly check: ArgumentCheck | null;
}

const STRING: ArgumentSpec = { kind: "string", optional: false };
const STRING_MAYBE: ArgumentSpec = { kind: "string", optional: true };
const INTEGER: ArgumentSpec = { kind: "integer", optional: false };
const INTEGER_MAYBE: ArgumentSpec = { kind: "integer", optional: true };
const BACKEND_MAYBE: ArgumentSpec = { kind: "backend", optional: true };
const FRONTEND_MAYBE: ArgumentSpec = { kind: "frontend", optional: true };
const SERVER: ArgumentSpec = { kind: "server", optional: false };
const USERLIST: ArgumentSpec = { kind: "userlist", optional: false };
const IPV4: ArgumentSpec = { kind: "ipv4", optional: false };
const IPV6: ArgumentSpec = { kind: "ipv6", optional: false };

const HEADER_OCCURRENCE = [STRING_MAYBE, INTEGER_MAYBE];
const PARAMETER = [STRING_MAYBE, STRING_MAYBE, STRING_MAYBE];

type Row = readonly [
  name: string,
  type: SampleType,
  source: FetchSource,
  args?: readonly ArgumentSpec[],
  iterates?: "iterates",
];

// biome-ignore format: a table
const CANONICAL: readonly Row[] = [
  // 7.3.2: internal states
  ["acl",          "bool", "internal", [STRING, ...new Array<ArgumentSpec>(11).fill(STRING_MAYBE)]],
  ["act_conn",     "sint", "internal"],
  ["always_false", "bool", "internal"],
  ["always_true",  "bool", "internal"],
  ["avg_queue",    "sint", "internal", [BACKEND_MAYBE]],
  ["be_conn",      "sint", "internal", [BACKEND_MAYBE]],
  ["be_sess_rate", "sint", "internal", [BACKEND_MAYBE]],
  ["fe_req_rate",  "sint", "internal", [FRONTEND_MAYBE]],
  ["fe_sess_rate", "sint", "internal", [FRONTEND_MAYBE]],
  ["srv_sess_rate", "sint", "internal", [SERVER]],
  ["be_conn_free", "sint", "internal", [BACKEND_MAYBE]],
  ["bin",          "bin",  "internal", [STRING]],
  ["bool",         "bool", "internal", [STRING]],
  ["connslots",    "sint", "internal", [BACKEND_MAYBE]],
  ["cur_client_timeout", "sint", "internal"],
  ["cur_connect_timeout", "sint", "internal"],
  ["cur_max_retries", "sint", "internal"],
  ["cur_queue_timeout", "sint", "internal"],
  ["cur_server_timeout", "sint", "internal"],
  ["cur_tarpit_timeout", "sint", "internal"],
  ["cur_tunnel_timeout", "sint", "internal"],
  ["date",         "sint", "internal", [INTEGER_MAYBE, STRING_MAYBE]],
  ["date_us",      "sint", "internal"],
  ["env",          "str",  "internal", [STRING]],
  ["fe_conn",      "sint", "internal", [FRONTEND_MAYBE]],
  ["hostname",     "str",  "internal"],
  ["int",          "sint", "internal", [INTEGER]],
  ["internal.strm.is_htx", "bool", "internal"],
  ["ipv4",         "ipv4", "internal", [IPV4]],
  ["ipv6",         "ipv6", "internal", [IPV6]],
  ["meth",         "meth", "internal", [STRING]],
  ["last_rule_file", "str", "internal"],
  ["last_rule_line", "sint", "internal"],
  ["nbproc",       "sint", "internal"],
  ["nbsrv",        "sint", "internal", [BACKEND_MAYBE]],
  ["pid",          "sint", "internal"],
  ["proc",         "sint", "internal"],
  ["prio_class",   "sint", "internal"],
  ["prio_offset",  "sint", "internal"],
  ["queue",        "sint", "internal", [BACKEND_MAYBE]],
  ["rand",         "sint", "internal", [INTEGER_MAYBE]],
  ["srv_conn",     "sint", "internal", [SERVER]],
  ["srv_conn_free", "sint", "internal", [SERVER]],
  ["srv_is_up",    "bool", "internal", [SERVER]],
  ["srv_iweight",  "sint", "internal", [SERVER]],
  ["srv_queue",    "sint", "internal", [SERVER]],
  ["srv_uweight",  "sint", "internal", [SERVER]],
  ["srv_weight",   "sint", "internal", [SERVER]],
  ["stopping",     "bool", "internal"],
  ["str",          "str",  "internal", [STRING]],
  ["thread",       "sint", "internal"],
  ["uptime",       "sint", "internal"],
  ["uuid",         "str",  "internal", [INTEGER_MAYBE]],
  ["wait_end",     "bool", "internal"],
  ["waiting_entity", "str", "internal"],
  ["var",          "any",  "internal", [STRING, STRING_MAYBE]],
  // 7.3.3: layer 4
  ["be_id",        "sint", "internal"],
  ["be_name",      "str",  "internal"],
  ["be_connect_timeout", "sint", "internal"],
  ["be_max_retries", "sint", "internal"],
  ["be_queue_timeout", "sint", "internal"],
  ["be_server_timeout", "sint", "internal"],
  ["be_tarpit_timeout", "sint", "internal"],
  ["be_tunnel_timeout", "sint", "internal"],
  ["dst",          "addr", "client"],
  ["dst_port",     "sint", "client"],
  ["fc_pp_authority", "str", "client", [], "iterates"],
  ["fc_pp_tlv",    "str",  "client", [STRING], "iterates"],
  ["fc_pp_unique_id", "str", "client", [], "iterates"],
  ["fc_rcvd_proxy", "bool", "client"],
  ["fe_client_timeout", "sint", "internal"],
  ["fe_defbe",     "str",  "internal"],
  ["fe_id",        "sint", "internal"],
  ["fe_name",      "str",  "internal"],
  ["so_id",        "sint", "client"],
  ["so_name",      "str",  "client"],
  ["src",          "addr", "client"],
  ["src_port",     "sint", "client"],
  ["srv_id",       "sint", "internal"],
  ["srv_name",     "str",  "internal"],
  ["txn.conn_retries", "sint", "internal"],
  ["txn.redispatched", "bool", "internal"],
  // 7.3.4: TLS
  ...TLS_ROWS,
  ["accept_date",  "sint", "internal", [STRING_MAYBE]],
  ["bc.timer.connect", "sint", "internal"],
  ["bc_be_queue",  "sint", "internal"],
  ["bc_dst",       "addr", "internal"],
  ["bc_dst_port",  "sint", "internal"],
  ["bc_err",       "sint", "internal"],
  ["bc_err_name",  "str",  "internal"],
  ["bc_err_str",   "str",  "internal"],
  ["bc_glitches",  "sint", "internal"],
  ["bc_http_major", "sint", "internal"],
  ["bc_nb_streams", "sint", "internal"],
  ["bc_reused",    "bool", "internal"],
  ["bc_rtt",       "sint", "internal", [STRING_MAYBE]],
  ["bc_rttvar",    "sint", "internal", [STRING_MAYBE]],
  ["bc_src",       "addr", "internal"],
  ["bc_src_port",  "sint", "internal"],
  ["bc_srv_queue", "sint", "internal"],
  ["bytes_in",     "sint", "internal"],
  ["bytes_out",    "sint", "internal"],
  ["dst_conn",     "sint", "client"],
  ["dst_is_local", "bool", "client"],
  ["fc.timer.handshake", "sint", "internal"],
  ["fc.timer.total", "sint", "internal"],
  ["fc_dst",       "addr", "client"],
  ["fc_dst_is_local", "bool", "client"],
  ["fc_dst_port",  "sint", "client"],
  ["fc_err",       "sint", "client"],
  ["fc_err_name",  "str",  "client"],
  ["fc_err_str",   "str",  "client"],
  ["fc_fackets",   "sint", "client", [STRING_MAYBE]],
  ["fc_glitches",  "sint", "client"],
  ["fc_http_major", "sint", "client"],
  ["fc_lost",      "sint", "client", [STRING_MAYBE]],
  ["fc_nb_streams", "sint", "client"],
  ["fc_reordering", "sint", "client", [STRING_MAYBE]],
  ["fc_retrans",   "sint", "client", [STRING_MAYBE]],
  ["fc_rtt",       "sint", "client", [STRING_MAYBE]],
  ["fc_rttvar",    "sint", "client", [STRING_MAYBE]],
  ["fc_sacked",    "sint", "client", [STRING_MAYBE]],
  ["fc_src",       "addr", "client"],
  ["fc_src_is_local", "bool", "client"],
  ["fc_src_port",  "sint", "client"],
  ["fc_unacked",   "sint", "client", [STRING_MAYBE]],
  ["res.timer.data", "sint", "internal"],
  ["src_is_local", "bool", "client"],
  ["txn.id32",     "sint", "internal"],
  ["txn.sess_term_state", "str", "internal"],
  ["txn.timer.user", "sint", "internal"],
  // 7.3.5: bytes as they came
  ["req.len",      "sint", "request"],
  ["req.payload",  "bin",  "request", [INTEGER, INTEGER]],
  ["req.payload_lv", "bin", "request", [INTEGER, INTEGER, STRING_MAYBE]],
  ["req.proto_http", "bool", "request"],
  ["req.rdp_cookie", "str", "request", [STRING_MAYBE]],
  ["req.rdp_cookie_cnt", "sint", "request", [STRING_MAYBE]],
  ["res.len",      "sint", "response"],
  ["res.payload",  "bin",  "response", [INTEGER, INTEGER]],
  ["res.payload_lv", "bin", "response", [INTEGER, INTEGER, STRING_MAYBE]],
  ["unique-id",    "str",  "internal"],
  // 7.3.6: HTTP requests
  ["capture.req.hdr", "str", "request", [INTEGER]],
  ["capture.req.method", "str", "request"],
  ["capture.req.uri", "str", "request"],
  ["capture.req.ver", "str", "request"],
  ["capture.res.hdr", "str", "response", [INTEGER]],
  ["capture.res.ver", "str", "response"],
  ["http_auth",    "bool", "request", [USERLIST]],
  ["http_auth_bearer", "str", "request", [STRING_MAYBE]],
  ["http_auth_group", "str", "request", [USERLIST], "iterates"],
  ["http_auth_pass", "str", "request"],
  ["http_auth_type", "str", "request"],
  ["http_auth_user", "str", "request"],
  ["base",         "str",  "request"],
  ["base32",       "sint", "request"],
  ["base32+src",   "bin",  "request"],
  ["baseq",        "str",  "request"],
  ["method",       "meth", "request"],
  ["path",         "str",  "request"],
  ["pathq",        "str",  "request"],
  ["query",        "str",  "request", [STRING_MAYBE]],
  ["http_first_req", "bool", "request"],
  ["req.body",     "bin",  "request"],
  ["req.body_len", "sint", "request"],
  ["req.body_param", "bin", "request", [STRING_MAYBE, STRING_MAYBE], "iterates"],
  ["req.body_size", "sint", "request"],
  ["req.hdrs",     "bin",  "request"],
  ["req.hdrs_bin", "bin",  "request"],
  ["req.timer.hdr", "sint", "request"],
  ["req.timer.idle", "sint", "request"],
  ["req.timer.queue", "sint", "response"],
  ["req.timer.tq", "sint", "request"],
  ["request_date", "sint", "request", [STRING_MAYBE]],
  ["url_ip",       "ipv4", "request"],
  ["url_port",     "sint", "request"],
  ["req.cook",     "str",  "request", [STRING_MAYBE], "iterates"],
  ["req.cook_cnt", "sint", "request", [STRING_MAYBE]],
  ["req.cook_names", "str", "request", [STRING_MAYBE]],
  ["req.cook_val", "sint", "request", [STRING_MAYBE], "iterates"],
  ["req.fhdr",     "str",  "request", HEADER_OCCURRENCE, "iterates"],
  ["req.fhdr_cnt", "sint", "request", [STRING_MAYBE]],
  // Of the side whose rules ask; an ACL's `hdr` is another keyword (acl/keywords.table.ts).
  ["cookie",       "str",  "request", [STRING_MAYBE], "iterates"],
  ["hdr",          "str",  "request", HEADER_OCCURRENCE, "iterates"],
  ["req.hdr",      "str",  "request", HEADER_OCCURRENCE, "iterates"],
  ["req.hdr_cnt",  "sint", "request", [STRING_MAYBE]],
  ["req.hdr_ip",   "addr", "request", HEADER_OCCURRENCE, "iterates"],
  ["req.hdr_names", "str", "request", [STRING_MAYBE]],
  ["req.hdr_val",  "sint", "request", HEADER_OCCURRENCE, "iterates"],
  ["req.ver",      "str",  "request"],
  ["url",          "str",  "request"],
  ["url32",        "sint", "request"],
  ["url32+src",    "bin",  "request"],
  ["urlp",         "str",  "request", PARAMETER, "iterates"],
  ["urlp_val",     "sint", "request", PARAMETER, "iterates"],
  // 7.3.6: HTTP responses
  ["res.cache_hit", "bool", "response"],
  ["res.cache_name", "str", "response"],
  ["res.body",     "bin",  "response"],
  ["res.body_len", "sint", "response"],
  ["res.body_size", "sint", "response"],
  ["res.hdrs",     "bin",  "response"],
  ["res.hdrs_bin", "bin",  "response"],
  ["res.timer.hdr", "sint", "response"],
  ["txn.timer.total", "sint", "response"],
  ["res.cook",     "str",  "response", [STRING_MAYBE], "iterates"],
  ["res.cook_cnt", "sint", "response", [STRING_MAYBE]],
  ["res.cook_names", "str", "response", [STRING_MAYBE]],
  ["res.cook_val", "sint", "response", [STRING_MAYBE], "iterates"],
  ["res.fhdr",     "str",  "response", HEADER_OCCURRENCE, "iterates"],
  ["res.fhdr_cnt", "sint", "response", [STRING_MAYBE]],
  ["res.hdr",      "str",  "response", HEADER_OCCURRENCE, "iterates"],
  ["res.hdr_cnt",  "sint", "response", [STRING_MAYBE]],
  ["res.hdr_ip",   "addr", "response", HEADER_OCCURRENCE, "iterates"],
  ["res.hdr_names", "str", "response", [STRING_MAYBE]],
  ["res.hdr_val",  "sint", "response", HEADER_OCCURRENCE, "iterates"],
  ["res.ver",      "str",  "response"],
  ["status",       "sint", "response"],
  ["txn.status",   "sint", "response"],
];

const checkTlvType: ArgumentCheck = (args) =>
  tlvType(String(args[0] ?? "")) >= 0 ? null : `Invalid TLV type '${args[0]}', expected a name or a number below 256`;
/** Of stick-tables: in three forms, see stick.table.ts. */
const TABLE: ArgumentSpec = { kind: "table", optional: false };
const TABLE_MAYBE: ArgumentSpec = { kind: "table", optional: true };

function stickRows(): Row[] {
  const rows = STICK_READINGS.flatMap(({ name, element, trackedOnly }): Row[] => {
    const type = name === "tracked" ? "bool" : "sint";
    const first = element ? [INTEGER] : [];
    const numbered = element ? [] : NUMBERED_COUNTERS;
    return [
      [`sc_${name}`, type, "internal", [...first, INTEGER, TABLE_MAYBE]],
      ...numbered.map((number): Row => [`sc${number}_${name}`, type, "internal", [TABLE_MAYBE]]),
      ...(trackedOnly ? [] : [[`src_${name}`, type, "client", [...first, TABLE]] as Row]),
    ];
  });
  return [
    ...rows,
    ["sc_key", "any", "internal", [INTEGER]],
    ...NUMBERED_COUNTERS.map((number): Row => [`sc${number}_key`, "any", "internal"]),
    ["src_updt_conn_cnt", "sint", "client", [TABLE]],
    ["table_avl", "sint", "internal", [TABLE]],
    ["table_cnt", "sint", "internal", [TABLE]],
  ];
}

/** What is looked at besides the arguments' kinds. */
const CHECKS: Readonly<Record<string, ArgumentCheck>> = {
  accept_date: checkDateUnit,
  request_date: checkDateUnit,
  bin: checkBinary,
  date: checkTimeUnit,
  fc_pp_tlv: checkTlvType,
  uuid: checkUuid,
  var: checkVariable,
};

/** Other spellings, all in use in configurations. */
const ALIASES: readonly (readonly [name: string, canonical: string])[] = [
  ["payload", "req.payload"],
  ["payload_lv", "req.payload_lv"],
  ["rdp_cookie", "req.rdp_cookie"],
  ["rdp_cookie_cnt", "req.rdp_cookie_cnt"],
  ["req_len", "req.len"],
  ["req_proto_http", "req.proto_http"],
  ["cook", "req.cook"],
  ["cook_cnt", "req.cook_cnt"],
  ["cook_val", "req.cook_val"],
  ["hdr_cnt", "req.hdr_cnt"],
  ["hdr_ip", "req.hdr_ip"],
  ["hdr_val", "req.hdr_val"],
  ["req_ver", "req.ver"],
  ["url_param", "urlp"],
  ["scook", "res.cook"],
  ["scook_cnt", "res.cook_cnt"],
  ["scook_val", "res.cook_val"],
  ["server_status", "status"],
  ["shdr", "res.hdr"],
  ["shdr_cnt", "res.hdr_cnt"],
  ["shdr_ip", "res.hdr_ip"],
  ["shdr_val", "res.hdr_val"],
  ["resp_ver", "res.ver"],
];

function build(): ReadonlyMap<string, FetchSignature> {
  const table = new Map<string, FetchSignature>();
  for (const [name, type, source, args = [], iterates] of [...CANONICAL, ...stickRows()]) {
    const check = CHECKS[name] ?? null;
    table.set(name, { name, aliasOf: null, type, source, arguments: args, iterates: iterates !== undefined, check });
  }
  for (const [name, canonical] of [...ALIASES, ...TLS_ALIASES]) {
    const target = table.get(canonical);
    if (target === undefined) throw new Error(`fetches.table: ${name} is an alias of the unknown ${canonical}`);
    table.set(name, { ...target, name, aliasOf: canonical });
  }
  return table;
}

/** Fetches whose value may still grow (SampleValue.mayChange). */
export const VOLATILE_FETCHES: ReadonlySet<string> = new Set([
  ...["req.len", "req.payload", "req.body", "req.body_len", "req.body_size", "req.body_param"],
  ...["res.len", "res.payload", "res.body", "res.body_len", "res.body_size"],
]);

/** Every name under which a fetch may be written. */
export const FETCHES: ReadonlyMap<string, FetchSignature> = build();
