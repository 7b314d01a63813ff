// The static table of HPACK (RFC 7541 appendix A), as bytes: name and value by index for the decoder, the index of a name for the encoder.

import { latin1 } from "../../../shared/latin1.ts";

/** Index 1 is the first. */
const ENTRIES: readonly (readonly [string, string])[] = [
  [":authority", ""],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  [":status", "200"],
  [":status", "204"],
  [":status", "206"],
  [":status", "304"],
  [":status", "400"],
  [":status", "404"],
  [":status", "500"],
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
  ["accept-language", ""],
  ["accept-ranges", ""],
  ["accept", ""],
  ["access-control-allow-origin", ""],
  ["age", ""],
  ["allow", ""],
  ["authorization", ""],
  ["cache-control", ""],
  ["content-disposition", ""],
  ["content-encoding", ""],
  ["content-language", ""],
  ["content-length", ""],
  ["content-location", ""],
  ["content-range", ""],
  ["content-type", ""],
  ["cookie", ""],
  ["date", ""],
  ["etag", ""],
  ["expect", ""],
  ["expires", ""],
  ["from", ""],
  ["host", ""],
  ["if-match", ""],
  ["if-modified-since", ""],
  ["if-none-match", ""],
  ["if-range", ""],
  ["if-unmodified-since", ""],
  ["last-modified", ""],
  ["link", ""],
  ["location", ""],
  ["max-forwards", ""],
  ["proxy-authenticate", ""],
  ["proxy-authorization", ""],
  ["range", ""],
  ["referer", ""],
  ["refresh", ""],
  ["retry-after", ""],
  ["server", ""],
  ["set-cookie", ""],
  ["strict-transport-security", ""],
  ["transfer-encoding", ""],
  ["user-agent", ""],
  ["vary", ""],
  ["via", ""],
  ["www-authenticate", ""],
];

export const STATIC_COUNT = ENTRIES.length;
export const STATIC_NAMES: readonly Uint8Array[] = [latin1(""), ...ENTRIES.map(([name]) => latin1(name))];
export const STATIC_VALUES: readonly Uint8Array[] = [latin1(""), ...ENTRIES.map(([, value]) => latin1(value))];

/** Indices that the encoder writes. */
export const STATIC = {
  authority: 1,
  methodGet: 2,
  methodPost: 3,
  path: 4,
  schemeHttp: 6,
  schemeHttps: 7,
  status: 8,
} as const;
/** Index of a status of its own, 0: it has none. */
export const STATUS_INDEX = new Uint8Array(1000);
for (let index = 8; index <= 14; index++) STATUS_INDEX[Number(ENTRIES[index - 1]![1])] = index;

const SLOTS = 256;
/** Index of the first entry with a name, by a hash of it; entries with the same hash follow each other in `NEXT`. */
const FIRST = new Uint8Array(SLOTS);
const NEXT = new Uint8Array(STATIC_COUNT + 1);

const hashOf = (length: number, first: number, last: number): number =>
  (length * 29 + first * 5 + last * 11) & (SLOTS - 1);

for (let index = STATIC_COUNT; index >= 1; index--) {
  const name = STATIC_NAMES[index]!;
  // Pseudo-headers are written by their own rules; of equal names the first index is the one.
  if (name[0] === 58) continue;
  const slot = hashOf(name.length, name[0]!, name[name.length - 1]!);
  NEXT[index] = FIRST[slot]!;
  FIRST[slot] = index;
}

/** The index of the (lower-case) name bytes[start, end), 0: it is not in the table. */
export function staticNameIndex(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return 0;
  for (let index = FIRST[hashOf(length, bytes[start]!, bytes[end - 1]!)]!; index !== 0; index = NEXT[index]!) {
    const name = STATIC_NAMES[index]!;
    if (name.length !== length) continue;
    let at = 0;
    while (at < length && name[at] === bytes[start + at]) at++;
    if (at === length) return index;
  }
  return 0;
}
