// Fetches of stick-tables: of entries that the stream follows (`sc_…`), of the entry of the client's address (`src_…`), and of tables as such.
// configuration.txt 7.3.2 and 7.3.3.

import type { SamplePlan } from "../../plan/expression.ts";
import { addUint, valueAt } from "../../stick-table/counters.ts";
import { DATA_TYPE_BY_NAME } from "../../stick-table/data-types.ts";
import { compileValueKey } from "../../stick-table/key.ts";
import type { StickTable } from "../../stick-table/table.ts";
import type { Tracking } from "../../stick-table/tracking.ts";
import type { Stream } from "../../stream/stream.ts";
import type { SampleContext } from "../context.ts";
import { NUMBERED_COUNTERS, STICK_READINGS, type StickReading } from "../stick.table.ts";
import { type EntryReading, readingOf } from "../stick-reading.ts";
import { TYPE } from "../types.ts";
import type { Result } from "../value.ts";
import { CLIENT_FETCHES } from "./client.ts";
import { type FetchCompiler, type FetchFunction, integerArgument, single } from "./fetch.ts";

const FAIL = 0;
const PASS = 2;
const SRC: SamplePlan = { fetch: "src", arguments: [], converters: [] };
const CONN_CNT = DATA_TYPE_BY_NAME.get("conn_cnt")!.id;

/** The client's address as the table's key. */
function compileSourceKey(table: StickTable, ctx: SampleContext): (stream: Stream) => boolean {
  const source = CLIENT_FETCHES.src!(ctx, SRC, false).first;
  const setKey = compileValueKey(table);
  return (stream) => source(stream) === PASS && setKey(ctx.value);
}

/** Gives the context's value an integer; NaN: there is none. */
export function giveInteger(ctx: SampleContext, number: number): Result {
  if (Number.isNaN(number)) return FAIL;
  ctx.value.type = TYPE.sint;
  ctx.value.int = number;
  return PASS;
}

/** Reads an entry that was looked up in the table (-1: none) and releases it. Without one it is 0. */
export function readFound(ctx: SampleContext, table: StickTable, slot: number, reading: EntryReading): Result {
  if (slot < 0) return giveInteger(ctx, 0);
  const number = reading.read(table, slot);
  table.release(slot);
  return giveInteger(ctx, number);
}

/** The table of an argument, null when none was given. */
function tableArgument(ctx: SampleContext, plan: SamplePlan, index: number): StickTable | null {
  const argument = plan.arguments[index];
  return typeof argument !== "number" || argument < 0 ? null : ctx.shared.stickTables.tables[argument]!;
}

/** The same key in another table: its entry, held; -1: none, -2: the tables' keys differ. */
function elsewhere(other: StickTable, tracking: Tracking, counter: number, makes: boolean): number {
  const table = tracking.tableAt(counter);
  if (other.plan.keyType !== table.plan.keyType || other.plan.keyBytes !== table.plan.keyBytes) return -2;
  other.keyOf(table, tracking.slotAt(counter));
  return makes ? other.obtain() : other.find();
}

/** @param fixed number of the counter, -1: it is an argument */
function trackedFetch({ name, element }: StickReading, fixed: number): FetchCompiler {
  return (ctx, plan) => {
    const { tracking } = ctx;
    let at = 0;
    const index = element ? integerArgument(plan, at++, 0) : 0;
    const number = fixed >= 0 ? fixed : integerArgument(plan, at++, 0);
    const other = tableArgument(ctx, plan, at);
    if (tracking === null) return single(name === "tracked" ? isTracked(ctx, null, number, other) : () => FAIL);
    if (name === "tracked") return single(isTracked(ctx, tracking, number, other));
    if (name === "trackers") return single(trackers(ctx, tracking, number, other));
    const reading = readingOf(name, index, ctx.shared.stickTables);
    return single((stream) => {
      const counter = tracking.seen(stream, number);
      if (counter < 0) return FAIL;
      if (other === null) {
        return giveInteger(ctx, reading.read(tracking.tableAt(counter), tracking.slotAt(counter)));
      }
      const slot = elsewhere(other, tracking, counter, reading.makes);
      return slot === -2 ? FAIL : readFound(ctx, other, slot, reading);
    });
  };
}

function isTracked(
  ctx: SampleContext,
  tracking: Tracking | null,
  number: number,
  other: StickTable | null,
): FetchFunction {
  return (stream) => {
    const counter = tracking === null ? -1 : tracking.seen(stream, number);
    let found = counter >= 0;
    if (found && other !== null) {
      const slot = elsewhere(other, tracking!, counter, false);
      found = slot !== -2;
      if (slot >= 0) other.release(slot);
    }
    ctx.value.type = TYPE.bool;
    ctx.value.int = found ? 1 : 0;
    return PASS;
  };
}

