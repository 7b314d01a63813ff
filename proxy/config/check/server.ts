// Servers of one backend against each other and against its checks.

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import { hasBackend, kindInMessages } from "../draft.ts";
import type { ServerDraft } from "../server-draft.ts";
import { checkResolution, isServiceName } from "./resolution.ts";
import { checkServerConnection } from "./server-connection.ts";
import { checkServerTls } from "./server-tls.ts";
import { findTracked } from "./track.ts";

/** @param who `backend 'web'` */
export function checkServers(proxy: ProxyDraft, who: string, configuration: ConfigurationDraft): void {
  const rules = proxy.check;
  if (rules !== null && proxy.checkOption !== "httpchk" && rules.http.steps.length > 0) {
    const message = `${who} uses http-check rules without 'option httpchk', so the rules are ignored.`;
    proxy.statement.warning("ignored", message, { introduction: "none" });
  }
  const seen = new Map<string, ServerDraft>();
  for (const server of proxy.servers) {
    checkName(proxy, server, seen);
    checkPort(proxy, server);
    checkAgent(proxy, server);
    checkObserve(proxy, server);
    checkHealthcheck(proxy, server, configuration);
    settleLimits(server);
    findTracked(proxy, server, configuration);
    checkResolution(proxy, server, configuration);
    checkServerConnection(proxy, server, configuration);
    checkServerTls(proxy, server, configuration);
  }
}

function checkName(proxy: ProxyDraft, server: ServerDraft, seen: Map<string, ServerDraft>): void {
  const twin = seen.get(server.name);
  if (twin === undefined) {
    seen.set(server.name, server);
    return;
  }
  const message =
    `${kindInMessages(proxy)} '${proxy.name}', another server named '${server.name}' was already defined at line ` +
    `${twin.statement.location.line}, please use distinct names.`;
  server.statement.alert("duplicate-name", message, { at: 1 });
}

/** A check needs a port to go to. */
function checkPort(proxy: ProxyDraft, server: ServerDraft): void {
  const { options, slot } = server;
  if (options.flags.get("check") !== true || (options.numbers.get("port") ?? 0) > 0) return;
  const { family, host, ports } = slot.argument;
  // A SRV record brings the port.
  if (host !== null && isServiceName(host)) return;
  if (family === "unix" || family === "abns" || (ports?.first ?? 0) > 0) return;
  const address = options.checkAddress;
  if (address !== null && "port" in address && address.port > 0) return;
  const message = `${kindInMessages(proxy)} '${proxy.name}': server '${server.name}' has neither service port nor check port.`;
  server.statement.alert("no-check-port", message, {
    at: 2,
    introduction: "none",
    expected: "a port behind the address, or 'port <n>' for the check",
  });
}

function checkHealthcheck(
  proxy: ProxyDraft,
  { name, options, statement }: ServerDraft,
  { healthchecks }: ConfigurationDraft,
): void {
  const wanted = options.texts.get("healthcheck");
  if (wanted === undefined || healthchecks.some((section) => section.name === wanted)) return;
  const message = `${kindInMessages(proxy)} '${proxy.name}': server '${name}': healthcheck section '${wanted}' not found.`;
  const suggestions = suggest(
    wanted,
    healthchecks.map((section) => section.name),
  );
  statement.alert("unknown-healthcheck", message, { introduction: "none", suggestions });
}

/** What `option external-check` wants beside it. */
export function checkExternal(proxy: ProxyDraft, { global }: ConfigurationDraft): void {
  if (proxy.checkOption !== "external" || !hasBackend(proxy)) return;
  const lacks = (what: string): void =>
    proxy.statement.alert(
      "incomplete-check",
      `Proxy '${proxy.name}' : 'option external-check' unable to find required '${what}'.`,
      {
        introduction: "none",
      },
    );
  if (!global.texts.has("external-check")) lacks("global.external-check");
  if (!proxy.texts.has("external-check command")) lacks("external-check command");
}

function checkObserve(proxy: ProxyDraft, { name, options, statement }: ServerDraft): void {
  if (options.texts.get("observe") !== "layer7" || proxy.mode === "http") return;
  statement.alert("not-http", `'server ${proxy.name}/${name}' : 'layer7' can only be used in http proxies..`, {
    at: Math.max(0, statement.textsFrom(0).indexOf("layer7")),
    introduction: "located",
  });
}

function checkAgent(proxy: ProxyDraft, server: ServerDraft): void {
  const { flags, numbers } = server.options;
  if (flags.get("agent-check") !== true || (numbers.get("agent-port") ?? 0) > 0) return;
  const message = `'server ${proxy.name}/${server.name}' : server ${server.name} does not have agent port. Agent check has been disabled.`;
  server.statement.alert("no-agent-port", message, { at: 1, expected: "'agent-port <port>'" });
}

/** `minconn` and `maxconn` together. */
function settleLimits(server: ServerDraft): void {
  const { numbers } = server.options;
  const [min, max] = [numbers.get("minconn") ?? 0, numbers.get("maxconn") ?? 0];
  // HAProxy: minconn above maxconn means the same as maxconn; minconn without maxconn is one limit for all loads.
  if (min > 0 && (max === 0 || min > max)) numbers.set("maxconn", Math.max(min, max));
}
