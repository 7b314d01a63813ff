// The actions of rules (`http-request deny`), sections 4.3 and 4.4 of the manual. All of them are named here, so that a word that does not
// exist is told from one that ringway cannot do; SERVED has the parsers of those that it can.

import type { ActionPlan } from "../../plan/rules.ts";
import { setBandwidthLimit } from "../sections/bandwidth.ts";
import { cacheAction } from "../sections/cache.ts";
import { addressAction } from "../sections/rules/address.ts";
import { answerAction } from "../sections/rules/answer.ts";
import { capture } from "../sections/rules/capture.ts";
import { addHeader, delHeader, replaceHeader } from "../sections/rules/header.ts";
import { normalizeUri } from "../sections/rules/normalize-uri.ts";
import { editPatterns } from "../sections/rules/patterns.ts";
import { redirectAction } from "../sections/rules/redirect.ts";
import { replacePart, setPart } from "../sections/rules/request-part.ts";
import type { RuleReader } from "../sections/rules/rule-reader.ts";
import { useService } from "../sections/rules/service.ts";
import { setLogLevel, setMark, setNice, setPriority, setRetries, setTimeout } from "../sections/rules/settings.ts";
import { sendSpoeGroup } from "../sections/rules/spoe-group.ts";
import { auth, setMethod, setStatus, silentDrop } from "../sections/rules/status.ts";
import { add, increment, setTag, trackCounter } from "../sections/rules/stick-counter.ts";
import { setVariable, setVariableFormat, unsetVariable } from "../sections/rules/variable.ts";
import {
  allow,
  disableRetry,
  doLog,
  expectHeader,
  reject,
  strictMode,
  switchMode,
  waitForHandshake,
} from "../sections/rules/verdict.ts";
import { pause, waitForBody } from "../sections/rules/waiting.ts";
import type { Standing } from "./keyword.ts";

/** The rule sets, in the order of the columns. */
export const RULE_SETS: readonly string[] = [
  "quic-initial",
  "tcp-request connection",
  "tcp-request session",
  "tcp-request content",
  "tcp-response content",
  "http-request",
  "http-response",
  "http-after-response",
];

export interface ActionKeyword {
  readonly name: string;
  readonly usage: string;
  readonly standing: Standing;
  /** Rule sets it may stand in. */
  readonly ruleSets: readonly string[];
  /** null where it is not served. */
  readonly parse: ActionParser | null;
}

/** Reads an action's arguments up to the condition; null after a report. */
export type ActionParser = (reader: RuleReader) => ActionPlan | null;

