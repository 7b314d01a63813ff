// TLS of bind lines as a whole, and what server lines (server-tls.ts) share with them: reads the files that the options name and puts everything
// together, over the defaults of `global`.
// HAProxy's words where it has some.

import { statSync } from "node:fs";
import * as openssl from "../../../shared/ffi/openssl.ts";
import type {
  CertificatePlan,
  IgnoredErrors,
  TicketKeysPlan,
  TlsBindPlan,
  TlsEntryPlan,
  TlsPolicyPlan,
  TlsSettingsPlan,
  TrustPlan,
} from "../../plan/tls.ts";
import { verifyErrorNumber } from "../../tls/verify-errors.ts";
import type { BindDraft } from "../bind-draft.ts";
import type { ConfigurationDraft, ProxyDraft } from "../draft.ts";
import { type TlsOptions, VERSIONS } from "../sections/tls-options.ts";
import type { Statement } from "../statement.ts";
import { ocspClash, readCrtList } from "./crt-list.ts";

/** Protocols that are spoken. */
const PROTOCOLS = ["h2", "http/1.1", "http/1.0"];
/** What a bind line of mode http offers when it says nothing (configuration.txt 5.1, `alpn`). */
const ALPN_DEFAULT = ["h2", "http/1.1"];
const MIN_VERSION_DEFAULT = "TLSv1.2";

/** Where a line's TLS is said and complained about. */
export interface TlsLine {
  readonly tls: TlsOptions;
  readonly statement: Statement;
  /** "'bind *:443' in section 'frontend'". */
  readonly who: string;
  readonly configuration: ConfigurationDraft;
  /** What is offered when neither `alpn` nor `no-alpn` is said. */
  readonly alpnDefault: readonly string[];
}

export function checkBindTls(proxy: ProxyDraft, configuration: ConfigurationDraft): void {
  const done = new Set<Statement>();
  for (const bind of proxy.binds) {
    const { tls } = bind.options;
    const says = tls.isOn || tls.certificates.length > 0 || tls.lists.length > 0;
    if (!says || done.has(bind.statement)) continue;
    done.add(bind.statement);
    const who = `'bind ${bind.statement.text(1)}' in section '${proxy.kind}'`;
    const alpnDefault = proxy.mode === "http" ? ALPN_DEFAULT : [];
    const line: TlsLine = { tls, statement: bind.statement, who, configuration, alpnDefault };
    if (tls.isOn) bind.options.tlsPlan = buildBind(line, proxy, bind);
    else warnOfUnused(line, proxy);
  }
}

/** A certificate without `ssl`: HAProxy warns, and serves plainly. */
function warnOfUnused({ statement }: TlsLine, proxy: ProxyDraft): void {
  const { file, line } = statement.location;
  const message = `Proxy '${proxy.name}': A certificate was specified but SSL was not enabled on bind '${statement.text(1)}' at [${file}:${line}] (use 'ssl').`;
  statement.warning("tls-unused", message, { introduction: "none" });
}

function buildBind(line: TlsLine, proxy: ProxyDraft, { statement }: BindDraft): TlsBindPlan | null {
  const { tls } = line;
  const policy = policyOf(line);
  const ignoredErrors = ignoredOf(line, "crt-ignore-err");
  const ignoredAuthorityErrors = ignoredOf(line, "ca-ignore-err");
  const entries = entriesOf(line);
  const ticketKeys = ticketKeysOf(line);
  if (
    ticketKeys === undefined ||
    entries === null ||
    policy === null ||
    ignoredErrors === null ||
    ignoredAuthorityErrors === null
  )
    return null;
  const lists = [...new Set([...tls.lists.map(({ path }) => path), ...directoriesOf(line)])];
  const switched = (name: string): boolean => tls.flags.get(name) ?? tls.defaults?.flags.get(name) ?? false;
  // As HAProxy: with strict-sni nobody needs a certificate for those who ask for none.
  if (entries.length === 0 && !switched("strict-sni")) {
    const { file, line: number } = statement.location;
    const message = `Proxy '${proxy.name}': no SSL certificate specified for bind '${statement.text(1)}' at [${file}:${number}] (use 'crt').`;
    statement.alert("no-certificate", message, { introduction: "none", at: statement.textsFrom(0).indexOf("ssl") });
    return null;
  }
  return {
    ...policy,
    entries,
    lists,
    strictSni: switched("strict-sni"),
    ignoredErrors,
    ignoredAuthorityErrors,
    tickets: !switched("no-tls-tickets"),
    ticketKeys,
    preferClientCiphers: switched("prefer-client-ciphers"),
  };
}

