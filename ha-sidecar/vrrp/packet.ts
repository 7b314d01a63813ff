// VRRP messages on the wire: version 2 (RFC 3768) and version 3 (RFC 5798, RFC 9568), over IPv4 and IPv6.
//
//    0               1               2               3
//   +-------+-------+---------------+---------------+---------------+
//   |version| type 1| virtual rtr id|   priority    | address count |
//   +-------+-------+---------------+---------------+---------------+
//   | v2: auth type | v2: interval s|           checksum            |    v3: 4 bits reserved, 12 bits interval in centiseconds
//   +---------------+---------------+-------------------------------+
//   |  count addresses of 4 or 16 bytes …                           |
//   +---------------------------------------------------------------+
//   |  v2: 8 bytes of authentication data, zeros when there is none |
//   +---------------------------------------------------------------+
//
// Receiving: `readPacket4` (an IP packet from a raw socket) or `setPacket6` fill one reused `Packet`, `checkPacket` judges it. Nothing
// is allocated, nothing throws whatever the bytes are, and a rejected packet has changed nothing but the `Packet`. What the fields mean
// for an election is instance.ts's business. Sending: `AdvertWriter`.
//
// What stands in front (authentication-header.ts) and behind (advert-hmac.ts) is only given its place here.

import { assert } from "../../shared/assert.ts";
import { type AdvertHmac, TRAILER_BYTES } from "./advert-hmac.ts";
import { AH_BYTES, type AuthenticationHeader, nextHeaderOf, PROTOCOL_AH } from "./authentication-header.ts";
import { finishSum, sumPseudoHeader, sumWords } from "./checksum.ts";
import { REJECTION, type Rejection } from "./rejection.ts";

const VERSION_TYPE = 0;
const VIRTUAL_ROUTER_ID = 1;
const PRIORITY = 2;
const COUNT = 3;
const AUTH_TYPE = 4;
const INTERVAL = 5;
const CHECKSUM = 6;
const ADDRESSES = 8;
const AUTH_BYTES = 8;

const TYPE_ADVERTISEMENT = 1;
const AUTH_NONE = 0;
const AUTH_PASS = 1;
const AUTH_AH = 2;

/** Multicast adverts carry exactly this TTL (hop limit), so that no router can have forwarded them (RFC 9568 §5.1.1.3). */
const TTL_VRRP = 255;

/** The longest message: 255 IPv6 addresses. */
export const MESSAGE_BYTES_MAX = ADDRESSES + 255 * 16 + AUTH_BYTES + TRAILER_BYTES;
/** IANA's number. */
export const PROTOCOL_VRRP = 112;

/** One received message. Reused: `bytes` is the receive buffer, valid until the next receive. */
export class Packet {
  bytes: Uint8Array;
  /** Where the VRRP message begins and how long IP says it is. */
  at = 0;
  length = 0;
  /** Where an authentication header begins, -1: there is none. */
  authenticationHeaderAt = -1;
  family: 4 | 6 = 4;
  /** TTL or hop limit. */
  ttl = 0;
  /** The first 4 or 16 bytes count. */
  readonly source = new Uint8Array(16);
  readonly destination = new Uint8Array(16);
  isMulticast = false;
  /** Index of the interface it came in through; 0: unknown. */
  interfaceIndex = 0;

  // What `checkPacket` read. Meaningful when the message has at least its 8 fixed bytes.
  version = 0;
  virtualRouterId = 0;
  priority = 0;
  count = 0;
  /** Of the sender; of version 2 whole seconds. */
  intervalMs = 0;
  /** Version 3 over IPv4: which of the two checksums fitted. */
  hasPseudoHeader = false;
  /** Its pseudo-header held the multicast group although it was sent to a peer (keepalived ≤ 1.3.6). */
  hasOldUnicastChecksum = false;
  /** The list of addresses is not the expected one. Only a warning, unless the expectation is strict. */
  hasOtherAddresses = false;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Bytes of an IP address of its family. */
  get addressBytes(): 4 | 16 {
    return this.family === 4 ? 4 : 16;
  }
}

/** What an instance accepts. Built once per instance from the plan. */
export interface Expectation {
  readonly version: 2 | 3;
  readonly virtualRouterId: number;
  /** Version 2: PASS data of 8 bytes; null: no authentication. */
  readonly password: Uint8Array | null;
  readonly authenticationHeader: AuthenticationHeader | null;
  readonly hmac: AdvertHmac | null;
  /** Version 2: must be equal. */
  readonly intervalMs: number;
  readonly mode: "multicast" | "unicast";
  /** In the order of the configuration, concatenated network bytes. */
  readonly addresses: Uint8Array;
  /** Other addresses are a rejection instead of a warning. */
  readonly strictAddresses: boolean;
  /** Unicast: only these senders are believed, with a TTL within bounds; null: everybody. */
  readonly peers: readonly ExpectedPeer[] | null;
  /** The group, for old unicast checksums; null: such checksums are wrong. */
  readonly oldUnicastGroup: Uint8Array | null;
}

