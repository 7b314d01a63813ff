// `show table`, `set table`, `clear table`: the entries of stick-tables.
//
//   show table [<table> [data.<type> <op> <value>]* | <table> key <key> | <table> ptr <ptr>]
//   set table <table> key <key> [data.<type> <value>]*
//   clear table <table> [data.<type> <op> <value> | key <key> | ptr <ptr>]

import { parseAddress } from "../../../shared/ip/text.ts";
import { textBytes } from "../../sample/value.ts";
import { entryText, pointerText, readValue, type Value, valueNamed, writeValue } from "../../stick-table/entry-text.ts";
import type { StickTable } from "../../stick-table/table.ts";
import {
  type Answer,
  allows,
  type Command,
  type CommandCall,
  failure,
  NOTHING,
  PERMISSION_DENIED,
  type RuntimeContext,
} from "./command.ts";

const FILTERS_MAX = 4;
const OPERATORS: Readonly<Record<string, (data: number, value: number) => boolean>> = {
  eq: (data, value) => data === value,
  ne: (data, value) => data !== value,
  le: (data, value) => data <= value,
  ge: (data, value) => data >= value,
  lt: (data, value) => data < value,
  gt: (data, value) => data > value,
};
/** Larger tables are not searched for old entries only to be counted. */
const SWEEP_SLOTS_MAX = 1 << 22;

type Action = "show" | "set" | "clear";

const WRONG_ARGUMENTS: Readonly<Record<Action, string>> = {
  show: 'Optional argument only supports "data.<store_data_type>" <operator> <value> or key <key> or ptr <ptr>\n',
  clear:
    'Required arguments: <table> "data.<store_data_type>" <operator> <value> or <table> key <key> or <table> ptr <ptr>\n',
  set: "Required arguments: <table> key <key> [data.<store_data_type> <value>]* or <table> ptr <ptr> [data.<store_data_type> <value>]*\n",
};

const WRONG_TYPE: Readonly<Record<Action, string>> = {
  show: "Showing keys from tables of type other than ip, ipv6, string and integer is not supported\n",
  clear: "Removing keys from tables of type other than ip, ipv6, string and integer is not supported\n",
  set: "Inserting keys into tables of type other than ip, ipv6, string and integer is not supported\n",
};

interface Filter {
  readonly value: Value;
  readonly holds: (data: number, value: number) => boolean;
  readonly than: number;
}

function command(action: Action, usage: string, description: string): Command {
  return {
    words: [action, "table"],
    usage,
    description,
    level: "user",
    run: (call, context) => run(action, call, context),
  };
}

export const showTable = command(
  "show",
  "show table [<table> [<filter>]*]",
  "report table usage stats or dump this table's contents (filter: data/key)",
);
export const setTable = command(
  "set",
  "set table <table> key <k> [data.* <v>]*",
  "update or create a table entry's data",
);
export const clearTable = command(
  "clear",
  "clear table <table> [<filter>]*",
  "remove an entry from a table (filter: data/key)",
);

function run(action: Action, call: CommandCall, context: RuntimeContext): Answer {
  const { args, session } = call;
  const { tables } = context.control.shared.stickTables;
  const [name, form] = args;
  if (name === undefined) {
    if (action !== "show") return failure(WRONG_ARGUMENTS[action]);
    return { text: tables.map(head).join("") };
  }
  const table = tables.find(({ plan }) => plan.name === name);
  if (table === undefined) return failure("No such table\n");
  const mayRead = allows(session.level, "operator");
  if (action !== "show" && !mayRead) return PERMISSION_DENIED;
  if (form === "key" || form === "ptr") return single(action, table, args, mayRead, context);
  if (form?.startsWith("data.")) {
    const filters = filtersOf(action, table, args);
    return Array.isArray(filters) ? all(action, table, filters, mayRead, context) : (filters as Answer);
  }
  // As HAProxy.
  if (action === "set" && form === undefined) return NOTHING;
  if (form !== undefined || action === "set") return failure(WRONG_ARGUMENTS[action]);
  return all(action, table, [], mayRead, context);
}

function head(table: StickTable): string {
  const { name, keyType, size } = table.plan;
  if (table.layout.slots <= SWEEP_SLOTS_MAX) table.sweep(0, table.layout.slots);
  return `# table: ${name}, type: ${keyType}, size:${size}, used:${table.count}\n`;
}

/** All entries, or those that the filters choose. */
function all(
  action: Action,
  table: StickTable,
  filters: readonly Filter[],
  mayRead: boolean,
  context: RuntimeContext,
): Answer {
  const { clock, serverKeys } = context.control.shared.stickTables;
  const lines: string[] = action === "show" ? [head(table)] : [];
  if (!mayRead) return { text: `${lines.join("")}# contents not dumped due to insufficient privileges\n` };
  for (let slot = 0; slot < table.layout.slots; slot++) {
    if (!table.hold(slot)) continue;
    const isChosen =
      !(table.isExpired(slot) && table.users(slot) === 1) &&
      filters.every(({ value, holds, than }) => {
        const data = readValue(table, slot, value, clock.sharedMs);
        return data !== null && holds(data, than);
      });
    if (action === "clear" && isChosen) {
      table.remove(slot);
      continue;
    }
    if (isChosen) lines.push(entryText(table, slot, clock.sharedMs, serverKeys));
    table.release(slot);
  }
  return { text: lines.join("") };
}

