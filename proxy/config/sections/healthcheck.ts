// `healthcheck <name>`: a check that servers refer to, in place of their backend's (configuration.txt 12.9). Its lines are those of a proxy.

import type { HealthcheckDraft } from "../check-draft.ts";
import { type ConfigurationDraft, newProxy, type ProxyDraft } from "../draft.ts";
import type { ConfigLine } from "../line.ts";
import { Statement } from "../statement.ts";
import { httpchk, tcpCheckOption } from "./health.ts";
import {
  ldapCheck,
  mysqlCheck,
  pgsqlCheck,
  redisCheck,
  smtpCheck,
  spopCheck,
  sslHelloCheck,
} from "./protocol-check.ts";
import { proxyLine } from "./proxy-section.ts";

const TYPES: Readonly<Record<string, (statement: Statement, proxy: ProxyDraft) => void>> = {
  "tcp-check": tcpCheckOption,
  httpchk,
  "ssl-hello-chk": sslHelloCheck,
  smtpchk: smtpCheck,
  "pgsql-check": pgsqlCheck,
  "redis-check": redisCheck,
  "mysql-check": mysqlCheck,
  "ldap-check": ldapCheck,
  "spop-check": spopCheck,
};

export function openHealthcheck(statement: Statement, { healthchecks }: ConfigurationDraft): HealthcheckDraft {
  const name = statement.text(1);
  const section = { name, proxy: newProxy("backend", name, statement, null), hasType: false };
  if (name === "") {
    statement.alert("missing-name", "missing name for healthcheck section.", { at: 1 });
    return section;
  }
  if (healthchecks.some((other) => other.name === name)) {
    statement.alert("duplicate-name", `healthcheck section '${name}' already exists.`, { at: 1 });
    return section;
  }
  healthchecks.push(section);
  return section;
}

export function healthcheckLine(line: ConfigLine, section: HealthcheckDraft, configuration: ConfigurationDraft): void {
  const statement = new Statement(line, configuration.diagnostics);
  const keyword = statement.text(0);
  if (keyword === "http-check" || keyword === "tcp-check") {
    proxyLine(line, section.proxy, configuration);
    return;
  }
  if (keyword !== "type") {
    const message = `unknown keyword '${keyword}' in 'healthcheck' section`;
    statement.alert("unknown-keyword", message, { suggestions: ["type", "http-check", "tcp-check"] });
    return;
  }
  const type = TYPES[statement.text(1)];
  if (type === undefined) {
    const message = `unknown healthcheck type '${statement.text(1)}'.`;
    statement.alert("unknown-type", message, { at: 1, suggestions: Object.keys(TYPES) });
    return;
  }
  section.hasType = true;
  type(statement, section.proxy);
}

/** Sections without a `type`. */
export function checkHealthchecks({ healthchecks }: ConfigurationDraft): void {
  for (const { hasType, name, proxy } of healthchecks) {
    if (hasType) continue;
    proxy.statement.alert("missing-type", `healthcheck section '${name}' has no type.`, { introduction: "none" });
  }
}
