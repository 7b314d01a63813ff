// Messages about stick-tables: definitions, updates, acknowledgements (doc/peers.txt, class 10). Written for tables of ours, read for what a
// peer says of its own, which may store other data than ours does.

import { rate, readLong, readUint, snapshotRate, valueAt, writeLong, writeRate } from "../../stick-table/counters.ts";
import { DATA_TYPES, type DataType, KIND_WORDS } from "../../stick-table/data-types.ts";
import type { ServerKeys } from "../../stick-table/server-keys.ts";
import type { StickTable } from "../../stick-table/table.ts";
import { type ByteReader, ByteWriter, PACKED_BYTES_MAX } from "./bytes.ts";
import { DICTIONARY_MAX, type SentWords } from "./dictionary.ts";

export const CLASS_TABLE = 10;
export const TABLE_MESSAGE = {
  update: 128,
  increment: 129,
  define: 130,
  switch: 131,
  ack: 132,
  timed: 133,
  timedIncrement: 134,
} as const;

/** Key types as peers number them. */
const WIRE_TYPES = { integer: 2, ip: 4, ipv6: 5, string: 6, binary: 7 } as const;
/** A message is never longer than a buffer of HAProxy's. */
const MESSAGE_BYTES_MAX = 16_384;

/** What a peer said of one of its tables. */
export interface RemoteTable {
  readonly table: StickTable;
  /** Types of the data that each of its updates has, in their order, and how many elements. */
  readonly types: readonly { readonly type: DataType; readonly count: number }[];
}

const writer = new ByteWriter(MESSAGE_BYTES_MAX);
const header = new ByteWriter(2 + PACKED_BYTES_MAX);

function finish(type: number): Buffer {
  header.reset();
  header.byte(CLASS_TABLE);
  header.byte(type);
  header.packed(writer.at);
  return Buffer.concat([header.take(), writer.take()]);
}

/** Bytes of a key as HAProxy declares them: texts have one more, for their end. */
function wireKeyBytes({ keyType, keyBytes }: StickTable["plan"]): number {
  return keyType === "string" ? keyBytes + 1 : keyBytes;
}

function storedTypes({ layout }: StickTable): DataType[] {
  return DATA_TYPES.filter(({ id }) => layout.dataAt[id]! >= 0);
}

export function definition(table: StickTable, id: number): Buffer {
  const { plan, layout } = table;
  const types = storedTypes(table);
  writer.reset();
  writer.packed(id);
  const name = Buffer.from(plan.wireName, "latin1");
  writer.packed(name.length);
  writer.bytes(name);
  writer.packed(WIRE_TYPES[plan.keyType]);
  writer.packed(wireKeyBytes(plan));
  writer.packed(types.reduce((bits, type) => bits + 2 ** type.id, 0));
  writer.packed(plan.expireMs);
  for (const { id: type, isArray, kind } of types) {
    if (!isArray && kind !== "frqp") continue;
    writer.packed(type);
    if (isArray) writer.packed(layout.dataCount[type]!);
    if (kind === "frqp") writer.packed(layout.dataPeriodMs[type]!);
  }
  return finish(TABLE_MESSAGE.define);
}

export interface UpdateOptions {
  readonly id: number;
  /** Protocol 2.1, when everything is taught: with how long the entry will live yet. */
  readonly isTimed: boolean;
  readonly words: SentWords;
  readonly keys: ServerKeys;
  readonly now: number;
}

/** The whole entry, which is held by the caller. */
export function update(table: StickTable, slot: number, options: UpdateOptions): Buffer {
  const { id, isTimed } = options;
  writer.reset();
  writer.word(id);
  if (isTimed) writer.word(table.plan.expireMs === 0 ? 0 : Math.max(0, table.remainingMs(slot)));
  writeKey(table, slot);
  for (const type of storedTypes(table)) {
    for (let element = 0; element < table.layout.dataCount[type.id]!; element++) {
      writeValue(table, type, valueAt(table, slot, type.id, element, KIND_WORDS[type.kind]), options);
    }
  }
  return finish(isTimed ? TABLE_MESSAGE.timed : TABLE_MESSAGE.update);
}