/** `data.<type> <op> <value>`, up to four times. */
function filtersOf(action: Action, table: StickTable, args: readonly string[]): Filter[] | Answer {
  if (action === "set") {
    return failure('content-based lookup is only supported with the "show" and "clear" actions\n');
  }
  const filters: Filter[] = [];
  let at = 1;
  for (; filters.length < FILTERS_MAX && args[at] !== undefined; at += 3) {
    const entry = `Filter entry #${filters.length + 1}: `;
    const value = valueNamed(table, args[at]!.slice("data.".length));
    if (value === "unknown") return failure(`${entry}Unknown data type\n`);
    if (value === "not stored") return failure(`${entry}Data type not stored in this table\n`);
    const holds = OPERATORS[args[at + 1] ?? ""];
    if (holds === undefined) {
      return failure(`${entry}Require and operator among "eq", "ne", "le", "ge", "lt", "gt"\n`);
    }
    const than = args[at + 2] ?? "";
    if (!/^[+-]?\d+$/.test(than)) return failure(`${entry}Require a valid integer value to compare against\n`);
    filters.push({ value, holds, than: Number(than) });
  }
  if (args[at] === undefined) return filters;
  return failure(`Detected extra data in filter, ${at + 3}th word of input, after '${args[at - 1]}'\n`);
}

/** One entry, by its key or by what show table calls it. */
function single(
  action: Action,
  table: StickTable,
  args: readonly string[],
  mayRead: boolean,
  context: RuntimeContext,
): Answer {
  const isPointer = args[1] === "ptr";
  if (args[2] === undefined) return failure(isPointer ? "Pointer value expected\n" : "Key value expected\n");
  let slot: number;
  if (isPointer) {
    slot = slotOfPointer(table, args[2]);
    if (slot < 0 || !table.hold(slot)) return failure("No such entry (pointer invalid or entry expired)\n");
  } else {
    if (!setKey(table, args[2])) return failure("Invalid key\n");
    slot = action === "set" ? table.obtain() : table.find();
    if (slot < 0 && action === "set") return failure("Unable to allocate a new entry\n");
  }
  const answer = mayRead ? process(action, table, slot, args, context) : PERMISSION_DENIED;
  if (slot >= 0 && !(action === "clear" && mayRead && table.plan.keyType !== "binary")) table.release(slot);
  return answer;
}

/** @param slot held, -1: none; `clear` releases it */
function process(
  action: Action,
  table: StickTable,
  slot: number,
  args: readonly string[],
  context: RuntimeContext,
): Answer {
  const { clock, serverKeys } = context.control.shared.stickTables;
  if (table.plan.keyType === "binary") return failure(WRONG_TYPE[action]);
  if (slot < 0) return NOTHING;
  if (action === "show") return { text: head(table) + entryText(table, slot, clock.sharedMs, serverKeys) };
  if (action === "clear") return table.remove(slot) ? NOTHING : failure("Entry currently in use, cannot remove\n");
  for (let at = 3; at < args.length; at += 2) {
    const problem = setOne(table, slot, args[at]!, args[at + 1] ?? "", clock.sharedMs);
    if (problem === null) continue;
    table.touch(slot);
    return failure(problem);
  }
  table.touch(slot);
  return NOTHING;
}

function setOne(table: StickTable, slot: number, name: string, text: string, now: number): string | null {
  if (!name.startsWith("data.")) return '"data.<type>" followed by a value expected\n';
  const value = valueNamed(table, name.slice("data.".length));
  if (value === "unknown") return "Unknown data type\n";
  if (value === "not stored") return "Data type not stored in this table\n";
  if (!/^[+-]?\d+$/.test(text)) return "Require a valid integer value to store\n";
  return writeValue(table, slot, value, Number(text), now) ? null : "index out of range in this data array\n";
}

function slotOfPointer(table: StickTable, text: string): number {
  if (!/^0x[0-9a-f]+$/i.test(text)) return -1;
  const slot = Number(text) % 2 ** 32;
  return slot < table.layout.slots && text.toLowerCase() === pointerText(table, slot) ? slot : -1;
}

/** The key as an administrator writes it. */
function setKey(table: StickTable, text: string): boolean {
  const { keyType } = table.plan;
  if (keyType === "integer") {
    if (!/^[+-]?\d+/.test(text)) return false;
    table.keyInteger(Number.parseInt(text, 10) | 0);
    return true;
  }
  if (keyType === "string" || keyType === "binary") {
    const bytes = textBytes(text);
    if (keyType === "string") table.keyText(bytes, 0, bytes.length);
    else table.keyBinary(bytes, 0, bytes.length);
    return true;
  }
  const address = parseAddress(text);
  if (address === null) return false;
  const wanted = keyType === "ip" ? 4 : 16;
  const bytes = address.length === wanted ? address : converted(address);
  if (bytes === null) return false;
  table.keyBinary(bytes, 0, bytes.length);
  return true;
}

/** The same address in the other family, null: it has none there. */
function converted(address: Uint8Array): Uint8Array | null {
  if (address.length === 4) return Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...address]);
  const isMapped = address.subarray(0, 10).every((byte) => byte === 0) && address[10] === 255 && address[11] === 255;
  return isMapped ? address.subarray(12) : null;
}
