// Fetches of certificates, configuration.txt 7.3.4: the client's (ssl_c_*), the server's (ssl_s_*) and our own on the client's connection (ssl_f_*).
// Certificates are read anew each time and leave garbage: only rules that ask pay.

import { createHash } from "node:crypto";
import * as inspect from "../../../shared/ffi/openssl-inspect.ts";
import type { SamplePlan } from "../../plan/expression.ts";
import { type Certificate, type NameEntry, readCertificate } from "../../tls/certificate.ts";
import { alternativeNamesText, rfc2253 } from "../../tls/name-text.ts";
import { TYPE } from "../types.ts";
import { textBytes } from "../value.ts";
import { type FetchCompiler, integerArgument, single, stringArgument } from "./fetch.ts";
import { type Side, setBytes, setInteger, sslOf } from "./tls.ts";

const FAIL = 0;
const none = new Uint8Array(0);

/** What a certificate says, as bytes; empty: nothing. */
function said(
  side: Side,
  derOf: (ssl: number) => Uint8Array,
  type: number,
  read: (certificate: Certificate, plan: SamplePlan) => Uint8Array,
): FetchCompiler {
  return (ctx, plan) =>
    single((stream) => {
      const ssl = sslOf(ctx, side, stream);
      let der = ssl === 0 ? none : derOf(ssl);
      // Of a handshake that failed the certificate is kept, so that the log can show it.
      if (ssl !== 0 && der.length === 0 && side === "client" && derOf === inspect.peerDer)
        der = ctx.tls!.captures.faultsOf(stream.client)?.der ?? none;
      const certificate = der.length === 0 ? null : readCertificate(der);
      return certificate === null ? FAIL : setBytes(ctx, type, read(certificate, plan));
    });
}

/** Null: bytes with a zero inside, which somebody may read as shorter than they are. */
function harmless(value: Uint8Array): Uint8Array | null {
  const zero = value.indexOf(0);
  if (zero < 0) return value;
  return value.subarray(zero).every((byte) => byte === 0) ? value.subarray(0, zero + 1) : null;
}

/** All of a name as `/C=FR/CN=x`, one entry (`CN`, and which of several, from the end where negative), or in another format. */
function nameOf(entries: readonly NameEntry[], plan: SamplePlan): Uint8Array {
  const wanted = stringArgument(plan, 0).toLowerCase();
  if (wanted !== "") {
    const found = entries.filter(({ key }) => key.toLowerCase() === wanted);
    const occurrence = integerArgument(plan, 1, 1);
    const entry = occurrence < 0 ? found.at(occurrence) : found[occurrence - 1];
    return (entry === undefined ? null : harmless(entry.value)) ?? none;
  }
  if (stringArgument(plan, 2) === "rfc2253") return textBytes(rfc2253(entries));
  const parts: Uint8Array[] = [];
  for (const { key, value } of entries) {
    const fine = harmless(value);
    if (fine === null) return none;
    parts.push(Buffer.from(`/${key}=`, "latin1"), fine);
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** Fetches of one certificate: ssl_c_…, ssl_f_… or ssl_s_…. */
function certificateFetches(
  prefix: "ssl_c" | "ssl_f" | "ssl_s",
  side: Side,
  derOf: (ssl: number) => Uint8Array,
): Record<string, FetchCompiler> {
  const bytes = (type: number, read: (certificate: Certificate, plan: SamplePlan) => Uint8Array) =>
    said(side, derOf, type, read);
  return {
    [`${prefix}_der`]: bytes(TYPE.bin, ({ der }) => der),
    [`${prefix}_i_dn`]: bytes(TYPE.str, ({ issuer }, plan) => nameOf(issuer, plan)),
    [`${prefix}_key_alg`]: bytes(TYPE.str, ({ keyAlgorithm }) => textBytes(keyAlgorithm)),
    [`${prefix}_notafter`]: bytes(TYPE.str, ({ notAfter }) => textBytes(notAfter)),
    [`${prefix}_notbefore`]: bytes(TYPE.str, ({ notBefore }) => textBytes(notBefore)),
    [`${prefix}_s_dn`]: bytes(TYPE.str, ({ subject }, plan) => nameOf(subject, plan)),
    [`${prefix}_serial`]: bytes(TYPE.bin, ({ serial }) => serial),
    [`${prefix}_sha1`]: bytes(TYPE.bin, ({ der }) => createHash("sha1").update(der).digest()),
    [`${prefix}_sig_alg`]: bytes(TYPE.str, ({ signatureAlgorithm }) => textBytes(signatureAlgorithm)),
    [`${prefix}_version`]: (ctx) =>
      single((stream) => {
        const ssl = sslOf(ctx, side, stream);
        const certificate = ssl === 0 ? null : readCertificate(derOf(ssl));
        return certificate === null ? FAIL : setInteger(ctx, TYPE.sint, certificate.version);
      }),
  };
}

/** All certificates that the peer sent, one behind the other. */
const chain =
  (side: Side): FetchCompiler =>
  (ctx) =>
    single((stream) => {
      const ssl = sslOf(ctx, side, stream);
      if (ssl === 0) return FAIL;
      return setBytes(ctx, TYPE.bin, new Uint8Array(Buffer.concat(inspect.peerChainDer(ssl))));
    });

/** By canonical name, see tls.table.ts. */
export const CERTIFICATE_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  ...certificateFetches("ssl_c", "client", inspect.peerDer),
  ...certificateFetches("ssl_f", "client", inspect.ownDer),
  ...certificateFetches("ssl_s", "server", inspect.peerDer),
  ssl_c_chain_der: chain("client"),
  ssl_c_r_dn: said("client", inspect.verifiedRootDer, TYPE.str, ({ subject }, plan) => nameOf(subject, plan)),
  ssl_c_san: said("client", inspect.peerDer, TYPE.str, (certificate) => textBytes(alternativeNamesText(certificate))),
  ssl_s_chain_der: chain("server"),
};
