// Ranges of addresses in virtual_server_group: `10.0.0.1-10`, `10.0.0.250-10.0.1.10`, `10.0.0.8/29`, and their IPv6 forms.

import type { IpAddressPlan } from "../../plan/network.ts";
import { parseInteger, parseIp, toAddress } from "../values.ts";

export interface AddressRange {
  readonly first: IpAddressPlan;
  readonly last: IpAddressPlan;
}

/** One address is a range as well; null: it is none of the forms. */
export function parseRange(text: string): AddressRange | null {
  if (text.includes("/")) return networkRange(text);
  const dash = text.indexOf("-");
  if (dash < 0) {
    const address = parseIp(text);
    return address === null ? null : { first: address, last: address };
  }
  const first = parseIp(text.slice(0, dash));
  if (first === null) return null;
  const last = lastOf(first, text.slice(dash + 1));
  return last !== null && compare(first, last) <= 0 ? { first, last } : null;
}

/** A whole address, or only what its last part is to be: decimal for IPv4, hexadecimal for IPv6. */
function lastOf(first: IpAddressPlan, text: string): IpAddressPlan | null {
  const address = parseIp(text);
  if (address !== null) return address.family === first.family ? address : null;
  const bytes = Uint8Array.from(first.bytes);
  if (first.family === 4) {
    const value = parseInteger(text, { min: 0, max: 255 });
    if (value === null) return null;
    bytes[3] = value;
  } else {
    if (!/^[0-9a-fA-F]{1,4}$/.test(text)) return null;
    const value = Number.parseInt(text, 16);
    bytes[14] = value >> 8;
    bytes[15] = value & 255;
  }
  return toAddress(bytes);
}

function networkRange(text: string): AddressRange | null {
  const [host, mask, more] = text.split("/");
  const address = parseIp(host!);
  if (address === null || more !== undefined) return null;
  const bits = parseInteger(mask!, { min: 0, max: address.bytes.length * 8 });
  if (bits === null) return null;
  const first = Uint8Array.from(address.bytes, (byte, i) => byte & maskByte(bits, i));
  const last = Uint8Array.from(address.bytes, (byte, i) => byte | (~maskByte(bits, i) & 255));
  return { first: toAddress(first), last: toAddress(last) };
}

function maskByte(bits: number, index: number): number {
  return (0xff00 >> Math.min(8, Math.max(0, bits - 8 * index))) & 255;
}

function compare(a: IpAddressPlan, b: IpAddressPlan): number {
  return Buffer.compare(a.bytes, b.bytes);
}
