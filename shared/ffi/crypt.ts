// crypt(3) of libcrypt, for passwords that are kept as hashes ($1$, $5$, $6$, $2y$, yescrypt and whatever else the system knows). The one
// library that Node does not link: it is opened when a configuration first needs it, and where there is none hashes cannot be checked.
// A call is meant to be slow (milliseconds): who asks often remembers the answers.

import koffi from "koffi";

/** sizeof(struct crypt_data) of libxcrypt and, with room to spare, of the older libraries. */
const CRYPT_DATA_BYTES = 131232;

type CryptR = (key: string, setting: string, data: Uint8Array) => string | null;
let cryptR: CryptR | null | undefined;

function load(): CryptR | null {
  for (const name of ["libcrypt.so.1", "libcrypt.so.2"]) {
    try {
      return koffi.load(name).func("const char *crypt_r(const char *key, const char *setting, void *data)");
    } catch {
      // The next name.
    }
  }
  return null;
}

/** Whether there is a libcrypt. */
export function canCrypt(): boolean {
  if (cryptR === undefined) cryptR = load();
  return cryptR !== null;
}

/** What the password comes to under the setting (a hash of before); null: the system does not know that kind of hash. */
export function crypt(password: string, setting: string): string | null {
  if (!canCrypt()) return null;
  const hash = cryptR!(password, setting, new Uint8Array(CRYPT_DATA_BYTES));
  return hash === null || hash.startsWith("*") ? null : hash;
}
