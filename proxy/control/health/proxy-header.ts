// The PROXY header of health checks (`check-send-proxy`): version 1 names the check's own connection, version 2 says LOCAL, as HAProxy's.

import type { Socket } from "node:net";

/** Signature, version 2 and LOCAL, no family, no bytes behind. */
const LOCAL = Buffer.from("0d0a0d0a000d0a515549540a20000000", "hex");

/** What the check on `socket` sends first. */
export function proxyHeaderOf(version: 0 | 1 | 2, socket: Socket): Buffer {
  if (version === 2) return LOCAL;
  const { localAddress, localPort, remoteAddress, remotePort, remoteFamily } = socket;
  if (localAddress === undefined || remoteAddress === undefined) return Buffer.from("PROXY UNKNOWN\r\n");
  const protocol = remoteFamily === "IPv6" ? "TCP6" : "TCP4";
  return Buffer.from(`PROXY ${protocol} ${localAddress} ${remoteAddress} ${localPort} ${remotePort}\r\n`);
}
