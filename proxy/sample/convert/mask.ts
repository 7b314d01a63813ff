// Masks of addresses as arguments: a number of bits (`24`) or the mask itself (`255.255.255.0`, `ffff:ffff::`).

import { readAddress } from "../../../shared/ip/address.ts";
import { textBytes } from "../value.ts";

/** The mask for addresses of 4 or 16 bytes, null: the text is none. */
export function parseMask(text: string, length: 4 | 16): Uint8Array | null {
  const mask = new Uint8Array(16);
  if (/^\d+$/.test(text)) {
    const bits = Number(text);
    if (bits > length * 8) return null;
    for (let bit = 0; bit < bits; bit++) mask[bit >> 3] = mask[bit >> 3]! | (0x80 >> (bit & 7));
    return mask.subarray(0, length);
  }
  const bytes = textBytes(text);
  return readAddress(bytes, 0, bytes.length, mask) === length ? mask.subarray(0, length) : null;
}
