// Reads what a proxy in front of us puts before the first byte of a connection: the PROXY protocol, versions 1 and 2
// (haproxy.org/download/3.2/doc/proxy-protocol.txt), and NetScaler's client IP header. Pure: bytes in, a verdict and addresses out.
// Who waits for the bytes and what a verdict leads to is proxy-protocol.ts.
//
// Stricter than HAProxy where it reads on: ports of more than 16 bits, leading zeros that make a number longer than five digits, and lines
// of more than 107 bytes are refused (the specification's own limits).

import { readAddress } from "../../shared/ip/address.ts";
import { crc32c } from "../sample/hash.ts";

/** Verdicts on a header; positive numbers are its length in bytes. The names and texts are HAProxy's error codes. */
export const HEADER_FAULT = { more: 0, truncated: -1, notHeader: -2, bad: -3, badProtocol: -4, badMagic: -5 } as const;

const MORE = HEADER_FAULT.more;
const NOT_HEADER = HEADER_FAULT.notHeader;
const BAD = HEADER_FAULT.bad;
const BAD_PROTOCOL = HEADER_FAULT.badProtocol;
const BAD_MAGIC = HEADER_FAULT.badMagic;

/** Longest version 1 line, CRLF included. */
const LINE_BYTES_MAX = 107;
const CR = 13;
const LF = 10;
const SPACE = 32;

/** `\r\n\r\n\0\r\nQUIT\n` */
export const SIGNATURE = Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10);
/** Signature, version and command, family, length. */
export const V2_HEADER_BYTES = 16;
const ADDRESSES_INET = 12;
const ADDRESSES_INET6 = 36;
const TLV_HEADER_BYTES = 3;
/** Longest values that are taken, HAProxy's: of an authority (a host name), of a unique id, of any other. */
const AUTHORITY_BYTES_MAX = 255;
const UNIQUE_ID_BYTES_MAX = 128;
const VALUE_BYTES_MAX = 1024;

/** Types of TLVs that this program knows (section 2.2 of the specification). */
export const TLV = { alpn: 1, authority: 2, crc32c: 3, noop: 4, uniqueId: 5, ssl: 0x20, netns: 0x30 } as const;

const PROXY_WORD = Uint8Array.from(Buffer.from("PROXY "));
const UNKNOWN_WORD = Uint8Array.from(Buffer.from("UNKNOWN\r\n"));

/** What a header says. One object is reused for reading; connections keep copies (ProxyHeaders). */
export class ProxyHeader {
  /** Bytes of the addresses: 4, 16; 0: there are none, the connection's own hold (LOCAL, UNKNOWN, families that we do not serve). */
  addressBytes = 0;
  readonly source = new Uint8Array(16);
  readonly destination = new Uint8Array(16);
  sourcePort = 0;
  destinationPort = 0;
  /** Range of the TLVs in the bytes that were read. */
  tlvStart = 0;
  tlvEnd = 0;

  reset(): void {
    this.addressBytes = 0;
    this.tlvStart = this.tlvEnd = 0;
  }
}

/** Reads a PROXY header at bytes[start, end): its length, `more`, or a fault. */
export function readProxyHeader(bytes: Uint8Array, start: number, end: number, header: ProxyHeader): number {
  header.reset();
  const known = Math.min(end - start, PROXY_WORD.length);
  if (matches(bytes, start, PROXY_WORD, known))
    return known < PROXY_WORD.length ? MORE : readLine(bytes, start, end, header);
  if (!matches(bytes, start, SIGNATURE, Math.min(end - start, SIGNATURE.length))) return NOT_HEADER;
  return readBinary(bytes, start, end, header);
}

function matches(bytes: Uint8Array, at: number, word: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[at + i] !== word[i]) return false;
  return true;
}

