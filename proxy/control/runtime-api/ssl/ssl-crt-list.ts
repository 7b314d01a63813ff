// `show|add|del ssl crt-list`, `show ssl sni`: which certificates listeners have for which names (management.txt 9.3). Texts are HAProxy's.

import { TLS_VERSION } from "../../../../shared/ffi/openssl.ts";
import { ocspClash, overlaid, parseCrtListLine } from "../../../config/check/crt-list.ts";
import { newTlsOptions, VERSIONS } from "../../../config/sections/tls-options.ts";
import type { TlsBindPlan, TlsEntryPlan, TlsPolicyPlan, TrustPlan } from "../../../plan/tls.ts";
import { longDate } from "../../../tls/certificate-date.ts";
import type { LiveTlsFiles } from "../../tls/live-files.ts";
import { type Answer, type Command, type CommandCall, failure, message, type RuntimeContext } from "../command.ts";
import { algorithmName, certificatesIn } from "./certificate-text.ts";

const withoutSlashes = (name: string): string => name.replace(/\/+$/, "");

function show({ args }: CommandCall, { tlsFiles }: RuntimeContext): Answer {
  const isNumbered = args[0] === "-n";
  const name = args[isNumbered ? 1 : 0];
  if (name === undefined) {
    if (isNumbered) return failure("'show ssl crt-list -n' expects a filename or a directory\n");
    return { text: tlsFiles.lists.map((list) => `${list.name}\n`).join("") };
  }
  const list = tlsFiles.lists.find((each) => withoutSlashes(each.name) === withoutSlashes(name));
  if (list === undefined) return failure("didn't find the specified filename\n");
  const lines = list.entries.map(({ certificate, line, options, filters }) => {
    const number = isNumbered ? `:${line}` : "";
    return `${[`${certificate.file}${number}`, ...(options === "" ? [] : [`[${options}]`]), ...filters].join(" ")}\n`;
  });
  return { text: `# ${list.name}\n${lines.join("")}` };
}

async function add(
  { args: [name, file], payload }: CommandCall,
  { ocspUpdates, tlsFiles }: RuntimeContext,
): Promise<Answer> {
  if (name === undefined || (payload === "" && file === undefined))
    return failure("'add ssl crtlist' expects a filename and a certificate name\n");
  const refused = (problem: string): Answer => failure(`Can't edit the crt-list: ${problem}\n`);
  const list = tlsFiles.lists.find((each) => withoutSlashes(each.name) === withoutSlashes(name));
  if (list === undefined) return refused(`crt-list '${withoutSlashes(name)}' does not exist!`);
  const written = payload === "" ? file! : payload.replace(/\n$/, "");
  if (written.includes("\n")) return refused("only one line of payload is supported!");
  const parsed = parseCrtListLine(written, 0);
  if (parsed === null || typeof parsed === "string")
    return refused("'add ssl crtlist' should contain the certificate name in the payload");
  const named = tlsFiles.nameOf(parsed.name);
  if (!tlsFiles.certificates.has(named)) return refused(`certificate '${parsed.name}' does not exist!`);
  const certificate = tlsFiles.certificates.get(named)!;
  if (certificate === null) return refused(`certificate '${parsed.name}' is empty!`);
  const own = overlaid(newTlsOptions(), parsed.words);
  if (typeof own === "string") return refused(`parsing [CLI:1]: ${own}`);
  const bind = bindOf(list.name, tlsFiles);
  const policy = parsed.words.length === 0 || bind === null ? null : policyOver(bind, own, tlsFiles);
  if (typeof policy === "string") return refused(policy);
  if (!ocspUpdates.watch(certificate.file, own.texts.get("ocsp-update")?.value))
    return refused(ocspClash(certificate.file));
  const { options, filters } = parsed;
  const line = 0;
  const uses = await tlsFiles.addEntry({ certificate, list: list.name, line, filters, options, policy });
  ocspUpdates.added(certificate.file);
  return {
    text: `Inserting certificate '${certificate.file}' in crt-list '${list.name}'${".".repeat(uses)}\nSuccess!\n`,
  };
}

function bindOf(list: string, tlsFiles: LiveTlsFiles): TlsBindPlan | null {
  for (let listener = 0; listener < tlsFiles.count; listener++) {
    const bind = tlsFiles.bindOf(listener);
    if (bind?.lists.includes(list)) return bind;
  }
  return null;
}

