// `show|new|set|commit|abort|del ssl cert`: certificates of the process (management.txt 9.3). Texts are HAProxy's. A change is a transaction: `set`
// replaces parts (FILE, FILE.key, FILE.ocsp, FILE.issuer), `commit` answers when every worker has it.

import { ocspCertificateId, ocspText } from "../../../../shared/ffi/openssl-ocsp.ts";
import { completeChain } from "../../../config/issuer-chains.ts";
import { makeCertificate } from "../../../config/tls-files.ts";
import type { CertificatePlan } from "../../../plan/tls.ts";
import type { CertificateDraft, LiveTlsFiles } from "../../tls/live-files.ts";
import { type Answer, type Command, failure, message, type RuntimeContext } from "../command.ts";
import { certificateLines, certificatesIn } from "./certificate-text.ts";

const NOT_FOUND = failure("Can't display the certificate: Not found or the certificate is a bundle!\n");
/** What may be set apart from the bundle. */
const PARTS = [".key", ".ocsp", ".issuer", ".sctl"] as const;

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** A name may be quoted by a backslash in front, so that one beginning with `*` can be told from a transaction. */
function wanted(name: string): { isDraft: boolean; file: string } {
  // Shells are easier with a backslash in front of the star.
  const isDraft = /^\\?\*/.test(name);
  return { isDraft, file: name.replace(/^\\?\*?\\?/, "") };
}

function show({ args: [name] }: { readonly args: readonly string[] }, { tlsFiles }: RuntimeContext): Answer {
  if (name === undefined) return { text: list(tlsFiles) };
  const { isDraft, file } = wanted(name);
  const ocspOf = /^(.*)\.ocsp$/.exec(file)?.[1];
  const draft = tlsFiles.certificateDraft;
  if (ocspOf !== undefined && !tlsFiles.certificates.has(file)) {
    const der = isDraft
      ? draft?.file === ocspOf
        ? draft.ocsp
        : null
      : (tlsFiles.certificates.get(ocspOf)?.ocsp ?? null);
    return der === null ? NOT_FOUND : { text: ocspText(der) ?? "" };
  }
  if (isDraft) return draft?.file === file ? { text: detailOfDraft(draft) } : NOT_FOUND;
  if (!tlsFiles.certificates.has(file)) return NOT_FOUND;
  return { text: detail(file, tlsFiles.certificates.get(file)!, tlsFiles) };
}

function list({ certificates, certificateDraft }: LiveTlsFiles): string {
  const transaction = certificateDraft === null ? "" : `# transaction\n*${certificateDraft.file}\n`;
  const names = [...certificates.keys()].sort().map((name) => `${name}\n`);
  return `${transaction}# filename\n${names.join("")}`;
}

function detail(file: string, certificate: CertificatePlan | null, tlsFiles: LiveTlsFiles): string {
  if (certificate === null) return `Filename: ${file}\nStatus: Empty\n`;
  const { chainFile } = certificate;
  const chain = chainFile === undefined ? "" : `Chain Filename: ${chainFile}\n`;
  const status = tlsFiles.isCertificateUsed(file) ? "Used" : "Unused";
  return `Filename: ${file}\nStatus: ${status}\n${chain}${lines(certificate.certificates, certificate.issuer, certificate.ocsp !== null)}`;
}

function detailOfDraft({ file, certificates, issuer, ocsp }: CertificateDraft): string {
  const pem = certificates === null ? null : Buffer.from(certificates, "latin1");
  return `Filename: *${file}\nStatus: Uncommitted\n${pem === null ? "" : lines(pem, issuer, ocsp !== null)}`;
}

function lines(pem: Uint8Array, issuer: Uint8Array | null, isStapled: boolean): string {
  const [leaf, ...chain] = certificatesIn(pem);
  if (leaf === undefined) return "";
  const id = isStapled ? ocspCertificateId(pem, issuer) : null;
  const key = id === null ? "" : `OCSP Response Key: ${Buffer.from(id).toString("hex")}\n`;
  return `${certificateLines(leaf, chain)}${key}`;
}

function create({ args: [file] }: { readonly args: readonly string[] }, { tlsFiles }: RuntimeContext): Answer {
  if (file === undefined) return failure("'new ssl cert' expects a filename\n");
  if (tlsFiles.certificates.has(file)) return failure(`Certificate '${file}' already exists!\n`);
  tlsFiles.certificates.set(file, null);
  return message(`New empty certificate store '${file}'!\n`);
}

/** The certificate that a name is about, and which part of it. */
function partOf(name: string, { certificates, certificateDraft }: LiveTlsFiles): { file: string; part: string } | null {
  if (certificates.has(name) || certificateDraft?.file === name) return { file: name, part: "" };
  const part = PARTS.find((ending) => name.endsWith(ending));
  if (part === undefined) return null;
  const stem = name.slice(0, -part.length);
  const isKnown = (file: string): boolean => certificates.has(file) || certificateDraft?.file === file;
  const file = [stem, `${stem}.crt`].find(isKnown);
  return file === undefined ? null : { file, part };
}