export interface ExpectedPeer {
  readonly address: Uint8Array;
  readonly minTtl: number;
  readonly maxTtl: number;
}

/**
 * Takes bytes[0 … length) as an IPv4 packet of a raw socket. False: not even an IP header, or its lengths lie; the packet is then to be
 * forgotten. Options (IHL above 5) are skipped.
 */
export function readPacket4(packet: Packet, length: number): boolean {
  const bytes = packet.bytes;
  if (length < 20 || bytes[0]! >> 4 !== 4) return false;
  const headerBytes = (bytes[0]! & 15) * 4;
  const totalBytes = (bytes[2]! << 8) | bytes[3]!;
  if (headerBytes < 20 || totalBytes < headerBytes || totalBytes > length) return false;
  packet.family = 4;
  packet.at = headerBytes;
  packet.length = totalBytes - headerBytes;
  packet.authenticationHeaderAt = -1;
  if (bytes[9] === PROTOCOL_AH) {
    if (packet.length < AH_BYTES || nextHeaderOf(bytes, headerBytes) !== PROTOCOL_VRRP) return false;
    packet.authenticationHeaderAt = headerBytes;
    packet.at += AH_BYTES;
    packet.length -= AH_BYTES;
  }
  packet.ttl = bytes[8]!;
  for (let i = 0; i < 4; i++) {
    packet.source[i] = bytes[12 + i]!;
    packet.destination[i] = bytes[16 + i]!;
  }
  packet.isMulticast = bytes[16]! >> 4 === 14;
  return true;
}

/** Takes bytes[0 … length) as the payload that a raw IPv6 socket gave; addresses and hop limit came beside it (control messages). */
export function setPacket6(packet: Packet, length: number, hopLimit: number): void {
  packet.family = 6;
  packet.at = 0;
  packet.authenticationHeaderAt = -1;
  packet.length = length;
  packet.ttl = hopLimit;
  packet.isMulticast = packet.destination[0] === 0xff;
}

/** The virtual router that a packet speaks of, for demultiplexing; -1: it is too short to speak of one. */
export function packetVirtualRouterId(packet: Packet): number {
  return packet.length < ADDRESSES ? -1 : packet.bytes[packet.at + VIRTUAL_ROUTER_ID]!;
}

/** Reads the fields and applies every rule. What is not ACCEPTED must not touch any state or timer. */
export function checkPacket(packet: Packet, expected: Expectation): Rejection {
  const { bytes, at, length } = packet;
  if (length < ADDRESSES) return REJECTION.TRUNCATED;
  packet.version = bytes[at + VERSION_TYPE]! >> 4;
  packet.virtualRouterId = bytes[at + VIRTUAL_ROUTER_ID]!;
  packet.priority = bytes[at + PRIORITY]!;
  packet.count = bytes[at + COUNT]!;
  if (packet.virtualRouterId !== expected.virtualRouterId) return REJECTION.NOT_OURS;
  if (packet.version !== expected.version) return REJECTION.VERSION;
  if (packet.authenticationHeaderAt >= 0 !== (expected.authenticationHeader !== null)) return REJECTION.AUTH_MISMATCH;
  const plain = ADDRESSES + packet.count * packet.addressBytes + (packet.version === 2 ? AUTH_BYTES : 0);
  const isSigned = expected.hmac !== null && length === plain + TRAILER_BYTES;
  if (length !== plain && !isSigned) return REJECTION.LENGTH;
  if (packet.isMulticast && packet.ttl !== TTL_VRRP) return REJECTION.TTL;
  const ofSender = checkSender(packet, expected, isSigned);
  if (ofSender !== REJECTION.ACCEPTED) return ofSender;
  // Over IPv6 the kernel's checksum covers the trailer too.
  if (packet.family === 4) packet.length = plain;
  const ofVersion = packet.version === 2 ? checkVersion2(packet, expected) : checkVersion3(packet);
  if (ofVersion !== REJECTION.ACCEPTED) return ofVersion;
  if ((bytes[at + VERSION_TYPE]! & 15) !== TYPE_ADVERTISEMENT) return REJECTION.TYPE;
  if (!isChecksumRight(packet, expected)) return REJECTION.CHECKSUM;
  if (packet.isMulticast !== (expected.mode === "multicast")) return REJECTION.MODE;
  const ofAddresses = checkAddresses(packet, expected);
  if (ofAddresses !== REJECTION.ACCEPTED) return ofAddresses;
  return expected.peers === null || packet.isMulticast ? REJECTION.ACCEPTED : checkPeer(packet, expected.peers);
}

