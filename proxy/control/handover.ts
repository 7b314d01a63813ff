// What one generation of the proxy hands to the next: each part of the control plane registers what it wants carried over under a name of
// its own, as plain data (structured-cloneable). The old generation is asked for all of it while it still serves; the new one gives it to its parts
// before its first check and its first connection.
//
// A part gets exactly what the same part of its predecessor took, which may have been another version of the program with another
// configuration: it names what it means (backend and server by name), and leaves what it does not know.

export interface HandoverPart {
  readonly name: string;
  /** What the successor should know. */
  take(): unknown;
  /** What the predecessor took, whatever version of the program that was: to be looked at before it is believed. */
  give(state: unknown): void;
}

/** By part. */
export type HandoverState = Readonly<Record<string, unknown>>;

export class Handover {
  readonly #parts: HandoverPart[] = [];
  readonly #received: HandoverState;

  /** @param received what the predecessor took; null: there is none */
  constructor(received: HandoverState | null) {
    this.#received = received ?? {};
  }

  /** Adds a part, which gets at once what its predecessor took. */
  register(part: HandoverPart): void {
    this.#parts.push(part);
    if (Object.hasOwn(this.#received, part.name)) part.give(this.#received[part.name]);
  }

  take(): HandoverState {
    return Object.fromEntries(this.#parts.map((part) => [part.name, part.take()]));
  }
}
