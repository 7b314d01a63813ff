// HPACK decoding (RFC 7541): a header block becomes a list of fields in `FieldList`, and the connection's dynamic table follows. A block is decoded to
// its end even when its fields are more than are wanted, because the table must stay in step with the peer's; what is too much is only counted, not
// copied, so that a block of references to one long entry costs no more than its own bytes.

import { HEADER_TABLE_BYTES } from "../protocol.ts";
import { decodeHuffman } from "./huffman.ts";
import { STATIC_COUNT, STATIC_NAMES, STATIC_VALUES } from "./static-table.ts";

/** Bytes of an entry beyond its name and value (RFC 7541 4.1). */
const ENTRY_OVERHEAD = 32;
const ENTRIES_MAX = HEADER_TABLE_BYTES / ENTRY_OVERHEAD;
const ENTRY_INTS = 3;
/** Length of the memory behind a table: what is live moves to its start when its end is reached. */
const TABLE_BYTES = HEADER_TABLE_BYTES * 2;
const FIELD_INTS = 3;

/** Fields of one block, in their order. One per worker: used up before the next block is decoded. */
export class FieldList {
  readonly bytes: Uint8Array;
  /** Per field: offset of the name in `bytes`, offset of the value behind it, offset behind that. */
  readonly offsets: Int32Array;
  count = 0;
  /** Offset behind the last field. */
  end = 0;
  /** There were more fields, or more bytes, than the list takes. */
  overflowed = false;

  constructor(fieldsMax: number, bytesMax: number) {
    this.bytes = new Uint8Array(bytesMax);
    this.offsets = new Int32Array(fieldsMax * FIELD_INTS);
  }

  reset(): void {
    this.count = this.end = 0;
    this.overflowed = false;
  }

  nameStart(field: number): number {
    return this.offsets[field * FIELD_INTS]!;
  }
  nameEnd(field: number): number {
    return this.offsets[field * FIELD_INTS + 1]!;
  }
  valueEnd(field: number): number {
    return this.offsets[field * FIELD_INTS + 2]!;
  }

  /** The field name[…nameEnd), value[…valueEnd) stands at `end` of `bytes` already. */
  accept(nameEnd: number, valueEnd: number): void {
    const at = this.count * FIELD_INTS;
    if (at === this.offsets.length) {
      this.overflowed = true;
      return;
    }
    this.offsets[at] = this.end;
    this.offsets[at + 1] = nameEnd;
    this.offsets[at + 2] = valueEnd;
    this.end = valueEnd;
    this.count++;
  }
}

/** Whether a block could be decoded; anything else is an error of the connection (COMPRESSION_ERROR). */
const OK = true;
const BROKEN = false;

export class HpackDecoder {
  /** Name and value of the live entries one behind the other; made with the first entry. */
  #bytes: Uint8Array | null = null;
  /** Ring of entries: offset of the name, of the value, behind the value. */
  #entries: Int32Array | null = null;
  #first = 0;
  #count = 0;
  /** Size as RFC 7541 4.1 counts it, and what it may be. */
  #size = 0;
  #sizeMax = HEADER_TABLE_BYTES;
  /** Where the next entry goes. */
  #writeAt = 0;
  // State of the block that is being decoded.
  #block: Uint8Array = NOTHING;
  #at = 0;
  #end = 0;
  #scratch: Uint8Array;

  /** @param scratch at least as long as a name and a value can be, shared by the decoders of a worker */
  constructor(scratch: Uint8Array) {
    this.#scratch = scratch;
  }

  reset(): void {
    this.#first = this.#count = this.#size = this.#writeAt = 0;
    this.#sizeMax = HEADER_TABLE_BYTES;
  }

