// What the fetches and converters of stick-tables do with an entry that they have found: read a value, or change it and give the new one.

import { addRate, addUint, readLong, readRate, readUint, valueAt } from "../stick-table/counters.ts";
import { DATA_TYPE_BY_NAME, KIND_WORDS } from "../stick-table/data-types.ts";
import type { StickTable } from "../stick-table/table.ts";
import type { StickTables } from "../stick-table/tables.ts";

const RATE_WORDS = KIND_WORDS.frqp;
const KBYTES_SHIFT = 1024;

/** The value, NaN: the table does not store it. The entry is held. */
export type Reading = (table: StickTable, slot: number) => number;

export interface EntryReading {
  readonly read: Reading;
  /** An entry that is not there yet is made. */
  readonly makes: boolean;
}

const idOf = (name: string): number => DATA_TYPE_BY_NAME.get(name)!.id;
const GPC = idOf("gpc");
const GPC_RATE = idOf("gpc_rate");
const GPT = idOf("gpt");

function uint(name: string): Reading {
  const id = idOf(name);
  return (table, slot) => {
    const at = valueAt(table, slot, id);
    return at < 0 ? Number.NaN : readUint(table.rows, at);
  };
}

function rateOf(tables: StickTables, name: string): Reading {
  const id = idOf(name);
  const isBytes = name.startsWith("bytes");
  return (table, slot) => {
    const at = valueAt(table, slot, id);
    if (at < 0) return Number.NaN;
    const events = readRate(table.rows, at, table.layout.dataPeriodMs[id]!, tables.clock.sharedMs);
    return isBytes ? events * table.plan.byteRateFactor : events;
  };
}

function kbytes(name: string): Reading {
  const id = idOf(name);
  return (table, slot) => {
    const at = valueAt(table, slot, id);
    return at < 0 ? Number.NaN : Math.floor(readLong(table.rows, at) / KBYTES_SHIFT);
  };
}

/** Word of a general purpose counter or tag: the one of that number if the table has it (`own`, -1: not asked), else the array's element. */
function wordOf(table: StickTable, slot: number, own: number, array: number, element: number): number {
  const at = own < 0 ? -1 : valueAt(table, slot, own);
  return at >= 0 ? at : valueAt(table, slot, array, element);
}

function gp(own: number, array: number, element: number): Reading {
  return (table, slot) => {
    const at = wordOf(table, slot, own, array, element);
    return at < 0 ? Number.NaN : readUint(table.rows, at);
  };
}

function clear(own: number, element: number): Reading {
  return (table, slot) => {
    const at = wordOf(table, slot, own, GPC, element);
    if (at < 0) return Number.NaN;
    const before = Atomics.exchange(table.rows, at, 0) >>> 0;
    table.touch(slot);
    return before;
  };
}

function gpcRate(tables: StickTables, own: number, element: number): Reading {
  return (table, slot) => {
    const at = own < 0 ? -1 : valueAt(table, slot, own);
    const rateAt = at >= 0 ? at : valueAt(table, slot, GPC_RATE, element, RATE_WORDS);
    if (rateAt < 0) return Number.NaN;
    const periodMs = table.layout.dataPeriodMs[at >= 0 ? own : GPC_RATE]!;
    return readRate(table.rows, rateAt, periodMs, tables.clock.sharedMs);
  };
}

/**
 * Adds to a general purpose counter and to its rate, whichever of them the table has. Returns the counter, else the events of the
 * rate's running period; NaN: it has neither.
 * @param isSingle `gpc0`, `gpc1`: the array of counters only stands in for them
 */
export function addToCounter(
  tables: StickTables,
  table: StickTable,
  slot: number,
  element: number,
  isSingle: boolean,
  count: number,
): number {
  const ownRate = isSingle ? idOf(`gpc${element}_rate`) : -1;
  const own = isSingle ? idOf(`gpc${element}`) : -1;
  return addTo(tables, table, slot, own, ownRate, element, count);
}

function addTo(
  tables: StickTables,
  table: StickTable,
  slot: number,
  own: number,
  ownRate: number,
  element: number,
  count: number,
): number {
  const at = wordOf(table, slot, own, GPC, element);
  const ownRateAt = ownRate < 0 ? -1 : valueAt(table, slot, ownRate);
  const rateAt = ownRateAt >= 0 ? ownRateAt : valueAt(table, slot, GPC_RATE, element, RATE_WORDS);
  if (at < 0 && rateAt < 0) return Number.NaN;
  let result = 0;
  if (rateAt >= 0) {
    const periodMs = table.layout.dataPeriodMs[ownRateAt >= 0 ? ownRate : GPC_RATE]!;
    result = addRate(table.rows, rateAt, periodMs, tables.clock.sharedMs, count);
  }
  if (at >= 0) result = addUint(table.rows, at, count);
  table.touch(slot);
  return result;
}

/** Sets a general purpose tag. */
export function setTag(table: StickTable, slot: number, element: number, isSingle: boolean, value: number): void {
  const at = wordOf(table, slot, isSingle ? idOf("gpt0") : -1, GPT, element);
  if (at < 0) return;
  Atomics.store(table.rows, at, value | 0);
  table.touch(slot);
}

/** @param element of `get_gpc(3)` and its kin */
export function readingOf(name: string, element: number, tables: StickTables): EntryReading {
  const single = /^(get|clr|inc)_(gp[ct])([01])$/.exec(name);
  if (single !== null) {
    const number = Number(single[3]);
    return generalPurpose(single[1]!, single[2]!, idOf(`${single[2]}${number}`), number, tables);
  }
  const array = /^(get|clr|inc)_(gp[ct])$/.exec(name);
  if (array !== null) return generalPurpose(array[1]!, array[2]!, -1, element, tables);
  const rate = /^gpc([01])?_rate$/.exec(name);
  if (rate !== null) {
    const number = rate[1] === undefined ? element : Number(rate[1]);
    return { read: gpcRate(tables, rate[1] === undefined ? -1 : idOf(name), number), makes: false };
  }
  if (name.startsWith("kbytes")) return { read: kbytes(name.replace("kbytes", "bytes").concat("_cnt")), makes: false };
  return { read: name.endsWith("_rate") ? rateOf(tables, name) : uint(name), makes: false };
}

function generalPurpose(verb: string, kind: string, own: number, element: number, tables: StickTables): EntryReading {
  if (verb === "get") return { read: gp(own, kind === "gpt" ? GPT : GPC, element), makes: false };
  if (verb === "clr") return { read: clear(own, element), makes: true };
  const ownRate = own < 0 ? -1 : idOf(`gpc${element}_rate`);
  return { read: (table, slot) => addTo(tables, table, slot, own, ownRate, element, 1), makes: true };
}