/** The actions that are served, in every rule set that is served. */
const SERVED: Readonly<Record<string, ActionParser>> = {
  accept: allow,
  "add-header": addHeader("add-header"),
  allow,
  "add-acl": editPatterns("add", false),
  auth,
  capture,
  // Of the server's connection; the stream ends with it.
  close: reject,
  "cache-store": cacheAction("cache-store"),
  "cache-use": cacheAction("cache-use"),
  "del-acl": editPatterns("remove", false),
  "del-header": delHeader,
  "del-map": editPatterns("remove", true),
  "disable-l7-retry": disableRetry,
  "expect-netscaler-cip": expectHeader("netscaler-cip"),
  "expect-proxy": expectHeader("proxy"),
  deny: answerAction("deny"),
  "do-log": doLog,
  "early-hint": addHeader("early-hint"),
  "normalize-uri": normalizeUri,
  pause,
  redirect: redirectAction,
  reject,
  "replace-header": replaceHeader("replace-header"),
  "replace-path": replacePart("path"),
  "replace-pathq": replacePart("pathq"),
  "replace-uri": replacePart("uri"),
  "replace-value": replaceHeader("replace-value"),
  return: answerAction("return"),
  "sc-add-gpc": add,
  "sc-inc-gpc": increment,
  "sc-inc-gpc0": increment,
  "sc-inc-gpc1": increment,
  "sc-set-gpt": setTag,
  "sc-set-gpt0": setTag,
  "use-service": useService,
  "send-spoe-group": sendSpoeGroup,
  "set-bandwidth-limit": setBandwidthLimit,
  "set-bc-mark": setMark("server", "mark"),
  "set-bc-tos": setMark("server", "tos"),
  "set-dst": addressAction("set-dst"),
  "set-dst-port": addressAction("set-dst-port"),
  "set-fc-mark": setMark("client", "mark"),
  "set-fc-tos": setMark("client", "tos"),
  "set-header": addHeader("set-header"),
  "set-log-level": setLogLevel,
  "set-map": editPatterns("set", true),
  "set-mark": setMark("client", "mark"),
  "set-method": setMethod,
  "set-nice": setNice,
  "set-path": setPart("path"),
  "set-pathq": setPart("pathq"),
  "set-priority-class": setPriority("class"),
  "set-priority-offset": setPriority("offset"),
  "set-query": setPart("query"),
  "set-retries": setRetries,
  "set-src": addressAction("set-src"),
  "set-src-port": addressAction("set-src-port"),
  "set-status": setStatus,
  "set-timeout": setTimeout,
  "set-tos": setMark("client", "tos"),
  "set-uri": setPart("uri"),
  "set-var": setVariable,
  "set-var-fmt": setVariableFormat,
  "silent-drop": silentDrop,
  "strict-mode": strictMode,
  "switch-mode": switchMode,
  tarpit: answerAction("tarpit"),
  "track-sc": trackCounter,
  "unset-var": unsetVariable,
  "wait-for-body": waitForBody,
  "wait-for-handshake": waitForHandshake,
};

