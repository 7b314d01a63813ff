// Certificates and revocation lists as the runtime API shows them, in HAProxy's lines.

import { createHash } from "node:crypto";
import { type Certificate, type NameEntry, readCertificate, readRevocationList } from "../../../tls/certificate.ts";
import { longDate } from "../../../tls/certificate-date.ts";

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*?)-----END \1-----/g;
const KEYS: Readonly<Record<string, string>> = { rsaEncryption: "RSA", "id-ecPublicKey": "EC", dsaEncryption: "DSA" };
const DNS = 0x82;

/** DER of all blocks of a kind. */
export function derBlocks(pem: Uint8Array, kind: string): Uint8Array[] {
  const text = Buffer.from(pem).toString("latin1");
  return [...text.matchAll(PEM_BLOCK)]
    .filter(([, each]) => each === kind)
    .map(([, , body]) => new Uint8Array(Buffer.from(body!, "base64")));
}

export const certificatesIn = (pem: Uint8Array): Certificate[] =>
  derBlocks(pem, "CERTIFICATE").flatMap((der) => readCertificate(der) ?? []);

export const oneLine = (entries: readonly NameEntry[]): string =>
  entries.map(({ key, value }) => `/${key}=${Buffer.from(value).toString("latin1")}`).join("");

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex").toUpperCase();

/** "RSA2048", "EC256". */
export const algorithmName = ({ keyAlgorithm, keyBits }: Certificate): string =>
  `${KEYS[keyAlgorithm] ?? keyAlgorithm}${keyBits}`;

/** Serial to issuer, and those of the chain behind it. */
export function certificateLines(certificate: Certificate, chain: readonly Certificate[] = []): string {
  const names = certificate.alternativeNames.map(({ tag, value }) =>
    tag === DNS ? `DNS:${Buffer.from(value).toString("latin1")}` : "",
  );
  const lines = [
    `Serial: ${hex(certificate.serial)}`,
    `notBefore: ${longDate(certificate.notBefore)}`,
    `notAfter: ${longDate(certificate.notAfter)}`,
    `Subject Alternative Name: ${names.join(", ")}`,
    `Algorithm: ${algorithmName(certificate)}`,
    `SHA1 FingerPrint: ${createHash("sha1").update(certificate.der).digest("hex").toUpperCase()}`,
    `Subject: ${oneLine(certificate.subject)}`,
    `Issuer: ${oneLine(certificate.issuer)}`,
    ...chain.flatMap(({ subject, issuer }) => [
      `Chain Subject: ${oneLine(subject)}`,
      `Chain Issuer: ${oneLine(issuer)}`,
    ]),
  ];
  return `${lines.join("\n")}\n`;
}

/** One list of a CRL file. */
export function revocationLines(der: Uint8Array): string {
  const list = readRevocationList(der);
  if (list === null) return "";
  const revoked = list.revoked.map(
    ({ serial, date }) => `    Serial Number: ${hex(serial)}\n        Revocation Date: ${longDate(date)}\n`,
  );
  const lines = [
    `Version ${list.version}`,
    `Signature Algorithm: ${list.signatureAlgorithm}`,
    `Issuer: ${oneLine(list.issuer)}`,
    `Last Update: ${longDate(list.lastUpdate)}`,
    `Next Update: ${longDate(list.nextUpdate)}`,
    revoked.length > 0 ? "Revoked Certificates:" : "No Revoked Certificates.",
  ];
  return `${lines.join("\n")}\n${revoked.join("")}`;
}
