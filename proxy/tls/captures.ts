// What is kept of connections beside OpenSSL's own, and only where the configuration asks for it or something is wrong: lists of clients' hellos
// (`tune.ssl.capture-buffer-size`), secrets for those who decrypt recordings (`tune.ssl.keylog`), faults of clients' certificates. By row, until it
// is closed.

import { ClientHello, EXTENSION, HELLO } from "./client-hello.ts";

export interface CapturedHello {
  readonly version: number;
  readonly ciphers: Uint8Array;
  /** Types, in their order. */
  readonly extensions: Uint8Array;
  readonly groups: Uint8Array;
  readonly pointFormats: Uint8Array;
  readonly signatureAlgorithms: Uint8Array;
  readonly versions: Uint8Array;
}

/** X509_V_ERR numbers, 0: nothing is wrong: the first of a chain's authorities with its depth, and the first of the certificate itself. */
export interface CertificateFaults {
  authority: number;
  depth: number;
  own: number;
  /** The certificate, DER: OpenSSL drops it when the handshake fails. */
  der: Uint8Array | null;
}

/** Other labels of key logs are not kept, and not more of them than there are names. */
const SECRETS_MAX = 8;

export class TlsCaptures {
  /** `tune.ssl.capture-buffer-size`: bytes that are kept of a hello, 0: none. */
  helloBytesMax = 0;
  keepsSecrets = false;
  readonly #hellos = new Map<number, CapturedHello | null>();
  readonly #secrets = new Map<number, Map<string, Uint8Array>>();
  readonly #faults = new Map<number, CertificateFaults>();
  readonly #reader = new ClientHello();

  helloOf(slot: number): CapturedHello | null {
    return this.#hellos.get(slot) ?? null;
  }

  secretsOf(slot: number): ReadonlyMap<string, Uint8Array> | undefined {
    return this.#secrets.get(slot);
  }

  faultsOf(slot: number): Readonly<CertificateFaults> | undefined {
    return this.#faults.get(slot);
  }

  /** The first bytes of a client: its hello, if it is whole. */
  hello(slot: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.helloBytesMax === 0 || this.#hellos.has(slot)) return;
    const reader = this.#reader;
    this.#hellos.set(slot, null);
    if (reader.read(bytes, start, end) !== HELLO.whole) return;
    let left = this.helloBytesMax;
    const take = (from: number, to: number): Uint8Array => {
      const kept = Uint8Array.from(bytes.subarray(from, Math.min(to, from + left)));
      left -= kept.length;
      return kept;
    };
    const list = (type: number): Uint8Array => (reader.findList(type) ? take(reader.start, reader.end) : NONE);
    /** Lists behind a length of one byte. */
    const shortList = (type: number): Uint8Array =>
      reader.find(type) && reader.end > reader.start ? take(reader.start + 1, reader.end) : NONE;
    this.#hellos.set(slot, {
      version: reader.version,
      ciphers: take(reader.cipherStart, reader.cipherEnd),
      extensions: this.#types(bytes).slice(0, left),
      groups: list(EXTENSION.supportedGroups),
      pointFormats: shortList(EXTENSION.pointFormats),
      signatureAlgorithms: list(EXTENSION.signatureAlgorithms),
      versions: shortList(EXTENSION.supportedVersions),
    });
  }

  #types(bytes: Uint8Array): Uint8Array {
    const types: number[] = [];
    const { extensionStart, extensionEnd } = this.#reader;
    for (let at = extensionStart; at + 4 <= extensionEnd; at += 4 + ((bytes[at + 2]! << 8) | bytes[at + 3]!))
      types.push(bytes[at]!, bytes[at + 1]!);
    return Uint8Array.from(types);
  }

  /** A line of OpenSSL's key log: label, client random, secret. */
  keylog(slot: number, line: string): void {
    const [label, , secret] = line.split(" ");
    if (!this.keepsSecrets || label === undefined || secret === undefined) return;
    let secrets = this.#secrets.get(slot);
    if (secrets === undefined) {
      secrets = new Map();
      this.#secrets.set(slot, secrets);
    }
    if (secrets.size < SECRETS_MAX) secrets.set(label, new Uint8Array(Buffer.from(secret, "latin1")));
  }

  fault(slot: number, error: number, depth: number, der: Uint8Array | null): void {
    let faults = this.#faults.get(slot);
    if (faults === undefined) {
      faults = { authority: 0, depth: 0, own: 0, der };
      this.#faults.set(slot, faults);
    }
    if (depth === 0) faults.own ||= error;
    else if (faults.authority === 0) {
      faults.authority = error;
      faults.depth = depth;
    }
  }

  forget(slot: number): void {
    if (this.#hellos.size > 0) this.#hellos.delete(slot);
    if (this.#faults.size > 0) this.#faults.delete(slot);
    const secrets = this.#secrets.size > 0 ? this.#secrets.get(slot) : undefined;
    if (secrets === undefined) return;
    for (const secret of secrets.values()) secret.fill(0);
    this.#secrets.delete(slot);
  }
}

const NONE = new Uint8Array(0);
