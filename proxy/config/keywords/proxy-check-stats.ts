// `http-check`, `tcp-check` and `stats` of proxy sections (section 4.2), and the keywords that left HAProxy. The letters say where each is
// allowed: D defaults, F frontend, L listen, B backend.

import type { ProxyParser } from "../sections/basics.ts";
import { disableOn404, expect, send } from "../sections/health.ts";
import {
  admin,
  auth,
  enable,
  hideVersion,
  httpRequest,
  realm,
  refresh,
  scope,
  showDescription,
  showLegends,
  showModules,
  showNode,
  uri,
} from "../sections/stats-page.ts";
import { tcpCheckComment, tcpCheckConnect, tcpCheckExpect, tcpCheckSend } from "../sections/tcp-check.ts";
import { gone, inert, type Keyword, manual, served, unservedAll, within } from "./keyword.ts";

const CHECK_RULES =
  "Checks send what stands in the configuration: tcp-check send and expect, httpchk with http-check send and expect.";

// biome-ignore format: a table
export const PROXY_CHECK: readonly Keyword<ProxyParser>[] = manual<ProxyParser>("4.2", [
  ...within<ProxyParser>("DLB", [
    inert("http-check comment", "<string>", "A comment."),
    served("http-check disable-on-404", "", disableOn404),
    served("http-check expect", "[!] { status | rstatus | string | rstring } <pattern>", expect),
    served("http-check send", "[meth <method>] [uri <uri>] [ver <version>] [hdr <name> <value>]* [body <string>]", send),
    ...unservedAll(CHECK_RULES, [
      ["http-check connect", "[default] [port <expr>] [addr <ip>] [...]"],
      ["http-check send-state", ""],
      ["http-check set-var", "(<var-name>[,<cond>...]) <expr>"],
      ["http-check set-var-fmt", "(<var-name>[,<cond>...]) <fmt>"],
      ["http-check unset-var", "(<var-name>)"],
    ]),
    served("tcp-check comment", "<string>", tcpCheckComment),
    served("tcp-check connect", "[default] [port <port>] [addr <ip>] [send-proxy] [linger] [comment <msg>]", tcpCheckConnect, "Without `ssl`, `sni`, `alpn`, `proto` and `via-socks4`."),
    served("tcp-check expect", "[min-recv <int>] [comment <msg>] [ok-status <st>] [error-status <st>] [on-success <text>] [on-error <text>] [!] { string | rstring | binary | rbinary } <pattern>", tcpCheckExpect),
    served("tcp-check send", "<data> [comment <msg>]", tcpCheckSend),
    served("tcp-check send-binary", "<hexstring> [comment <msg>]", tcpCheckSend),
    ...unservedAll(CHECK_RULES, [
      ["tcp-check send-lf", "<fmt>"],
      ["tcp-check send-binary-lf", "<hexfmt>"],
      ["tcp-check set-var", "(<var-name>[,<cond>...]) <expr>"],
      ["tcp-check set-var-fmt", "(<var-name>[,<cond>...]) <fmt>"],
      ["tcp-check unset-var", "(<var-name>)"],
    ]),
  ]),
]);

// biome-ignore format: a table
export const PROXY_STATS: readonly Keyword<ProxyParser>[] = manual<ProxyParser>("4.2", [
  ...within<ProxyParser>("FLB", [
    served("stats admin", "{ if | unless } <cond>", admin),
    served("stats http-request", "{ allow | deny | auth [realm <realm>] } [ { if | unless } <condition> ]", httpRequest),
  ]),
  ...within<ProxyParser>("DFLB", [
    served("stats auth", "<user>:<passwd>", auth),
    served("stats enable", "", enable),
    served("stats hide-version", "", hideVersion),
    served("stats realm", "<realm>", realm),
    served("stats refresh", "<delay>", refresh),
    served("stats scope", "{ <name> | \".\" }", scope),
    served("stats show-desc", "[ <desc> ]", showDescription),
    served("stats show-legends", "", showLegends),
    served("stats show-modules", "", showModules, "There are no modules with statistics of their own yet."),
    served("stats show-node", "[ <name> ]", showNode),
    served("stats uri", "<prefix>", uri),
  ]),
]);

/** `The 'reqadd' directive is not supported anymore since HAProxy 2.1. Use … instead.` */
function replaced(names: readonly string[], instead: string) {
  return names.map((name) =>
    gone(name, `The '${name}' directive is not supported anymore since HAProxy 2.1. Use ${instead} instead.`),
  );
}

// biome-ignore format: a table
export const PROXY_GONE: readonly Keyword<ProxyParser>[] = manual<ProxyParser>("4.2", within<ProxyParser>("DFLB", [
  gone("appsession", "'appsession' is not supported anymore since HAProxy 1.6."),
  gone("bind-process", "'bind-process' is not supported anymore."),
  gone("block", "The 'block' directive is not supported anymore since HAProxy 2.1. Use 'http-request deny' which uses the exact same syntax."),
  gone("clitimeout", "the 'clitimeout' directive is not supported anymore since HAProxy 2.1. Use 'timeout client'."),
  gone("contimeout", "the 'contimeout' directive is not supported anymore since HAProxy 2.1. Use 'timeout connect'."),
  gone("grace", "the 'grace' keyword is not supported any more since HAProxy version 2.5."),
  gone("monitor-net", "'monitor-net' doesn't exist anymore. Please use 'http-request return status 200 if { src <net> }' instead."),
  gone("redisp", "keyword 'redisp' directive is not supported anymore since HAProxy 2.1. Use 'option redispatch'."),
  gone("redispatch", "keyword 'redispatch' directive is not supported anymore since HAProxy 2.1. Use 'option redispatch'."),
  gone("srvtimeout", "the 'srvtimeout' directive is not supported anymore since HAProxy 2.1. Use 'timeout server'."),
  ...replaced(["reqadd"], "'http-request add-header'"),
  ...replaced(["reqallow", "reqiallow"], "'http-request allow'"),
  ...replaced(["reqdel", "reqidel"], "'http-request del-header'"),
  ...replaced(["reqideny"], "'http-request deny'"),
  gone("reqdeny", "The 'reqdeny' not supported anymore since HAProxy 2.1. Use 'http-request deny' instead."),
  gone("reqipass", "The 'reqipass' not supported anymore since HAProxy 2.1."),
  gone("reqpass", "The 'reqpass' not supported anymore since HAProxy 2.1."),
  ...replaced(["reqrep"], "'http-request replace-path', 'http-request replace-uri' or 'http-request replace-header'"),
  ...replaced(["reqirep"], "'http-request replace-header'"),
  ...replaced(["reqtarpit", "reqitarpit"], "'http-request tarpit'"),
  ...replaced(["rspadd"], "'http-response add-header'"),
  ...replaced(["rspdel", "rspidel"], "'http-response del-header'"),
  ...replaced(["rspdeny", "rspideny"], "'http-response deny'"),
  ...replaced(["rsprep", "rspirep"], "'http-response replace-header'"),
]));
