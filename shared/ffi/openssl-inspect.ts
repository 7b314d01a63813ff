// What OpenSSL (openssl.ts) knows of a connection after its handshake: protocol, cipher, session, secrets, certificates. For samples and reports.
// Buffers here are of the module: what is returned is copied out of them, or is valid until the next call.

import koffi from "koffi";
import { library } from "./library.ts";
import { derBytes } from "./openssl.ts";

const f = <T>(prototype: string): T => library.func(prototype) as T;

type A1 = (a: number) => number;
type A2 = (a: number, b: number) => number;
type Copy = (from: number, out: Uint8Array, count: number) => number;

const getAlpn: (ssl: number, data: BigUint64Array, length: Uint32Array) => void = f(
  "void SSL_get0_alpn_selected(intptr_t ssl, void *data, void *length)",
);
/** SSL_get_version(3): "TLSv1.3". */
export const versionOf: (ssl: number) => string = f("const char *SSL_get_version(intptr_t ssl)");
const getCipher: A1 = f("intptr_t SSL_get_current_cipher(intptr_t ssl)");
const getCipherName: (cipher: number) => string = f("const char *SSL_CIPHER_get_name(intptr_t cipher)");
const getCipherBits: (cipher: number, algorithmBits: Int32Array | null) => number = f(
  "int SSL_CIPHER_get_bits(intptr_t cipher, void *algorithmBits)",
);
const findCipher: (ssl: number, id: Uint8Array) => number = f("intptr_t SSL_CIPHER_find(intptr_t ssl, const void *id)");
/** SSL_session_reused(3). 1: the handshake was an abbreviated one. */
export const isResumed: A1 = f("int SSL_session_reused(intptr_t ssl)");
/** SSL_get1_peer_certificate(3): a reference, to be freed; 0: none was shown. */
export const peerCertificate: A1 = f("intptr_t SSL_get1_peer_certificate(intptr_t ssl)");
/** SSL_get_certificate(3): our own on this connection, not to be freed; 0: none. */
export const ownCertificate: A1 = f("intptr_t SSL_get_certificate(intptr_t ssl)");
const ownKey: A1 = f("intptr_t SSL_get_privatekey(intptr_t ssl)");
const keyBits: A1 = f("int EVP_PKEY_get_bits(intptr_t key)");
const peerChain: A1 = f("intptr_t SSL_get_peer_cert_chain(intptr_t ssl)");
const stackSize: A1 = f("int OPENSSL_sk_num(intptr_t stack)");
const stackItem: A2 = f("intptr_t OPENSSL_sk_value(intptr_t stack, int index)");
const freeCertificate: (certificate: number) => void = f("void X509_free(intptr_t certificate)");
const verifiedChain: A1 = f("intptr_t SSL_get0_verified_chain(intptr_t ssl)");
const getSession: A1 = f("intptr_t SSL_get_session(intptr_t ssl)");
const getSessionId: (session: number, length: Uint32Array) => bigint = f(
  "uint64_t SSL_SESSION_get_id(intptr_t session, void *length)",
);
const getMasterKey: Copy = f("size_t SSL_SESSION_get_master_key(intptr_t session, void *out, size_t count)");
const getClientRandom: Copy = f("size_t SSL_get_client_random(intptr_t ssl, void *out, size_t count)");
const getServerRandom: Copy = f("size_t SSL_get_server_random(intptr_t ssl, void *out, size_t count)");
const getFinished: Copy = f("size_t SSL_get_finished(intptr_t ssl, void *out, size_t count)");
const getPeerFinished: Copy = f("size_t SSL_get_peer_finished(intptr_t ssl, void *out, size_t count)");
const sslCtrl: (ssl: number, command: number, value: number, pointer: number) => number = f(
  "long SSL_ctrl(intptr_t ssl, int command, long value, intptr_t pointer)",
);
const objectNumber: (text: string) => number = f("int OBJ_txt2nid(const char *text)");
const objectShortName: (nid: number) => string | null = f("const char *OBJ_nid2sn(int nid)");

const SSL_CTRL_GET_NEGOTIATED_GROUP = 134;
const OUT_BYTES = 256;
const alpnData = new BigUint64Array(1);
const length32 = new Uint32Array(1);
const bits = new Int32Array(1);
const out = new Uint8Array(OUT_BYTES);

/** The protocol that ALPN chose, "": none. */
export function protocolOf(ssl: number): string {
  getAlpn(ssl, alpnData, length32);
  if (length32[0] === 0) return "";
  return Buffer.from(koffi.view(alpnData[0]!, length32[0]!)).toString("latin1");
}

/** What OpenSSL calls the cipher of a connection that has none. */
const NO_CIPHER = "(NONE)";