/** The listener's policy with what stands between the brackets; text: what is wrong with it. */
function policyOver(
  bind: TlsBindPlan,
  own: ReturnType<typeof newTlsOptions>,
  { trust }: LiveTlsFiles,
): TlsPolicyPlan | string {
  const said = (keyword: string): string | undefined => own.texts.get(keyword)?.value;
  let missing = "";
  const file = (
    kind: "authorities" | "revocations",
    keyword: string,
    otherwise: TrustPlan | null,
  ): TrustPlan | null => {
    const name = said(keyword);
    if (name === undefined) return otherwise;
    const found = trust[kind].get(name) ?? null;
    if (found === null) missing ||= `unable to load ${name}`;
    return found;
  };
  const version = (keyword: string, otherwise: number): number => {
    const name = said(keyword);
    return name === undefined || !VERSIONS.includes(name) ? otherwise : TLS_VERSION[name]!;
  };
  const alpn = said("alpn");
  const policy: TlsPolicyPlan = {
    minVersion: version("ssl-min-ver", bind.minVersion),
    maxVersion: version("ssl-max-ver", bind.maxVersion),
    ciphers: said("ciphers") ?? bind.ciphers,
    cipherSuites: said("ciphersuites") ?? bind.cipherSuites,
    curves: said("curves") ?? said("ecdhe") ?? bind.curves,
    sigalgs: said("sigalgs") ?? bind.sigalgs,
    clientSigalgs: said("client-sigalgs") ?? bind.clientSigalgs,
    alpn: own.flags.get("no-alpn") === true ? [] : (alpn?.split(",") ?? bind.alpn),
    verify: (said("verify") as TlsPolicyPlan["verify"] | undefined) ?? bind.verify,
    authorities: file("authorities", "ca-file", bind.authorities),
    hiddenAuthorities: file("authorities", "ca-verify-file", bind.hiddenAuthorities),
    revocations: file("revocations", "crl-file", bind.revocations),
    showsAuthorities: own.flags.get("no-ca-names") === true ? false : bind.showsAuthorities,
  };
  return missing === "" ? policy : missing;
}

async function remove({ args: [name, named] }: CommandCall, { tlsFiles, control }: RuntimeContext): Promise<Answer> {
  if (name === undefined || named === undefined)
    return failure("'del ssl crtlist' expects a filename and a certificate name\n");
  const refused = (problem: string): Answer => failure(`Can't delete the entry: ${problem}\n`);
  const [, file, number] = /^([^:]*)(?::(.*))?$/.exec(named)!;
  const line = number === undefined ? 0 : Number(number);
  if (number !== undefined && !/^\d+$/.test(number)) return refused(`wrong line number after colons in '${file}'!`);
  const list = tlsFiles.lists.find((each) => withoutSlashes(each.name) === withoutSlashes(name));
  if (list === undefined) return refused(`crt-list '${withoutSlashes(name)}' does not exist!`);
  if (!tlsFiles.certificates.has(file!)) return refused(`certificate '${file}' does not exist!`);
  if (tlsFiles.certificates.get(file!) === null) return refused(`certificate '${file}' is empty!`);
  const entries = list.entries.filter(({ certificate }) => certificate.file === file);
  if (entries.length === 0) return refused(`certificate '${file}' can't be found in crt-list '${list.name}'!`);
  const lines = entries.map((entry) => entry.line).join(", ");
  const entry = line === 0 ? entries[0] : entries.find((each) => each.line === line);
  if (entry === undefined)
    return refused(
      `found a certificate '${file}' but the line number is incorrect, please specify a correct line number preceded by colons (${lines})!`,
    );
  if (line === 0 && entries.length > 1)
    return refused(
      `found the certificate '${file}' in several entries, please specify a line number preceded by colons (${lines})!`,
    );
  const places = defaultIn(entry, tlsFiles).map((listener) => {
    const { at } = control.plan.listeners[listener]!;
    return `\t- ${at.file}:${at.line}\n`;
  });
  if (places.length > 0)
    return refused(
      `certificate '${file}' cannot be deleted, it is used as default certificate by the following frontends:\n${places.join("")}`,
    );
  await tlsFiles.removeEntry(entry);
  return message(`Entry '${file}' deleted in crtlist '${list.name}'!\n`);
}

