// The log format of a frontend: does it fit the mode, is there anywhere to log to, does it parse. Formats are parsed here and not where
// they are written, because `mode` may stand below them.

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import { type ConfigurationDraft, kindInMessages, type OtherFormat, type ProxyDraft } from "../draft.ts";
import { type LogFormatUse, parseLogFormat } from "../expression/log-format.ts";
import { TCP_CLF_LOG_FORMAT, TCP_LOG_FORMAT } from "../keywords/log-format.ts";
import { rememberReferences } from "../sections/condition.ts";

export function checkLogFormat(proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const format = proxy.logFormat;
  if (format === null) return;
  const who = `${kindInMessages(proxy)} '${proxy.name}'`;
  let { text } = format;
  if (proxy.mode === "tcp" && (format.kind === "httplog" || format.kind === "clf")) {
    const message = `'option httplog' not usable with ${who} (needs 'mode http'). Falling back to 'option tcplog'.`;
    format.statement.warning("needs-http", message);
    text = format.kind === "clf" ? TCP_CLF_LOG_FORMAT : TCP_LOG_FORMAT;
  }
  if (!hasLogTarget(proxy, configuration)) {
    const message = `log format ignored for ${who} since it has no log address.`;
    proxy.statement.warning("no-log-address", message, { introduction: "none" });
  }
  const parsed = parseLogFormat(text);
  if (!parsed.ok) {
    format.statement.alert("bad-log-format", `failed to parse ${format.statement.text(0)} : ${parsed.message}`, {
      at: 1,
      introduction: "tight",
      ...(parsed.suggestions === undefined ? {} : { suggestions: parsed.suggestions }),
      ...(parsed.hint === undefined ? {} : { hint: parsed.hint }),
    });
    return;
  }
  rememberReferences(format.statement, proxy, configuration, "log-format", parsed.references);
  if (proxy.mode === "tcp") {
    for (const alias of parsed.httpOnly) {
      const message = `format alias '${alias}' used from ${who} may not work as expected (item depends on HTTP proxy mode).`;
      format.statement.report("diag", "needs-http", message, { at: 1, introduction: "tight" });
    }
  }
  proxy.logNodes = parsed.nodes;
}

const USES: Readonly<Record<OtherFormat, LogFormatUse | undefined>> = {
  "error-log-format": undefined,
  "log-format-sd": undefined,
  // Made while the request is there.
  "unique-id-format": { keepsBlanks: false, missing: () => null },
};

/** `error-log-format`, `log-format-sd` and `unique-id-format`. */
export function checkOtherFormats(proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  for (const log of proxy.log) {
    const name = log.kind === "target" ? log.target.profile : undefined;
    if (name === undefined || configuration.logProfiles.some((profile) => profile.name === name)) continue;
    const suggestions = suggest(
      name,
      configuration.logProfiles.map((profile) => profile.name),
    );
    const message = `log : unknown log-profile '${name}' in ${kindInMessages(proxy)} '${proxy.name}'.`;
    proxy.statement.alert("unknown-profile", message, { introduction: "none", suggestions });
  }
  for (const [keyword, { text, statement }] of proxy.otherFormats) {
    const parsed = parseLogFormat(text, USES[keyword]);
    if (!parsed.ok) {
      statement.alert("bad-log-format", `failed to parse ${keyword} : ${parsed.message}`, {
        at: 1,
        introduction: "tight",
        ...(parsed.suggestions === undefined ? {} : { suggestions: parsed.suggestions }),
        ...(parsed.hint === undefined ? {} : { hint: parsed.hint }),
      });
      continue;
    }
    rememberReferences(statement, proxy, configuration, "log-format", parsed.references);
    proxy.otherNodes.set(keyword, parsed.nodes);
  }
}

/** `log global` counts only when `global` has a target. */
function hasLogTarget(proxy: ProxyDraft, configuration: ConfigurationDraft): boolean {
  return proxy.log.some((log) => log.kind !== "global" || configuration.global.log.length > 0);
}