function writeKey(table: StickTable, slot: number): void {
  table.keyOf(table, slot);
  const { keyBytes, keyStart, keyLength } = table;
  if (table.plan.keyType === "integer") {
    writer.word(table.key[0]!);
    return;
  }
  if (table.plan.keyType !== "string") {
    writer.bytes(keyBytes, 0, keyLength);
    return;
  }
  // A text ends at its first NUL.
  const end = keyBytes.subarray(keyStart, keyStart + keyLength).indexOf(0);
  const length = end < 0 ? keyLength : end;
  writer.packed(length);
  writer.bytes(keyBytes, keyStart, keyStart + length);
}

function writeValue(table: StickTable, { kind }: DataType, at: number, { words, keys, now }: UpdateOptions): void {
  switch (kind) {
    case "sint":
      writer.packedSigned(table.rows[at]!);
      break;
    case "uint":
      writer.packed(readUint(table.rows, at));
      break;
    case "ull":
      writer.packed(readLong(table.rows, at));
      break;
    case "frqp":
      snapshotRate(table.rows, at, now);
      writer.packed(rate.elapsedMs);
      writer.packed(rate.running);
      writer.packed(rate.last);
      break;
    case "dict":
      writeWord(readUint(table.rows, at), words, keys);
  }
}

function writeWord(word: number, words: SentWords, keys: ServerKeys): void {
  const text = keys.word(word);
  if (text === null) {
    writer.packed(0);
    return;
  }
  const number = words.numberOf(word);
  if (number > 0) {
    writer.packed(1);
    writer.packed(number);
    return;
  }
  const bytes = Buffer.from(text, "latin1");
  const lengthBytes = bytes.length < 240 ? 1 : 2;
  writer.packed(1 + lengthBytes + bytes.length);
  writer.packed(-number);
  writer.packed(bytes.length);
  writer.bytes(bytes);
}

export function acknowledgement(remoteId: number, update: number): Buffer {
  writer.reset();
  writer.packed(remoteId);
  writer.word(update);
  return finish(TABLE_MESSAGE.ack);
}

/** Reads a definition. null: it is about nothing that we have, or its keys differ; `reader.failed`: it is malformed. */
export function readDefinition(
  reader: ByteReader,
  bytes: Uint8Array,
  tables: readonly StickTable[],
): { readonly id: number; readonly remote: RemoteTable | null } {
  const id = reader.packed();
  const length = reader.packed();
  const start = reader.skip(length);
  if (reader.failed || length === 0) {
    reader.failed = true;
    return { id, remote: null };
  }
  const name = Buffer.from(bytes.subarray(start, start + length)).toString("latin1");
  const table = tables.find(({ plan }) => plan.wireName === name);
  const keyType = reader.packed();
  const keyBytes = reader.packed();
  const bits = reader.packed();
  if (reader.failed || table === undefined) return { id, remote: null };
  if (WIRE_TYPES[table.plan.keyType] !== keyType || wireKeyBytes(table.plan) !== keyBytes) return { id, remote: null };
  const stored = DATA_TYPES.filter((type) => Math.floor(bits / 2 ** type.id) % 2 === 1);
  // What 2.0 does not say: without the lengths of arrays their values cannot be read.
  const hasParameters = reader.at < reader.end;
  if (hasParameters) reader.packed();
  const types: { type: DataType; count: number }[] = [];
  for (const type of stored) {
    const hasOwn = type.isArray || type.kind === "frqp";
    if (hasOwn && !hasParameters && type.isArray) return { id, remote: null };
    if (hasOwn && hasParameters && reader.packed() !== type.id) return { id, remote: null };
    const count = type.isArray ? reader.packed() : 1;
    if (hasParameters && type.kind === "frqp") reader.packed();
    if (reader.failed) {
      reader.failed = false;
      return { id, remote: null };
    }
    types.push({ type, count });
  }
  return { id, remote: { table, types } };
}

export interface UpdateReading {
  readonly hasId: boolean;
  readonly isTimed: boolean;
  /** Words that the peer has numbered, by number - 1. */
  readonly words: (number | undefined)[];
  readonly keys: ServerKeys;
  readonly now: number;
}

