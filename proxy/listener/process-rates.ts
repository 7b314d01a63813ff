// `maxconnrate`, `maxsessrate`, `maxsslrate`: how many connections, sessions and TLS handshakes the process begins in a second, over all
// workers. Over a limit clients wait, parked (accept.ts), as in HAProxy. The limits are words of the shared state: `set rate-limit` changes them.

import { HEADER, RATE, type SharedState } from "../shared-state/layout.ts";

export class ProcessRates {
  readonly #words: Int32Array;

  constructor(shared: SharedState) {
    this.#words = shared.words;
  }

  /** Whether one more has to wait. @param second seconds of the wall clock @param tls it would begin a handshake */
  isOver(second: number, tls: boolean): boolean {
    if (this.#isOver(HEADER.connectionRate, second) || this.#isOver(HEADER.sessionRate, second)) return true;
    return tls && this.#isOver(HEADER.tlsRate, second);
  }

  /** One more has begun. */
  count(tls: boolean): void {
    this.#count(HEADER.connectionRate);
    this.#count(HEADER.sessionRate);
    if (tls) this.#count(HEADER.tlsRate);
  }

  #isOver(at: number, second: number): boolean {
    const words = this.#words;
    const max = words[at + RATE.max]!;
    if (max <= 0) return false;
    // Who first meets a new second starts its count.
    const counted = Atomics.load(words, at + RATE.second);
    if (counted !== second && Atomics.compareExchange(words, at + RATE.second, counted, second) === counted)
      Atomics.store(words, at + RATE.count, 0);
    return Atomics.load(words, at + RATE.count) >= max;
  }

  #count(at: number): void {
    if (this.#words[at + RATE.max]! > 0) Atomics.add(this.#words, at + RATE.count, 1);
  }
}
