// Expressions of server lines that are read when the whole section is known: the values of `set-proxy-v2-tlv-fmt`, and `pool-conn-name`.

import { type ConfigurationDraft, kindInMessages, type ProxyDraft } from "../draft.ts";
import { parseLogFormat } from "../expression/log-format.ts";
import { parseSample } from "../expression/sample.ts";
import { COLUMN, missingData } from "../keywords/fetch.ts";
import { FETCH_KEYWORDS } from "../keywords/fetches.ts";
import { rememberReferences } from "../sections/condition.ts";
import type { ServerDraft } from "../server-draft.ts";

export function checkServerConnection(proxy: ProxyDraft, server: ServerDraft, configuration: ConfigurationDraft): void {
  server.tlvs = server.options.proxyTlvs.map(({ type, text, statement }) => {
    const parsed = parseLogFormat(text, { keepsBlanks: true, missing: missingWhenConnecting });
    if (parsed.ok) {
      rememberReferences(statement, proxy, configuration, "set-proxy-v2-tlv-fmt", parsed.references);
      return { type, value: parsed.nodes };
    }
    statement.alert(
      "bad-log-format",
      `${who(proxy, server)}: failed to parse TLV format '${text}' : ${parsed.message}`,
      {
        introduction: "none",
      },
    );
    return { type, value: [] };
  });
  const name = server.options.texts.get("pool-conn-name");
  if (name !== undefined) readConnectionName(proxy, server, name, configuration);
}

function readConnectionName(
  proxy: ProxyDraft,
  server: ServerDraft,
  text: string,
  configuration: ConfigurationDraft,
): void {
  const parsed = parseSample(text);
  const missing = parsed.ok ? missingWhenConnecting(parsed.fetchName) : null;
  if (parsed.ok && missing === null) {
    rememberReferences(server.statement, proxy, configuration, "pool-conn-name", parsed.references);
    server.poolConnName = parsed.sample;
    return;
  }
  const problem = parsed.ok
    ? `error detected while parsing sni expression : fetch method '${text}' extracts information from '${missing}', none of which is available here.`
    : `error detected while parsing pool-conn-name expression : ${parsed.message}`;
  server.statement.alert("bad-expression", `${who(proxy, server)}: ${problem}`, { introduction: "none" });
}

function who(proxy: ProxyDraft, server: ServerDraft): string {
  return `${kindInMessages(proxy)} '${proxy.name}': server '${server.name}'`;
}

/** What a fetch needs that is not there when a connection to a server is made. */
export function missingWhenConnecting(fetchName: string): string | null {
  const availability = FETCH_KEYWORDS.get(fetchName)?.availability;
  if (availability === undefined || availability[COLUMN.serverSource] === "Y") return null;
  // What belongs to the request is there as well while it waits for its server.
  if (availability[COLUMN.backendHttpRequest] === "Y" || availability[COLUMN.frontendHttpRequest] === "Y") return null;
  return missingData(availability);
}
