// The `resolvers` section (5.3.2): whom names of servers are asked of, how often, and how long an answer holds.
//
//   resolvers mydns
//     nameserver dns1 10.0.0.1:53          or tcp@10.0.0.1:53
//     parse-resolv-conf                    those of /etc/resolv.conf as well
//     hold valid 10s

import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { suggest } from "../../../shared/diagnostic/suggest.ts";
import type { HoldPlan, NameserverPlan } from "../../plan/resolvers.ts";
import { PEER_RULES, parseAddress } from "../address.ts";
import { parseTime } from "../arguments.ts";
import type { ConfigurationDraft } from "../draft.ts";
import type { ResolversDraft } from "../draft-tables.ts";
import { OTHER_SECTIONS } from "../keywords/sections.ts";
import type { ConfigLine } from "../line.ts";
import { Statement } from "../statement.ts";
import { timeProblem } from "../values.ts";

const RESOLV_CONF = "/etc/resolv.conf";
const DNS_PORT = 53;
const PAYLOAD_MIN = 512;
const PAYLOAD_MAX = 65_535;
/** configuration.txt 5.3.2. */
const HOLD_DEFAULTS: HoldPlan = {
  valid: 10_000,
  obsolete: 0,
  nx: 30_000,
  refused: 30_000,
  timeout: 30_000,
  other: 30_000,
};
const DEFAULTS = { resolveMs: 1000, retryMs: 1000, retries: 3, payloadBytes: 512 } as const;

export function openResolvers(statement: Statement, configuration: ConfigurationDraft): ResolversDraft {
  const name = statement.text(1);
  if (name === "") statement.alert("missing-name", "missing name for resolvers section.", { at: 1 });
  const twin = configuration.resolvers.find((section) => section.name === name);
  if (twin?.statement != null) {
    const { file, line } = twin.statement.location;
    const message = `resolvers '${name}' has same name as another resolvers (declared at ${file}:${line}).`;
    statement.alert("duplicate-name", message, { at: 1, introduction: "tight" });
  }
  const draft: ResolversDraft = { name, statement, nameservers: [], ...DEFAULTS, holdMs: { ...HOLD_DEFAULTS } };
  configuration.resolvers.push(draft);
  return draft;
}

/** The section `default`, which is there by itself where the machine has nameservers. */
export function addDefaultResolvers({ resolvers }: ConfigurationDraft): void {
  if (resolvers.some(({ name }) => name === "default")) return;
  const nameservers = systemNameservers([]);
  if (nameservers === null || nameservers.length === 0) return;
  resolvers.push({ name: "default", statement: null, nameservers, ...DEFAULTS, holdMs: { ...HOLD_DEFAULTS } });
}

export function resolversLine(line: ConfigLine, draft: ResolversDraft, configuration: ConfigurationDraft): void {
  const statement = new Statement(line, configuration.diagnostics);
  const word = statement.text(0);
  switch (word) {
    case "nameserver":
      nameserver(statement, draft, configuration);
      break;
    case "parse-resolv-conf":
      if (statement.takesAtMost(0)) parseResolvConf(statement, draft);
      break;
    case "hold":
      hold(statement, draft);
      break;
    case "timeout":
      timeout(statement, draft);
      break;
    case "resolve_retries":
      draft.retries =
        number(statement, 0, Number.MAX_SAFE_INTEGER, "'resolve_retries' expects <nb> as argument.") ?? draft.retries;
      break;
    case "accepted_payload_size":
      payload(statement, draft);
      break;
    default: {
      const [best, ...suggestions] = suggest(word, OTHER_SECTIONS.get("resolvers")!.keywords);
      const ending = best === undefined ? "" : `; did you mean '${best}' maybe ?`;
      statement.alert("unknown-keyword", `unknown keyword '${word}' in 'resolvers' section${ending}`, { suggestions });
    }
  }
}

