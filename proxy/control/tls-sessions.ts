// The memory of TLS sessions that clients resume without a ticket: made before the workers, handed on from one generation to the next, never
// written anywhere.

import type { Plan } from "../plan/plan.ts";
import type { SharedState } from "../shared-state/layout.ts";
import { newSessionCache, SessionCache } from "../tls/session-cache.ts";
import type { HandoverPart } from "./handover.ts";

/** Null: no listener speaks TLS, or no sessions are to be kept. */
export function newSessionMemory({ global, listeners }: Plan): SharedArrayBuffer | null {
  const blocks = listeners.some(({ tls }) => tls !== null) ? global.tls.sessionBlocks : 0;
  return blocks === 0 ? null : newSessionCache(blocks);
}

export class TlsSessions implements HandoverPart {
  readonly name = "tls-sessions";
  readonly #cache: SessionCache | null;

  constructor({ global }: Plan, { tlsSessions }: SharedState) {
    this.#cache = tlsSessions === null ? null : new SessionCache(tlsSessions, global.tls.sessionBlocks, Date.now);
  }

  take(): Uint8Array | null {
    return this.#cache?.export() ?? null;
  }

  give(state: unknown): void {
    if (state instanceof Uint8Array) this.#cache?.import(state);
  }
}
