// Sessions of a TLS server that stand in a memory of ours: OpenSSL hands out its encoding of each new one, asks for it by its identifier when a
// client comes back, and says when it must not be used again. All inside of calls of ours, in this thread, never to throw.

import koffi from "koffi";
import { library } from "./library.ts";
import { OPTION, TLS_VERSION } from "./openssl.ts";
import type { ForeignCallback } from "./openssl-callbacks.ts";

const f = <T>(prototype: string): T => library.func(prototype) as T;

const ctxCtrl: (context: number, command: number, value: number, pointer: number) => number = f(
  "long SSL_CTX_ctrl(intptr_t context, int command, long value, intptr_t pointer)",
);
const setTimeoutOf: (context: number, seconds: number) => number = f(
  "long SSL_CTX_set_timeout(intptr_t context, long seconds)",
);
const setNew: (context: number, callback: unknown) => void = f(
  "void SSL_CTX_sess_set_new_cb(intptr_t context, void *callback)",
);
const setGet: (context: number, callback: unknown) => void = f(
  "void SSL_CTX_sess_set_get_cb(intptr_t context, void *callback)",
);
const setRemove: (context: number, callback: unknown) => void = f(
  "void SSL_CTX_sess_set_remove_cb(intptr_t context, void *callback)",
);
const optionsOf: (ssl: number) => number = f("uint64_t SSL_get_options(intptr_t ssl)");
const versionOf: (ssl: number) => number = f("int SSL_version(intptr_t ssl)");
const idOf: (session: number, length: Uint32Array) => number = f(
  "intptr_t SSL_SESSION_get_id(intptr_t session, void *length)",
);
const measure: (session: number, out: null) => number = f("int i2d_SSL_SESSION(intptr_t session, void *out)");
const encode: (session: number, out: BigUint64Array) => number = f("int i2d_SSL_SESSION(intptr_t session, void *out)");
const decode: (session: number, from: BigUint64Array, bytes: number) => number = f(
  "intptr_t d2i_SSL_SESSION(intptr_t session, void *from, long bytes)",
);
const copyOut: (to: Uint8Array, from: number, bytes: number) => void = f(
  "void *memcpy(void *to, intptr_t from, size_t bytes)",
);
const clearErrors: () => void = f("void ERR_clear_error()");

const CTRL_SESSION_CACHE = 44;
/** SSL_SESS_CACHE_SERVER | NO_AUTO_CLEAR | NO_INTERNAL: only the functions below keep sessions. */
const SERVER_OUTSIDE = 0x2 | 0x80 | 0x300;
const ID_BYTES_MAX = 32;

const NewCallback = koffi.pointer(koffi.proto("int ringway_new_session(intptr_t ssl, intptr_t session)"));
const GetCallback = koffi.pointer(
  koffi.proto("intptr_t ringway_get_session(intptr_t ssl, intptr_t id, int length, intptr_t copy)"),
);
const RemoveCallback = koffi.pointer(koffi.proto("void ringway_remove_session(intptr_t context, intptr_t session)"));

/** Where sessions are kept: what `id` and `session` point at is only good during the call. */
export interface SessionStore {
  put(id: Uint8Array, session: Uint8Array): void;
  /** Copies the session of the identifier to `to`: its length, 0: there is none. */
  get(id: Uint8Array, to: Uint8Array): number;
  remove(id: Uint8Array): void;
}

/** One each for all contexts of the thread; they live as long as it. */
export interface SessionCallbacks {
  readonly created: ForeignCallback;
  readonly wanted: ForeignCallback;
  readonly removed: ForeignCallback;
}

/** @param bytesMax of an encoded session; larger ones are not kept */
export function sessionCallbacks(store: SessionStore, bytesMax: number): SessionCallbacks {
  // Both are ours for as long as the thread lives; OpenSSL moves the pointer, never the bytes.
  const scratch = new Uint8Array(bytesMax);
  const pointer = new BigUint64Array(1);
  const scratchAddress = BigInt(koffi.address(scratch));
  const idBytes = new Uint8Array(ID_BYTES_MAX);
  const idLength = new Uint32Array(1);
  const readId = (address: number, length: number): Uint8Array => {
    const there = Math.min(length, ID_BYTES_MAX);
    copyOut(idBytes, address, there);
    return idBytes.subarray(0, there);
  };
  return {
    created: koffi.register((ssl: number, session: number) => {
      // A ticket of TLS 1.3 holds the session itself.
      const hasTicket = versionOf(ssl) === TLS_VERSION["TLSv1.3"] && (optionsOf(ssl) & OPTION.noTicket) === 0;
      const length = hasTicket ? 0 : measure(session, null);
      if (length <= 0 || length > bytesMax) return 0;
      pointer[0] = scratchAddress;
      encode(session, pointer);
      const id = idOf(session, idLength);
      store.put(readId(id, idLength[0]!), scratch.subarray(0, length));
      scratch.fill(0, 0, length);
      // The reference stays OpenSSL's.
      return 0;
    }, NewCallback),
    wanted: koffi.register((_ssl: number, id: number, idBytesThere: number, copy: number) => {
      koffi.encode(BigInt(copy), "int", 0);
      const length = store.get(readId(id, idBytesThere), scratch);
      if (length === 0) return 0;
      pointer[0] = scratchAddress;
      const session = decode(0, pointer, length);
      scratch.fill(0, 0, length);
      if (session === 0) clearErrors();
      return session;
    }, GetCallback),
    removed: koffi.register((_context: number, session: number) => {
      const id = idOf(session, idLength);
      store.remove(readId(id, idLength[0]!));
    }, RemoveCallback),
  };
}

/** @param seconds how long a session, or a ticket, may be resumed */
export function keepSessions(context: number, functions: SessionCallbacks, seconds: number): void {
  ctxCtrl(context, CTRL_SESSION_CACHE, SERVER_OUTSIDE, 0);
  setNew(context, functions.created);
  setGet(context, functions.wanted);
  setRemove(context, functions.removed);
  setTimeoutOf(context, seconds);
}

/** Without a memory of sessions. */
export function limitTickets(context: number, seconds: number): void {
  setTimeoutOf(context, seconds);
}