/** Signatures: the authentication header, the trailer. */
function checkSender(packet: Packet, expected: Expectation, isSigned: boolean): Rejection {
  const { bytes, at, length, authenticationHeaderAt } = packet;
  const verdict = expected.authenticationHeader?.check(bytes, authenticationHeaderAt, at + length) ?? "valid";
  if (verdict !== "valid") return verdict === "invalid" ? REJECTION.AH_INVALID : REJECTION.AH_REPLAYED;
  if (expected.hmac === null) return REJECTION.ACCEPTED;
  if (isSigned) return expected.hmac.check(bytes, at, length, packet.source);
  return expected.hmac.plan.mode === "enforce" ? REJECTION.HMAC_MISSING : REJECTION.ACCEPTED;
}

function checkVersion2(packet: Packet, expected: Expectation): Rejection {
  const { bytes, at } = packet;
  packet.intervalMs = bytes[at + INTERVAL]! * 1000;
  const type = bytes[at + AUTH_TYPE]!;
  if (type > AUTH_AH) return REJECTION.AUTH_TYPE;
  const wanted = expected.authenticationHeader !== null ? AUTH_AH : expected.password !== null ? AUTH_PASS : AUTH_NONE;
  if (type !== wanted) return REJECTION.AUTH_MISMATCH;
  if (expected.password !== null) {
    // Every byte is looked at, so that the time taken does not tell how many were right.
    const passwordAt = at + packet.length - AUTH_BYTES;
    let difference = 0;
    for (let i = 0; i < AUTH_BYTES; i++) difference |= bytes[passwordAt + i]! ^ expected.password[i]!;
    if (difference !== 0) return REJECTION.PASSWORD;
  }
  return packet.intervalMs === expected.intervalMs ? REJECTION.ACCEPTED : REJECTION.INTERVAL_MISMATCH;
}

/** The four reserved bits are ignored on reception (RFC 9568 §5.2.6); an interval of 0 would be an election without end (erratum 8301). */
function checkVersion3(packet: Packet): Rejection {
  const { bytes, at } = packet;
  packet.intervalMs = (((bytes[at + AUTH_TYPE]! & 15) << 8) | bytes[at + INTERVAL]!) * 10;
  return packet.intervalMs === 0 ? REJECTION.INTERVAL_ZERO : REJECTION.ACCEPTED;
}

function isChecksumRight(packet: Packet, expected: Expectation): boolean {
  const { bytes, at, length, source, destination } = packet;
  const message = sumWords(bytes, at, length, 0);
  packet.hasPseudoHeader = false;
  packet.hasOldUnicastChecksum = false;
  if (packet.family === 4 && finishSum(message) === 0) return true;
  if (packet.version === 2) return false;
  packet.hasPseudoHeader = true;
  const pseudo = sumPseudoHeader(source, 0, destination, 0, packet.addressBytes, length);
  if (finishSum(message + pseudo) === 0) return true;
  if (packet.isMulticast || packet.family === 6 || expected.oldUnicastGroup === null) return false;
  packet.hasOldUnicastChecksum = true;
  return finishSum(message + sumPseudoHeader(source, 0, expected.oldUnicastGroup, 0, 4, length)) === 0;
}

/** Every one of our addresses must be in the packet, and no other; the order does not matter, as in keepalived. */
function checkAddresses(packet: Packet, expected: Expectation): Rejection {
  const size = packet.addressBytes;
  const ours = expected.addresses;
  packet.hasOtherAddresses = packet.count * size !== ours.length;
  if (packet.hasOtherAddresses) return expected.strictAddresses ? REJECTION.COUNT : REJECTION.ACCEPTED;
  for (let from = 0; from < ours.length && !packet.hasOtherAddresses; from += size) {
    packet.hasOtherAddresses = !hasAddress(packet, ours, from, from / size);
  }
  return packet.hasOtherAddresses && expected.strictAddresses ? REJECTION.ADDRESSES : REJECTION.ACCEPTED;
}

/** Looks at the place where the address is expected first: with equal configurations one comparison answers. */
function hasAddress(packet: Packet, address: Uint8Array, from: number, place: number): boolean {
  const first = packet.at + ADDRESSES;
  const size = packet.addressBytes;
  if (equalRanges(packet.bytes, first + place * size, address, from, size)) return true;
  for (let i = 0; i < packet.count; i++) {
    if (equalRanges(packet.bytes, first + i * size, address, from, size)) return true;
  }
  return false;
}

