// Signatures of the fetches about TLS (configuration.txt 7.3.4, and 7.3.5 for hellos that pass through): a part of fetches.table.ts.

import type { SampleType } from "../plan/expression.ts";
import type { ArgumentSpec, FetchSource } from "./fetches.table.ts";

type Row = readonly [
  name: string,
  type: SampleType,
  source: FetchSource,
  args?: readonly ArgumentSpec[],
  iterates?: "iterates",
];

const STRING_MAYBE: ArgumentSpec = { kind: "string", optional: true };
const INTEGER_MAYBE: ArgumentSpec = { kind: "integer", optional: true };
const NAME = [STRING_MAYBE, INTEGER_MAYBE, STRING_MAYBE];
const FILTER = [INTEGER_MAYBE];

/** Secrets that `tune.ssl.keylog` keeps, without their prefix. */
export const KEYLOG_SECRETS = [
  ...["client_early_traffic_secret", "client_handshake_traffic_secret", "server_handshake_traffic_secret"],
  ...["client_traffic_secret_0", "server_traffic_secret_0", "exporter_secret", "early_exporter_secret"],
] as const;

function ofConnection(prefix: "ssl_fc" | "ssl_bc", source: FetchSource): Row[] {
  return [
    [prefix, "bool", source],
    [`${prefix}_alg_keysize`, "sint", source],
    [`${prefix}_alpn`, "str", source],
    [`${prefix}_cipher`, "str", source],
    [`${prefix}_client_random`, "bin", source],
    [`${prefix}_curve`, "str", source],
    [`${prefix}_err`, "sint", source],
    [`${prefix}_err_str`, "str", source],
    [`${prefix}_is_resumed`, "bool", source],
    [`${prefix}_npn`, "str", source],
    [`${prefix}_protocol`, "str", source],
    [`${prefix}_server_random`, "bin", source],
    [`${prefix}_session_id`, "bin", source],
    [`${prefix}_session_key`, "bin", source],
    [`${prefix}_unique_id`, "bin", source],
    [`${prefix}_use_keysize`, "sint", source],
    ...KEYLOG_SECRETS.map((secret): Row => [`${prefix}_${secret}`, "str", source]),
  ];
}

function ofCertificate(prefix: "ssl_c" | "ssl_f" | "ssl_s", source: FetchSource): Row[] {
  return [
    [`${prefix}_der`, "bin", source],
    [`${prefix}_i_dn`, "str", source, NAME],
    [`${prefix}_key_alg`, "str", source],
    [`${prefix}_notafter`, "str", source],
    [`${prefix}_notbefore`, "str", source],
    [`${prefix}_s_dn`, "str", source, NAME],
    [`${prefix}_serial`, "bin", source],
    [`${prefix}_sha1`, "bin", source],
    [`${prefix}_sig_alg`, "str", source],
    [`${prefix}_version`, "sint", source],
  ];
}

// biome-ignore format: a table
export const TLS_ROWS: readonly Row[] = [
  ...ofConnection("ssl_bc", "internal"),
  ...ofConnection("ssl_fc", "client"),
  ...ofCertificate("ssl_c", "client"),
  ...ofCertificate("ssl_f", "client"),
  ...ofCertificate("ssl_s", "internal"),
  ["bc_err", "sint", "internal"],
  ["bc_err_name", "str", "internal"],
  ["bc_err_str", "str", "internal"],
  ["fc_err", "sint", "client"],
  ["fc_err_name", "str", "client"],
  ["fc_err_str", "str", "client"],
  ["ssl_c_ca_err", "sint", "client"],
  ["ssl_c_ca_err_depth", "sint", "client"],
  ["ssl_c_chain_der", "bin", "client"],
  ["ssl_c_err", "sint", "client"],
  ["ssl_c_r_dn", "str", "client", NAME],
  ["ssl_c_san", "str", "client"],
  ["ssl_c_used", "bool", "client"],
  ["ssl_c_verify", "sint", "client"],
  ["ssl_fc_cipherlist_bin", "str", "client", FILTER],
  ["ssl_fc_cipherlist_hex", "bin", "client", FILTER],
  ["ssl_fc_cipherlist_str", "str", "client", FILTER],
  ["ssl_fc_cipherlist_xxh", "sint", "client"],
  ["ssl_fc_ecformats_bin", "str", "client"],
  ["ssl_fc_eclist_bin", "str", "client", FILTER],
  ["ssl_fc_extlist_bin", "str", "client", FILTER],
  ["ssl_fc_has_crt", "bool", "client"],
  ["ssl_fc_has_early", "bool", "client"],
  ["ssl_fc_has_sni", "bool", "client"],
  ["ssl_fc_protocol_hello_id", "sint", "client"],
  ["ssl_fc_sigalgs_bin", "bin", "client", FILTER],
  ["ssl_fc_sni", "str", "client"],
  ["ssl_fc_supported_versions_bin", "bin", "client", FILTER],
  ["ssl_s_chain_der", "bin", "internal"],
  ["req.ssl_alpn", "str", "internal", [], "iterates"],
  ["req.ssl_cipherlist", "bin", "internal"],
  ["req.ssl_ec_ext", "bool", "internal"],
  ["req.ssl_hello_type", "sint", "internal"],
  ["req.ssl_keyshare_groups", "bin", "internal"],
  ["req.ssl_sigalgs", "bin", "internal"],
  ["req.ssl_sni", "str", "internal"],
  ["req.ssl_st_ext", "sint", "internal"],
  ["req.ssl_supported_groups", "bin", "internal"],
  ["req.ssl_ver", "sint", "internal"],
  ["res.ssl_hello_type", "sint", "internal"],
];

/** Older spellings. */
export const TLS_ALIASES: readonly (readonly [name: string, canonical: string])[] = [
  ["req_ssl_hello_type", "req.ssl_hello_type"],
  ["req_ssl_sni", "req.ssl_sni"],
  ["req_ssl_ver", "req.ssl_ver"],
  ["rep_ssl_hello_type", "res.ssl_hello_type"],
];
