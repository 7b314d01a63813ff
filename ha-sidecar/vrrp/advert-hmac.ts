// `auth_hmac` (keepalived 2.4, draft-cassen-vrrp-auth-hmac): a trailer behind an advert that signs it and says when it was sent.
//
//    0               1               2               3
//   +---------------+---------------+-------------------------------+
//   | type 1        | key's number  | reserved: 0                   |
//   +---------------+---------------+-------------------------------+
//   | seconds since 1970                                            |
//   +-------------------------------+-------------------------------+
//   | 1/65536 of a second           | counter                       |
//   +-------------------------------+-------------------------------+
//   | HMAC-SHA256, the first 16 bytes                               |
//   +---------------------------------------------------------------+
//
// Signed are family, version, virtual router and source address (20 bytes), the message with its checksum read as 0, and the trailer with
// its HMAC read as 0. Seconds, fraction and counter together are a sequence number of 64 bits that never falls; per sender it must grow.

import { createHmac, timingSafeEqual } from "node:crypto";
import type { HmacPlan } from "../plan/vrrp.ts";
import { REJECTION, type Rejection } from "./rejection.ts";

export const TRAILER_BYTES = 28;
const TYPE_SHA256 = 1;
const KEY = 1;
const RESERVED = 2;
const SEQUENCE = 4;
const DIGEST = 12;
const DIGEST_BYTES = 16;
const CHECKSUM = 6;
const PSEUDO_BYTES = 20;
/** Senders by multicast whose sequence is remembered: more than one at a time is a contention already. */
const SENDERS_MIN = 4;

/** Who signs what: bound into every HMAC. */
export interface SignedRouter {
  readonly family: 4 | 6;
  readonly version: 2 | 3;
  readonly virtualRouterId: number;
}

interface Sender {
  readonly address: string;
  sequence: bigint;
}

export class AdvertHmac {
  readonly plan: HmacPlan;
  readonly #router: SignedRouter;
  readonly #senders: Sender[] = [];
  readonly #sendersMax: number;
  readonly #now: () => number;
  readonly #windowS: number;
  #sent = 0n;

  /** `now`: milliseconds since 1970. */
  constructor(plan: HmacPlan, router: SignedRouter, peers: number, now: () => number = Date.now) {
    this.plan = plan;
    this.#router = router;
    this.#sendersMax = Math.max(SENDERS_MIN, peers);
    this.#now = now;
    this.#windowS = Math.floor(plan.timeWindowMs / 1000);
  }

  /** Bytes that adverts of ours are longer by. */
  get trailerBytes(): number {
    return this.plan.mode === "receive-only" ? 0 : TRAILER_BYTES;
  }

  /** Fills the last TRAILER_BYTES of an advert. */
  sign(message: Uint8Array, source: Uint8Array): void {
    const { id, secret } = this.plan.keys[this.plan.activeKey]!;
    const at = message.length - TRAILER_BYTES;
    const view = new DataView(message.buffer, message.byteOffset, message.length);
    message[at] = TYPE_SHA256;
    message[at + KEY] = id;
    view.setUint16(at + RESERVED, 0);
    view.setBigUint64(at + SEQUENCE, this.#nextSequence());
    message.set(this.#digest(secret, message, 0, message.length, source), at + DIGEST);
  }

  /** The message with its trailer, in bytes[at … at + length). Accepted, it counts as seen. */
  check(bytes: Uint8Array, at: number, length: number, source: Uint8Array): Rejection {
    const trailer = at + length - TRAILER_BYTES;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (bytes[trailer] !== TYPE_SHA256 || view.getUint16(trailer + RESERVED) !== 0) return REJECTION.HMAC_MALFORMED;
    const sequence = view.getBigUint64(trailer + SEQUENCE);
    // First, because it costs nothing: it only rejects, and nothing is remembered of what is not signed.
    if (this.#isOutside(sequence)) return REJECTION.HMAC_STALE;
    const key = this.plan.keys.find(({ id }) => id === bytes[trailer + KEY]);
    if (key === undefined) return REJECTION.HMAC_KEY;
    const digest = this.#digest(key.secret, bytes, at, length, source);
    const theirs = bytes.subarray(trailer + DIGEST, trailer + DIGEST + DIGEST_BYTES);
    if (!timingSafeEqual(digest, theirs)) return REJECTION.HMAC_INVALID;
    return this.#grows(source, sequence) ? REJECTION.ACCEPTED : REJECTION.HMAC_REPLAYED;
  }

  #digest(secret: Uint8Array, bytes: Uint8Array, at: number, length: number, source: Uint8Array): Uint8Array {
    const { family, version, virtualRouterId } = this.#router;
    const pseudo = new Uint8Array(PSEUDO_BYTES);
    pseudo.set([family, version, virtualRouterId]);
    pseudo.set(source.subarray(0, family === 4 ? 4 : 16), 4);
    const signed = Buffer.from(bytes.subarray(at, at + length));
    signed.fill(0, CHECKSUM, CHECKSUM + 2);
    signed.fill(0, length - DIGEST_BYTES);
    return createHmac("sha256", secret).update(pseudo).update(signed).digest().subarray(0, DIGEST_BYTES);
  }

  /** The clock, or one more than the last when the clock has not moved or was set back. */
  #nextSequence(): bigint {
    const clock = this.#clock();
    const ahead = (this.#sent >> 32n) - (clock >> 32n);
    // A clock set back by more than the window: receivers would take nothing else than what it says now.
    const isStranded = this.plan.antiReplay === "time" && ahead > BigInt(this.#windowS);
    this.#sent = isAfter(clock, this.#sent) || isStranded ? clock : BigInt.asUintN(64, this.#sent + 1n);
    return this.#sent;
  }

  #clock(): bigint {
    const ms = this.#now();
    const seconds = Math.floor(ms / 1000);
    const fraction = Math.floor(((ms - seconds * 1000) * 65536) / 1000);
    return (BigInt(seconds) << 32n) | BigInt((fraction << 16) >>> 0);
  }

  #isOutside(sequence: bigint): boolean {
    if (this.plan.antiReplay !== "time") return false;
    const difference = Math.floor(this.#now() / 1000) - Number(sequence >> 32n);
    return Math.abs(difference) > this.#windowS;
  }

  #grows(source: Uint8Array, sequence: bigint): boolean {
    const address = Buffer.from(source.subarray(0, this.#router.family === 4 ? 4 : 16)).toString("hex");
    const index = this.#senders.findIndex((sender) => sender.address === address);
    const known = this.#senders[index];
    // What lies outside of the window protects from nothing any more: after a change of the clock its sender may begin anew.
    if (known !== undefined && !this.#isOutside(known.sequence) && !isAfter(sequence, known.sequence)) return false;
    if (index >= 0) this.#senders.splice(index, 1);
    // The one heard last stands last; the first one makes room.
    this.#senders.push({ address, sequence });
    if (this.#senders.length > this.#sendersMax) this.#senders.shift();
    return true;
  }
}

/** Serial numbers (RFC 1982): also over the end of their range. */
function isAfter(a: bigint, b: bigint): boolean {
  return BigInt.asIntN(64, a - b) > 0n;
}
