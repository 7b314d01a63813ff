// Names of headers in the letters that bogus clients and servers want (`h1-case-adjust`, `option h1-case-adjust-bogus-…`): in a head that is
// written and about to be sent, names in lower case become others of the same length. Everybody else gets them as HAProxy sends them.

import type { CaseAdjustPlan } from "../plan/case-adjust.ts";
import { textBytes } from "../sample/value.ts";

const CR = 13;
const LF = 10;
const COLON = 58;

interface Name {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

export class CaseAdjust {
  /** By proxy, 1: heads to its clients, and to its servers, are adjusted. */
  readonly clients: Uint8Array;
  readonly servers: Uint8Array;
  /** By length. */
  readonly #names: (readonly Name[] | undefined)[] = [];

  constructor({ names, clients, servers }: CaseAdjustPlan, proxies: number) {
    const flags = (indices: readonly number[]): Uint8Array =>
      Uint8Array.from({ length: proxies }, (_, index) => (names.length > 0 && indices.includes(index) ? 1 : 0));
    this.clients = flags(clients);
    this.servers = flags(servers);
    for (const [from, to] of names) {
      const known = this.#names[from.length] ?? [];
      this.#names[from.length] = [...known, { from: textBytes(from), to: textBytes(to) }];
    }
  }

  /** Adjusts the names in a head that stands in bytes[start, end). */
  adjust(bytes: Uint8Array, start: number, end: number): void {
    let at = nextLine(bytes, start, end);
    while (at < end && bytes[at] !== CR) {
      let colon = at;
      while (colon < end && bytes[colon] !== COLON) colon++;
      this.#name(bytes, at, colon);
      at = nextLine(bytes, colon, end);
    }
  }

  #name(bytes: Uint8Array, at: number, end: number): void {
    const names = this.#names[end - at];
    if (names === undefined) return;
    for (const { from, to } of names) {
      let i = 0;
      while (i < from.length && bytes[at + i] === from[i]) i++;
      if (i < from.length) continue;
      for (i = 0; i < to.length; i++) bytes[at + i] = to[i]!;
      return;
    }
  }
}

function nextLine(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && bytes[at] !== LF) at++;
  return at + 1;
}
