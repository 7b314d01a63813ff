// `filter <name> …`, sections 4.2 and 9. What filters are served for stands here; the order of the lines is checked in ../check/filter.ts.

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import { type ConfigurationDraft, kindInMessages, type ProxyDraft } from "../draft.ts";
import { newCompression } from "../filter-draft.ts";
import type { Statement } from "../statement.ts";
import { bandwidthFilter } from "./bandwidth.ts";
import { spoeFilter } from "./spoe.ts";

/** HAProxy's filters that are not served, and why. */
const UNSERVED: Readonly<Record<string, string>> = {
  "fcgi-app": "FastCGI is not served yet.",
  opentracing: "OpenTracing is not served.",
};

const KNOWN = [
  "compression",
  "comp-req",
  "comp-res",
  "cache",
  "trace",
  "spoe",
  "bwlim-in",
  "bwlim-out",
  ...Object.keys(UNSERVED),
];
const TRACE_WORDS = new Set(["random-forwarding", "random-parsing", "hexdump", "quiet"]);

export function filter(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const name = statement.text(1);
  if (name === "") {
    const message = `missing argument for 'filter' in ${kindInMessages(proxy)} '${proxy.name}'.`;
    statement.alert("missing-argument", message, { at: 1, expected: "the name of a filter" });
    return;
  }
  if (name === "compression" || name === "comp-req" || name === "comp-res") {
    if (!statement.takesAtMost(0, 2)) return;
    proxy.compression ??= newCompression();
    if (name === "comp-req") proxy.compression.compressesRequests = true;
    if (name === "comp-res") proxy.compression.compressesResponses = true;
    proxy.filters.push({ name, argument: "", statement });
  } else if (name === "cache") cacheFilter(statement, proxy, configuration);
  else if (name === "trace") trace(statement, proxy);
  else if (name === "bwlim-in" || name === "bwlim-out") bandwidthFilter(statement, proxy, configuration);
  else if (name === "spoe") spoeFilter(statement, proxy, configuration);
  else if (UNSERVED[name] !== undefined) {
    const message = `the filter '${name}' is known to HAProxy but not served by ringway yet`;
    statement.alert("unserved", message, { at: 1, hint: UNSERVED[name] });
  } else {
    const suggestions = suggest(name, KNOWN);
    statement.alert("unknown-filter", `'filter' : unknown keyword '${name}'.`, { at: 1, suggestions });
  }
}

function cacheFilter(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const argument = statement.text(2);
  if (argument === "") {
    statement.alert("missing-argument", "'filter' : cache : expects a <name> argument", { at: 2, expected: "a cache" });
    return;
  }
  if (!statement.takesAtMost(1, 2)) return;
  proxy.filters.push({ name: "cache", argument, statement });
  configuration.cacheReferences.push({ name: argument, proxy, statement });
}

/** HAProxy's filter for its developers: it forwards in pieces and prints what it sees. Bytes pass here in pieces anyway; nothing is printed. */
function trace(statement: Statement, proxy: ProxyDraft): void {
  for (let at = 2; at < statement.length; at++) {
    const word = statement.text(at);
    if (word === "name" && statement.has(at + 1)) at++;
    else if (!TRACE_WORDS.has(word)) {
      statement.alert("unknown-word", `'filter trace' : unexpected '${word}'`, { at });
      return;
    }
  }
  proxy.filters.push({ name: "trace", argument: "", statement });
}
