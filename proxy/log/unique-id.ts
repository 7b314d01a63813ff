// `unique-id-format`: what names a request in the logs of all who handle it. Made when the first one asks (a rule, the log, a header, a PROXY
// header), kept with the stream, the same ever after.

import type { Plan } from "../plan/plan.ts";
import type { Value, Values } from "../rules/value.ts";
import type { Stream } from "../stream/stream.ts";

export class UniqueIds implements Value {
  /** The ID of the stream that was asked about last. */
  bytes: Uint8Array = new Uint8Array(0);
  length = 0;
  readonly #formats: readonly (Value | null)[];

  constructor(plan: Plan, values: Values) {
    this.#formats = plan.proxies.map(({ frontend }) => {
      const uniqueId = frontend?.uniqueId ?? null;
      return uniqueId === null ? null : values.compile(uniqueId.format);
    });
  }

  /** Finds or makes the stream's ID; false: its frontend gives none. */
  evaluate(stream: Stream): boolean {
    if (stream.uniqueIdBytes < 0 && !this.#make(stream)) return false;
    this.bytes = stream.uniqueId!;
    this.length = stream.uniqueIdBytes;
    return true;
  }

  #make(stream: Stream): boolean {
    const format = this.#formats[stream.frontend] ?? null;
    if (format === null || !format.evaluate(stream)) return false;
    const { length } = format;
    if (stream.uniqueId === null || stream.uniqueId.length < length) stream.uniqueId = new Uint8Array(length + 32);
    for (let i = 0; i < length; i++) stream.uniqueId[i] = format.bytes[i]!;
    stream.uniqueIdBytes = length;
    return true;
  }
}
