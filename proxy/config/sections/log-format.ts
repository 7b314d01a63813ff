// What a frontend's log lines look like: `option httplog`, `option tcplog`, `log-format`. The last one of a proxy wins.

import type { OtherFormat, ProxyDraft } from "../draft.ts";
import {
  HTTP_CLF_LOG_FORMAT,
  HTTP_JSON_LOG_FORMAT,
  HTTP_LOG_FORMAT,
  HTTPS_LOG_FORMAT,
  TCP_CLF_LOG_FORMAT,
  TCP_LOG_FORMAT,
} from "../keywords/log-format.ts";
import type { Statement } from "../statement.ts";

/** `option httpslog` */
export function httpsLogOption(statement: Statement, proxy: ProxyDraft): void {
  if (!statement.takesAtMost(0, 2)) return;
  proxy.logFormat = { kind: "httplog", text: HTTPS_LOG_FORMAT, statement };
}

/** `option httplog [clf | json]` and `option tcplog [clf]`. json is an extension of ours: the fields of httplog as one JSON object a line. */
export function logOption(statement: Statement, proxy: ProxyDraft): void {
  const name = statement.text(1);
  const isHttp = name === "httplog";
  const isClf = statement.text(2) === "clf";
  const isJson = isHttp && statement.text(2) === "json";
  if (statement.has(2) && !isClf && !isJson) {
    statement.alert("unknown-word", `keyword '${name}' only supports option 'clf'.`, { at: 2, expected: "'clf'" });
    return;
  }
  if (!statement.takesAtMost(isClf || isJson ? 1 : 0, 2)) return;
  if (proxy.kind === "backend") {
    const message = `backend '${proxy.name}' : 'option ${name}' directive is ignored in backends.`;
    statement.warning("ignored", message);
  }
  if (isJson) {
    proxy.logFormat = { kind: "httplog", text: HTTP_JSON_LOG_FORMAT, statement };
    return;
  }
  const text = isHttp ? (isClf ? HTTP_CLF_LOG_FORMAT : HTTP_LOG_FORMAT) : isClf ? TCP_CLF_LOG_FORMAT : TCP_LOG_FORMAT;
  proxy.logFormat = { kind: isHttp ? (isClf ? "clf" : "httplog") : "tcplog", text, statement };
}

/** `log-format <format>` */
export function logFormat(statement: Statement, proxy: ProxyDraft): void {
  const text = formatOf(statement);
  if (text !== null) proxy.logFormat = { kind: "custom", text, statement };
}

/** `error-log-format`, `log-format-sd`, `unique-id-format`. */
export function otherFormat(statement: Statement, proxy: ProxyDraft): void {
  const text = formatOf(statement);
  if (text === null) return;
  proxy.otherFormats.set(statement.text(0) as OtherFormat, { kind: "custom", text, statement });
}

/** `unique-id-header <name>` */
export function uniqueIdHeader(statement: Statement, proxy: ProxyDraft): void {
  if (!statement.has(1)) {
    statement.alert("missing-argument", "unique-id-header expects an argument.", {
      at: 1,
      expected: "a header's name",
    });
    return;
  }
  if (statement.takesAtMost(1, 1)) proxy.uniqueIdHeader = statement.text(1).toLowerCase();
}

/** The one argument; null after a report. */
function formatOf(statement: Statement): string | null {
  const keyword = statement.text(0);
  if (!statement.has(1)) {
    statement.alert("missing-argument", `${keyword} expects an argument.`, { at: 1, expected: "a log-format string" });
    return null;
  }
  if (statement.has(2)) {
    const message = `${keyword} expects only one argument, don't forget to escape spaces!`;
    statement.alert("extra-argument", message, {
      at: 2,
      hint: "The easiest is to put the whole format in double quotes.",
    });
    return null;
  }
  return statement.text(1);
}
