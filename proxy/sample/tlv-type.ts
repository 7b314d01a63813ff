// Types of TLVs of the PROXY protocol as configurations write them. Data only: config/ checks arguments with it.

/** Names of TLV types that HAProxy takes in place of numbers. */
const TLV_NAMES: Readonly<Record<string, number>> = {
  ALPN: 0x01,
  AUTHORITY: 0x02,
  CRC32C: 0x03,
  NOOP: 0x04,
  UNIQUE_ID: 0x05,
  SSL: 0x20,
  SSL_VERSION: 0x21,
  SSL_CN: 0x22,
  SSL_CIPHER: 0x23,
  SSL_SIG_ALG: 0x24,
  SSL_KEY_ALG: 0x25,
  NETNS: 0x30,
};

/** The type of a TLV as written (`0xE1`, `225`, `AUTHORITY`), -1: it is none. */
export function tlvType(text: string): number {
  const named = TLV_NAMES[text];
  if (named !== undefined) return named;
  if (!/^(0x[0-9a-f]{1,2}|\d{1,3})$/i.test(text)) return -1;
  const type = Number(text);
  return type <= 0xff ? type : -1;
}
