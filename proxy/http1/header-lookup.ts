// Finds headers of a message by their names, and looks at their values. Message.headers and where its lines stand: message.ts.

import { lower } from "./authority.ts";
import { HEADER_INTS, type Message } from "./message.ts";
import { equals } from "./parser.ts";

/** The index of the first header of that (lower-case) name from `from` on, -1: there is none. */
export function findHeader(bytes: Uint8Array, message: Message, name: Uint8Array, from = 0): number {
  const { headers } = message;
  for (let index = from; index < message.headerCount; index++) {
    const at = index * HEADER_INTS;
    if (headers[at + 1]! - headers[at]! === name.length && equals(bytes, headers[at]!, name)) return index;
  }
  return -1;
}

/** bytes[start, end) as text, a character a byte. Allocates: for what is rare. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
}

/** The value of the first header of that (lower-case) name, null: there is none. Allocates. */
export function headerText(bytes: Uint8Array, message: Message, name: Uint8Array): string | null {
  const index = findHeader(bytes, message, name);
  if (index < 0) return null;
  return textOf(bytes, message.headers[index * HEADER_INTS + 2]!, message.headers[index * HEADER_INTS + 3]!);
}

/** Whether bytes[start, end) begin with `word`, in lower case, whatever their case. */
export function beginsWith(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  if (end - start < word.length) return false;
  for (let i = 0; i < word.length; i++) if (lower(bytes[start + i]!) !== word[i]) return false;
  return true;
}
