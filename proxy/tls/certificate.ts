// What an X.509 certificate says, read from its DER bytes (RFC 5280 4.1): names, times, algorithms, alternative names. For samples and the runtime
// API; trust is OpenSSL's business. Bytes that OpenSSL has accepted are what is meant, others read as "nothing there".

import { longNameOfObject, nameOfObject } from "../../shared/ffi/openssl-inspect.ts";

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const OBJECT_ID = 0x06;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const CONTEXT_DNS = 0x82;
const UTC_TIME = 0x17;
const TIMES = [UTC_TIME, 0x18];
const OCTETS = 0x04;
const OID_ALTERNATIVE_NAMES = "2.5.29.17";

/** One entry of a distinguished name: `CN`, and the text's bytes as they stand. */
export interface NameEntry {
  readonly key: string;
  readonly value: Uint8Array;
}

export interface Certificate {
  readonly der: Uint8Array;
  /** 1 to 3. */
  readonly version: number;
  readonly serial: Uint8Array;
  /** As OpenSSL's short names have them: "ecdsa-with-SHA256", "id-ecPublicKey". */
  readonly signatureAlgorithm: string;
  readonly keyAlgorithm: string;
  readonly issuer: readonly NameEntry[];
  readonly subject: readonly NameEntry[];
  /** `YYMMDDhhmmssZ`. */
  readonly keyBits: number;
  readonly notBefore: string;
  readonly notAfter: string;
  /** subjectAltName as the certificate has it: tag and bytes of each. */
  readonly alternativeNames: readonly { readonly tag: number; readonly value: Uint8Array }[];
}

