// Reads a TLS ClientHello (RFC 8446 4.1.2) where it lies in memory, byte for byte and without copies: for rules that look at connections which
// others decrypt (req.ssl_…), and for what is kept of our own clients' (ssl_fc_cipherlist_…). Nothing in it is trusted; a hello has to lie in one record.

/** Verdicts of `read`. */
export const HELLO = { incomplete: 0, whole: 1, none: 2 } as const;

const INCOMPLETE = HELLO.incomplete;
const WHOLE = HELLO.whole;
const NONE = HELLO.none;

const RECORD_HANDSHAKE = 0x16;
const RECORD_HEADER_BYTES = 5;
const MESSAGE_CLIENT_HELLO = 1;
const MESSAGE_HEADER_BYTES = 4;
const RANDOM_BYTES = 32;
const SESSION_ID_BYTES_MAX = 32;
/** Version, random, lengths of the four lists behind it, one cipher and one compression method. */
const HELLO_BYTES_MIN = 2 + RANDOM_BYTES + 1 + 2 + 2 + 1 + 1 + 2 + 2;

/** Extension types. */
export const EXTENSION = {
  serverName: 0,
  supportedGroups: 10,
  pointFormats: 11,
  signatureAlgorithms: 13,
  alpn: 16,
  sessionTicket: 35,
  supportedVersions: 43,
  keyShare: 51,
} as const;

/** What was read last: ranges of the bytes that `read` got. */
export class ClientHello {
  /** As the hello says: 0x0303 also for TLS 1.3. */
  version = 0;
  cipherStart = 0;
  cipherEnd = 0;
  extensionStart = 0;
  extensionEnd = 0;
  /** Value of the extension that `find` found. */
  start = 0;
  end = 0;
  #bytes: Uint8Array = new Uint8Array(0);

  /** Reads what begins at `start`; HELLO. */
  read(bytes: Uint8Array, start: number, end: number): 0 | 1 | 2 {
    this.#bytes = bytes;
    const there = end - start;
    if (there < 1) return INCOMPLETE;
    if (bytes[start] !== RECORD_HANDSHAKE) return NONE;
    if (there < 3) return INCOMPLETE;
    if (bytes[start + 1]! < 3) return NONE;
    if (there < RECORD_HEADER_BYTES) return INCOMPLETE;
    const recordBytes = this.#word(start + 3);
    if (recordBytes < MESSAGE_HEADER_BYTES + HELLO_BYTES_MIN) return NONE;
    const message = start + RECORD_HEADER_BYTES;
    if (end - message < recordBytes) return INCOMPLETE;
    if (bytes[message] !== MESSAGE_CLIENT_HELLO) return NONE;
    const bytesLong = (bytes[message + 1]! << 16) | this.#word(message + 2);
    if (bytesLong < HELLO_BYTES_MIN) return NONE;
    const hello = message + MESSAGE_HEADER_BYTES;
    if (end - hello < bytesLong) return INCOMPLETE;
    return this.#readBody(hello, hello + bytesLong);
  }

  #readBody(at: number, end: number): 1 | 2 {
    const bytes = this.#bytes;
    this.version = this.#word(at);
    if (this.version < 0x0301) return NONE;
    const idBytes = bytes[at + 2 + RANDOM_BYTES]!;
    const ciphers = at + 2 + RANDOM_BYTES + 1 + idBytes;
    if (idBytes > SESSION_ID_BYTES_MAX || ciphers + 4 > end) return NONE;
    const cipherBytes = this.#word(ciphers);
    this.cipherStart = ciphers + 2;
    this.cipherEnd = this.cipherStart + cipherBytes;
    if (cipherBytes < 2 || this.cipherEnd + 2 > end) return NONE;
    const methods = bytes[this.cipherEnd]!;
    const extensions = this.cipherEnd + 1 + methods;
    if (methods < 1 || extensions + 2 > end) return NONE;
    this.extensionStart = extensions + 2;
    this.extensionEnd = this.extensionStart + this.#word(extensions);
    return this.extensionEnd > end ? NONE : WHOLE;
  }

  /** Whether there is an extension of that type; its value is [start, end) then. */
  find(type: number): boolean {
    for (let at = this.extensionStart; at + 4 <= this.extensionEnd; at = this.end) {
      this.start = at + 4;
      this.end = this.start + this.#word(at + 2);
      if (this.end > this.extensionEnd) return false;
      if (this.#word(at) === type) return true;
    }
    return false;
  }

  /** As `find`, of an extension whose value is one list behind its length of two bytes: the range is the list's, never empty. */
  findList(type: number): boolean {
    if (!this.find(type) || this.end - this.start < 2) return false;
    const bytes = this.#word(this.start);
    this.start += 2;
    if (bytes < 1 || this.start + bytes > this.end) return false;
    this.end = this.start + bytes;
    return true;
  }

  /** The host name that was asked for. */
  findServerName(): boolean {
    if (!this.findList(EXTENSION.serverName) || this.end - this.start < 4 || this.#bytes[this.start] !== 0)
      return false;
    const bytes = this.#word(this.start + 1);
    this.start += 3;
    if (this.start + bytes > this.end) return false;
    this.end = this.start + bytes;
    return true;
  }

  #word(at: number): number {
    return (this.#bytes[at]! << 8) | this.#bytes[at + 1]!;
  }
}

/** GREASE values (RFC 8701): 0x?a?a with equal bytes. */
export const isGrease = (high: number, low: number): boolean => high === low && (high & 0x0f) === 0x0a;

/** Words of two bytes without GREASE. */
export function withoutGrease(words: Uint8Array): Uint8Array {
  const kept: number[] = [];
  for (let i = 0; i + 1 < words.length; i += 2)
    if (!isGrease(words[i]!, words[i + 1]!)) kept.push(words[i]!, words[i + 1]!);
  return Uint8Array.from(kept);
}
