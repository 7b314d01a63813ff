// `issuers-chain-path`: chains that complete certificates which come without one. Read with the configuration; what the runtime API commits later is
// completed by the same chains.

import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { CertificatePlan, IssuerChainPlan } from "../plan/tls.ts";
import { blocksOf, type Loaded } from "./tls-files.ts";

/** All files of the directory that hold a certificate; others are passed over, as HAProxy does. */
export function loadIssuerChains(directory: string): Loaded<IssuerChainPlan[]> {
  try {
    const paths = readdirSync(directory)
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map((name) => join(directory, name));
    const files = paths.filter((path) => statSync(path).isFile());
    const chains = files.map((file) => ({ file, certificates: blocksOf(readFileSync(file, "latin1"), "CERTIFICATE") }));
    return { ok: true, value: chains.filter(({ certificates }) => certificates.length > 0) };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    return { ok: false, problem: `unable to load directory '${directory}' (${code}).` };
  }
}

/** The certificate with the chain of its issuer, where it has none itself and one of `chains` begins with that. */
export function completeChain(certificate: CertificatePlan, chains: readonly IssuerChainPlan[]): CertificatePlan {
  const own = blocksOf(Buffer.from(certificate.certificates).toString("latin1"), "CERTIFICATE");
  if (own.length !== 1) return certificate;
  const leaf = new X509Certificate(own[0]!);
  const chain = chains.find(({ certificates: [first] }) => first !== undefined && isIssuer(first, leaf));
  if (chain === undefined) return certificate;
  const all = [...own, ...chain.certificates].join("\n");
  return { ...certificate, certificates: Buffer.from(all), chainFile: chain.file };
}

/** False as well for what is no certificate. */
function isIssuer(pem: string, leaf: X509Certificate): boolean {
  try {
    const issuer = new X509Certificate(pem);
    // One that signs itself is its own issuer: there is nothing to complete.
    return leaf.checkIssued(issuer) && issuer.fingerprint256 !== leaf.fingerprint256;
  } catch {
    return false;
  }
}
