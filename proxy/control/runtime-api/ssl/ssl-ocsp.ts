// `show ssl ocsp-response`, `set ssl ocsp-response`: what is stapled to certificates (management.txt 9.3). Texts are HAProxy's.

import { ocspCertificateId, ocspResponseId, ocspText } from "../../../../shared/ffi/openssl-ocsp.ts";
import type { CertificatePlan } from "../../../plan/tls.ts";
import type { LiveTlsFiles } from "../../tls/live-files.ts";
import { OCSP_STATUS_TEXT } from "../../tls/ocsp-updates.ts";
import { type Answer, type Command, type CommandCall, failure, message, type RuntimeContext } from "../command.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Certificates that a response may be about, with what OCSP calls them. */
function* identified({ certificates }: LiveTlsFiles): Generator<{ certificate: CertificatePlan; id: string }> {
  for (const certificate of certificates.values()) {
    const id = certificate === null ? null : ocspCertificateId(certificate.certificates, certificate.issuer);
    if (id !== null) yield { certificate: certificate!, id: hex(id) };
  }
}

function show({ args }: CommandCall, { tlsFiles }: RuntimeContext): Answer {
  const format = args[0] === "text" || args[0] === "base64" ? args[0] : null;
  const wanted = args[format === null ? 0 : 1];
  if (wanted === undefined) {
    if (format !== null) return failure("'show ssl ocsp-response [text|base64]' expects a valid certid.\n");
    return { text: list(tlsFiles) };
  }
  for (const { certificate, id } of identified(tlsFiles)) {
    if (certificate.ocsp === null || (id !== wanted.toLowerCase() && certificate.file !== wanted)) continue;
    if (format === "base64") return { text: `${Buffer.from(certificate.ocsp).toString("base64")}\n` };
    return { text: ocspText(certificate.ocsp) ?? "" };
  }
  return failure("Certificate ID or path does not match any certificate.\n");
}

function list(tlsFiles: LiveTlsFiles): string {
  let text = "# Certificate IDs\n";
  for (const { certificate, id } of identified(tlsFiles)) {
    if (certificate.ocsp === null) continue;
    text += `Certificate ID key : ${id}\nCertificate path : ${certificate.file}\n`;
    const printed = ocspText(certificate.ocsp) ?? "";
    const at = printed.indexOf("    Certificate ID:");
    if (at >= 0)
      text += `${printed.slice(at, printed.indexOf("    Cert Status:", at))}`.replace(
        "    Certificate ID:",
        "Certificate ID:",
      );
  }
  return text;
}

async function set({ args: [response], payload }: CommandCall, { tlsFiles }: RuntimeContext): Promise<Answer> {
  const base64 = (payload === "" ? (response ?? "") : payload).replace(/\s/g, "");
  if (base64 === "") return failure("'set ssl ocsp-response' expects response in base64 encoding.\n");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0)
    return failure("'set ssl ocsp-response' received invalid base64 encoded response.\n");
  const der = new Uint8Array(Buffer.from(base64, "base64"));
  if (ocspText(der) === null) return failure("Unable to parse OCSP response.\n");
  const id = ocspResponseId(der);
  if (id === null) return failure("OCSP response status not successful.\n");
  let isKnown = false;
  for (const { certificate, id: own } of [...identified(tlsFiles)]) {
    // As HAProxy: there has to be a response already, or an issuer that tells which certificate is meant.
    if (own !== hex(id)) continue;
    isKnown = true;
    await tlsFiles.replaceCertificate({ ...certificate, ocsp: der });
  }
  if (!isKnown) return failure("OCSP single response: Certificate ID does not match any certificate or issuer.\n");
  return message("OCSP Response updated!\n");
}

const UPDATES_HEAD =
  "OCSP Certid | Path | Next Update | Last Update | Successes | Failures | Last Update Status | Last Update Status (str)\n";

function showUpdates(_call: CommandCall, { ocspUpdates }: RuntimeContext): Answer {
  const lines = ocspUpdates.list().map(({ update, id }) => {
    const { file, failures, lastMs, nextMs, status, successes } = update;
    const last = lastMs === null ? "-" : logDate(lastMs);
    const words = [hex(id), file, logDate(nextMs), last, successes, failures, status, OCSP_STATUS_TEXT[status]];
    return `${words.join(" | ")}\n`;
  });
  return { text: UPDATES_HEAD + lines.join("") };
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `30/Jan/2023:00:08:09 +0000` */
function logDate(ms: number): string {
  const date = new Date(ms);
  const two = (number: number): string => String(number).padStart(2, "0");
  const day = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}`;
  return `${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}

function update({ args: [file] }: CommandCall, { ocspUpdates, tlsFiles }: RuntimeContext): Answer {
  if (file === undefined) return failure("'update ssl ocsp-response' expects a filename\n");
  if (!tlsFiles.certificates.has(file))
    return failure("Unknown certificate! 'update ssl ocsp-response' expects an already known certificate file name.\n");
  if (!ocspUpdates.hurry(file)) return failure("The certificate names no responder, or its issuer is not known.\n");
  return { text: "" };
}

export const OCSP_COMMANDS: readonly Command[] = [
  {
    ...{ words: ["set", "ssl", "ocsp-response"], level: "admin", run: set },
    ...{
      usage: "set ssl ocsp-response <resp|payload>",
      description: "update a certificate's OCSP Response from a base64-encode DER",
    },
  },
  {
    ...{ words: ["show", "ssl", "ocsp-updates"], level: "operator", run: showUpdates },
    ...{
      usage: "show ssl ocsp-updates",
      description: "display information about the next 'nb' ocsp responses that will be updated automatically",
    },
  },
  {
    ...{ words: ["update", "ssl", "ocsp-response"], level: "admin", run: update },
    ...{
      usage: "update ssl ocsp-response <certfile>",
      description: "send ocsp request and update stored ocsp response",
    },
  },
  {
    ...{ words: ["show", "ssl", "ocsp-response"], level: "operator", run: show },
    ...{
      usage: "show ssl ocsp-response [text|base64] id",
      description:
        "display the IDs of the OCSP responses used in memory, or the details of a single OCSP response (in text or base64 format)",
    },
  },
];
