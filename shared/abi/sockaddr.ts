// Socket addresses as the kernel sees them: struct sockaddr_in, sockaddr_in6 and sockaddr_un, encoded for bind and connect, decoded from
// what accept and getpeername give. IP addresses are network-order bytes here (4 or 16); their text form is shared/ip's business.
//
// The family is in host order (little-endian on every architecture we run on), port and address in network order.

//                                       offset   type   meaning
export const SOCKADDR_IN = {
  sin_family: /*                      */ 0, //    u16    AF_INET
  sin_port: /*                        */ 2, //    be16
  sin_addr: /*                        */ 4, //    u8×4
  sin_zero: /*                        */ 8, //    u8×8   zero
  sizeof: /*                          */ 16,
} as const;

export const SOCKADDR_IN6 = {
  sin6_family: /*                     */ 0, //    u16    AF_INET6
  sin6_port: /*                       */ 2, //    be16
  sin6_flowinfo: /*                   */ 4, //    be32
  sin6_addr: /*                       */ 8, //    u8×16
  sin6_scope_id: /*                   */ 24, //   u32    interface, for link-local addresses
  sizeof: /*                          */ 28,
} as const;

export const SOCKADDR_UN = {
  sun_family: /*                      */ 0, //    u16    AF_UNIX
  sun_path: /*                        */ 2, //    u8×108 NUL-terminated path; or NUL and an abstract name
  sizeof: /*                          */ 110,
} as const;

/** Room for any of them. */
export const SOCKADDR_BYTES_MAX = 112;

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SUN_PATH_BYTES = 108;

/** sockaddr_in or sockaddr_in6, by the length of `address` (4 or 16 bytes in network order). */
export function encodeInternetAddress(address: Uint8Array, port: number, scopeId = 0): Uint8Array {
  const ipv4 = address.length === 4;
  const bytes = new Uint8Array(ipv4 ? SOCKADDR_IN.sizeof : SOCKADDR_IN6.sizeof);
  const view = new DataView(bytes.buffer);
  view.setUint16(SOCKADDR_IN.sin_family, ipv4 ? AF_INET : AF_INET6, true);
  view.setUint16(SOCKADDR_IN.sin_port, port, false);
  bytes.set(address, ipv4 ? SOCKADDR_IN.sin_addr : SOCKADDR_IN6.sin6_addr);
  if (!ipv4) view.setUint32(SOCKADDR_IN6.sin6_scope_id, scopeId, true);
  return bytes;
}

/** sockaddr_un of a path in the file system; null when it is longer than the 107 bytes that fit. */
export function encodeUnixPath(path: string): Uint8Array | null {
  const encoded = Buffer.from(path);
  if (encoded.length >= SUN_PATH_BYTES) return null;
  const bytes = new Uint8Array(SOCKADDR_UN.sun_path + encoded.length + 1);
  bytes[SOCKADDR_UN.sun_family] = AF_UNIX;
  bytes.set(encoded, SOCKADDR_UN.sun_path);
  return bytes;
}

/**
 * sockaddr_un of a name in the abstract namespace; null when it is too long. HAProxy's `abns@` pads the name with NULs to
 * the full 108 bytes, and the padding is part of the name; `abnsz@` (and most other programs) end where the name ends.
 */
export function encodeUnixAbstract(name: string, padded: boolean): Uint8Array | null {
  const encoded = Buffer.from(name);
  if (encoded.length >= SUN_PATH_BYTES) return null;
  const bytes = new Uint8Array(padded ? SOCKADDR_UN.sizeof : SOCKADDR_UN.sun_path + 1 + encoded.length);
  bytes[SOCKADDR_UN.sun_family] = AF_UNIX;
  bytes.set(encoded, SOCKADDR_UN.sun_path + 1);
  return bytes;
}

/** The family of the socket address at `at`: AF_INET (2), AF_INET6 (10), AF_UNIX (1) … */
export function sockaddrFamily(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

/** The port of an IPv4 or IPv6 address at `at`; -1 for other families. */
export function sockaddrPort(bytes: Uint8Array, at: number): number {
  const family = sockaddrFamily(bytes, at);
  if (family !== AF_INET && family !== AF_INET6) return -1;
  return (bytes[at + SOCKADDR_IN.sin_port]! << 8) | bytes[at + SOCKADDR_IN.sin_port + 1]!;
}

/**
 * Copies the IP address of the socket address at `at` to `into` (from `intoAt`) and returns its length: 4, 16, or 0 for families that
 * have none. Allocates nothing, so a worker can use it per connection.
 */
export function copySockaddrAddress(bytes: Uint8Array, at: number, into: Uint8Array, intoAt: number): number {
  const family = sockaddrFamily(bytes, at);
  const length = family === AF_INET ? 4 : family === AF_INET6 ? 16 : 0;
  const from = at + (length === 4 ? SOCKADDR_IN.sin_addr : SOCKADDR_IN6.sin6_addr);
  for (let i = 0; i < length; i++) into[intoAt + i] = bytes[from + i]!;
  return length;
}

/** The path of a sockaddr_un of `length` bytes, `@name` for an abstract one, "" for an unnamed one. */
export function decodeUnixAddress(bytes: Uint8Array, length: number): string {
  const path = Buffer.from(bytes.subarray(SOCKADDR_UN.sun_path, length));
  if (path.length === 0) return "";
  if (path[0] === 0) return `@${path.toString("utf8", 1).replace(/\0+$/, "")}`;
  const end = path.indexOf(0);
  return path.toString("utf8", 0, end < 0 ? path.length : end);
}
