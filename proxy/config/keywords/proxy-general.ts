// Keywords of proxy sections that describe the proxy, its sockets and servers, and where requests go (section 4.2). The letters say where
// each is allowed: D defaults, d defaults with a name only, F frontend, L listen, B backend.

import { balance, hashBalanceFactor, hashPreserveAffinity, hashType } from "../sections/balance.ts";
import {
  defaultBackend,
  description,
  disabled,
  httpReuse,
  id,
  mode,
  number,
  type ProxyParser,
  rateLimit,
  retries,
  text,
} from "../sections/basics.ts";
import { bind } from "../sections/bind.ts";
import { captureCookie, captureHeader, declareCapture } from "../sections/capture.ts";
import { compression } from "../sections/compression.ts";
import { acl } from "../sections/condition.ts";
import { cookie, persistRule } from "../sections/cookie.ts";
import { errorFile } from "../sections/error-file.ts";
import { filter } from "../sections/filter.ts";
import { guid } from "../sections/guid.ts";
import { externalCheck } from "../sections/health.ts";
import { errorFiles, errorLocation, httpError } from "../sections/http-errors.ts";
import { proxyLog } from "../sections/log.ts";
import { logFormat, otherFormat, uniqueIdHeader } from "../sections/log-format.ts";
import { logSteps } from "../sections/log-profile.ts";
import { retryOn } from "../sections/retry-on.ts";
import { forceSwitch, monitorFail, unpublished, useBackend, useServer } from "../sections/routing.ts";
import { inspectDelay, redirectRule, ruleOf } from "../sections/rule.ts";
import { defaultServer, server, serverTemplate } from "../sections/server.ts";
import { proxySource } from "../sections/server-connection.ts";
import { stateFile, stateFileName } from "../sections/state-file.ts";
import { stick } from "../sections/stick.ts";
import { stickTable } from "../sections/stick-table.ts";
import { timeout } from "../sections/timeout.ts";
import { inert, inertAll, type Keyword, manual, served, unserved, unservedAll, within } from "./keyword.ts";

const ACTIONS = "Which actions are served stands in the table of actions.";
const MAILERS = "Mail alerts are not served yet; state changes are logged.";
const KEEPALIVE = "The kernel's own settings for TCP keep-alive hold (net.ipv4.tcp_keepalive_*).";

