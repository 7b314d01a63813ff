// The value of a server's cookie that is made (`cookie … dynamic`): of a key and the server's address, the same on every load balancer that has the
// same key.

import { parseAddress } from "../../shared/ip/text.ts";
import type { SocketAddressPlan } from "../plan/plan.ts";
import { textBytes } from "../sample/value.ts";
import { Words64 } from "../sample/words64.ts";
import { xxh64 } from "../sample/xxh.ts";

/** 16 hexadecimal digits; null: the address is none of IP. */
export function dynamicCookieValue(key: string, address: SocketAddressPlan): string | null {
  const host = "host" in address ? parseAddress(address.host) : null;
  if (host === null || !("port" in address)) return null;
  const { port } = address;
  const bytes = Uint8Array.from([...textBytes(key), ...host, port >>> 24, port >>> 16, port >>> 8, port]);
  const hash = new Words64();
  xxh64(bytes, 0, bytes.length, new Words64(), hash);
  return [hash.high, hash.low].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}
