// From a value to a table's key, as HAProxy casts it: addresses as addresses, integers as 32 bits, texts cut to the length of the key,
// blocks filled up with zeros.

import type { SampleType } from "../plan/expression.ts";
import type { StickKeyType } from "../plan/stick-table.ts";
import { castAny } from "../sample/cast.ts";
import { fillWords } from "../sample/integer64.ts";
import type { SampleValue } from "../sample/value.ts";
import type { StickTable } from "./table.ts";

/** As what type a sample becomes a key. */
export const KEY_SAMPLES: Readonly<Record<StickKeyType, SampleType>> = {
  ...{ ip: "ipv4", ipv6: "ipv6", integer: "sint", string: "str", binary: "bin" },
};

/** The key of a value of any type; false: it cannot be cast. */
export function compileValueKey(table: StickTable): (value: SampleValue) => boolean {
  const cast = castAny(KEY_SAMPLES[table.plan.keyType]);
  const set = KEY_SETTERS[table.plan.keyType];
  return (value) => {
    if (!cast(value)) return false;
    set(table, value);
    return true;
  };
}

/** Gives the table the key of a value that has the type of KEY_SAMPLES. */
export const KEY_SETTERS: Readonly<Record<StickKeyType, (table: StickTable, value: SampleValue) => void>> = {
  ip: (table, value) => table.keyBinary(value.address, 0, 4),
  ipv6: (table, value) => table.keyBinary(value.address, 0, 16),
  integer: (table, value) => {
    fillWords(value);
    table.keyInteger(value.low);
  },
  string: (table, value) => table.keyText(value.bytes, value.start, value.end),
  binary: (table, value) => table.keyBinary(value.bytes, value.start, value.end),
};
