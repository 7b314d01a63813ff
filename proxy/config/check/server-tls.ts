// TLS of server lines as a whole, for traffic and for checks, over `ssl-default-server-…` and `ssl-server-verify`. HAProxy's words where it has some.

import type { SamplePlan } from "../../plan/expression.ts";
import type { TlsServerPlan } from "../../plan/tls.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import { parseSample } from "../expression/sample.ts";
import { rememberReferences } from "../sections/condition.ts";
import type { ServerDraft } from "../server-draft.ts";
import { missingWhenConnecting } from "./server-connection.ts";
import { certificateOf, protocolsOf, settingsOf, type TlsLine, trustOf } from "./tls.ts";

export function checkServerTls(proxy: ProxyDraft, server: ServerDraft, configuration: ConfigurationDraft): void {
  const { tls } = server.options;
  const checksEncrypted = tls.flags.get("check-ssl") === true;
  const stepsEncrypt = server.options.flags.get("check") === true && hasEncryptedStep(proxy, server, configuration);
  if (!tls.isOn && !checksEncrypted && !stepsEncrypt) return;
  const { statement } = server;
  const who = `'server ${proxy.name}/${server.name}'`;
  const line: TlsLine = { tls, statement, who, configuration, alpnDefault: [] };
  const plan = buildServer(line, proxy);
  const checkAlpn = protocolsOf(line, "check-alpn", protocolsInChecks(proxy));
  if (plan === null || checkAlpn === null) return;
  if (tls.isOn) server.tlsPlan = plan;
  if (stepsEncrypt) server.stepTlsPlan = plan;
  if (!checksEncrypted && !inheritsTls(server)) return;
  server.checkTlsPlan = { ...plan, alpn: checkAlpn.length > 0 ? checkAlpn : plan.alpn };
}

/** Checks that do not speak HTTP may offer what they like. */
function protocolsInChecks({ checkOption }: ProxyDraft): readonly string[] | undefined {
  return checkOption === "httpchk" ? undefined : ["h2", "http/1.1", "http/1.0"];
}

function hasEncryptedStep(proxy: ProxyDraft, { options }: ServerDraft, { healthchecks }: ConfigurationDraft): boolean {
  const own = healthchecks.find(({ name }) => name === options.texts.get("healthcheck"))?.proxy ?? proxy;
  const { check, checkOption } = own;
  if (check === null) return false;
  const steps = checkOption === "httpchk" ? check.http.steps : checkOption === "tcp-check" ? check.tcp.steps : [];
  return steps.some((step) => step.kind === "connect" && step.ssl);
}

/** As HAProxy: checks are encrypted as traffic is unless they go elsewhere or are told not to be. */
function inheritsTls({ options }: ServerDraft): boolean {
  const isElsewhere = (options.numbers.get("port") ?? 0) > 0 || options.checkAddress !== null;
  return options.tls.isOn && !isElsewhere && options.tls.flags.get("check-ssl") !== false;
}

function buildServer(line: TlsLine, proxy: ProxyDraft): TlsServerPlan | null {
  const { tls } = line;
  const settings = settingsOf(line, "server");
  const authorities = trustOf(line, "ca-file");
  const revocations = trustOf(line, "crl-file");
  const certificate = certificateOf(line);
  const sni = sniOf(line, proxy);
  const verify = verifies(line);
  if (settings === null || authorities === undefined || revocations === undefined || certificate === undefined)
    return null;
  if (sni === undefined || verify === null) return null;
  return {
    ...settings,
    verify,
    authorities,
    revocations,
    certificate,
    sni,
    verifyHost: tls.texts.get("verifyhost")?.value ?? null,
    reuse: tls.flags.get("no-ssl-reuse") !== true,
    tickets: !(tls.flags.get("no-tls-tickets") ?? tls.defaults?.flags.get("no-tls-tickets") ?? false),
  };
}

/** HAProxy verifies servers unless told otherwise, and then wants to know against whom. Null: the diagnostics say what is missing. */
function verifies({ tls, statement, who, configuration }: TlsLine): boolean | null {
  const verify = tls.texts.get("verify")?.value ?? configuration.global.texts.get("ssl-server-verify") ?? "required";
  if (verify === "none") return false;
  if (tls.texts.has("ca-file")) return true;
  const message = tls.texts.has("verify")
    ? `${who} : verify is enabled but no CA file specified.`
    : `${who} : verify is enabled by default but no CA file specified. If you're running on a LAN where you're certain to trust the server's certificate, please set an explicit 'verify none' statement on the 'server' line, or use 'ssl-server-verify none' in the global section to disable server-side verifications by default.`;
  const at = tls.texts.get("verify")?.at ?? Math.max(0, statement.textsFrom(0).indexOf("ssl"));
  statement.alert("no-authorities", message, { introduction: "none", at });
  return null;
}

/** `sni <expression>`; undefined: the diagnostics say what is wrong. */
function sniOf({ tls, statement, who, configuration }: TlsLine, proxy: ProxyDraft): SamplePlan | null | undefined {
  const named = tls.texts.get("sni");
  if (named === undefined) return null;
  const parsed = parseSample(named.value);
  const missing = parsed.ok ? missingWhenConnecting(parsed.fetchName) : null;
  if (parsed.ok && missing === null) {
    rememberReferences(statement, proxy, configuration, "sni", parsed.references);
    return parsed.sample;
  }
  const problem = parsed.ok
    ? `error detected while parsing sni expression : fetch method '${named.value}' extracts information from '${missing}', none of which is available here.`
    : `error detected while parsing sni expression : ${parsed.message}`;
  statement.alert("bad-sni", `${who} : ${problem}`, { introduction: "none", at: named.at });
  return undefined;
}
