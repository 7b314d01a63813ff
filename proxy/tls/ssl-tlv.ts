// What servers are told of a client's TLS in the PROXY header (PP2_TYPE_SSL, haproxy.org/download/3.2/doc/proxy-protocol.txt 2.2.6): version, cipher,
// and what the client's certificate says, as far as `proxy-v2-options` asks for it.

import * as openssl from "../../shared/ffi/openssl.ts";
import * as inspect from "../../shared/ffi/openssl-inspect.ts";
import type { SendProxyPlan } from "../plan/server-connection.ts";
import { type Certificate, readCertificate } from "./certificate.ts";

const SUBTYPE = { version: 0x21, cn: 0x22, cipher: 0x23, signature: 0x24, key: 0x25 } as const;
const CLIENT_SSL = 0x01;
const CLIENT_CERT_CONN = 0x02;
const CLIENT_CERT_SESS = 0x04;
/** The client's bits and the verification's result. */
const FIXED_BYTES = 5;
const none = new Uint8Array(0);

/** The value of PP2_TYPE_SSL. @param ssl 0: the client is not encrypted */
export function sslTlvValue(ssl: number, { options }: SendProxyPlan): Uint8Array {
  const fixed = new Uint8Array(FIXED_BYTES);
  if (ssl === 0) return fixed;
  fixed[0] = CLIENT_SSL;
  const der = inspect.peerDer(ssl);
  if (der.length > 0) {
    fixed[0] |= CLIENT_CERT_SESS | (inspect.isResumed(ssl) === 1 ? 0 : CLIENT_CERT_CONN);
    new DataView(fixed.buffer).setUint32(1, openssl.verifyResult(ssl));
  }
  const peer = der.length === 0 ? null : readCertificate(der);
  const own =
    options.includes("cert-key") || options.includes("cert-sig") ? readCertificate(inspect.ownDer(ssl)) : null;
  return new Uint8Array(
    Buffer.concat([
      fixed,
      tlv(SUBTYPE.version, Buffer.from(inspect.versionOf(ssl))),
      options.includes("cert-cn") && peer !== null ? tlv(SUBTYPE.cn, commonName(peer)) : none,
      options.includes("cert-key") && own !== null ? tlv(SUBTYPE.key, keyName(own, ssl)) : none,
      options.includes("cert-sig") && own !== null ? tlv(SUBTYPE.signature, Buffer.from(own.signatureAlgorithm)) : none,
      options.includes("ssl-cipher") ? tlv(SUBTYPE.cipher, Buffer.from(inspect.cipherOf(ssl).name)) : none,
    ]),
  );
}

function tlv(type: number, value: Uint8Array): Uint8Array {
  return value.length === 0 ? none : Buffer.concat([Uint8Array.of(type, value.length >> 8, value.length & 255), value]);
}

const commonName = ({ subject }: Certificate): Uint8Array => subject.find(({ key }) => key === "CN")?.value ?? none;

const KEY_LETTERS: Readonly<Record<string, string>> = {
  rsaEncryption: "RSA",
  "id-ecPublicKey": "EC",
  dsaEncryption: "DSA",
};

/** "RSA2048", "EC256". */
function keyName({ keyAlgorithm }: Certificate, ssl: number): Uint8Array {
  const letters = KEY_LETTERS[keyAlgorithm];
  return letters === undefined ? none : Buffer.from(`${letters}${inspect.ownKeyBits(ssl)}`);
}
