// Syslog over a stream (RFC 6587): lines behind their length ("octet counting") or ended by a line feed. A peer that keeps to neither is closed.

/** Longest message that is taken, HAProxy's buffer. */
const MESSAGE_BYTES_MAX = 16384;
const LF = 10;
const DIGITS_MAX = 5;

export class SyslogFraming {
  #pending: Buffer = Buffer.alloc(0);
  readonly #linesOnly: boolean;

  constructor(linesOnly: boolean) {
    this.#linesOnly = linesOnly;
  }

  /** Takes bytes and gives each complete message to `emit`. False: the stream makes no sense any more. */
  push(bytes: Buffer, emit: (message: string) => void): boolean {
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    let at = 0;
    while (at < this.#pending.length) {
      const next = this.#next(at);
      if (next === null) return false;
      if (next.end < 0) break;
      const text = this.#pending
        .subarray(next.start, next.end)
        .toString("latin1")
        .replace(/\r?\n?$/, "");
      if (text !== "") emit(text);
      at = next.after;
    }
    this.#pending = this.#pending.subarray(at);
    return this.#pending.length <= MESSAGE_BYTES_MAX + DIGITS_MAX + 1;
  }

  /** Where the message at `at` stands; `end` -1: it is not complete; null: it is none. */
  #next(at: number): { start: number; end: number; after: number } | null {
    const bytes = this.#pending;
    const first = bytes[at]!;
    if (this.#linesOnly || first < 48 || first > 57) {
      const end = bytes.indexOf(LF, at);
      return { start: at, end, after: end + 1 };
    }
    let length = 0;
    for (let i = at; i < bytes.length; i++) {
      const byte = bytes[i]!;
      if (byte === 32 && i > at) {
        if (length > MESSAGE_BYTES_MAX) return null;
        const start = i + 1;
        return { start, end: start + length <= bytes.length ? start + length : -1, after: start + length };
      }
      if (byte < 48 || byte > 57 || i - at >= DIGITS_MAX) return null;
      length = length * 10 + byte - 48;
    }
    return { start: at, end: -1, after: at };
  }
}