/** Name and strength of the cipher in use; "(NONE)" and 0 before there is one. `algorithmBits`: the key's length; `bits`: what of it is secret. */
export function cipherOf(ssl: number): {
  readonly name: string;
  readonly bits: number;
  readonly algorithmBits: number;
} {
  const cipher = getCipher(ssl);
  if (cipher === 0) return { name: NO_CIPHER, bits: 0, algorithmBits: 0 };
  const used = getCipherBits(cipher, bits);
  return { name: getCipherName(cipher), bits: used, algorithmBits: bits[0]! };
}

/** SSL_CIPHER_find(3): the name of a cipher by its two bytes, "": it is not known. */
export function cipherName(ssl: number, high: number, low: number): string {
  const cipher = findCipher(ssl, Uint8Array.of(high, low));
  return cipher === 0 ? "" : getCipherName(cipher);
}

/** The group of the key exchange by OpenSSL's short name ("prime256v1", "X25519"), "": there was none. */
export function curveOf(ssl: number): string {
  const nid = sslCtrl(ssl, SSL_CTRL_GET_NEGOTIATED_GROUP, 0, 0);
  return nid <= 0 ? "" : (objectShortName(nid) ?? "");
}

const none = new Uint8Array(0);

function copied(get: Copy, from: number): Uint8Array {
  const count = from === 0 ? 0 : Math.min(OUT_BYTES, get(from, out, OUT_BYTES));
  return count <= 0 ? none : out.slice(0, count);
}

export const clientRandomOf = (ssl: number): Uint8Array => copied(getClientRandom, ssl);
export const serverRandomOf = (ssl: number): Uint8Array => copied(getServerRandom, ssl);
/** TLS 1.2's master secret, a secret of 1.3's resumption; for those who decrypt recordings. */
export const masterKeyOf = (ssl: number): Uint8Array => copied(getMasterKey, getSession(ssl));

/** Empty: the session has no id. */
export function sessionIdOf(ssl: number): Uint8Array {
  const session = getSession(ssl);
  if (session === 0) return none;
  const address = getSessionId(session, length32);
  return length32[0] === 0 ? none : new Uint8Array(koffi.view(BigInt(address), length32[0]!)).slice();
}

/** `tls-unique` (RFC 5929 3): the first Finished of the handshake. @param isServer our own role */
export function uniqueIdOf(ssl: number, isServer: boolean): Uint8Array {
  const isPeers = isServer !== (isResumed(ssl) === 1);
  return copied(isPeers ? getPeerFinished : getFinished, ssl);
}

/** DER of the certificate that the peer showed; empty: none. */
export function peerDer(ssl: number): Uint8Array {
  const certificate = peerCertificate(ssl);
  if (certificate === 0) return none;
  const der = derBytes(certificate);
  freeCertificate(certificate);
  return der;
}

/** DER of our own certificate on this connection; empty: we have none. */
export function ownDer(ssl: number): Uint8Array {
  const certificate = ownCertificate(ssl);
  return certificate === 0 ? none : derBytes(certificate);
}

/** Length of our own key on this connection, 0: we have none. */
export function ownKeyBits(ssl: number): number {
  const key = ownKey(ssl);
  return key === 0 ? 0 : keyBits(key);
}

/** DER of all certificates of the peer's chain that it sent, leaf first for servers. */
export function peerChainDer(ssl: number): Uint8Array[] {
  const stack = peerChain(ssl);
  const chain: Uint8Array[] = [];
  if (stack !== 0) for (let i = 0; i < stackSize(stack); i++) chain.push(derBytes(stackItem(stack, i)));
  return chain;
}

/** DER of the authority that the peer's verified chain ends with; empty: there is none. */
export function verifiedRootDer(ssl: number): Uint8Array {
  const stack = verifiedChain(ssl);
  const count = stack === 0 ? 0 : stackSize(stack);
  return count <= 0 ? none : derBytes(stackItem(stack, count - 1));
}

const objectLongName: (nid: number) => string | null = f("const char *OBJ_nid2ln(int nid)");

/** As `nameOfObject`, in full ("sha256WithRSAEncryption"). */
export const longNameOfObject = (identifier: string): string => objectLongName(objectNumber(identifier)) ?? identifier;

const objectNames = new Map<string, string>();
const OBJECT_NAMES_MAX = 1000;

/** OpenSSL's short name of an object identifier ("2.5.4.3" is "CN"); the identifier itself where it has none. */
export function nameOfObject(identifier: string): string {
  let name = objectNames.get(identifier);
  if (name !== undefined) return name;
  const nid = objectNumber(identifier);
  name = (nid === 0 ? null : objectShortName(nid)) ?? identifier;
  // Peers choose identifiers.
  if (objectNames.size < OBJECT_NAMES_MAX) objectNames.set(identifier, name);
  return name;
}
