// IP addresses and networks as strings: for configuration, log lines of the control plane, tests. It allocates; workers use address.ts.

import { ADDRESS_TEXT_BYTES_MAX, type Network, readIpv4, readIpv6, writeIpv4, writeIpv6 } from "./address.ts";

/** `a.b.c.d` strictly as inet_pton takes it, or null. */
export function parseIpv4(text: string): Uint8Array | null {
  const bytes = Buffer.from(text, "latin1");
  const address = new Uint8Array(4);
  return readIpv4(bytes, 0, bytes.length, address, 0) ? address : null;
}

/**
 * IPv4 in all the forms of inet_aton, or null: one to four numbers, decimal, octal (`0177`) or hexadecimal (`0x7f`), the last of which
 * fills the bytes that are left (`127.1` is 127.0.0.1). HAProxy takes these wherever it takes an address.
 */
export function parseIpv4Loosely(text: string): Uint8Array | null {
  const parts = text.split(".");
  if (parts.length > 4) return null;
  const address = new Uint8Array(4);
  for (let i = 0; i < parts.length; i++) {
    const value = parseCNumber(parts[i]!);
    if (value === null) return null;
    const isLast = i === parts.length - 1;
    const bytes = isLast ? 4 - i : 1;
    if (value >= 256 ** bytes) return null;
    for (let b = 0; b < bytes; b++) address[i + b] = Math.floor(value / 256 ** (bytes - 1 - b)) % 256;
  }
  return address;
}

/** A number as C writes it, or null. */
function parseCNumber(text: string): number | null {
  if (/^0[xX][0-9a-fA-F]+$/.test(text)) return Number.parseInt(text, 16);
  if (/^0[0-7]*$/.test(text)) return Number.parseInt(text, 8);
  return /^[1-9][0-9]*$/.test(text) ? Number(text) : null;
}

/** Any form of RFC 4291 §2.2 without a zone, or null. */
export function parseIpv6(text: string): Uint8Array | null {
  const bytes = Buffer.from(text, "latin1");
  const address = new Uint8Array(16);
  return readIpv6(bytes, 0, bytes.length, address, 0) ? address : null;
}

/** IPv4 or IPv6, strictly, or null. */
export function parseAddress(text: string): Uint8Array | null {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** Text of an address of 4 or 16 bytes; IPv6 in the form of RFC 5952. */
export function formatAddress(address: Uint8Array): string {
  const text = Buffer.alloc(ADDRESS_TEXT_BYTES_MAX);
  const end = address.length === 4 ? writeIpv4(text, 0, address, 0) : writeIpv6(text, 0, address, 0);
  return text.toString("latin1", 0, end);
}

/**
 * `address[/mask]`, or null. The mask is a number of bits (without one: all of them) or, for IPv4, an address (`255.255.0.0`, also with
 * holes, as HAProxy takes it). IPv4 may be written in inet_aton's forms. The bits outside of the mask are kept as written.
 */
export function parseNetwork(text: string): Network | null {
  const slash = text.indexOf("/");
  const host = slash < 0 ? text : text.slice(0, slash);
  const mask = slash < 0 ? null : text.slice(slash + 1);
  const address = host.includes(":") ? parseIpv6(host) : parseIpv4Loosely(host);
  if (address === null) return null;
  if (mask === null) return { address, mask: new Uint8Array(address.length).fill(255) };
  if (/^[0-9]{1,3}$/.test(mask)) {
    const bits = Number(mask);
    return bits <= address.length * 8 ? { address, mask: maskOf(bits, address.length) } : null;
  }
  const written = address.length === 4 && mask.includes(".") ? parseIpv4Loosely(mask) : null;
  return written === null ? null : { address, mask: written };
}

/** A mask of `bytes` bytes whose first `bits` bits are set. */
export function maskOf(bits: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))) & 255);
}
