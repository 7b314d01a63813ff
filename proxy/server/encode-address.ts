// A plan's address as the kernel's struct sockaddr.

import { encodeInternetAddress, encodeUnixAbstract, encodeUnixPath } from "../../shared/abi/sockaddr.ts";
import { assert } from "../../shared/assert.ts";
import { parseAddress } from "../../shared/ip/text.ts";
import type { SocketAddressPlan } from "../plan/plan.ts";

/** The sockaddr of a plan address; config/ has checked and resolved it. */
export function encodeAddress(address: SocketAddressPlan): Uint8Array {
  if (address.kind === "ipv4" || address.kind === "ipv6") {
    const bytes = parseAddress(address.host);
    assert(bytes !== null, `an address in the plan is numeric: ${address.host}`);
    return encodeInternetAddress(bytes, address.port);
  }
  const encoded =
    address.kind === "unix"
      ? encodeUnixPath(address.path)
      : address.kind === "abns"
        ? encodeUnixAbstract(address.name, address.zeroTerminated !== true)
        : null;
  assert(encoded !== null, "config/ accepts only UNIX names that fit");
  return encoded;
}
