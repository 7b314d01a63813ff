// `auth_type AH`: the IP authentication header (RFC 2402) with HMAC-MD5-96 (RFC 2403) as keepalived writes it, of version 2 over IPv4.
//
//   IP header (protocol 51) │ next header 112 │ length 4 │ reserved │ SPI: source address │ sequence │ 12 bytes of HMAC │ VRRP message
//
// The HMAC is over all of it, with what routers change in the IP header read as 0. All who speak for a virtual router share one sequence:
// whoever sends counts on from the highest that it has heard. MD5 is what the header was defined with; who can choose takes auth_hmac.

import { createHmac, timingSafeEqual } from "node:crypto";

export const AH_BYTES = 24;
export const PROTOCOL_AH = 51;
const PROTOCOL_VRRP = 112;
/** Its length in words of 32 bits, minus 2. */
const PAYLOAD_LENGTH = 4;
const SPI = 4;
const SEQUENCE = 8;
const DIGEST = 12;
const DIGEST_BYTES = 12;
const IP_SOURCE = 12;
const IP_DESTINATION_END = 20;
/** Where a sequence begins: half seconds since 2000. After a restart or a reload it must be higher than what peers have seen. */
const EPOCH_MS = Date.UTC(2000, 0, 1);
const STEP_MS = 500;

/** `valid`, or why a packet is not to be believed. */
export type AhVerdict = "valid" | "invalid" | "replayed";

export class AuthenticationHeader {
  readonly #key: Uint8Array;
  readonly #isUnicast: boolean;
  #sent: number;
  #heard = 0;

  /** `key`: 8 bytes. */
  constructor(key: Uint8Array, isUnicast: boolean, nowMs = Date.now()) {
    this.#key = key;
    this.#isUnicast = isUnicast;
    this.#sent = Math.max(0, Math.floor((nowMs - EPOCH_MS) / STEP_MS));
  }

  /** Fills the header at `at` of a packet that is otherwise complete: IP header in front, message behind. */
  seal(packet: Uint8Array, at: number): void {
    this.#sent = Math.max(this.#sent, this.#heard) + 1;
    const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
    packet[at] = PROTOCOL_VRRP;
    packet[at + 1] = PAYLOAD_LENGTH;
    packet.set(packet.subarray(IP_SOURCE, IP_SOURCE + 4), at + SPI);
    view.setUint32(at + SEQUENCE, this.#sent);
    packet.set(this.#digest(packet, at), at + DIGEST);
  }

  /** The packet in bytes[0 … end) with its header at `at`. A valid one raises what was heard. */
  check(bytes: Uint8Array, at: number, end: number): AhVerdict {
    const packet = bytes.subarray(0, end);
    const digest = bytes.subarray(at + DIGEST, at + DIGEST + DIGEST_BYTES);
    if (!timingSafeEqual(this.#digest(packet, at), digest)) return "invalid";
    const view = new DataView(bytes.buffer, bytes.byteOffset, end);
    if (view.getUint32(at + SPI) !== view.getUint32(IP_SOURCE)) return "invalid";
    const sequence = view.getUint32(at + SEQUENCE);
    if (sequence <= this.#heard) return "replayed";
    this.#heard = sequence;
    return "valid";
  }

  #digest(packet: Uint8Array, at: number): Uint8Array {
    const header = Buffer.from(packet.subarray(0, at + AH_BYTES));
    header[1] = 0;
    header.fill(0, 6, 8);
    if (this.#isUnicast) header[8] = 0;
    header.fill(0, 10, 12);
    header.fill(0, at + DIGEST, at + DIGEST + DIGEST_BYTES);
    const hmac = createHmac("md5", this.#key)
      .update(header)
      .update(packet.subarray(at + AH_BYTES));
    return hmac.digest().subarray(0, DIGEST_BYTES);
  }
}

/** The next header of an AH at `at`, when it has the length of ours; -1: it has not. */
export function nextHeaderOf(bytes: Uint8Array, at: number): number {
  return at >= IP_DESTINATION_END && bytes[at + 1] === PAYLOAD_LENGTH ? bytes[at]! : -1;
}
