// DNS messages (RFC 1035 4.1, RFC 6891 for the payload size): questions are written, answers read. What comes is a stranger's word: every offset is
// checked, compressed names may only point backwards, and what cannot be read is null, never an exception.

import { dnsQuestion } from "../../../shared/dns/question.ts";
import { formatAddress } from "../../../shared/ip/text.ts";

export const RECORD = { a: 1, cname: 5, aaaa: 28, srv: 33, opt: 41 } as const;
export const RCODE = { noError: 0, nxDomain: 3, refused: 5 } as const;

const HEADER_BYTES = 12;
const LABEL_BYTES_MAX = 63;
const NAME_BYTES_MAX = 255;
const CLASS_IN = 1;
const RESPONSE = 0x8000;
const TRUNCATED = 0x0200;
const RCODE_MASK = 15;
/** Records of an answer that are looked at. */
const RECORDS_MAX = 512;

export interface ServiceRecord {
  readonly target: string;
  readonly port: number;
  readonly weight: number;
}

export interface DnsAnswer {
  readonly id: number;
  readonly code: number;
  readonly isTruncated: boolean;
  /** The question that it answers, lower case. */
  readonly name: string;
  readonly type: number;
  /** Addresses of the type that was asked for, as text; in the answer's order. */
  readonly addresses: readonly string[];
  readonly services: readonly ServiceRecord[];
  readonly hasAlias: boolean;
}

/** Whether DNS can ask for it: labels of 1 to 63 bytes, 255 in all. */
export function isQueryable(name: string): boolean {
  const labels = name.replace(/\.$/, "").split(".");
  return name.length < NAME_BYTES_MAX && labels.every((label) => label.length > 0 && label.length <= LABEL_BYTES_MAX);
}

export function writeQuestion(id: number, name: string, type: number, payloadBytes: number): Buffer {
  // An OPT record: root, type, the payload size in place of the class, no flags, no data.
  const options = Buffer.alloc(11);
  options.writeUInt16BE(RECORD.opt, 1);
  options.writeUInt16BE(payloadBytes, 3);
  return dnsQuestion(id, name, type, options);
}

class Reader {
  readonly bytes: Buffer;
  at = HEADER_BYTES;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** A name at the current place, lower case; null: it is none. */
  name(): string | null {
    const labels: string[] = [];
    let at = this.at;
    let end = -1;
    let length = 0;
    let limit = this.bytes.length;
    for (;;) {
      if (at >= this.bytes.length) return null;
      const byte = this.bytes[at]!;
      if ((byte & 0xc0) === 0xc0) {
        if (at + 1 >= this.bytes.length) return null;
        const target = ((byte & 0x3f) << 8) | this.bytes[at + 1]!;
        if (end < 0) end = at + 2;
        // Only backwards, and further back each time: a loop cannot be.
        if (target >= limit || target >= at) return null;
        limit = target;
        at = target;
        continue;
      }
      if (byte > LABEL_BYTES_MAX || at + 1 + byte > this.bytes.length) return null;
      at++;
      if (byte === 0) break;
      length += byte + 1;
      if (length > NAME_BYTES_MAX) return null;
      labels.push(this.bytes.toString("latin1", at, at + byte).toLowerCase());
      at += byte;
    }
    this.at = end < 0 ? at : end;
    return labels.join(".");
  }

  has(bytes: number): boolean {
    return this.at + bytes <= this.bytes.length;
  }

  word(): number {
    this.at += 2;
    return this.bytes.readUInt16BE(this.at - 2);
  }
}

/** Reads an answer; null: it is no answer to anything. */
export function readAnswer(bytes: Buffer): DnsAnswer | null {
  if (bytes.length < HEADER_BYTES) return null;
  const flags = bytes.readUInt16BE(2);
  if ((flags & RESPONSE) === 0 || bytes.readUInt16BE(4) !== 1) return null;
  const reader = new Reader(bytes);
  const name = reader.name();
  if (name === null || !reader.has(4)) return null;
  const type = reader.word();
  if (reader.word() !== CLASS_IN) return null;
  const found = { addresses: [] as string[], services: [] as ServiceRecord[], hasAlias: false };
  const count = Math.min(bytes.readUInt16BE(6), RECORDS_MAX);
  for (let record = 0; record < count; record++) if (!readRecord(reader, type, found)) return null;
  const isTruncated = (flags & TRUNCATED) !== 0;
  return { id: bytes.readUInt16BE(0), code: flags & RCODE_MASK, isTruncated, name, type, ...found };
}

function readRecord(
  reader: Reader,
  wanted: number,
  found: { addresses: string[]; services: ServiceRecord[]; hasAlias: boolean },
): boolean {
  if (reader.name() === null || !reader.has(10)) return false;
  const type = reader.word();
  const isInternet = reader.word() === CLASS_IN;
  reader.at += 4;
  const length = reader.word();
  if (!reader.has(length)) return false;
  const end = reader.at + length;
  if (type === RECORD.cname) found.hasAlias = true;
  if (isInternet && type === wanted) {
    const { bytes, at } = reader;
    const isAddress = (type === RECORD.a && length === 4) || (type === RECORD.aaaa && length === 16);
    if (isAddress) found.addresses.push(formatAddress(bytes.subarray(at, end)));
    else if (type === RECORD.srv && length > 6) {
      reader.at += 2; // The priority: as in HAProxy, all of them are servers.
      const weight = reader.word();
      const port = reader.word();
      const target = reader.name();
      if (target === null) return false;
      found.services.push({ target, port, weight });
    } else return false;
  }
  reader.at = end;
  return true;
}
