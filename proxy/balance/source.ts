// balance source: the client's address decides. configuration.txt, `balance` and `hash-type`.
//
// The address is a number already: it may be avalanched, but no hash function applies to it, also where `hash-type` names one. So says
// HAProxy 3.2 when it is asked. An IPv6 address counts as the exclusive or of its four 32-bit words. Clients without an address (UNIX
// sockets) have no key.

import { CONNECTION } from "../connection/table.ts";
import type { BalancePlan } from "../plan/balance.ts";
import type { SampleContext } from "../sample/context.ts";
import type { Stream } from "../stream/stream.ts";
import { type HashKey, KeyHash } from "./hash-key.ts";

const IPV6 = CONNECTION.ipv6;
const UNIX = CONNECTION.unix;

export class SourceKey implements HashKey {
  hash = 0;
  readonly #ctx: SampleContext;
  readonly #keyHash: KeyHash;

  constructor(ctx: SampleContext, balance: BalancePlan) {
    this.#ctx = ctx;
    this.#keyHash = new KeyHash(balance);
  }

  find(stream: Stream): boolean {
    const { connections } = this.#ctx;
    const slot = stream.client;
    if (slot < 0) return false;
    const flags = connections.flags[slot]!;
    if ((flags & UNIX) !== 0) return false;
    const bytes = connections.address;
    const at = slot * 16;
    const length = (flags & IPV6) !== 0 ? 16 : 4;
    let number = 0;
    for (let i = 0; i < length; i += 4) {
      number ^= (bytes[at + i]! << 24) | (bytes[at + i + 1]! << 16) | (bytes[at + i + 2]! << 8) | bytes[at + i + 3]!;
    }
    this.hash = this.#keyHash.ofNumber(number);
    return true;
  }
}
