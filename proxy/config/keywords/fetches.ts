// All sample fetches by name, and the ACL keywords that HAProxy knows on top of them (`path_beg` is `path -m beg`).

import type { FetchKeyword } from "./fetch.ts";
import { FETCH_CONNECTION } from "./fetch-connection.ts";
import { FETCH_HTTP } from "./fetch-http.ts";
import { FETCH_INTERNAL } from "./fetch-internal.ts";
import { FETCH_TLS } from "./fetch-tls.ts";

export const FETCH_KEYWORDS: ReadonlyMap<string, FetchKeyword> = new Map(
  [...FETCH_INTERNAL, ...FETCH_CONNECTION, ...FETCH_TLS, ...FETCH_HTTP].map((fetch) => [fetch.name, fetch]),
);

export interface AclKeyword {
  readonly name: string;
  /** The fetch it stands for. */
  readonly fetch: string;
  /** The matching method it implies. */
  readonly match: string;
}

/** Keywords that exist once per string matching method: `path`, `path_beg`, `path_dir` … */
const FAMILIES: readonly (readonly [prefix: string, fetch: string])[] = [
  ["base", "base"],
  ["cook", "req.cook"],
  ["hdr", "req.hdr"],
  ["path", "path"],
  ["scook", "res.cook"],
  ["shdr", "res.hdr"],
  ["url", "url"],
  ["urlp", "urlp"],
];

const FAMILY_METHODS = ["beg", "dir", "dom", "end", "len", "reg", "sub"];

/** The other ones. */
const SINGLES: readonly (readonly [name: string, fetch: string, match: string])[] = [
  ["http_auth_group", "http_auth_group", "str"],
  ["method", "method", "str"],
  ["payload", "req.payload", "bin"],
  ["payload_lv", "req.payload_lv", "bin"],
  ["req.ssl_ver", "req.ssl_ver", "int"],
  ["req_rdp_cookie", "req.rdp_cookie", "str"],
  ["req_rdp_cookie_cnt", "req.rdp_cookie_cnt", "int"],
  ["req_ssl_sni", "req.ssl_sni", "str"],
  ["req_ssl_ver", "req.ssl_ver", "int"],
  ["req_ver", "req.ver", "str"],
  ["resp_ver", "res.ver", "str"],
  ["ssl_fc_sni_end", "ssl_fc_sni", "end"],
  ["ssl_fc_sni_reg", "ssl_fc_sni", "reg"],
];

function aclKeywords(): AclKeyword[] {
  const keywords = SINGLES.map(([name, fetch, match]) => ({ name, fetch, match }));
  for (const [prefix, fetch] of FAMILIES) {
    keywords.push({ name: prefix, fetch, match: "str" });
    for (const match of FAMILY_METHODS) keywords.push({ name: `${prefix}_${match}`, fetch, match });
  }
  return keywords.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** In alphabetical order. */
export const ACL_KEYWORDS: ReadonlyMap<string, AclKeyword> = new Map(
  aclKeywords().map((keyword) => [keyword.name, keyword]),
);