// biome-ignore format: a table
export const PROXY_GENERAL: readonly Keyword<ProxyParser>[] = manual<ProxyParser>("4.2", [
  ...within<ProxyParser>("dFLB", [
    served("acl", "<aclname> <criterion> [flags] [operator] <value> ...", acl),
    served("http-after-response", "<action> [options...] [ { if | unless } <condition> ]", ruleOf("http-after-response"), ACTIONS),
    served("http-request", "<action> [options...] [ { if | unless } <condition> ]", ruleOf("http-request"), ACTIONS),
    served("http-response", "<action> <options...> [ { if | unless } <condition> ]", ruleOf("http-response"), ACTIONS),
    served("tcp-request content", "<action> [{if | unless} <condition>]", ruleOf("tcp-request content"), ACTIONS),
    served("tcp-request inspect-delay", "<timeout>", inspectDelay),
  ]),
  ...within<ProxyParser>("dFL", [
    unserved("quic-initial", "<action> [ { if | unless } <condition> ]", "HTTP/3 is not served yet."),
    served("tcp-request connection", "<action> <options...> [ { if | unless } <condition> ]", ruleOf("tcp-request connection"), ACTIONS),
    served("tcp-request session", "<action> [{if | unless} <condition>]", ruleOf("tcp-request session"), ACTIONS),
  ]),
  ...within<ProxyParser>("dLB", [
    served("tcp-response content", "<action> [{if | unless} <condition>]", ruleOf("tcp-response content"), ACTIONS),
    served("tcp-response inspect-delay", "<timeout>", inspectDelay),
  ]),
  ...within<ProxyParser>("DFLB", [
    served("unique-id-format", "<fmt>", otherFormat),
    served("compression", "algo <algorithm> ... | type <mime type> ... | offload | direction <direction>", compression, "`algo br` is ringway's own."),
    served("disabled", "", disabled),
    ...unservedAll(MAILERS, [
      ["email-alert from", "<emailaddr>"],
      ["email-alert level", "<level>"],
      ["email-alert mailers", "<mailersect>"],
      ["email-alert myhostname", "<hostname>"],
      ["email-alert to", "<emailaddr>"],
    ]),
    served("enabled", "", disabled),
    served("errorfile", "<code> <file>", errorFile),
    served("errorfiles", "<name> [<code> ...]", errorFiles),
    served("errorloc", "<code> <url>", errorLocation),
    served("errorloc302", "<code> <url>", errorLocation),
    served("errorloc303", "<code> <url>", errorLocation),
    served("http-error", "status <code> [content-type <type>] [...]", httpError),
    served("log", "global | <target> [len <length>] [format <format>] <facility> [<level> [<minlevel>]]", proxyLog),
    served("log-tag", "<string>", text("'log-tag' expects a tag for use in syslog.")),
    served("mode", "{ tcp | http | log | spop }", mode),
    served("timeout http-keep-alive", "<timeout>", timeout),
    served("timeout http-request", "<timeout>", timeout),
    served("timeout tarpit", "<timeout>", timeout),
  ]),
  ...within<ProxyParser>("DFL", [
    served("backlog", "<conns>", number),
    ...inertAll(KEEPALIVE, [["clitcpka-cnt", "<count>"], ["clitcpka-idle", "<timeout>"], ["clitcpka-intvl", "<timeout>"]]),
    served("default_backend", "<backend>", defaultBackend),
    served("error-log-format", "<fmt>", otherFormat),
    served("log-format", "<fmt>", logFormat),
    served("log-format-sd", "<fmt>", otherFormat),
    served("log-steps", "<steps>", logSteps),
    inert("max-session-srv-conns", "<max>", "Idle server connections are pooled per worker, not kept by sessions."),
    served("maxconn", "<conns>", number),
    served("monitor-uri", "<uri>", text("'monitor-uri' expects an URI.")),
    served("rate-limit sessions", "<rate>", rateLimit),
    served("timeout client", "<timeout>", timeout),
    served("timeout client-fin", "<timeout>", timeout),
    served("timeout client-hs", "<timeout>", timeout),
    served("unique-id-header", "<name>", uniqueIdHeader),
  ]),
  ...within<ProxyParser>("DLB", [
    served("balance", "<algorithm> [ <arguments> ]", balance),
    served("cookie", "<name> [ rewrite | insert | prefix ] [ indirect ] [ nocache ] [ postonly ] [...]", cookie),
    served("default-server", "[name <name>] [from <origin>] [param*]", defaultServer),
    served("dynamic-cookie-key", "<string>", text("'dynamic-cookie-key' expects <secret_key> as argument.")),
    served("external-check command", "<command>", externalCheck),
    served("external-check path", "<path>", externalCheck),
    served("fullconn", "<conns>", number),
    served("hash-balance-factor", "<factor>", hashBalanceFactor),
    served("hash-preserve-affinity", "{ always | maxconn | maxqueue }", hashPreserveAffinity),
    served("hash-type", "<method> <function> <modifier>", hashType),
    served("http-reuse", "{ never | safe | aggressive | always }", httpReuse),
    unserved("http-send-name-header", "[<header>]", "`http-request set-header` is served, but does not know the server yet."),
    served("load-server-state-from-file", "{ global | local | none }", stateFile),
    inert("max-keep-alive-queue", "<value>", "`option prefer-last-server` is the only thing that it would limit."),
    unserved("persist rdp-cookie", "[(<name>)]", "Persistence by RDP cookies is not served yet."),
    served("retries", "<value>", retries),
    served("retry-on", "[space-delimited list of keywords]", retryOn),
    served("server-state-file-name", "[ { use-backend-name | <file> } ]", stateFileName),
    served("source", "<addr>[:<port>] [usesrc { <addr2>[:<port2>] | client | clientip } ]", proxySource),
    ...inertAll(KEEPALIVE, [["srvtcpka-cnt", "<count>"], ["srvtcpka-idle", "<timeout>"], ["srvtcpka-intvl", "<timeout>"]]),
    served("timeout check", "<timeout>", timeout),
    served("timeout connect", "<timeout>", timeout),
    served("timeout queue", "<timeout>", timeout),
    served("timeout server", "<timeout>", timeout),
    served("timeout server-fin", "<timeout>", timeout),
    served("timeout tunnel", "<timeout>", timeout),
    unserved("transparent", "", "Connecting to where the client wanted to go is not served yet."),
  ]),
  ...within<ProxyParser>("FLB", [
    served("description", "<string>", description),
    served("filter", "<name> [param*]", filter, "compression, comp-req, comp-res, cache; trace without effect."),
    served("guid", "<string>", guid),
    served("id", "<value>", id),
    served("redirect", "{ location | prefix | scheme } <value> [<option>]* [ { if | unless } <condition> ]", redirectRule),
    served("stick-table", "type <type> size <size> [...]", stickTable),
  ]),
  ...within<ProxyParser>("FL", [
    served("bind", "[<address>]:<port_range> [, ...] [param*]", bind),
    served("capture cookie", "<name> len <length>", captureCookie),
    served("capture request header", "<name> len <length>", captureHeader),
    served("capture response header", "<name> len <length>", captureHeader),
    served("declare capture", "[ request | response ] len <length>", declareCapture),
    served("monitor fail", "{ if | unless } <condition>", monitorFail),
    unserved("ssl-f-use", "[crt <cert>] [...]", "TLS is not served yet."),
    served("force-be-switch", "{ if | unless } <condition>", forceSwitch),
    served("use_backend", "<backend> [{if | unless} <condition>]", useBackend),
  ]),
  ...within<ProxyParser>("LB", [
    unserved("dispatch", "<address>:<port>", "`server` is served."),
    served("be-unpublished", "", unpublished),
    served("force-persist", "{ if | unless } <condition>", persistRule),
    served("ignore-persist", "{ if | unless } <condition>", persistRule),
    served("server", "<name> <address>[:[port]] [from <origin>] [param*]", server),
    served("server-template", "<prefix> <num | range> <fqdn>[:<port>] [from <origin>] [params*]", serverTemplate),
    served("stick match", "<pattern> [table <table>] [{if | unless} <cond>]", stick),
    served("stick on", "<pattern> [table <table>] [{if | unless} <condition>]", stick),
    served("stick store-request", "<pattern> [table <table>] [{if | unless} <condition>]", stick),
    served("stick store-response", "<pattern> [table <table>] [{if | unless} <condition>]", stick),
    unserved("use-fcgi-app", "<name>", "FastCGI is not served yet."),
    served("use-server", "<server> if <condition>", useServer),
  ]),
]);
