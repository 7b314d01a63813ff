// Names and addresses of the plan as the bytes that log lines copy.

import { parseAddress } from "../../shared/ip/text.ts";
import type { SocketAddressPlan } from "../plan/plan.ts";

/** A name of the configuration in UTF-8. */
export function textBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A network address as bytes; `length` is 4, 16, or 0 for what has none (UNIX sockets). */
export interface AddressBytes {
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly port: number;
}

export function addressBytes(address: SocketAddressPlan): AddressBytes {
  const bytes = address.kind === "ipv4" || address.kind === "ipv6" ? parseAddress(address.host) : null;
  if (bytes === null) return { bytes: new Uint8Array(0), length: 0, port: 0 };
  return { bytes, length: bytes.length, port: "port" in address ? address.port : 0 };
}
