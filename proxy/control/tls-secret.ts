// What sessions are sealed with, so that clients resume them at any worker and after any reload: made by the first generation, handed on from
// one to the next, never written anywhere.

import { randomBytes } from "node:crypto";
import type { HandoverPart } from "./handover.ts";

const SECRET_BYTES = 32;

export class TlsSecret implements HandoverPart {
  readonly name = "tls-secret";
  #bytes: Uint8Array = randomBytes(SECRET_BYTES);

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  take(): Uint8Array {
    return this.#bytes;
  }

  give(state: unknown): void {
    if (state instanceof Uint8Array && state.length === SECRET_BYTES) this.#bytes = state;
  }
}