/** Listeners whose clients get this certificate when they ask for no name. */
function defaultIn(entry: TlsEntryPlan, tlsFiles: LiveTlsFiles): number[] {
  const found: number[] = [];
  for (let listener = 0; listener < tlsFiles.count; listener++) {
    const bind = tlsFiles.bindOf(listener);
    const first = bind?.entries[0];
    const isFirst =
      first?.list === entry.list && first.line === entry.line && first.certificate.file === entry.certificate.file;
    if (bind !== null && isFirst && !bind.strictSni) found.push(listener);
  }
  return found;
}

/** `show ssl sni [-f <frontend>] [-A] [-t <offset>]`: names, and when their certificates end. */
function showSni({ args }: CommandCall, { tlsFiles, control: { plan } }: RuntimeContext): Answer {
  let frontend: string | null = null;
  let before = Number.POSITIVE_INFINITY;
  for (let at = 0; at < args.length; at++) {
    if (args[at] === "-f") {
      frontend = args[++at] ?? null;
      if (frontend === null) return failure("'-f' requires a frontend name!\n");
      if (!plan.proxies.some(({ name }) => name === frontend))
        return failure("Couldn't find the specified frontend!\n");
    } else if (args[at] === "-A") before = Math.min(before, Date.now());
    else if (args[at] === "-t") {
      const offset = /^(\d+)(s|m|h|d)?$/.exec(args[++at] ?? "");
      if (offset === null) return failure("'-t' requires an offset argument!\n");
      const seconds = Number(offset[1]) * { s: 1, m: 60, h: 3600, d: 86_400 }[(offset[2] ?? "s") as "s"];
      before = Math.min(before, Date.now() + seconds * 1000);
    } else return failure("Invalid parameters, 'show ssl sni' only supports '-f', '-A' or '-t' options!\n");
  }
  const lines: string[] = [];
  for (const { index, proxy, at } of plan.listeners) {
    const bind = tlsFiles.bindOf(index);
    const name = plan.proxies[proxy]!.name;
    if (bind === null || (frontend !== null && name !== frontend)) continue;
    for (const entry of bind.entries) lines.push(...sniLines(`${name}/${at.file}:${at.line}`, entry, before));
  }
  return { text: `# Frontend/Bind\tSNI\tNegative Filter\tType\tFilename\tNotAfter\tNotBefore\n${lines.join("")}` };
}

function sniLines(place: string, { certificate, filters }: TlsEntryPlan, beforeMs: number): string[] {
  const [leaf] = certificatesIn(certificate.certificates);
  if (leaf === undefined) return [];
  const [notAfter, notBefore] = [longDate(leaf.notAfter), longDate(leaf.notBefore)];
  if (Date.parse(notAfter) >= beforeMs) return [];
  const positive = filters.filter((filter) => !filter.startsWith("!"));
  const negative = filters.filter((filter) => filter.startsWith("!")).map((filter) => `${filter} `);
  const names = filters.length === 0 ? certificate.names : positive;
  const type = algorithmName(leaf).replace(/\d+$/, "").toLowerCase() === "ec" ? "ecdsa" : "rsa";
  return names.map((name) => {
    const except = name.startsWith("*") && negative.length > 0 ? negative.join("") : "-";
    return `${[place, name, except, type, certificate.file, notAfter, notBefore].join("\t")}\n`;
  });
}

export const CRT_LIST_COMMANDS: readonly Command[] = [
  {
    ...{ words: ["add", "ssl", "crt-list"], usage: "add ssl crt-list <list> <cert> [opts]*", level: "admin", run: add },
    description: "add to crt-list file <list> a line <cert> or a payload",
  },
  {
    ...{
      words: ["del", "ssl", "crt-list"],
      usage: "del ssl crt-list <list> <cert[:line]>",
      level: "admin",
      run: remove,
    },
    description: "delete a line <cert> from crt-list file <list>",
  },
  {
    ...{ words: ["show", "ssl", "crt-list"], usage: "show ssl crt-list [-n] [<list>]", level: "operator", run: show },
    description: "show the list of crt-lists or the content of a crt-list file <list>",
  },
  {
    ...{ words: ["show", "ssl", "sni"], usage: "show ssl sni [-f <frontend>]", level: "operator", run: showSni },
    description: "show the list of SNI and their corresponding filename",
  },
];