/** What holds for all of a line's certificates, or for one of a crt-list. Null: the diagnostics say what is wrong. */
function policyOf(line: TlsLine): TlsPolicyPlan | null {
  const { tls, statement } = line;
  const settings = settingsOf(line, "bind");
  const authorities = trustOf(line, "ca-file");
  const hiddenAuthorities = trustOf(line, "ca-verify-file");
  const revocations = trustOf(line, "crl-file");
  const verify = (tls.texts.get("verify")?.value ?? "none") as TlsBindPlan["verify"];
  if (settings === null || authorities === undefined || hiddenAuthorities === undefined || revocations === undefined)
    return null;
  if (verify !== "none" && authorities === null && hiddenAuthorities === null) {
    const message = `${line.who} : verify is enabled but no CA file specified for bind '${statement.text(1)}'.`;
    statement.alert("no-authorities", message, { at: tls.texts.get("verify")!.at });
    return null;
  }
  const showsAuthorities = tls.flags.get("no-ca-names") !== true;
  return { ...settings, verify, authorities, hiddenAuthorities, revocations, showsAuthorities };
}

/** The certificates of a line: `default-crt` first, then `crt` and crt-lists. Null: the diagnostics say what is wrong. */
function entriesOf(line: TlsLine): TlsEntryPlan[] | null {
  const { tls, statement, configuration } = line;
  const { tlsStore } = configuration;
  const inOrder = [
    ...tls.certificates.filter(({ isDefault }) => isDefault),
    ...tls.certificates.filter((each) => !each.isDefault),
  ];
  const entries: TlsEntryPlan[] = [];
  let isFine = true;
  const complain = (problem: string, at: number): void => {
    isFine = false;
    statement.alert("certificate", `${line.who} : ${problem}`, { at });
  };
  for (const { path, at } of inOrder) {
    const file = based(line, path, "crt-base");
    const loaded = tlsStore.all(file);
    const list = isDirectory(file) ? file : "";
    const isUpdated = line.configuration.global.texts.get("ocsp-update.mode") === "on";
    const clash = loaded.ok && loaded.value.find((each) => !tlsStore.setOcspUpdate(each.file, isUpdated, false));
    if (clash) complain(`${ocspClash(clash.file)}.`, at);
    if (!loaded.ok) complain(loaded.problem, at);
    else
      for (const [index, certificate] of loaded.value.entries())
        entries.push({ certificate, list, line: list === "" ? 0 : index + 1, filters: [], options: "", policy: null });
  }
  for (const { path, at } of tls.lists) {
    const load = (name: string) => tlsStore.all(based(line, name, "crt-base"));
    const read = readCrtList(line, path, load, (options) => policyOf({ ...line, tls: options }));
    if (read.ok) entries.push(...read.value);
    else complain(read.problem, at);
  }
  return isFine ? entries : null;
}

const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

const directoriesOf = (line: TlsLine): string[] =>
  line.tls.certificates.map(({ path }) => based(line, path, "crt-base")).filter(isDirectory);

/** The certificate that a server line shows; null: none; undefined: the diagnostics say why. */
export function certificateOf(line: TlsLine): CertificatePlan | null | undefined {
  const named = line.tls.certificates.at(-1);
  if (named === undefined) return null;
  const path = based(line, named.path, "crt-base");
  const { tlsStore } = line.configuration;
  const loaded = tlsStore.all(path);
  if (loaded.ok) return loaded.value[0] ?? null;
  line.statement.alert("certificate", `${line.who} : ${loaded.problem}`, { at: named.at });
  return undefined;
}

/** A relative file below the directory that `global` names for its kind; names of crt-stores stay as they are. */
function based({ configuration }: TlsLine, path: string, base: "crt-base" | "ca-base"): string {
  const directory = configuration.global.texts.get(base);
  return path.startsWith("/") || path.startsWith("@") || directory === undefined ? path : `${directory}/${path}`;
}

/** What a file of authorities or revocations holds; null: none is named; undefined: the diagnostics say what is wrong with it. */
export function trustOf(
  line: TlsLine,
  keyword: "ca-file" | "ca-verify-file" | "crl-file",
): TrustPlan | null | undefined {
  const named = line.tls.texts.get(keyword);
  if (named === undefined) return null;
  const kind = keyword === "crl-file" ? "revocations" : "authorities";
  const loaded = line.configuration.tlsStore.trust(kind, based(line, named.value, "ca-base"));
  if (loaded.ok) return loaded.value;
  line.statement.alert("tls-file", `${line.who} : '${keyword}' : ${loaded.problem}`, { at: named.at });
  return undefined;
}

/** The keys that the line names; null: none; undefined: the diagnostics say what is wrong with them. */
function ticketKeysOf({ tls, statement, who, configuration }: TlsLine): TicketKeysPlan | null | undefined {
  const named = tls.texts.get("tls-ticket-keys");
  if (named === undefined) return null;
  const loaded = configuration.tlsStore.ticketKeysOf(named.value);
  if (loaded.ok) return loaded.value;
  statement.alert("tls-file", `${who} : ${loaded.problem}`, { at: named.at });
  return undefined;
}

/** `crt-ignore-err`, `ca-ignore-err`: numbers or names. Null: the diagnostics say what is wrong. */
function ignoredOf({ tls, statement, who }: TlsLine, keyword: string): IgnoredErrors | null {
  const named = tls.texts.get(keyword);
  if (named === undefined) return [];
  if (named.value === "all") return "all";
  const numbers: number[] = [];
  for (const word of named.value.split(",")) {
    const id = /^\d+$/.test(word) ? Number(word) : verifyErrorNumber(word);
    if (id <= 0) {
      statement.alert("ignored-error", `${who} : '${keyword}' : error ID '${word}' is not known`, { at: named.at });
      return null;
    }
    numbers.push(id);
  }
  return numbers;
}