  /** Decodes block[start, end) into `fields`. False: COMPRESSION_ERROR. */
  decode(block: Uint8Array, start: number, end: number, fields: FieldList): boolean {
    fields.reset();
    this.#block = block;
    this.#at = start;
    this.#end = end;
    let mayResize = true;
    while (this.#at < end) {
      const byte = block[this.#at]!;
      if ((byte & 0x80) !== 0) {
        if (!this.#indexed(fields)) return BROKEN;
      } else if ((byte & 0xe0) === 0x20) {
        // RFC 7541 4.2: only at the beginning of a block.
        if (!mayResize || !this.#resize()) return BROKEN;
        continue;
      } else if (!this.#literal(fields, (byte & 0x40) !== 0)) return BROKEN;
      mayResize = false;
    }
    return OK;
  }

  /** RFC 7541 5.1. -1: it is not complete, or too large. */
  #integer(prefixBits: number): number {
    const block = this.#block;
    const mask = (1 << prefixBits) - 1;
    if (this.#at >= this.#end) return -1;
    let value = block[this.#at++]! & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#at >= this.#end) return -1;
      const byte = block[this.#at++]!;
      value += (byte & 127) << shift;
      if (byte < 128) return value;
    }
    return -1;
  }

  #resize(): boolean {
    const size = this.#integer(5);
    if (size < 0 || size > HEADER_TABLE_BYTES) return BROKEN;
    this.#sizeMax = size;
    this.#evictTo(size);
    return OK;
  }

  #evictTo(size: number): void {
    while (this.#size > size) {
      const at = (this.#first % ENTRIES_MAX) * ENTRY_INTS;
      this.#size -= this.#entries![at + 2]! - this.#entries![at]! + ENTRY_OVERHEAD;
      this.#first = (this.#first + 1) % ENTRIES_MAX;
      this.#count--;
    }
  }

  #indexed(fields: FieldList): boolean {
    const index = this.#integer(7);
    if (index <= 0) return BROKEN;
    if (index <= STATIC_COUNT) {
      const name = STATIC_NAMES[index]!;
      const value = STATIC_VALUES[index]!;
      if (!fits(fields, name.length + value.length)) return OK;
      fields.bytes.set(name, fields.end);
      fields.bytes.set(value, fields.end + name.length);
      fields.accept(fields.end + name.length, fields.end + name.length + value.length);
      return OK;
    }
    const at = this.#entryAt(index - STATIC_COUNT);
    if (at < 0) return BROKEN;
    const entries = this.#entries!;
    const start = entries[at]!;
    const length = entries[at + 2]! - start;
    if (!fits(fields, length)) return OK;
    copy(this.#bytes!, start, length, fields.bytes, fields.end);
    fields.accept(fields.end + entries[at + 1]! - start, fields.end + length);
    return OK;
  }

  /** Where entry `index` (1: the youngest) stands in `#entries`, -1: there is none. */
  #entryAt(index: number): number {
    if (index > this.#count) return -1;
    return ((this.#first + this.#count - index) % ENTRIES_MAX) * ENTRY_INTS;
  }

  /** Name and value are put together in the scratch area; from there they go to the list and to the table. */
  #literal(fields: FieldList, isKept: boolean): boolean {
    const scratch = this.#scratch;
    const index = this.#integer(isKept ? 6 : 4);
    if (index < 0) return BROKEN;
    let nameEnd = 0;
    if (index === 0) nameEnd = this.#text(0);
    else if (index <= STATIC_COUNT) {
      const name = STATIC_NAMES[index]!;
      copy(name, 0, name.length, scratch, 0);
      nameEnd = name.length;
    } else {
      const at = this.#entryAt(index - STATIC_COUNT);
      if (at < 0) return BROKEN;
      nameEnd = this.#entries![at + 1]! - this.#entries![at]!;
      copy(this.#bytes!, this.#entries![at]!, nameEnd, scratch, 0);
    }
    if (nameEnd < 0) return BROKEN;
    const valueEnd = this.#text(nameEnd);
    if (valueEnd < 0) return BROKEN;
    if (fits(fields, valueEnd)) {
      copy(scratch, 0, valueEnd, fields.bytes, fields.end);
      fields.accept(fields.end + nameEnd, fields.end + valueEnd);
    }
    if (isKept) this.#keep(nameEnd, valueEnd);
    return OK;
  }

  /** RFC 7541 5.2: a text goes to `to` in the scratch area. The offset behind it; -1: broken. */
  #text(to: number): number {
    if (this.#at >= this.#end) return -1;
    const isCoded = (this.#block[this.#at]! & 0x80) !== 0;
    const length = this.#integer(7);
    if (length < 0 || length > this.#end - this.#at) return -1;
    const start = this.#at;
    this.#at += length;
    const scratch = this.#scratch;
    if (isCoded) return decodeHuffman(this.#block, start, this.#at, scratch, to, scratch.length);
    if (to + length > scratch.length) return -1;
    copy(this.#block, start, length, scratch, to);
    return to + length;
  }

  /** Adds what stands in the scratch area to the table (RFC 7541 4.4). */
  #keep(nameEnd: number, valueEnd: number): void {
    const size = valueEnd + ENTRY_OVERHEAD;
    if (size > this.#sizeMax) {
      this.#evictTo(0);
      return;
    }
    this.#evictTo(this.#sizeMax - size);
    this.#bytes ??= new Uint8Array(TABLE_BYTES);
    this.#entries ??= new Int32Array(ENTRIES_MAX * ENTRY_INTS);
    if (this.#writeAt + valueEnd > TABLE_BYTES) this.#moveToStart();
    const at = ((this.#first + this.#count) % ENTRIES_MAX) * ENTRY_INTS;
    copy(this.#scratch, 0, valueEnd, this.#bytes, this.#writeAt);
    this.#entries[at] = this.#writeAt;
    this.#entries[at + 1] = this.#writeAt + nameEnd;
    this.#entries[at + 2] = this.#writeAt + valueEnd;
    this.#writeAt += valueEnd;
    this.#size += size;
    this.#count++;
  }

  /** Live entries stand one behind the other: they move together. */
  #moveToStart(): void {
    const entries = this.#entries!;
    const start = this.#count === 0 ? this.#writeAt : entries[this.#first * ENTRY_INTS]!;
    this.#bytes!.copyWithin(0, start, this.#writeAt);
    for (let i = 0; i < this.#count; i++) {
      const at = ((this.#first + i) % ENTRIES_MAX) * ENTRY_INTS;
      for (let int = 0; int < ENTRY_INTS; int++) entries[at + int]! -= start;
    }
    this.#writeAt -= start;
  }
}

const NOTHING = new Uint8Array(0);

/** Whether the list takes a field of so many bytes. */
function fits(fields: FieldList, bytes: number): boolean {
  if (!fields.overflowed && fields.end + bytes <= fields.bytes.length) return true;
  fields.overflowed = true;
  return false;
}

/** `set` with a subarray would make an object for every text. */
function copy(from: Uint8Array, start: number, length: number, to: Uint8Array, at: number): void {
  for (let i = 0; i < length; i++) to[at + i] = from[start + i]!;
}
