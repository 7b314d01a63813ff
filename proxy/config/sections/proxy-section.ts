// One statement of a defaults, frontend, listen or backend section: is the keyword known, allowed here and served; then its parser.

import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import { kindInMessages } from "../draft.ts";
import type { Keyword } from "../keywords/keyword.ts";
import { PROXY_KEYWORDS } from "../keywords/tables.ts";
import type { ConfigLine } from "../line.ts";
import { Statement } from "../statement.ts";
import type { ProxyParser } from "./basics.ts";
import { findKeyword, reportStanding, reportUnknown } from "./dispatch.ts";
import { reportRule } from "./rule.ts";

const LETTERS = { defaults: "D", frontend: "F", listen: "L", backend: "B" } as const;

/** Options that HAProxy itself cannot take back. */
const NOT_NEGATABLE = new Set([
  "forwardfor",
  "originalto",
  "httplog",
  "tcplog",
  "httpslog",
  "httpchk",
  "tcp-check",
  "tcpka",
  "ldap-check",
  "mysql-check",
  "pgsql-check",
  "redis-check",
  "smtpchk",
  "spop-check",
  "ssl-hello-chk",
  "external-check",
  "http-restrict-req-hdr-names",
]);

const NEGATION_COMPLAINT =
  "negation/default currently supported only for options, log, busy-polling, set-dumpable, strict-limits, insecure-fork-wanted and numa-cpu-mapping.";

/** A leading `no` or `default`, when the words behind it can take one; "refused" after a report. */
export function prefixOf(line: ConfigLine, configuration: ConfigurationDraft): "no" | "default" | null | "refused" {
  const word = line.words[0]!.text;
  if (word !== "no" && word !== "default") return null;
  const next = line.words[1]?.text ?? "";
  const mayFollow =
    next === "option" ||
    (word === "no" &&
      ["log", "busy-polling", "set-dumpable", "strict-limits", "insecure-fork-wanted", "numa-cpu-mapping"].includes(
        next,
      ));
  if (mayFollow) return word;
  const statement = new Statement(line, configuration.diagnostics);
  statement.alert("not-negatable", NEGATION_COMPLAINT, { at: 1, introduction: "tight" });
  return "refused";
}

export function proxyLine(line: ConfigLine, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const prefix = prefixOf(line, configuration);
  if (prefix === "refused") return;
  const statement = new Statement(line, configuration.diagnostics, prefix);
  const letter = LETTERS[proxy.kind];
  const keyword = findKeyword(statement, PROXY_KEYWORDS);
  if (keyword === null && prefix !== null && statement.text(0) === "option" && statement.has(1)) {
    refuseNegation(statement);
    return;
  }
  if (keyword === null) {
    reportUnknown(statement, PROXY_KEYWORDS, proxy.kind, (known) => isAllowed(known, letter, proxy));
    return;
  }
  if (prefix !== null && keyword.name.startsWith("option ") && NOT_NEGATABLE.has(statement.text(1))) {
    refuseNegation(statement);
    return;
  }
  if (!checkPlace(statement, keyword, letter, proxy)) return;
  if (reportRule(statement, keyword) || reportStanding(statement, keyword)) return;
  keyword.parse?.(statement, proxy, configuration);
}

function refuseNegation(statement: Statement): void {
  const message = `negation/default is not supported for option '${statement.text(1)}'.`;
  statement.alert("not-negatable", message, { at: 1, introduction: "tight" });
}

function isAllowed(keyword: Keyword<ProxyParser>, letter: string, proxy: ProxyDraft): boolean {
  return (
    keyword.sections.includes(letter) ||
    (proxy.kind === "defaults" && proxy.name !== "" && keyword.sections.includes("d"))
  );
}

/** Keywords that are an error, not only without effect, in a section that lacks their side. */
const FATAL_WHEN_MISPLACED = new Set(["server", "default-server", "server-template"]);

/** Warnings that HAProxy gives in its own words when a keyword stands in the wrong kind of section (timeouts warn themselves). */
function checkPlace(statement: Statement, keyword: Keyword<ProxyParser>, letter: string, proxy: ProxyDraft): boolean {
  if (isAllowed(keyword, letter, proxy) || keyword.standing === "gone") return true;
  const name = keyword.name.split(" ")[0]!;
  const isWhole = keyword.name === "option redispatch";
  const shown = isWhole
    ? "redispatch"
    : name === "option" || name === "stats" || name === "capture"
      ? keyword.name
      : name;
  if (proxy.kind === "defaults") {
    const anonymous = keyword.sections.includes("d") ? "anonymous " : "";
    const isTight = ["stats", "id", "description"].includes(name);
    statement.alert("not-in-defaults", `'${shown}' not allowed in ${anonymous}'defaults' section.`, {
      introduction: isTight ? "tight" : "spaced",
    });
    return false;
  }
  if (name === "timeout" || shown === "option httplog" || shown === "option tcplog") return true;
  const missing = letter === "B" ? "frontend" : "backend";
  const who = `${kindInMessages(proxy)} '${proxy.name}'`;
  const hint = shown === "maxconn" ? " Maybe you want 'fullconn' instead ?" : "";
  if (FATAL_WHEN_MISPLACED.has(name)) {
    const message = `'${shown}' not allowed because ${who} has no ${missing} capability.`;
    statement.alert("misplaced", message);
  } else {
    statement.warning("misplaced", `'${shown}' ignored because ${who} has no ${missing} capability.${hint}`);
  }
  return false;
}
