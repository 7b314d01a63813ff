// Functions of ours that OpenSSL calls (openssl.ts), during handshakes and while it reads: in this thread, inside calls of ours, and never to throw.

import koffi from "koffi";
import { library } from "./library.ts";

const f = <T>(prototype: string): T => library.func(prototype) as T;

const ctxCtrl: (context: number, command: number, value: number, pointer: number) => number = f(
  "long SSL_CTX_ctrl(intptr_t context, int command, long value, intptr_t pointer)",
);
const ctxCallbackCtrl: (context: number, command: number, callback: unknown) => number = f(
  "long SSL_CTX_callback_ctrl(intptr_t context, int command, void *callback)",
);
const setAlpnSelect: (context: number, callback: unknown, argument: number) => void = f(
  "void SSL_CTX_set_alpn_select_cb(intptr_t context, void *callback, intptr_t argument)",
);
const setVerifyCallback: (context: number, mode: number, callback: unknown) => void = f(
  "void SSL_CTX_set_verify(intptr_t context, int mode, void *callback)",
);
const onNewSession: (context: number, callback: unknown) => void = f(
  "void SSL_CTX_sess_set_new_cb(intptr_t context, void *callback)",
);
const selectProtocol: (
  out: number,
  outLength: number,
  server: Uint8Array,
  serverBytes: number,
  client: number,
  clientBytes: number,
) => number = f(
  "int SSL_select_next_proto(intptr_t out, intptr_t outLength, const void *server, uint32_t serverBytes, intptr_t client, uint32_t clientBytes)",
);
const setKeylog: (context: number, callback: unknown) => void = f(
  "void SSL_CTX_set_keylog_callback(intptr_t context, void *callback)",
);
const storeError: (store: number) => number = f("int X509_STORE_CTX_get_error(intptr_t store)");
const storeErrorDepth: (store: number) => number = f("int X509_STORE_CTX_get_error_depth(intptr_t store)");
const storeCertificate: (store: number) => number = f("intptr_t X509_STORE_CTX_get0_cert(intptr_t store)");
const setHello: (context: number, callback: unknown, argument: number) => void = f(
  "void SSL_CTX_set_client_hello_cb(intptr_t context, void *callback, intptr_t argument)",
);
const helloExtension: (ssl: number, type: number, data: BigUint64Array, length: BigUint64Array) => number = f(
  "int SSL_client_hello_get0_ext(intptr_t ssl, unsigned int type, void *data, void *length)",
);
const allocate: (bytes: number, file: string, line: number) => number = f(
  "intptr_t CRYPTO_malloc(size_t bytes, const char *file, int line)",
);
const copyOut: (to: Uint8Array, from: number, bytes: number) => void = f(
  "void *memcpy(void *to, intptr_t from, size_t bytes)",
);
const sslCtrl: (ssl: number, command: number, value: number, pointer: number) => number = f(
  "long SSL_ctrl(intptr_t ssl, int command, long value, intptr_t pointer)",
);

const CTRL_STATUS = 63;
const CTRL_STATUS_RESPONSE = 71;
const CTRL_SESSION_CACHE = 44;
const CTRL_SERVER_NAME = 53;
/** SSL_SESS_CACHE_CLIENT | NO_INTERNAL: only `onSession` hears of sessions. */
const SESSION_CACHE_CLIENT = 0x1 | 0x300;

const ServerNameCallback = koffi.pointer(
  koffi.proto("int ringway_server_name(intptr_t ssl, intptr_t alert, intptr_t argument)"),
);
const AlpnCallback = koffi.pointer(
  koffi.proto(
    "int ringway_alpn(intptr_t ssl, intptr_t out, intptr_t outLength, intptr_t in, uint32_t inLength, intptr_t argument)",
  ),
);
const KeylogCallback = koffi.pointer(koffi.proto("void ringway_keylog(intptr_t ssl, const char *line)"));
const VerifyCallback = koffi.pointer(koffi.proto("int ringway_verify(int ok, intptr_t store)"));

const HelloCallback = koffi.pointer(koffi.proto("int ringway_hello(intptr_t ssl, intptr_t alert, intptr_t argument)"));
const StatusCallback = koffi.pointer(koffi.proto("int ringway_status(intptr_t ssl, intptr_t argument)"));
const SessionCallback = koffi.pointer(koffi.proto("int ringway_session(intptr_t ssl, intptr_t session)"));

/** A function of ours that OpenSSL calls, in this thread and inside calls of ours only. It lives as long as the thread. */
export type ForeignCallback = unknown;

/** Says to clients that their server name was understood: what follows from it was decided at the hello. */
export function serverNameCallback(): ForeignCallback {
  return koffi.register(() => SNI_RESULT.ok, ServerNameCallback);
}