/**
 * Reads an update and enters it into our table. `reader.failed`: it is malformed.
 * @returns its number, null when it has none of its own
 */
export function readUpdate(
  reader: ByteReader,
  bytes: Uint8Array,
  remote: RemoteTable,
  options: UpdateReading,
  writeTo: StickTable | null,
): number | null {
  const { table } = remote;
  const id = options.hasId ? reader.word() : null;
  const expiry = options.isTimed ? Math.min(reader.word(), table.plan.expireMs) : table.plan.expireMs;
  if (!readKey(reader, bytes, table)) return id;
  const slot = table.obtain();
  const data = reader.at;
  if (slot >= 0) {
    readValues(reader, bytes, remote, table, slot, options);
    table.expiries[slot] = (options.now + expiry) | 0;
    if (writeTo !== null && !reader.failed) {
      writeTo.keyOf(table, slot);
      const copy = writeTo.obtain();
      if (copy >= 0) {
        reader.at = data;
        readValues(reader, bytes, remote, writeTo, copy, options);
        writeTo.touch(copy);
        writeTo.release(copy);
      }
    }
    table.release(slot);
  }
  return id;
}

function readKey(reader: ByteReader, bytes: Uint8Array, table: StickTable): boolean {
  switch (table.plan.keyType) {
    case "integer":
      table.keyInteger(reader.word() | 0);
      break;
    case "string": {
      const length = reader.packed();
      const start = reader.skip(length);
      if (!reader.failed) table.keyText(bytes, start, start + length);
      break;
    }
    default: {
      const start = reader.skip(table.plan.keyBytes);
      if (!reader.failed) table.keyBinary(bytes, start, start + table.plan.keyBytes);
    }
  }
  return !reader.failed;
}

/** What may be copied into another table: values that stand for themselves, not sums. */
const AS_IS: ReadonlySet<string> = new Set(["server_id", "server_key", "gpt", "gpt0"]);

function readValues(
  reader: ByteReader,
  bytes: Uint8Array,
  remote: RemoteTable,
  table: StickTable,
  slot: number,
  options: UpdateReading,
): void {
  for (const { type, count } of remote.types) {
    const isIgnored =
      (type.isLocal && !remote.table.plan.receiveOnly) || (table !== remote.table && !AS_IS.has(type.name));
    for (let element = 0; element < count && !reader.failed; element++) {
      const at = isIgnored ? -1 : valueAt(table, slot, type.id, element, KIND_WORDS[type.kind]);
      readValue(reader, bytes, type, table, at, options);
    }
  }
}

/** @param at where the value goes, -1: nowhere */
function readValue(
  reader: ByteReader,
  bytes: Uint8Array,
  { kind }: DataType,
  table: StickTable,
  at: number,
  options: UpdateReading,
): void {
  const value = reader.packed();
  const { low } = reader;
  if (kind === "frqp") {
    const running = reader.packedWord();
    const last = reader.packedWord();
    if (at >= 0 && !reader.failed) writeRate(table.rows, at, options.now, Math.min(value, 0x7fffffff), running, last);
  } else if (kind === "dict") {
    const word = value === 0 ? 0 : readWord(reader, bytes, value, options);
    if (at >= 0 && word > 0) Atomics.store(table.rows, at, word);
  } else if (at < 0 || reader.failed) return;
  else if (kind === "ull") writeLong(table.rows, at, value);
  else Atomics.store(table.rows, at, low);
}

/** A word by its number, or a number with its word; 0: unknown. */
function readWord(reader: ByteReader, bytes: Uint8Array, length: number, { words, keys }: UpdateReading): number {
  const end = reader.at + length;
  const number = reader.packed();
  if (end > reader.end || number < 1 || number > DICTIONARY_MAX || reader.at > end) {
    reader.failed = true;
    return 0;
  }
  if (reader.at === end) return words[number - 1] ?? 0;
  const textLength = reader.packed();
  const start = reader.skip(textLength);
  if (reader.failed || reader.at > end) {
    reader.failed = true;
    return 0;
  }
  const word = keys.number(Buffer.from(bytes.subarray(start, start + textLength)).toString("latin1"));
  words[number - 1] = word;
  return word;
}
