// Files of certificates and keys, as HAProxy takes them: a PEM bundle holds certificate, chain and key in any order, or the key lies beside it as
// FILE.key; a directory stands for all bundles in it. Read while the configuration is, before privileges are given up. What is wrong is said in
// words that never hold anything of a key.

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { CertificatePlan, TicketKeysPlan, TrustPlan } from "../plan/tls.ts";

/** What was asked for, or what is wrong with it. */
export type Loaded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: string };

/** Kinds of bundles that lie beside each other under one name (configuration.txt, `crt`). */
/** What `ssl-load-extra-files` and `ssl-load-extra-del-ext` say about files beside a bundle. */
export interface CompanionRules {
  readonly key: boolean;
  readonly ocsp: boolean;
  readonly issuer: boolean;
  readonly bundle: boolean;
  /** `.crt` is taken off before the companion's ending is put behind. */
  readonly replacesEnding: boolean;
}

export const ALL_COMPANIONS: CompanionRules = {
  key: true,
  ocsp: true,
  issuer: true,
  bundle: true,
  replacesEnding: false,
};

const BUNDLE_ENDINGS = [".rsa", ".dsa", ".ecdsa"];
/** Files in a directory of certificates that are none. */
const COMPANIONS = [".key", ".issuer", ".ocsp", ".sctl"];
const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g;

/** The bundles that a name stands for: a file, `.rsa`, `.ecdsa` and `.dsa` beside it, or all of a directory. */
export function bundlePaths(path: string, rules: CompanionRules = ALL_COMPANIONS): Loaded<string[]> {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) {
    const bundles = !rules.bundle
      ? []
      : BUNDLE_ENDINGS.map((ending) => path + ending).filter((each) => existsSync(each));
    if (bundles.length > 0) return { ok: true, value: bundles };
    return { ok: false, problem: `unable to stat SSL certificate from file '${path}' : No such file or directory.` };
  }
  if (!status.isDirectory()) return { ok: true, value: [path] };
  const names = readdirSync(path)
    .filter((name) => !name.startsWith(".") && !COMPANIONS.some((ending) => name.endsWith(ending)))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const files = names.map((name) => join(path, name)).filter((each) => statSync(each).isFile());
  if (files.length > 0) return { ok: true, value: files };
  return { ok: false, problem: `unable to scan directory '${path}' : it holds no certificate.` };
}

/** Files beside or instead of the bundle that make up a certificate (`load` of crt-store); null: beside it, if they are there. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string | null;
  readonly ocsp: string | null;
  readonly issuer: string | null;
}

/** One bundle. */
export function loadCertificate(path: string, rules: CompanionRules = ALL_COMPANIONS): Loaded<CertificatePlan> {
  return loadCertificateFiles(path, { certificate: path, key: null, ocsp: null, issuer: null }, rules);
}

/** @param name what it is called from then on */
export function loadCertificateFiles(
  name: string,
  files: CertificateFiles,
  rules: CompanionRules = ALL_COMPANIONS,
): Loaded<CertificatePlan> {
  const path = files.certificate;
  const stem = rules.replacesEnding ? path.replace(/\.crt$/, "") : path;
  const bundle = readText(path);
  if (!bundle.ok) return bundle;
  let keyText: string | null = null;
  const keyFile = files.key ?? (rules.key && existsSync(`${stem}.key`) && !hasKey(bundle.value) ? `${stem}.key` : null);
  if (keyFile !== null) {
    const beside = readText(keyFile);
    if (!beside.ok) return beside;
    keyText = beside.value;
  }
  const made = makeCertificate(name, path, bundle.value, keyText);
  if (!made.ok) return made;
  const companion = (named: string | null, ending: string, wanted: boolean): Uint8Array | null => {
    const file = named ?? `${stem}${ending}`;
    return (named !== null || wanted) && existsSync(file) ? readFileSync(file) : null;
  };
  return {
    ok: true,
    value: {
      ...made.value,
      ocsp: companion(files.ocsp, ".ocsp", rules.ocsp),
      issuer: companion(files.issuer, ".issuer", rules.issuer),
    },
  };
}

/**
 * A certificate from PEM text, chain and key in any order. Also what the runtime API gets.
 * @param shown what messages call it @param keyText the key where it is not in the bundle
 */
export function makeCertificate(
  name: string,
  shown: string,
  bundle: string,
  keyText: string | null,
): Loaded<CertificatePlan> {
  const certificates = blocksOf(bundle, "CERTIFICATE");
  if (certificates.length === 0) return { ok: false, problem: `unable to load certificate from file '${shown}'.` };
  const [keyBlock] = keyBlocksOf(keyText ?? bundle);
  if (keyBlock === undefined) return { ok: false, problem: `No Private Key found in '${shown}' or '${shown}.key'.` };
  const leaf = parseCertificate(certificates[0]!);
  if (leaf === null) return { ok: false, problem: `unable to load certificate from file '${shown}'.` };
  const key = parseKey(keyBlock);
  if (key === null) return { ok: false, problem: `unable to load private key from file '${shown}'.` };
  if (!leaf.checkPrivateKey(key))
    return { ok: false, problem: `inconsistencies between private key and certificate loaded '${shown}'.` };
  const type = key.asymmetricKeyType;
  return {
    ok: true,
    value: {
      file: name,
      certificates: Buffer.from(certificates.join("\n")),
      key: Buffer.from(keyBlock),
      keyType: type === "rsa" || type === "ec" ? type : "other",
      names: namesOf(leaf),
      ...{ ocsp: null, issuer: null, version: 0 },
    },
  };
}

