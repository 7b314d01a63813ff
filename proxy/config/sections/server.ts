// `server <name> <address>[:port] [from <origin>] [parameters]` and `default-server [name <name>] [from <origin>] [parameters]`, sections 4.2 and 5.2.

import { suggest } from "../../../shared/diagnostic/suggest.ts";
import type { AddressSlot, ConfigurationDraft, ProxyDraft } from "../draft.ts";
import { REFERENCE_PAGE } from "../keywords/keyword.ts";
import { SERVER_KEYWORDS } from "../keywords/server.ts";
import { copyServerOptions, type ServerDraft, type ServerOptions } from "../server-draft.ts";
import type { Statement } from "../statement.ts";
import { parseServerAddress } from "../values.ts";
import { defaultServerOf, readOrigin } from "./server-origin.ts";
import { copyTlsOptions } from "./tls-options.ts";

/** Servers that one line may make. */
const TEMPLATE_MAX = 10_000;
const NAME = /[^A-Za-z0-9_.:-]/;

/** Parameters a `default-server` may not have: each server's own. */
const NOT_IN_DEFAULT = new Set(["id"]);

export function server(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const name = statement.text(1);
  if (name === "" || statement.text(2) === "") {
    const message = "'server' expects <name> and <addr>[:<port>] as arguments.";
    const expected = "a name and an address such as 'web1 10.0.0.1:80'";
    statement.alert("missing-argument", message, { at: name === "" ? 1 : 2, introduction: "located", expected });
    return;
  }
  const wrong = NAME.exec(name);
  if (wrong !== null) {
    const message = `character '${wrong[0]}' is not permitted in server name '${name}'.`;
    const expected = "a name of letters, digits, '-', '_', '.' and ':'";
    statement.alert("bad-name", message, { at: 1, introduction: "located", expected });
    return;
  }
  const lead = `'server ${proxy.name}/${name}'`;
  const named = proxy.namedDefaultServers.get(name);
  if (named !== undefined) {
    const message = `${lead} : another server named '${name}' was already defined at line ${named.line}, please use a distinct name.`;
    statement.alert("duplicate-server", message, { at: 1, introduction: "located" });
    return;
  }
  const slot = addressOf(statement, 2, lead, configuration);
  const options = readOptions(statement, 3, lead, proxy, configuration);
  const id = options.numbers.get("id") ?? 0;
  checkDuplicateId(statement, proxy, id, lead);
  if (slot !== null) proxy.servers.push(newServer(name, options, statement, slot));
}

/** Parameters of a server: those of the line from an index on, over those of its origin, which is its backend's default-server when it names none. */
function readOptions(
  statement: Statement,
  at: number,
  lead: string,
  proxy: ProxyDraft,
  configuration: ConfigurationDraft,
): ServerOptions {
  const origin = readOrigin(statement, at, lead, proxy, configuration);
  const options = origin?.options ?? copyServerOptions(proxy.defaultServer);
  options.numbers.delete("id");
  options.tls.defaults = copyTlsOptions(configuration.global.tlsDefaults.server);
  if (origin !== null) parseParameters(statement, origin.next, options, lead, configuration);
  return options;
}

function newServer(name: string, options: ServerOptions, statement: Statement, slot: AddressSlot): ServerDraft {
  return {
    ...{ name, options, statement, slot, tlvs: [], poolConnName: null },
    ...{
      tlsPlan: null,
      checkTlsPlan: null,
      stepTlsPlan: null,
      tracked: null,
      resolversIndex: -1,
      isUnresolved: false,
      saved: null,
      lastAddress: null,
    },
  };
}

/** `server-template <prefix> <num | range> <fqdn>[:<port>] [params*]`: servers that differ in their numbers, and in the addresses that DNS gives them. */
export function serverTemplate(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const [prefix, range] = [statement.text(1), statement.text(2)];
  const fail = (code: string, message: string, at: number): void =>
    statement.alert(code, message, { at, introduction: "located" });
  if (prefix === "" || range === "" || !statement.has(3)) {
    const at = prefix === "" ? 1 : range === "" ? 2 : 3;
    fail("missing-argument", "'server-template' expects <prefix> <nb | range> <addr>[:<port>] as arguments.", at);
    return;
  }
  const wrong = NAME.exec(prefix);
  if (wrong !== null) {
    fail("bad-name", `character '${wrong[0]}' is not permitted in server-template prefix '${prefix}'.`, 1);
    return;
  }
  const bounds = /^(?:(\d+)-)?(\d+)$/.exec(range);
  const [first, last] = [Number(bounds?.[1] ?? 1), Number(bounds?.[2] ?? 0)];
  if (bounds === null || first < 0 || last < first || last - first >= TEMPLATE_MAX) {
    fail("bad-range", `wrong number or range '${range}' in server-template '${prefix}'.`, 2);
    return;
  }
  const lead = `'server-template ${proxy.name}/${prefix}'`;
  const slot = addressOf(statement, 3, lead, configuration);
  const options = readOptions(statement, 4, lead, proxy, configuration);
  if (slot === null) return;
  for (let number = first; number <= last; number++)
    proxy.servers.push(newServer(`${prefix}${number}`, copyServerOptions(options), statement, { ...slot }));
}

