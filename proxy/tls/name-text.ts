// Names of certificates as text: distinguished names as RFC 2253 has them, alternative names as OpenSSL prints them ("DNS:a, IP Address:1.2.3.4").

import { formatAddress } from "../../shared/ip/text.ts";
import type { Certificate, NameEntry } from "./certificate.ts";

const SPECIAL = /[,+"\\<>;]/g;

/** `CN=x,O=y,C=FR`: last entry first, special characters escaped, what is no ASCII as hexadecimal pairs. */
export function rfc2253(entries: readonly NameEntry[]): string {
  return [...entries]
    .reverse()
    .map(({ key, value }) => `${key}=${escaped(value)}`)
    .join(",");
}

function escaped(value: Uint8Array): string {
  const text = Buffer.from(value)
    .toString("latin1")
    .replace(SPECIAL, "\\$&")
    .replace(/[^ -~]/g, (byte) => `\\${byte.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`);
  return text.replace(/^[ #]/, "\\$&").replace(/(?<=.) $/, "\\ ");
}

const KINDS: Readonly<Record<number, string>> = { 129: "email", 130: "DNS", 134: "URI" };
const IP = 0x87;

export function alternativeNamesText({ alternativeNames }: Certificate): string {
  return alternativeNames
    .map(({ tag, value }) => {
      if (tag === IP) return `IP Address:${addressText(value)}`;
      const kind = KINDS[tag];
      return kind === undefined ? "othername:<unsupported>" : `${kind}:${Buffer.from(value).toString("latin1")}`;
    })
    .join(", ");
}

/** IPv6 without its short form, as OpenSSL has it. */
function addressText(value: Uint8Array): string {
  if (value.length === 4) return formatAddress(value);
  if (value.length !== 16) return "<invalid>";
  const words = Array.from({ length: 8 }, (_, i) =>
    ((value[2 * i]! << 8) | value[2 * i + 1]!).toString(16).toUpperCase(),
  );
  return words.join(":");
}
