// OpenSSL as the running Node binary exports it (SSL_*, BIO_*, X509_*). Objects are addresses (numbers, 0: none); who frees what is said with
// each function. An object belongs to the thread that made it; errors are a queue of the thread: after a failed call it is emptied with `takeError`.
//
// What is only needed once, while contexts are made, takes Buffers; what runs per record takes addresses in an arena.

import koffi from "koffi";
import { library } from "./library.ts";

const f = <T>(prototype: string): T => library.func(prototype) as T;

type A0 = () => number;
type A1 = (a: number) => number;
type A2 = (a: number, b: number) => number;
type A3 = (a: number, b: number, c: number) => number;
type A4 = (a: number, b: number, c: number, d: number) => number;
type Bytes1 = (a: number, bytes: Uint8Array) => number;
type Bytes2 = (a: number, bytes: Uint8Array, count: number) => number;

const tlsServerMethod: A0 = f("intptr_t TLS_server_method()");
const tlsClientMethod: A0 = f("intptr_t TLS_client_method()");
const ctxNew: A1 = f("intptr_t SSL_CTX_new(intptr_t method)");
/** SSL_CTX_free(3). */
export const freeContext: (context: number) => void = f("void SSL_CTX_free(intptr_t context)");
const ctxCtrl: (context: number, command: number, value: number, pointer: number) => number = f(
  "long SSL_CTX_ctrl(intptr_t context, int command, long value, intptr_t pointer)",
);
const ctxCtrlBytes: (context: number, command: number, value: number, bytes: Uint8Array) => number = f(
  "long SSL_CTX_ctrl(intptr_t context, int command, long value, const void *bytes)",
);
/** SSL_CTX_set_options(3). `options`: OPTION bits. */
export const setOptions: A2 = f("uint64_t SSL_CTX_set_options(intptr_t context, uint64_t options)");
const setCipherList: Bytes1 = f("int SSL_CTX_set_cipher_list(intptr_t context, const void *list)");
const setCipherSuites: Bytes1 = f("int SSL_CTX_set_ciphersuites(intptr_t context, const void *list)");
/** SSL_CTX_use_certificate(3): takes a reference of its own. 1: done. */
export const useCertificate: A2 = f("int SSL_CTX_use_certificate(intptr_t context, intptr_t certificate)");
/** SSL_CTX_use_PrivateKey(3): takes a reference of its own. 1: done. */
export const usePrivateKey: A2 = f("int SSL_CTX_use_PrivateKey(intptr_t context, intptr_t key)");
const setSessionIdContext: Bytes2 = f(
  "int SSL_CTX_set_session_id_context(intptr_t context, const void *bytes, uint32_t count)",
);
/** SSL_CTX_set_verify(3) without a callback. `mode`: VERIFY bits. */
export const setVerify: (context: number, mode: number, callback: number) => void = f(
  "void SSL_CTX_set_verify(intptr_t context, int mode, intptr_t callback)",
);
/** SSL_CTX_get_cert_store(3): the context's, not to be freed. */
export const certificateStore: A1 = f("intptr_t SSL_CTX_get_cert_store(intptr_t context)");
/** X509_STORE_add_cert(3): takes a reference of its own. */
export const addTrusted: A2 = f("int X509_STORE_add_cert(intptr_t store, intptr_t certificate)");
/** X509_STORE_add_crl(3): takes a reference of its own. */
export const addRevocations: A2 = f("int X509_STORE_add_crl(intptr_t store, intptr_t crl)");
/** X509_STORE_set_flags(3). */
export const setStoreFlags: A2 = f("int X509_STORE_set_flags(intptr_t store, unsigned long flags)");
/** SSL_CTX_add_client_CA(3): a name that clients are shown; copied. */
export const addClientCa: A2 = f("int SSL_CTX_add_client_CA(intptr_t context, intptr_t certificate)");
const setOwnAlpnProtocols: Bytes2 = f("int SSL_set_alpn_protos(intptr_t ssl, const void *bytes, uint32_t count)");
const setAlpnProtocols: Bytes2 = f("int SSL_CTX_set_alpn_protos(intptr_t context, const void *bytes, uint32_t count)");