const hasKey = (text: string): boolean => keyBlocksOf(text).length > 0;

function keyBlocksOf(text: string): string[] {
  return [...text.matchAll(PEM_BLOCK)].filter(([, kind]) => kind!.endsWith("PRIVATE KEY")).map(([block]) => block);
}

/** Authorities (`ca-file`): the certificates of a file, or of all files of a directory, as PEM. */
export function loadAuthorities(path: string): Loaded<TrustPlan> {
  try {
    const files = statSync(path).isDirectory()
      ? readdirSync(path)
          .filter((name) => /\.(pem|crt|cer|0)$/.test(name))
          .map((name) => join(path, name))
      : [path];
    const blocks = files.flatMap((file) => blocksOf(readFileSync(file, "latin1"), "CERTIFICATE"));
    if (blocks.length > 0) return { ok: true, value: { file: path, pem: Buffer.from(blocks.join("\n")), version: 0 } };
  } catch {
    // As if there were nothing in it: HAProxy says the same of both.
  }
  return { ok: false, problem: `unable to load ca-file '${path}'.` };
}

/** What `ca-file` calls them. */
export const SYSTEM_CA = "@system-ca";

/** Where systems keep their authorities, in the order in which they are looked for; OpenSSL's own variables come first. */
const SYSTEM_AUTHORITIES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
  "/etc/ssl/certs",
];

/** The system's authorities (`ca-file @system-ca`); empty where it has none: then nobody is trusted. */
export function loadSystemAuthorities(): TrustPlan {
  const { SSL_CERT_FILE, SSL_CERT_DIR } = process.env;
  for (const path of [SSL_CERT_FILE, SSL_CERT_DIR, ...SYSTEM_AUTHORITIES]) {
    if (path === undefined || !existsSync(path)) continue;
    const loaded = loadAuthorities(path);
    if (loaded.ok) return { ...loaded.value, file: SYSTEM_CA };
  }
  return { file: SYSTEM_CA, pem: new Uint8Array(0), version: 0 };
}

/** Revocation lists (`crl-file`), as PEM. */
export function loadRevocations(path: string): Loaded<TrustPlan> {
  try {
    const blocks = blocksOf(readFileSync(path, "latin1"), "X509 CRL");
    if (blocks.length > 0) return { ok: true, value: { file: path, pem: Buffer.from(blocks.join("\n")), version: 0 } };
  } catch {
    // As above.
  }
  return { ok: false, problem: `unable to load crl-file '${path}'.` };
}

function readText(path: string): Loaded<string> {
  try {
    return { ok: true, value: readFileSync(path, "latin1") };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    return { ok: false, problem: `unable to load SSL certificate from PEM file '${path}' (${code}).` };
  }
}

export function blocksOf(text: string, kind: string): string[] {
  return [...text.matchAll(PEM_BLOCK)].filter((found) => found[1] === kind).map(([block]) => block);
}

function parseCertificate(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

function parseKey(pem: string): KeyObject | null {
  try {
    return createPrivateKey(pem);
  } catch {
    return null;
  }
}

/** Common name and alternative names, as HAProxy takes both for SNI. */
function namesOf(certificate: X509Certificate): string[] {
  const alternatives = (certificate.subjectAltName ?? "")
    .split(", ")
    .flatMap((each) => (each.startsWith("DNS:") ? [each.slice("DNS:".length)] : []));
  const common = /^CN=(.+)$/m.exec(certificate.subject)?.[1];
  const names = [...alternatives, ...(common === undefined ? [] : [common])].map((name) => name.toLowerCase());
  return [...new Set(names)];
}

const TICKET_KEYS = 3;
/** AES-128 and AES-256. */
export const TICKET_KEY_BYTES: readonly number[] = [48, 80];

/** `tls-ticket-keys`: keys in base64, one a line; the last three count. HAProxy's words. */
export function loadTicketKeys(file: string): Loaded<TicketKeysPlan> {
  const text = readText(file);
  if (!text.ok) return { ok: false, problem: `'${file}' : unable to load ssl tickets keys file` };
  const lines = text.value.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const keys: Uint8Array[] = [];
  for (const [index, line] of lines.entries()) {
    const key = ticketKeyBytes(line.replace(/\r$/, ""));
    if (key === null) return { ok: false, problem: `'${file}' : unable to decode base64 key on line ${index + 1}` };
    const wanted = keys[0]?.length;
    if (!TICKET_KEY_BYTES.includes(key.length) || (wanted !== undefined && key.length !== wanted))
      return { ok: false, problem: `'${file}' : wrong sized key on line ${index + 1}` };
    keys.push(key);
  }
  if (keys.length < TICKET_KEYS)
    return { ok: false, problem: `'${file}' : please supply at least ${TICKET_KEYS} keys in the tls-tickets-file` };
  return { ok: true, value: { file, keys: keys.slice(-TICKET_KEYS) } };
}

/** Null: that is no base64. */
export function ticketKeyBytes(text: string): Uint8Array | null {
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.length % 4 === 0 ? Buffer.from(text, "base64") : null;
}