const helloData = new BigUint64Array(1);
const helloLength = new BigUint64Array(1);
/** Longer names than 255 bytes are nobody's. */
const nameBytes = Buffer.alloc(5 + 255);
const UNRECOGNIZED_NAME = 112;

/** @param choose gets the connection and the server name that is asked for ("": none), before anything else of the hello is looked at; false: alert */
export function helloCallback(choose: (ssl: number, name: string) => boolean): ForeignCallback {
  return koffi.register((ssl: number, alert: number) => {
    if (choose(ssl, helloName(ssl))) return 1;
    koffi.encode(BigInt(alert), "int", UNRECOGNIZED_NAME);
    return 0;
  }, HelloCallback);
}

/** The first host name of the hello's extension (RFC 6066 3). */
function helloName(ssl: number): string {
  if (helloExtension(ssl, 0, helloData, helloLength) !== 1) return "";
  const there = Math.min(nameBytes.length, Number(helloLength[0]!));
  if (there < 5) return "";
  copyOut(nameBytes, Number(helloData[0]!), there);
  const length = (nameBytes[3]! << 8) | nameBytes[4]!;
  return nameBytes[2] !== 0 || length + 5 > there ? "" : nameBytes.toString("latin1", 5, 5 + length);
}

export function onHello(context: number, callback: ForeignCallback): void {
  setHello(context, callback, 0);
}

/** @param responseOf gets the connection: the OCSP response for the certificate that it shows, null: none */
export function statusCallback(responseOf: (ssl: number) => Uint8Array | null): ForeignCallback {
  return koffi.register((ssl: number) => {
    const response = responseOf(ssl);
    if (response === null) return SNI_RESULT.ignored;
    // OpenSSL frees it.
    const copy = allocate(response.length, "ringway", 0);
    if (copy === 0) return SNI_RESULT.ignored;
    new Uint8Array(koffi.view(BigInt(copy), response.length)).set(response);
    sslCtrl(ssl, CTRL_STATUS_RESPONSE, response.length, copy);
    return SNI_RESULT.ok;
  }, StatusCallback);
}

export function onStatus(context: number, callback: ForeignCallback): void {
  ctxCallbackCtrl(context, CTRL_STATUS, callback);
}

/** SSL_TLSEXT_ERR_OK, _ALERT_FATAL, _NOACK. */
export const SNI_RESULT = { ok: 0, fatal: 2, ignored: 3 } as const;

/** @param choose gets the connection: what we speak as TLS has it, in order of preference, in memory that stays until the call ends; empty: nothing */
export function alpnCallback(choose: (ssl: number) => Uint8Array): ForeignCallback {
  const negotiated = 1;
  return koffi.register((ssl: number, out: number, outLength: number, offered: number, offeredBytes: number) => {
    const protocols = choose(ssl);
    if (protocols.length === 0) return SNI_RESULT.ignored;
    const result = selectProtocol(out, outLength, protocols, protocols.length, offered, offeredBytes);
    return result === negotiated ? SNI_RESULT.ok : SNI_RESULT.ignored;
  }, AlpnCallback);
}

/** @param keep gets the session of a connection to a server that may be resumed later: a reference, to be freed with `freeSession` */
export function sessionCallback(keep: (session: number) => void): ForeignCallback {
  return koffi.register((_ssl: number, session: number) => {
    keep(session);
    return 1;
  }, SessionCallback);
}

/**
 * @param judge gets what is wrong with a certificate of the peer's chain (X509_V_ERR), its depth, and the peer's own certificate (not to be freed,
 * 0: unknown); true: it is overlooked
 */
export function verifyCallback(judge: (error: number, depth: number, certificate: number) => boolean): ForeignCallback {
  return koffi.register(
    (ok: number, store: number) =>
      ok === 1 || judge(storeError(store), storeErrorDepth(store), storeCertificate(store)) ? 1 : 0,
    VerifyCallback,
  );
}

/** @param take gets each line for those who decrypt recordings */
export function keylogCallback(take: (line: string) => void): ForeignCallback {
  return koffi.register((_ssl: number, line: string) => take(line), KeylogCallback);
}

export function onKeylog(context: number, callback: ForeignCallback): void {
  setKeylog(context, callback);
}

export function onServerName(context: number, callback: ForeignCallback): void {
  ctxCallbackCtrl(context, CTRL_SERVER_NAME, callback);
}
export function onSession(context: number, callback: ForeignCallback): void {
  ctxCtrl(context, CTRL_SESSION_CACHE, SESSION_CACHE_CLIENT, 0);
  onNewSession(context, callback);
}
export function onAlpn(context: number, callback: ForeignCallback): void {
  setAlpnSelect(context, callback, 0);
}
export function onVerify(context: number, mode: number, callback: ForeignCallback): void {
  setVerifyCallback(context, mode, callback);
}
