// The cookies of one Cookie or Set-Cookie line, one after the other, as HAProxy tells them apart:
//
//        NAME1 = VALUE 1 ;NAME2="a;b" ; $Path=/      pairs between semicolons or commas outside of quotes
//       ^^     ^  ^      ^
//    start  nameEnd  valueEnd                        blanks belong to nothing
//
// Set-Cookie has one cookie a line, the rest is about it, and commas end nothing there.

const TAB = 9;
const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
const SEMICOLON = 59;
const EQUALS = 61;
const BACKSLASH = 92;

export class CookieLine {
  readonly #bytes: Uint8Array;
  #commaEnds = true;
  #isFirst = true;
  #end = 0;
  /** Where this cookie begins, its delimiter included (the first one has none), and where the next one does. */
  start = 0;
  next = 0;
  nameStart = 0;
  nameEnd = 0;
  /** Of the equal sign; `next` when there is none. */
  equals = 0;
  valueStart = 0;
  valueEnd = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  begin(start: number, end: number, isRequest: boolean): void {
    this.next = start;
    this.#end = end;
    this.#commaEnds = isRequest;
    this.#isFirst = true;
  }

  /** Goes to the next cookie; false: there is none. */
  advance(): boolean {
    const bytes = this.#bytes;
    const end = this.#end;
    if (this.next >= end) return false;
    this.start = this.next;
    let at = this.#isFirst ? this.start : this.start + 1;
    this.#isFirst = false;
    while (at < end && isBlank(bytes[at]!)) at++;
    this.nameStart = this.nameEnd = at;
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === EQUALS || byte === SEMICOLON || (byte === COMMA && this.#commaEnds)) break;
      if (!isBlank(byte)) this.nameEnd = at + 1;
    }
    this.equals = at;
    if (at < end && bytes[at] === EQUALS) this.#value(at + 1);
    else this.next = this.valueStart = this.valueEnd = at;
    return true;
  }

  #value(from: number): void {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = from;
    while (at < end && isBlank(bytes[at]!)) at++;
    this.valueStart = at;
    let isQuoted = false;
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === QUOTE) isQuoted = !isQuoted;
      else if (isQuoted && byte === BACKSLASH) at++;
      else if (!isQuoted && (byte === SEMICOLON || (byte === COMMA && this.#commaEnds))) break;
    }
    this.next = Math.min(at, end);
    this.valueEnd = this.next;
    while (this.valueEnd > this.valueStart && isBlank(bytes[this.valueEnd - 1]!)) this.valueEnd--;
  }

  /** Whether there is an equal sign at all. */
  get hasValue(): boolean {
    return this.equals !== this.next;
  }

  isNamed(name: Uint8Array): boolean {
    if (this.nameEnd - this.nameStart !== name.length) return false;
    for (let i = 0; i < name.length; i++) if (this.#bytes[this.nameStart + i] !== name[i]) return false;
    return true;
  }
}

export function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}