function set(
  { args: [name], payload }: { readonly args: readonly string[]; readonly payload: string },
  context: RuntimeContext,
): Answer {
  const { tlsFiles } = context;
  if (name === undefined || payload === "")
    return failure("'set ssl cert' expects a filename and a certificate as a payload\n");
  const refused = (problem: string): Answer => failure(`${problem}Can't update ${name}!\n`);
  const draft = tlsFiles.certificateDraft;
  const found = partOf(name, tlsFiles);
  if (draft !== null && draft.file !== (found?.file ?? name))
    return refused(
      `The ongoing transaction is about '${draft.file}' but you are trying to set '${found?.file ?? name}'\n`,
    );
  if (found === null) return refused("Can't replace a certificate which is not referenced by the configuration!\n");
  const next = { ...(draft ?? draftOf(found.file, tlsFiles.certificates.get(found.file) ?? null)) };
  if (!load(next, found.part, payload)) return refused("Can't load the payload\n");
  tlsFiles.certificateDraft = next;
  return message(`Transaction ${draft === null ? "created" : "updated"} for certificate ${next.file}!\n`);
}

function draftOf(file: string, certificate: CertificatePlan | null): CertificateDraft {
  if (certificate === null) return { file, certificates: null, key: null, ocsp: null, issuer: null };
  const { certificates, key, ocsp, issuer } = certificate;
  return { file, certificates: text(certificates), key: text(key), ocsp, issuer };
}

/** False: the payload holds nothing of the kind. */
function load(draft: CertificateDraft, part: string, payload: string): boolean {
  const hasKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(payload);
  switch (part) {
    case ".key":
      if (!hasKey) return false;
      draft.key = payload;
      return true;
    case ".ocsp":
    case ".sctl": {
      const der = new Uint8Array(Buffer.from(payload, "base64"));
      if (part === ".sctl") return der.length > 0;
      if (ocspText(der) === null) return false;
      draft.ocsp = der;
      return true;
    }
    case ".issuer":
      draft.issuer = Buffer.from(payload, "latin1");
      return certificatesIn(draft.issuer).length > 0;
    default: {
      if (certificatesIn(Buffer.from(payload, "latin1")).length === 0) return false;
      draft.certificates = payload;
      if (hasKey) draft.key = payload;
      // A response about the former certificate says nothing of this one.
      draft.ocsp = null;
      return true;
    }
  }
}

async function commit(
  { args: [file] }: { readonly args: readonly string[] },
  { tlsFiles }: RuntimeContext,
): Promise<Answer> {
  if (file === undefined) return failure("'commit ssl cert' expects a filename\n");
  const refused = (problem: string): Answer => failure(`${problem}Can't commit ${file}!\n`);
  const draft = tlsFiles.certificateDraft;
  if (draft === null) return refused("No ongoing transaction! !\n");
  if (draft.file !== file)
    return refused(`The ongoing transaction is about '${draft.file}' but you are trying to set '${file}'\n`);
  const made = makeCertificate(file, file, draft.certificates ?? "", draft.key ?? "");
  if (!made.ok) return refused(`inconsistencies between private key and certificate loaded '${file}'.\n`);
  const complete = completeChain(made.value, tlsFiles.issuerChains);
  const uses = await tlsFiles.replaceCertificate({ ...complete, ocsp: draft.ocsp, issuer: draft.issuer });
  if (typeof uses === "string") return { text: `Committing ${file}\n${uses}\nFailed!\n` };
  tlsFiles.certificateDraft = null;
  return { text: `Committing ${file}${".".repeat(uses)}\nSuccess!\n` };
}

function abort({ args: [file] }: { readonly args: readonly string[] }, { tlsFiles }: RuntimeContext): Answer {
  if (file === undefined) return failure("'abort ssl cert' expects a filename\n");
  const draft = tlsFiles.certificateDraft;
  if (draft === null) return failure("No ongoing transaction!\n");
  if (draft.file !== file)
    return failure(
      `The ongoing transaction is about '${draft.file}' but you are trying to abort a transaction for '${file}'\n`,
    );
  tlsFiles.certificateDraft = null;
  return message(`Transaction aborted for certificate '${file}'!\n`);
}

function remove({ args: [file] }: { readonly args: readonly string[] }, { tlsFiles }: RuntimeContext): Answer {
  if (file === undefined) return failure("'del ssl cert' expects a certificate name\n");
  const refused = (problem: string): Answer => failure(`Can't remove the certificate: ${problem}\n`);
  if (tlsFiles.certificateDraft?.file === file) return refused(`ongoing transaction for the certificate '${file}'`);
  if (!tlsFiles.certificates.has(file)) return refused(`certificate '${file}' doesn't exist!\n`);
  if (tlsFiles.isCertificateUsed(file)) return refused(`certificate '${file}' in use, can't be deleted!\n`);
  tlsFiles.certificates.delete(file);
  return message(`Certificate '${file}' deleted!\n`);
}

const command = (
  verb: string,
  usage: string,
  description: string,
  run: Command["run"],
  level: Command["level"] = "admin",
): Command => ({
  ...{ words: [verb, "ssl", "cert"], usage: `${verb} ssl cert ${usage}`, description, level, run },
});

export const CERTIFICATE_COMMANDS: readonly Command[] = [
  command("abort", "<certfile>", "abort a transaction for a certificate file", abort),
  command("commit", "<certfile>", "commit a certificate file", commit),
  command("del", "<certfile>", "delete an unused certificate file", remove),
  command("new", "<certfile>", "create a new certificate file to be used in a crt-list or a directory", create),
  command("set", "<certfile> <payload>", "replace a certificate file", set),
  command(
    "show",
    "[<certfile>]",
    "display the SSL certificates used in memory, or the details of a file",
    show,
    "operator",
  ),
];
