// `option …` of proxy sections (section 4.2). The letters say where each is allowed: D defaults, F frontend, L listen, B backend.

import type { ProxyParser } from "../sections/basics.ts";
import { forwarded } from "../sections/forwarded.ts";
import { externalCheckOption, httpchk, tcpCheckOption } from "../sections/health.ts";
import { httpsLogOption, logOption } from "../sections/log-format.ts";
import {
  connectionMode,
  forwardFor,
  originalTo,
  redispatch,
  renamedToggle,
  restrictHeaderNames,
  tcpKeepAlive,
  toggle,
} from "../sections/option.ts";
import {
  ldapCheck,
  mysqlCheck,
  pgsqlCheck,
  redisCheck,
  smtpCheck,
  spopCheck,
  sslHelloCheck,
} from "../sections/protocol-check.ts";
import { gone, inert, inertAll, type Keyword, manual, served, unserved, within } from "./keyword.ts";

const SPLICE = "ringway does not splice; data goes through its buffers either way.";
const UNSAFE_REQUEST = "accept-unsafe-violations-in-http-request";
const UNSAFE_RESPONSE = "accept-unsafe-violations-in-http-response";

// biome-ignore format: a table
export const PROXY_OPTION: readonly Keyword<ProxyParser>[] = manual<ProxyParser>("4.2", [
  ...within<ProxyParser>("DFLB", [
    served("option forwardfor", "[ except <network> ] [ header <name> ] [ if-none ]", forwardFor),
    served("option http-buffer-request", "", toggle),
    served("option http-keep-alive", "", connectionMode),
    inert("option http-no-delay", "", "Data is never held back: sockets have TCP_NODELAY and no MSG_MORE is used."),
    served("option http-restrict-req-hdr-names", "{ preserve | delete | reject }", restrictHeaderNames),
    served("option http-server-close", "", connectionMode),
    served("option httpclose", "", connectionMode),
    inert("option independent-streams", "", "Each side of a stream has its own timeout handling already."),
    served("option nolinger", "", toggle),
    served("option originalto", "[ except <network> ] [ header <name> ]", originalTo),
    ...inertAll(SPLICE, [["option splice-auto", ""], ["option splice-request", ""], ["option splice-response", ""]]),
    served("option tcpka", "", tcpKeepAlive),
    gone("option forceclose", "option 'forceclose' is not supported any more since HAProxy 2.0, please just remove it, or use 'option httpclose' if absolutely needed."),
    gone("option http-tunnel", "option 'http-tunnel' is not supported any more since HAProxy 2.1, please just remove it, it shouldn't be needed."),
  ]),
  ...within<ProxyParser>("DFL", [
    served("option accept-invalid-http-request", "", renamedToggle(UNSAFE_REQUEST)),
    served(`option ${UNSAFE_REQUEST}`, "", toggle),
    served("option clitcpka", "", toggle),
    inert("option contstats", "", "Counters are always kept up to date while data flows."),
    served("option disable-h2-upgrade", "", toggle),
    served("option dontlog-normal", "", toggle),
    served("option dontlognull", "", toggle),
    served("option h1-case-adjust-bogus-client", "", toggle),
    unserved("option http-drop-response-trailers", "", "Trailers are passed on."),
    served("option http-ignore-probes", "", toggle),
    served("option http-use-proxy-header", "", toggle),
    served("option httplog", "[ clf | json ]", logOption),
    served("option httpslog", "", httpsLogOption),
    inert("option idle-close-on-response", "", "Only changes how idle connections are closed while the process stops."),
    served("option log-separate-errors", "", toggle),
    served("option logasap", "", toggle),
    served("option socket-stats", "", toggle),
    inert("option tcp-smart-accept", "", "Saves one packet per connection on HAProxy's side of the handshake."),
    served("option tcplog", "[ clf ]", logOption),
  ]),
  ...within<ProxyParser>("DLB", [
    served("option abortonclose", "", toggle),
    served("option accept-invalid-http-response", "", renamedToggle(UNSAFE_RESPONSE)),
    served(`option ${UNSAFE_RESPONSE}`, "", toggle),
    served("option allbackups", "", toggle),
    served("option checkcache", "", toggle),
    served("option external-check", "", externalCheckOption),
    served("option forwarded", "[ proto ] [ host | host-expr <expr> ] [ by | by-expr <expr> ] [ by_port | by_port-expr <expr> ] [ for | for-expr <expr> ] [ for_port | for_port-expr <expr> ]", forwarded),
    served("option h1-case-adjust-bogus-server", "", toggle),
    unserved("option http-drop-request-trailers", "", "Trailers are passed on."),
    served("option http-pretend-keepalive", "", toggle),
    served("option httpchk", "[<method>] [<uri> [<version> [<host>]]]", httpchk),
    served("option log-health-checks", "", toggle),
    served("option ldap-check", "", ldapCheck),
    served("option mysql-check", "[ user <username> [ { post-41 | pre-41 } ] ]", mysqlCheck),
    served("option spop-check", "", spopCheck),
    served("option persist", "", toggle),
    served("option prefer-last-server", "", toggle),
    served("option redispatch", "[<interval>]", redispatch),
    served("option srvtcpka", "", toggle),
    served("option pgsql-check", "user <username>", pgsqlCheck),
    served("option redis-check", "", redisCheck),
    served("option smtpchk", "[ <hello> <domain> ]", smtpCheck),
    served("option ssl-hello-chk", "", sslHelloCheck),
    served("option tcp-check", "", tcpCheckOption),
    inert("option tcp-smart-connect", "", "Saves one packet per connection on HAProxy's side of the handshake."),
    unserved("option transparent", "", "Connecting to where the client wanted to go is not served yet."),
  ]),
]);
