// The Internet checksum (RFC 1071) of a VRRP message, with and without the pseudo-header.
//
//   version 2                 over the message alone (RFC 3768 §5.3.8)
//   version 3 over IPv6       message and pseudo-header (RFC 5798 §5.2.8)
//   version 3 over IPv4       RFC 5798 is read by keepalived and FRR as "with pseudo-header", RFC 9568 §5.2.8 says "without":
//                             both are on the wire, so both are accepted and either can be sent
//
// All functions take ranges of a buffer and allocate nothing.

/** IANA's number of VRRP. */
const PROTOCOL_VRRP = 112;

/** Adds the 16-bit words of bytes[at … at + length) to `sum`; an odd last byte is the high half of a word. Not folded. */
export function sumWords(bytes: Uint8Array, at: number, length: number, sum: number): number {
  let total = sum;
  const end = at + length;
  let i = at;
  for (; i + 1 < end; i += 2) total += (bytes[i]! << 8) | bytes[i + 1]!;
  if (i < end) total += bytes[i]! << 8;
  return total;
}

/** Folds the carries of a sum (any below 2^48, so of any packet) into 16 bits and complements it: what goes on the wire. */
export function finishSum(sum: number): number {
  let folded = (sum & 0xffff) + Math.floor(sum / 0x10000);
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16);
  return ~folded & 0xffff;
}

/** The sum of the pseudo-header: source, destination (4 or 16 bytes each, from `sourceAt`, `destinationAt`), length, protocol. */
export function sumPseudoHeader(
  source: Uint8Array,
  sourceAt: number,
  destination: Uint8Array,
  destinationAt: number,
  addressBytes: number,
  messageBytes: number,
): number {
  const addresses = sumWords(destination, destinationAt, addressBytes, sumWords(source, sourceAt, addressBytes, 0));
  return addresses + messageBytes + PROTOCOL_VRRP;
}
