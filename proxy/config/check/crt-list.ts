// crt-lists: files that name certificates, options and SNI filters, a line each (configuration.txt 5.1, `crt-list`).
//
//   <certificate> [ '[' <options of the bind line> ... ']' ] [ [!]<filter> ... ]

import { readFileSync } from "node:fs";
import type { CertificatePlan, TlsEntryPlan, TlsPolicyPlan } from "../../plan/tls.ts";
import { copyTlsOptions, type TlsOptions, VERSIONS } from "../sections/tls-options.ts";
import type { Loaded } from "../tls-files.ts";
import type { TlsLine } from "./tls.ts";

/** Options with an argument, and without. */
const TEXTS = [
  "alpn",
  "ca-file",
  "ca-verify-file",
  "ciphers",
  "ciphersuites",
  "client-sigalgs",
  "crl-file",
  "curves",
  "ecdhe",
  "npn",
  "sigalgs",
  "ssl-max-ver",
  "ssl-min-ver",
  "verify",
  "ocsp-update",
];
const FLAGS = ["allow-0rtt", "no-alpn", "no-ca-names"];

export interface CrtListLine {
  readonly name: string;
  readonly line: number;
  /** Between the brackets, as written. */
  readonly options: string;
  readonly words: readonly string[];
  readonly filters: readonly string[];
}

/** One line; null: nothing stands there; text: what is wrong with it. @param line its number */
export function parseCrtListLine(text: string, line: number): CrtListLine | string | null {
  const trimmed = text.trim();
  if (trimmed === "" || trimmed.startsWith("#")) return null;
  const [, name, options, filters] = /^(\S+)\s*(?:\[([^\]]*)\])?\s*(.*)$/.exec(trimmed) ?? [];
  if (name === undefined || name.startsWith("[")) return "file name is missing";
  if (filters!.includes("[") || filters!.includes("]")) return `unexpected bracket in '${filters}'`;
  const split = (words: string): string[] => words.split(/\s+/).filter((word) => word !== "");
  return { name, line, options: (options ?? "").trim(), words: split(options ?? ""), filters: split(filters!) };
}

/** The bind line's options with a crt-list line's over them; text: what is wrong with these. */
export function overlaid(options: TlsOptions, words: readonly string[]): TlsOptions | string {
  const own = copyTlsOptions(options);
  for (let i = 0; i < words.length; i++) {
    const keyword = words[i]!;
    if (FLAGS.includes(keyword)) {
      own.flags.set(keyword, true);
      continue;
    }
    if (!TEXTS.includes(keyword)) return `unknown ssl keyword ${keyword}`;
    const value = words[++i];
    if (value === undefined) return `'${keyword}' : missing argument`;
    if (keyword.startsWith("ssl-") && !VERSIONS.includes(value))
      return `'${keyword} ${value}' : unknown SSL/TLS version`;
    if (keyword === "verify" && !["none", "optional", "required"].includes(value))
      return `'verify' : unknown verify method '${value}', only 'none', 'optional', and 'required' are supported`;
    own.texts.set(keyword, { value, at: 0 });
    if (keyword === "alpn") own.flags.set("no-alpn", false);
  }
  return own;
}

/** Reads the file of `crt-list`. @param policyOf what options come to over the bind line's; null: the diagnostics say what is wrong */
export function readCrtList(
  line: TlsLine,
  path: string,
  load: (name: string) => Loaded<CertificatePlan[]>,
  policyOf: (options: TlsOptions) => TlsPolicyPlan | null,
): Loaded<TlsEntryPlan[]> {
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch {
    return { ok: false, problem: `cannot open the file '${path}'.` };
  }
  const entries: TlsEntryPlan[] = [];
  for (const [index, written] of text.split("\n").entries()) {
    const parsed = parseCrtListLine(written, index + 1);
    if (parsed === null) continue;
    const wrong = (problem: string) => ({ ok: false, problem: `parsing [${path}:${index + 1}]: ${problem}.` }) as const;
    if (typeof parsed === "string") return wrong(parsed);
    const own = overlaid(line.tls, parsed.words);
    if (typeof own === "string") return wrong(own);
    const policy = parsed.words.length === 0 ? null : policyOf(own);
    if (parsed.words.length > 0 && policy === null) return wrong(`error in '[${parsed.options}]'`);
    const loaded = load(parsed.name);
    if (!loaded.ok) return wrong(loaded.problem.replace(/\.$/, ""));
    const update = ocspUpdateOf(parsed, loaded.value, line);
    if (update !== null) return wrong(update);
    const { options, filters } = parsed;
    for (const certificate of loaded.value)
      entries.push({ certificate, list: path, line: index + 1, filters, options, policy });
  }
  return { ok: true, value: entries };
}

/** `ocsp-update` of a line, `ocsp-update.mode` where it says nothing. Gives what is wrong, null: nothing. */
function ocspUpdateOf(
  { words }: CrtListLine,
  certificates: readonly CertificatePlan[],
  { configuration: { global, tlsStore } }: TlsLine,
): string | null {
  const at = words.indexOf("ocsp-update");
  const isWritten = at >= 0;
  const value = isWritten ? words[at + 1] : (global.texts.get("ocsp-update.mode") ?? "off");
  if (value !== "on" && value !== "off") return `'ocsp-update' : expects <on|off>`;
  const clash = certificates.find(({ file }) => !tlsStore.setOcspUpdate(file, value === "on", isWritten));
  return clash === undefined ? null : ocspClash(clash.file);
}

/** What is said when lines disagree about one certificate. */
export function ocspClash(file: string): string {
  return `certificate '${file}' is already used with a different parameter 'ocsp-update'`;
}