/** Versions, ciphers and protocols of a line over the defaults of `global`. Null: the diagnostics say what is wrong. */
export function settingsOf(line: TlsLine, side: "bind" | "server"): TlsSettingsPlan | null {
  const { tls, configuration } = line;
  const defaults = tls.defaults ?? configuration.global.tlsDefaults[side];
  const textOf = (keyword: string): string | null =>
    tls.texts.get(keyword)?.value ?? defaults.texts.get(keyword)?.value ?? null;
  const versions = versionsOf(line, defaults);
  const alpn = alpnOf(line);
  if (alpn === null || versions === null) return null;
  const settings = {
    ...versions,
    ciphers: textOf("ciphers"),
    cipherSuites: textOf("ciphersuites"),
    curves: textOf("curves") ?? textOf("ecdhe"),
    sigalgs: textOf("sigalgs"),
    clientSigalgs: textOf("client-sigalgs"),
    alpn,
  };
  return areAccepted(settings, line) ? settings : null;
}

/** OpenSSL judges its own lists. */
function areAccepted(settings: TlsSettingsPlan, { tls, statement, who }: TlsLine): boolean {
  const context = openssl.newContext("server");
  const trials: readonly (readonly [keyword: string, value: string | null, set: (value: string) => boolean])[] = [
    ["ciphers", settings.ciphers, (value) => openssl.setCiphers(context, value)],
    ["ciphersuites", settings.cipherSuites, (value) => openssl.setSuites(context, value)],
    ["curves", settings.curves, (value) => openssl.setCurves(context, value)],
    ["sigalgs", settings.sigalgs, (value) => openssl.setSignatureAlgorithms(context, value, false)],
    ["client-sigalgs", settings.clientSigalgs, (value) => openssl.setSignatureAlgorithms(context, value, true)],
  ];
  let accepted = true;
  for (const [keyword, value, set] of trials) {
    if (value === null || set(value)) continue;
    openssl.clearErrors();
    accepted = false;
    statement.alert("tls-list", `${who} : unable to set SSL ${keyword} list to '${value}'.`, {
      at: tls.texts.get(keyword)?.at ?? 0,
    });
  }
  openssl.freeContext(context);
  return accepted;
}

function versionsOf(
  { tls, statement, who }: TlsLine,
  defaults: TlsOptions,
): { minVersion: number; maxVersion: number } | null {
  const number = (name: string): number => openssl.TLS_VERSION[name]!;
  const forced = (options: TlsOptions) =>
    VERSIONS.find((name) => options.flags.get(`force-${name.toLowerCase().replace(".", "")}`));
  const exact = forced(tls) ?? forced(defaults);
  if (exact !== undefined) return { minVersion: number(exact), maxVersion: number(exact) };
  const isOff = (name: string): boolean => {
    const flag = `no-${name.toLowerCase().replace(".", "")}`;
    return tls.flags.get(flag) ?? defaults.flags.get(flag) ?? false;
  };
  const said = (keyword: string): string | undefined =>
    tls.texts.get(keyword)?.value ?? defaults.texts.get(keyword)?.value;
  let min = VERSIONS.indexOf(said("ssl-min-ver") ?? MIN_VERSION_DEFAULT);
  let max = VERSIONS.indexOf(said("ssl-max-ver") ?? "TLSv1.3");
  while (min <= max && isOff(VERSIONS[min]!)) min++;
  while (max >= min && isOff(VERSIONS[max]!)) max--;
  if (min <= max) return { minVersion: number(VERSIONS[min]!), maxVersion: number(VERSIONS[max]!) };
  statement.alert("no-version", `${who} : all SSL/TLS versions are disabled.`);
  return null;
}

function alpnOf(line: TlsLine): string[] | null {
  if (line.tls.flags.get("no-alpn") === true) return [];
  return line.tls.texts.has("alpn") ? protocolsOf(line, "alpn") : [...line.alpnDefault];
}

/** The list behind `alpn` or `check-alpn`, empty: there is none. Null: the diagnostics say what is wrong with it. */
export function protocolsOf(
  { tls, statement, who }: TlsLine,
  keyword: string,
  served: readonly string[] = PROTOCOLS,
): string[] | null {
  const named = tls.texts.get(keyword);
  if (named === undefined) return [];
  const protocols = named.value.split(",");
  // Names that nobody knows are offered as they are: what is spoken then is HTTP/1, as everywhere.
  const unserved = protocols.find((name) => /^h[23]/.test(name) && !served.includes(name));
  if (unserved === undefined) return protocols;
  const hint = `HTTP/3 is not served yet; write '${keyword} h2,http/1.1'.`;
  statement.alert("unserved", `${who} : '${keyword}' : protocol '${unserved}' is not served`, { at: named.at, hint });
  return null;
}