function nameserver(statement: Statement, draft: ResolversDraft, { environment }: ConfigurationDraft): void {
  const [name, text] = [statement.text(1), statement.text(2)];
  if (name === "" || text === "") {
    const message = "'nameserver' expects <name> and <addr>[:<port>] as arguments.";
    statement.alert("missing-argument", message, {
      at: name === "" ? 1 : 2,
      expected: "a name and an address such as 'dns1 10.0.0.1:53'",
    });
    return;
  }
  const twin = draft.nameservers.find((other) => other.name === name);
  if (twin !== undefined) {
    statement.alert(
      "duplicate-name",
      `Parsing nameserver '${name}': it has same name as another nameserver of the section.`,
      { at: 1 },
    );
    return;
  }
  const isTcp = text.startsWith("tcp@");
  const written = text.replace(/^(tcp|udp)@/, "");
  const parsed = parseAddress(written, PEER_RULES, environment);
  const fail = (code: string, problem: string): void =>
    statement.alert(code, `'nameserver ${name}' : ${problem}`, { at: 2 });
  if (!parsed.ok) fail(parsed.problem.code, parsed.problem.message);
  else if (parsed.value.address === null || !("host" in parsed.value.address))
    fail("bad-address", `'${text}' is no IP address: who would resolve its name?`);
  else if (parsed.value.ports === null) fail("missing-port", `missing port specification in '${text}'`);
  else {
    const { host, port } = parsed.value.address;
    draft.nameservers.push({ name, host, port, transport: isTcp ? "tcp" : "udp" });
  }
}

/** The machine's own nameservers; a file that is not there leaves the section without them, as in HAProxy. */
function parseResolvConf(statement: Statement, draft: ResolversDraft): void {
  const found = systemNameservers(draft.nameservers);
  if (found === null) statement.warning("no-resolv-conf", `parse-resolv-conf : failed to open ${RESOLV_CONF}.`);
  else draft.nameservers.push(...found);
}

/** Nameservers of /etc/resolv.conf that are not among `known`; null: there is no such file. */
function systemNameservers(known: readonly NameserverPlan[]): NameserverPlan[] | null {
  let text: string;
  try {
    text = readFileSync(RESOLV_CONF, "latin1");
  } catch {
    return null;
  }
  const hosts = new Set([...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, host]) => host!));
  for (const { name } of known) hosts.delete(name);
  return [...hosts]
    .filter((name) => isIP(name.replace(/%.*$/, "")) !== 0)
    .map((name) => ({ name, host: name.replace(/%.*$/, ""), port: DNS_PORT, transport: "udp" }));
}

function hold(statement: Statement, draft: ResolversDraft): void {
  const event = statement.text(1);
  if (event === "" || !statement.has(2)) {
    statement.alert("missing-argument", "'hold' expects an <event> and a <time> as arguments.", {
      at: event === "" ? 1 : 2,
    });
    return;
  }
  if (!(event in draft.holdMs)) {
    const message = `'hold' unknown <event>: '${event}', expects either 'nx', 'timeout', 'valid', 'obsolete' or 'other'.`;
    statement.alert("unknown-event", message, { at: 1, suggestions: suggest(event, Object.keys(draft.holdMs)) });
    return;
  }
  const ms = time(statement, "hold");
  if (ms !== null) draft.holdMs = { ...draft.holdMs, [event]: ms };
}

function timeout(statement: Statement, draft: ResolversDraft): void {
  const event = statement.text(1);
  if (event !== "resolve" && event !== "retry") {
    const message = `'timeout' expects 'retry' or 'resolve' and <time> as arguments got '${event}'.`;
    statement.alert("unknown-event", message, { at: 1, suggestions: suggest(event, ["resolve", "retry"]) });
    return;
  }
  if (!statement.has(2)) {
    statement.alert("missing-argument", `'timeout ${event}' expects <time> as argument.`, { at: 2 });
    return;
  }
  const ms = time(statement, `timeout ${event}`);
  if (ms === null) return;
  if (event === "resolve") draft.resolveMs = ms;
  else draft.retryMs = ms;
}

function time(statement: Statement, keyword: string): number | null {
  const text = statement.text(2);
  const parsed = parseTime(text, "ms");
  if (parsed.ok) return parsed.value.value;
  statement.alert("bad-time", timeProblem(parsed.problem, text, keyword), { at: 2, expected: "a time such as 10s" });
  return null;
}

function number(statement: Statement, min: number, max: number, missing: string): number | null {
  const text = statement.text(1);
  if (text === "") {
    statement.alert("missing-argument", missing, { at: 1 });
    return null;
  }
  if (/^\d+$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text);
  statement.alert("bad-number", `'${statement.text(0)}' expects a number, but got '${text}'.`, { at: 1 });
  return null;
}

/** HAProxy takes 12 and more; less than RFC 1035's 512 no server gives. */
function payload(statement: Statement, draft: ResolversDraft): void {
  const text = statement.text(1);
  const size = Number(text);
  if (/^\d+$/.test(text) && size >= 12 && size <= PAYLOAD_MAX) {
    draft.payloadBytes = Math.max(PAYLOAD_MIN, size);
    return;
  }
  const message = `'accepted_payload_size' must be between 12 and 65535 inclusive (was ${text}).`;
  statement.alert("bad-number", message, { at: 1 });
}