const bioMemBuf: (bytes: Uint8Array, count: number) => number = f(
  "intptr_t BIO_new_mem_buf(const void *bytes, int count)",
);
const bioNew: A1 = f("intptr_t BIO_new(intptr_t type)");
const bioMem: A0 = f("intptr_t BIO_s_mem()");
/** BIO_free(3). */
export const freeBio: A1 = f("int BIO_free(intptr_t bio)");
const bioUpRef: A1 = f("int BIO_up_ref(intptr_t bio)");
/** BIO_write(3) of `bytes` bytes at `address`, copied. How many, or less than 1. */
export const bioWrite: A3 = f("int BIO_write(intptr_t bio, intptr_t address, int bytes)");
/** BIO_read(3) into `bytes` bytes at `address`. How many, or less than 1: there is nothing. */
export const bioRead: A3 = f("int BIO_read(intptr_t bio, intptr_t address, int bytes)");
/** BIO_ctrl_pending(3): bytes that could be read. */
export const bioPending: A1 = f("size_t BIO_ctrl_pending(intptr_t bio)");
const readCertificate: A4 = f("intptr_t PEM_read_bio_X509(intptr_t bio, intptr_t x, intptr_t callback, intptr_t u)");
const readKey: A4 = f("intptr_t PEM_read_bio_PrivateKey(intptr_t bio, intptr_t x, intptr_t callback, intptr_t u)");
const readCrl: A4 = f("intptr_t PEM_read_bio_X509_CRL(intptr_t bio, intptr_t x, intptr_t callback, intptr_t u)");
/** X509_free(3), EVP_PKEY_free(3), X509_CRL_free(3). */
export const freeCertificate: (certificate: number) => void = f("void X509_free(intptr_t certificate)");
export const freeKey: (key: number) => void = f("void EVP_PKEY_free(intptr_t key)");
export const freeCrl: (crl: number) => void = f("void X509_CRL_free(intptr_t crl)");

