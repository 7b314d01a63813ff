// Session tickets that are sealed with keys of ours instead of OpenSSL's: AES-CBC and HMAC-SHA256 (RFC 5077 4), set up inside of a call of ours, in
// this thread, never to throw.

import koffi from "koffi";
import { library } from "./library.ts";
import type { ForeignCallback } from "./openssl-callbacks.ts";

const f = <T>(prototype: string): T => library.func(prototype) as T;

const ctxCallbackCtrl: (context: number, command: number, callback: unknown) => number = f(
  "long SSL_CTX_callback_ctrl(intptr_t context, int command, void *callback)",
);
type CipherInit = (cipher: number, type: number, engine: number, key: Uint8Array, iv: number) => number;
const encryptInit: CipherInit = f(
  "int EVP_EncryptInit_ex(intptr_t cipher, intptr_t type, intptr_t engine, const void *key, intptr_t iv)",
);
const decryptInit: CipherInit = f(
  "int EVP_DecryptInit_ex(intptr_t cipher, intptr_t type, intptr_t engine, const void *key, intptr_t iv)",
);
const macInit: (mac: number, key: Uint8Array, bytes: number, digest: number, engine: number) => number = f(
  "int HMAC_Init_ex(intptr_t mac, const void *key, int bytes, intptr_t digest, intptr_t engine)",
);
const aes128: () => number = f("intptr_t EVP_aes_128_cbc()");
const aes256: () => number = f("intptr_t EVP_aes_256_cbc()");
const sha256: () => number = f("intptr_t EVP_sha256()");
const randomInto: (address: number, bytes: number) => number = f("int RAND_bytes(intptr_t address, int bytes)");
const copyOut: (to: Uint8Array, from: number, bytes: number) => void = f(
  "void *memcpy(void *to, intptr_t from, size_t bytes)",
);
const copyIn: (to: number, from: Uint8Array, bytes: number) => void = f(
  "void *memcpy(intptr_t to, const void *from, size_t bytes)",
);

const CTRL_TICKET_KEY_CALLBACK = 72;
const NAME_BYTES = 16;
const IV_BYTES = 16;
/** What the function of ours answers. */
const ANSWER = { broken: -1, unknown: 0, fine: 1, renew: 2 } as const;

const TicketCallback = koffi.pointer(
  koffi.proto(
    "int ringway_ticket(intptr_t ssl, intptr_t name, intptr_t iv, intptr_t cipher, intptr_t mac, int encrypting)",
  ),
);

/** One key as a file of ticket keys has it: 48 bytes (name, AES-128, HMAC key of 16) or 80 (name, HMAC key of 32, AES-256). */
export interface TicketKey {
  readonly name: Uint8Array;
  readonly cipherKey: Uint8Array;
  readonly macKey: Uint8Array;
}

/** @param bytes 48 or 80 of them */
export function ticketKey(bytes: Uint8Array): TicketKey {
  const name = bytes.slice(0, NAME_BYTES);
  if (bytes.length === 48) return { name, cipherKey: bytes.slice(16, 32), macKey: bytes.slice(32) };
  return { name, macKey: bytes.slice(16, 48), cipherKey: bytes.slice(48) };
}

/** @param keysOf gets the connection: the keys that open tickets, and which of them seals; it lives as long as the thread */
export function ticketCallback(
  keysOf: (ssl: number) => { readonly keys: readonly TicketKey[]; readonly current: number },
): ForeignCallback {
  const [digest, small, large] = [sha256(), aes128(), aes256()];
  const name = new Uint8Array(NAME_BYTES);
  return koffi.register(
    (ssl: number, nameAt: number, iv: number, cipher: number, mac: number, encrypting: number): number => {
      const { keys, current } = keysOf(ssl);
      let index = current;
      if (encrypting === 1) {
        if (randomInto(iv, IV_BYTES) !== 1) return ANSWER.broken;
        copyIn(nameAt, keys[current]!.name, NAME_BYTES);
      } else {
        copyOut(name, nameAt, NAME_BYTES);
        index = indexOfName(keys, name);
        if (index < 0) return ANSWER.unknown;
      }
      const { cipherKey, macKey } = keys[index]!;
      const init = encrypting === 1 ? encryptInit : decryptInit;
      const isFine =
        macInit(mac, macKey, macKey.length, digest, 0) === 1 &&
        init(cipher, cipherKey.length === 16 ? small : large, 0, cipherKey, iv) === 1;
      if (!isFine) return ANSWER.broken;
      return index === current ? ANSWER.fine : ANSWER.renew;
    },
    TicketCallback,
  );
}

function indexOfName(keys: readonly TicketKey[], name: Uint8Array): number {
  for (let i = 0; i < keys.length; i++) {
    let same = 0;
    while (same < NAME_BYTES && keys[i]!.name[same] === name[same]) same++;
    if (same === NAME_BYTES) return i;
  }
  return -1;
}

export function onTicket(context: number, callback: ForeignCallback): void {
  ctxCallbackCtrl(context, CTRL_TICKET_KEY_CALLBACK, callback);
}
