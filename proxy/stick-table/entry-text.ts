// Entries of stick-tables for people: `show table`'s lines, and data by the names that people write (`gpc3_rate`, `http_req_cnt`).

import { formatAddress } from "../../shared/ip/text.ts";
import { readLong, readRate, readUint, valueAt, writeLong, writeRate } from "./counters.ts";
import { DATA_TYPE_BY_NAME, DATA_TYPES, type DataType, KIND_WORDS } from "./data-types.ts";
import type { ServerKeys } from "./server-keys.ts";
import type { StickTable } from "./table.ts";

/** A data type, and which element of it. */
export interface Value {
  readonly type: DataType;
  readonly element: number;
}

const POINTER_BASE = 0x7f0000000000;

/** What stands for an entry's address in HAProxy's process: the table and the slot. */
export function pointerText(table: StickTable, slot: number): string {
  return `0x${(POINTER_BASE + table.plan.index * 2 ** 32 + slot).toString(16)}`;
}

/** `gpc3_rate` is element 3 of gpc_rate, when the table has no data of that very name. */
export function valueNamed(table: StickTable, name: string): Value | "unknown" | "not stored" {
  const exact = DATA_TYPE_BY_NAME.get(name);
  if (exact !== undefined && !exact.isArray && isStored(table, exact)) return { type: exact, element: 0 };
  const [, head, number, tail = ""] = /^(gp[ct])(\d+)(_rate)?$/.exec(name) ?? [];
  const array = head === undefined ? undefined : DATA_TYPE_BY_NAME.get(`${head}${tail}`);
  if (array !== undefined && isStored(table, array)) return { type: array, element: Number(number) };
  return exact === undefined && array === undefined ? "unknown" : "not stored";
}

function isStored(table: StickTable, type: DataType): boolean {
  return table.layout.dataAt[type.id]! >= 0;
}

/** The value as a number, null: there is no such element. */
export function readValue(table: StickTable, slot: number, { type, element }: Value, now: number): number | null {
  const at = valueAt(table, slot, type.id, element, KIND_WORDS[type.kind]);
  if (at < 0) return null;
  switch (type.kind) {
    case "sint":
      return table.rows[at]!;
    case "uint":
    case "dict":
      return readUint(table.rows, at);
    case "ull":
      return readLong(table.rows, at);
    case "frqp": {
      const rate = readRate(table.rows, at, table.layout.dataPeriodMs[type.id]!, now);
      return type.name.startsWith("bytes") ? rate * table.plan.byteRateFactor : rate;
    }
  }
}

/** Sets a value; a rate gets it as the events of a period that begins now. False: there is no such element. */
export function writeValue(
  table: StickTable,
  slot: number,
  { type, element }: Value,
  value: number,
  now: number,
): boolean {
  const at = valueAt(table, slot, type.id, element, KIND_WORDS[type.kind]);
  if (at < 0) return false;
  if (type.kind === "ull") writeLong(table.rows, at, value);
  else if (type.kind === "frqp") writeRate(table.rows, at, now, 0, value | 0, 0);
  else if (type.kind !== "dict") Atomics.store(table.rows, at, value | 0);
  return true;
}

/** `0x7f…: key=10.0.0.1 use=0 exp=59000 shard=0 http_req_cnt=3 …`. The entry is held by the caller, who does not count as a user. */
export function entryText(table: StickTable, slot: number, now: number, keys: ServerKeys): string {
  const expires = table.plan.expireMs === 0 ? 0 : Math.max(0, table.remainingMs(slot));
  const parts = [
    `${pointerText(table, slot)}: key=${keyText(table, slot)} use=${table.users(slot) - 1} exp=${expires} shard=0`,
  ];
  for (const type of DATA_TYPES) {
    if (!isStored(table, type)) continue;
    const period = type.hasPeriod ? `(${table.layout.dataPeriodMs[type.id]})` : "";
    for (let element = 0; element < table.layout.dataCount[type.id]!; element++) {
      const name = type.isArray ? type.name.replace(/^(gp[ct])/, `$1${element}`) : type.name;
      const value = readValue(table, slot, { type, element }, now)!;
      parts.push(`${name}${period}=${type.kind === "dict" ? (keys.word(value) ?? "-") : value}`);
    }
  }
  return `${parts.join(" ")}\n`;
}

function keyText(table: StickTable, slot: number): string {
  table.keyOf(table, slot);
  const bytes = table.keyBytes.subarray(table.keyStart, table.keyStart + table.keyLength);
  switch (table.plan.keyType) {
    case "ip":
    case "ipv6":
      return formatAddress(bytes.slice());
    case "integer":
      return String(table.key[0]! >>> 0);
    case "string":
      return escaped(bytes);
    case "binary":
      return Buffer.from(bytes).toString("hex").toUpperCase();
  }
}

const ESCAPES: ReadonlyMap<number, string> = new Map([
  ...[
    [9, "\\t"],
    [10, "\\n"],
    [13, "\\r"],
    [27, "\\e"],
    [32, "\\ "],
    [61, "\\="],
    [92, "\\\\"],
  ].map(([byte, text]) => [byte, text] as [number, string]),
]);

/** Up to the first NUL, as HAProxy prints it. */
function escaped(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    if (byte === 0) break;
    const known = ESCAPES.get(byte);
    if (known !== undefined) text += known;
    else if (byte > 32 && byte < 127) text += String.fromCharCode(byte);
    else text += `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return text;
}
