// `http-check`, `tcp-check` and `stats` of proxy sections (section 4.2), and the keywords that left HAProxy. The letters say where each is
// allowed: D defaults, F frontend, L listen, B backend.

import type { ProxyParser } from "../sections/basics.ts";
import { checkComment, checkConnect, checkExpect, checkVariable } from "../sections/check-steps.ts";
import { disableOn404, send, sendState } from "../sections/health.ts";
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
import { tcpCheckSend } from "../sections/tcp-check.ts";
import { gone, type Keyword, manual, served, within } from "./keyword.ts";

const NO_SOCKS = "Without `proto` and `via-socks4`, which are refused.";

// biome-ignore format: a table
export const PROXY_CHECK: readonly Keyword<ProxyParser>[] = manual<ProxyParser>("4.2", [
  ...within<ProxyParser>("DLB", [
    served("http-check comment", "<string>", checkComment),
    served("http-check connect", "[default] [port <expr>] [addr <ip>] [send-proxy] [ssl] [sni <sni>] [alpn <alpn>] [linger] [comment <msg>]", checkConnect, NO_SOCKS),
    served("http-check disable-on-404", "", disableOn404),
    served("http-check expect", "[min-recv <int>] [comment <msg>] [ok-status <st>] [error-status <st>] [tout-status <st>] [on-success <fmt>] [on-error <fmt>] [status-code <expr>] [!] <match> <pattern>", checkExpect),
    served("http-check send", "[meth <method>] [{ uri <uri> | uri-lf <fmt> }] [ver <version>] [hdr <name> <fmt>]* [{ body <string> | body-lf <fmt> }] [comment <msg>]", send),
    served("http-check send-state", "", sendState),
    served("http-check set-var", "(<var-name>[,<cond>...]) <expr>", checkVariable),
    served("http-check set-var-fmt", "(<var-name>[,<cond>...]) <fmt>", checkVariable),
    served("http-check unset-var", "(<var-name>)", checkVariable),
    served("tcp-check comment", "<string>", checkComment),
    served("tcp-check connect", "[default] [port <expr>] [addr <ip>] [send-proxy] [ssl] [sni <sni>] [alpn <alpn>] [linger] [comment <msg>]", checkConnect, NO_SOCKS),
    served("tcp-check expect", "[min-recv <int>] [comment <msg>] [ok-status <st>] [error-status <st>] [tout-status <st>] [on-success <fmt>] [on-error <fmt>] [status-code <expr>] [!] <match> <pattern>", checkExpect),
    served("tcp-check send", "<data> [comment <msg>]", tcpCheckSend),
    served("tcp-check send-binary", "<hexstring> [comment <msg>]", tcpCheckSend),
    served("tcp-check send-binary-lf", "<hexfmt> [comment <msg>]", tcpCheckSend),
    served("tcp-check send-lf", "<fmt> [comment <msg>]", tcpCheckSend),
    served("tcp-check set-var", "(<var-name>[,<cond>...]) <expr>", checkVariable),
    served("tcp-check set-var-fmt", "(<var-name>[,<cond>...]) <fmt>", checkVariable),
    served("tcp-check unset-var", "(<var-name>)", checkVariable),
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