/** SSL_new(3): a connection of the context, to be freed once with `freeConnection`. 0: no memory. */
export const newConnection: A1 = f("intptr_t SSL_new(intptr_t context)");
/** SSL_free(3). */
export const freeConnection: (ssl: number) => void = f("void SSL_free(intptr_t ssl)");
const setReadBio: (ssl: number, bio: number) => void = f("void SSL_set0_rbio(intptr_t ssl, intptr_t bio)");
const setWriteBio: (ssl: number, bio: number) => void = f("void SSL_set0_wbio(intptr_t ssl, intptr_t bio)");
/** SSL_set_accept_state(3), SSL_set_connect_state(3). */
export const actAsServer: (ssl: number) => void = f("void SSL_set_accept_state(intptr_t ssl)");
export const actAsClient: (ssl: number) => void = f("void SSL_set_connect_state(intptr_t ssl)");
/** SSL_do_handshake(3). 1: done; otherwise `errorOf` says why. */
export const handshake: A1 = f("int SSL_do_handshake(intptr_t ssl)");
/** SSL_read(3) into `bytes` bytes at `address`. How many, or less than 1: `errorOf` says why. */
export const readPlain: A3 = f("int SSL_read(intptr_t ssl, intptr_t address, int bytes)");
/** SSL_write(3). How many, or less than 1. */
export const writePlain: A3 = f("int SSL_write(intptr_t ssl, intptr_t address, int bytes)");
/** SSL_shutdown(3): writes close_notify. */
export const sayGoodbye: A1 = f("int SSL_shutdown(intptr_t ssl)");
/** SSL_get_error(3) of what the last call on this connection returned: ERROR. */
export const errorOf: A2 = f("int SSL_get_error(intptr_t ssl, int returned)");
/** SSL_get_SSL_CTX(3): the context that the connection has now. */
export const contextOf: A1 = f("intptr_t SSL_get_SSL_CTX(intptr_t ssl)");
/** SSL_set_SSL_CTX(3): certificates of another context, from inside the server name's callback. */
export const switchContext: A2 = f("intptr_t SSL_set_SSL_CTX(intptr_t ssl, intptr_t context)");
const setConnectionVerify: (ssl: number, mode: number, callback: unknown) => void = f(
  "void SSL_set_verify(intptr_t ssl, int mode, void *callback)",
);
const clientCaList: A1 = f("intptr_t SSL_CTX_get_client_CA_list(intptr_t context)");
const dupCaList: A1 = f("intptr_t SSL_dup_CA_list(intptr_t list)");
const setCaList: (ssl: number, list: number) => void = f("void SSL_set_client_CA_list(intptr_t ssl, intptr_t list)");
const sslCtrl: (ssl: number, command: number, value: number, pointer: number) => number = f(
  "long SSL_ctrl(intptr_t ssl, int command, long value, intptr_t pointer)",
);
const getServerName: (ssl: number, type: number) => string | null = f(
  "const char *SSL_get_servername(intptr_t ssl, int type)",
);
/** SSL_get_verify_result(3): 0 is X509_V_OK; also where no certificate was shown. */
export const verifyResult: A1 = f("long SSL_get_verify_result(intptr_t ssl)");
/** X509_verify_cert_error_string(3). */
export const verifyText: (result: number) => string = f("const char *X509_verify_cert_error_string(long result)");
const derOf: (certificate: number, out: BigUint64Array | null) => number = f(
  "int i2d_X509(intptr_t certificate, void *out)",
);
const derInto: (certificate: number, out: BigUint64Array) => number = f(
  "int i2d_X509(intptr_t certificate, void *out)",
);
/** SSL_set_shutdown(3): 3 is an end in good order, after which the session may be resumed. */
export const pretendGoodbyes: A2 = f("int SSL_set_shutdown(intptr_t ssl, int mode)");
const setHost: Bytes1 = f("int SSL_set1_host(intptr_t ssl, const void *name)");
const sslCtrlBytes: (ssl: number, command: number, value: number, bytes: Uint8Array) => number = f(
  "long SSL_ctrl(intptr_t ssl, int command, long value, const void *bytes)",
);
const setSession: A2 = f("int SSL_set_session(intptr_t ssl, intptr_t session)");
const dupSession: A1 = f("intptr_t SSL_SESSION_dup(intptr_t session)");
/** SSL_SESSION_free(3). */
export const freeSession: (session: number) => void = f("void SSL_SESSION_free(intptr_t session)");
const errGet: A0 = f("unsigned long ERR_get_error()");
const errText: (error: number, bytes: Uint8Array, count: number) => void = f(
  "void ERR_error_string_n(unsigned long error, void *bytes, size_t count)",
);
/** ERR_clear_error(3). */
export const clearErrors: () => void = f("void ERR_clear_error()");

/** SSL_get_error's answers. */
export const ERROR = { ssl: 1, wantRead: 2, wantWrite: 3, syscall: 5, zeroReturn: 6 } as const;
export const VERIFY = { none: 0, peer: 1, failIfNone: 2 } as const;
/** SSL_OP_*. */
export const OPTION = {
  noSslv3: 0x0200_0000,
  cipherServerPreference: 0x0040_0000,
  noTicket: 0x4000,
  noRenegotiation: 0x4000_0000,
  noCompression: 0x0002_0000,
  prioritizeChacha: 0x0020_0000,
} as const;
/** X509_V_FLAG_*: check revocations of the whole chain. */
export const CHECK_REVOCATIONS = 0x4 | 0x8;
export const TLS_VERSION: Readonly<Record<string, number>> = {
  SSLv3: 0x300,
  "TLSv1.0": 0x301,
  "TLSv1.1": 0x302,
  "TLSv1.2": 0x303,
  "TLSv1.3": 0x304,
};

