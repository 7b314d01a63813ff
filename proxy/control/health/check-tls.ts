// Encryption of health checks: Node's own TLS, because the control plane has an event loop and few connections. What a check says and verifies is
// what traffic to the server does (plan/tls.ts), with `check-sni` for a name.

import type { Socket } from "node:net";
import {
  checkServerIdentity,
  connect,
  createSecureContext,
  DEFAULT_CIPHERS,
  type SecureContext,
  type TLSSocket,
} from "node:tls";
import type { ServerCheckPlan } from "../../plan/check.ts";
import type { TlsServerPlan } from "../../plan/tls.ts";

/** Begins the handshake on a connection that stands: `secureConnect`, or `error` whose message is the reason. */
export type Encrypt = (socket: Socket) => TLSSocket;

const VERSIONS = { 769: "TLSv1", 770: "TLSv1.1", 771: "TLSv1.2", 772: "TLSv1.3" } as const;

/** How checks of a server are encrypted; null: they are not. */
export function encryptionOf({ tls, sni }: Pick<ServerCheckPlan, "tls" | "sni">): Encrypt | null {
  if (tls === null) return null;
  let secureContext: SecureContext | null = null;
  const host = tls.verifyHost ?? sni;
  return (socket) => {
    secureContext ??= contextOf(tls);
    return connect({
      socket,
      secureContext,
      servername: sni,
      rejectUnauthorized: tls.verify,
      // Without a name the chain alone is verified.
      checkServerIdentity: (_name, certificate) => (host === "" ? undefined : checkServerIdentity(host, certificate)),
      ...(tls.alpn.length === 0 ? {} : { ALPNProtocols: [...tls.alpn] }),
    });
  };
}

function contextOf(tls: TlsServerPlan): SecureContext {
  const { ciphers, cipherSuites, curves, sigalgs, certificate, authorities, revocations } = tls;
  const versionOf = (number: number) => VERSIONS[Math.max(0x301, number) as keyof typeof VERSIONS];
  const suites = [cipherSuites, ciphers].filter((list) => list !== null);
  return createSecureContext({
    minVersion: versionOf(tls.minVersion),
    ...(tls.maxVersion === 0 ? {} : { maxVersion: versionOf(tls.maxVersion) }),
    ...(suites.length === 0
      ? {}
      : { ciphers: suites.length === 2 ? suites.join(":") : `${suites[0]}:${DEFAULT_CIPHERS}` }),
    ...(curves === null ? {} : { ecdhCurve: curves }),
    ...(sigalgs === null ? {} : { sigalgs }),
    ...(authorities === null ? { ca: [] } : { ca: Buffer.from(authorities.pem) }),
    ...(revocations === null ? {} : { crl: Buffer.from(revocations.pem) }),
    ...(certificate === null ? {} : { cert: Buffer.from(certificate.certificates), key: Buffer.from(certificate.key) }),
  });
}
