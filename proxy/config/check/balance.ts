// What `balance` needs of the rest of its section: algorithms that look at requests need mode http, and the expression of `balance hash` is
// read here, because what it may ask for depends on the mode, which may stand below it.

import { type ConfigurationDraft, kindInMessages, type ProxyDraft } from "../draft.ts";
import { parseSample } from "../expression/sample.ts";
import { COLUMN } from "../keywords/fetch.ts";
import { FETCH_KEYWORDS } from "../keywords/fetches.ts";
import { rememberReferences } from "../sections/condition.ts";

const NEEDS_HTTP: ReadonlySet<string> = new Set(["uri", "url_param", "hdr"]);

export function checkBalance(proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const { balance } = proxy;
  if (balance === null) return;
  const needsLog = balance.algorithm === "sticky" || balance.algorithm === "log-hash";
  if (needsLog && !proxy.isLog) {
    const who = `${kindInMessages(proxy)} '${proxy.name}'`;
    const message = `Unusable balance algorithm for ${who} (needs 'mode log'). Falling back to round robin.`;
    proxy.statement.warning("needs-log", message, { introduction: "none" });
    proxy.balance = { algorithm: "roundrobin", arguments: [] };
    return;
  }
  if (proxy.isLog) {
    checkLogBalance(proxy, balance.algorithm);
    return;
  }
  if (proxy.mode !== "http" && NEEDS_HTTP.has(balance.algorithm)) {
    const who = `${kindInMessages(proxy)} '${proxy.name}'`;
    const message = `Layer 7 hash not possible for ${who} (needs 'mode http'). Falling back to round robin.`;
    proxy.statement.warning("needs-http", message, { introduction: "none" });
    proxy.balance = { algorithm: "roundrobin", arguments: [] };
  } else if (balance.expression !== undefined) {
    readExpression(proxy, balance.expression, configuration);
  }
}

const LOG_ALGORITHMS: ReadonlySet<string> = new Set(["roundrobin", "random", "sticky", "log-hash"]);

function checkLogBalance(proxy: ProxyDraft, algorithm: string): void {
  const who = `${kindInMessages(proxy)} '${proxy.name}'`;
  if (!LOG_ALGORITHMS.has(algorithm)) {
    const message = `in ${who}: "balance" only supports 'roundrobin', 'random', 'sticky' and 'log-hash'.`;
    proxy.statement.alert("bad-algorithm", message, { introduction: "none" });
  } else if (algorithm === "log-hash" && proxy.hashType.method !== "map-based") {
    const message = `${who}: unsupported hash method (from "hash-type").`;
    proxy.statement.alert("bad-hash-type", message, { introduction: "none" });
  }
}

function readExpression(
  proxy: ProxyDraft,
  { text, statement }: NonNullable<NonNullable<ProxyDraft["balance"]>["expression"]>,
  configuration: ConfigurationDraft,
): void {
  const { file, line } = proxy.statement.location;
  const who = `${kindInMessages(proxy)} '${proxy.name}' [${file}:${line}]`;
  const parsed = parseSample(text);
  if (!parsed.ok) {
    const message = `${who}: failed to parse 'balance hash' expression '${text}' in : ${parsed.message}.`;
    const { suggestions, hint } = parsed;
    const details = { ...(suggestions === undefined ? {} : { suggestions }), ...(hint === undefined ? {} : { hint }) };
    statement.alert("bad-expression", message, { at: 2, introduction: "none", ...details });
    return;
  }
  const missing = missingForBalance(parsed.fetchName);
  if (missing !== null) {
    const message =
      `${who}: error detected while parsing 'balance hash' expression '${text}' which requires information from ${missing}, ` +
      "which is not available here.";
    statement.alert("not-available", message, { at: 2, introduction: "none" });
    return;
  }
  rememberReferences(statement, proxy, configuration, "balance hash", parsed.references);
  // A section of its own: what was taken from `defaults` is shared with other proxies.
  proxy.balance = { algorithm: "hash", arguments: [], sample: parsed.sample };
}

/** What a fetch needs that is not there when a server is chosen, as HAProxy names it; null: nothing. */
function missingForBalance(fetchName: string): string | null {
  const availability = FETCH_KEYWORDS.get(fetchName)?.availability;
  if (availability === undefined || availability[COLUMN.balance] === "Y") return null;
  if (availability[COLUMN.serverSource] === "Y") return "server";
  return availability[COLUMN.log] === "Y" ? "HTTP response" : "HTTP response headers";
}
