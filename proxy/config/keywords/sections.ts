// The sections beside global and the proxies. Few of them are served yet. Those that do nothing by themselves are accepted: whatever
// would refer to them (`resolvers` on a server line, `http_auth(users)` …) is refused where it stands. Those that do something by
// themselves are refused. In both, lines are checked by their first word.

import type { Standing } from "./keyword.ts";

export interface OtherSection {
  readonly name: string;
  readonly standing: Standing;
  readonly remark: string;
  readonly manual: string;
  /** Whether HAProxy demands a name behind it. */
  readonly isNamed: boolean;
  /** First words of its lines. */
  readonly keywords: readonly string[];
}

const UNTIL_USED = "It does nothing by itself, and what would use it is refused where it stands.";

type SectionRow = Omit<OtherSection, "keywords"> & { readonly keywords: string };

// biome-ignore format: a table
const ROWS: readonly SectionRow[] = [
  { name: "acme", standing: "unserved", manual: "12.8", isNamed: true, remark: "Certificates are not obtained by ACME.",
    keywords: "account-key bits challenge contact curves directory keytype map acct-vars provider-name reuse-key" },
  { name: "cache", standing: "served", manual: "6.2.1", isNamed: true, remark: "",
    keywords: "max-age max-object-size max-secondary-entries process-vary total-max-size" },
  { name: "crt-store", standing: "served", manual: "12.7", isNamed: false, remark: "ACME is not served.",
    keywords: "crt-base key-base load" },
  { name: "fcgi-app", standing: "inert", manual: "10.1.1", isNamed: true, remark: UNTIL_USED,
    keywords: "acl docroot index log-stderr option pass-header path-info set-param" },
  { name: "healthcheck", standing: "served", manual: "12.9", isNamed: true, remark: "",
    keywords: "http-check tcp-check type" },
  { name: "http-errors", standing: "served", manual: "12.4", isNamed: true, remark: "", keywords: "errorfile" },
  { name: "log-forward", standing: "served", manual: "12.6", isNamed: true, remark: "Options of bind lines are not served yet.",
    keywords: "backlog bind dgram-bind log maxconn option timeout" },
  { name: "log-profile", standing: "served", manual: "8.3.5", isNamed: true, remark: "", keywords: "log-tag on" },
  { name: "mailers", standing: "inert", manual: "12.3", isNamed: true, remark: UNTIL_USED, keywords: "mailer timeout" },
  { name: "namespace_list", standing: "inert", manual: "5.1", isNamed: false, remark: UNTIL_USED, keywords: "namespace" },
  { name: "peers", standing: "served", manual: "11.2", isNamed: true, remark: "Sessions are plain TCP; `shards` and TLS are not served yet.",
    keywords: "bind default-bind default-server disabled enabled log peer server shards stick-table table" },
  { name: "program", standing: "unserved", manual: "12.9", isNamed: true, remark: "ringway never starts other programs; a service manager does that.",
    keywords: "command group option user" },
  { name: "resolvers", standing: "served", manual: "5.3.2", isNamed: true, remark: "",
    keywords: "accepted_payload_size hold nameserver parse-resolv-conf resolve_retries timeout" },
  { name: "ring", standing: "served", manual: "12.5", isNamed: true, remark: "Kept in memory; `backing-file` is not served.",
    keywords: "backing-file description format maxlen server size timeout" },
  { name: "traces", standing: "unserved", manual: "12.1", isNamed: false, remark: "HAProxy's developer traces do not exist in ringway.", keywords: "trace" },
  { name: "userlist", standing: "served", manual: "12.2", isNamed: true, remark: "", keywords: "group user" },
];

/** The word before a section that only HAProxy's parser knows, and its lines. */
export const OTHER_SECTIONS: ReadonlyMap<string, OtherSection> = new Map(
  ROWS.map((row) => [row.name, { ...row, keywords: row.keywords.split(" ") }]),
);