/** The server's address; a name is resolved later (resolve.ts). Null after a report. */
function addressOf(
  statement: Statement,
  at: number,
  lead: string,
  configuration: ConfigurationDraft,
): AddressSlot | null {
  const written = statement.text(at);
  const parsed = parseServerAddress(written, configuration);
  if (parsed.ok) return { argument: parsed.value, written, address: parsed.value.address };
  const { code, message, expected, hint } = parsed.problem;
  statement.alert(code, `${lead} : ${message}`, {
    at,
    introduction: "located",
    ...(expected === undefined ? {} : { expected }),
    ...(hint === undefined ? {} : { hint }),
  });
  return null;
}

export function defaultServer(statement: Statement, proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const target = defaultServerOf(statement, proxy);
  const origin = target && readOrigin(statement, target.next, "", proxy, configuration);
  if (origin === null) return;
  const first = statement.text(origin.next);
  if (
    first !== "" &&
    SERVER_KEYWORDS.find(first) === null &&
    suggest(first, SERVER_KEYWORDS.proposals()).length === 0
  ) {
    const message = `unknown keyword '${first}'. Hint: no address was expected for this server.`;
    statement.alert("unknown-keyword", message, { at: origin.next, introduction: "located" });
    return;
  }
  if (origin.options !== null) target!.replace(origin.options);
  parseParameters(statement, origin.next, origin.options ?? target!.options, "", configuration);
}

function checkDuplicateId(statement: Statement, proxy: ProxyDraft, id: number, lead: string): void {
  const owner = id === 0 ? undefined : proxy.servers.find((other) => other.options.numbers.get("id") === id);
  if (owner === undefined) return;
  const { file, line } = owner.statement.location;
  const message = `${lead} : 'id' : custom id ${id} already used at ${file}:${line} ('server ${owner.name}').`;
  statement.alert("duplicate-id", message, { at: statement.textsFrom(0).indexOf("id"), introduction: "located" });
}

/** @param lead `'server be/s1'`, "" on a default-server line */
function parseParameters(
  statement: Statement,
  from: number,
  options: ServerOptions,
  lead: string,
  configuration: ConfigurationDraft,
): void {
  const reported = new Set<string>();
  const fail = (
    code: string,
    at: number,
    message: string,
    extra: { hint?: string; suggestions?: string[] } = {},
  ): void => {
    statement.alert(code, lead === "" ? message : `${lead} : ${message}`, { at, introduction: "located", ...extra });
  };
  for (let at = from; at < statement.length; at++) {
    const word = statement.text(at);
    const keyword = SERVER_KEYWORDS.find(word.replace(/\(.*$/, ""));
    if (keyword === null) {
      const [best, ...others] = suggest(word, SERVER_KEYWORDS.proposals());
      const ending = best === undefined ? "." : `; did you mean '${best}' maybe ?`;
      fail("unknown-keyword", at, `unknown keyword '${word}'${ending}`, { suggestions: others });
      return;
    }
    if (lead === "" && NOT_IN_DEFAULT.has(word)) {
      fail("not-in-default", at, `'${word}' option is not accepted in default-server sections`);
      return;
    }
    if (keyword.standing === "unserved" || keyword.standing === "gone") {
      if (!reported.has(keyword.remark)) {
        reported.add(keyword.remark);
        const hint = `${keyword.remark} All keywords: ${REFERENCE_PAGE}.`;
        fail("unserved", at, `'${word}' is known to HAProxy but not served yet`, { hint });
      }
    } else if (keyword.parse !== null) {
      const problem = keyword.parse(statement, at, options, configuration);
      if (problem !== null) fail("bad-parameter", at, `${problem}.`);
    }
    options.isWritten = true;
    at += keyword.takes < 0 ? varyingArguments(statement, at) : keyword.takes;
  }
}

/** `source` takes an address, then maybe `usesrc` or `interface` with a word each. */
function varyingArguments(statement: Statement, at: number): number {
  let taken = 1;
  while (["usesrc", "interface"].includes(statement.text(at + taken + 1))) taken += 2;
  return taken;
}