// biome-ignore format: a table
const ROWS: readonly (readonly [name: string, columns: string, usage: string])[] = [
  ["accept",                "XXXXX...", ""],
  ["add-acl",               ".....XX.", ""],
  ["add-header",            ".....XXX", "<name> <fmt>"],
  ["allow",                 ".....XXX", ""],
  ["attach-srv",            "..X.....", "<srv> [name <expr>] [ EXPERIMENTAL ]"],
  ["auth",                  ".....X..", "[realm <realm>]"],
  ["cache-store",           "......X.", "<name>"],
  ["cache-use",             ".....X..", "<name>"],
  ["capture",               "...X.XXX", "<sample> [ len <length> | id <id> ]"],
  ["close",                 "....X...", ""],
  ["del-acl",               ".....XX.", ""],
  ["del-header",            ".....XXX", "<name> [ -m <meth> ]"],
  ["del-map",               ".....XXX", ""],
  ["deny",                  ".....XX.", "[ { status | deny_status } <code> ] [ content-type <type> ]"],
  ["dgram-drop",            "X.......", ""],
  ["disable-l7-retry",      ".....X..", ""],
  ["do-log",                "XXXXXXXX", ""],
  ["do-resolve",            "...X.X..", ""],
  ["early-hint",            ".....X..", "<name> <fmt>"],
  ["expect-netscaler-cip",  ".X......", "layer4"],
  ["expect-proxy",          ".X......", "layer4 layer4"],
  ["normalize-uri",         ".....X..", "<normalizer>"],
  ["pause",                 ".....XX.", "{ <timeout> | <expr> }"],
  ["redirect",              ".....XX.", "<rule>"],
  ["reject",                "XXXXXX..", ""],
  ["replace-header",        ".....XXX", "<name> <match-regex> <replace-fmt>"],
  ["replace-path",          ".....X..", "<match-regex> <replace-fmt>"],
  ["replace-pathq",         ".....X..", "<match-regex> <replace-fmt>"],
  ["replace-uri",           ".....X..", "<match-regex> <replace-fmt>"],
  ["replace-value",         ".....XXX", "<name> <match-regex> <replace-fmt>"],
  ["return",                ".....XX.", "[ status <code> ] [ content-type <type> ]"],
  ["sc-add-gpc",            ".XXXXXXX", ""],
  ["sc-inc-gpc",            ".XXXXXXX", "(<idx>,<sc-id>)"],
  ["sc-inc-gpc0",           ".XXXXXXX", "(<sc-id>)"],
  ["sc-inc-gpc1",           ".XXXXXXX", "(<sc-id>)"],
  ["sc-set-gpt",            ".XXXXXXX", ""],
  ["sc-set-gpt0",           ".XXXXXXX", ""],
  ["send-retry",            "X.......", ""],
  ["send-spoe-group",       "...XXXX.", "<engine-name> <group-name>"],
  ["set-bandwidth-limit",   "...XXXX.", "<name> [limit {<expr> | <size>}] [period {<expr> | <time>}]"],
  ["set-bc-mark",           "...X.X..", "{ <mark> | <expr> }"],
  ["set-bc-tos",            "...X.X..", "{ <tos> | <expr> }"],
  ["set-dst",               ".XXX.X..", "<expr>"],
  ["set-dst-port",          ".XXX.X..", "<expr>"],
  ["set-fc-mark",           ".XXXXXX.", "{ <mark> | <expr> }"],
  ["set-fc-tos",            ".XXXXXX.", "{ <tos | <expr> }"],
  ["set-header",            ".....XXX", "<name> <fmt>"],
  ["set-log-level",         "...XXXXX", "<level>"],
  ["set-map",               ".....XXX", ""],
  ["set-mark",              ".XXXXXX.", "<mark> (deprecated)"],
  ["set-method",            ".....X..", "<fmt>"],
  ["set-nice",              "...XXXX.", "<nice>"],
  ["set-path",              ".....X..", "<fmt>"],
  ["set-pathq",             ".....X..", "<fmt>"],
  ["set-priority-class",    "...X.X..", "<expr>"],
  ["set-priority-offset",   "...X.X..", "<expr>"],
  ["set-query",             ".....X..", "<fmt>"],
  ["set-retries",           "...X.X..", "<int> | <epxr>"],
  ["set-src",               ".XXX.X..", "<expr>"],
  ["set-src-port",          ".XXX.X..", "<expr>"],
  ["set-status",            "......XX", "<status> [reason <str>]"],
  ["set-timeout",           ".....XX.", "{ client | server | tunnel } { <timeout> | <expr> }"],
  ["set-tos",               ".XXXXXX.", "<tos> (deprecated)"],
  ["set-uri",               ".....X..", "<fmt>"],
  ["set-var",               ".XXXXXXX", ""],
  ["set-var-fmt",           ".XXXXXXX", ""],
  ["silent-drop",           ".XXXXXX.", "[ rst-ttl <ttl> ]"],
  ["strict-mode",           ".....XXX", "{ on | off }"],
  ["switch-mode",           "...X....", "http [ proto <name> ]"],
  ["tarpit",                ".....X..", "[ { status | deny_status } <code>] [content-type <type>]"],
  ["track-sc",              ".XXX.XX.", "<key> [table <table>]"],
  ["unset-var",             ".XXXXXXX", "(<var-name>)"],
  ["use-service",           "...X.X..", "<service-name>"],
  ["wait-for-body",         ".....XX.", "time <time> [ at-least <bytes> ]"],
  ["wait-for-handshake",    ".....X..", ""],
];

export const ACTION_KEYWORDS: ReadonlyMap<string, ActionKeyword> = new Map(
  ROWS.map(([name, columns, usage]) => {
    const ruleSets = RULE_SETS.filter((_, index) => columns[index] === "X");
    const parse = SERVED[name] ?? null;
    const standing = parse === null ? "unserved" : name === "set-nice" ? "inert" : "served";
    return [name, { name, usage, standing, ruleSets, parse }];
  }),
);

/** Names of the actions of a rule set, as `-dK` and HAProxy's messages give them. */
export function actionsOf(ruleSet: string): string[] {
  return [...ACTION_KEYWORDS.values()]
    .filter((action) => action.ruleSets.includes(ruleSet))
    .map((action) => action.name);
}