const CTRL = {
  mode: 33,
  sessionCacheMode: 44,
  serverName: 55,
  ticketKeys: 59,
  chainCertificate: 89,
  groupsList: 92,
  signatureAlgorithms: 98,
  clientSignatureAlgorithms: 102,
  dhAuto: 118,
  minVersion: 123,
  maxVersion: 124,
} as const;
/** SSL_MODE_ENABLE_PARTIAL_WRITE | ACCEPT_MOVING_WRITE_BUFFER | RELEASE_BUFFERS */
const MODE = 0x1 | 0x2 | 0x10;
const SESSION_CACHE_OFF = 0;
const ZERO_ENDED_MAX = 512;

/** A new context with what every connection here wants: buffers only while bytes pass, no session cache in memory. 0: no memory. */
export function newContext(role: "server" | "client"): number {
  const context = ctxNew(role === "server" ? tlsServerMethod() : tlsClientMethod());
  if (context === 0) return 0;
  ctxCtrl(context, CTRL.mode, MODE, 0);
  ctxCtrl(context, CTRL.sessionCacheMode, SESSION_CACHE_OFF, 0);
  setOptions(context, OPTION.noCompression + OPTION.noRenegotiation);
  return context;
}

/** 0: any version. 1: done. */
export function setVersions(context: number, min: number, max: number): boolean {
  return ctxCtrl(context, CTRL.minVersion, min, 0) === 1 && ctxCtrl(context, CTRL.maxVersion, max, 0) === 1;
}

export function setCiphers(context: number, list: string): boolean {
  return setCipherList(context, Buffer.from(`${list}\0`)) === 1;
}

/** Those of TLS 1.3. */
export function setSuites(context: number, list: string): boolean {
  return setCipherSuites(context, Buffer.from(`${list}\0`)) === 1;
}

export function setCurves(context: number, list: string): boolean {
  return ctxCtrlBytes(context, CTRL.groupsList, 0, Buffer.from(`${list}\0`)) === 1;
}

export function setSignatureAlgorithms(context: number, list: string, ofClients: boolean): boolean {
  const command = ofClients ? CTRL.clientSignatureAlgorithms : CTRL.signatureAlgorithms;
  return ctxCtrlBytes(context, command, 0, Buffer.from(`${list}\0`)) === 1;
}

/** Diffie-Hellman parameters to the size of the certificate's key. */
export function useAutomaticDh(context: number): void {
  ctxCtrl(context, CTRL.dhAuto, 1, 0);
}

/** The 80 bytes that session tickets are sealed with; contexts that share them resume each other's sessions. */
export function setTicketKeys(context: number, keys: Uint8Array): boolean {
  return ctxCtrlBytes(context, CTRL.ticketKeys, keys.length, keys) === 1;
}

/** Sessions are only resumed where they were made: at most 32 bytes that name the place. */
export function setSessionContext(context: number, name: Uint8Array): boolean {
  return setSessionIdContext(context, name, name.length) === 1;
}

/** ALPN of a client: names as TLS has them, each behind its length. */
export function offerProtocols(context: number, list: Uint8Array): boolean {
  return setAlpnProtocols(context, list, list.length) === 0;
}

/** The same for one connection, in place of its context's. OpenSSL copies the list. */
export function offerOwnProtocols(ssl: number, list: Uint8Array): boolean {
  return setOwnAlpnProtocols(ssl, list, list.length) === 0;
}

/** A certificate of the chain, sent behind the context's own; takes a reference of its own. */
export function addChainCertificate(context: number, certificate: number): boolean {
  return ctxCtrl(context, CTRL.chainCertificate, 1, certificate) === 1;
}

/** All PEM objects of one kind in `pem`; each is to be freed. */
function readAll(pem: Uint8Array, read: A4): number[] {
  const bio = bioMemBuf(pem, pem.length);
  const objects: number[] = [];
  for (let object = read(bio, 0, 0, 0); object !== 0; object = read(bio, 0, 0, 0)) objects.push(object);
  clearErrors(); // The end of the text is an error too.
  freeBio(bio);
  return objects;
}

