// The local end of a connection, for the few variables that show it (%fi, %fp, %bi, %bp and the default format). It is not kept in the
// connection's row, because hardly any format asks for it; a system call per line that does is cheaper.

import { copySockaddrAddress, SOCKADDR_BYTES_MAX, sockaddrPort } from "../../shared/abi/sockaddr.ts";
import { getsockname } from "../../shared/ffi/socket.ts";

/**
 * Writes the local address of the socket `fd` into `into`: 4 or 16 bytes of address, then (at 16) 2 bytes of port in network order.
 * Returns 4 or 16, or 0 when it has none (UNIX sockets, closed ones).
 */
export type SocketName = (fd: number, into: Uint8Array) => number;

const sockaddr = new Uint8Array(SOCKADDR_BYTES_MAX);

/** getsockname(2) as a SocketName. */
export function socketName(fd: number, into: Uint8Array): number {
  if (getsockname(fd, sockaddr) < 0) return 0;
  const length = copySockaddrAddress(sockaddr, 0, into, 0);
  if (length === 0) return 0;
  const port = sockaddrPort(sockaddr, 0);
  into[16] = port >> 8;
  into[17] = port & 255;
  return length;
}
