// One name that is asked for again and again: the question goes to all nameservers of its section, the first answer counts. A name without addresses
// of the preferred family is asked for those of the other one before it is said to have none.
//
//   ask ─▶ (answer) ─▶ valid: again after `hold valid`
//    │        └─ NX, refused, other, empty: again after `timeout resolve`
//    └─ nothing for `timeout retry`: `resolve_retries` times more, then "timeout"

import { randomInt } from "node:crypto";
import type { ResolversPlan } from "../../plan/resolvers.ts";
import { type DnsAnswer, RCODE, RECORD, type ServiceRecord, writeQuestion } from "./message.ts";
import type { Nameserver } from "./nameserver.ts";

const ID_END = 65_536;

export type ResolutionStatus = "nx" | "other" | "refused" | "timeout" | "valid";

export interface ResolutionOutcome {
  readonly status: ResolutionStatus;
  /** Valid: addresses that were seen within `hold obsolete`, the newest answer's first. */
  readonly addresses: readonly string[];
  readonly services: readonly ServiceRecord[];
  /** `section/nameserver`. */
  readonly by: string;
  /** When the last valid answer came, milliseconds of `performance.now`; 0: never. */
  readonly lastValidMs: number;
}

export class Resolution {
  readonly name: string;
  readonly #plan: ResolversPlan;
  readonly #nameservers: readonly Nameserver[];
  readonly #types: readonly number[];
  readonly #onOutcome: (outcome: ResolutionOutcome) => void;
  #typeAt = 0;
  #id = -1;
  #triesLeft = 0;
  #timer: NodeJS.Timeout | null = null;
  #lastValidMs = 0;
  /** By address: when it was seen last. */
  #seenMs = new Map<string, number>();

  /** @param types what is asked for, in this order, until something is found */
  constructor(
    name: string,
    types: readonly number[],
    plan: ResolversPlan,
    nameservers: readonly Nameserver[],
    onOutcome: (outcome: ResolutionOutcome) => void,
  ) {
    this.name = name.toLowerCase().replace(/\.$/, "");
    this.#types = types;
    this.#plan = plan;
    this.#nameservers = nameservers;
    this.#onOutcome = onOutcome;
  }

  start(): void {
    this.#typeAt = 0;
    this.#ask(this.#plan.retries);
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#id = -1;
  }

  #after(delayMs: number, then: () => void): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(then, delayMs);
    this.#timer.unref();
  }

  #ask(triesLeft: number): void {
    this.#triesLeft = triesLeft;
    this.#id = randomInt(ID_END);
    const question = writeQuestion(this.#id, this.name, this.#types[this.#typeAt]!, this.#plan.payloadBytes);
    for (const nameserver of this.#nameservers) nameserver.send(question, this.#plan.retryMs);
    this.#after(this.#plan.retryMs, () => this.#unanswered());
  }

  #unanswered(): void {
    if (this.#triesLeft > 0) {
      this.#ask(this.#triesLeft - 1);
      return;
    }
    for (const nameserver of this.#nameservers) nameserver.counters.timeout++;
    this.#end("timeout", [], [], "");
  }

  /** Whether it is an answer to this question; then it is dealt with. */
  take(from: Nameserver, answer: DnsAnswer): boolean {
    if (answer.id !== this.#id || answer.name !== this.name || answer.type !== this.#types[this.#typeAt]) return false;
    const status = statusOf(answer);
    const { counters } = from;
    if (answer.hasAlias) counters.cname++;
    if (answer.isTruncated) counters.truncated++;
    if (status === "valid") counters.valid++;
    else {
      counters.any_err++;
      counters[status]++;
    }
    const isEmpty = answer.addresses.length === 0 && answer.services.length === 0;
    if ((status === "nx" || (status === "valid" && isEmpty)) && this.#typeAt + 1 < this.#types.length) {
      this.#typeAt++;
      this.#ask(this.#plan.retries);
      return true;
    }
    const by = `${this.#plan.name}/${from.plan.name}`;
    if (status === "valid" && isEmpty) this.#end("other", [], [], by);
    else this.#end(status, answer.addresses, answer.services, by);
    return true;
  }

  #end(status: ResolutionStatus, addresses: readonly string[], services: readonly ServiceRecord[], by: string): void {
    this.#id = -1;
    const nowMs = performance.now();
    if (status === "valid") this.#lastValidMs = nowMs;
    const known = status === "valid" ? this.#remember(addresses, nowMs) : [];
    this.#onOutcome({ status, addresses: known, services, by, lastValidMs: this.#lastValidMs });
    this.#after(status === "valid" ? this.#plan.holdMs.valid : this.#plan.resolveMs, () => this.start());
  }

  /** The addresses of the answer, and behind them those that are not obsolete yet. */
  #remember(addresses: readonly string[], nowMs: number): string[] {
    for (const address of addresses) this.#seenMs.set(address, nowMs);
    const { obsolete } = this.#plan.holdMs;
    for (const [address, seenMs] of this.#seenMs)
      if (nowMs - seenMs > obsolete && !addresses.includes(address)) this.#seenMs.delete(address);
    return [...addresses, ...[...this.#seenMs.keys()].filter((address) => !addresses.includes(address))];
  }
}

function statusOf({ code, isTruncated, addresses, services }: DnsAnswer): ResolutionStatus {
  if (code === RCODE.nxDomain) return "nx";
  if (code === RCODE.refused) return "refused";
  if (code !== RCODE.noError) return "other";
  return isTruncated && addresses.length === 0 && services.length === 0 ? "other" : "valid";
}

/** What a name is asked for, the preferred family first. */
export function addressTypes(prefer: 4 | 6): readonly number[] {
  return prefer === 4 ? [RECORD.a, RECORD.aaaa] : [RECORD.aaaa, RECORD.a];
}