function checkPeer(packet: Packet, peers: readonly ExpectedPeer[]): Rejection {
  for (let i = 0; i < peers.length; i++) {
    const peer = peers[i]!;
    if (
      peer.address.length === packet.addressBytes &&
      equalRanges(packet.source, 0, peer.address, 0, packet.addressBytes)
    ) {
      return packet.ttl < peer.minTtl || packet.ttl > peer.maxTtl ? REJECTION.PEER_TTL : REJECTION.ACCEPTED;
    }
  }
  return REJECTION.PEER;
}

function equalRanges(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[aAt + i] !== b[bAt + i]) return false;
  return true;
}

/** Negative, 0 or positive: `a` is below, equal to or above `b`, as unsigned numbers in network order (RFC 9568 §6.4.3's tie-break). */
export function compareAddresses(a: Uint8Array, b: Uint8Array, length: number): number {
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

export interface AdvertOptions {
  readonly version: 2 | 3;
  readonly family: 4 | 6;
  readonly virtualRouterId: number;
  /** Whole seconds with version 2, up to 255; 10 … 40950 with version 3. */
  readonly intervalMs: number;
  /** Concatenated network bytes. */
  readonly addresses: Uint8Array;
  /** Version 2, 8 bytes; null: none. */
  readonly password: Uint8Array | null;
  /** Version 2: an authentication header goes in front. */
  readonly isAh: boolean;
  /** Signs every advert; null: nobody does. */
  readonly hmac: AdvertHmac | null;
  /** Version 3 over IPv4: RFC 5798's checksum (true) or RFC 9568's. */
  readonly withPseudoHeader: boolean;
}

/** Writes an instance's adverts. The message stands ready in `message`; per send only priority and checksum change. */
export class AdvertWriter {
  readonly message: Uint8Array;
  readonly #options: AdvertOptions;
  /** What the checksum covers: all of it, over IPv4 without the trailer. */
  readonly #checkedBytes: number;

  constructor(options: AdvertOptions) {
    const { version, family, addresses, password, isAh, hmac } = options;
    const size = family === 4 ? 4 : 16;
    assert(addresses.length % size === 0, "addresses are of the instance's family");
    assert(addresses.length / size <= 255, "a message counts its addresses in a byte");
    assert(
      password === null || (version === 2 && password.length === AUTH_BYTES),
      "a password is 8 bytes of version 2",
    );
    assert(version === 3 || family === 4, "version 2 is IPv4 only");
    this.#options = options;
    const plain = ADDRESSES + addresses.length + (version === 2 ? AUTH_BYTES : 0);
    const message = new Uint8Array(plain + (hmac?.trailerBytes ?? 0));
    this.#checkedBytes = family === 4 ? plain : message.length;
    message[VERSION_TYPE] = (version << 4) | TYPE_ADVERTISEMENT;
    message[VIRTUAL_ROUTER_ID] = options.virtualRouterId;
    message[COUNT] = addresses.length / size;
    if (version === 2) {
      message[AUTH_TYPE] = isAh ? AUTH_AH : password === null ? AUTH_NONE : AUTH_PASS;
      message[INTERVAL] = Math.round(options.intervalMs / 1000);
      message.set(password ?? [], plain - AUTH_BYTES);
    } else {
      const centiseconds = Math.round(options.intervalMs / 10);
      assert(centiseconds > 0 && centiseconds < 4096, "an interval has twelve bits");
      message[AUTH_TYPE] = centiseconds >> 8;
      message[INTERVAL] = centiseconds;
    }
    message.set(addresses, ADDRESSES);
    this.message = message;
  }

  /**
   * Sets priority, trailer and checksum for a packet from `source` to `destination` (4 or 16 bytes, what the pseudo-header shall hold).
   * The result is `message`, valid until the next call.
   */
  write(priority: number, source: Uint8Array, destination: Uint8Array): Uint8Array {
    const message = this.message;
    const { version, family, withPseudoHeader, hmac } = this.#options;
    message[PRIORITY] = priority;
    if (hmac !== null && hmac.trailerBytes > 0) hmac.sign(message, source);
    message[CHECKSUM] = 0;
    message[CHECKSUM + 1] = 0;
    const length = this.#checkedBytes;
    let sum = sumWords(message, 0, length, 0);
    if (version === 3 && (family === 6 || withPseudoHeader)) {
      sum += sumPseudoHeader(source, 0, destination, 0, family === 4 ? 4 : 16, length);
    }
    const checksum = finishSum(sum);
    message[CHECKSUM] = checksum >> 8;
    message[CHECKSUM + 1] = checksum;
    return message;
  }
}