/** One element: tag, and where its value begins and ends. */
class Element {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, at: number, limit: number) {
    if (at + 2 > limit) throw new RangeError("DER ends early");
    this.#bytes = bytes;
    this.tag = bytes[at]!;
    let length = bytes[at + 1]!;
    let start = at + 2;
    if (length > 0x80) {
      const octets = length & 0x7f;
      if (octets > 4) throw new RangeError("DER element too long");
      length = 0;
      for (let i = 0; i < octets; i++) length = length * 256 + (bytes[start++] ?? 0);
    }
    this.start = start;
    this.end = start + length;
    if (this.end > limit) throw new RangeError("DER ends early");
  }

  get value(): Uint8Array {
    return this.#bytes.subarray(this.start, this.end);
  }

  children(): Element[] {
    const found: Element[] = [];
    for (let at = this.start; at < this.end; at = found.at(-1)!.end) found.push(new Element(this.#bytes, at, this.end));
    return found;
  }
}

/** Null: it cannot be read. */
export function readCertificate(der: Uint8Array): Certificate | null {
  try {
    return read(der);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function read(der: Uint8Array): Certificate | null {
  const [body, algorithm] = new Element(der, 0, der.length).children();
  if (body === undefined || algorithm === undefined || body.tag !== SEQUENCE) return null;
  const parts = body.children();
  const hasVersion = parts[0]?.tag === VERSION;
  const [serial, , issuer, validity, subject, key, ...others] = hasVersion ? parts.slice(1) : parts;
  if (serial?.tag !== INTEGER || key === undefined || subject === undefined) return null;
  const [notBefore, notAfter] = validity!.children();
  const extensions = others.find(({ tag }) => tag === EXTENSIONS);
  return {
    der,
    version: hasVersion ? (parts[0]!.children()[0]?.value[0] ?? 0) + 1 : 1,
    serial: serial.value,
    signatureAlgorithm: algorithmOf(algorithm),
    keyAlgorithm: algorithmOf(key.children()[0]!),
    issuer: entriesOf(issuer!),
    subject: entriesOf(subject),
    keyBits: bitsOf(key),
    notBefore: timeOf(notBefore!),
    notAfter: timeOf(notAfter!),
    alternativeNames: extensions === undefined ? [] : alternativesOf(extensions),
  };
}

/** Length of a public key: of RSA's modulus, or of the coordinates of a curve's point. */
function bitsOf(key: Element): number {
  const [, bits] = key.children();
  if (bits === undefined) return 0;
  const value = bits.value.subarray(1);
  if (value[0] === SEQUENCE) {
    const modulus = new Element(value, 0, value.length).children()[0]!.value;
    const first = modulus[0] === 0 ? 1 : 0;
    return (modulus.length - first) * 8 - Math.clz32(modulus[first] ?? 0) + 24;
  }
  const bytes = (value.length - 1) / 2;
  // P-521's coordinates are not whole bytes.
  return bytes === 66 ? 521 : bytes * 8;
}

function algorithmOf(identifier: Element): string {
  const [object] = identifier.children();
  return object?.tag === OBJECT_ID ? nameOfObject(dotted(object.value)) : "";
}

/** `2.5.4.3` */
function dotted(bytes: Uint8Array): string {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of bytes) {
    number = number * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (numbers.length === 0) {
      const first = Math.min(2, Math.floor(number / 40));
      numbers.push(first, number - first * 40);
    } else numbers.push(number);
    number = 0;
  }
  return numbers.join(".");
}

function entriesOf(name: Element): NameEntry[] {
  return name.children().flatMap((set) =>
    set.children().map((pair) => {
      const [key, value] = pair.children();
      return { key: nameOfObject(dotted(key!.value)), value: value!.value };
    }),
  );
}

/** GeneralizedTime has the century as well; samples have two digits. */
function timeOf({ tag, value }: Element): string {
  const text = Buffer.from(value).toString("latin1");
  return tag === UTC_TIME ? text : text.slice(2);
}

function alternativesOf(extensions: Element): { tag: number; value: Uint8Array }[] {
  for (const extension of extensions.children().flatMap((list) => list.children())) {
    const parts = extension.children();
    if (dotted(parts[0]!.value) !== OID_ALTERNATIVE_NAMES) continue;
    const octets = parts.find(({ tag }) => tag === OCTETS);
    if (octets === undefined) return [];
    const [names] = octets.children();
    return names === undefined ? [] : names.children().map(({ tag, value }) => ({ tag, value }));
  }
  return [];
}

/** What a certificate revocation list says (RFC 5280 5.1). */
export interface RevocationList {
  readonly version: number;
  /** In full: "sha256WithRSAEncryption". */
  readonly signatureAlgorithm: string;
  readonly issuer: readonly NameEntry[];
  readonly lastUpdate: string;
  readonly nextUpdate: string;
  readonly revoked: readonly { readonly serial: Uint8Array; readonly date: string }[];
}

/** Null: it cannot be read. */
export function readRevocationList(der: Uint8Array): RevocationList | null {
  try {
    const [body] = new Element(der, 0, der.length).children();
    const parts = body!.children();
    const hasVersion = parts[0]!.tag === INTEGER;
    const [algorithm, issuer, last, ...rest] = hasVersion ? parts.slice(1) : parts;
    const next = rest[0] !== undefined && TIMES.includes(rest[0].tag) ? rest.shift() : undefined;
    const list = rest[0]?.tag === SEQUENCE ? rest[0].children() : [];
    return {
      version: hasVersion ? (parts[0]!.value[0] ?? 0) + 1 : 1,
      signatureAlgorithm: longNameOfObject(dotted(algorithm!.children()[0]!.value)),
      issuer: entriesOf(issuer!),
      lastUpdate: timeOf(last!),
      nextUpdate: next === undefined ? "" : timeOf(next),
      revoked: list.map((each) => {
        const [serial, date] = each.children();
        return { serial: serial!.value, date: timeOf(date!) };
      }),
    };
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return null;
    throw error;
  }
}

/** Names for SNI: DNS alternatives, and the common name. */
export function hostNamesOf(certificate: Certificate): string[] {
  const text = (value: Uint8Array) => Buffer.from(value).toString("latin1").toLowerCase();
  const alternatives = certificate.alternativeNames.filter(({ tag }) => tag === CONTEXT_DNS);
  const common = certificate.subject.filter(({ key }) => key === "CN");
  return [...new Set([...alternatives, ...common].map(({ value }) => text(value)))];
}