function trackers(ctx: SampleContext, tracking: Tracking, number: number, other: StickTable | null): FetchFunction {
  return (stream) => {
    const counter = tracking.seen(stream, number);
    if (counter < 0) return FAIL;
    if (other === null) return giveInteger(ctx, tracking.tableAt(counter).users(tracking.slotAt(counter)));
    const slot = elsewhere(other, tracking, counter, false);
    if (slot === -2) return FAIL;
    if (slot < 0) return giveInteger(ctx, 0);
    const users = other.users(slot) - 1;
    other.release(slot);
    return giveInteger(ctx, users);
  };
}

function sourceFetch({ name, element }: StickReading): FetchCompiler {
  return (ctx, plan) => {
    const table = tableArgument(ctx, plan, element ? 1 : 0)!;
    const setKey = compileSourceKey(table, ctx);
    const reading = readingOf(name, element ? integerArgument(plan, 0, 0) : 0, ctx.shared.stickTables);
    return single((stream) => {
      if (!setKey(stream)) return FAIL;
      return readFound(ctx, table, reading.makes ? table.obtain() : table.find(), reading);
    });
  };
}

/** `src_updt_conn_cnt`: counts, from times before there was `track-sc`. */
const updateConnections: FetchCompiler = (ctx, plan) => {
  const table = tableArgument(ctx, plan, 0)!;
  const setKey = compileSourceKey(table, ctx);
  return single((stream) => {
    if (!setKey(stream)) return FAIL;
    const slot = table.obtain();
    if (slot < 0) return FAIL;
    const at = valueAt(table, slot, CONN_CNT);
    const count = at < 0 ? Number.NaN : addUint(table.rows, at, 1);
    if (at >= 0) table.touch(slot);
    table.release(slot);
    return giveInteger(ctx, count);
  });
};

/** `sc_key(0)`: the key that is followed, in its own type. */
function keyFetch(fixed: number): FetchCompiler {
  return (ctx, plan) => {
    const { tracking, value } = ctx;
    const number = fixed >= 0 ? fixed : integerArgument(plan, 0, 0);
    if (tracking === null) return single(() => FAIL);
    return single((stream: Stream) => {
      const counter = tracking.seen(stream, number);
      if (counter < 0) return FAIL;
      const table = tracking.tableAt(counter);
      table.keyOf(table, tracking.slotAt(counter));
      const { keyBytes, keyStart, keyLength } = table;
      switch (table.plan.keyType) {
        case "ip":
        case "ipv6":
          value.type = table.plan.keyType === "ip" ? TYPE.ipv4 : TYPE.ipv6;
          for (let i = 0; i < keyLength; i++) value.address[i] = keyBytes[i]!;
          return PASS;
        case "integer":
          return giveInteger(ctx, table.key[0]! >>> 0);
        default: {
          value.type = table.plan.keyType === "string" ? TYPE.str : TYPE.bin;
          const scratch = value.scratch();
          for (let i = 0; i < keyLength; i++) scratch[i] = keyBytes[keyStart + i]!;
          value.bytes = scratch;
          value.start = 0;
          value.end = keyLength;
          return PASS;
        }
      }
    });
  };
}

function tableFetch(read: (table: StickTable) => number): FetchCompiler {
  return (ctx, plan) => {
    const table = tableArgument(ctx, plan, 0)!;
    return single(() => giveInteger(ctx, read(table)));
  };
}

/** By canonical name, see fetches.table.ts. */
export const STICK_FETCHES: Readonly<Record<string, FetchCompiler>> = {
  ...Object.fromEntries(
    STICK_READINGS.flatMap((reading) => [
      [`sc_${reading.name}`, trackedFetch(reading, -1)],
      ...NUMBERED_COUNTERS.filter(() => !reading.element).map((number) => [
        `sc${number}_${reading.name}`,
        trackedFetch(reading, number),
      ]),
      ...(reading.trackedOnly ? [] : [[`src_${reading.name}`, sourceFetch(reading)]]),
    ]),
  ),
  sc_key: keyFetch(-1),
  ...Object.fromEntries(NUMBERED_COUNTERS.map((number) => [`sc${number}_key`, keyFetch(number)])),
  src_updt_conn_cnt: updateConnections,
  table_avl: tableFetch((table) => Math.max(0, table.plan.size - table.count)),
  table_cnt: tableFetch((table) => table.count),
};