/** The certificates in `pem`, to be freed with `freeCertificate`. */
export const certificatesOf = (pem: Uint8Array): number[] => readAll(pem, readCertificate);
/** The revocation lists in `pem`, to be freed with `freeCrl`. */
export const crlsOf = (pem: Uint8Array): number[] => readAll(pem, readCrl);

/** The first private key in `pem`, to be freed with `freeKey`; 0: there is none (or it has a passphrase: nobody is asked). */
export function keyOf(pem: Uint8Array): number {
  const [key, ...others] = readAll(pem, readKey);
  for (const other of others) freeKey(other);
  return key ?? 0;
}

/** A BIO in memory, to be freed with `freeBio`. */
export function newMemoryBio(): number {
  return bioNew(bioMem());
}

/** Lets a connection read from and write to BIOs that others share; it takes references of its own. */
export function attachBios(ssl: number, read: number, write: number): void {
  bioUpRef(read);
  bioUpRef(write);
  setReadBio(ssl, read);
  setWriteBio(ssl, write);
}

/** SNI that the client sent, "": none. */
export function serverNameOf(ssl: number): string {
  return getServerName(ssl, 0) ?? "";
}

/** The session is to be resumed: a copy of it, because OpenSSL lets each be resumed only once. */
export function resumeSession(ssl: number, session: number): void {
  const copy = dupSession(session);
  if (copy === 0) return;
  setSession(ssl, copy);
  freeSession(copy);
}

/** SNI that we send as a client. */
export function setServerName(ssl: number, name: string): boolean {
  return sslCtrlBytes(ssl, CTRL.serverName, 0, Buffer.from(`${name}\0`)) === 1;
}

/** What SSL_set_SSL_CTX(3) leaves behind when a connection's context is switched at its hello. */
export interface AdoptedSettings {
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly curves: string | null;
  /** VERIFY bits, and the function that judges. */
  readonly mode: number;
  readonly judge: unknown;
}

/** The connection becomes one of another context, with all that this one says. */
export function adoptContext(ssl: number, context: number, settings: AdoptedSettings): void {
  switchContext(ssl, context);
  sslCtrl(ssl, CTRL.minVersion, settings.minVersion, 0);
  sslCtrl(ssl, CTRL.maxVersion, settings.maxVersion, 0);
  if (settings.curves !== null) sslCtrlBytes(ssl, CTRL.groupsList, 0, Buffer.from(`${settings.curves}\0`));
  setConnectionVerify(ssl, settings.mode, settings.mode === VERIFY.none ? null : settings.judge);
  if (settings.mode !== VERIFY.none) setCaList(ssl, dupCaList(clientCaList(context)));
}

/** The name that the server's certificate must be for. */
export function expectHost(ssl: number, name: string): boolean {
  return setHost(ssl, Buffer.from(`${name}\0`)) === 1;
}

/** A certificate's DER bytes. */
export function derBytes(certificate: number): Uint8Array {
  const length = derOf(certificate, null);
  const bytes = new Uint8Array(Math.max(0, length));
  if (length <= 0) return bytes;
  const pointer = new BigUint64Array([BigInt(koffi.address(bytes))]);
  derInto(certificate, pointer);
  return bytes;
}

/** The number of the error that `takeError` took last, 0: there was none. */
export let lastError = 0;

/** The oldest error of this thread as OpenSSL words it, "" when there is none; the queue is empty afterwards. */
export function takeError(): string {
  lastError = errGet();
  clearErrors();
  return errorText(lastError);
}

/** ERR_error_string_n(3): "error:0A000086:SSL routines::certificate verify failed"; "" for 0. */
export function errorText(error: number): string {
  if (error === 0) return "";
  const bytes = new Uint8Array(ZERO_ENDED_MAX);
  errText(error, bytes, bytes.length);
  return Buffer.from(bytes.subarray(0, bytes.indexOf(0))).toString("latin1");
}