/** Version 1: `PROXY TCP4 192.0.2.1 192.0.2.2 4711 80` CR LF. */
function readLine(bytes: Uint8Array, start: number, end: number, header: ProxyHeader): number {
  const limit = Math.min(end, start + LINE_BYTES_MAX);
  let lineEnd = start + PROXY_WORD.length;
  while (lineEnd < limit && bytes[lineEnd] !== LF) lineEnd++;
  if (lineEnd === limit) return limit - start < LINE_BYTES_MAX ? MORE : BAD;
  if (bytes[lineEnd - 1] !== CR) return BAD;
  const total = lineEnd + 1 - start;
  const at = start + PROXY_WORD.length;
  if (matches(bytes, at, UNKNOWN_WORD, 7) && (bytes[at + 7] === CR || bytes[at + 7] === SPACE)) return total;
  const family = bytes[at + 3]! - 48;
  if (bytes[at] !== 84 || bytes[at + 1] !== 67 || bytes[at + 2] !== 80 || (family !== 4 && family !== 6))
    return BAD_PROTOCOL;
  if (bytes[at + 4] !== SPACE) return BAD_PROTOCOL;
  return readLineAddresses(bytes, at + 5, lineEnd - 1, family === 4 ? 4 : 16, header) ? total : BAD;
}

function readLineAddresses(
  bytes: Uint8Array,
  start: number,
  end: number,
  addressBytes: number,
  header: ProxyHeader,
): boolean {
  const sourceEnd = wordEnd(bytes, start, end);
  const destinationEnd = wordEnd(bytes, sourceEnd + 1, end);
  const portEnd = wordEnd(bytes, destinationEnd + 1, end);
  if (portEnd >= end) return false;
  if (readAddress(bytes, start, sourceEnd, header.source) !== addressBytes) return false;
  if (readAddress(bytes, sourceEnd + 1, destinationEnd, header.destination) !== addressBytes) return false;
  header.sourcePort = readPort(bytes, destinationEnd + 1, portEnd);
  header.destinationPort = readPort(bytes, portEnd + 1, end);
  if (header.sourcePort < 0 || header.destinationPort < 0) return false;
  header.addressBytes = addressBytes;
  return true;
}

function wordEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== SPACE) at++;
  return at;
}

/** A decimal port, -1: it is none. */
function readPort(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end || end - start > 5) return -1;
  let port = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return -1;
    port = port * 10 + digit;
  }
  return port <= 0xffff ? port : -1;
}

/** Version 2: binary, with a length that covers addresses and TLVs. */
function readBinary(bytes: Uint8Array, start: number, end: number, header: ProxyHeader): number {
  if (end - start > SIGNATURE.length && bytes[start + 12]! >> 4 !== 2) return NOT_HEADER;
  if (end - start < V2_HEADER_BYTES) return MORE;
  const length = (bytes[start + 14]! << 8) | bytes[start + 15]!;
  const total = V2_HEADER_BYTES + length;
  const command = bytes[start + 12]! & 15;
  if (command > 1) return BAD;
  if (end - start < total) return MORE;
  let addresses = 0;
  if (command === 1) {
    const family = bytes[start + 13]!;
    addresses = family === 0x11 ? ADDRESSES_INET : family === 0x21 ? ADDRESSES_INET6 : -1;
    // Another family (UNIX, datagrams): what follows is of a layout that is not ours to read, the real addresses hold.
    if (addresses < 0) return total;
    if (length < addresses) return BAD;
    readBinaryAddresses(bytes, start + V2_HEADER_BYTES, addresses === ADDRESSES_INET ? 4 : 16, header);
  }
  return readTlvs(bytes, start, start + V2_HEADER_BYTES + addresses, start + total, header) ? total : BAD;
}

function readBinaryAddresses(bytes: Uint8Array, at: number, addressBytes: number, header: ProxyHeader): void {
  header.addressBytes = addressBytes;
  for (let i = 0; i < addressBytes; i++) {
    header.source[i] = bytes[at + i]!;
    header.destination[i] = bytes[at + addressBytes + i]!;
  }
  const ports = at + 2 * addressBytes;
  header.sourcePort = (bytes[ports]! << 8) | bytes[ports + 1]!;
  header.destinationPort = (bytes[ports + 2]! << 8) | bytes[ports + 3]!;
}

