// Converters that look a value up in a stick-table: `in_table(t)`, `table_http_req_rate(t)`, `table_expire(t,0)` … configuration.txt 7.3.1.
// Without an entry they give 0 (table_expire and table_idle: what their second argument says, or nothing).

import { readUint, valueAt } from "../../stick-table/counters.ts";
import { DATA_TYPE_BY_NAME } from "../../stick-table/data-types.ts";
import { compileValueKey } from "../../stick-table/key.ts";
import type { StickTable } from "../../stick-table/table.ts";
import type { SampleContext } from "../context.ts";
import { STICK_READINGS } from "../stick.table.ts";
import { readingOf } from "../stick-reading.ts";
import { TYPE } from "../types.ts";
import type { SampleValue } from "../value.ts";
import type { ConverterCompiler } from "./converter.ts";

const SERVER_ID = DATA_TYPE_BY_NAME.get("server_id")!.id;

const tableOf = (ctx: SampleContext, argument: string | number | undefined): StickTable =>
  ctx.shared.stickTables.tables[Number(argument)]!;

function give(value: SampleValue, number: number): boolean {
  if (Number.isNaN(number)) return false;
  value.type = TYPE.sint;
  value.int = number;
  return true;
}

/** @param missing what it is without an entry; NaN: not found */
function lookup(read: (table: StickTable, slot: number) => number, missing = 0): ConverterCompiler {
  return (ctx, args) => {
    const table = tableOf(ctx, args[0]);
    const setKey = compileValueKey(table);
    return (value) => {
      const slot = setKey(value) ? table.find() : -1;
      if (slot < 0) return give(value, missing);
      const number = read(table, slot);
      table.release(slot);
      return give(value, number);
    };
  };
}

function withDefault(read: (table: StickTable, slot: number) => number): ConverterCompiler {
  return (ctx, args) => {
    const missing = args[1] === undefined || args[1] === "" ? Number.NaN : Number(args[1]);
    return lookup(read, missing)(ctx, args);
  };
}

const inTable: ConverterCompiler = (ctx, args) => {
  const table = tableOf(ctx, args[0]);
  const setKey = compileValueKey(table);
  return (value) => {
    const slot = setKey(value) ? table.find() : -1;
    if (slot >= 0) table.release(slot);
    value.type = TYPE.bool;
    value.int = slot >= 0 ? 1 : 0;
    return true;
  };
};

/** `table_…` of everything that fetches read, too. */
function reading(name: string, element: boolean): ConverterCompiler {
  return (ctx, args) => {
    const table = tableOf(ctx, args[element ? 1 : 0]);
    const setKey = compileValueKey(table);
    const { read, makes } = readingOf(name, element ? Number(args[0]) : 0, ctx.shared.stickTables);
    return (value) => {
      const slot = !setKey(value) ? -1 : makes ? table.obtain() : table.find();
      if (slot < 0) return give(value, 0);
      const number = read(table, slot);
      table.release(slot);
      return give(value, number);
    };
  };
}

/** By name, see converters.table.ts. */
export const STICK_CONVERTERS: Readonly<Record<string, ConverterCompiler>> = {
  ...Object.fromEntries(
    STICK_READINGS.filter(({ name, converter }) => converter !== null && name !== "trackers").map(
      ({ name, element, converter }) => [converter, reading(name, element)],
    ),
  ),
  in_table: inTable,
  table_expire: withDefault((table, slot) => Math.max(0, table.remainingMs(slot))),
  table_idle: withDefault((table, slot) =>
    table.plan.expireMs === 0 ? 0 : Math.max(0, table.plan.expireMs - table.remainingMs(slot)),
  ),
  table_server_id: lookup((table, slot) => {
    const at = valueAt(table, slot, SERVER_ID);
    return at < 0 ? Number.NaN : readUint(table.rows, at);
  }),
  // The lookup itself is counted, as in HAProxy.
  table_trackers: lookup((table, slot) => table.users(slot)),
};