/** Walks the TLVs: each inside the header, the known ones of legal length, the checksum right. */
function readTlvs(bytes: Uint8Array, start: number, from: number, end: number, header: ProxyHeader): boolean {
  for (let at = from; at < end; ) {
    if (at + TLV_HEADER_BYTES > end) return false;
    const type = bytes[at]!;
    const length = (bytes[at + 1]! << 8) | bytes[at + 2]!;
    const value = at + TLV_HEADER_BYTES;
    at = value + length;
    if (at > end || length > VALUE_BYTES_MAX) return false;
    if (type === TLV.authority && length > AUTHORITY_BYTES_MAX) return false;
    if (type === TLV.uniqueId && length > UNIQUE_ID_BYTES_MAX) return false;
    if (type === TLV.crc32c && !isChecksumRight(bytes, start, end, value, length)) return false;
  }
  header.tlvStart = from;
  header.tlvEnd = end;
  return true;
}

/** The checksum covers the whole header with the checksum's own bytes as zeros (section 2.2.3). They stay zeros, as in HAProxy. */
function isChecksumRight(bytes: Uint8Array, start: number, end: number, value: number, length: number): boolean {
  if (length !== 4) return false;
  const told = (bytes[value]! << 24) | (bytes[value + 1]! << 16) | (bytes[value + 2]! << 8) | bytes[value + 3]!;
  bytes.fill(0, value, value + 4);
  return (crc32c(bytes, start, end) | 0) === told;
}

const IPPROTO_TCP = 6;
const CIP_LEGACY_BYTES = 8;
const CIP_STANDARD_BYTES = 12;

/**
 * Reads a NetScaler client IP header (`accept-netscaler-cip <magic>`): a magic number, lengths, and the IP and TCP headers of the
 * client's first packet. Two layouts: the old one has them at byte 8, the newer one a type 0 there and them at byte 12.
 */
export function readNetscalerHeader(
  bytes: Uint8Array,
  start: number,
  end: number,
  magic: number,
  header: ProxyHeader,
): number {
  header.reset();
  for (let i = 0; i < 4 && start + i < end; i++)
    if (bytes[start + i] !== ((magic >>> (24 - 8 * i)) & 255)) return BAD_MAGIC;
  if (end - start < CIP_STANDARD_BYTES) return MORE;
  const isLegacy = (bytes[start + 8]! & 0xd0) === 0x40;
  if (!isLegacy && bytes[start + 8] !== 0) return BAD_PROTOCOL;
  const packet = start + (isLegacy ? CIP_LEGACY_BYTES : CIP_STANDARD_BYTES);
  const packetBytes = isLegacy ? word32(bytes, start + 4) : (bytes[start + 10]! << 8) | bytes[start + 11]!;
  if (packet >= end) return MORE;
  const version = bytes[packet]! >> 4;
  if (version !== 4 && version !== 6) return BAD_PROTOCOL;
  const headerBytes = version === 6 ? 40 : (bytes[packet]! & 15) * 4;
  if (version === 4 && headerBytes < 20) return BAD_PROTOCOL;
  // Both headers are inside the length that was told; HAProxy trusts it.
  if (packetBytes < headerBytes + 20 || packetBytes > LINE_BYTES_MAX * 4) return BAD_PROTOCOL;
  if (packet + packetBytes > end) return MORE;
  if (bytes[packet + (version === 6 ? 6 : 9)] !== IPPROTO_TCP) return BAD_PROTOCOL;
  const addressBytes = version === 6 ? 16 : 4;
  const addresses = packet + (version === 6 ? 8 : 12);
  for (let i = 0; i < addressBytes; i++) {
    header.source[i] = bytes[addresses + i]!;
    header.destination[i] = bytes[addresses + addressBytes + i]!;
  }
  const tcp = packet + headerBytes;
  header.sourcePort = (bytes[tcp]! << 8) | bytes[tcp + 1]!;
  header.destinationPort = (bytes[tcp + 2]! << 8) | bytes[tcp + 3]!;
  header.addressBytes = addressBytes;
  return packet + packetBytes - start;
}

function word32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
